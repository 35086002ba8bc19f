#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A POST that may be repeated, because its key lets the server tell: order.py https://example.org/orders"""

import http.server
import sys
import threading
import uuid

import gi

gi.require_version('Resilient', '1')
from gi.repository import Resilient  # noqa: E402


# [order]
async def send_order(uri, order):
    async with Resilient.Client(retry_policy=Resilient.RetryPolicy.get_standard()) as client:
        client.on_retry(lambda event: print(f'again in {event.delay:.2f} s'))
        response = await client.post(uri, json=order,
                                     idempotency_key=str(uuid.uuid4()),  # the same in every attempt
                                     timeout=20)  # seconds, with all attempts and pauses
        return response.raise_for_status().json()  # 4xx and 5xx are answers until one asks
# [end]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 503 to the first order."""

    keys = []

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.keys.append(self.headers['Idempotency-Key'])
        self.send_response(503 if len(self.keys) == 1 else 200)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(b'{"number": 4711}')

    def log_message(self, *args):
        pass


def main():
    if len(sys.argv) != 2:
        sys.exit(f'Usage: {sys.argv[0]} URI | --self-test')
    if sys.argv[1] != '--self-test':
        print(Resilient.run(send_order(sys.argv[1], {'article': 42})))
        return

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer = Resilient.run(send_order(f'http://127.0.0.1:{server.server_port}/orders', {'article': 42}))
    print(answer)
    assert answer == {'number': 4711}
    assert len(Handler.keys) == 2 and len(set(Handler.keys)) == 1, Handler.keys


if __name__ == '__main__':
    main()
