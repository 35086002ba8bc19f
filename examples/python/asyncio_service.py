#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A service on an asyncio loop of any kind, as that of a web framework: asyncio_service.py URI

It answers each line that it gets with the status of that path on the server behind it."""

import asyncio
import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri  # noqa: E402


# [service]
class Service:
    """Made while the loop runs, so that its client knows that this loop turns no main context."""

    def __init__(self, base):
        self.base = base
        self.client = Resilient.Client(retry_policy=Resilient.RetryPolicy.get_standard())
        self.retries = 0
        self._watching = asyncio.create_task(self._watch(self.client.subscribe(100)))

    async def _watch(self, subscription):
        # Handlers of signals would be called in another thread; this is done in the loop.
        async for event in subscription:
            if event.event_type == Resilient.EventType.RETRY:
                self.retries += 1

    async def answer(self, reader, writer):
        while path := (await reader.readline()).decode().strip():
            try:
                response = await self.client.get(self.base + path, total_timeout=10)
                answer = f'{response.status_code}'
            except GLib.Error as error:
                answer = error.message
            writer.write(f'{path}: {answer}\n'.encode())
            await writer.drain()
        writer.close()

    async def close(self):
        await self.client.close(grace=5)
        # Closing the client ends the subscription.
        await self._watching
# [end]


async def serve(base):
    service = Service(base)
    server = await asyncio.start_server(service.answer, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    print(f'Listening on port {port}; end with Ctrl+C')
    try:
        if sys.argv[1] == '--self-test':
            await ask(port)
        else:
            await server.serve_forever()
    finally:
        server.close()
        await service.close()
    assert sys.argv[1] != '--self-test' or service.retries >= 1


async def ask(port):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(b'/steady\n/flaky/once\n\n')
    lines = (await reader.read()).decode().splitlines()
    writer.close()
    print('\n'.join(lines))
    assert lines == ['/steady: 200', '/flaky/once: 200']


if __name__ == '__main__':
    asyncio.run(serve(get_base_uri()))
