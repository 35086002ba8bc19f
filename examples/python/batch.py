#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Many requests as one operation, with its progress: batch.py https://example.org"""

import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri, get_refusing_uri  # noqa: E402


# [collect]
async def fetch_all(client, uris):
    """How each request ended, in the order of the URIs."""
    batch = Resilient.Batch(client, uris, max_concurrent=4)
    batch.connect('notify::n-done', lambda batch, pspec: print(
        f'{batch.n_done} of {batch.n_total}, {batch.n_failed} failed'))
    return await batch.run()
# [end]


# [fail-fast]
async def fetch_or_fail(client, uris):
    """The texts of all of them, or the first failure as an exception."""
    results = await Resilient.Batch(client, uris, fail_fast=True).run()
    return [result.response.text for result in results]
# [end]


async def main():
    base = get_base_uri()
    uris = [f'{base}/{number}' for number in range(10)]
    policy = Resilient.RetryPolicy(max_retries=1, base_delay=0.01)
    async with Resilient.Client(retry_policy=policy) as client:
        results = await fetch_all(client, [*uris, get_refusing_uri()])
        try:
            await fetch_or_fail(client, [*uris, get_refusing_uri()])
        except GLib.Error as error:
            print(error.message)
        else:
            sys.exit('Nobody can answer there')
        texts = await fetch_or_fail(client, uris)

    if sys.argv[1] == '--self-test':
        assert [result.is_success for result in results] == [*[True] * 10, False]
        assert texts == ['{"hello": "world"}\n'] * 10


if __name__ == '__main__':
    Resilient.run(main())
