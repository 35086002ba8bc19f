#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The text of the metrics, as a parser reads it that is not ours."""

import sys

try:
    from prometheus_client.openmetrics import parser
except ImportError:
    print('1..0 # SKIP python3-prometheus-client is not installed')
    sys.exit(0)

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from loopback import Server  # noqa: E402
from tap import case, equal, run  # noqa: E402

# What OpenTelemetry advises for http.client.request.duration.
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, float('inf')]
ATTEMPTS = 'http_client_request_duration_seconds'
SECRET = 'xyzzy'

server = Server()
server.wake = GLib.MainContext.default().wakeup


def send(client, method, uri):
    """Send it, and wait until that has ended, whatever became of it."""
    done = []
    request = Resilient.Request.new(method, uri)
    request.set_header('Authorization', f'Bearer {SECRET}')
    client.send_async(request, None, None, lambda source, result: done.append(result))
    while not done:
        GLib.MainContext.default().iteration(True)


def new_client(max_retries):
    builder = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard())
    builder.set_max_retries(max_retries)
    builder.set_jitter_mode(Resilient.Jitter.NONE)
    builder.set_base_delay(0)
    return Resilient.Client(retry_policy=builder.build())


def parse(stats):
    text = stats.to_openmetrics()
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def select(family, suffix, **labels):
    return [sample for sample in family.samples if sample.name == family.name + suffix
            and all(sample.labels.get(name) == value for name, value in labels.items())]


def total(family, suffix, **labels):
    return sum(sample.value for sample in select(family, suffix, **labels))


@case
def statistics_of_nothing_are_text_too():
    families = parse(Resilient.Client.new().get_stats())
    equal(families[ATTEMPTS].samples, [])
    equal(families['resilient_client_requests'].samples[0].value, 0)


@case
def counters_and_histograms_say_what_happened():
    client = new_client(2)
    for _ in range(3):
        send(client, 'GET', server.uri(f'/text?token={SECRET}'))
    send(client, 'GET', server.uri('/script/metrics/503/200'))
    send(client, 'POST', server.uri('/status/404'))
    send(client, 'BREW', server.uri('/text'))
    refusing = Server(listen=False).uri(f'/{SECRET}')
    send(client, 'GET', refusing.replace('://', f'://user:{SECRET}@'))
    send(client, 'GET', 'ftp://localhost/')
    stats = client.get_stats()
    families = parse(stats)

    equal({name: families[f'resilient_client_{name}'].samples[0].value for name in
           ('requests', 'attempts', 'retries', 'hedges', 'successes', 'errors', 'timeouts', 'cancelled', 'refused',
            'held_back', 'circuit_refusals', 'budget_refusals')},
          {'requests': 7, 'attempts': 10, 'retries': 3, 'hedges': 0, 'successes': 6, 'errors': 1, 'timeouts': 0,
           'cancelled': 0, 'refused': 1, 'held_back': 0, 'circuit_refusals': 0, 'budget_refusals': 0})
    for name, kind, unit in ((ATTEMPTS, 'histogram', 'seconds'),
                             ('resilient_client_request_duration_seconds', 'histogram', 'seconds'),
                             ('http_request_resend_count', 'histogram', ''),
                             ('resilient_client_requests', 'counter', ''),
                             ('http_client_active_requests', 'gauge', '')):
        equal((families[name].type, families[name].unit), (kind, unit))

    attempts = families[ATTEMPTS]
    port = server.uri('').rsplit(':', 1)[1].rstrip('/')
    here = {'server_address': '127.0.0.1', 'server_port': port, 'url_scheme': 'http'}
    equal(total(attempts, '_count'), 10)
    equal(total(attempts, '_count', http_request_method='GET', http_response_status_code='200', **here), 4)
    equal(total(attempts, '_count', http_response_status_code='503', error_type='503', **here), 1)
    equal(total(attempts, '_count', http_request_method='POST', error_type='404', **here), 1)
    equal(total(attempts, '_count', http_request_method='_OTHER', **here), 1)
    equal(total(attempts, '_count', error_type='connect'), 3)
    assert not any('http_response_status_code' in sample.labels
                   for sample in select(attempts, '_count', error_type='connect'))
    equal([float(sample.labels['le']) for sample in
           select(attempts, '_bucket', http_request_method='POST', **here)], BOUNDS)

    resends = families['http_request_resend_count']
    # A connection that was refused sent nothing.
    equal((total(resends, '_count'), total(resends, '_bucket', le='0.0')), (7, 6))
    requests = families['resilient_client_request_duration_seconds']
    equal((total(requests, '_count', outcome='success'), total(requests, '_count', outcome='error')), (6, 1))
    assert SECRET not in stats.to_openmetrics()
    assert 'user' not in stats.to_openmetrics()


@case
def servers_have_a_name_up_to_a_bound():
    client = new_client(0)
    port = Server(listen=False).uri('').rsplit(':', 1)[1]
    for number in range(2, 30):
        send(client, 'GET', f'http://127.0.0.{number}:{port}')
    attempts = parse(client.get_stats())[ATTEMPTS]
    names = {sample.labels['server_address'] for sample in attempts.samples}
    equal(len(names), 17)
    equal(total(attempts, '_count', server_address='_OTHER'), 12)


@case
def several_clients_are_one_text():
    clients = [new_client(0) for _ in range(2)]
    for client in clients:
        send(client, 'GET', server.uri('/text'))
    families = parse(clients[0].get_stats().merge(clients[1].get_stats()))
    equal(families['resilient_client_requests'].samples[0].value, 2)
    equal([sample.value for sample in select(families[ATTEMPTS], '_count')], [2])


run()
