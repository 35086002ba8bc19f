#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Asks a time server that may be down, and leaves it alone while it is: circuit_breaker.py HOST PORT"""

import socket
import sys
import time

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402


# [guard]
def read_line(breaker, host, port):
    with breaker:  # raises Resilient.CircuitOpen while the circuit is open
        with socket.create_connection((host, port), timeout=5) as connection:
            return connection.makefile('rb').readline()
# [end]


# [policy]
def make_breaker(recovery_timeout=30):
    policy = Resilient.CircuitPolicy(failure_threshold=3, recovery_timeout=recovery_timeout)
    breaker = Resilient.CircuitBreaker(policy=policy)
    breaker.connect('state-changed',
                    lambda breaker, old, new: print(f'{old.value_nick} → {new.value_nick}'))
    return breaker
# [end]


def raises(kind, function, *args):
    try:
        function(*args)
    except kind as error:
        return error
    raise AssertionError(f'no {kind.__name__}')


def test():
    """A service that is bound, and refuses connections until it listens."""
    breaker = make_breaker(recovery_timeout=0.02)
    with socket.socket() as service:
        service.bind(('127.0.0.1', 0))
        address = service.getsockname()
        for _ in range(3):
            raises(ConnectionRefusedError, read_line, breaker, *address)
        raises(Resilient.CircuitOpen, read_line, breaker, *address)

        service.listen()
        time.sleep(breaker.get_retry_after())
        with breaker.acquire():  # the probe
            raises(Resilient.CircuitOpen, read_line, breaker, *address)
            connection = socket.create_connection(address)
            service.accept()[0].close()
            connection.close()
        assert breaker.get_state() == Resilient.CircuitState.CLOSED

    context = GLib.MainContext.default()
    while context.iteration(False):
        pass


def main():
    if sys.argv[1:] == ['--self-test']:
        test()
    elif len(sys.argv) == 3:
        print(read_line(make_breaker(), sys.argv[1], int(sys.argv[2])).decode())
    else:
        sys.exit(f'Usage: {sys.argv[0]} HOST PORT | --self-test')


if __name__ == '__main__':
    main()
