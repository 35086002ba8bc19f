// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// An operation that is no request, made resilient: gjs -m retrier.js example.org:7

import Gio from 'gi://Gio';
import Resilient from 'gi://Resilient?version=1';
import System from 'system';

import {runMain} from './exampleServer.js';

Gio._promisify(Gio.SocketClient.prototype, 'connect_to_host_async');

// [operation]
function connect(hostAndPort, retrier, cancellable) {
    const client = new Gio.SocketClient();

    // Rejects with the last error when it is an answer, or no attempt is left.
    return retrier.run(() => client.connect_to_host_async(hostAndPort, 0, cancellable), cancellable);
}
// [end]

function bindLate() {
    const socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.STREAM, Gio.SocketProtocol.TCP);

    socket.bind(Gio.InetSocketAddress.new_from_string('127.0.0.1', 0), false);
    return socket;
}

runMain(async () => {
    if (ARGV.length !== 1) {
        printerr(`Usage: ${System.programInvocationName} HOST:PORT | --self-test`);
        System.exit(2);
    }

    const late = ARGV[0] === '--self-test' ? bindLate() : null;
    const hostAndPort = late ? `127.0.0.1:${late.get_local_address().get_port()}` : ARGV[0];
    const retrier = Resilient.Retrier.new(Resilient.RetryPolicy.new(5, 0.02), null);

    retrier.connect('event', (_retrier, event) => {
        print(`attempt ${retrier.attempt} in ${event.get_delay().toFixed(2)} s`);
        // The service of the self-test comes after the second attempt.
        if (retrier.attempt === 3)
            late?.listen();
    });

    const connection = await connect(hostAndPort, retrier, null);

    print(`Connected, in ${retrier.attempt} attempts.`);
    connection.close(null);
    if (late && retrier.attempt !== 3)
        throw new Error(`${retrier.attempt} attempts`);
});
