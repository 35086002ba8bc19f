#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""One task finds work, and others do it, with a bounded queue between them.

producer_consumer.py https://example.org
"""

import asyncio
import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri  # noqa: E402


# [consumers]
async def produce(queue, uris):
    for uri in uris:
        # Waits when the queue is full.
        await queue.put(uri)


async def consume(client, queue, answers):
    while True:
        uri = await queue.get()
        try:
            response = await client.get(uri)
            response.check_status()
            answers[uri] = response.text
        except GLib.Error as error:
            answers[uri] = error
        finally:
            queue.task_done()


async def work(client, uris, n_consumers):
    """What became of each URI: a text, or an error."""
    queue, answers = asyncio.Queue(maxsize=5), {}
    # All consumers share one client: its connections, limits and statistics.
    consumers = [asyncio.create_task(consume(client, queue, answers))
                 for _ in range(n_consumers)]
    await produce(queue, uris)
    await queue.join()
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)
    return answers
# [end]


async def main():
    base = get_base_uri()
    policy = Resilient.RetryPolicy(Resilient.RetryPolicy.get_standard(), base_delay=0.01)
    uris = [f'{base}/flaky/{number}' for number in range(30)]
    async with Resilient.Client(retry_policy=policy) as client:
        answers = await work(client, uris, n_consumers=3)

    failed = [answer for answer in answers.values() if isinstance(answer, GLib.Error)]
    print(f'{len(answers) - len(failed)} of {len(uris)} done')
    if sys.argv[1] == '--self-test':
        assert len(answers) == 30 and not failed


if __name__ == '__main__':
    Resilient.run(main())
