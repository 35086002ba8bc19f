# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""An HTTP server on the loopback interface, in threads of this process.

/text             a short text
/json             a short JSON object
/echo             method, target, headers and body of the request, as JSON
/size/N           N bytes
/with             the body of the request as the response, with its Content-Type and X-Add-… fields
/status/N         that status
/script/NAME/…    the statuses in turn, one for each request of that name; the last one stays
/redirect         a redirect that can't be followed
/hold             no answer until release()

As a program it writes its port and serves until its standard input is closed.
"""

import http.server
import json
import subprocess
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # Head and body are two writes.
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, content_type='text/plain', body=b'', fields=()):
        self.send_response(status)
        for field in fields:
            self.send_header(*field)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def handle_request(self):
        server = self.server
        length = int(self.headers.get('Content-Length', 0))
        body = self.rfile.read(length)
        if self.headers.get('Transfer-Encoding') == 'chunked':
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        with server.lock:
            server.requests.append((self.command, self.path))
        _, kind, *rest = self.path.partition('?')[0].split('/')
        if kind == 'text':
            self.answer(200, body=b'hello')
        elif kind == 'json':
            self.answer(200, 'application/json', b'{"answer": 42}')
        elif kind == 'echo':
            echo = {
                'method': self.command,
                'target': self.path,
                'headers': {name.lower(): ', '.join(self.headers.get_all(name))
                            for name in self.headers},
                'body': body.decode(),
            }
            self.answer(200, 'application/json', json.dumps(echo).encode())
        elif kind == 'with':
            fields = [(name[6:], value) for name, value in self.headers.items()
                      if name.lower().startswith('x-add-')]
            self.answer(200, self.headers['Content-Type'], body, fields)
        elif kind == 'size':
            self.answer(200, 'application/octet-stream', b'x' * int(rest[0]))
        elif kind == 'status':
            self.answer(int(rest[0]))
        elif kind == 'script':
            with server.lock:
                left = server.scripts.setdefault(rest[0], list(rest[1:]))
                status = left.pop(0) if len(left) > 1 else left[0]
            self.answer(int(status))
        elif kind == 'redirect':
            self.answer(302, fields=[('Location', 'ftp://127.0.0.1/')])
        elif kind == 'hold':
            server.held.release()
            server.wake()
            server.released.wait()
            self.answer(200)
        else:
            self.answer(404)

    do_GET = do_HEAD = do_OPTIONS = do_DELETE = do_POST = do_PUT = do_PATCH = handle_request


class Server(http.server.ThreadingHTTPServer):
    """Refuses connections until listen()."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, listen=True):
        super().__init__(('127.0.0.1', 0), Handler, bind_and_activate=False)
        self.lock = threading.Lock()
        self.requests = []
        self.scripts = {}
        self.held = threading.Semaphore(0)
        self.wake = lambda: None
        self.released = threading.Event()
        # Bound to a port: connections are refused, and nobody else gets it.
        self.server_bind()
        if listen:
            self.listen()

    def listen(self):
        self.server_activate()
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    @staticmethod
    def spawn():
        """Start one in a process of its own; return it with the start of its URIs."""
        process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        return process, process.stdout.readline().strip()

    def handle_error(self, request, client_address):
        # Clients that go away are part of the tests.
        pass

    def uri(self, path):
        return f'http://127.0.0.1:{self.server_address[1]}{path}'

    def take_held(self):
        """Whether another request for /hold has come.

        wake() is called, in another thread, when one does.
        """
        return self.held.acquire(blocking=False)

    def release(self):
        """Answer all requests for /hold, now and later."""
        self.released.set()


if __name__ == '__main__':
    print(Server().uri(''), flush=True)
    sys.stdin.read()
