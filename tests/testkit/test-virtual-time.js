// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// The test kit's time, chance and transport from JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import ResilientTest from 'gi://ResilientTest?version=1';

import {equal, fails, ok, run, test} from '../bindings/tap.js';

const URI = 'http://example.com/a';
const refused = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED, 'Refused');

const clock = new ResilientTest.Clock();
clock.install();

// A transport, and a client that sends through it and pauses for 1, 2, 4, … seconds.
function setting() {
    const builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard());

    builder.set_base_delay(1);
    builder.set_jitter_mode(Resilient.Jitter.NONE);
    const client = new Resilient.Client({retryPolicy: builder.build()});
    const transport = new ResilientTest.Transport();
    transport.install(client);
    return [client, transport];
}

function times(transport) {
    return transport.list_attempts().map(attempt => Number(attempt.get_time().toFixed(3)));
}

// Starts a request and returns an array that its result will be in.
function begin(client) {
    const done = [];

    client.send_async(Resilient.Request.new('GET', URI), null, null,
        (_client, result) => done.push(result));
    return done;
}

test('a schedule of retries', () => {
    const [client, transport] = setting();

    transport.add_error(null, refused, false, 0.5);
    transport.add_response(null, 503, ['X-A: 1'], null, 0.25);
    transport.add_response(null, 200, ['Content-Type: text/plain'],
        new GLib.Bytes(new TextEncoder().encode('hello')), 0);
    const done = begin(client);
    clock.advance(3.749);
    equal(done.length, 0);
    clock.advance(0.001);
    equal(client.send_finish(done[0]).get_text(), 'hello');
    equal(times(transport), [0, 1.5, 3.75]);
    const attempt = transport.list_attempts()[1];
    equal([attempt.get_method(), attempt.get_uri(), attempt.get_number()], ['GET', URI, 2]);
});

test('a seed gives the same schedule', async () => {
    async function schedule(seed) {
        const [client, transport] = setting();

        ResilientTest.seed_random(seed);
        client.set_retry_policy(Resilient.RetryPolicy.get_standard());
        transport.add_error(null, refused, false, 0.1);
        const done = begin(client);
        clock.advance(100);
        await fails(() => client.send_finish(done[0]),
            Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED);
        return times(transport);
    }

    const first = await schedule(3);
    equal(first, await schedule(3));
    ok(`${first}` !== `${await schedule(4)}`);
    ResilientTest.unseed_random();
});

test('an attempt is answered by a handler or later', () => {
    const [client, transport] = setting();
    const seen = [];

    transport.connect('attempt', (_transport, attempt) => seen.push(attempt));
    const done = begin(client);
    clock.advance(1);
    ok(seen[0].is_live());
    ok(seen[0].fail(refused, false, 0));
    clock.advance(1);
    ok(seen[1].respond(200, null, null, 0.5));
    clock.advance(0.5);
    equal(client.send_finish(done[0]).get_status_code(), 200);
});

test('promises are kept in no time', async () => {
    const [client, transport] = setting();

    Gio._promisify(Resilient.Client.prototype, 'send_async');
    transport.add_error(null, refused, false, 0);
    transport.add_response(null, 200, null, null, 0);
    clock.set_automatic(true);
    const began = clock.get_elapsed();
    const response = await client.send_async(Resilient.Request.new('GET', URI), null, null);
    equal(response.get_status_code(), 200);
    equal(Number((clock.get_elapsed() - began).toFixed(3)), 1);
    clock.set_automatic(false);
});

test('offline and back', () => {
    const network = new ResilientTest.Network();

    network.install();
    const [client, transport] = setting();
    transport.add_error(null, refused, false, 0);
    transport.add_response(null, 200, null, null, 0);
    const done = begin(client);
    clock.advance(0.5);
    network.set_available(false);
    clock.advance(20);
    equal(done.length, 0);
    network.set_available(true);
    clock.advance(2);
    equal(client.send_finish(done[0]).get_status_code(), 200);
    network.uninstall();
});

run();
