#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Not too often, and not too hard: rate_limits.py http://localhost:8080"""

import asyncio
import time

import gi

gi.require_version('Resilient', '1')
from gi.repository import Resilient  # noqa: E402

from example_server import get_base_uri  # noqa: E402


# [limiter]
async def get_pages(client, uris, per_second):
    """The answers of all of these, asked for at this rate, two at once."""
    limiter = Resilient.RateLimiter.new(per_second, 2)

    async def get_page(uri):
        async with limiter:
            return await client.get(uri)

    return await asyncio.gather(*map(get_page, uris))
# [end]


# [throttle]
async def show_rows(rows, show):
    """Each of them, with a pause in between."""
    throttle = Resilient.Throttle.new(0.01)
    for row in rows:
        await throttle.wait_async()
        show(row)
# [end]


# [debounce]
class SearchEntry:
    """Searches once nobody has typed for a while."""

    def __init__(self, search):
        self.search = search
        self.debouncer = Resilient.Debouncer.new(0.02)

    async def changed(self, text):
        try:
            await self.debouncer.wait_async()
        except Resilient.Cancelled:
            return
        self.search(text)
# [end]


# [budget]
async def ask(budget, attempt, max_retries):
    """What the attempt returns, with retries as long as the budget pays for them."""
    budget.deposit()
    for _ in range(max_retries):
        try:
            return await attempt()
        except ConnectionError:
            if not budget.try_withdraw():
                raise
    return await attempt()
# [end]


async def try_out(base):
    async with Resilient.Client() as client:
        began = time.monotonic()
        pages = await get_pages(client, [base + '/hello'] * 6, 50)
        elapsed = time.monotonic() - began
    assert all(page.status_code == 200 for page in pages)
    assert elapsed >= 4 / 50 - 0.001, elapsed

    shown = []
    await show_rows(range(3), shown.append)
    assert shown == [0, 1, 2]

    searches = []
    entry = SearchEntry(searches.append)
    await asyncio.gather(*(entry.changed(text) for text in ('w', 'wo', 'word')))
    assert searches == ['word'], searches

    asked = []

    async def refuse():
        asked.append(1)
        raise ConnectionRefusedError

    budget = Resilient.RetryBudget.new(0.2, 10)
    for _ in range(1000):
        try:
            await ask(budget, refuse, 3)
        except ConnectionError:
            pass
    assert 1200 <= len(asked) <= 1211, len(asked)
    print(f'{len(pages)} pages in {elapsed:.3f} s; {len(asked)} attempts of 1000 callers')


if __name__ == '__main__':
    Resilient.run(try_out(get_base_uri()))
