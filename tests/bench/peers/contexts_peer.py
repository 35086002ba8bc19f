# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The load of bench-get.c by the way of working that this library has set out from, on httpx: a frozen context for each
request, copied at every step, events in one queue that one coroutine drains into results and callbacks, and its delays.

That client repeats after failed connects alone. Here it also repeats after what the servers of the benchmarks do, lest it
be done early by giving up.
"""

import asyncio
import copy
import dataclasses
import random
import time
import uuid

import common
import httpx

REPEATED = (httpx.TransportError,)


@dataclasses.dataclass(frozen=True)
class Context:
    retries: int = 2
    attempt: int = 0
    base: float = 1.0
    name: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    metadata: dict = dataclasses.field(default_factory=dict)
    made_at: float = dataclasses.field(default_factory=time.time)

    def next(self):
        return dataclasses.replace(self, attempt=self.attempt + 1)

    def delay(self):
        spread = random.uniform(0.8, 1.2)
        return min(self.base * 2 ** (self.attempt - 1), 30) * spread


@dataclasses.dataclass(frozen=True)
class Event:
    kind: str
    context: Context
    outcome: object = None
    at: float = dataclasses.field(default_factory=time.time)


@dataclasses.dataclass
class Result:
    kind: str
    attempts: int
    seconds: float


class Client:
    def __init__(self, http, base):
        self.http, self.base = http, base
        self.events = asyncio.Queue(1000)
        self.results, self.callbacks = {}, []
        self.monitor = asyncio.create_task(self.drain())

    async def drain(self):
        while True:
            event = await self.events.get()
            if event.kind != 'retry':
                self.results[event.context.name] = Result(event.kind, event.context.attempt + 1,
                                                          time.time() - event.context.made_at)
            for callback in self.callbacks:
                await callback(event)
            self.events.task_done()

    async def tell(self, kind, context, outcome=None):
        await self.events.put(Event(kind, copy.deepcopy(context), outcome))

    async def attempt(self, method, uri, context, content):
        while True:
            try:
                response = await self.http.request(method, uri, content=content)
                error = None
            except REPEATED as failure:
                response, error = None, failure
            if error is None and response.status_code != 503:
                await self.tell('success', context, response)
                return response
            if context.attempt == context.retries:
                await self.tell('error', context, error)
                if error is not None:
                    raise error
                return response
            context = context.next()
            await self.tell('retry', context, error)
            await asyncio.sleep(context.delay())

    async def send(self, method, uri, content=None):
        context = Context(base=self.base)
        return await asyncio.create_task(self.attempt(method, uri, copy.deepcopy(context), content))


async def main():
    options = common.parse()
    limits = httpx.Limits(max_connections=options.in_flight, max_keepalive_connections=options.in_flight)
    body = bytes(options.post) if options.post >= 0 else None
    seen = []

    async def observe(event):
        seen.append(event.kind)

    async with httpx.AsyncClient(limits=limits, timeout=None, verify=common.tls(options) or True) as http:
        client = Client(http, options.base_delay_ms / 1e3 if options.base_delay_ms >= 0 else 1.0)
        client.callbacks.append(observe)

        async def send():
            response = await client.send('GET' if body is None else 'POST', options.uri, body)
            return response.status_code, len(response.content)

        load = common.Load(options, send)
        await load.run()
        await client.events.join()
        assert len(client.results) == options.requests
        assert seen.count('success') == load.ok
        client.monitor.cancel()


asyncio.run(main())
