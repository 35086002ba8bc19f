#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Tests of an app's error paths, against a real server that misbehaves as it is told."""

import sys
import unittest

import gi

gi.require_version('Resilient', '1')
gi.require_version('ResilientTest', '1')
gi.require_version('Soup', '3.0')
from gi.repository import GLib, Resilient, ResilientTest, Soup  # noqa: E402
from gi.repository.ResilientTest import Fault, ServerFlags  # noqa: E402


# [app]
async def load_notes(client, uri):
    """Of the app: loads the notes, and says what to tell the user."""
    try:
        return (await client.get(uri)).raise_for_status().text
    except Resilient.CertificateError:
        return 'This server is not who it says it is'
    except Resilient.Error:
        return 'No connection'
# [end]


# [tests]
class NotesTest(unittest.TestCase):
    def start(self, flags=ServerFlags.NONE):
        self.server = ResilientTest.Server.new_with_flags(flags)
        self.addCleanup(self.server.close)
        session = Soup.Session(tls_database=self.server.get_tls_database())
        builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard())
        builder.set_base_delay(0)  # no pauses
        self.client = Resilient.Client(session=session, retry_policy=builder.build())

    def load(self):
        return Resilient.run(load_notes(self.client, self.server.get_uri('/notes')))

    def test_cut_answer(self):
        self.start()
        self.server.enqueue_fault(Fault.RESET_ON_ACCEPT)
        self.server.enqueue_fault(Fault.CUT_BODY)
        self.server.enqueue_response(200, 'text/plain', GLib.Bytes.new(b'Buy milk'))

        self.assertEqual(self.load(), 'Buy milk')
        self.assertEqual(self.server.get_n_requests(), 2)

    def test_always_down(self):
        self.start()
        self.server.set_fault(None, Fault.CLOSE_AFTER_REQUEST)

        self.assertEqual(self.load(), 'No connection')
        self.assertEqual([record.get_path() for record in self.server.list_requests()],
                         ['/notes'] * 4)

    def test_expired_certificate(self):
        self.start(ServerFlags.HTTP2)
        self.server.enqueue_fault(Fault.EXPIRED_CERTIFICATE)

        self.assertEqual(self.load(), 'This server is not who it says it is')
        self.assertEqual(self.server.get_n_requests(), 0)
# [end]


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + [arg for arg in sys.argv[1:] if arg != '--self-test'])
