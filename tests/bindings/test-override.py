#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What the override adds: coroutines, keywords, dictionaries, attributes."""

import asyncio
import math
import signal
import socket
import ssl
import threading

import gi

gi.require_version('Resilient', '1')
from gi.repository import Gio, GLib, Resilient  # noqa: E402

from coroutines import coroutine, raises_in  # noqa: E402
from loopback import Server  # noqa: E402
from tap import case, equal, raises, run  # noqa: E402

server = Server()
quick = Resilient.RetryPolicy(base_delay=0, jitter_mode=Resilient.Jitter.NONE)


def held():
    """A future for the next request for /hold."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def wake():
        server.wake = lambda: None
        loop.call_soon_threadsafe(future.set_result, None)

    server.wake = wake
    return future


# --- values ---

@case
def a_context_takes_keywords():
    context = Resilient.RequestContext(request_id='x', max_retries=3, base_delay=0.5,
                                       metadata={'service': 'users'})
    equal((context.request_id, context.max_retries, context.base_delay), ('x', 3, 0.5))
    equal(context.metadata, {'service': 'users'})
    equal(context.backoff_factor, Resilient.RetryPolicy.get_default().backoff_factor)
    equal(Resilient.RequestContext(policy=quick, max_retries=7).policy.jitter_mode,
          Resilient.Jitter.NONE)
    assert Resilient.RequestContext(policy=quick).policy == quick
    plain = Resilient.RequestContext()
    equal((plain.metadata, plain.policy, len(plain.request_id)), ({}, None, 36))
    error = raises(GLib.Error, Resilient.RequestContext, request_id='not an id')
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_REQUEST)
    error = raises(GLib.Error, Resilient.RequestContext, max_retries=-2)
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_POLICY)
    raises(TypeError, Resilient.RequestContext, retries=3)


@case
def metadata_keeps_what_it_is_made_of():
    metadata = {'text': 'é', 'yes': True, 'small': -1, 'large': 2 ** 63, 'real': 0.5, 'none': None,
                'list': [1, 'a', [None, {'deep': False}]], 'dict': {'a': {'b': 1}}, 'empty': {},
                'nothing': []}
    context = Resilient.RequestContext(metadata=metadata)
    equal(context.metadata, metadata)
    equal(type(context.metadata['yes']), bool)
    equal(context.with_metadata({'a': 1}).metadata, {'a': 1})
    equal(context.with_metadata(None).metadata, {})
    equal(context.with_metadata().metadata, {})
    equal(Resilient.RequestContext(metadata={'b': b'\x00\xff', 'l': [b'', bytearray(b'x')]})
          .metadata, {'b': b'\x00\xff', 'l': [b'', b'x']})
    for wrong in ({'a': 'b\0'}, {'a\0': 1}, {'a': [{'b': '\0'}]}):
        assert 'metadata' in str(raises(ValueError, Resilient.RequestContext, metadata=wrong))
    variant = GLib.Variant('a{sv}', {'i': GLib.Variant('i', 1)})
    equal(context.with_metadata(variant).metadata, {'i': 1})
    request = Resilient.Request(method='GET', uri=server.uri('/'))
    request.metadata = {'c': 'd'}
    equal(request.metadata, {'c': 'd'})
    raises(TypeError, Resilient.RequestContext, metadata={'o': object()})


@case
def a_policy_takes_keywords():
    policy = Resilient.RetryPolicy(max_retries=5, retry_statuses=[503],
                                   retry_on=Resilient.Failure.STATUS)
    equal((policy.max_retries, list(policy.retry_statuses)), (5, [503]))
    equal(policy.retry_on, Resilient.Failure.STATUS)
    equal(Resilient.RetryPolicy(policy, max_delay=3).max_retries, 5)
    assert Resilient.RetryPolicy() == Resilient.RetryPolicy.get_default()
    assert Resilient.RetryPolicy.new(2, 0.5).base_delay == 0.5
    raises(TypeError, Resilient.RetryPolicy, retries=3)
    error = raises(GLib.Error, Resilient.RetryPolicy, jitter=2)
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_POLICY)


@case
def equal_values_are_equal():
    first, second = Resilient.RetryPolicy(max_retries=4), Resilient.RetryPolicy(max_retries=4)
    assert first == second and hash(first) == hash(second)
    assert first != Resilient.RetryPolicy(max_retries=3)
    context = Resilient.RequestContext()
    same = context.copy()
    assert context == same and hash(context) == hash(same)
    assert context != context.increment_attempt() and context != Resilient.RequestContext()
    assert context != 'text'
    equal(len({context, same, context.increment_attempt()}), 2)


@case
def values_show_what_they_are():
    context = Resilient.RequestContext(request_id='x', metadata={'password': 'secret'})
    equal(repr(context),
          "<Resilient.RequestContext request_id='x' current_attempt=0 max_retries=2>")
    assert 'jitter_mode=none' in repr(quick) and 'retry_on=resolve|connect|tls' in repr(quick)
    client = Resilient.Client()
    request = Resilient.Request.new('GET', server.uri('/text?password=secret'))
    response = client.send(request, context, None)
    equal(repr(response).partition(' elapsed')[0],
          "<Resilient.Response status_code=200 reason_phrase='OK' content_type='text/plain'")
    result = client.get_result('x')
    assert repr(result).startswith(
        "<Resilient.Result request_id='x' status=success attempts=1 failure=none"), result
    assert repr(result.list_attempts()[0]).startswith(
        '<Resilient.Attempt number=1 failure=none status_code=200')
    assert 'requests=1 attempts=1 retries=0 successes=1' in repr(client.stats)
    assert 'secret' not in repr([context, response, result])


@case
def what_has_a_getter_is_an_attribute():
    client = Resilient.Client()
    equal((client.active_count, client.closed, client.result_count), (0, False, 0))
    client.max_concurrent = 7
    equal(client.props.max_concurrent, 7)
    request = Resilient.Request(method='GET', uri=server.uri('/text'))
    request.priority = 5
    request.total_timeout = 10
    equal((request.get_priority(), request.props.total_timeout), (5, 10))
    response = client.send(request, None, None)
    equal((response.status_code, response.body, response.text), (200, b'hello', 'hello'))
    equal(response.uri.get_path(), '/text')
    equal(client.stats.requests, 1)
    # Not what takes arguments, or may fail.
    assert not hasattr(client, 'result') and not hasattr(client, 'origin')


@case
def questions_are_attributes_that_may_be_called():
    refused = Server(listen=False)
    client = Resilient.Client(retry_policy=quick)
    good = client.send(Resilient.Request.new('GET', server.uri('/text')),
                       Resilient.RequestContext('good'), None)
    raises(GLib.Error, client.send, Resilient.Request.new('GET', refused.uri('/')),
           Resilient.RequestContext('bad'), None)
    context = Resilient.RequestContext(max_retries=0)
    late = context.increment_attempt()
    for thing, name, expected in ((client.get_result('good'), 'is_success', True),
                                  (client.get_result('good'), 'is_error', False),
                                  (client.get_result('bad'), 'is_success', False),
                                  (client.get_result('bad'), 'is_error', True),
                                  (good, 'has_body', True),
                                  (context, 'has_retries_left', True),
                                  (late, 'has_retries_left', False)):
        answer = getattr(thing, name)
        equal((bool(answer), answer(), answer == expected, f'{answer}', repr(answer)),
              (expected, expected, True, str(expected), str(expected)))
        equal(type(answer()), bool)
        # As a function of the class too.
        equal(getattr(type(thing), name)(thing), expected)


@case
def durations_that_are_none_are_refused():
    nan, inf = float('nan'), float('inf')
    client = Resilient.Client()
    request = Resilient.Request(method='GET', uri=server.uri('/text'))
    for name in ('connect_timeout', 'read_timeout', 'write_timeout', 'queue_timeout',
                 'attempt_timeout', 'total_timeout'):
        for take in (lambda value: Resilient.Client(**{name: value}),
                     lambda value: setattr(client, name, value),
                     lambda value: getattr(client, f'set_{name}')(value),
                     lambda value: Resilient.Request(method='GET', uri='x', **{name: value}),
                     lambda value: setattr(request, name, value),
                     lambda value: client.get(server.uri('/text'), **{name: value})):
            for value in (-0.5, -2, -inf, nan, inf):
                assert name in str(raises(ValueError, take, value)), name
            for value in ('soon', [], '1s'):
                assert name in str(raises(TypeError, take, value)), name
        # None is the client's; of which there is nothing above.
        assert name in str(raises(TypeError, setattr, client, name, None))
        assert name in str(raises(TypeError, Resilient.Client, **{name: None}))
        setattr(request, name, 3)
        equal(getattr(request, name), 3)
        setattr(request, name, None)
        equal(getattr(request, name), -1)
        setattr(request, name, -1)
        equal(getattr(Resilient.Request(method='GET', uri='x', **{name: None}), name), -1)
    equal(client.stats.requests, 0)
    assert 'result_ttl' in str(raises(ValueError, setattr, client, 'result_ttl', -1))
    for value in (nan, -1, inf):
        assert 'max_age' in str(raises(ValueError, client.clear_old_results, value))
    for value in (nan, -0.1, 1.5):
        assert 'percentile' in str(raises(ValueError, client.get_stats().get_percentile, value))
    assert 'percentile' in str(raises(TypeError, client.get_stats().get_percentile, 'half'))
    for take in (client.set_user_agent, lambda value: setattr(client, 'user_agent', value),
                 lambda value: Resilient.Client(user_agent=value)):
        assert 'user_agent' in str(raises(ValueError, take, 'a\r\nX: b'))
    assert 'timeout' in str(raises(ValueError, client.subscribe(1).wait_next, nan, None))
    assert 'timeout' in str(raises(ValueError, Resilient.fetch, 'GET', 'x', 0, nan))
    assert 'timeout' in str(raises(TypeError, Resilient.fetch, 'GET', 'x', 0, None))
    builder = Resilient.RetryPolicyBuilder.new(None)
    assert 'base_delay' in str(raises(TypeError, builder.set_base_delay, None))
    error = raises(GLib.Error, Resilient.RetryPolicy, base_delay=nan)
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_POLICY)


@case
def circuit_policies_take_keywords():
    policy = Resilient.CircuitPolicy(failure_threshold=3, recovery_timeout=10)
    equal((policy.failure_threshold, policy.recovery_timeout, policy.lease), (3, 10, 60))
    equal(Resilient.CircuitPolicy(policy, lease=5).failure_threshold, 3)
    assert Resilient.CircuitPolicy() == Resilient.CircuitPolicy.get_default() != policy
    equal(len({policy, Resilient.CircuitPolicy(policy)}), 1)
    assert 'failure_threshold=3' in repr(policy)
    raises(TypeError, Resilient.CircuitPolicy, threshold=3)
    for name, value in (('failure_threshold', 0), ('failure_rate', float('nan')), ('lease', -1)):
        error = raises(GLib.Error, Resilient.CircuitPolicy, **{name: value})
        assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_POLICY)
        assert name in error.message
    assert 'minimum_calls' in str(raises(ValueError, Resilient.CircuitPolicy, minimum_calls=2 ** 31))
    assert 'minimum_calls' in str(raises(TypeError, Resilient.CircuitPolicy, minimum_calls=0.5))


@case
def a_permit_reports_at_the_end_of_its_block():
    breaker = Resilient.CircuitBreaker(policy=Resilient.CircuitPolicy(failure_threshold=2))

    def block(error=None):
        with breaker.acquire() as permit:
            assert isinstance(permit, Resilient.Permit)
            if error is not None:
                raise error

    raises(ZeroDivisionError, block, ZeroDivisionError())
    block()
    raises(ZeroDivisionError, block, ZeroDivisionError())
    # Neither a success, which would begin anew, nor a failure, which would open it.
    raises(KeyboardInterrupt, block, KeyboardInterrupt())
    raises(GLib.Error, block, GLib.Error.new_literal(Gio.io_error_quark(), 'cancelled',
                                                     Gio.IOErrorEnum.CANCELLED))
    equal(breaker.state, Resilient.CircuitState.CLOSED)
    raises(GLib.Error, block, GLib.Error.new_literal(Gio.io_error_quark(), 'failed',
                                                     Gio.IOErrorEnum.FAILED))
    equal(breaker.state, Resilient.CircuitState.OPEN)
    assert 30 <= breaker.retry_after <= 36


@case
def integers_out_of_range_are_refused():
    client = Resilient.Client()
    origin = client.get_origin(server.uri('/'))
    for value in (-1, 0, 2 ** 32, 10 ** 30):
        for take in (lambda value: Resilient.Client(max_concurrent=value),
                     lambda value: setattr(client, 'max_concurrent', value),
                     lambda value: setattr(client.props, 'max_concurrent', value),
                     lambda value: client.set_property('max-concurrent', value),
                     client.set_max_concurrent):
            assert 'max_concurrent' in str(raises(ValueError, take, value))
        assert 'capacity' in str(raises(ValueError, client.subscribe, value))
    for value in (0.5, 'many', None, float('nan')):
        assert 'max_concurrent' in str(raises(TypeError, client.set_max_concurrent, value))
        assert 'capacity' in str(raises(TypeError, client.subscribe, value))
    for value in (0, -2):
        assert 'max_concurrent' in str(raises(ValueError, setattr, origin, 'max_concurrent', value))
    for value in (-1, float('nan')):
        assert 'read_timeout' in str(raises(ValueError, setattr, client.props, 'read_timeout',
                                            value))
        assert 'read_timeout' in str(raises(ValueError, client.set_property, 'read-timeout', value))
    equal((client.max_concurrent, client.read_timeout, origin.max_concurrent), (100, 30, -1))
    client.props.max_concurrent = 7
    client.set_property('read-timeout', 3)
    client.io_priority = -100
    equal((client.props.max_concurrent, client.props.read_timeout, client.io_priority),
          (7, 3, -100))
    assert 'max_concurrent' in dir(client.props)
    equal(Resilient.Client.props.max_concurrent.name, 'max-concurrent')


@coroutine()
async def durations_of_operations_are_checked():
    async with Resilient.Client() as client:
        equal((await client.get(server.uri('/text'), Resilient.RequestContext('x'),
                                total_timeout=None)).text, 'hello')
        assert 'timeout' in str(await raises_in(ValueError, client.wait('x', float('nan'))))
        equal((await client.wait('x', None)).is_success, True)
        assert 'grace' in str(await raises_in(ValueError, client.close(float('nan'))))
        assert 'grace' in str(await raises_in(TypeError, client.close(None)))
        assert 'timeout' in str(raises(ValueError, client.wait_result_async, 'x', float('nan')))
        assert 'timeout' in str(raises(ValueError, Resilient.fetch_async, 'GET', 'x', 0,
                                       float('nan')))


@coroutine()
async def a_refused_default_header_is_an_error():
    async with Resilient.Client() as client:
        for name in ('Authorization', 'proxy-authorization', 'Cookie'):
            message = str(raises(GLib.Error, client.set_default_header, name, 'secret'))
            assert name in message and 'origin' in message and 'secret' not in message
        for name, value in (('X Y', 'secret'), ('X-Y', 'secret\r\nX: y'), ('', 'secret')):
            message = str(raises(GLib.Error, client.set_default_header, name, value))
            assert 'header' in message and 'secret' not in message
        origin = client.get_origin(server.uri('/'))
        raises(GLib.Error, origin.set_default_header, 'X Y', 'secret')
        assert origin.set_default_header('Authorization', 'secret')
        assert client.set_default_header('X-One', '1')
        headers = (await client.get(server.uri('/echo'))).json()['headers']
        equal((headers['authorization'], headers['x-one']), ('secret', '1'))
        assert client.set_default_header('X-One', None)
        assert 'x-one' not in (await client.get(server.uri('/echo'))).json()['headers']


# --- coroutines ---

@coroutine()
async def a_get_is_awaited():
    async with Resilient.Client() as client:
        response = await client.get(server.uri('/json'))
        equal((response.status_code, response.json()), (200, {'answer': 42}))
    assert client.closed


@coroutine()
async def a_retry_is_decided_and_told():
    late = Server(listen=False)
    async with Resilient.Client() as client:
        told = []
        client.connect('retry', lambda client, event: (told or late.listen(), told.append(event)))
        # The handler may be called in another thread, and thus after another attempt.
        context = Resilient.RequestContext('late', quick, max_retries=-1, base_delay=0.01)
        response = await client.get(late.uri('/text'), context)
        equal(response.text, 'hello')
        result = client.results['late']
        assert result.is_success() and result.attempts > 1
        assert [event.context.current_attempt for event in told][0] == 1


@coroutine()
async def errors_are_raised():
    async with Resilient.Client() as client:
        error = await raises_in(GLib.Error, client.get(Server(listen=False).uri('/'),
                                                       Resilient.RequestContext('x', quick)))
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_REFUSED)
        equal(client.get_result('x').attempts, 3)
        error = await raises_in(GLib.Error, client.get('no uri'))
        assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_REQUEST)
        error = await raises_in(GLib.Error, client.wait('unknown'))
        assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.NOT_FOUND)
    error = await raises_in(GLib.Error, client.get(server.uri('/text')))
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.CLOSED)


@coroutine()
async def many_run_at_once():
    async with Resilient.Client() as client:
        calls = [client.get(server.uri('/echo'), Resilient.RequestContext(str(number)),
                            params={'n': number}) for number in range(50)]
        responses = await asyncio.gather(*calls)
        equal([response.json()['target'] for response in responses],
              [f'/echo?n={number}' for number in range(50)])
        results = await client.wait_all()
        equal(sorted(results, key=int), [str(number) for number in range(50)])
        assert all(result.is_success() and result.total_time > 0 for result in results.values())


@coroutine()
async def failures_are_gathered():
    async with Resilient.Client(retry_policy=quick) as client:
        good, bad = await asyncio.gather(client.get(server.uri('/text')),
                                         client.get(Server(listen=False).uri('/')),
                                         return_exceptions=True)
        equal(good.status_code, 200)
        assert isinstance(bad, GLib.Error)


@coroutine()
async def a_call_is_awaited_twice():
    async with Resilient.Client() as client:
        call = client.get(server.uri('/text'))
        assert isinstance(call, Resilient.Call)
        first, second = await asyncio.gather(call, call)
        assert (await call).text == first.text == second.text == 'hello'
        equal(client.stats.requests, 1)


@coroutine()
async def cancelling_who_awaits_a_call_cancels_it():
    async with Resilient.Client() as client:
        came = held()
        call = client.get(server.uri('/hold'), Resilient.RequestContext('held'))
        task = asyncio.ensure_future(call)
        await came
        task.cancel()
        await raises_in(asyncio.CancelledError, task)
        equal((await client.wait('held')).status, Resilient.ResultStatus.CANCELLED)


@coroutine()
async def a_time_limit_cancels_the_request():
    async with Resilient.Client() as client:
        call = client.get(server.uri('/hold'), Resilient.RequestContext('held'))
        await raises_in(asyncio.TimeoutError, asyncio.wait_for(call, 0.05))
        equal((await client.wait('held')).status, Resilient.ResultStatus.CANCELLED)
        error = await raises_in(GLib.Error, client.get(server.uri('/hold'), total_timeout=0.05))
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)


@coroutine()
async def a_cancelled_request_is_an_error_to_who_awaits_it():
    async with Resilient.Client() as client:
        came = held()
        call = client.get(server.uri('/hold'), Resilient.RequestContext('held'))
        await came
        equal(client.cancel('held'), 1)
        error = await raises_in(GLib.Error, call)
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


@coroutine()
async def leaving_the_block_closes_the_client():
    async with Resilient.Client() as client:
        came = held()
        call = client.get(server.uri('/hold'))
        await came
    assert client.closed
    error = await raises_in(GLib.Error, call)
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    await client.close()


@coroutine()
async def verbs_have_bodies():
    async with Resilient.Client() as client:
        for verb in ('get', 'options', 'delete', 'post', 'put', 'patch'):
            equal((await getattr(client, verb)(server.uri('/echo'))).json()['method'], verb.upper())
        equal((await client.head(server.uri('/text'))).body, b'')
        echo = (await client.post(server.uri('/echo'), json={'a': [1, None]})).json()
        equal((echo['body'], echo['headers']['content-type']),
              ('{"a": [1, null]}', 'application/json'))
        echo = (await client.put(server.uri('/echo'), form={'a': 'b c', 'd': 1})).json()
        equal(sorted(echo['body'].split('&')), ['a=b+c', 'd=1'])
        echo = (await client.patch(server.uri('/echo'), data='é')).json()
        equal((echo['body'], echo['headers']['content-type']), ('é', 'text/plain; charset=utf-8'))
        echo = (await client.post(server.uri('/echo'), data=b'x', content_type='text/css')).json()
        equal((echo['body'], echo['headers']['content-type']), ('x', 'text/css'))
        echo = (await client.request('REPORT', server.uri('/status/207'))).status_code
        raises(TypeError, client.post, server.uri('/echo'), json=1, data=b'2')
        raises(TypeError, client.get, server.uri('/echo'), no_such_property=1)
        for number in (float('nan'), float('inf'), -float('inf')):
            raises(ValueError, client.post, server.uri('/echo'), json={'a': number})


@coroutine()
async def headers_and_parameters_are_sent():
    async with Resilient.Client() as client:
        echo = (await client.get(server.uri('/echo'), params={'q': 'a b', 'n': 1},
                                 headers={'X-One': '1', 'X-Two': 2})).json()
        assert echo['target'] in ('/echo?q=a%20b&n=1', '/echo?q=a+b&n=1'), echo
        equal((echo['headers']['x-one'], echo['headers']['x-two']), ('1', '2'))
        echo = (await client.get(server.uri('/echo'), params=[('a', 1), ('a', 2)],
                                 headers=[('X-A', 'b')])).json()
        equal((echo['target'], echo['headers']['x-a']), ('/echo?a=1&a=2', 'b'))
        call = client.get(server.uri('/text'), metadata={'a': 1}, priority=3)
        await call
        equal((call.context.metadata, call.priority), ({'a': 1}, 3))


@coroutine()
async def what_is_no_text_is_spelt_or_refused():
    async with Resilient.Client() as client:
        uri = server.uri('/echo')
        echo = (await client.get(uri, params={'a': [1, 'b'], 'c': True, 'd': False, 'e': []})).json()
        equal(echo['target'], '/echo?a=1&a=b&c=true&d=false')
        echo = (await client.post(uri, form={'a': [1, 'é &'], 'c': True})).json()
        equal((echo['body'], echo['headers']['content-type']),
              ('a=1&a=%C3%A9+%26&c=true', 'application/x-www-form-urlencoded'))
        echo = (await client.post(uri, form=[('a', 1), ('a', 2)])).json()
        equal(echo['body'], 'a=1&a=2')
        echo = (await client.get(uri, headers={'X-A': ['1', 2], 'X-B': False})).json()
        equal((echo['headers']['x-a'].replace(' ', ''), echo['headers']['x-b']), ('1,2', 'false'))
        for name in ('params', 'headers', 'form'):
            for value in (b'x', {}, [[1]], {1}):
                message = str(raises(TypeError, client.post, uri, **{name: {'X-Name': value}}))
                assert 'X-Name' in message, message
            message = str(raises(TypeError, client.post, uri, **{name: 'X-Name=x'}))
            assert 'pairs' in message, message
        for value in (None, [None]):
            assert 'X-Name' in str(raises(TypeError, client.post, uri, form={'X-Name': value}))
            echo = (await client.get(uri, params={'a': value, 'b': 1},
                                     headers={'X-A': value, 'X-B': [None, 'b']})).json()
            equal((echo['target'], 'x-a' in echo['headers'], echo['headers']['x-b']),
                  ('/echo?b=1', False, 'b'))
        equal((await client.request('post', uri)).json()['method'], 'POST')


@coroutine()
async def a_request_is_started():
    async with Resilient.Client() as client:
        response = await client.start(Resilient.Request.new('GET', server.uri('/text')))
        equal(response.text, 'hello')


@coroutine()
async def asynchronous_calls_without_callback_are_awaited():
    async with Resilient.Client() as client:
        context = Resilient.RequestContext('x')
        equal((await client.get_async(server.uri('/text'), context)).text, 'hello')
        equal((await client.get_async(server.uri('/text'), context, None)).text, 'hello')
        equal((await client.get_async(server.uri('/text'))).text, 'hello')
        request = Resilient.Request.new('GET', server.uri('/text'))
        equal((await client.send_async(request, None)).text, 'hello')
        equal((await client.wait_result_async('x', -1)).request_id, 'x')
        equal(len(await client.wait_all_async()), 3)
        equal((await client.start(request).wait_async()).text, 'hello')
        equal((await Resilient.fetch_async('GET', server.uri('/text'), 2, 10)).text, 'hello')

        cancellable = Gio.Cancellable.new()
        awaitable = client.get_async(server.uri('/hold'), None, cancellable)
        cancellable.cancel()
        error = await raises_in(GLib.Error, awaitable)
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
        equal(await client.close_async(0), True)


@coroutine(Resilient.run)
async def asynchronous_calls_still_take_callbacks():
    async with Resilient.Client() as client:
        done = asyncio.get_running_loop().create_future()
        client.get_async(server.uri('/text'), None, None,
                         lambda client, result: done.set_result(result))
        equal(client.get_finish(await done).text, 'hello')
        done = asyncio.get_running_loop().create_future()
        client.get_async(server.uri('/text'), user_data='data',
                         callback=lambda client, *rest: done.set_result(rest))
        result, data = await done
        equal((client.get_finish(result).text, data), ('hello', 'data'))


@coroutine()
async def a_subscription_is_iterated():
    async with Resilient.Client(retry_policy=quick) as client:
        subscription = client.subscribe(10)
        assert subscription
        context = Resilient.RequestContext('x')
        await raises_in(GLib.Error, client.get(Server(listen=False).uri('/'), context))
        equal(len(subscription), 3)
        event = await subscription.next()
        equal((event.event_type, event.context.current_attempt), (Resilient.EventType.RETRY, 1))
        assert len({context, event.context}) == 2
        waiting = asyncio.ensure_future(subscription.next())
        equal((await waiting).context.current_attempt, 2)
        await client.close()
        equal([event.event_type.value_nick async for event in subscription], ['error'])
        assert await subscription.next() is None


@coroutine()
async def waiting_for_an_event_can_be_given_up():
    async with Resilient.Client() as client:
        subscription = client.subscribe(10)
        await raises_in(asyncio.TimeoutError, asyncio.wait_for(subscription.next(), 0.01))
        await client.get(server.uri('/text'))
        equal((await subscription.next()).event_type, Resilient.EventType.SUCCESS)


@coroutine(Resilient.run)
async def signals_and_tasks_share_a_thread():
    async with Resilient.Client() as client:
        threads = []
        task = None

        async def react(event):
            await asyncio.sleep(0)
            return event.context.request_id

        def on_success(client, event):
            nonlocal task
            threads.append(threading.current_thread())
            task = asyncio.create_task(react(event))
            told.set()

        told = asyncio.Event()
        client.connect('success', on_success)
        call = client.get(server.uri('/text'), Resilient.RequestContext('x'))
        equal(len(client.calls), 1)
        equal(client.calls[0], call)
        await call
        await told.wait()
        equal(threads, [threading.current_thread()])
        equal(await task, 'x')


@coroutine(Resilient.run)
async def glib_and_asyncio_timers_take_turns():
    order = []
    loop = asyncio.get_running_loop()
    both = loop.create_future()

    def last():
        order.append('glib')
        both.set_result(None)

    GLib.timeout_add(20, last)
    loop.call_later(0.001, order.append, 'first')
    idle = loop.create_future()
    GLib.idle_add(lambda: idle.set_result(None))
    await idle
    await both
    equal(order, ['first', 'glib'])


@coroutine(Resilient.run)
async def asyncio_streams_work():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper() + b'x' * 1000000)
        await writer.drain()
        writer.close()

    echo = await asyncio.start_server(answer, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*echo.sockets[0].getsockname())
    writer.write(b'hello\n')
    data = await reader.read()
    equal((data[:6], len(data)), (b'HELLO\n', 1000006))
    writer.close()
    await writer.wait_closed()
    echo.close()

    # Readers and writers of one file come and go.
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    with left, right:
        readable, writable = loop.create_future(), loop.create_future()
        loop.add_reader(left, lambda: readable.done() or readable.set_result(None))
        loop.add_writer(left, lambda: (loop.remove_writer(left), writable.set_result(None)))
        await writable
        assert not readable.done()
        right.send(b'x')
        await readable
        assert loop.remove_reader(left)
        assert not loop.remove_reader(left)


@coroutine(Resilient.run)
async def other_threads_wake_the_loop():
    loop = asyncio.get_running_loop()
    equal(await loop.run_in_executor(None, lambda: 42), 42)
    process = await asyncio.create_subprocess_exec('true')
    equal(await process.wait(), 0)


@case
def an_operating_system_signal_interrupts():
    async def interrupted():
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await asyncio.Event().wait()

    raises(KeyboardInterrupt, Resilient.run, interrupted())


@case
def a_run_returns_and_raises():
    async def give():
        return 42

    async def fail():
        raise ValueError

    equal(Resilient.run(give()), 42)
    raises(ValueError, Resilient.run, fail())
    # Nothing of a closed loop is left in the main context.
    assert not GLib.MainContext.default().is_owner()


@case
def a_context_in_use_elsewhere_is_not_shared():
    context = GLib.MainContext.default()
    loop = Resilient.new_event_loop()
    taken, done = threading.Event(), threading.Event()

    def take():
        assert context.acquire()
        taken.set()
        done.wait()
        context.release()

    async def get():
        async with Resilient.Client() as client:
            assert client.main_context != context
            return (await client.get(server.uri('/text'))).text

    thread = threading.Thread(target=take)
    thread.start()
    try:
        taken.wait()
        task = loop.create_task(asyncio.sleep(0))
        raises(RuntimeError, loop.run_until_complete, task)
        # A loop that is made now brings a context of its own.
        equal(Resilient.run(asyncio.wait_for(get(), 20)), 'hello')
        equal(GLib.MainContext.get_thread_default(), None)
    finally:
        done.set()
        thread.join()
    loop.run_until_complete(task)
    loop.close()


@case
def a_thread_has_a_loop_of_its_own():
    seen = []

    async def work():
        async with Resilient.Client() as client:
            seen.append((await client.get(server.uri('/text'))).text)

    def in_context():
        context = GLib.MainContext.new()
        context.push_thread_default()
        Resilient.run(work())
        context.pop_thread_default()

    def in_plain_loop():
        asyncio.run(work())

    threads = [threading.Thread(target=target) for target in (in_context, in_plain_loop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(seen, ['hello'] * 2)


@case
def a_client_made_before_the_loop_can_be_used_in_it():
    client = Resilient.Client()

    async def work():
        equal((await client.get(server.uri('/text'))).text, 'hello')
        equal((await client.start(Resilient.Request.new('GET', server.uri('/text')))).text, 'hello')
        await client.wait_all()
        await client.close()

    asyncio.run(asyncio.wait_for(work(), 20))


@case
def without_a_loop_nothing_changes():
    client = Resilient.Client()
    done = []
    equal(client.get_async(server.uri('/text'), None, None,
                           lambda client, result: done.append(result)), None)
    equal(client.get_async(server.uri('/text')), None)
    while len(done) < 1 or client.stats.successes < client.stats.requests:
        GLib.MainContext.default().iteration(True)
    equal(client.get_finish(done[0]).text, 'hello')
    error = raises(RuntimeError, lambda: client.get(server.uri('/text')).__await__().send(None))
    assert 'no running event loop' in str(error)


@case
def handlers_are_connected_and_disconnected():
    async def work():
        async with Resilient.Client() as client:
            seen = []
            told = asyncio.Event()

            def on_success(client, event):
                seen.append(event)
                told.set()

            handler = client.connect('event::success', on_success)
            await client.get(server.uri('/text'))
            await told.wait()
            client.disconnect(handler)
            await client.get(server.uri('/text'))
            equal((len(seen), client.stats.successes), (1, 2))

    Resilient.run(asyncio.wait_for(work(), 20))


@coroutine(Resilient.run, asyncio.run)
async def a_retrier_is_awaited():
    retrier = Resilient.Retrier(retry_policy=Resilient.RetryPolicy(max_retries=1, base_delay=0))
    await retrier.backoff()
    equal(retrier.attempt, 2)
    error = await raises_in(GLib.Error, retrier.backoff_async(None))
    assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.RETRIES_EXHAUSTED)
    retrier.reset()
    equal(retrier.attempt, 1)
    await raises_in(GLib.Error, retrier.backoff(FileNotFoundError(2, 'not there')))
    raises(TypeError, retrier.backoff, ValueError('wrong'))

    # Python's TLS numbers its errors by itself: 8 is no ENOEXEC.
    retrier = Resilient.Retrier(retry_policy=Resilient.RetryPolicy(
        max_retries=9, base_delay=0, retry_on=Resilient.Failure.DISCONNECT))
    await retrier.backoff(ssl.SSLEOFError(8, 'cut off'))
    await retrier.backoff(ssl.SSLZeroReturnError(6, 'closed'))
    error = await raises_in(GLib.Error, retrier.backoff(ssl.SSLCertVerificationError(1, 'expired')))
    assert error.matches(Gio.tls_error_quark(), Gio.TlsError.BAD_CERTIFICATE)

    slow = Resilient.Retrier.new(Resilient.RetryPolicy(base_delay=1000, max_delay=1000), None)
    await raises_in(TimeoutError, asyncio.wait_for(slow.backoff_async(None), 0.01))


@coroutine(Resilient.run, asyncio.run)
async def guards_are_awaited():
    limiter = Resilient.RateLimiter(rate=50, burst=2)
    order = []

    async def take(number):
        assert await limiter.acquire_async()
        order.append(number)

    await asyncio.gather(*map(take, range(4)))
    equal(order, [0, 1, 2, 3])
    equal((limiter.rate, limiter.burst), (50, 2))

    # Who gives up takes no token.
    slow = Resilient.RateLimiter(rate=0.001)
    assert slow.try_acquire()
    await raises_in(TimeoutError, asyncio.wait_for(slow.acquire_async(), 0.01))
    assert slow.available < 0.01

    assert await Resilient.Throttle(interval=0).wait_async()
    assert await Resilient.Debouncer(interval=0).wait_async()
    debouncer = Resilient.Debouncer(interval=1000)
    older, newer = debouncer.wait_async(), debouncer.wait_async()
    error = await raises_in(GLib.Error, older)
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)
    newer.cancel()


@case
def guards_are_made_of_what_can_be():
    for field, cls, settings in [
            ('rate', Resilient.RateLimiter, {'rate': 0}),
            ('rate', Resilient.RateLimiter, {'rate': float('nan'), 'burst': 2}),
            ('burst', Resilient.RateLimiter, {'rate': 1, 'burst': 0}),
            ('ratio', Resilient.RetryBudget, {'ratio': 0, 'reserve': 0}),
            ('reserve', Resilient.RetryBudget, {'reserve': -1}),
            ('interval', Resilient.Throttle, {'interval': -1}),
            ('interval', Resilient.Debouncer, {'interval': float('inf')})]:
        error = raises(GLib.Error, cls, **settings)
        assert error.matches(Resilient.ClientError.quark(), Resilient.ClientError.INVALID_POLICY)
        assert field in error.message, error.message
    equal(Resilient.RetryBudget().available, 10)
    equal(Resilient.Throttle(interval=2).interval, 2)
    assert 'rate' in str(raises(TypeError, Resilient.RateLimiter, rate='often'))
    assert 'reserve' in str(raises(TypeError, Resilient.RetryBudget, reserve=None))
    for burst in (1.5, '2', None):
        assert 'burst' in str(raises(TypeError, Resilient.RateLimiter, rate=1, burst=burst))
        assert 'burst' in str(raises(TypeError, Resilient.RateLimiter.new, 1, burst))
    assert 'burst' in str(raises(ValueError, Resilient.RateLimiter, rate=1, burst=2 ** 32 + 1))


@case
def what_is_set_later_is_looked_at_too():
    client = Resilient.Client()
    limiter = Resilient.RateLimiter(rate=1)
    client.rate_limiter = limiter
    other = Resilient.RetryBudget()
    # PyGObject only warns, and the limiter that was there would be gone.
    assert 'rate_limiter' in str(raises(TypeError, setattr, client.props, 'rate_limiter', other))
    assert 'rate_limiter' in str(raises(TypeError, client.set_property, 'rate-limiter', 3))
    assert client.rate_limiter is limiter
    client.props.rate_limiter = None
    assert client.rate_limiter is None
    assert 'main_context' in str(raises(TypeError, setattr, client.props, 'main_context', None))

    builder = Resilient.CircuitPolicyBuilder.new(None)
    assert 'minimum_calls' in str(raises(TypeError, builder.set_minimum_calls, 1.5))
    assert 'failure_rate' in str(raises(TypeError, builder.set_failure_rate, None))
    assert 'hedge_max' in str(raises(TypeError, Resilient.RetryPolicy, hedge_max=1.5))

    for uris in (['http://127.0.0.1/', None, 'bad'], 'http://127.0.0.1/', [1]):
        message = str(raises(TypeError, Resilient.Request, uri='http://127.0.0.1/',
                             fallback_uris=uris))
        assert 'fallback_uris' in message, message
    request = Resilient.Request(uri='http://127.0.0.1/',
                                trace_parent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
    request.trace_state = 'rojo=1'
    equal((request.get_trace_parent()[3:7], request.get_trace_state()), ('4bf9', 'rojo=1'))

    # Not a batch of as many requests as it has letters.
    assert 'requests' in str(raises(TypeError, Resilient.Batch, client, 'http://127.0.0.1/'))
    assert 'requests' in str(raises(TypeError, Resilient.Batch, client, b'http://127.0.0.1/'))


async def turn_to(condition):
    while not condition():
        await asyncio.sleep(0.01)


class Sick(Exception):
    pass


def failing(*errors):
    """An asynchronous function that raises each of these once, and those that it has raised."""
    left = list(errors)

    async def work(number, plus=0):
        if left:
            raise left.pop(0)
        return number + plus

    return work, left


@coroutine(Resilient.run, asyncio.run)
async def a_function_is_retried():
    events = []

    def note(event):
        # Raises in a thread without a loop.
        asyncio.get_running_loop()
        events.append(event)

    decorate = Resilient.retry(max_retries=3, base_delay=0, exceptions=Sick,
                               context=Resilient.RequestContext('work'), on_event=note)
    passing = [ConnectionRefusedError(111, 'refused'), TimeoutError(), Sick()]
    work, left = failing(*passing)
    decorated = decorate(work)
    equal(decorated.__name__, 'work')
    equal(await decorated(1, plus=2), 3)
    equal(left, [])
    await turn_to(lambda: len(events) == 3)
    equal([(event.context.request_id, event.context.current_attempt) for event in events],
          [('work', 1), ('work', 2), ('work', 3)])
    # Each call has all of the attempts.
    equal(await decorated(1), 1)

    for error in (ValueError('wrong'), FileNotFoundError(2, 'not there'), asyncio.CancelledError()):
        work, left = failing(error, error)
        caught = await raises_in(type(error), decorate(work)(1))
        assert caught is error
        equal(left, [error])

    last = Sick('the last')
    work, left = failing(Sick(), Sick(), Sick(), last, Sick('too late'))
    assert await raises_in(Sick, decorate(work)(1)) is last
    equal(len(left), 1)

    # Without parentheses, and with the standard policy.
    work, left = failing(EOFError())
    equal(await Resilient.retry(work)(2), 2)


@case
def arguments_of_retry_are_named():
    for name, value in (('max_retries', 'many'), ('max_retries', 1.5), ('base_delay', 'short'),
                        ('base_delay', math.nan), ('backoff_factor', 0.5), ('jitter', 2),
                        ('max_retrys', 1), ('policy', 3), ('context', 'me'), ('exceptions', 'all'),
                        ('exceptions', (Sick, 1)), ('exceptions', BaseException),
                        ('on_event', 'print')):
        error = raises(Exception, Resilient.retry, **{name: value})
        assert name in str(error).replace('-', '_').replace(' ', '_'), error
    error = raises(TypeError, Resilient.retry, lambda: None)
    assert 'function' in str(error)
    own = Resilient.RequestContext('own', policy=Resilient.RetryPolicy(max_retries=7))
    assert 'max_retries' in str(raises(TypeError, Resilient.retry, context=own, max_retries=1))
    Resilient.retry(context=own)


@coroutine()
async def a_batch_is_awaited():
    async with Resilient.Client() as client:
        batch = Resilient.Batch(client, [server.uri('/text')] * 5, max_concurrent=2)
        equal((batch.n_done, batch.n_failed, batch.n_total, batch.max_concurrent), (0, 0, 5, 2))
        results = await batch.run()
        equal([result.response.text for result in results], ['hello'] * 5)
        equal(repr(batch), '<Resilient.Batch n_done=5 n_failed=0 n_total=5 max_concurrent=2>')

        equal(await Resilient.Batch(client, []).run(), [])
        equal(len(await Resilient.Batch.new(client, [server.uri('/text')],
                                            Resilient.BatchFlags.NONE).run_async()), 1)

        request = Resilient.Request(method='GET', uri='no URI')
        batch = Resilient.Batch(client, [server.uri('/hold'), request], fail_fast=True)
        await raises_in(GLib.Error, batch.run())
        equal(client.active_count, 0)
        equal([result.status for result in batch.list_results()],
              [Resilient.ResultStatus.CANCELLED, Resilient.ResultStatus.ERROR])

        batch = Resilient.Batch(client, [server.uri('/hold')] * 3, max_concurrent=2)
        started = held()
        running = asyncio.ensure_future(batch.run())
        await started
        running.cancel()
        await raises_in(asyncio.CancelledError, running)
        while batch.n_done < 3:
            await asyncio.sleep(0.01)
        equal(client.active_count, 0)


@case
def bad_batches_are_refused():
    client = Resilient.Client()
    for name, args, kwargs in (('client', (None, []), {}), ('requests', (client, None), {}),
                               ('requests', (client, [1]), {}), ('requests', (client, [None]), {}),
                               ('max_concurrent', (client, []), {'max_concurrent': -1}),
                               ('max_concurrent', (client, []), {'max_concurrent': 'all'})):
        error = raises(Exception, Resilient.Batch, *args, **kwargs)
        assert isinstance(error, (TypeError, ValueError)) and name in str(error), error


run()
