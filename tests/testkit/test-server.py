#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The test kit's server from Python."""

import hashlib
import http.client
import pathlib
import sys
import threading

import gi

gi.require_version('Resilient', '1')
gi.require_version('ResilientTest', '1')
gi.require_version('Soup', '3.0')
from gi.repository import Gio, GLib, Resilient, ResilientTest, Soup  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'bindings'))
from tap import case, equal, raises, run  # noqa: E402

PATIENCE = 20
Fault, ServerFlags, Server, Script = (ResilientTest.Fault, ResilientTest.ServerFlags,
                                      ResilientTest.Server, ResilientTest.Script)


def get(server, path='/'):
    """A request by a client that trusts the server."""
    async def fetch():
        session = Soup.Session(tls_database=server.get_tls_database())
        async with Resilient.Client(session=session) as client:
            return await client.get(server.get_uri(path))

    return Resilient.run(fetch())


def bare(server, method, path, body=None):
    """A request by Python's own client, which tries once: what came of it."""
    connection = http.client.HTTPConnection('127.0.0.1', server.get_port(), timeout=PATIENCE)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@case
def properties_and_uris():
    server = Server.new()
    equal(server.props.flags, ServerFlags.NONE)
    equal(server.props.port, server.get_port())
    equal(server.get_uri('/a'), f'http://127.0.0.1:{server.get_port()}/a')
    equal(server.get_uri_at_host('localhost', '/'), f'http://localhost:{server.get_port()}/')
    equal(server.get_tls_database(), None)
    server.close()


@case
def answers_and_faults_in_order():
    server = Server.new()
    server.enqueue_response(201, 'text/plain', GLib.Bytes.new(b'one'))
    server.enqueue_fault(Fault.CLOSE_ON_ACCEPT)
    server.enqueue_retry_after(429, None)
    server.enqueue_redirect(302, '/there')
    server.set_response('/there', 200, None, GLib.Bytes.new(b'two'))
    equal(bare(server, 'GET', '/'), (201, b'one'))
    raises(http.client.RemoteDisconnected, bare, server, 'GET', '/')
    equal(bare(server, 'GET', '/'), (429, b''))
    equal(get(server).get_text(), 'two')
    equal([record.get_path() for record in server.list_requests()], ['/', '/', '/', '/there'])
    server.close()


@case
def every_fault_can_be_asked_for():
    server = Server.new_with_flags(ServerFlags.TLS)
    for value in Fault.__enum_values__.values():
        server.enqueue_fault(value)
    server.close()


@case
def records():
    server = Server.new()
    server.set_response(None, 204, None, None)
    equal(bare(server, 'POST', '/path?query', b'body')[0], 204)
    record = server.get_request(0)
    equal((record.get_method(), record.get_path(), record.get_version()),
          ('POST', '/path?query', '1.1'))
    equal(record.get_body().get_data(), b'body')
    equal((record.get_body_size(), record.get_body_sha256()),
          (4, hashlib.sha256(b'body').hexdigest()))
    equal((record.get_connection(), record.is_whole()), (1, True))
    equal(record.get_header('content-length'), '4')
    equal('Content-Length: 4' in record.get_headers(), True)
    equal(server.get_request_header(0, 'Host'), f'127.0.0.1:{server.get_port()}')
    equal(record.get_arrived_at() <= GLib.get_monotonic_time(), True)
    equal((server.get_request(1), server.get_request_to('/', 0)), (None, None))
    server.close()
    equal(server.get_n_requests(), 1)


@case
def scripts_and_gates():
    server = Server.new()
    script = Script.new()
    script.add_head(200, ['Content-Type: text/plain', 'Content-Length: 4'])
    script.add_text('to')
    script.add_gate('on')
    script.add_bytes(GLib.Bytes.new(b'ld'))
    server.enqueue_script('/s', 2, script)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(bare(server, 'GET', '/s')))
    thread.start()
    equal(server.wait_for_gate('on', 1, PATIENCE, None), True)
    equal(seen, [])
    server.release_gate('on', 1)
    thread.join()
    equal(seen, [(200, b'told')])
    server.open_gate('on')
    equal(bare(server, 'GET', '/s'), (200, b'told'))
    equal(bare(server, 'GET', '/s')[0], 404)
    server.close()


@case
def waits_end():
    server = Server.new()
    try:
        server.wait_for_requests(1, 0, None)
    except GLib.Error as error:
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT), True)
    else:
        raise AssertionError('no request came')
    cancellable = Gio.Cancellable()
    GLib.idle_add(cancellable.cancel)
    try:
        server.wait_for_connections(1, PATIENCE, cancellable)
    except GLib.Error as error:
        equal(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), True)
    else:
        raise AssertionError('no connection came')
    server.close()


@case
def tls_and_http2():
    for flags, version in ((ServerFlags.TLS, '1.1'), (ServerFlags.HTTP2, '2')):
        server = Server.new_with_flags(flags)
        server.set_response(None, 200, None, GLib.Bytes.new(b'safe'))
        equal(get(server).get_text(), 'safe')
        equal(server.get_request(0).get_version(), version)
        equal('BEGIN CERTIFICATE' in server.get_ca_certificate().props.certificate_pem, True)
        server.close()


@case
def faults_have_exceptions_of_their_own():
    async def fetch(server):
        session = Soup.Session(tls_database=server.get_tls_database())
        async with Resilient.Client(session=session, max_retries=0) as client:
            return (await client.get(server.get_uri('/'), timeout=PATIENCE)).text

    for fault, flags, kind in [
            (Fault.EXPIRED_CERTIFICATE, ServerFlags.TLS, Resilient.CertificateError),
            (Fault.CLOSE_AFTER_REQUEST, ServerFlags.NONE, Resilient.Disconnected),
            (Fault.GARBAGE, ServerFlags.NONE, Resilient.ProtocolError),
            (Fault.TLS_CUT, ServerFlags.TLS, Resilient.TlsError),
            (Fault.REDIRECT_LOOP, ServerFlags.NONE, Resilient.RedirectError)]:
        server = Server.new_with_flags(flags)
        server.set_fault(None, fault)
        error = raises(Resilient.Error, Resilient.run, fetch(server))
        equal((fault, type(error)), (fault, kind))
        server.close()


run()
