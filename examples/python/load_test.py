#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""How a server bears many requests: load_test.py -n 1000 -c 50 http://localhost:8080/"""

import argparse
import dataclasses
import time

import gi

gi.require_version('Resilient', '1')
from gi.repository import Resilient  # noqa: E402

import example_server  # noqa: E402


@dataclasses.dataclass
class Load:
    good: int = 0
    bytes: int = 0
    elapsed: float = 0
    stats: Resilient.Stats = None

    def note(self, result):
        if result.response is not None and result.response.status_code < 400:
            self.good += 1
            self.bytes += len(result.response.body)

    def __str__(self):
        stats = self.stats
        return '\n'.join([
            f'requests     {stats.get_requests()}, {self.good} of them answered well',
            f'retries      {stats.get_retries()}',
            f'elapsed      {self.elapsed:.3f} s, {stats.get_requests() / self.elapsed:.0f} requests/s, '
            f'{self.bytes / 1e6 / self.elapsed:.1f} MB/s',
            f'mean         {1000 * stats.get_mean_time():.1f} ms',
            'percentiles  ' + ', '.join(f'p{percent} {1000 * stats.get_percentile(percent / 100):.1f} ms'
                                        for percent in (50, 95, 99, 100)),
        ])


# [load]
async def put_load(uri, n_requests, concurrency):
    load = Load()
    # Not the six at once to a host of a well-behaved guest: the server is ours. Statistics are kept
    # without results, too.
    async with Resilient.Client(max_concurrent=concurrency, max_concurrent_per_host=concurrency,
                                max_results=0) as client:
        begun = time.monotonic()
        # As many as may run are started at a time, however many there are.
        for result in await Resilient.Batch(client, [uri] * n_requests).run():
            load.note(result)
        load.elapsed = time.monotonic() - begun
        load.stats = client.get_stats()
    return load
# [end]


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-n', '--requests', type=int, default=1000, help='how many requests')
    parser.add_argument('-c', '--concurrency', type=int, default=50, help='how many of them at once')
    parser.add_argument('--self-test', action='store_true', help='use a server of our own')
    parser.add_argument('uri', nargs='?')
    arguments = parser.parse_args()
    if min(arguments.requests, arguments.concurrency) < 1 or bool(arguments.uri) == arguments.self_test:
        parser.error('give a URI, or --self-test, and numbers of at least 1')
    return arguments


async def main():
    arguments = parse()
    uri = f'{example_server.start()}/hello' if arguments.self_test else arguments.uri
    load = await put_load(uri, arguments.requests, arguments.concurrency)
    print(load)
    if arguments.self_test:
        assert load.good == load.stats.get_requests() == arguments.requests
        assert 0 < load.stats.get_percentile(0.5) <= load.stats.get_percentile(1)


if __name__ == '__main__':
    Resilient.run(main())
