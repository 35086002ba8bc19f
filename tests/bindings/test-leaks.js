// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// A thousand rounds leave nothing behind: memory does not grow.
//
// JavaScript can't tell when an object of C goes, so each round gives all it makes a payload: of
// whatever holds one, a single value or object left behind in each round costs more than the bound.
//
// Runs through promises, with the override or without. The server is another process: what a server
// of libsoup takes here is not what is measured.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import System from 'system';

import {ok, run, test} from './tap.js';

const ROUNDS = 1000;
const WARM_UP = 200;
const PAYLOAD = 64 * 1024;
// Of growth after the warm-up. A payload left in each round would be 64 MB.
const BOUND = 16 * 1024 * 1024;

const PAGE_SIZE = 4096;
const TEXT = 'x'.repeat(PAYLOAD);
const BYTES = new GLib.Bytes(new TextEncoder().encode(TEXT));

const [python, script] = ARGV;
const server = Gio.Subprocess.new([python, script],
    Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE);
const [line] = new Gio.DataInputStream({baseStream: server.get_stdout_pipe()}).read_line_utf8(null);
const base = line.trim();

const overridden = '_original_get_async' in Resilient.Client.prototype;

if (!overridden) {
    for (const operation of ['get_async', 'send_async', 'wait_all_async', 'close_async'])
        Gio._promisify(Resilient.Client.prototype, operation);
    Gio._promisify(Resilient.Call.prototype, 'wait_async');
    Gio._promisify(Resilient.Subscription.prototype, 'next_async');
    Gio._promisify(Resilient.Batch.prototype, 'run_async');
    Gio._promisify(Resilient.Retrier.prototype, 'backoff_async');
}

function resident() {
    const [, statm] = GLib.file_get_contents('/proc/self/statm');

    return Number(new TextDecoder().decode(statm).split(' ')[1]) * PAGE_SIZE;
}

function quick() {
    const builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard());

    builder.set_base_delay(0);
    return builder.build();
}

// Parsed, because gjs 1.74 never frees a variant that was floating.
function makeMetadata() {
    return GLib.Variant.parse(null, `{'payload': <'${TEXT}'>}`, null, null);
}

function makeContext(number) {
    return Resilient.RequestContext.new(`${number}`, quick(), makeMetadata());
}

function makeRequest(number) {
    // The first answer is retried.
    const uri = `${base}/script/${number}/503/200`;
    const request = new Resilient.Request({method: 'PUT', uri});

    request.set_body_bytes('text/plain', BYTES);
    request.metadata = makeMetadata();
    return request;
}

// Asks for all that a value holds.
function lookAt(value) {
    const context = value.get_context();
    const response = value.get_response();

    context.get_request_id();
    context.get_policy().get_retry_statuses();
    context.get_metadata();
    value.get_error();
    if (response?.has_body()) {
        response.get_text();
        response.get_uri();
        response.dup_headers();
        response.get_body();
    }
}

// What the override adds.
async function roundOfOverride(client, number) {
    const options = {
        body: TEXT, requestId: `${number}-c`, metadata: {payload: TEXT}, retryPolicy: {baseDelay: 0},
        headers: {'X-Number': number},
    };
    const subscription = client.subscribe(10);
    const response = await client.put(`${base}/size/${PAYLOAD}`, options);

    for (const value of [response.text(), response.bytes()])
        ok(value.length === PAYLOAD);
    response.headers.get('content-type');
    await client.start(`${base}/text`, {...options, requestId: null});
    await client.get('no uri', {metadata: options.metadata}).catch(() => {});
    for await (const event of subscription) {
        ok(event.context.metadata.payload === TEXT);
        break;
    }
}

async function round(number) {
    const client = new Resilient.Client();
    const subscription = client.subscribe(10);

    client.connect('event', (_client, event) => lookAt(event));
    client.get_calls();
    client.get_origin(base);
    await client.get_async(`${base}/size/${PAYLOAD}`, makeContext(number), null);
    await client.start(makeRequest(number), makeContext(number), null).wait_async(null);
    client.start(makeRequest(number), makeContext(number), null).cancel();
    await client.get_async('no uri', makeContext(number), null).catch(() => {});
    for (const result of await client.wait_all_async(null)) {
        lookAt(result);
        for (const attempt of result.list_attempts())
            attempt.get_reason();
    }
    const requests = [makeRequest(`${number}-a`), makeRequest(`${number}-b`)];
    const batch = Resilient.Batch.new(client, requests, Resilient.BatchFlags.NONE);
    for (const result of await batch.run_async(null))
        lookAt(result);
    const retrier = Resilient.Retrier.new(quick(), makeContext(number));
    await retrier.backoff_async(null, null);
    retrier.get_context().get_metadata();
    client.get_stats().get_mean_time();
    if (overridden)
        await roundOfOverride(client, number);
    await client.close_async(0, null);
    for (let event; (event = await subscription.next_async(null));)
        lookAt(event);
}

async function rounds(first, count) {
    for (let i = first; i < first + count; i++) {
        await round(i);
        // The collector knows nothing of what values of C hold.
        if (i % 10 === 0)
            System.gc();
    }
    System.gc();
    return resident();
}

test('memory stays', async () => {
    const before = await rounds(0, WARM_UP);
    const growth = await rounds(WARM_UP, ROUNDS) - before;

    print(`# memory has grown by ${Math.round(growth / 1024)} KiB in ${ROUNDS} rounds`);
    ok(growth < BOUND, `A growth of ${growth} bytes`);
});

run();
