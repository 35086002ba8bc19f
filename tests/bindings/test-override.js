// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// What the override adds: promises, and subscriptions that can be iterated.

import Gio from 'gi://Gio';
import Resilient from 'gi://Resilient?version=1';

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

run();
