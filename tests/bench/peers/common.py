# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What the peers in Python share: the arguments of bench-get.c, and its output."""

import argparse
import asyncio
import json
import resource
import ssl
import sys
import time


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('--peer', default='')
    parser.add_argument('--uri', required=True)
    parser.add_argument('--ca')
    parser.add_argument('--requests', type=int, default=20000)
    parser.add_argument('--in-flight', type=int, default=50)
    parser.add_argument('--post', type=int, default=-1)
    parser.add_argument('--at-once', action='store_true')
    parser.add_argument('--may-fail', action='store_true')
    parser.add_argument('--base-delay-ms', type=int, default=-1)
    parser.add_argument('--http2', action='store_true')
    parser.add_argument('--spawned-at', type=int, default=0)
    return parser.parse_args()


def tls(options):
    return ssl.create_default_context(cafile=options.ca) if options.ca else None


def cpu_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss():
    """That of getrusage() starts with the peak of the process that started this one."""
    with open('/proc/self/status', encoding='ascii') as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith('VmHWM'))


class Load:
    """Sends by `send`, a coroutine function that gives status and size, and measures."""

    def __init__(self, options, send):
        self.options, self.send = options, send
        self.left = options.requests
        self.ok = self.size = 0
        self.latencies = []
        self.first_at = None

    async def one(self):
        began = time.perf_counter()
        try:
            status, size = await self.send()
        except Exception as error:
            if not self.options.may_fail:
                raise
            status, size = str(error), 0
        self.latencies.append((time.perf_counter() - began) * 1e3)
        if self.first_at is None:
            self.first_at = time.time()
        if status == 200:
            self.ok += 1
            self.size += size
        elif not self.options.may_fail:
            sys.exit(f'A request failed: {status}')

    async def worker(self):
        while self.left:
            self.left -= 1
            await self.one()

    async def run(self):
        began, cpu = time.perf_counter(), cpu_time()
        if self.options.at_once:
            await asyncio.gather(*(self.one() for _ in range(self.options.requests)))
        else:
            await asyncio.gather(*(self.worker() for _ in range(self.options.in_flight)))
        elapsed, cpu = time.perf_counter() - began, cpu_time() - cpu
        n = self.options.requests
        assert len(self.latencies) == n
        self.latencies.sort()
        print(json.dumps({
            'peer': self.options.peer, 'requests': n, 'ok': self.ok, 'bytes': self.size, 'seconds': elapsed,
            'per_second': n / elapsed, 'cpu_us': cpu * 1e6 / n,
            'peak_rss': peak_rss(),
            'p50_ms': self.latencies[n // 2], 'p99_ms': self.latencies[n * 99 // 100],
            'first_ms': self.first_at * 1e3 - self.options.spawned_at / 1e3,
        }))
