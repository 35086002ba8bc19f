#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Operations that are no requests, made resilient: retrier.py HOST PORT"""

import asyncio
import socket
import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import Gio, GLib, Resilient  # noqa: E402


# [decorator]
@Resilient.retry(max_retries=5, base_delay=0.02)
async def read_greeting(host, port):
    """The first line that a service says, once it is there."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return await asyncio.wait_for(reader.readuntil(b'\n'), timeout=5)
    finally:
        writer.close()
# [end]


# [loop]
async def read_with_events(path, retrier):
    """The contents of a file, perhaps on a remote mount, with its retries told."""
    file = Gio.File.new_for_path(path)
    while True:
        try:
            # In a thread: the loop goes on while the mount takes its time.
            return (await asyncio.to_thread(file.load_contents, None))[1]
        except GLib.Error as error:
            # Raises it when it is an answer, such as “not found”, or no attempt is left.
            await retrier.backoff(error)
# [end]


class LateService:
    """Is bound, and refuses connections until it listens, after so many attempts."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(('127.0.0.1', 0))
        self.attempts = 0

    async def start_late(self):
        await asyncio.sleep(0.05)
        return await asyncio.start_server(self.greet, sock=self.socket)

    @staticmethod
    async def greet(reader, writer):
        writer.write(b'Hello\n')
        writer.close()


async def test():
    service = LateService()
    starting = asyncio.create_task(service.start_late())
    assert await read_greeting(*service.socket.getsockname()) == b'Hello\n'
    (await starting).close()

    retrier = Resilient.Retrier.new(None, None)
    try:
        await read_with_events('/nowhere/to/be/found', retrier)
    except GLib.Error as error:
        assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND)
    assert retrier.attempt == 1


def main():
    if sys.argv[1:] == ['--self-test']:
        Resilient.run(test())
    elif len(sys.argv) == 3:
        print(Resilient.run(read_greeting(sys.argv[1], int(sys.argv[2]))).decode())
    else:
        sys.exit(f'Usage: {sys.argv[0]} HOST PORT | --self-test')


if __name__ == '__main__':
    main()
