#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Tasks with names, of which only a few run at once, and a summary: task_manager.py https://example.org"""

import collections
import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri, get_refusing_uri  # noqa: E402


# [manager]
class TaskManager:
    """As an asynchronous context it ends when all of its tasks have."""

    def __init__(self, limit):
        # Those beyond the limit wait in the client's queue, by priority, then by arrival.
        policy = Resilient.RetryPolicy(max_retries=2, base_delay=0.05)
        self.client = Resilient.Client(max_concurrent=limit, retry_policy=policy)
        self.results = {}

    def add(self, name, uri, priority=GLib.PRIORITY_DEFAULT):
        """Start a task; by its name it can be found, waited for and cancelled."""
        return self.client.get(uri, Resilient.RequestContext(name), priority=priority)

    def cancel(self, name):
        return self.client.cancel(name)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        self.results = await self.client.wait_all()
        await self.client.close()

    def summarise(self):
        return collections.Counter(result.status.value_nick for result in self.results.values())
# [end]


async def main():
    base = get_base_uri()
    async with TaskManager(limit=2) as manager:
        for number in range(5):
            manager.add(f'task-{number}', f'{base}/{number}')
        manager.add('refused', get_refusing_uri())
        manager.add('unwanted', f'{base}/unwanted', GLib.PRIORITY_LOW)
        assert manager.client.active_count <= 2
        manager.cancel('unwanted')

    for name, result in manager.results.items():
        print(f'{name:10} {result.status.value_nick:10} {result.total_time:.3f} s')
    summary = manager.summarise()
    print(', '.join(f'{number} {status}' for status, number in summary.items()))
    if sys.argv[1] == '--self-test':
        assert summary == {'success': 5, 'error': 1, 'cancelled': 1}


if __name__ == '__main__':
    Resilient.run(main())
