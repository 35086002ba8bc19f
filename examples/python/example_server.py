# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A server on the loopback interface for examples that try themselves out."""

import http.server
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """/flaky/NAME answers 503 once, anything else is a short JSON text."""

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    seen = set()

    def do_GET(self):
        flaky = self.path.startswith('/flaky/') and self.path not in self.seen
        self.seen.add(self.path)
        body = b'{"hello": "world"}\n'
        self.send_response(503 if flaky else 200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def start():
    """The URI of a server which is started for the program."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{server.server_port}'


def get_base_uri():
    """The URI given to the program; with --self-test, that of a server which is started for it."""
    if len(sys.argv) != 2:
        sys.exit(f'Usage: {sys.argv[0]} URI | --self-test')
    if sys.argv[1] != '--self-test':
        return sys.argv[1].rstrip('/')
    return start()


def get_refusing_uri():
    """The URI of a port where connections are refused for as long as the program runs."""
    server = http.server.HTTPServer(('127.0.0.1', 0), Handler, bind_and_activate=False)
    server.server_bind()
    get_refusing_uri.servers.append(server)
    return f'http://127.0.0.1:{server.server_address[1]}/'


get_refusing_uri.servers = []
