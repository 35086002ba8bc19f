// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// The test kit's server from JavaScript.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import ResilientTest from 'gi://ResilientTest?version=1';
import Soup from 'gi://Soup?version=3.0';

import {equal, fails, ok, run, test} from '../bindings/tap.js';

const PATIENCE = 20;
const {Fault, Script, Server, ServerFlags} = ResilientTest;

function clientOf(server, retries = 0) {
    const session = new Soup.Session({tlsDatabase: server.get_tls_database()});
    const builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard());

    builder.set_base_delay(0);
    builder.set_max_retries(retries);
    return new Resilient.Client({session, retryPolicy: builder.build()});
}

function get(server, path = '/', retries = 0) {
    const request = Resilient.Request.new('GET', server.get_uri(path));

    return clientOf(server, retries).send(request, null, null);
}

test('properties and URIs', () => {
    const server = Server.new();

    equal(server.flags, ServerFlags.NONE);
    equal(server.get_uri('/a'), `http://127.0.0.1:${server.port}/a`);
    equal(server.get_uri_at_host('localhost', '/'), `http://localhost:${server.port}/`);
    equal(server.get_tls_database(), null);
    server.close();
});

test('answers and faults in order', () => {
    const server = Server.new();

    server.enqueue_response(201, 'text/plain', new GLib.Bytes('one'));
    server.enqueue_fault(Fault.CLOSE_ON_ACCEPT);
    server.enqueue_fault(Fault.CUT_BETWEEN_CHUNKS);
    server.enqueue_retry_after(503, 'soon');
    equal(get(server).get_text(), 'one');
    equal(get(server, '/', 2).get_header('Retry-After'), 'soon');
    equal(server.list_requests().map(record => record.get_path()), ['/', '/', '/']);
    server.close();
});

test('records', () => {
    const server = Server.new();

    server.set_response(null, 204, null, null);
    get(server, '/path?query');
    const record = server.get_request(0);
    equal([record.get_method(), record.get_path(), record.get_version()],
        ['GET', '/path?query', '1.1']);
    equal([record.get_body_size(), record.get_connection(), record.is_whole()], [0, 1, true]);
    equal(record.get_header('HOST'), `127.0.0.1:${server.port}`);
    ok(record.get_headers().includes(`Host: 127.0.0.1:${server.port}`));
    equal(server.get_request_header(0, 'none'), null);
    equal(server.get_request(1), null);
    server.close();
    equal(server.get_n_requests(), 1);
});

test('scripts and gates', async () => {
    const server = Server.new();
    const client = clientOf(server);
    const script = Script.new();

    script.add_head(200, ['Content-Length: 4']);
    script.add_text('to');
    script.add_gate('on');
    script.add_bytes(new GLib.Bytes('ld'));
    server.enqueue_script('/s', 1, script);
    const told = new Promise((resolve, reject) => {
        client.get_async(server.get_uri('/s'), null, null, (_client, result) => {
            try {
                resolve(client.get_finish(result).get_text());
            } catch (error) {
                reject(error);
            }
        });
    });
    ok(server.wait_for_gate('on', 1, PATIENCE, null));
    server.open_gate('on');
    equal(await told, 'told');
    server.close();
});

test('waits end', async () => {
    const server = Server.new();

    await fails(() => server.wait_for_requests(1, 0, null), Gio.IOErrorEnum,
        Gio.IOErrorEnum.TIMED_OUT);
    server.close();
});

test('HTTP/2', () => {
    const server = Server.new_with_flags(ServerFlags.HTTP2);

    server.set_response(null, 200, null, new GLib.Bytes('safe'));
    equal(get(server).get_text(), 'safe');
    equal(server.get_request(0).get_version(), '2');
    server.close();
});

run();
