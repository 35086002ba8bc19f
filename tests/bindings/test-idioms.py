#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What who knows other HTTP clients of Python types first.

No assert statement has an effect of its own: they run with python3 -O too.
"""

import asyncio
import base64
import contextvars
import copy
import dataclasses
import gc
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import weakref

import gi

gi.require_version('Resilient', '1')
from gi.repository import Gio, GLib, Resilient  # noqa: E402

from coroutines import coroutine, raises_in  # noqa: E402
from loopback import Server  # noqa: E402
from tap import case, equal, raises, run  # noqa: E402

server = Server()
quick = Resilient.RetryPolicy(base_delay=0, jitter_mode=Resilient.Jitter.NONE)


def has(text, *parts):
    for part in parts:
        equal((part, part in str(text)), (part, True))


# --- forks ---

@case
def a_forked_child_has_a_client_of_its_own():
    process, base = Server.spawn()

    async def get():
        async with Resilient.Client() as client:
            return (await client.get(base + '/text', timeout=5)).text

    def get_and_wait():
        with Resilient.Client() as client:
            return client.sync.get(base + '/text', timeout=5).text

    equal(asyncio.run(get()), 'hello')
    for function in (lambda: asyncio.run(get()), get_and_wait):
        child = os.fork()
        if child == 0:
            # One that hangs ends by it.
            signal.alarm(20)
            status = 1
            try:
                status = 0 if function() == 'hello' else 2
            finally:
                os._exit(status)
        equal(os.waitpid(child, 0)[1], 0)
    process.communicate()


# --- keywords ---

@case
def keywords_are_in_signatures():
    verbs = ('params', 'headers', 'json', 'form', 'data', 'content', 'timeout', 'auth',
             'request_id', 'idempotency_key', 'metadata', 'max_retries', 'retry_policy',
             'cancellable', 'priority', 'total_timeout')
    for function, names in [
            (Resilient.Client, ('base_url', 'headers', 'timeout', 'limits', 'retry_policy',
                                'max_retries', 'auth', 'user_agent', 'circuit_policy')),
            (Resilient.Client.request, ('self', 'method', 'uri', 'context', *verbs)),
            (Resilient.Client().get, ('uri', 'context', *verbs)),
            (Resilient.Client.post, ('self', 'uri', *verbs)),
            (Resilient.Request, ('method', 'uri', 'total_timeout')),
            (Resilient.Timeout, ('connect', 'read', 'write', 'queue', 'attempt', 'total')),
            (Resilient.Limits, ('max_concurrent', 'max_concurrent_per_host', 'max_pending'))]:
        equal(set(names) - inspect.signature(function).parameters.keys(), set())
    equal(Resilient.Client.patch.__qualname__, 'Client.patch')
    has(Resilient.Client.request.__doc__, ':param timeout:', 'awaited')


@case
def unknown_keywords_are_named():
    client = Resilient.Client()
    for take in (Resilient.Client, Resilient.Timeout, Resilient.Limits, Resilient.Request,
                 lambda **options: client.get(server.uri('/text'), **options)):
        has(raises(TypeError, take, timeuot=3), 'timeuot')
    equal(client.stats.requests, 0)


@case
def what_an_argument_is_not_is_named():
    client = Resilient.Client()
    uri = server.uri('/echo')
    for name, *values in [
            ('idempotency_key', 3, b'x'), ('request_id', 3, b'x'), ('metadata', 3, [1]),
            ('retry_policy', 3, {}), ('cancellable', 3), ('priority', 'x', 1.5), ('context', 'x'),
            ('max_retries', 'x', 1.5), ('fallback_uris', 'x'), ('trace_parent', 3),
            ('timeout', 'x', []), ('auth', 3, 'x', ('x', 3)), ('param', 3, 'a=b'),
            ('header', 3, 'a: b'), ('form', 3), ('content', 3, []), ('data', 3),
            ('json', object(), {1}), ('content_type', 3)]:
        keyword = {'param': 'params', 'header': 'headers'}.get(name, name)
        for value in values:
            error = raises(TypeError, client.post, uri, **{keyword: value})
            has(error, 'field' if name == 'form' else name)
    for arguments in ((3, uri), ('GET', 3), ('GET', b'x')):
        has(raises(TypeError, client.request, *arguments), 'is a str')
    for name, value in [('retry_policy', 3), ('max_retries', 'x'), ('session', 3),
                        ('circuit_policy', 3), ('rate_limiter', 3), ('user_agent', 3)]:
        has(raises(TypeError, Resilient.Client, **{name: value}), name)
    has(raises(TypeError, Resilient.Client, retry_policy=3, max_retries=1), 'retry_policy')
    has(raises(TypeError, Resilient.RequestContext, 3), 'request_id')
    has(raises(TypeError, Resilient.RequestContext, metadata=3), 'metadata')
    has(raises(ValueError, client.post, uri, json=float('nan')), 'json')
    equal(client.stats.requests, 0)


@case
def no_text_is_cut_at_a_nul():
    client = Resilient.Client()
    uri = server.uri('/echo')
    cut = 'a\0b'
    for name, options in [
            ('value', {'headers': {'X-A': cut}}), ('name', {'headers': {cut: 'x'}}),
            ('value', {'params': {'a': cut}}), ('idempotency_key', {'idempotency_key': cut}),
            ('request_id', {'request_id': cut}), ('metadata', {'metadata': {'a': cut}}),
            ('content_type', {'content': b'x', 'content_type': 'text/plain\0'}),
            ('fallback_uris', {'fallback_uris': ['http://127.0.0.1\0.invalid/']})]:
        has(raises(ValueError, client.post, uri, **options), name, 'NUL')
    request = Resilient.Request(method='GET', uri=uri)
    for name, function, *arguments in [
            ('uri', client.get, 'http://127.0.0.1\0.invalid/'), ('uri', client.get_origin, uri + '\0'),
            ('method', client.request, 'GET\0X', uri), ('uri', setattr, request, 'uri', uri + '\0'),
            ('uri', Resilient.Request.new, 'GET', uri + '\0'),
            ('uri', Resilient.fetch, 'GET', uri + '\0', 0, 1), ('name', request.get_header, cut),
            ('value', request.append_header, 'X-A', cut),
            ('value', client.set_default_header, 'X-A', cut), ('request_id', client.get_result, cut),
            ('request_id', Resilient.RequestContext, cut)]:
        has(raises(ValueError, function, *arguments), name, 'NUL')
    has(raises(ValueError, Resilient.Client, base_url='http://127.0.0.1\0.invalid'), 'NUL')
    equal(client.stats.requests, 0)


@case
def timeouts_and_limits_are_copied():
    for value, name in ((Resilient.Timeout(read=2), 'read'), (Resilient.Limits(max_pending=2),
                                                              'max_pending')):
        for other in (copy.copy(value), copy.deepcopy([value])[0],
                      pickle.loads(pickle.dumps(value))):
            equal((type(other), other), (type(value), value))
        equal(getattr(value._replace(**{name: 3}), name), 3)
        has(raises(ValueError, value._replace, **{name: -1}), name)


@case
def what_is_no_pair_or_name_is_named():
    client = Resilient.Client()
    for what, keyword in (('parameter', 'params'), ('header', 'headers'), ('field', 'form')):
        for value in (['ab', 'cd'], [('a', 1, 2)], [3], {b'a': 1}, {None: 1}, 0, False):
            has(raises(TypeError, client.post, server.uri('/echo'), **{keyword: value}), what)
    for value in (0, [('a', 1, 2)]):
        has(raises(TypeError, Resilient.Client, headers=value), 'header')
    has(raises(TypeError, client.get, server.uri('/'), {'a': 'b'}, max_retries=1), 'context')
    has(raises(ValueError, client.get, server.uri('/'), timeout=10 ** 400), 'timeout')
    has(raises(TypeError, Resilient.CircuitBreaker, 3), 'policy')
    policy = Resilient.CircuitPolicy(failure_threshold=7)
    equal(Resilient.CircuitBreaker(policy).policy.failure_threshold, 7)
    headers = Resilient.Headers([('A', 'b')])
    equal((3 in headers, headers.get(None), headers.get('a')), (False, None, 'b'))
    equal(client.stats.requests, 0)


@case
def what_is_to_be_awaited_needs_a_loop():
    client = Resilient.Client()
    uri = server.uri('/text')
    for name, function, *arguments in [('gather', client.gather, [uri]),
                                       ('run', Resilient.Batch(client, [uri]).run),
                                       ('backoff', Resilient.Retrier.new(None, None).backoff)]:
        has(raises(RuntimeError, function, *arguments), name, 'loop')
    equal(client.stats.requests, 0)


@case
def a_user_in_a_uri_is_not_told():
    for uri in ('http://Ada:secret@127.0.0.1', 'http://Ada@127.0.0.1/x'):
        error = raises(ValueError, Resilient.Client, base_url=uri)
        has(error, 'auth')
        equal('Ada' in str(error), False)
    equal(Resilient.Client(base_url='http://127.0.0.1/@Ada').base_url, 'http://127.0.0.1/@Ada')
    uri = Server(listen=False).uri('/@b?c=@d')
    with Resilient.Client(max_retries=0) as client:
        for given in (uri, uri.replace('://', '://Ada:secret@')):
            equal(raises(Resilient.ConnectError, client.sync.get, given).uri, uri)


@case
def a_client_takes_keywords():
    client = Resilient.Client(
        base_url='http://127.0.0.1/api', timeout=Resilient.Timeout(connect=1, read=2, total=0),
        limits=Resilient.Limits(max_concurrent=3, max_pending=4), retry_policy=quick,
        max_retries=7, user_agent='x')
    equal((client.connect_timeout, client.read_timeout, client.total_timeout, client.write_timeout),
          (1, 2, 0, 10))
    equal((client.max_concurrent, client.max_pending, client.max_concurrent_per_host), (3, 4, 0))
    equal((client.retry_policy.max_retries, client.retry_policy.jitter_mode),
          (7, Resilient.Jitter.NONE))
    equal((client.base_url, Resilient.Client().base_url), ('http://127.0.0.1/api', None))
    equal(Resilient.Client(timeout=5).total_timeout, 5)
    equal(Resilient.Client(max_retries=0).retry_policy.max_retries, 0)
    equal(Resilient.Timeout(read=2), Resilient.Timeout(read=2.0))
    for kind, name, options in [
            (ValueError, 'timeout', {'timeout': -1}), (TypeError, 'timeout', {'timeout': 'soon'}),
            (TypeError, 'total_timeout', {'timeout': 1, 'total_timeout': 2}),
            (TypeError, 'limits', {'limits': 5}),
            (TypeError, 'max_pending', {'limits': Resilient.Limits(max_pending=1),
                                        'max_pending': 1}),
            (TypeError, 'base_url', {'base_url': b'x'}),
            (ValueError, 'base_url', {'base_url': 'http://127.0.0.1/?a=b'}),
            (GLib.Error, 'URI', {'base_url': '/path'}),
            (TypeError, 'auth', {'auth': ('a', 'b')}),
            (TypeError, 'auth', {'auth': 'secret', 'base_url': 'http://127.0.0.1'}),
            (ValueError, 'auth', {'auth': ('a:b', 'secret'), 'base_url': 'http://127.0.0.1'}),
            (TypeError, 'X-A', {'headers': {'X-A': b'x'}}),
            (GLib.Error, 'Cookie', {'headers': {'Cookie': 'a=b'}})]:
        error = raises(kind, Resilient.Client, **options)
        has(error, name)
        equal('secret' in str(error), False)
    for name in ('connect', 'total'):
        has(raises(ValueError, Resilient.Timeout, **{name: float('nan')}), name)
    has(raises(ValueError, Resilient.Limits, max_concurrent=0), 'max_concurrent')


@coroutine()
async def a_base_url_is_put_before():
    async with Resilient.Client(base_url=server.uri('/echo/')) as client:
        for uri, target in (('/users', '/echo/users'), ('users/1?a=b', '/echo/users/1?a=b'),
                            ('', '/echo/'), ('?page=2', '/echo/?page=2'),
                            (server.uri('/echo/all'), '/echo/all')):
            equal((await client.get(uri)).json()['target'], target)
        results = await Resilient.Batch(client, ['users']).run()
        equal(results[0].response.json()['target'], '/echo/users')


@coroutine()
async def default_headers_go_where_they_belong():
    other = Server()
    async with Resilient.Client(
            base_url=server.uri(''), auth=('Ada', 'pässword'),
            headers={'X-One': ['1', 2], 'X-Not': None, 'Cookie': 'a=b'}) as client:
        headers = (await client.get('/echo')).json()['headers']
        equal((headers['x-one'], headers['cookie'], 'x-not' in headers), ('1, 2', 'a=b', False))
        kind, _, text = headers['authorization'].partition(' ')
        equal((kind, base64.b64decode(text).decode()), ('Basic', 'Ada:pässword'))
        headers = (await client.get(other.uri('/echo'))).json()['headers']
        equal((headers['x-one'], 'cookie' in headers, 'authorization' in headers),
              ('1, 2', False, False))


@coroutine()
async def requests_take_keywords():
    uri = server.uri('/echo')
    async with Resilient.Client(retry_policy=quick) as client:
        call = client.post(uri, content='é', timeout=20, request_id='mine', auth=('a', 'b'),
                           idempotency_key='k', metadata={'a': 1}, max_retries=None,
                           total_timeout=None)
        echo = (await call).json()
        equal((echo['body'], echo['headers']['idempotency-key'], echo['headers']['authorization']),
              ('é', 'k', 'Basic YTpi'))
        equal((call.request_id, call.context.metadata), ('mine', {'a': 1}))
        for data, body in (({'a': [1, 2], 'b': 'é'}, 'a=1&a=2&b=%C3%A9'),
                           ([('b', 1), ('a', 2)], 'b=1&a=2'), (b'raw', 'raw'),
                           (bytearray(b'raw'), 'raw')):
            equal((await client.post(uri, data=data)).json()['body'], body)
        for bodies in ({'json': 1, 'content': b''}, {'form': {}, 'data': b''}):
            has(raises(TypeError, client.post, uri, **bodies), 'one body')
        has(raises(TypeError, client.post, uri, content=3), 'content')

        refused = Server(listen=False).uri('/')
        for options, attempts in (({}, 3), ({'max_retries': 0}, 1),
                                  ({'retry_policy': Resilient.RetryPolicy(quick, max_retries=1)}, 2),
                                  ({'retry_policy': quick, 'max_retries': 3}, 4),
                                  ({'context': Resilient.RequestContext('x'), 'max_retries': 1}, 2)):
            call = client.get(refused, **options)
            await raises_in(GLib.Error, call)
            equal(call.result.attempts, attempts)
        own = Resilient.RequestContext(policy=quick)
        has(raises(TypeError, client.get, uri, own, max_retries=1), 'max_retries')
        has(raises(TypeError, client.get, uri, own, request_id='x'), 'request_id')
        has(raises(TypeError, client.get, uri, timeout=1, total_timeout=1), 'total_timeout')


@coroutine()
async def requests_end_as_they_were_told():
    uri = server.uri('/hold')
    async with Resilient.Client() as client:
        for timeout, failure in ((0.02, Resilient.Failure.DEADLINE),
                                 (Resilient.Timeout(read=0.02), Resilient.Failure.READ_TIMEOUT),
                                 (Resilient.Timeout(attempt=0.02), Resilient.Failure.DEADLINE)):
            call = client.get(uri, timeout=timeout, max_retries=0)
            await raises_in(GLib.Error, call)
            equal(call.result.failure, failure)
        cancellable = Gio.Cancellable()
        call = client.get(uri, cancellable=cancellable)
        cancellable.cancel()
        error = await raises_in(GLib.Error, call)
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)


# --- responses ---

@coroutine()
async def a_response_tells_what_it_is():
    async with Resilient.Client() as client:
        response = await client.get(server.uri('/json?a=b'))
        equal((response.status_code, response.ok, response.reason_phrase, response.url),
              (200, True, 'OK', server.uri('/json?a=b')))
        equal((response.content, response.text, response.json(), response.encoding),
              (b'{"answer": 42}', '{"answer": 42}', {'answer': 42}, None))
        equal((response.content, response.has_body(), response.get_text()),
              (response.body, True, response.decode()))
        equal(response.elapsed.total_seconds(), round(response.get_elapsed_time(), 6))
        equal(response.raise_for_status() is response, True)
        response = await client.get(server.uri('/status/404'))
        equal((response.ok, response.content, response.text, response.links), (False, b'', '', {}))
        error = raises(GLib.Error, response.raise_for_status)
        equal(error.matches(Resilient.http_error_quark(), 404), True)


@coroutine()
async def headers_are_a_mapping():
    async with Resilient.Client() as client:
        response = await client.post(server.uri('/with'), content='', headers=[
            ('X-Add-ETag', '"1"'), ('X-Add-Set-Cookie', 'a=1'), ('X-Add-Set-Cookie', 'b=secret')])
        headers = response.headers
        equal((headers['ETAG'], headers['etag'], headers.get('none'), 'eTag' in headers, 'x' in headers),
              ('"1"', '"1"', None, True, False))
        equal((headers['set-cookie'], headers.get_list('Set-Cookie'), headers.get_list('x')),
              ('a=1, b=secret', ['a=1', 'b=secret'], []))
        equal({'etag', 'set-cookie', 'content-type'} <= set(headers), True)
        equal((len(headers), dict(headers.items())['etag']), (len(list(headers)), '"1"'))
        has(repr(headers), 'ETag', 'Set-Cookie')
        equal('secret' in repr(headers), False)
        raises(KeyError, lambda: headers['none'])


@coroutine()
async def text_is_never_refused():
    async with Resilient.Client() as client:
        async def get(content, content_type):
            return await client.post(server.uri('/with'), content=content, content_type=content_type)

        for content, content_type, encoding, text in [
                ('é'.encode(), 'text/plain', None, 'é'),
                ('é'.encode('latin-1'), 'text/plain; charset="iso-8859-1"', 'iso-8859-1', 'é'),
                (b'a\xff', 'text/plain; charset=utf-8', 'utf-8', 'a\ufffd'),
                (b'a', 'text/plain; Charset=klingon', 'klingon', 'a')]:
            response = await get(content, content_type)
            equal((response.encoding, response.text), (encoding, text))
            if content_type.endswith(('utf-8', 'klingon')):
                raises(GLib.Error, response.decode)
                raises(GLib.Error, response.get_text)
            else:
                equal(response.decode(), text)

        # RFC 8259, 8.1.
        for content in ('"é"'.encode(), b'\xef\xbb\xbf"\xc3\xa9"'):
            equal((await get(content, 'application/json; charset=iso-8859-1')).json(), 'é')
        for content in (b'"\xe9"', b'', b'no'):
            raises(ValueError, (await get(content, 'application/json')).json)


@coroutine()
async def links_are_found():
    async with Resilient.Client() as client:
        response = await client.post(server.uri('/with/list'), content='', headers=[
            ('X-Add-Link', '<?page=2>; rel="next", <https://example.org/a,b;c>;rel=last; title="a, \\"b\\""'),
            ('X-Add-Link', '</first>; REL="first start"; rel="late"')])
        links = response.links
        equal(sorted(links), ['first', 'last', 'next', 'start'])
        equal(links['next'], {'url': server.uri('/with/list?page=2'), 'rel': 'next'})
        equal(links['last'], {'url': 'https://example.org/a,b;c', 'rel': 'last', 'title': 'a, "b"'})
        equal(links['start']['url'], server.uri('/first'))


# --- exceptions ---

def is_kind(error, *kinds):
    for kind in (Resilient.Error, GLib.Error, *kinds):
        equal((kind.__name__, isinstance(error, kind)), (kind.__name__, True))
    equal(str(error), error.message)
    has(repr(error), f'Resilient.{kinds[0].__name__}(')


@coroutine()
async def errors_of_requests_have_their_kinds():
    io, own = Gio.io_error_quark(), Resilient.ClientError.quark()
    hold, refused = server.uri('/hold'), Server(listen=False).uri('/?a=secret')
    failure, code, client_error = Resilient.Failure, Gio.IOErrorEnum, Resilient.ClientError
    async with Resilient.Client(retry_policy=quick, max_retries=0, max_response_size=100) as client:
        for uri, options, kinds, domain, number, what in [
                (refused, {}, (Resilient.ConnectError, ConnectionError), io,
                 code.CONNECTION_REFUSED, failure.CONNECT),
                (hold, {'timeout': 0.02}, (Resilient.DeadlineExceeded, TimeoutError), io,
                 code.TIMED_OUT, failure.DEADLINE),
                (hold, {'read_timeout': 0.02}, (Resilient.ReadTimeout, Resilient.TimedOut), io,
                 code.TIMED_OUT, failure.READ_TIMEOUT),
                (server.uri('/size/200'), {}, (Resilient.TooLarge,), own, client_error.TOO_LARGE,
                 failure.TOO_LARGE),
                (server.uri('/redirect'), {}, (Resilient.RedirectError,), own,
                 client_error.REDIRECT, failure.REDIRECT)]:
            call = client.get(uri, request_id='x', **options)
            error = await raises_in(kinds[0], call)
            is_kind(error, *kinds)
            equal(error.matches(domain, number), True)
            equal((error.request_id, error.uri, error.attempts, error.failure, error.response),
                  ('x', uri, 1, what, None))
            # As often as it is awaited, and in what is kept.
            is_kind(await raises_in(kinds[0], call), *kinds)
            for kept in (call.result.error, client.get_result('x').error):
                is_kind(kept, *kinds)
                equal((kept.request_id, kept.attempts), ('x', 1))
            equal('secret' in str(error), False)

        error = await raises_in(ValueError, client.get('no URI'))
        is_kind(error, Resilient.InvalidRequest)
        equal((error.matches(own, client_error.INVALID_REQUEST), error.uri), (True, 'no URI'))
        is_kind(await raises_in(LookupError, client.wait('unknown')), Resilient.NotFound)
        is_kind(await raises_in(ConnectionError, client.get_async(refused)), Resilient.ConnectError)
        call = client.get(hold)
        client.cancel(call.request_id)
        is_kind(await raises_in(GLib.Error, call), Resilient.Cancelled)
    is_kind(await raises_in(GLib.Error, client.get(hold)), Resilient.Closed)


@coroutine()
async def errors_of_events_have_their_kinds():
    async with Resilient.Client(retry_policy=quick) as client:
        subscription = client.subscribe(10)
        await raises_in(Resilient.ConnectError,
                        client.get(Server(listen=False).uri('/'), request_id='x'))
        event = await subscription.next()
        is_kind(event.error, Resilient.ConnectError)
        equal((event.error.request_id, event.get_error().failure),
              ('x', Resilient.Failure.CONNECT))
        await client.get(server.uri('/text'), request_id='y')
        equal(client.get_result('y').error, None)


@coroutine()
async def a_status_may_be_an_error():
    async with Resilient.Client() as client:
        response = await client.get(server.uri('/status/404'))
        for check in (response.raise_for_status, response.check_status):
            error = raises(Resilient.StatusError, check)
            is_kind(error, Resilient.StatusError)
            equal((error.code, error.response is response, error.uri, error.failure),
                  (404, True, server.uri('/status/404'), Resilient.Failure.STATUS))
            equal(error.matches(Resilient.HttpError.quark(), Resilient.HttpError.NOT_FOUND), True)
        response = await client.post(server.uri('/with'), content=b'\xff',
                                     content_type='application/json; charset=utf-8')
        for decode in (response.decode, response.get_text, response.get_json):
            is_kind(raises(ValueError, decode), Resilient.DecodeError)


@case
def what_can_not_be_made_is_an_error():
    for make, kind in [(lambda: Resilient.RetryPolicy(jitter=2), Resilient.InvalidPolicy),
                       (lambda: Resilient.RetryPolicy.new(-7, 1), Resilient.InvalidPolicy),
                       (lambda: Resilient.CircuitPolicy(lease=-1), Resilient.InvalidPolicy),
                       (lambda: Resilient.RateLimiter(rate=0), Resilient.InvalidPolicy),
                       (lambda: Resilient.RateLimiter.new(0, 1), Resilient.InvalidPolicy),
                       (lambda: Resilient.fetch('GET', 'x', -7, 1), Resilient.InvalidPolicy),
                       (lambda: Resilient.fetch('GET', 'no URI', 0, 1), Resilient.InvalidRequest),
                       (lambda: Resilient.RequestContext('a\n'), Resilient.InvalidRequest),
                       (lambda: Resilient.RequestContext.new('a\n'), Resilient.InvalidRequest),
                       (lambda: Resilient.Client().get_origin('x'), Resilient.InvalidRequest)]:
        is_kind(raises(ValueError, make), kind)
    breaker = Resilient.CircuitBreaker()
    breaker.trip()
    is_kind(raises(Resilient.Error, breaker.acquire), Resilient.CircuitOpen)


@coroutine()
async def errors_of_operations_have_their_kinds():
    debouncer = Resilient.Debouncer(interval=1000)
    older, newer = debouncer.wait_async(), debouncer.wait_async()
    is_kind(await raises_in(GLib.Error, older), Resilient.Cancelled)
    newer.cancel()
    retrier = Resilient.Retrier(retry_policy=Resilient.RetryPolicy(max_retries=0))
    is_kind(await raises_in(GLib.Error, retrier.backoff()), Resilient.RetriesExhausted)
    cause = GLib.Error.new_literal(Gio.resolver_error_quark(), 'no name', Gio.ResolverError.NOT_FOUND)
    retrier.reset()
    is_kind(await raises_in(ConnectionError, retrier.backoff(cause)), Resilient.ResolveError)
    is_kind(await raises_in(GLib.Error, Resilient.fetch_async('GET', 'no URI', 0, 1)),
            Resilient.InvalidRequest)
    async with Resilient.Client(retry_policy=quick, max_retries=0) as client:
        batch = Resilient.Batch(client, [Server(listen=False).uri('/')], fail_fast=True)
        is_kind(await raises_in(GLib.Error, batch.run()), Resilient.ConnectError)

        # They are retried as those of GIO are.
        refused, tries = Server(listen=False).uri('/'), []

        @Resilient.retry(max_retries=2, base_delay=0)
        async def get():
            tries.append(1)
            return await client.get(refused)

        is_kind(await raises_in(ConnectionError, get()), Resilient.ConnectError)
        equal(len(tries), 3)


# --- callbacks of events ---

async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


name = contextvars.ContextVar('name', default=None)


@coroutine()
async def callbacks_are_called_in_their_loop():
    seen = []

    def note(event):
        seen.append(('function', event.event_type, event.context.request_id, name.get(),
                     threading.current_thread(), asyncio.get_running_loop()))
        name.set('changed')

    async def wait(event):
        await asyncio.sleep(0)
        seen.append(('coroutine', event.event_type, event.context.request_id, name.get(),
                     threading.current_thread(), asyncio.get_running_loop()))

    async with Resilient.Client(retry_policy=quick, max_retries=1) as client:
        name.set('here')
        client.add_event_callback(Resilient.EventType.RETRY, note)
        equal(client.on_retry(wait), wait)
        name.set('elsewhere')
        here = threading.current_thread(), asyncio.get_running_loop()
        for request_id in ('1', '2'):
            await raises_in(Resilient.ConnectError, client.get(Server(listen=False).uri('/'),
                                                               request_id=request_id))
        await until(lambda: len(seen) == 4)
        equal(sorted(seen, key=lambda each: (each[0], each[2])),
              [(kind, Resilient.EventType.RETRY, request_id, 'here', *here)
               for kind in ('coroutine', 'function') for request_id in ('1', '2')])

        client.remove_event_callback(Resilient.EventType.RETRY, note)
        has(raises(ValueError, client.remove_event_callback, Resilient.EventType.RETRY, note),
            'note')
        raises(ValueError, client.remove_event_callback, Resilient.EventType.ERROR, wait)
        await raises_in(Resilient.ConnectError, client.get(Server(listen=False).uri('/')))
        await until(lambda: len(seen) == 5)
        equal(seen[-1][0], 'coroutine')


@coroutine()
async def a_removed_callback_is_called_no_more():
    seen = []
    async with Resilient.Client() as client, client.subscribe(1) as events:
        await client.get(server.uri('/text'))
        event = await events.next()
        client.add_event_callback(Resilient.EventType.RETRY, seen.append)
        client.emit('retry', event)
        await until(lambda: seen == [event])
        # This one is on its way to the loop.
        client.emit('retry', event)
        client.remove_event_callback(Resilient.EventType.RETRY, seen.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    equal(len(seen), 1)


@coroutine(asyncio.run)
async def clients_with_callbacks_come_and_go():
    # Another thread lets go of one while the next one is made.
    for _ in range(100):
        client = Resilient.Client(base_url=server.uri(''))
        client.on_success(lambda event: None)
        await client.get('/text')


@case
def what_python_adds_to_a_client_ends_with_it():
    class Owner:
        def __init__(self):
            self.client = Resilient.Client(base_url=server.uri(''))
            self.client.on_success(self.note)

        def note(self, event):
            pass

    owner = Owner()
    # Attributes of its own would have other threads wait for Python.
    equal(owner.client.__grefcount__, 1)
    alive, ended = weakref.ref(owner), []
    owner.client.weak_ref(ended.append, True)
    for name in ('base_url', 'max_concurent'):
        has(raises(AttributeError, setattr, owner.client, name, 1), name)
    owner.client.max_concurrent = 1
    del owner
    gc.collect()
    equal((alive(), ended), (None, [True]))


@case
def a_client_that_outlives_the_interpreter_is_silent():
    # Events that nobody turns a context for keep it until the end.
    code = """if True:
        import gi, sys, threading
        gi.require_version('Resilient', '1')
        from gi.repository import Resilient

        def work():
            client = Resilient.Client(base_url=sys.argv[1])
            client.on_success(print)
            client.sync.get('/text')

        for _ in range(5):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        """
    ended = subprocess.run([sys.executable, '-B', '-W', 'ignore', '-c', code, server.uri('')],
                           capture_output=True, text=True, timeout=30)
    equal((ended.returncode, ended.stdout, ended.stderr), (0, '', ''))


@coroutine()
async def each_kind_of_event_has_a_decorator():
    seen = []
    async with Resilient.Client(retry_policy=quick, max_retries=1) as client:
        for nick in ('success', 'retry', 'error', 'timeout', 'cancelled'):
            @getattr(client, f'on_{nick}')
            async def told(event):
                seen.append(event.event_type.value_nick)
        await client.get(server.uri('/text'))
        await raises_in(Resilient.ConnectError, client.get(Server(listen=False).uri('/')))
        await raises_in(Resilient.TimedOut, client.get(server.uri('/hold'), timeout=0.01))
        call = client.get(server.uri('/hold'))
        call.cancel()
        await raises_in(Resilient.Cancelled, call)
        await until(lambda: len(seen) == 5)
        equal(sorted(seen), ['cancelled', 'error', 'retry', 'success', 'timeout'])
        for wrong in ('retry', None, Resilient.Failure.DEADLINE):
            has(raises(TypeError, client.add_event_callback, wrong, print), 'event_type')
        has(raises(TypeError, client.add_event_callback, Resilient.EventType.RETRY, 'print'),
            'print')


@coroutine()
async def a_callback_that_raises_is_told_to_the_loop():
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context['exception']))
    async with Resilient.Client() as client:
        @client.on_success
        def fail(event):
            raise ZeroDivisionError

        equal((await client.get(server.uri('/text'))).text, 'hello')
        await until(lambda: told)
        equal(type(told[0]), ZeroDivisionError)


@case
def callbacks_without_a_loop_are_handlers():
    client = Resilient.Client()
    seen = []
    client.on_success(seen.append)

    async def work():
        await client.get(server.uri('/text'))

    Resilient.run(work())
    while not seen:
        GLib.MainContext.default().iteration(True)
    equal(seen[0].event_type, Resilient.EventType.SUCCESS)
    has(raises(RuntimeError, client.on_success, until), 'loop')


@case
def callbacks_of_a_loop_that_ended_are_dropped():
    client = Resilient.Client()
    seen = []

    async def work():
        client.on_success(seen.append)

    async def get():
        await client.get(server.uri('/text'))
        await client.close()

    for runner in (Resilient.run, asyncio.run):
        runner(work())
    Resilient.run(get())
    equal(seen, [])


# --- without a loop, and many at once ---

@case
def calls_may_block():
    with Resilient.Client(retry_policy=quick, max_retries=1) as client:
        equal(client.sync.get(server.uri('/text')).text, 'hello')
        echo = client.sync.post(server.uri('/echo'), json={'a': 1}, request_id='x').json()
        equal((echo['method'], echo['body']), ('POST', '{"a": 1}'))
        equal((client.sync.wait('x', 1).is_success(), 'x' in client.sync.wait_all()), (True, True))
        error = raises(Resilient.ConnectError, client.sync.get, Server(listen=False).uri('/'))
        equal(error.attempts, 2)
        raises(TimeoutError, client.sync.get, server.uri('/hold'), timeout=0.01)
        raises(TypeError, client.sync.get, server.uri('/text'), timeuot=1)
        equal([result.response.text for result in client.sync.gather([server.uri('/text')] * 3)],
              ['hello'] * 3)
    equal(client.closed, True)
    raises(Resilient.Closed, client.sync.get, server.uri('/text'))
    client.sync.close()
    equal(list(inspect.signature(client.sync.get).parameters),
          list(inspect.signature(client.get).parameters))
    # The thread has no other loop than before.
    raises(RuntimeError, asyncio.get_running_loop)


@case
def threads_and_callbacks_may_block():
    client = Resilient.Client()
    seen, loop = [], GLib.MainLoop()

    def work(*_):
        with Resilient.Client() as own:
            seen.append((client.sync.get(server.uri('/text')).text,
                         own.sync.get(server.uri('/text')).text))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    GLib.idle_add(lambda: (work(), loop.quit()) and GLib.SOURCE_REMOVE)
    loop.run()
    equal(seen, [('hello', 'hello')] * 5)


@case
def control_c_ends_a_blocking_call():
    held = Server()
    held.wake = lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    with Resilient.Client() as client:
        raises(KeyboardInterrupt, client.sync.get, held.uri('/hold'), request_id='x')
        equal(client.sync.wait('x').status, Resilient.ResultStatus.CANCELLED)


@coroutine()
async def a_loop_is_not_blocked():
    async with Resilient.Client() as client:
        has(raises(RuntimeError, client.sync.get, server.uri('/text')), 'await')
        has(raises(RuntimeError, client.__enter__), 'async with')
        equal(client.stats.requests, 0)


@coroutine()
async def a_subscription_ends_with_its_block():
    async with Resilient.Client() as client:
        async with client.subscribe(10) as events:
            await client.get(server.uri('/text'))
            async for event in events:
                equal(event.event_type, Resilient.EventType.SUCCESS)
                break
        equal(events.closed, True)
        equal(await events.next(), None)


@coroutine()
async def requests_are_gathered():
    seen = []

    async def progress(done, total):
        asyncio.get_running_loop()
        seen.append((done, total))

    async with Resilient.Client(base_url=server.uri(''), retry_policy=quick) as client:
        request = Resilient.Request(uri=server.uri('/json'))
        results = await client.gather(['/text', request], max_concurrent=1, progress=progress)
        equal([result.response.content for result in results], [b'hello', b'{"answer": 42}'])
        await until(lambda: len(seen) == 2)
        # The counts are those of when it is told, perhaps in another thread.
        equal((seen[-1], {total for done, total in seen}), ((2, 2), {2}))
        refused = Server(listen=False).uri('/')
        first, second = await client.gather([refused, '/text'])
        equal((type(first.error), second.is_success()), (Resilient.ConnectError, True))
        await raises_in(Resilient.ConnectError,
                        client.gather([refused, '/hold'], fail_fast=True))
        for name, options in (('progress', {'progress': 'x'}), ('max_concurrent', {'max_concurrent': -1})):
            raises((TypeError, ValueError), client.gather, ['/text'], **options)


# --- guards ---

@coroutine()
async def a_limiter_is_the_subject_of_a_block():
    limiter = Resilient.RateLimiter(rate=0.001, burst=2)
    for _ in range(2):
        async with limiter as same:
            equal(same is limiter, True)
    equal(limiter.available < 0.1, True)

    async def take():
        async with limiter:
            raise AssertionError('There is no token')

    await raises_in(TimeoutError, asyncio.wait_for(take(), 0.01))


def closes_after(n):
    return Resilient.CircuitBreaker(policy=Resilient.CircuitPolicy(failure_threshold=n))


@coroutine()
async def a_breaker_is_the_subject_of_a_block():
    first, second = closes_after(2), closes_after(2)

    async def fail(outer, inner, error):
        async with outer as permit:
            equal(isinstance(permit, Resilient.Permit), True)
            with inner:
                await asyncio.sleep(0)
                raise error

    # Each task has its own blocks.
    results = await asyncio.gather(fail(first, second, ZeroDivisionError()),
                                   fail(second, first, asyncio.CancelledError()),
                                   return_exceptions=True)
    equal([type(result) for result in results], [ZeroDivisionError, asyncio.CancelledError])
    equal((first.state, second.state), (Resilient.CircuitState.CLOSED,) * 2)
    await raises_in(ZeroDivisionError, fail(first, closes_after(9), ZeroDivisionError()))
    equal((first.state, second.state), (Resilient.CircuitState.OPEN, Resilient.CircuitState.CLOSED))
    await raises_in(Resilient.CircuitOpen, fail(first, second, ZeroDivisionError()))
    # One that is in it twice.
    await raises_in(ZeroDivisionError, fail(second, second, ZeroDivisionError()))
    equal(second.state, Resilient.CircuitState.OPEN)
    raises(RuntimeError, first.__exit__, None, None, None)


@coroutine()
async def a_breaker_decorates_functions():
    breaker = closes_after(2)

    @breaker
    def divide(number):
        return 1 // number

    @breaker
    async def divide_later(number):
        await asyncio.sleep(0)
        return 1 // number

    equal((divide(1), await divide_later(1), divide_later.__name__), (1, 1, 'divide_later'))
    raises(ZeroDivisionError, divide, 0)
    equal(divide(number=1), 1)
    raises(ZeroDivisionError, divide, 0)
    await raises_in(ZeroDivisionError, divide_later(0))
    raises(Resilient.CircuitOpen, divide, 1)
    await raises_in(Resilient.CircuitOpen, divide_later(1))

    def generate():
        yield 1

    for wrong in (3, generate):
        has(raises(TypeError, breaker, wrong), 'function')


@coroutine()
async def a_breaker_guards_what_a_function_returns():
    breaker = closes_after(2)

    async def fail():
        raise ZeroDivisionError

    # No coroutine function, but one that returns a coroutine.
    guarded = breaker(lambda: fail())
    for _ in range(2):
        equal(breaker.state, Resilient.CircuitState.CLOSED)
        await raises_in(ZeroDivisionError, guarded())
    raises(Resilient.CircuitOpen, guarded)

    async with Resilient.Client(max_retries=0) as client:
        guarded = closes_after(1)(lambda path: client.get(server.uri(path)))
        equal((await guarded('/text')).text, 'hello')


@coroutine()
async def functions_are_throttled_and_debounced():
    seen = []

    async def note(what):
        seen.append(what)
        return what

    show = Resilient.throttle(0)(note)
    equal((await asyncio.gather(*map(show, range(3))), show.__name__), ([0, 1, 2], 'note'))
    show = Resilient.throttle(1000)(note)
    equal(await show('first'), 'first')
    await raises_in(TimeoutError, asyncio.wait_for(show('second'), 0.01))

    search = Resilient.debounce(1000)(note)
    *older, newest = (asyncio.ensure_future(search(text)) for text in ('a', 'ab', 'abc'))
    for each in older:
        await raises_in(Resilient.Cancelled, each)
    newest.cancel()
    await raises_in(asyncio.CancelledError, newest)
    equal(await Resilient.debounce(0)(note)('found'), 'found')
    equal(seen, [0, 1, 2, 'first', 'found'])

    for decorate in (Resilient.throttle, Resilient.debounce):
        has(raises(ValueError, decorate, -1), 'interval')
        has(raises(TypeError, decorate, 'often'), 'interval')
        has(raises(TypeError, decorate(1), print), 'function')


@coroutine()
async def coroutine_functions_hear_of_retries():
    seen = []

    async def note(event):
        await asyncio.sleep(0)
        seen.append(event.context.request_id)

    @Resilient.retry(max_retries=1, base_delay=0, on_event=note,
                     context=Resilient.RequestContext('work'))
    async def fail():
        raise ConnectionRefusedError

    await raises_in(ConnectionRefusedError, fail())
    await until(lambda: seen == ['work', 'work'])


@coroutine()
async def the_last_error_of_a_retry_holds_no_frame_that_holds_it():
    class Argument:
        pass

    @Resilient.retry(max_retries=0)
    async def fail(argument):
        raise Resilient.ConnectError('refused', 'g-io-error-quark', Gio.IOErrorEnum.FAILED)

    argument = Argument()
    alive = weakref.ref(argument)
    gc.disable()
    try:
        await raises_in(Resilient.ConnectError, fail(argument))
        del argument
        # PyGObject frees the callback of one operation when the next one begins.
        await Resilient.RateLimiter().acquire_async()
        equal(alive(), None)
    finally:
        gc.enable()


@coroutine()
async def retry_takes_a_policy_first():
    tries = []

    @Resilient.retry(quick, max_retries=1)
    async def fail():
        tries.append(1)
        raise ConnectionRefusedError(111, 'refused')

    await raises_in(ConnectionRefusedError, fail())
    equal(len(tries), 2)
    has(raises(TypeError, Resilient.retry, quick, policy=quick), 'policy')


# --- contexts ---

class ApiContext(Resilient.RequestContext):
    api_version: str = 'v1'
    trace: str = ''

    def to_headers(self):
        return {'X-Version': self.api_version, 'X-Trace': self.trace or self.request_id}


@coroutine()
async def contexts_have_subclasses():
    for kind in (ApiContext, dataclasses.dataclass(frozen=True)(
            type('Frozen', (ApiContext,), {'__annotations__': {'trace': str}, 'trace': ''}))):
        context = kind(request_id='x', max_retries=3, api_version='v2', metadata={'a': 1})
        equal((type(context), context.api_version, context.trace, context.max_retries,
               context.metadata), (kind, 'v2', '', 3, {'a': 1}))
        equal(context.to_headers(), {'X-Version': 'v2', 'X-Trace': 'x'})
        for other in (context.increment_attempt(), context.reset_attempts(),
                      context.with_metadata({'b': 2}), context.copy(), copy.copy(context)):
            equal((type(other), other.api_version, other.request_id), (kind, 'v2', 'x'))
        equal(context.increment_attempt().current_attempt, 1)
        equal((context == kind('x'), context == context.copy(), hash(context) == hash(kind('x'))),
              (False, True, True))
        async with Resilient.Client() as client:
            response = await client.get(server.uri('/echo'), context, headers=context.to_headers())
            equal(response.json()['headers']['x-version'], 'v2')
            equal(client.get_result('x').context.max_retries, 3)
        has(raises(TypeError, kind, 'x', api_vers='v2'), 'api_vers')
        has(raises(TypeError, Resilient.RequestContext, 'x', api_version='v2'), 'api_version')


@case
def fields_of_contexts_need_no_default():
    @dataclasses.dataclass(frozen=True)
    class Base(Resilient.RequestContext):
        tenant: str
        tags: list = dataclasses.field(default_factory=list)

    class Plain(Base):
        pass

    class Annotated(Resilient.RequestContext):
        tenant: str

    # The one that inherits is made first.
    for kind in (Plain, Base):
        context = kind(request_id='x', tenant='acme')
        equal((context.request_id, context.tenant, context.tags), ('x', 'acme', []))
        equal(context.tags is kind(tenant='acme').tags, False)
        equal(kind(tenant='acme', tags=[1]).increment_attempt().tags, [1])
        has(raises(TypeError, kind, request_id='x'), 'tenant')
    equal(Annotated('x', tenant='acme').tenant, 'acme')
    equal(hasattr(Annotated('x'), 'tenant'), False)


@case
def fields_of_contexts_hide_none_of_the_library():
    class Patient(Resilient.RequestContext):
        max_retries: int = 7

    class Loud(Resilient.RequestContext):
        def increment_attempt(self):
            return super().increment_attempt()

        @property
        def request_id(self):
            return self.get_request_id().upper()

    has(raises(TypeError, Patient, 'x'), 'max_retries', 'keyword')
    equal(Loud('x').increment_attempt().request_id, 'X')


# --- copies ---

@case
def values_are_their_copies():
    with Resilient.Client() as client:
        response = client.sync.get(server.uri('/text'), request_id='x')
        result = client.get_result('x')
        subscription = client.subscribe(1)
        client.sync.get(server.uri('/text'))
        values = [response, result, result.context, result.list_attempts()[0], client.stats, quick,
                  Resilient.CircuitPolicy(), subscription.try_next()]
        for value in values:
            equal((copy.copy(value) is value, copy.deepcopy([value])[0] is value), (True, True))
        for value in (*values, client, subscription, Resilient.RateLimiter(rate=1)):
            has(raises(TypeError, pickle.dumps, value), type(value).__name__, 'pickled')
        for value in (client, Resilient.RetryPolicyBuilder.new(None)):
            raises(TypeError, copy.copy, value)
        error = raises(Resilient.StatusError,
                       client.sync.get(server.uri('/status/500')).raise_for_status)
        equal(copy.copy(error).code, 500)
        error.response = None
        same = pickle.loads(pickle.dumps(error))
        equal((type(same), same.code, str(same), same.uri),
              (Resilient.StatusError, 500, str(error), error.uri))


run()
