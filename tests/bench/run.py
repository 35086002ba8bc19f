#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Runs the benchmarks and prints their figures beside the bars that they have to meet.

The server is nginx on one core, the client on another. What is compared runs in turn, several times; a figure is the median.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KIB = 1024


class Server:
    """nginx with one worker, pinned to one core, serving files of a few sizes."""

    def __init__(self, core):
        self.folder = tempfile.TemporaryDirectory(prefix='resilient-bench-')
        root = Path(self.folder.name)
        (root / '1k').write_bytes(b'x' * KIB)
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        (root / 'nginx.conf').write_text(f'''
            daemon off; worker_processes 1; pid {root}/pid; error_log {root}/errors;
            events {{ worker_connections 8192; }}
            http {{
              access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
              client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
              uwsgi_temp_path {root}; scgi_temp_path {root};
              open_file_cache max=100;
              server {{ listen 127.0.0.1:{self.port} backlog=4096; root {root}; }}
            }}''')
        root.chmod(0o755)
        self.process = subprocess.Popen(pinned(core, ['nginx', '-c', str(root / 'nginx.conf'), '-e', str(root / 'errors'),
                                                      '-p', str(root)]))
        self.wait()

    def wait(self):
        for _ in range(500):
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise SystemExit('nginx did not start')

    def uri(self, path):
        return f'http://127.0.0.1:{self.port}/{path}'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def pinned(core, command):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return command
    return ['taskset', '-c', str(cores[core]), *command]


def measure(command):
    # What GLib's allocator keeps back would blur the figures of memory.
    out = subprocess.run(pinned(1, command), check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0] if not isinstance(runs[0][key], str)}


class Table:
    def __init__(self):
        self.rows = []

    def add(self, question, figure, bar=None, met=None):
        verdict = '' if met is None else 'met' if met else 'MISSED'
        self.rows.append((question, figure, bar or '', verdict))
        print(f'{question:58} {figure:>24} {bar or "":>12} {verdict}', flush=True)


def throughput(table, results, build, server, rounds):
    runs = {'ours': [], 'libsoup': []}
    for _ in range(rounds):
        for peer, into in runs.items():
            into.append(measure([f'{build}/bench-get', f'--peer={peer}', f'--uri={server.uri("1k")}', '--requests=20000',
                                 '--in-flight=50']))
    ours, soup = medians(runs['ours']), medians(runs['libsoup'])
    ratio = statistics.median(a['per_second'] / b['per_second'] for a, b in zip(runs['ours'], runs['libsoup']))
    table.add('1 KiB GETs, 50 in flight, libsoup alone', f'{soup["per_second"]:,.0f}/s {soup["cpu_us"]:.0f} µs CPU')
    table.add('1 KiB GETs, 50 in flight, ours', f'{ours["per_second"]:,.0f}/s {ours["cpu_us"]:.0f} µs CPU')
    table.add('  ours ÷ libsoup alone', f'{ratio:.2f} ×', '≥ 0.95 ×', ratio >= 0.95)
    results['throughput'] = {'ours': ours, 'libsoup': soup, 'ratio': ratio}


def at_once(table, results, build, server, rounds):
    sizes = (1000, 5000, 20000)
    runs = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            runs[size].append(measure([f'{build}/bench-get', '--peer=ours', f'--uri={server.uri("1k")}',
                                       f'--requests={size}', '--in-flight=50', '--at-once']))
    cost = {size: medians(runs[size]) for size in sizes}
    for size in sizes:
        each = cost[size]['seconds'] / size * 1e6
        table.add(f'{size:,} submitted at once, ours', f'{each:.1f} µs each')
    growth = statistics.median((large['seconds'] / 20000) / (small['seconds'] / 1000)
                               for large, small in zip(runs[20000], runs[1000]))
    table.add('  cost of each at 20,000 ÷ at 1,000', f'{growth:.2f} ×', '≤ 1.3 ×', growth <= 1.3)
    waiting = cost[20000]['heap_per_waiting']
    table.add('  memory of each waiting request', f'{waiting:,.0f} bytes', '≤ 2048', waiting <= 2048)

    soup = [measure([f'{build}/bench-get', '--peer=libsoup', f'--uri={server.uri("1k")}', f'--requests={size}',
                     '--in-flight=50', '--at-once']) for size in (1000, 5000)]
    for run in soup:
        table.add(f'{run["requests"]:,} submitted at once, libsoup alone (1 run)',
                  f'{run["seconds"] / run["requests"] * 1e6:.1f} µs each')
    results['at once'] = {'ours': cost, 'libsoup': soup, 'growth': growth}


def asleep(table, results, build, rounds):
    runs = [measure([f'{build}/bench-sleep', '--requests=100000', '--seconds=3']) for _ in range(rounds)]
    figures = medians(runs)
    table.add('100,000 asleep before a retry: timer sources', f'{figures["alarm_sources"]:.0f}', '1',
              all(run['alarm_sources'] == 1 for run in runs))
    table.add('  other sources than before any slept', f'{figures["sources"] - figures["sources_before"]:.0f}', '0',
              all(run['sources'] <= run['sources_before'] for run in runs))
    table.add('  CPU in 3 s of sleep', f'{figures["cpu_ms"]:.2f} ms', '≤ 1 ms', figures['cpu_ms'] <= 1)
    table.add('  memory of each', f'{figures["heap_each"]:,.0f} bytes')
    table.add('  all refused and asleep after', f'{figures["asleep_after"]:.1f} s')
    results['asleep'] = figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', required=True, help='where the programs are')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--json', help='file to write the figures to')
    options = parser.parse_args()
    for tool in ('nginx', 'taskset'):
        if shutil.which(tool) is None:
            raise SystemExit(f'{tool} is missing: ./dev bench fetches it')

    table, results = Table(), {}
    print(f'Medians of {options.rounds}; server and client on a core each; retries, events, results and statistics on.')
    with Server(0) as server:
        throughput(table, results, options.build, server, options.rounds)
        at_once(table, results, options.build, server, options.rounds)
    asleep(table, results, options.build, min(options.rounds, 3))

    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))
    missed = [row for row in table.rows if row[3] == 'MISSED']
    print(f'{len(missed)} of {sum(row[3] != "" for row in table.rows)} bars missed')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
