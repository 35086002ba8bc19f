# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Cases that are coroutines, each run by the loops that the override is to work with."""

import asyncio
import functools

from gi.repository import Resilient

from tap import case


def coroutine(*runners):
    """Make a case of a coroutine for each way to run it."""
    def decorate(function):
        for runner in runners or (Resilient.run, asyncio.run):
            @functools.wraps(function)
            def run_it(runner=runner):
                # A loop that hangs must not take the others with it.
                async def with_deadline():
                    await asyncio.wait_for(function(), 20)
                runner(with_deadline())
            run_it.__name__ = f'{function.__name__}_in_{runner.__module__.split(".")[0]}_run'
            case(run_it)
        return function
    return decorate


async def raises_in(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')
