#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Looks at some sites again and again, and tells how available each was and how quick.

site_monitor.py --interval 5 --iterations 10 https://example.org https://example.com
"""

import argparse
import asyncio
import dataclasses

import gi

gi.require_version('Resilient', '1')
from gi.repository import Resilient  # noqa: E402

import example_server  # noqa: E402


@dataclasses.dataclass
class Site:
    uri: str
    checks: int = 0
    times: list = dataclasses.field(default_factory=list)  # seconds, of the answers

    @property
    def availability(self):
        return 100 * len(self.times) / self.checks if self.checks else 0

    def note(self, result):
        self.checks += 1
        # A site that answers, but with an error of its own, is not available.
        if result.response is not None and result.response.status_code < 400:
            self.times.append(result.total_time)

    def __str__(self):
        mean = sum(self.times) / len(self.times) if self.times else 0
        return f'{self.uri}: {self.availability:.1f} % available, {mean * 1000:.0f} ms'


# [monitor]
async def monitor(uris, interval, iterations):
    sites = [Site(uri) for uri in uris]
    # A retry would hide what is looked for.
    async with Resilient.Client(retry_policy=Resilient.RetryPolicy(max_retries=0),
                                total_timeout=10) as client:
        for iteration in range(iterations):
            if iteration > 0:
                await asyncio.sleep(interval)
            # All at once: a slow one does not make the others wait.
            results = await Resilient.Batch(client, uris).run()
            for site, result in zip(sites, results):
                site.note(result)
    return sites
# [end]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('uris', metavar='URI', nargs='*')
    parser.add_argument('--interval', type=float, default=5, help='seconds between two rounds')
    parser.add_argument('--iterations', type=int, default=3, help='how many rounds')
    parser.add_argument('--self-test', action='store_true', help='look at a server of its own')
    args = parser.parse_args()
    if not args.self_test and (not args.uris or not args.interval >= 0 or args.iterations < 1):
        parser.error('Give at least one URI, an interval of at least 0 and at least one iteration')
    return args


def main():
    args = parse()
    if args.self_test:
        base = example_server.start()
        args.uris = [f'{base}/hello', f'{base}/flaky/site', example_server.get_refusing_uri()]
        args.interval, args.iterations = 0.02, 4

    sites = Resilient.run(monitor(args.uris, args.interval, args.iterations))
    print(*sites, sep='\n')
    if args.self_test:
        assert [site.availability for site in sites] == [100, 75, 0]


if __name__ == '__main__':
    main()
