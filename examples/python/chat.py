#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A chat whose client survives a restart of the server, and loses no line that it was told to say.

chat.py --serve 8080
chat.py ada ws://127.0.0.1:8080/chat

Whoever opens /chat/NAME?seen=N is told all that was said after the first N lines, then what is said
from now on, and says lines that bear a number, as “3 Hello”. The room answers “= 3” when it has the
line. It takes one line for each name and number, so that it may be sent again by whoever does not
know whether it arrived.
"""

import asyncio
import sys
import time

import gi

gi.require_version('Resilient', '1')
gi.require_version('Soup', '3.0')
from gi.repository import Gio, GLib, Resilient, Soup  # noqa: E402


class ChatRoom:
    """What was said outlives a stop, as in a file."""

    def __init__(self):
        self.lines = []
        self._last_numbers = {}
        self._connections = {}
        self._server = None

    def start(self, port=0):
        self._server = Soup.Server()
        self._server.add_websocket_handler('/chat', None, None, self._join)
        self._server.listen_local(port, Soup.ServerListenOptions.IPV4_ONLY)
        return self._server.get_uris()[0].get_port()

    def stop(self):
        """As a crash: nobody is told."""
        connections, self._connections = self._connections, {}
        for connection in connections:
            connection.get_io_stream().close(None)
        self._server.disconnect()
        self._server = None

    def _say(self, line):
        self.lines.append(line)
        for connection in self._connections:
            connection.send_text(line)

    def _join(self, server, message, path, connection, *user_data):
        name = path.rsplit('/', 1)[1]
        seen = int((message.get_uri().get_query() or 'seen=0').removeprefix('seen='))
        connection.connect('message', self._hear, name)
        connection.connect('closed', self._leave)
        for line in self.lines[seen:]:
            connection.send_text(line)
        self._connections[connection] = name
        self._say(f'* {name} joined')

    def _leave(self, connection):
        name = self._connections.pop(connection, None)
        if name is not None:
            self._say(f'* {name} left')

    def _hear(self, connection, kind, message, name):
        if connection not in self._connections:
            return
        number, text = message.get_data().decode().split(' ', 1)
        # Else it came a second time, because its confirmation was lost.
        if int(number) > self._last_numbers.get(name, 0):
            self._last_numbers[name] = int(number)
            self._say(f'{name}: {text}')
        connection.send_text(f'= {number}')


# [client]
class ChatClient:
    """Connects again for as long as it is not closed, and repeats what the room may have missed."""

    def __init__(self, name, uri):
        self.lines = asyncio.Queue()
        self.unconfirmed = {}
        # As long as the user waits: only close () ends it.
        self.retrier = Resilient.Retrier.new(Resilient.RetryPolicy(
            Resilient.RetryPolicy.get_standard(), max_retries=-1, base_delay=0.02, max_delay=5), None)
        self._name, self._uri = name, uri
        # Higher than those of an earlier client of this name, which the room remembers.
        self._last_number, self._seen = time.time_ns() // 1000, 0
        self._session = Soup.Session()
        self._connection = None
        self._task = asyncio.create_task(self._stay_connected())

    def say(self, text):
        """The line is kept until the room has confirmed it."""
        self._last_number += 1
        self.unconfirmed[self._last_number] = text
        self._send(self._last_number)

    def _send(self, number):
        if (self._connection is not None
                and self._connection.get_state() == Soup.WebsocketState.OPEN):
            self._connection.send_text(f'{number} {self.unconfirmed[number]}')

    async def _stay_connected(self):
        while True:
            try:
                self._connection = await self._connect()
            except GLib.Error:
                pass
            else:
                closed = asyncio.get_running_loop().create_future()
                self._connection.connect('message', self._hear)
                self._connection.connect('closed', lambda _: closed.done() or closed.set_result(None))
                for number in self.unconfirmed:
                    self._send(number)
                await closed
                self._connection = None
            # Whatever the reason: a proxy's answer while the server restarts is no last word.
            await self.retrier.backoff()

    async def _connect(self):
        uri = f'{self._uri}/{self._name}?seen={self._seen}'
        done = asyncio.get_running_loop().create_future()
        cancellable = Gio.Cancellable()

        def finish(session, result, *user_data):
            if not done.done():
                done.set_result(result)

        self._session.websocket_connect_async(
            Soup.Message.new('GET', uri), None, None, GLib.PRIORITY_DEFAULT, cancellable, finish)
        try:
            return self._session.websocket_connect_finish(await done)
        except asyncio.CancelledError:
            cancellable.cancel()
            raise

    def _hear(self, connection, kind, message):
        # It has proved itself: the next loss has all attempts again.
        self.retrier.reset()
        line = message.get_data().decode()
        if line.startswith('= '):
            for number in [each for each in self.unconfirmed if each <= int(line[2:])]:
                del self.unconfirmed[number]
        else:
            self._seen += 1
            self.lines.put_nowait(line)

    async def close(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            self._connection.close(Soup.WebsocketCloseCode.GOING_AWAY, None)
# [end]


async def talk(name, uri):
    client = ChatClient(name, uri)
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: client.say(sys.stdin.readline().rstrip('\n')))
    while True:
        print(await client.lines.get())


async def serve(port):
    room = ChatRoom()
    print(f'ws://127.0.0.1:{room.start(port)}/chat')
    await asyncio.Event().wait()


async def hear(client, last):
    """All that it hears up to that line."""
    heard = []
    while not heard or heard[-1] != last:
        heard.append(await client.lines.get())
    return heard


async def test():
    """The room ends amid a talk, and comes back on its port after some attempts to join it."""
    room = ChatRoom()
    port = room.start()
    uri = f'ws://127.0.0.1:{port}/chat'
    ada = ChatClient('ada', uri)
    await hear(ada, '* ada joined')
    bob = ChatClient('bob', uri)
    heard = await hear(bob, '* bob joined')
    ada.say('one')
    heard += await hear(bob, 'ada: one')

    # On its way when the room ends, and said to nobody.
    ada.say('two')
    room.stop()
    ada.say('three')
    while ada.retrier.attempt < 4:
        await asyncio.sleep(0.01)
    assert room.start(port) == port

    ada.say('four')
    heard += await hear(bob, 'ada: four')
    bob.say('bye')
    await hear(ada, 'bob: bye')
    while ada.unconfirmed or bob.unconfirmed:
        await asyncio.sleep(0.01)
    await bob.close()
    await hear(ada, '* bob left')

    # Another client of that name is not taken for one that repeats itself.
    bob = ChatClient('bob', uri)
    bob.say('again')
    await hear(ada, 'bob: again')
    await bob.close()
    await hear(ada, '* bob left')
    await ada.close()

    said = ['ada: one', 'ada: two', 'ada: three', 'ada: four']
    assert [line for line in heard if line.startswith('ada:')] == said, heard
    assert [line for line in room.lines if line.startswith('ada:')] == said, room.lines


def main():
    arguments = sys.argv[1:]
    if arguments == ['--self-test']:
        Resilient.run(asyncio.wait_for(test(), 60))
    elif len(arguments) == 2 and arguments[0] == '--serve':
        Resilient.run(serve(int(arguments[1])))
    elif len(arguments) == 2:
        Resilient.run(talk(*arguments))
    else:
        sys.exit(f'Usage: {sys.argv[0]} --serve PORT | NAME URI | --self-test')


if __name__ == '__main__':
    main()
