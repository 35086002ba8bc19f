#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The test kit's time, chance and transport from Python."""

import pathlib
import sys

import gi

gi.require_version('Resilient', '1')
gi.require_version('ResilientTest', '1')
from gi.repository import Gio, GLib, Resilient, ResilientTest  # noqa: E402

sys.path.append(str(pathlib.Path(__file__).parents[1] / 'bindings'))
from tap import case, equal, raises, run  # noqa: E402

URI = 'http://example.com/a'
REFUSED = GLib.Error.new_literal(Gio.io_error_quark(), 'Refused', Gio.IOErrorEnum.CONNECTION_REFUSED)

clock = ResilientTest.Clock.new()
clock.install()


def setting():
    """A transport, and a client that sends through it and pauses for 1, 2, 4, … seconds."""
    builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard())
    builder.set_base_delay(1)
    builder.set_jitter_mode(Resilient.Jitter.NONE)
    client = Resilient.Client(retry_policy=builder.build())
    transport = ResilientTest.Transport.new()
    transport.install(client)
    return client, transport


def times(transport):
    return [round(attempt.get_time(), 3) for attempt in transport.list_attempts()]


def begin(client):
    """Starts a request and returns a list that its answer will be in."""
    done = []
    client.send_async(Resilient.Request.new('GET', URI), None, None,
                      lambda source, result: done.append(result))
    return done


@case
def a_schedule_of_retries():
    client, transport = setting()
    transport.add_error(None, REFUSED, False, 0.5)
    transport.add_response(None, 503, ['X-A: 1'], None, 0.25)
    transport.add_response(None, 200, ['Content-Type: text/plain'], GLib.Bytes.new(b'hello'), 0)
    done = begin(client)
    clock.advance(3.749)
    equal(done, [])
    clock.advance(0.001)
    equal(client.send_finish(done[0]).get_text(), 'hello')
    equal(times(transport), [0, 1.5, 3.75])
    equal(transport.get_max_live_count(), 1)
    attempt = transport.list_attempts()[1]
    equal((attempt.get_method(), attempt.get_uri(), attempt.get_number()), ('GET', URI, 2))


@case
def a_seed_gives_the_same_schedule():
    def schedule(seed):
        ResilientTest.seed_random(seed)
        client, transport = setting()
        client.set_retry_policy(Resilient.RetryPolicy.get_standard())
        transport.add_error(None, REFUSED, False, 0.1)
        done = begin(client)
        clock.advance(100)
        raises(GLib.Error, lambda: client.send_finish(done[0]))
        return times(transport)

    equal(schedule(3), schedule(3))
    assert schedule(3) != schedule(4)
    ResilientTest.unseed_random()


@case
def an_attempt_is_answered_by_a_handler_or_later():
    client, transport = setting()
    seen = []
    transport.connect('attempt', lambda transport, attempt: seen.append(attempt))
    done = begin(client)
    clock.advance(1)
    assert seen[0].is_live()
    assert seen[0].fail(REFUSED, False, 0)
    clock.advance(1)
    assert seen[1].respond(200, None, None, 0.5)
    clock.advance(0.5)
    equal(client.send_finish(done[0]).get_status_code(), 200)


@case
def a_blocking_call_takes_no_time():
    client, transport = setting()
    transport.add_error(None, REFUSED, False, 0)
    transport.add_error(None, REFUSED, False, 0)
    transport.add_response(None, 200, None, None, 0)
    clock.set_automatic(True)
    began = clock.get_elapsed()
    equal(client.send(Resilient.Request.new('GET', URI), None, None).get_status_code(), 200)
    equal(round(clock.get_elapsed() - began, 3), 3)
    clock.set_automatic(False)


@case
def offline_and_back():
    network = ResilientTest.Network.new()
    network.install()
    client, transport = setting()
    transport.add_error(None, REFUSED, False, 0)
    transport.add_response(None, 200, None, None, 0)
    done = begin(client)
    clock.advance(0.5)
    network.set_available(False)
    clock.advance(20)
    equal(done, [])
    network.set_available(True)
    clock.advance(2)
    equal(client.send_finish(done[0]).get_status_code(), 200)
    network.uninstall()


run()
