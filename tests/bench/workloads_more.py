# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What is measured besides: POSTs, large bodies, many hosts, JSON, start-up, events, threads."""

from figures import MIB
from peers import NAMES
from servers import KIB
from workloads import load, show


def post(bench):
    for listener, bar, few in (('http', 2, 5000), ('tls', 10, 500)):
        uri = bench.servers.nginx.uri('post', listener)
        ca = bench.servers.bundle if listener == 'tls' else None
        # Without a key, libsoup opens a connection for each; with one, it may be sent on one that is open.
        runs = bench.compare({
            'ours': lambda: bench.send('ours', uri, requests=10000, in_flight=50, post=KIB, key=True, ca=ca),
            'libsoup': lambda: bench.send('libsoup', uri, requests=few, in_flight=50, post=KIB, ca=ca),
        } | load(bench, ('curl', 'undici', 'go', 'aiohttp', 'httpx'), uri, 10000, post=KIB, ca=ca), min(bench.rounds, 3))
        show(bench, runs, f'POSTs of 1 KiB{" over TLS" if ca else ""}')
        bench.table.at_least('  ours with a key ÷ libsoup alone', runs['ours'].ratio(runs['libsoup']), bar)
        bench.keep(f'post {listener}', runs)


def transfer(bench):
    nginx = bench.servers.nginx
    ways = {'64 MiB down, into memory': {'uri': nginx.uri('64m')},
            '64 MiB up, from a file': {'uri': bench.servers.own.uri('?size=0'), 'file': nginx.root / '64m'}}
    for text, options in ways.items():
        runs = bench.compare({peer: lambda peer=peer: bench.program('bench-transfer', peer=peer, **options)
                              for peer in ('ours', 'libsoup')})
        for peer, run in runs.items():
            bench.table.add(f'{text}, {NAMES[peer]}', f'{run["per_second"] / MIB:,.0f} MiB/s +{run["more_rss"] / MIB:.0f} MiB')
        bench.table.at_least('  ours ÷ libsoup alone', runs['ours'].ratio(runs['libsoup']), 1)
        bench.keep(text, runs)
    bench.table.at_most('  memory for sending a file', runs['ours']['more_rss'] / MIB, 4, ' MiB')
    bench.table.note('a download is read into memory: there is no streamed one yet')


def hosts(bench):
    port = bench.servers.own.port
    runs = bench.compare({(peer, hanging): lambda peer=peer, hanging=hanging: bench.program(
        'bench-hosts', peer=peer, port=port, requests=20000 if peer == 'ours' else 2000, hanging=hanging)
        for peer in ('ours', 'libsoup') for hanging in (False, True)})
    for (peer, hanging), run in runs.items():
        bench.table.add(f'100 hosts, {"one of them hanging" if hanging else "all well"}, {NAMES[peer]}',
                        f'{run["per_second"]:,.0f}/s {run["open"]:.0f} open')
    # Six connections to a host, and what else a process has open.
    bench.table.at_most('  descriptors open, ours', max(run['open'] for (peer, _), run in runs.items() if peer == 'ours'),
                        650, '')
    bench.table.at_least('  ours with the hanging host ÷ without', runs['ours', True].ratio(runs['ours', False]), 0.98)
    bench.keep('hosts', {f'{peer}, {"one hanging" if hanging else "all well"}': run
                         for (peer, hanging), run in runs.items()})


def json_documents(bench):
    uri = bench.servers.nginx.uri('json')
    runs = bench.compare({peer: lambda peer=peer: bench.send(peer, uri, requests=50, in_flight=4, json=True)
                          for peer in ('ours', 'libsoup')}, min(bench.rounds, 3))
    for peer, run in runs.items():
        bench.table.add(f'1 MiB of JSON, read and parsed, {NAMES[peer]}',
                        f'{run["per_second"]:,.0f}/s {run["cpu_us"] / 1e3:.1f} ms CPU')
    bench.table.add('  ours ÷ libsoup alone', f'{runs["ours"].ratio(runs["libsoup"]):.2f} ×')
    bench.keep('json', runs)


def start(bench):
    uri = bench.servers.nginx.uri('1k')
    runs = bench.compare({peer: lambda peer=peer: bench.send(peer, uri, requests=1, in_flight=1)
                          for peer in NAMES if peer in bench.peers})
    for peer, run in runs.items():
        bench.table.add(f'from the start of the process to a response, {NAMES[peer]}',
                        f'{run["first_ms"]:.0f} ms {run["peak_rss"] / MIB:.0f} MiB')
    bench.keep('start', runs)


def events(bench):
    uri = bench.servers.nginx.uri('1k')
    runs = bench.compare({'without': lambda: bench.send('ours', uri, requests=20000, in_flight=50),
                          'with': lambda: bench.program('bench-events', uri=uri, requests=20000)}, min(bench.rounds, 3))
    run = runs['with']
    bench.table.add('GETs with a follower of events that takes 1 ms for each', f'{run["per_second"]:,.0f}/s')
    bench.table.add('  events seen and dropped', f'{run["seen"]:,.0f} + {run["dropped"]:,.0f}')
    bench.table.add('  ÷ without it', f'{run.ratio(runs["without"]):.2f} ×')
    bench.keep('events', runs)


def threads(bench):
    uri = bench.servers.nginx.uri('1k')
    runs = bench.compare({
        'home': lambda: bench.send('ours', uri, requests=20000, in_flight=50),
        'home 8': lambda: bench.send('ours', uri, requests=20000, in_flight=8),
        'other': lambda: bench.program('bench-threads', uri=uri, requests=20000, in_flight=50),
        'waiting': lambda: bench.program('bench-threads', uri=uri, requests=20000, threads=8),
    }, min(bench.rounds, 3))
    texts = {'home': 'in the home context, 50 in flight', 'home 8': 'in the home context, 8 in flight',
             'other': "in another thread's context, 50 in flight", 'waiting': 'by 8 threads that wait'}
    for name, run in runs.items():
        bench.table.add(f'GETs {texts[name]}', f'{run["per_second"]:,.0f}/s {run["cpu_us"]:.0f} µs CPU')
    bench.table.at_least('  another thread ÷ home', runs['other'].ratio(runs['home']), 0.7)
    bench.table.at_least('  8 threads that wait ÷ home, 50 in flight', runs['waiting'].ratio(runs['home']), 0.7)
    bench.table.add('  8 threads that wait ÷ home, 8 in flight', f'{runs["waiting"].ratio(runs["home 8"]):.2f} ×')
    bench.keep('threads', runs)
