# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What is measured besides: POSTs, large bodies, many hosts, JSON, start-up, events, threads, guards."""

import resource
import shutil

from figures import MIB
from instructions import ENVIRONMENT, per_request
from peers import NAMES
from servers import KIB, N_CROWD
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
        bench.keep(f'post {listener}', runs)
        bench.ratio('  ours with a key ÷ libsoup alone', f'post {listener}', 'ours', 'libsoup', at_least=bar)


def keyless(bench):
    """What can't be sent twice, and leaves no connection behind for each request."""
    for listener, requests in (('http', 1000), ('tls', 300)):
        uri = bench.servers.nginx.uri('post', listener)
        ca = bench.servers.bundle if listener == 'tls' else None
        for in_flight in (1, 6, 50):
            runs = bench.compare({peer: lambda peer=peer, n=in_flight: bench.send(
                peer, uri, requests=requests, in_flight=n, post=KIB, ca=ca) for peer in ('ours', 'libsoup')})
            text = f'{in_flight} in flight{" over TLS" if ca else ""}'
            for peer, run in runs.items():
                bench.table.add(f'{requests} POSTs, {text}, {NAMES[peer]}', f'{run["per_second"]:,.0f}/s {run["open"]:.0f} more open')
            bench.keep(f'keyless {listener} {in_flight}', runs)
            bench.ratio('  ours ÷ libsoup alone', f'keyless {listener} {in_flight}', 'ours', 'libsoup', at_least=0.9)
            # The connections that stay.
            bench.table.at_most('  descriptors more than before, ours', runs['ours']['open'], 6, '')


def transfer(bench):
    nginx = bench.servers.nginx
    ways = {'64 MiB down, into memory': {'uri': nginx.uri('64m')},
            '64 MiB up, from a file': {'uri': bench.servers.own.uri('?size=0'), 'file': nginx.root / '64m'}}
    for text, options in ways.items():
        runs = bench.compare({peer: lambda peer=peer: bench.program('bench-transfer', peer=peer, **options)
                              for peer in ('ours', 'libsoup')})
        for peer, run in runs.items():
            bench.table.add(f'{text}, {NAMES[peer]}', f'{run["per_second"] / MIB:,.0f} MiB/s +{run["more_rss"] / MIB:.0f} MiB')
        bench.keep(text, runs)
        bench.ratio('  ours ÷ libsoup alone', text, 'ours', 'libsoup', at_least=1)
    bench.table.at_most('  memory for sending a file', runs['ours']['more_rss'] / MIB, 4, ' MiB')
    bench.table.note('a download is read into memory: there is no streamed one yet')


def frames(bench):
    nginx = bench.servers.nginx
    for text, options in {'50 GETs in flight': {'uri': nginx.uri('1k'), 'requests': 20000, 'in_flight': 50},
                          'four downloads of 64 MiB': {'uri': nginx.uri('64m'), 'requests': 8, 'in_flight': 4}}.items():
        runs = bench.compare({priority: lambda priority=priority: bench.program(
            'bench-frames', io_priority=priority, **options) for priority in (150, 0)}, min(bench.rounds, 3))
        for priority, run in runs.items():
            bench.table.add(f'frames beside {text}, I/O at {priority}',
                            f'{run["frames"]:.0f} of {run["frames_due"]:.0f}, gap ≤ {run["gap_max_ms"]:.0f} ms')
        bench.table.at_most('  median between two frames', runs[150]['gap_median_ms'], 20, ' ms')
        bench.table.at_least('  throughput ÷ with I/O at 0', runs[150]['per_second'] / runs[0]['per_second'], 0.98)
        bench.keep(f'frames beside {text}', {f'I/O at {priority}': run for priority, run in runs.items()})


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
    bench.keep('hosts', {f'{peer}, {"one hanging" if hanging else "all well"}': run
                         for (peer, hanging), run in runs.items()})
    bench.ratio('  ours with the hanging host ÷ without', 'hosts', 'ours, one hanging', 'ours, all well', at_least=0.98)


def many_hosts(bench):
    """Nothing piles up of hosts that were asked once: neither sessions, nor their sources, which each turn looks at."""
    needed = N_CROWD + 500
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < needed:
        bench.table.note(f'left out: a process may have fewer than {needed:,} descriptors (ulimit -Hn)')
        return
    port = bench.servers.crowd.port
    runs = bench.compare({n: lambda n=n: bench.program('bench-hosts', peer='ours', port=port, hosts=n, requests=N_CROWD)
                          for n in (1000, N_CROWD)}, min(bench.rounds, 3))
    for n, run in runs.items():
        bench.table.add(f'{N_CROWD:,} requests to {n:,} hosts, ours',
                        f'{run["cpu_us"]:.0f} µs CPU {run["open"]:.0f} open')
    bench.table.add('  CPU of all of them', f'{runs[N_CROWD]["cpu_us"] * N_CROWD / 1e6:.1f} s')
    bench.keep('many hosts', runs)
    bench.ratio(f'  CPU of each, {N_CROWD:,} hosts ÷ 1,000', 'many hosts', str(N_CROWD), '1000', 'cpu_us', at_most=1.3)
    bench.table.at_most('  descriptors open', runs[N_CROWD]['open'], 60, '')


def json_documents(bench):
    uri = bench.servers.nginx.uri('json')
    runs = bench.compare({peer: lambda peer=peer: bench.send(peer, uri, requests=50, in_flight=4, json=True)
                          for peer in ('ours', 'libsoup')}, min(bench.rounds, 3))
    for peer, run in runs.items():
        bench.table.add(f'1 MiB of JSON, read and parsed, {NAMES[peer]}',
                        f'{run["per_second"]:,.0f}/s {run["cpu_us"] / 1e3:.1f} ms CPU')
    bench.keep('json', runs)
    bench.ratio('  ours ÷ libsoup alone', 'json', 'ours', 'libsoup')


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
    bench.keep('events', runs)
    bench.ratio('  ÷ without it', 'events', 'with', 'without')


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
    bench.keep('threads', runs)
    bench.ratio('  another thread ÷ home', 'threads', 'other', 'home', at_least=0.7)
    bench.ratio('  8 threads that wait ÷ home, 50 in flight', 'threads', 'waiting', 'home', at_least=0.7)
    bench.ratio('  8 threads that wait ÷ home, 8 in flight', 'threads', 'waiting', 'home 8')


# What a guard does, and at most how many nanoseconds it may take.
GUARD_OPERATIONS = {
    'try-acquire': ('a rate limiter gives a token', 1000),
    'try-acquire-in-vain': ('a rate limiter has none', 1000),
    'acquire': ('a token, by a callback', None),
    'permit': ('a circuit breaker admits a call, which succeeds', None),
    'permit-in-vain': ('a circuit breaker refuses a call', None),
    'deposit': ('a retry budget is told of a request', 1000),
    'try-withdraw': ('a retry budget pays', 1000),
}


def guards(bench):
    runs = bench.compare({name: lambda name=name: bench.program('bench-guards', operation=name)
                          for name in GUARD_OPERATIONS}, min(bench.rounds, 3))
    for name, run in runs.items():
        text, limit = GUARD_OPERATIONS[name]
        bench.table.add(text, f'{run["nanoseconds"]:,.0f} ns {count_instructions(bench, name)}')
        if limit is not None:
            bench.table.at_most('  nanoseconds', run['nanoseconds'], limit, '')
    bench.keep('guards', runs)


def count_instructions(bench, operation):
    if shutil.which('valgrind') is None:
        return ''
    command = [str(bench.build / 'bench-guards'), f'--operation={operation}']
    return f'{per_request(command, ENVIRONMENT):,} instructions'
