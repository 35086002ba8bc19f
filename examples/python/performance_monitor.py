#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Watches how a service does and reports it: performance_monitor.py https://example.org"""

import asyncio
import contextlib
import secrets
import statistics
import time

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri, get_refusing_uri  # noqa: E402


# [monitor]
class PerformanceMonitor:
    """Times operations by name, and those that fail as well."""

    def __init__(self):
        self.times = {}
        self.failures = {}

    @contextlib.contextmanager
    def measure(self, name):
        begun = time.monotonic()
        try:
            yield
        except Exception:
            self.failures[name] = self.failures.get(name, 0) + 1
            raise
        finally:
            self.times.setdefault(name, []).append(time.monotonic() - begun)

    def report(self):
        for name, times in self.times.items():
            failed = self.failures.get(name, 0)
            print(f'{name:8} {len(times):3} times, {failed} failed, mean {statistics.mean(times):.3f} s, '
                  f'median {statistics.median(times):.3f} s, longest {max(times):.3f} s')
# [end]


# [trace]
class Trace:
    """Makes requests parts of one trace, and tells the spans of their attempts."""

    def __init__(self):
        self.trace_id = secrets.token_hex(16)

    def request(self, uri):
        request = Resilient.Request.new('GET', uri)
        # The span of the app in which it asks.
        request.set_trace_parent(f'00-{self.trace_id}-{secrets.token_hex(8)}-01')
        return request

    def spans(self, result):
        return [(attempt.dup_span_id(), attempt.get_status_code(), attempt.get_duration())
                for attempt in result.list_attempts()]
# [end]


async def main():
    base = get_base_uri()
    policy = Resilient.RetryPolicy(Resilient.RetryPolicy.get_standard(), max_retries=1, base_delay=0.01)
    monitor = PerformanceMonitor()
    trace = Trace()

    async with Resilient.Client(retry_policy=policy) as client:
        async def ask(name, uri):
            context = Resilient.RequestContext(request_id=f'{name}-{secrets.token_hex(4)}')
            with contextlib.suppress(GLib.Error), monitor.measure(name):
                await client.send_async(trace.request(uri), context)
            return client.get_result(context.get_request_id())

        results = await asyncio.gather(
            *(ask('page', f'{base}/page/{number}') for number in range(5)),
            *(ask('flaky', f'{base}/flaky/monitor-{number}') for number in range(5)),
            ask('nobody', get_refusing_uri()))

        monitor.report()
        for result in results:
            if result.get_attempts() > 1:
                print(result.get_request_id(), *(f'span {span}: {status or "no answer"} after {duration:.3f} s'
                                                 for span, status, duration in trace.spans(result)))
        stats = client.get_stats()

    assert {name: len(times) for name, times in monitor.times.items()} == {'page': 5, 'flaky': 5, 'nobody': 1}
    assert monitor.failures == {'nobody': 1}
    spans = [span for result in results for span, *_ in trace.spans(result)]
    assert len(set(spans)) == len(spans) == stats.get_attempts() == 17


if __name__ == '__main__':
    Resilient.run(main())
