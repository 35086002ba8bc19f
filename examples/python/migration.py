#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What the calls of an asyncio client with retries become, one by one: migration.py --self-test

The page about migrating from Python shows these functions; run, they are checked against a server on loopback."""

import asyncio
import http.server
import json
import sys
import threading

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402


# --- the client ------------------------------------------------------------------------------------------------------

# [client]
def create_client():
    return Resilient.Client(
        timeout=Resilient.Timeout(connect=5, read=30, write=10, queue=5),  # seconds
        limits=Resilient.Limits(max_concurrent=100, max_concurrent_per_host=50),
        headers={'Accept': 'application/json'},
        event_queue_capacity=5000, user_agent='MyApp/2.0')
# [end]


# [block]
async def get_status(uri):
    async with Resilient.Client() as client:
        response = await client.get(uri)
        return response.status_code
# [end]


# [simple]
async def get_json_once(uri):
    response = await Resilient.fetch_async('GET', uri, 2, 10.0)  # retries, seconds in all
    return response.json()
# [end]


# [service]
class Service:
    """Keeps one client, and with it the connections, for as long as the program wants to use it."""

    def __init__(self, base):
        self.base = base
        self.client = Resilient.Client()

    async def get_data(self, endpoint):
        response = await self.client.get(f'{self.base}/{endpoint}', Resilient.RequestContext(f'api-{endpoint}'))
        return response.text

    async def close(self):
        await self.client.close(grace=5)
# [end]


# --- requests --------------------------------------------------------------------------------------------------------

# [verbs]
async def use_every_verb(client, uri):
    await client.get(uri, params={'page': 2}, headers={'X-Trace': 'abc'})
    await client.head(uri)
    await client.options(uri)
    await client.delete(uri)
    await client.post(uri, json={'name': 'Ada'})
    await client.put(uri, data=b'\x00\x01', content_type='application/octet-stream')
    await client.patch(uri, form={'name': 'Ada'})
    await client.request('REPORT', uri, data='<report/>', content_type='application/xml')
# [end]


# [credentials]
async def get_with_token(client, uri, token):
    # Once for the origin: it goes to no other one, not even by a redirect.
    client.get_origin(uri).set_default_header('Authorization', f'Bearer {token}')
    return await client.get(uri)
# [end]


# [base]
async def get_orders(base, user, password):
    async with Resilient.Client(base_url=base, auth=(user, password), max_retries=3) as client:
        return await client.get('orders', params={'page': 1, 'filter': None}, timeout=10, request_id='orders')
# [end]


# [call]
async def start_then_wait(client, uri):
    call = client.get(uri)  # started now; asyncio.create_task() is not needed
    print(call.request_id, call.state.value_nick)
    return await call  # any number of times
# [end]


# [gather]
async def get_all(client, uris):
    calls = [client.get(uri) for uri in uris]
    return await asyncio.gather(*calls, return_exceptions=True)
# [end]


# [many]
async def get_results(client, uris):
    results = await client.gather(uris, max_concurrent=8, progress=lambda done, total: print(f'{done} of {total}'))
    return [result.response or result.error for result in results]
# [end]


# [script]
def print_page(uri):
    with Resilient.Client() as client:
        print(client.sync.get(uri, timeout=10).raise_for_status().text)
# [end]


# [errors]
async def get_or_explain(client, uri):
    try:
        response = await client.get(uri)
        return response.raise_for_status().text
    except Resilient.ConnectError as error:
        return f'nobody listens there, after {error.attempts} attempts'
    except TimeoutError:  # Resilient.TimedOut, whatever took too long
        return 'too slow'
    except Resilient.StatusError as error:
        return f'{error.code} from {error.response.url}'
# [end]


# --- contexts --------------------------------------------------------------------------------------------------------

# [context]
async def get_with_context(client, uri):
    context = Resilient.RequestContext(request_id='profile-7', max_retries=3, base_delay=0.5,
                                       metadata={'service': 'users', 'urgent': True})
    return await client.get(uri, context)
# [end]


# [context-methods]
def use_context(context):
    same = context.copy()  # a reference: contexts never change
    following = context.increment_attempt()
    print(following.current_attempt, following.max_retries, following.base_delay, following.backoff_factor,
          following.max_delay)
    print(following.has_retries_left, following.calculate_delay(), following.elapsed_time, following.metadata)
    return same, following
# [end]


# [headers]
class ApiRequestContext(Resilient.RequestContext):
    api_version: str = 'v1'
    priority: str = 'normal'
    trace_id: str = ''

    def to_headers(self):
        return {
            'X-API-Version': self.api_version,
            'X-Priority': self.priority,
            'X-Trace-ID': self.trace_id or self.request_id,
        }


async def get_of_api(client, uri):
    context = ApiRequestContext(request_id='order-7', max_retries=3, api_version='v2', trace_id='4bf92f35')
    return await client.get(uri, context, headers=context.to_headers())
# [end]


# --- events ----------------------------------------------------------------------------------------------------------

# [callbacks]
async def get_and_tell(client, uri):
    async def on_retry(event):
        print(f'{event.context.request_id}: retry {event.context.current_attempt} of {event.context.max_retries} '
              f'in {event.delay:.2f} s')

    client.add_event_callback(Resilient.EventType.RETRY, on_retry)  # or @client.on_retry
    try:
        return await client.get(uri)
    finally:
        client.remove_event_callback(Resilient.EventType.RETRY, on_retry)
# [end]


# [stream]
async def log_events(client):
    async with client.subscribe(1000) as events:
        async for event in events:
            print(event.sequence, event.event_type.value_nick, event.context.request_id, event.timestamp)
# [end]


# [metrics]
def get_metrics(client):
    stats = client.stats
    return {
        'total_requests': stats.requests,
        'success_rate': stats.success_rate,
        'retry_rate': stats.retry_rate,
        'error_rate': stats.error_rate,
        'avg_response_time': stats.mean_time,
        'p95_response_time': stats.get_percentile(0.95),
    }
# [end]


# [dashboard]
async def show_dashboard(client, interval=5):
    while not client.closed:
        stats = client.stats
        print(f'active {client.active_count}, waiting {client.pending_count}, results {client.result_count}, '
              f'events on their way {client.event_queue_length}')
        print(f'successes {stats.successes}, errors {stats.errors + stats.timeouts}, '
              f'attempts a request {stats.attempts / max(stats.requests, 1):.1f}')
        await asyncio.sleep(interval)
# [end]


# --- results ---------------------------------------------------------------------------------------------------------

# [results]
async def show_results(client):
    results = await client.wait_all()  # a dictionary, as client.results is at any time
    for request_id, result in results.items():
        print(request_id, result.status.value_nick, result.is_success, result.is_error, result.attempts,
              f'{result.total_time:.3f} s')
    return results
# [end]


# [wait]
async def wait_for_one(client):
    result = await client.wait('profile-7', timeout=5)
    assert client.get_result('profile-7').status == result.status
    return result
# [end]


# [cleanup]
def bound_results(client):
    client.max_results = 500
    client.result_ttl = 3600  # seconds
    return client.clear_old_results(60)  # at once, what is older than a minute; how many they were
# [end]


# [limits]
def bound_load(client, uri):
    client.max_concurrent = 50  # in all; the rest waits in its own queue
    client.max_pending = 10000  # beyond that, a request is refused at once
    client.get_origin(uri).max_concurrent = 4
# [end]


# --- trying it out ---------------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    seen = []

    def answer(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.seen.append((self.command, self.path, self.headers, body))
        text = json.dumps({'method': self.command}).encode()
        self.send_response(404 if self.path == '/missing' else 200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(text)

    do_GET = do_HEAD = do_OPTIONS = do_DELETE = do_POST = do_PUT = do_PATCH = do_REPORT = answer

    def log_message(self, *args):
        pass


async def check_requests(client, base):
    await use_every_verb(client, f'{base}/echo')
    seen = {command: (path, headers, body) for command, path, headers, body in Handler.seen}
    assert seen['GET'][0] == '/echo?page=2' and seen['GET'][1]['X-Trace'] == 'abc'
    assert seen['GET'][1]['User-Agent'] == 'MyApp/2.0' and seen['GET'][1]['Accept'] == 'application/json'
    assert json.loads(seen['POST'][2]) == {'name': 'Ada'}
    assert seen['PUT'][2] == b'\x00\x01' and seen['PATCH'][2] == b'name=Ada' and seen['REPORT'][2] == b'<report/>'
    assert {'HEAD', 'OPTIONS', 'DELETE'} <= seen.keys()

    await get_with_token(client, f'{base}/echo', 'sesame')
    assert Handler.seen[-1][2]['Authorization'] == 'Bearer sesame'
    assert (await start_then_wait(client, f'{base}/echo')).status_code == 200


async def check_failures(client, base, refusing):
    client.retry_policy = Resilient.RetryPolicy(max_retries=1, base_delay=0)
    good, bad = await get_all(client, [f'{base}/echo', refusing])
    assert good.status_code == 200 and isinstance(bad, GLib.Error)
    first, second = await get_results(client, [refusing, f'{base}/echo'])
    assert isinstance(first, ConnectionError) and second.ok
    assert await get_or_explain(client, refusing) == 'nobody listens there, after 2 attempts'
    assert await get_or_explain(client, f'{base}/missing') == f'404 from {base}/missing'
    assert 'GET' in await get_or_explain(client, f'{base}/echo')
    assert (await get_and_tell(client, f'{base}/echo')).status_code == 200


async def check_contexts(client, base):
    response = await get_with_context(client, f'{base}/echo')
    assert response.status_code == 200
    context = client.get_result('profile-7').context
    assert context.metadata == {'service': 'users', 'urgent': True} and context.max_retries == 3
    same, following = use_context(context)
    assert same == context and following.current_attempt == 1 and context.current_attempt == 0
    await get_of_api(client, f'{base}/echo')
    headers = Handler.seen[-1][2]
    assert (headers['X-API-Version'], headers['X-Priority'], headers['X-Trace-ID']) == ('v2', 'normal', '4bf92f35')


async def main():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f'http://127.0.0.1:{server.server_port}'
    # Bound, and not listening: connections are refused.
    closed = http.server.HTTPServer(('127.0.0.1', 0), Handler, bind_and_activate=False)
    closed.server_bind()
    refusing = f'http://127.0.0.1:{closed.server_address[1]}/'

    client = create_client()
    log = asyncio.ensure_future(log_events(client))
    dashboard = asyncio.ensure_future(show_dashboard(client, 0.01))
    bound_load(client, base)
    await check_requests(client, base)
    await check_failures(client, base, refusing)
    await check_contexts(client, base)

    assert (await wait_for_one(client)).is_success
    results = await show_results(client)
    assert any(result.is_error for result in results.values()) and len(results) == client.result_count
    metrics = get_metrics(client)
    assert metrics['total_requests'] == len(results) and 0 < metrics['success_rate'] < 1, metrics
    assert metrics['retry_rate'] > 0 and metrics['error_rate'] > 0
    assert metrics['p95_response_time'] >= 0 and metrics['avg_response_time'] > 0
    assert bound_results(client) == 0

    assert (await get_orders(base, 'Ada', 'sesame')).status_code == 200
    assert Handler.seen[-1][1] == '/orders?page=1' and Handler.seen[-1][2]['Authorization'].startswith('Basic ')
    assert await get_status(f'{base}/echo') == 200
    assert await get_json_once(f'{base}/echo') == {'method': 'GET'}
    service = Service(base)
    assert 'GET' in await service.get_data('items')
    await service.close()
    assert service.client.closed

    await client.close()
    await log
    await dashboard


if __name__ == '__main__':
    if sys.argv[1:] != ['--self-test']:
        sys.exit(f'Usage: {sys.argv[0]} --self-test')
    Resilient.run(main())
    page = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    print_page(f'http://127.0.0.1:{page.server_port}/')
