// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// An HTTP server on the loopback interface, in this process.
//
// /text             a short text
// /json             a short JSON object
// /echo             method, path, query, some headers and body of the request, as JSON
// /size/N           N bytes
// /status/N         that status
// /script/NAME/…    the statuses in turn, one for each request of that name; the last one stays
// /hold             no answer

import Gio from 'gi://Gio';
import Soup from 'gi://Soup?version=3.0';

export class Server {
    /* Connections are refused until listen(). */
    constructor(listen = true) {
        const address = Gio.InetSocketAddress.new_from_string('127.0.0.1', 0);

        this.held = 0;
        this._scripts = new Map();
        // Bound to a port: connections are refused, and nobody else gets it.
        this._socket = Gio.Socket.new(
            Gio.SocketFamily.IPV4, Gio.SocketType.STREAM, Gio.SocketProtocol.TCP);
        this._socket.bind(address, false);
        this._port = this._socket.get_local_address().get_port();
        this._server = new Soup.Server();
        this._server.add_handler(null, (server, message, path, query) =>
            this._answer(message, path, query));
        if (listen)
            this.listen();
    }

    listen() {
        this._socket.listen();
        this._server.listen_socket(this._socket, 0);
    }

    close() {
        this._server.disconnect();
    }

    uri(path) {
        return `http://127.0.0.1:${this._port}${path}`;
    }

    _answer(message, path, query) {
        const [, kind, ...rest] = path.split('/');
        const respond = (status, type = 'text/plain', body = '') => {
            message.set_status(status, null);
            if (body.length > 0)
                message.set_response(type, Soup.MemoryUse.COPY, body);
        };

        switch (kind) {
        case 'text':
            respond(200, 'text/plain', 'hello');
            break;
        case 'json':
            respond(200, 'application/json', '{"answer": 42}');
            break;
        case 'echo': {
            const headers = {};

            message.get_request_headers().foreach((name, value) => {
                headers[name.toLowerCase()] = value;
            });
            respond(200, 'application/json', JSON.stringify({
                method: message.get_method(),
                path,
                query,
                headers,
                body: new TextDecoder().decode(message.get_request_body().flatten().get_data()),
            }));
            break;
        }
        case 'size':
            respond(200, 'application/octet-stream', 'x'.repeat(Number(rest[0])));
            break;
        case 'status':
            respond(Number(rest[0]));
            break;
        case 'script': {
            const [name, ...statuses] = rest;

            if (!this._scripts.has(name))
                this._scripts.set(name, statuses);
            const left = this._scripts.get(name);
            respond(Number(left.length > 1 ? left.shift() : left[0]));
            break;
        }
        case 'hold':
            this.held++;
            // Soup.Server gives it up when the client goes away.
            message.pause();
            break;
        default:
            respond(404);
        }
    }
}
