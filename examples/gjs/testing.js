// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// Tests of an app's error paths, against a real server that misbehaves as it is told.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import ResilientTest from 'gi://ResilientTest?version=1';
import Soup from 'gi://Soup?version=3.0';

import {runMain} from './exampleServer.js';

const {Fault, ServerFlags} = ResilientTest;

// [app]
// Of the app: loads the notes, and says what to tell the user.
async function loadNotes(client, uri) {
    try {
        const response = await client.get_async(uri, null, null);

        response.check_status();
        return response.get_text();
    } catch (error) {
        if (error.matches?.(Gio.TlsError, Gio.TlsError.BAD_CERTIFICATE))
            return 'This server is not who it says it is';
        return 'No connection';
    }
}
// [end]

function equal(actual, expected) {
    if (actual !== expected)
        throw new Error(`${actual} is not ${expected}`);
}

// [tests]
async function withServer(flags, test) {
    const server = ResilientTest.Server.new_with_flags(flags);
    const session = new Soup.Session({tlsDatabase: server.get_tls_database()});
    const builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard());
    builder.set_base_delay(0);  // no pauses
    const client = new Resilient.Client({session, retryPolicy: builder.build()});

    try {
        await test(server, () => loadNotes(client, server.get_uri('/notes')));
    } finally {
        await client.close_async(0, null);
        server.close();
    }
}

async function testCutAnswer() {
    await withServer(ServerFlags.NONE, async (server, load) => {
        server.enqueue_fault(Fault.RESET_ON_ACCEPT);
        server.enqueue_fault(Fault.CUT_BODY);
        server.enqueue_response(200, 'text/plain', new GLib.Bytes('Buy milk'));

        equal(await load(), 'Buy milk');
        equal(server.get_n_requests(), 2);
    });
}

async function testExpiredCertificate() {
    await withServer(ServerFlags.HTTP2, async (server, load) => {
        server.enqueue_fault(Fault.EXPIRED_CERTIFICATE);

        equal(await load(), 'This server is not who it says it is');
        equal(server.get_n_requests(), 0);
    });
}
// [end]

runMain(async () => {
    await testCutAnswer();
    await testExpiredCertificate();
    print('ok');
});
