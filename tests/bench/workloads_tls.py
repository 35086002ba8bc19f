# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What is measured over TLS: warm connections, cold ones far away, and what trust costs."""

from figures import MIB
from peers import NAMES
from servers import CA
from workloads import load, show

PROTOCOLS = {'tls': 'HTTP/1.1 over TLS', 'http2': 'HTTP/2'}
# What a process takes without a connection.
BARE = 14 * MIB
# Those that speak HTTP/2 as they are used here.
COMPARED = ('ours', 'libsoup', 'curl')
OTHERS = {'tls': ('undici', 'go', 'aiohttp', 'httpx'), 'http2': ()}


def warm(bench):
    for listener, bar in (('tls', 1.5), ('http2', 1.2)):
        uri = bench.servers.nginx.uri('1k', listener)
        runs = bench.compare(load(bench, COMPARED, uri, 20000, ca=bench.servers.bundle))
        runs |= bench.compare(load(bench, OTHERS[listener], uri, 20000, ca=bench.servers.bundle), min(bench.rounds, 2))
        show(bench, runs, f'1 KiB GETs, 50 in flight, {PROTOCOLS[listener]}')
        bench.keep(PROTOCOLS[listener], runs)
        bench.ratio('  ours ÷ libsoup alone', PROTOCOLS[listener], 'ours', 'libsoup', at_least=bar)
        if listener == 'tls':
            bench.ratio('  memory, ours ÷ libsoup alone', PROTOCOLS[listener], 'ours', 'libsoup', 'peak_rss', at_most=0.3)


def cold(bench):
    for listener in ('tls', 'http2'):
        uri = bench.servers.delaying(listener).uri(scheme='https') + '1k'
        runs = bench.compare({peer: lambda peer=peer: bench.send(peer, uri, requests=50, in_flight=50, at_once=True, ca=bench.servers.bundle)
                              for peer in ('ours', 'libsoup', 'curl') if peer in bench.peers}, min(bench.rounds, 3))
        for peer, run in runs.items():
            bench.table.add(f'50 first requests, 100 ms away, {PROTOCOLS[listener]}, {NAMES[peer]}',
                            f'{run["seconds"]:.2f} s')
        bench.keep(f'cold, {PROTOCOLS[listener]}', runs)
        bench.ratio('  time, ours ÷ libsoup alone', f'cold, {PROTOCOLS[listener]}', 'ours', 'libsoup', 'seconds', at_most=0.6)


def connecting(bench, peer, uri, **options):
    """So many requests at once, and what they cost by the connections that they took."""
    before = bench.servers.nginx.n_accepted()
    run = bench.send(peer, uri, requests=50, in_flight=50, **options)
    n = run['connections'] = bench.servers.nginx.n_accepted() - before - 1
    return run | {'connection_us': run['cpu_us'] * 50 / n, 'connection_bytes': (run['peak_rss'] - BARE) / n}


def trust(bench):
    """Each connection reads the certificates of the default database anew; those of one that is set are read once. What
    is dearer shows why a client sets none."""
    uri = bench.servers.nginx.uri('1k', 'tls')
    variants = {'the system as it is': {'trust': 'any'},
                'its bundle as default': {'trust': 'default', 'ca': bench.servers.bundle},
                'its bundle on the session': {'trust': 'session', 'ca': bench.servers.bundle},
                'one certificate as default': {'trust': 'default', 'ca': CA},
                'one certificate on the session': {'trust': 'session', 'ca': CA}}
    runs = bench.compare({f'{text}, {NAMES[peer]}': lambda peer=peer, how=how: connecting(bench, peer, uri, **how)
                          for text, how in variants.items() for peer in ('ours', 'libsoup')}, min(bench.rounds, 3))
    for text, run in runs.items():
        bench.table.add(f'{run["connections"]:.0f} connections, {text}',
                        f'{run["connection_us"] / 1e3:.1f} ms {run["connection_bytes"] / MIB:.1f} MiB each')
    bench.keep('trust', runs)
