#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Tests of an app's error paths, in time that the test moves: no server, no waiting."""

import sys
import unittest

import gi

gi.require_version('Resilient', '1')
gi.require_version('ResilientTest', '1')
from gi.repository import Gio, GLib, Resilient, ResilientTest  # noqa: E402

URI = 'https://api.example.com/notes'


async def save_note(client, text):
    """Of the app: saves a note, and says what to tell the user."""
    try:
        response = await client.post(URI, data=text.encode(), total_timeout=60)
        response.check_status()
    except GLib.Error as error:
        refused = error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_REFUSED)
        return 'Not saved' if refused else 'Perhaps saved'
    return 'Saved'


def io_error(code):
    return GLib.Error.new_literal(Gio.io_error_quark(), 'as the test wants', code)


# [tests]
class NotesTest(unittest.TestCase):
    def setUp(self):
        self.clock = ResilientTest.Clock()
        self.clock.install()  # before the first client
        self.addCleanup(self.clock.uninstall)
        ResilientTest.seed_random(1)  # the same jitter each time
        self.transport = ResilientTest.Transport()
        self.client = Resilient.Client()
        self.transport.install(self.client)

    def save(self):
        self.clock.set_automatic(True)
        return Resilient.run(save_note(self.client, 'Buy milk'))

    def test_server_restarts(self):
        refused = io_error(Gio.IOErrorEnum.CONNECTION_REFUSED)
        self.transport.add_error(None, refused, False, 0.1)
        self.transport.add_error(None, refused, False, 0.1)
        self.transport.add_response(None, 201, None, None, 0.3)

        self.assertEqual(self.save(), 'Saved')
        self.assertEqual(self.transport.get_attempt_count(), 3)
        self.assertGreater(self.clock.get_elapsed(), 2)

    def test_connection_lost(self):
        # The note had been sent: to send it again might save it twice.
        lost = io_error(Gio.IOErrorEnum.CONNECTION_CLOSED)
        self.transport.add_error(None, lost, True, 0.1)

        self.assertEqual(self.save(), 'Perhaps saved')
        self.assertEqual(self.transport.get_attempt_count(), 1)
# [end]


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + [arg for arg in sys.argv[1:] if arg != '--self-test'])
