// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// Connects to a service that may be down, and leaves it alone while it is:
// gjs -m circuitBreaker.js example.org:7

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import System from 'system';

import {runMain} from './exampleServer.js';

Gio._promisify(Gio.SocketClient.prototype, 'connect_to_host_async');

// [guard]
function connect(breaker, hostAndPort, cancellable) {
    // Rejects while the circuit is open; a cancel says nothing of the service.
    return breaker.run(() =>
        new Gio.SocketClient().connect_to_host_async(hostAndPort, 0, cancellable));
}
// [end]

function makeBreaker(recoveryTimeout) {
    const breaker = new Resilient.CircuitBreaker({policy: {failureThreshold: 3, recoveryTimeout}});
    const names = ['closed', 'open', 'half-open'];

    breaker.connect('state-changed', (_breaker, oldState, newState) =>
        print(`${names[oldState]} → ${names[newState]}`));
    return breaker;
}

function pause(seconds) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_DEFAULT,
        Math.ceil(seconds * 1000), () => {
            resolve();
            return GLib.SOURCE_REMOVE;
        }));
}

async function failure(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error('No error was thrown');
}

// A service that is bound, and refuses connections until it listens.
async function test() {
    const service = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.STREAM,
        Gio.SocketProtocol.TCP);
    service.bind(Gio.InetSocketAddress.new_from_string('127.0.0.1', 0), false);

    const address = `127.0.0.1:${service.get_local_address().get_port()}`;
    const breaker = makeBreaker(0.02);

    for (let i = 0; i < 3; i++) {
        // eslint-disable-next-line no-await-in-loop
        await failure(connect(breaker, address, null));
    }
    const error = await failure(connect(breaker, address, null));
    if (!(error instanceof Resilient.CircuitOpenError))
        throw error;

    service.listen();
    await pause(breaker.retryAfter);
    (await connect(breaker, address, null)).close(null);
    if (breaker.state !== Resilient.CircuitState.CLOSED)
        throw new Error('The circuit is not closed');
    await pause(0);
}

runMain(async () => {
    if (ARGV.length !== 1) {
        printerr(`Usage: ${System.programInvocationName} HOST:PORT | --self-test`);
        System.exit(2);
    }

    if (ARGV[0] === '--self-test') {
        await test();
    } else {
        await connect(makeBreaker(30), ARGV[0], null);
        print('Connected.');
    }
});
