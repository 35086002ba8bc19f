// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// A server on the loopback interface for examples that try themselves out.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Soup from 'gi://Soup?version=3.0';
import System from 'system';

const held = [];

/* The URI given to the program; with --self-test, that of a server which is started for it:
 * /flaky/NAME answers 503 once, anything else is a short JSON text. */
export function getBaseUri() {
    if (ARGV.length !== 1) {
        printerr(`Usage: ${System.programInvocationName} URI | --self-test`);
        System.exit(2);
    }
    if (ARGV[0] !== '--self-test')
        return ARGV[0].replace(/\/$/, '');

    const server = new Soup.Server();
    const seen = new Set();

    server.add_handler(null, (_server, message, path) => {
        const flaky = path.startsWith('/flaky/') && !seen.has(path);

        seen.add(path);
        message.set_status(flaky ? 503 : 200, null);
        message.set_response('application/json', Soup.MemoryUse.COPY, '{"hello": "world"}\n');
    });
    server.listen_local(0, Soup.ServerListenOptions.IPV4_ONLY);
    held.push(server);
    return server.get_uris()[0].to_string().replace(/\/$/, '');
}

/* The URI of a port where connections are refused for as long as the program runs. */
export function getRefusingUri() {
    const socket = Gio.Socket.new(
        Gio.SocketFamily.IPV4, Gio.SocketType.STREAM, Gio.SocketProtocol.TCP);

    socket.bind(Gio.InetSocketAddress.new_from_string('127.0.0.1', 0), false);
    held.push(socket);
    return `http://127.0.0.1:${socket.get_local_address().get_port()}/`;
}

/* Turns the main loop until an asynchronous function has ended, and exits with its success. */
export function runMain(main) {
    const loop = new GLib.MainLoop(null, false);
    let status = 0;

    main().catch(error => {
        printerr(error.message);
        status = 1;
    }).finally(() => loop.quit());
    loop.run();
    System.exit(status);
}
