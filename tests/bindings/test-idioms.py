#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What who knows other HTTP clients of Python types first.

No assert statement has an effect of its own: they run with python3 -O too.
"""

import base64
import inspect

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


run()
