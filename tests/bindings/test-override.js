// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// What the override adds: promises, verbs with options, attributes, plain objects, classes of errors,
// and subscriptions that can be iterated.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import System from 'system';

import {Server} from './loopback.js';
import {equal, fails, ok, run, test, turnUntil} from './tap.js';

const server = new Server();

function named(id) {
    return Resilient.RequestContext.new(id, null, null);
}

test('every operation that has a finish function returns a promise', () => {
    for (const name of Object.getOwnPropertyNames(Resilient)) {
        const {prototype} = Resilient[name] ?? {};

        for (const holder of [Resilient, prototype ?? {}]) {
            for (const operation of Object.getOwnPropertyNames(holder)) {
                if (operation.endsWith('_async') && !operation.startsWith('_original_'))
                    ok(`_original_${operation}` in holder, `A promise from ${name}.${operation}`);
            }
        }
    }
    ok('_original_get_async' in Resilient.Client.prototype);
    ok('_original_wait_async' in Resilient.Call.prototype);
    ok('_original_next_async' in Resilient.Subscription.prototype);
    ok('_original_fetch_async' in Resilient);
});

test('a client is awaited', async () => {
    const client = new Resilient.Client();
    const response = await client.get_async(server.uri('/text'), named('a'), null);

    equal(response.get_text(), 'hello');
    const call = client.start(Resilient.Request.new('GET', server.uri('/text')), named('b'), null);
    equal((await call.wait_async(null)).get_text(), 'hello');
    equal((await client.wait_result_async('a', -1, null)).get_request_id(), 'a');
    equal((await client.wait_all_async(null)).length, 2);
    const many = await Promise.all(Array.from({length: 20}, (_, i) =>
        client.get_async(server.uri('/echo'), named(`${i}`), null)));
    equal(many.map(each => each.get_status_code()), Array(20).fill(200));
    equal(await client.close_async(0, null), true);
    await fails(client.get_async(server.uri('/text'), null, null),
        Resilient.ClientError, Resilient.ClientError.CLOSED);
});

test('fetching is awaited', async () => {
    const response = await Resilient.fetch_async('GET', server.uri('/text'), 0, 10, null);

    equal(response.get_text(), 'hello');
    await fails(Resilient.fetch_async('GET', new Server(false).uri('/'), 0, 10, null),
        Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED);
});

test('a subscription is iterated', async () => {
    const client = new Resilient.Client();
    const subscription = client.subscribe(10);
    const seen = [];
    const reading = (async () => {
        for await (const event of subscription)
            seen.push(event.get_context().get_request_id());
    })();

    for (const id of ['a', 'b'])
        await client.get_async(server.uri('/text'), named(id), null);
    await client.close_async(0, null);
    await reading;
    equal(seen, ['a', 'b']);
});

test('a program may promisify again', async () => {
    Gio._promisify(Resilient.Client.prototype, 'get_async', 'get_finish');
    const client = new Resilient.Client();

    equal((await client.get_async(server.uri('/text'), null, null)).get_text(), 'hello');
    await client.close_async(0, null);
});

test('callbacks still work', async () => {
    const client = new Resilient.Client();
    let text = null;

    client.get_async(server.uri('/text'), null, null, (source, result) => {
        text = source.get_finish(result).get_text();
    });
    await turnUntil(() => text !== null);
    equal(text, 'hello');
    await client.close_async(0, null);
});

// What a property must not be is an exception that names it, however it is set.
test('numbers out of range are refused', async () => {
    const client = new Resilient.Client();
    const request = Resilient.Request.new('GET', server.uri('/text'));
    const origin = client.get_origin(server.uri('/'));
    const refused = (name, func) => {
        let error = null;

        try {
            func();
        } catch (caught) {
            error = caught;
        }
        ok(error instanceof RangeError || error instanceof TypeError, `${name}: ${error}`);
        ok(error.message.includes(name), `${error}`);
    };

    const batch = Resilient.Batch.new(client, [], Resilient.BatchFlags.NONE);

    for (const value of [-1, 0.5, NaN, 2 ** 32, 'all', null])
        refused('max-concurrent', () => (batch.maxConcurrent = value));
    for (const value of [-0.5, -1, NaN, Infinity, -Infinity, 'soon', null]) {
        refused('connect-timeout', () => new Resilient.Client({connectTimeout: value}));
        refused('connect-timeout', () => new Resilient.Client({connect_timeout: value}));
        refused('connect-timeout', () => (client.connectTimeout = value));
        refused('connect-timeout', () => (client.connect_timeout = value));
        refused('connect-timeout', () => client.set_connect_timeout(value));
        refused('connect-timeout', () => client.set_property('connect-timeout', value));
    }
    for (const value of [NaN, Infinity, 1.5, 2 ** 65, 'much', null]) {
        refused('max-response-size', () => (request.maxResponseSize = value));
        refused('max-response-size', () => request.set_max_response_size(value));
    }
    refused('user-agent', () => new Resilient.Client({userAgent: 'a\nb'}));
    refused('user-agent', () => (client.user_agent = 'a\r'));
    refused('user-agent', () => client.set_user_agent('a\0b'));
    for (const value of [-1, NaN, Infinity, 'old'])
        refused('max_age', () => client.clear_old_results(value));
    for (const value of [-0.1, 1.5, NaN, 'half'])
        refused('percentile', () => client.get_stats().get_percentile(value));
    for (const value of [-1, 0, NaN, 1.5, 2 ** 32, 'many']) {
        refused('max-concurrent', () => new Resilient.Client({maxConcurrent: value}));
        refused('max-concurrent', () => (client.maxConcurrent = value));
        refused('max-concurrent', () => client.set_max_concurrent(value));
        refused('capacity', () => client.subscribe(value));
    }
    for (const value of [-0.5, -2, NaN]) {
        refused('total-timeout', () => new Resilient.Request({totalTimeout: value}));
        refused('total-timeout', () => (request.totalTimeout = value));
    }
    for (const value of [0, -2, 0.5])
        refused('max-concurrent', () => (origin.maxConcurrent = value));

    equal([client.connectTimeout, client.maxConcurrent], [10, 100]);
    client.connectTimeout = 0.5;
    client.maxConcurrent = 7;
    client.ioPriority = -100;
    client.maxResponseSize = 2 ** 40;
    equal([client.connect_timeout, client.get_max_concurrent(), client.ioPriority,
        client.maxResponseSize], [0.5, 7, -100, 2 ** 40]);
    request.totalTimeout = -1;
    origin.maxConcurrent = -1;
    equal([request.totalTimeout, origin.maxConcurrent], [-1, -1]);
    await client.close_async(0, null);
});

test('guards are awaited, and made of what can be', async () => {
    const limiter = new Resilient.RateLimiter({rate: 50, burst: 2});
    for (let i = 0; i < 4; i++)
        ok(await limiter.acquire_async(null));
    ok(await new Resilient.Throttle({interval: 0}).wait_async(null));
    ok(await new Resilient.Debouncer({interval: 0.01}).wait_async(null));
    equal(new Resilient.RetryBudget().available, 10);

    for (const [field, klass, settings] of [
        ['rate', Resilient.RateLimiter, {rate: 0}],
        ['burst', Resilient.RateLimiter, {burst: 0}],
        ['ratio', Resilient.RetryBudget, {ratio: 0, reserve: 0}],
        ['reserve', Resilient.RetryBudget, {reserve: NaN}],
        ['interval', Resilient.Throttle, {interval: -1}],
        ['interval', Resilient.Debouncer, {interval: Infinity}],
    ]) {
        let error = null;
        try {
            new klass(settings);
        } catch (e) {
            error = e;
        }
        ok(error?.matches(Resilient.ClientError, Resilient.ClientError.INVALID_POLICY));
        ok(error.message.includes(field));
    }
});

// GJS would make a number of anything, and a count of 1.5 or 2³² + 1 is 1.
test('a number is not made of something else', () => {
    const retries = Resilient.RetryPolicyBuilder.new(null);
    const circuit = Resilient.CircuitPolicyBuilder.new(null);

    for (const [field, func] of [
        ['rate', () => new Resilient.RateLimiter({rate: '5'})],
        ['burst', () => new Resilient.RateLimiter({burst: 1.9})],
        ['burst', () => Resilient.RateLimiter.new(1, 2 ** 32 + 1)],
        ['reserve', () => new Resilient.RetryBudget({reserve: null})],
        ['interval', () => new Resilient.Throttle({interval: null})],
        ['interval', () => Resilient.Debouncer.new([])],
        ['max_retries', () => retries.set_max_retries(1.5)],
        ['hedge_max', () => retries.set_hedge_max(2 ** 32 + 1)],
        ['hedge_delay', () => retries.set_hedge_delay(null)],
        ['failure_threshold', () => circuit.set_failure_threshold(1.5)],
        ['window', () => circuit.set_window('60')],
    ]) {
        let error = null;
        try {
            func();
        } catch (e) {
            error = e;
        }
        ok(error instanceof TypeError || error instanceof RangeError, field);
        ok(error.message.includes(field), error.message);
    }
    retries.set_hedge_delay(0.5);
    equal([retries.build().get_hedge_delay(), Resilient.RateLimiter.new(2, 3).burst], [0.5, 3]);

    const request = new Resilient.Request({
        uri: 'http://127.0.0.1/',
        traceParent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    request.trace_state = 'rojo=1';
    ok(request.get_trace_parent().includes('4bf9'));
    equal(request.get_trace_state(), 'rojo=1');
});

// GJS would cut them there, and do something else.
test('a text that has a NUL is refused', async () => {
    const client = new Resilient.Client();
    const origin = client.get_origin(server.uri('/'));
    const request = Resilient.Request.new('GET', server.uri('/text'));
    const uri = server.uri('/text\0more');

    for (const [name, func] of [
        ['new', () => Resilient.Request.new('GET', uri)],
        ['new', () => Resilient.RequestContext.new('a\0b', null, null)],
        ['new', () => new Resilient.RequestContext('a\0b')],
        ['uri', () => new Resilient.Request({uri})],
        ['uri', () => request.set_uri(uri)],
        ['uri', () => (request.uri = uri)],
        ['uri', () => request.set_property('uri', uri)],
        ['method', () => request.set_method('GET\0')],
        ['trace-parent', () => (request.traceParent = '\0')],
        ['set_header', () => request.set_header('a', 'b\0c')],
        ['append_header', () => request.append_header('a\0b', 'c')],
        ['add_query_param', () => request.add_query_param('a', 'b\0c')],
        ['set_idempotency_key', () => request.set_idempotency_key('a\0b')],
        ['set_fallback_uris', () => request.set_fallback_uris([server.uri('/'), uri])],
        ['set_body_bytes', () => request.set_body_bytes('a/b\0c', new GLib.Bytes([]))],
        ['set_default_header', () => client.set_default_header('a', 'b\0c')],
        ['set_default_header', () => origin.set_default_header('a', 'b\0c')],
        ['cancel', () => client.cancel('a\0b')],
        ['get_result', () => client.get_result('a\0b')],
        ['get_async', () => client.get_async(uri, null, null)],
        ['wait_result_async', () => client.waitResult('a\0b')],
        ['fetch_async', () => Resilient.fetch_async('GET', uri, 0, 10, null)],
    ]) {
        const error = await thrown(func);

        ok(error instanceof RangeError && error.message.includes(name), `${name}: ${error}`);
    }
    equal([request.uri, request.get_header('a')], [server.uri('/text'), null]);
    equal((await client.get_async(request.uri, null, null)).get_text(), 'hello');
    await client.close();
});

test('a truth is not made of something else', async () => {
    const builder = Resilient.RetryPolicyBuilder.new(null);
    const request = Resilient.Request.new('GET', server.uri('/'));
    const client = new Resilient.Client();

    for (const [name, func] of [
        ['coalesce', () => (request.coalesce = 'no')],
        ['coalesce', () => request.set_coalesce(0)],
        ['coalesce', () => new Resilient.Request({coalesce: null})],
        ['adaptive-concurrency', () => new Resilient.Client({adaptiveConcurrency: 'no'})],
        ['adaptive-concurrency', () => (client.adaptive_concurrency = 1)],
        ['respect_retry_after', () => builder.set_respect_retry_after('false')],
        ['shared_retry_after', () => builder.set_shared_retry_after(undefined)],
    ]) {
        const error = await thrown(func);

        ok(error instanceof TypeError && error.message.includes(name), `${name}: ${error}`);
    }
    request.coalesce = true;
    client.adaptiveConcurrency = true;
    equal([request.coalesce, client.get_adaptive_concurrency()], [true, true]);
    await client.close();
});

const encoder = new TextEncoder();

// What a promise or function throws.
async function thrown(what) {
    try {
        await (typeof what === 'function' ? what() : what);
    } catch (error) {
        return error;
    }
    throw new Error('No error was thrown');
}

async function withClient(func, settings = {}) {
    const client = new Resilient.Client({retryPolicy: {maxRetries: 1, baseDelay: 0}, ...settings});

    try {
        await func(client);
    } finally {
        await client.close();
    }
}

test('each verb takes its options in an object', () => withClient(async client => {
    for (const verb of ['get', 'options', 'delete', 'post', 'put', 'patch'])
        equal((await client[verb](server.uri('/echo'))).json().method, verb.toUpperCase());
    equal((await client.head(server.uri('/text'))).statusCode, 200);
    equal((await client.request('REPORT', server.uri('/echo'), null)).json().method, 'REPORT');
    const uri = GLib.Uri.parse(server.uri('/text'), GLib.UriFlags.NONE);
    equal((await client.get(uri)).text(), 'hello');

    const response = await client.post(server.uri('/echo'), {
        params: {q: 'a b', left: null, out: undefined, n: 1, yes: true},
        headers: new Map([['X-One', ['1', 2]], ['X-None', null]]),
        json: {answer: [42, null, 'ä']},
        requestId: 'posted',
        metadata: {service: 'users'},
        timeout: 10,
        connectTimeout: 5,
        priority: 1,
        idempotencyKey: 'key',
        cancellable: new Gio.Cancellable(),
    });
    const {headers, query, body} = response.json();
    equal(Object.entries(query).sort(), [['n', '1'], ['q', 'a b'], ['yes', 'true']]);
    equal(JSON.parse(body), {answer: [42, null, 'ä']});
    equal([headers['content-type'], headers['idempotency-key']], ['application/json', 'key']);
    // The server of this test tells the last of a name.
    equal([headers['x-one'], headers['x-none']], ['2', undefined]);
    const {context} = client.get_result('posted');
    equal([context.requestId, context.metadata], ['posted', {service: 'users'}]);
}));

test('a body is text, bytes, a form, JSON, a file or a stream', () => withClient(async client => {
    const echo = async options => {
        const {headers, body} = (await client.post(server.uri('/echo'), options)).json();

        return [headers['content-type'], body];
    };
    const [file, stream] = Gio.File.new_tmp(null);
    stream.get_output_stream().write_all(encoder.encode('file'), null);
    stream.close(null);

    equal(await echo({body: 'ä'}), ['text/plain; charset=utf-8', 'ä']);
    equal(await echo({body: encoder.encode('ä')}), ['application/octet-stream', 'ä']);
    equal(await echo({body: encoder.encode('ab').buffer}), ['application/octet-stream', 'ab']);
    // A part of a buffer is that part alone.
    equal(await echo({body: encoder.encode('abc').subarray(1)}), ['application/octet-stream', 'bc']);
    equal(await echo({body: new GLib.Bytes(encoder.encode('x')), contentType: 'a/b'}), ['a/b', 'x']);
    equal((await echo({body: file, contentType: 'a/b'})), ['a/b', 'file']);
    equal(await echo({body: Gio.MemoryInputStream.new_from_bytes(new GLib.Bytes(encoder.encode('s')))}),
        ['application/octet-stream', 's']);
    equal(await echo({json: null}), ['application/json', 'null']);
    equal(await echo({json: 'ä', contentType: 'application/problem+json'}),
        ['application/problem+json', '"ä"']);
    equal(await echo({form: [['b', '1 +&'], ['a', ['ä', "~!'()*"]], ['b', 2]]}),
        ['application/x-www-form-urlencoded', 'b=1+%2B%26&a=%C3%A4&a=%7E%21%27%28%29*&b=2']);
    file.delete(null);
}));

test('an option that can’t be is an exception that names it', () => withClient(async client => {
    for (const [name, options, kind] of [
        ['retries', {retries: 3}, TypeError],
        ['timeout', {timeout: -1}, RangeError],
        ['timeout', {timeout: NaN}, RangeError],
        ['timeout', {timeout: '5'}, TypeError],
        ['readTimeout', {readTimeout: Infinity}, RangeError],
        ['maxResponseSize', {maxResponseSize: 1.5}, RangeError],
        ['priority', {priority: 'high'}, TypeError],
        ['requestId', {requestId: 'a b'}, RangeError],
        ['requestId', {requestId: 5}, TypeError],
        ['requestId', {requestId: 'a\0b'}, RangeError],
        ['requestId', {requestId: 'a', context: named('a')}, TypeError],
        ['context', {context: 'a'}, TypeError],
        ['retry', {context: {retry: 1}}, TypeError],
        ['metadata', {metadata: 'text'}, TypeError],
        ['metadata.a[1]', {metadata: {a: [1, () => 1]}}, TypeError],
        ['metadata.a', {metadata: {a: 'b\0c'}}, RangeError],
        ['metadata.a', {metadata: {a: NaN}}, RangeError],
        ['maxRetries', {maxRetries: -2}, RangeError],
        ['maxRetries', {maxRetries: 1.5}, RangeError],
        ['maxRetries', {maxRetries: '1'}, TypeError],
        ['retryPolicy', {retryPolicy: 3}, TypeError],
        ['maxRetrys', {retryPolicy: {maxRetrys: 3}}, TypeError],
        ['baseDelay', {retryPolicy: {baseDelay: -1}}, RangeError],
        ['retryStatuses', {retryPolicy: {retryStatuses: 503}}, TypeError],
        ['respectRetryAfter', {retryPolicy: {respectRetryAfter: 1}}, TypeError],
        ['headers', {headers: 'a: b'}, TypeError],
        ['a', {headers: {a: {}}}, TypeError],
        ['a', {headers: {a: 'b\0'}}, RangeError],
        ['params', {params: [['a']]}, TypeError],
        ['params', {params: new Date()}, TypeError],
        ['headers', {headers: new Gio.Cancellable()}, TypeError],
        ['form', {form: encoder.encode('a=b')}, TypeError],
        ['json', {json: () => 1}, TypeError],
        ['json', {json: 1n}, TypeError],
        ['body', {body: 5}, TypeError],
        ['body', {body: 'a', json: 1}, TypeError],
        ['contentType', {contentType: 'a/b'}, TypeError],
        ['cancellable', {cancellable: {}}, TypeError],
        ['idempotent', {idempotent: 'yes'}, TypeError],
        ['idempotencyKey', {idempotencyKey: 1}, TypeError],
        ['fallbackUris', {fallbackUris: 'http://a.test/'}, TypeError],
        ['fallback', {fallback: 'stored'}, TypeError],
        ['coalesce', {coalesce: 'yes'}, TypeError],
    ]) {
        for (const func of [() => client.get(server.uri('/text'), options),
            () => client.start(server.uri('/text'), options)]) {
            const error = await thrown(func);

            ok(error instanceof kind, `${name}: ${error}`);
            ok(error.message.includes(name), `${error} names ${name}, which`);
        }
    }
    for (const uri of [5, null, undefined, {}])
        ok((await thrown(client.get(uri))).message.includes('uri'));
    ok((await thrown(client.request(null, server.uri('/')))).message.includes('method'));
    ok((await thrown(client.get(server.uri('/'), 'x'))) instanceof TypeError);
    for (const options of [5, named('a'), [], () => 1])
        ok((await thrown(() => client.start(server.uri('/text'), options))) instanceof TypeError);
    // What the library refuses itself names the field, too.
    const error = await thrown(client.get(server.uri('/'), {headers: {'X-A': 'a\nb'}}));
    ok(error instanceof Resilient.InvalidRequestError && error.message.includes('X-A'));
    equal(client.stats.requests, 0);
}));

test('an exception tells no secret, and names every option', () => withClient(async client => {
    const secret = 'Bearer S3cr3t';

    for (const [name, options] of [
        ['headers', {headers: `Authorization: ${secret}`}],
        ['headers', {headers: ['Authorization', secret]}],
        ['headers', {headers: [['Authorization', secret, 'more']]}],
        ['Authorization', {headers: {Authorization: `${secret}\0`}}],
        ['Authorization', {headers: {Authorization: {secret}}}],
        ['params', {params: secret}],
        ['form', {form: secret}],
        ['body', {body: [secret]}],
        ['metadata', {metadata: secret}],
        ['coalesce', {coalesce: secret}],
        ['fallback', {fallback: secret}],
        ['context', {context: secret}],
        ['Options', secret],
        ['timeout', {timeout: Symbol('a')}],
        ['priority', {priority: Symbol('a')}],
        ['headers', {headers: Symbol('a')}],
        ['body', {body: Object.create(null)}],
        ['maxRetries', {maxRetries: Symbol('a')}],
        ['jitterMode', {retryPolicy: {jitterMode: Symbol('a')}}],
        ['requestId', {requestId: Object.create(null)}],
    ]) {
        const error = await thrown(client.get(server.uri('/text'), options));

        ok(error instanceof TypeError || error instanceof RangeError, `${name}: ${error}`);
        ok(error.message.includes(name) && !error.message.includes('S3cr3t'), `“${error}”, for ${name},`);
    }
    ok((await thrown(() => (client.connectTimeout = Symbol('a')))).message.includes('connect-timeout'));
}));

test('texts and views are what they are to fetch()', () => withClient(async client => {
    const uri = GLib.Uri.parse('http://example.org/', GLib.UriFlags.NONE);
    const marked = Resilient.Response.new(200, null, uri, null, new GLib.Bytes(encoder.encode('\ufeff{"a": 1}')));
    const echo = async options => (await client.post(server.uri('/echo'), options)).json().body;
    const {buffer} = encoder.encode('abcdef');
    const mistake = new Error('mistake');
    const throwing = what => thrown(client.post(server.uri('/echo'), {
        json: {
            toJSON() {
                throw what;
            },
        },
    }));

    equal(marked.json(), {a: 1});
    equal(await echo({form: {a: '\ud800', b: '🙂'}}), 'a=%EF%BF%BD&b=%F0%9F%99%82');
    equal(await echo({body: new DataView(buffer, 1, 2)}), 'bc');
    equal(await echo({body: new Uint16Array(buffer, 2, 2)}), 'cdef');
    ok((await throwing(mistake)).cause === mistake);
    ok((await throwing(null)).message.includes('json'));
}));

test('what is passed besides the options is refused', () => withClient(async client => {
    for (const func of [() => client.get(server.uri('/text'), null, new Gio.Cancellable()),
        () => client.request('GET', server.uri('/text'), {}, new Gio.Cancellable()),
        () => client.get(server.uri('/text'), null, null, () => {})]) {
        const error = await thrown(func);

        ok(error instanceof TypeError && error.message.includes('cancellable'), error);
    }
    equal(client.stats.requests, 0);
}));

test('retries are an option', () => withClient(async client => {
    const uri = new Server(false).uri('/');
    const attempts = async options => (await thrown(client.get(uri, options))).attempts;
    const quick = {baseDelay: 0, jitterMode: Resilient.Jitter.NONE};

    equal(await attempts({}), 2);
    equal(await attempts({maxRetries: 0}), 1);
    equal(await attempts({maxRetries: 3}), 4);
    equal(await attempts({retryPolicy: {...quick, maxRetries: 2}}), 3);
    equal(await attempts({retryPolicy: new Resilient.RetryPolicy(quick), maxRetries: 4}), 5);
    equal(await attempts({context: {retryPolicy: quick, maxRetries: 0}}), 1);
    equal(await attempts({context: named('mine')}), 2);
    // Of a request that has a policy it is that one that is changed.
    const request = new Resilient.Request({uri, retryPolicy: {...quick, retryOn: 0, maxRetries: 5}});
    equal((await thrown(client.start(request, {maxRetries: 1}))).attempts, 1);
    request.retryPolicy = quick;
    equal((await thrown(client.start(request, {maxRetries: 3}))).attempts, 4);
    equal(client.get_result('mine').attempts, 2);
    // POST is sent twice only where the app says so.
    const retried = {retryPolicy: {base: Resilient.RetryPolicy.get_standard(), ...quick}};
    equal((await client.post(server.uri('/script/p/502/200'), retried)).statusCode, 502);
    equal((await client.post(server.uri('/script/q/502/200'), {...retried, idempotent: true}))
        .statusCode, 200);
}));

test('an answer is shared, or the app’s own', () => withClient(async client => {
    const uri = server.uri('/text');
    const responses = await Promise.all(
        [1, 2, 3].map(() => client.get(uri, {coalesce: true})));

    equal(responses.map(response => response.statusCode), [200, 200, 200]);
    equal(client.stats.attempts, 1);

    const away = new Server(false).uri('/');
    const stored = GLib.Uri.parse('http://stored.test/', GLib.UriFlags.NONE);
    const fallback = (context, response, error) => error
        ? Resilient.Response.new(203, 'Stored', stored, null, null) : null;
    equal((await client.get(away, {fallback, maxRetries: 0})).statusCode, 203);
    equal((await thrown(client.get(away, {fallback: () => null, maxRetries: 0}))).attempts, 1);
    equal((await thrown(client.get(away, {fallback: () => {}, maxRetries: 0}))).attempts, 1);
}));

test('what is read is an attribute', () => withClient(async client => {
    const response = await client.get(server.uri('/json'), {requestId: 'a'});

    equal([response.statusCode, response.ok, response.contentType, response.reasonPhrase],
        [200, true, 'application/json', 'OK']);
    equal([response.url, response.uri.get_path()], [server.uri('/json'), '/json']);
    equal([response.text(), response.json(), [...response.bytes()].slice(0, 2)],
        ['{"answer": 42}', {answer: 42}, [123, 34]]);
    // A response never changes.
    response.bytes().fill(0);
    equal(response.json(), {answer: 42});
    equal([response.hasBody, response.elapsedTime >= 0, response.retryAfter], [true, true, -1]);
    ok(response.checkStatus() === response);
    const {headers} = response;
    equal([headers.get('CONTENT-TYPE'), headers.get('x-none'), headers.has('Content-type')],
        ['application/json', null, true]);
    equal(headers.getAll('content-length'), ['14']);
    ok([...headers.keys()].includes('content-length') && new Map(headers).size === headers.size);

    const missing = await client.get(server.uri('/status/404'));
    equal([missing.ok, missing.text(), missing.bytes().length], [false, '', 0]);
    const error = await thrown(() => missing.checkStatus());
    ok(error instanceof Resilient.HttpError && error instanceof Resilient.Error);
    equal([error.code, error.failure], [404, Resilient.Failure.STATUS]);
    equal((await thrown(() => missing.json())).name, 'SyntaxError');

    const result = client.get_result('a');
    equal([result.requestId, result.isSuccess, result.isError, result.attempts, result.error],
        ['a', true, false, 1, null]);
    equal([result.context.requestId, result.context.currentAttempt, result.context.hasRetriesLeft],
        ['a', 0, true]);
    equal(result.response.statusCode, 200);
    const [attempt] = result.list_attempts();
    equal([attempt.number, attempt.statusCode, attempt.spanId === attempt.dup_span_id()], [1, 200, true]);
    equal([client.stats.requests, client.stats.successRate, client.maxConcurrent], [2, 1, 100]);
    equal([client.retryPolicy.maxRetries, client.retryPolicy.baseDelay], [1, 0]);
    // A body that an event has not got is told, and not empty.
    const [event] = await firstEvents(client, 1, () => client.get(server.uri('/text')));
    equal([event.eventType, event.response.statusCode, event.response.hasBody, event.error],
        [Resilient.EventType.SUCCESS, 200, false, null]);
    for (const read of ['text', 'json', 'bytes'])
        await fails(() => event.response[read](), Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND);
}));

async function firstEvents(client, count, func) {
    const subscription = client.subscribe(100);
    const events = [];

    await func();
    for await (const event of subscription) {
        events.push(event);
        if (events.length === count)
            break;
    }
    ok(subscription.closed);
    return events;
}

test('to read all attributes is to read', () => withClient(async client => {
    const response = await client.get(server.uri('/text'), {requestId: 'a'});
    const call = client.start(server.uri('/text'));

    await call;
    for (const object of [client, response, call, call.context, call.result, client.stats, client.subscribe(1),
        Resilient.Request.new('GET', server.uri('/')), client.get_origin(server.uri('/')), client.retryPolicy]) {
        for (const name in object)
            void object[name];
    }
    ok(!('async' in client));
    equal(client.stats.requests, 2);
}));

test('a text that is not of its encoding is read all the same', () => {
    const uri = GLib.Uri.parse('http://example.org/', GLib.UriFlags.NONE);
    const response = Resilient.Response.new(200, null, uri, null, new GLib.Bytes([65, 0xc3, 0xa4]));

    equal([response.text(), [...response.bytes()]], ['Aä', [65, 0xc3, 0xa4]]);
});

test('policies, contexts and metadata are plain objects', async () => {
    const policy = new Resilient.RetryPolicy({
        maxRetries: 7, retryStatuses: [503], retryOn: Resilient.Failure.CONNECT, respectRetryAfter: false,
    });
    ok(policy instanceof Resilient.RetryPolicy);
    equal([policy.maxRetries, policy.retryStatuses, policy.respectRetryAfter], [7, [503], false]);
    equal(new Resilient.RetryPolicy(2, 0.5).baseDelay, 0.5);
    equal(new Resilient.RetryPolicy({base: policy, maxRetries: 1}).retryStatuses, [503]);
    equal(new Resilient.CircuitPolicy({failureThreshold: 3}).failureThreshold, 3);
    for (const [name, func] of [
        ['base', () => new Resilient.RetryPolicy({base: new Resilient.CircuitPolicy({})})],
        ['jitterMode', () => new Resilient.RetryPolicy({jitterMode: 77})],
        ['maxRetries', () => new Resilient.RetryPolicy(1.5, 1)],
        ['baseDelay', () => Resilient.RetryPolicy.new(1, null)],
        ['CircuitPolicy', () => new Resilient.CircuitPolicy(3)],
        ['retryPolicy', () => new Resilient.Client({retryPolicy: 3})],
        ['retries', () => new Resilient.Client({retry_policy: {retries: 3}})],
    ]) {
        const error = await thrown(func);

        ok(error instanceof TypeError || error instanceof RangeError, `${name}: ${error}`);
        ok(error.message.includes(name), error.message);
    }
    ok(await thrown(() => new Resilient.CircuitPolicy({window: -1})) instanceof RangeError);

    const metadata = {
        text: '"\\\n\u0001ä🙂', n: -5, big: 2 ** 40, half: 0.5, exact: 1e300, yes: true, nothing: null,
        list: [1, 'a', []], empty: {}, deep: {deeper: {list: [{}]}},
    };
    const context = new Resilient.RequestContext({requestId: 'a', metadata, retryPolicy: policy, maxRetries: 2});
    equal([context.requestId, context.maxRetries, context.metadata], ['a', 2, metadata]);
    equal([...context.with_metadata({bytes: new Uint8Array([0, 255])}).metadata.bytes], [0, 255]);
    equal(new Resilient.RequestContext('b', null, {a: new GLib.Variant('s', 'v')}).metadata, {a: 'v'});
    equal(Resilient.RequestContext.new('b', null, {left: undefined, half: '\ud800', rest: '\\ud800'}).metadata,
        {half: '\ufffd', rest: '\\ud800'});
    equal(Resilient.RequestContext.new(null, null, null).metadata, {});
    ok(await thrown(() => new Resilient.RequestContext({id: 'a'})) instanceof TypeError);
    const loop = {};
    loop.loop = loop;

    let deep = {};
    for (let i = 0; i < 40; i++)
        deep = {deep};
    equal(new Resilient.RequestContext({metadata: deep}).metadata, deep);
    ok((await thrown(() => new Resilient.RequestContext({metadata: {deep}}))).message.includes('metadata'));
    const error = await thrown(() => new Resilient.RequestContext({metadata: loop}));
    ok(error instanceof RangeError && error.message.includes('metadata'), error);

    const request = new Resilient.Request({uri: server.uri('/'), metadata: {a: 1}, retryPolicy: {maxRetries: 4}});
    equal([request.metadata, request.retryPolicy.maxRetries], [{a: 1}, 4]);
    request.metadata = {b: 2};
    request.retry_policy = null;
    equal([request.metadata, request.get_metadata().print(true), request.retryPolicy],
        [{b: 2}, "{'b': <int64 2>}", null]);

    const client = new Resilient.Client({
        circuitPolicy: {failureThreshold: 2}, rateLimiter: {rate: 5, burst: 2}, retry_budget: {ratio: 0.5, reserve: 1},
    });
    equal([client.circuitPolicy.failureThreshold, client.rateLimiter.burst, client.retryBudget.ratio], [2, 2, 0.5]);
    client.rateLimiter = null;
    client.get_origin(server.uri('/')).circuitPolicy = {failureThreshold: 3};
    equal(client.get_origin(server.uri('/')).circuitPolicy.failureThreshold, 3);
    await client.close();
});

test('functions of a request outlive its wrapper', () => withClient(async client => {
    const uri = new Server(false).uri('/');
    const stored = GLib.Uri.parse('http://stored.test/', GLib.UriFlags.NONE);
    const fallback = () => Resilient.Response.new(203, null, stored, null, null);
    const retryPolicy = {base: Resilient.RetryPolicy.get_standard(), maxRetries: 1, baseDelay: 0};
    const body = () => Gio.MemoryInputStream.new_from_bytes(new GLib.Bytes(encoder.encode('body')));
    let number = 0;
    const newUpload = () => {
        const request = new Resilient.Request({
            method: 'PUT', uri: server.uri(`/script/factory${number++}/503/200`), retryPolicy,
        });

        request.set_body_stream_factory('text/plain', body);
        return request;
    };
    const statusOf = async promise => {
        let status = null;

        promise.then(response => (status = response.get_status_code()), error => (status = error.message));
        await turnUntil(() => {
            System.gc();
            return status !== null;
        });
        return status;
    };

    // The collector runs in the pause.
    const pausing = {fallback, retryPolicy: {maxRetries: 1, baseDelay: 0.01, jitterMode: Resilient.Jitter.NONE}};
    equal(await statusOf(client.get(uri, pausing)), 203);
    equal(await statusOf(client.start(uri, pausing).wait()), 203);
    equal(await statusOf(client.start(newUpload()).wait()), 200);
    equal(await statusOf(client.start(newUpload(), {priority: 1}).wait()), 200);
    equal(await statusOf(client.start(newUpload().copy().copy()).wait()), 200);
    equal(await statusOf(client.send_async(newUpload(), null, null)), 200);
    const batch = Resilient.Batch.new(client, [newUpload()], Resilient.BatchFlags.NONE);
    equal(await statusOf(batch.run().then(([result]) => result.response)), 200);
}));

test('a client outlives the promise of its verb', async () => {
    const uri = new Server(false).uri('/');
    let retries = 0;
    let attempts = null;
    const get = () => {
        const client = new Resilient.Client({
            retryPolicy: {maxRetries: 2, baseDelay: 0.01, jitterMode: Resilient.Jitter.NONE},
        });

        client.connect('retry', () => retries++);
        return client.get(uri);
    };

    get().catch(error => (attempts = error.attempts));
    await turnUntil(() => {
        System.gc();
        return attempts !== null;
    });
    equal([attempts, retries], [3, 2]);
});

test('a call is awaited, and stays a call', () => withClient(async client => {
    const call = client.start(server.uri('/text'), {method: 'POST', body: 'a', requestId: 'call'});

    ok(call instanceof Resilient.Call);
    equal([call.requestId, call.maxAttempts], ['call', 2]);
    equal((await call).text(), 'hello');
    // As often as one likes.
    equal([(await call).statusCode, (await call.wait()).statusCode, call.result.isSuccess], [200, 200, true]);

    const request = Resilient.Request.new('GET', server.uri('/echo'));
    const response = await client.start(request, {headers: {'X-A': 'a'}});
    equal([response.json().headers['x-a'], request.get_header('X-A')], ['a', null]);
    equal((await client.start(request)).statusCode, 200);
    equal((await client.start(request, named('as-before'), null)).statusCode, 200);

    equal((await client.start(server.uri('/echo'), {method: null})).json().method, 'GET');
    ok((await thrown(() => client.start(request, {method: 'POST'}))).message.includes('method'));

    const cancellable = new Gio.Cancellable();
    const {held} = server;
    const long = client.start(server.uri('/hold'));
    await turnUntil(() => server.held > held);
    const waiting = long.wait(cancellable);
    cancellable.cancel();
    ok(await thrown(waiting) instanceof Resilient.CancelledError);
    // It was the wait that was cancelled.
    equal([long.result, long.state !== Resilient.CallState.DONE], [null, true]);
    // The same between two attempts, of which one has failed.
    const pausing = client.start(new Server(false).uri('/'), {retryPolicy: {baseDelay: 30}});
    await turnUntil(() => pausing.state === Resilient.CallState.WAITING);
    ok(await thrown(pausing.wait(cancellable)) instanceof Resilient.CancelledError);
    ok(!(await thrown(pausing.wait(cancellable)) instanceof Resilient.ConnectError));
    pausing.cancel();
    long.cancel();
    let ended = false;
    const error = await thrown(long.finally(() => (ended = true)));
    ok(ended && error instanceof Resilient.CancelledError);
    equal([error.requestId, await long.catch(() => 'caught')], [long.requestId, 'caught']);
}));

test('errors have classes of their own', () => withClient(async client => {
    const {held} = server;
    const cancellable = new Gio.Cancellable();
    const hold = options => thrown(client.get(server.uri('/hold'), options));
    const refused = await thrown(client.get(new Server(false).uri('/'), {requestId: 'refused'}));

    ok(refused instanceof Resilient.ConnectError && refused instanceof Resilient.Error);
    ok(refused instanceof Gio.IOErrorEnum && refused instanceof GLib.Error);
    ok(!(refused instanceof Resilient.TimeoutError || refused instanceof Resilient.ResolveError));
    ok(refused.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED));
    equal([refused.code, refused.requestId, refused.attempts, refused.failure],
        [Gio.IOErrorEnum.CONNECTION_REFUSED, 'refused', 2, Resilient.Failure.CONNECT]);
    ok(client.get_result('refused').error instanceof Resilient.ConnectError);
    equal(client.get_result('refused').error.requestId, 'refused');

    const late = await hold({timeout: 0.02});
    ok(late instanceof Resilient.DeadlineError && late instanceof Resilient.TimeoutError);
    ok(late.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.TIMED_OUT));
    ok(await hold({readTimeout: 0.02, maxRetries: 0}) instanceof Resilient.ReadTimeoutError);
    const cancelled = hold({cancellable});
    await turnUntil(() => server.held > held + 2);
    cancellable.cancel();
    ok(await cancelled instanceof Resilient.CancelledError);
    ok(await hold({cancellable}) instanceof Resilient.CancelledError);
    ok(await thrown(client.get(server.uri('/size/9'), {maxResponseSize: 5})) instanceof Resilient.TooLargeError);
    ok(await thrown(client.get('no uri')) instanceof Resilient.InvalidRequestError);
    ok(await thrown(client.waitResult('refused', -1, cancellable)
        .then(() => client.waitResult('nobody'))) instanceof Resilient.Error);
    client.get_origin(server.uri('/')).circuitPolicy = {};
    client.get_origin(server.uri('/')).circuitBreaker.trip();
    ok(await thrown(client.get(server.uri('/text'))) instanceof Resilient.CircuitOpenError);

    // Nobody else's, and nothing that is none.
    for (const other of [new Error('a'), null, undefined, {}, {failure: 2}, 'a',
        new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED, 'a')]) {
        for (const name of ['Error', 'ConnectError', 'CancelledError'])
            ok(!(other instanceof Resilient[name]), `${other} is no ${name}, which`);
    }
    ok(await thrown(() => new Resilient.ConnectError()) instanceof TypeError);
    equal([Resilient.Error.name, Resilient.ConnectError.name], ['Error', 'ConnectError']);

    const closed = new Resilient.Client();
    await closed.close();
    ok(await thrown(closed.get(server.uri('/'))) instanceof Resilient.ClosedError);
}));

test('operations are methods with promises', () => withClient(async client => {
    client.start(server.uri('/text'), {requestId: 'a'});
    equal((await client.waitResult('a')).isSuccess, true);
    equal((await client.waitResult('a', undefined, undefined)).isSuccess, true);
    equal(await new Resilient.Client().close(undefined), true);
    equal((await client.waitAll()).length, 1);
    ok(await thrown(client.waitResult()) instanceof Error);
    ok(await thrown(client.close(0, null, null)) instanceof TypeError);
    for (const value of [-1, NaN, 'long', null]) {
        ok((await thrown(client.close(value))).message.includes('grace'));
        ok(value === -1 || (await thrown(client.waitResult('a', value))).message.includes('timeout'));
    }
    ok(!client.closed);
    const batch = Resilient.Batch.new(client, [Resilient.Request.new('GET', server.uri('/text'))],
        Resilient.BatchFlags.NONE);
    equal((await batch.run()).map(result => result.isSuccess), [true]);
}));

test('guards are methods with promises', async () => {
    const cancellable = new Gio.Cancellable();
    const limiter = new Resilient.RateLimiter({rate: 0.001, burst: 1});
    ok(await limiter.acquire());
    const waiting = limiter.acquire(cancellable);
    cancellable.cancel();
    ok(await thrown(waiting) instanceof Resilient.CancelledError);
    ok(await new Resilient.Throttle({interval: 0}).wait());
    const debouncer = new Resilient.Debouncer({interval: 0.01});
    const [older, newest] = await Promise.allSettled([debouncer.wait(), debouncer.wait()]);
    ok(older.reason instanceof Resilient.CancelledError && newest.value === true);

    const breaker = new Resilient.CircuitBreaker({policy: {failureThreshold: 2}});
    equal(await breaker.run(() => 5), 5);
    for (const message of ['a', 'b'])
        equal((await thrown(breaker.run(() => Promise.reject(new Error(message))))).message, message);
    let called = false;
    ok(await thrown(breaker.run(() => (called = true))) instanceof Resilient.CircuitOpenError);
    equal([called, breaker.state], [false, Resilient.CircuitState.OPEN]);

    const refused = () => new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_REFUSED, 'refused');
    const newRetrier = () => new Resilient.Retrier({
        retryPolicy: {maxRetries: 2, baseDelay: 0}, context: {requestId: 'mine'},
    });
    equal(newRetrier().context.requestId, 'mine');
    const seen = [];
    equal(await newRetrier().run(async attempt => {
        seen.push(attempt);
        if (attempt < 3)
            throw refused();
        return await 'done';
    }), 'done');
    equal(seen, [1, 2, 3]);
    equal((await thrown(newRetrier().run(() => Promise.reject(refused())))).message, 'refused');
    const client = new Resilient.Client();
    const uri = new Server(false).uri('/');
    ok(await thrown(newRetrier().run(() => client.get(uri, {maxRetries: 0}))) instanceof Resilient.ConnectError);
    await client.close();
    cancellable.reset();
    const pausing = Resilient.Retrier.new(new Resilient.RetryPolicy({baseDelay: 30}), null)
        .run(() => Promise.reject(refused()), cancellable);
    GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
        cancellable.cancel();
        return GLib.SOURCE_REMOVE;
    });
    ok(await thrown(pausing) instanceof Resilient.CancelledError);
    let calls = 0;
    ok(await thrown(newRetrier().run(() => calls++, cancellable)) instanceof Resilient.CancelledError);
    equal(calls, 0);
    const unused = new Resilient.CircuitBreaker({policy: {failureThreshold: 1}});
    ok((await thrown(unused.run(5))).message.includes('func'));
    equal(unused.state, Resilient.CircuitState.CLOSED);
    const mistake = new TypeError('mistake');
    ok(await thrown(newRetrier().run(() => Promise.reject(mistake))) === mistake);
});

test('leaving the loop closes the subscription', () => withClient(async client => {
    const subscription = client.subscribe(10);
    const get = () => client.get(server.uri('/text'));

    await get();
    for await (const event of subscription) {
        equal(event.context.requestId.length, 36);
        break;
    }
    ok(subscription.closed);
    await get();
    equal(subscription.length, 0);
    for await (const event of subscription)
        throw new Error(`An event of a subscription that is closed: ${event}`);

    const other = client.subscribe(10);
    await get();
    const mistake = new Error('mistake');
    ok(await thrown((async () => {
        for await (const _event of other)
            throw mistake;
    })()) === mistake);
    ok(other.closed);

    const unread = client.subscribe(10);
    const iterator = unread[Symbol.asyncIterator]();
    equal(await iterator.return(5), {value: 5, done: true});
    ok(unread.closed && iterator[Symbol.asyncIterator]() === iterator);
    equal((await iterator.next()).done, true);
    const pending = client.subscribe(10)[Symbol.asyncIterator]();
    const next = pending.next();
    let returned = false;
    pending.return().then(() => (returned = true));
    await turnUntil(() => returned);
    equal((await next).done, true);

    // One that waits ends when it is closed.
    const waiting = client.subscribe(10);
    const reading = (async () => {
        for await (const event of waiting)
            throw new Error(`${event}`);
    })();
    waiting.close();
    await reading;
}));

test('nothing but the library’s own is changed', () => {
    // In a process without it they are the same.
    const program = `
        const {Gio, GLib, GObject, Soup} = imports.gi;
        const names = [Object, Array, Promise, Error, GObject.Object, GLib.Error, GLib.Variant, Gio.IOErrorEnum,
            Gio.Cancellable].map(each => [each, each.prototype ?? {}].map(holder =>
            Reflect.ownKeys(holder).map(String).sort()));`;
    const [without, changed] = ['', 'imports.gi.versions.Resilient = "1"; imports.gi.Resilient;'].map(load => {
        const gjs = Gio.Subprocess.new(['gjs', '-c', `${load}${program}print(JSON.stringify(names));`],
            Gio.SubprocessFlags.STDOUT_PIPE);

        return gjs.communicate_utf8(null, null)[1];
    });

    ok(without.length > 1000);
    equal(changed, without);
});

test('a setting that a guard has not is named', () => {
    let error = null;
    try {
        new Resilient.RateLimiter({rate: 1, burst: 3, colour: 'blue'});
    } catch (e) {
        error = e;
    }
    ok(error?.message.includes('colour'));
});

run();
