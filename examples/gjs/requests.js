// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// Verbs, options, responses and errors, as the page on JavaScript shows them:
// gjs -m requests.js https://example.org

import GLib from 'gi://GLib';
import Gio from 'gi://Gio';
import Resilient from 'gi://Resilient?version=1';

import {getBaseUri, getRefusingUri, runMain} from './exampleServer.js';

// [client]
function newClient() {
    return new Resilient.Client({
        userAgent: 'Notes/1.0',
        totalTimeout: 30, // seconds
        maxConcurrentPerHost: 4,
        retryPolicy: {base: Resilient.RetryPolicy.get_standard(), maxRetries: 2, baseDelay: 0.1},
    });
}
// [end]

// [post]
async function createNote(client, base, note) {
    const response = await client.post(`${base}/notes`, {
        params: {notify: true, tag: ['a', 'b']},
        headers: {'Accept': 'application/json'},
        json: note,
        timeout: 10, // seconds, with all attempts and pauses
        idempotencyKey: GLib.uuid_string_random(), // the same in every attempt
        requestId: `note-${note.id}`,
        metadata: {view: 'editor'},
    });

    return response.checkStatus().json();
}
// [end]

// [errors]
async function explain(promise) {
    try {
        return (await promise).text();
    } catch (error) {
        if (error instanceof Resilient.CancelledError)
            return 'nothing to tell';
        if (error instanceof Resilient.TimeoutError)
            return 'too slow';
        if (error instanceof Resilient.ConnectError)
            return `no way to the server, after ${error.attempts} attempts`;
        throw error; // a mistake of the program, such as an option that there is not
    }
}
// [end]

// [call]
async function getWithProgress(client, uri) {
    const call = client.start(uri, {priority: -10});

    call.connect('notify::state', () => print(`attempt ${call.attempt} of ${call.maxAttempts}`));
    const response = await call;

    return response.bytes().length;
}
// [end]

// [cancel]
// What AbortController is to fetch().
async function getFirst(client, uris) {
    const cancellable = new Gio.Cancellable();

    try {
        return await Promise.any(uris.map(uri => client.get(uri, {cancellable, timeout: 10})));
    } finally {
        cancellable.cancel();
    }
}
// [end]

// [breaker]
function getGuarded(breaker, operation) {
    // Refused at once while the circuit is open; fails and succeeds with the operation.
    return breaker.run(() => operation());
}
// [end]

function check(condition, what) {
    if (!condition)
        throw new Error(what);
}

runMain(async () => {
    const base = getBaseUri();
    const client = newClient();

    check((await createNote(client, base, {id: 1, text: 'Buy milk'})).hello === 'world', 'The answer');
    check(client.get_result('note-1').context.metadata.view === 'editor', 'The metadata');
    check(await explain(client.get(getRefusingUri())) === 'no way to the server, after 3 attempts', 'The sentence');
    check(await getWithProgress(client, `${base}/flaky/a`) === 19, 'The length');
    check((await getFirst(client, [getRefusingUri(), `${base}/b`])).ok, 'The first');
    const breaker = Resilient.CircuitBreaker.new(new Resilient.CircuitPolicy({failureThreshold: 3}));
    check((await getGuarded(breaker, () => client.get(`${base}/c`))).ok, 'The guarded one');
    print(`${client.stats.requests} requests, ${client.stats.retries} retries`);
    await client.close();
});
