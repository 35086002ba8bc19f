#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Requests at once, each with its own id, retries and metadata: contexts.py https://example.org"""

import asyncio
import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri, get_refusing_uri  # noqa: E402


# [contexts]
async def ask_services(services):
    """Ask each of some services, given as a dictionary of URIs and contexts."""
    async with Resilient.Client() as client:
        # Each is under way when get() returns. A context is never changed by its request.
        calls = [client.get(uri, context) for uri, context in services.items()]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        return answers, await client.wait_all()
# [end]


async def main():
    standard = Resilient.RetryPolicy(Resilient.RetryPolicy.get_standard(), base_delay=0.01)
    base = get_base_uri()
    services = {
        f'{base}/users': Resilient.RequestContext('users', max_retries=2, base_delay=0.01),
        # What is asked for once more after a status needs a policy that lists it.
        f'{base}/flaky/orders': Resilient.RequestContext('orders', standard),
        get_refusing_uri(): Resilient.RequestContext('mail', max_retries=1, base_delay=0.01,
                                                     metadata={'owner': 'post'}),
    }
    answers, results = await ask_services(services)
    for answer in answers:
        print(answer.message if isinstance(answer, GLib.Error) else answer.status_code)
    for request_id, result in results.items():
        print(f'{request_id}: {result.status.value_nick}, {result.attempts} attempts, '
              f'{result.context.metadata}')

    assert results['users'].is_success and results['users'].attempts == 1
    assert results['mail'].is_error and results['mail'].attempts == 2
    assert results['mail'].context.metadata == {'owner': 'post'}
    if sys.argv[1] == '--self-test':
        assert results['orders'].is_success and results['orders'].attempts == 2


if __name__ == '__main__':
    Resilient.run(main())
