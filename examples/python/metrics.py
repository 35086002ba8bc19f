#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What is going on, by signals and by statistics: metrics.py https://example.org"""

import asyncio
import collections

import gi

gi.require_version('Resilient', '1')
from gi.repository import Resilient  # noqa: E402

from example_server import get_base_uri, get_refusing_uri  # noqa: E402


# [collector]
class MetricsCollector:
    """Counts what a client tells, by the type of event and by the service in the metadata."""

    def __init__(self, client):
        self.counts = collections.Counter()
        self.retries = collections.Counter()
        self.times = []
        self._client = client
        self._handlers = [
            client.connect('event', self._on_event),
            client.connect('retry', self._on_retry),
            client.connect('success', self._on_success),
        ]

    def _on_event(self, client, event):
        self.counts[event.event_type.value_nick] += 1

    def _on_retry(self, client, event):
        self.retries[event.context.metadata.get('service', '?')] += 1

    def _on_success(self, client, event):
        self.times.append(event.context.elapsed_time)

    def stop(self):
        for handler in self._handlers:
            self._client.disconnect(handler)
# [end]


# [report]
def report(client):
    """What the client itself has counted needs no handler."""
    stats = client.stats
    print(f'{stats.requests} requests, {stats.success_rate:.0%} answered, '
          f'{stats.retries} retries, {stats.mean_time:.3f} s on average, '
          f'{stats.get_percentile(0.95):.3f} s at most for 95 %')
# [end]


# [openmetrics]
def page(clients):
    """What Prometheus reads, of all clients of a program: a page may name each metric only once."""
    first, *others = (client.get_stats() for client in clients)
    for stats in others:
        first = first.merge(stats)
    return first.to_openmetrics()
# [end]


async def main():
    base = get_base_uri()
    policy = Resilient.RetryPolicy(Resilient.RetryPolicy.get_standard(), base_delay=0.01)
    uris = [f'{base}/flaky/{number}' for number in range(5)]
    uris += [f'{base}/steady', get_refusing_uri()]

    async with Resilient.Client(retry_policy=policy) as client:
        collector = MetricsCollector(client)
        # Signals are told in the main context, each a while after what it tells.
        all_told = asyncio.Event()
        ended = 0

        def count(client, event):
            nonlocal ended
            ended += event.event_type != Resilient.EventType.RETRY
            if ended == len(uris):
                all_told.set()

        client.connect('event', count)
        await asyncio.gather(*(client.get(uri, metadata={'service': 'demo'}) for uri in uris),
                             return_exceptions=True)
        await all_told.wait()
        collector.stop()

        report(client)
        other = Resilient.Client()
        await other.get(f'{base}/steady')
        lines = page([client, other]).splitlines()
        print(*(line for line in lines if line.startswith('resilient_client_requests')), sep='\n')
        assert f'resilient_client_requests_total {len(uris) + 1}' in lines
        assert lines[-1] == '# EOF'
        await other.close()
        print(dict(collector.counts))
        assert collector.counts['success'] == len(collector.times) == client.stats.successes
        assert collector.counts['error'] == client.stats.errors >= 1
        assert collector.retries['demo'] == client.stats.retries >= 3


if __name__ == '__main__':
    Resilient.run(main())
