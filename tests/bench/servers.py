# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The servers of the benchmarks, each on the core that the client has not."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

KIB = 1024
N_CROWD = 15000
CERTIFICATES = Path(__file__).parents[2] / 'resilient-client' / 'testkit' / 'fault' / 'certs'
SYSTEM_CA = Path('/etc/ssl/certs/ca-certificates.crt')
CA = CERTIFICATES / 'ca.pem'


def pinned(core, command):
    """The command, on that core of those that this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return command
    return ['taskset', '-c', str(cores[core]), *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Nginx:
    """nginx with one worker: files of a few sizes, and POSTs, on three ports (plain, TLS, TLS with HTTP/2)."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='resilient-bench-')
        root = self.root = Path(self.folder.name)
        (root / '1k').write_bytes(b'x' * KIB)
        (root / '64m').write_bytes(bytes(64 * KIB * KIB))
        (root / 'json').write_text(document(KIB * KIB))
        self.bundle = root / 'bundle.pem'
        self.bundle.write_bytes(SYSTEM_CA.read_bytes() + CA.read_bytes())
        self.ports = {name: free_port() for name in ('http', 'tls', 'http2')}
        tls = f'ssl_certificate {CERTIFICATES}/server.pem; ssl_certificate_key {CERTIFICATES}/server.pem;'
        (root / 'nginx.conf').write_text(f'''
            daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid {root}/pid; error_log {root}/errors;
            events {{ worker_connections 8192; }}
            http {{
              access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
              client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
              uwsgi_temp_path {root}; scgi_temp_path {root};
              open_file_cache max=100; client_max_body_size 1g; {tls}
              server {{
                listen 127.0.0.1:{self.ports['http']} backlog=4096;
                listen 127.0.0.1:{self.ports['tls']} ssl backlog=4096;
                listen 127.0.0.1:{self.ports['http2']} ssl http2 backlog=4096;
                root {root};
                location /status {{ stub_status; }}
                location /post {{ return 200 "{'x' * KIB}"; }}
              }}
            }}''')
        root.chmod(0o755)
        self.process = subprocess.Popen(pinned(0, ['nginx', '-c', str(root / 'nginx.conf'), '-e', str(root / 'errors'),
                                                   '-p', str(root)]))
        self.wait()

    def wait(self):
        for _ in range(500):
            try:
                socket.create_connection(('127.0.0.1', self.ports['http'])).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise SystemExit('nginx did not start')

    def uri(self, path, listener='http'):
        return f'{"http" if listener == "http" else "https"}://127.0.0.1:{self.ports[listener]}/{path}'

    def n_accepted(self):
        """How many connections it has accepted so far, this one included."""
        with urllib.request.urlopen(self.uri('status')) as answer:
            return int(answer.read().split()[7])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Printing:
    """A program of ours that prints its port and serves until it is killed."""

    def __init__(self, command):
        self.process = subprocess.Popen(pinned(0, [str(word) for word in command]), stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def uri(self, query='', host='127.0.0.1', scheme='http'):
        return f'{scheme}://{host}:{self.port}/{query}'

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Servers:
    """Those that were asked for, each started at its first use."""

    def __init__(self, build):
        self.build, self.running = build, {}

    def get(self, name, make):
        if name not in self.running:
            self.running[name] = make()
        return self.running[name]

    @property
    def nginx(self):
        if shutil.which('nginx') is None:
            raise SystemExit('nginx is missing: ./dev bench fetches it')
        return self.get('nginx', Nginx)

    @property
    def own(self):
        return self.get('own', lambda: Printing([self.build / 'bench-server', 100]))

    @property
    def crowd(self):
        """Every address from 127.0.0.1 on is a host: a listener each, so that nobody from outside is let in."""
        return self.get('crowd', lambda: Printing([self.build / 'bench-server', N_CROWD]))

    def delaying(self, listener):
        """A proxy in front of nginx, 50 ms away in each direction."""
        return self.get(f'delaying {listener}', lambda: Printing([self.build / 'bench-delay', self.nginx.ports[listener], 50]))

    @property
    def bundle(self):
        """What the system trusts, and our own authority."""
        return self.nginx.bundle

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in reversed(self.running.values()):
            server.stop()


def document(size):
    """A JSON text of about that many bytes, such as a service would list."""
    item = {'id': 0, 'name': 'a name of some length', 'tags': ['red', 'green', 'blue'], 'price': 12.5, 'stock': True,
            'note': None, 'where': {'latitude': 48.8566, 'longitude': 2.3522}}
    each = len(json.dumps(item)) + 2
    return json.dumps([dict(item, id=i) for i in range(size // each)])
