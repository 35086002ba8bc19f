# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What is measured over plain HTTP/1.1: many requests, all at once, asleep, and with faults."""

import shutil

from figures import MIB
from instructions import per_request
from peers import NAMES

# So many requests that a run takes a second or two.
SHARE = {'httpx': 0.05, 'contexts': 0.05, 'aiohttp': 0.25}


def load(bench, peers, uri, requests, **options):
    """Peer → a function that sends its share."""
    return {peer: lambda peer=peer: bench.send(peer, uri, requests=int(requests * SHARE.get(peer, 1)), in_flight=50,
                                               **options)
            for peer in peers if peer in bench.peers}


def show(bench, runs, what):
    for peer, run in runs.items():
        bench.table.add(f'{what}, {NAMES.get(peer, peer)}', f'{run["per_second"]:,.0f}/s {run["cpu_us"]:.0f} µs CPU')
    for peer, run in runs.items():
        bench.table.add(f'  latency and memory, {NAMES.get(peer, peer)}',
                        f'{run["p50_ms"]:.1f}/{run["p99_ms"]:.1f} ms {run["peak_rss"] / MIB:.0f} MiB')


def stalls(bench, what, run):
    bench.table.add(f'  main context away, longest, {what}', f'{run["stall_max_ms"]:.1f} ms')
    bench.table.at_most(f'  main context away, 99th percentile, {what}', run['stall_p99_ms'], 4, ' ms')


def get(bench):
    uri = bench.servers.nginx.uri('1k')
    runs = bench.compare(load(bench, NAMES, uri, 20000))
    show(bench, runs, '1 KiB GETs, 50 in flight')
    bench.keep('get', runs)
    for peer, least in {'libsoup': 1.4, 'curl': 0.27, 'undici': 1.0, 'aiohttp': 2.5, 'httpx': 10}.items():
        bench.ratio('  ours ÷ ' + NAMES[peer], 'get', 'ours', peer, at_least=least)

    if shutil.which('valgrind'):
        counts = {peer: per_request([*bench.peers.commands[peer], f'--uri={uri}'], bench.peers.environment)
                  for peer in ('ours', 'libsoup', 'curl') if peer in bench.peers}
        for peer, n in counts.items():
            bench.table.add(f'instructions of each, {NAMES[peer]}', f'{n:,}')
        bench.table.at_most('  ours ÷ libsoup alone', counts['ours'] / counts['libsoup'], 0.6)
        bench.results['instructions'] = counts

    crowd = bench.compare({'ours': lambda: bench.send('ours', uri, requests=20000, in_flight=50, live=1000)}, 3)
    stalls(bench, '1,000 live', crowd['ours'])
    bench.keep('get, 1,000 live', crowd)


def paced(bench):
    uri = bench.servers.own.uri('?wait=10')
    runs = bench.compare(load(bench, ('ours', 'libsoup', 'curl'), uri, 5000))
    show(bench, runs, 'answers after 10 ms, 50 in flight')
    bench.keep('paced', runs)
    bench.ratio('  CPU of each request, ours ÷ libsoup alone', 'paced', 'ours', 'libsoup', 'cpu_us', at_most=0.8)


def at_once(bench):
    uri = bench.servers.nginx.uri('1k')
    sizes = (1000, 20000, 100000)

    def ours(size):
        return bench.send('ours', uri, requests=size, in_flight=50, at_once=True)

    runs = bench.compare({size: lambda size=size: ours(size) for size in sizes}, min(bench.rounds, 3))
    each = {size: run['seconds'] / size * 1e6 for size, run in runs.items()}
    for size in sizes:
        bench.table.add(f'{size:,} submitted at once, ours', f'{each[size]:.1f} µs each')
    for size, bar in ((20000, 1.3), (100000, 1.2)):
        bench.table.at_most(f'  cost of each at {size:,} ÷ at 1,000', each[size] / each[1000], bar)
    for size, bar in ((20000, 2048), (100000, 1024)):
        bench.table.at_most(f'  memory of each waiting request at {size:,}', runs[size]['heap_per_waiting'], bar, ' bytes')
    stalls(bench, '1,000 at once', runs[1000])

    # One run each: some of them take long.
    others = {}
    for size, peers in ((1000, NAMES), (5000, ('libsoup',)), (20000, ('libsoup', 'curl', 'undici', 'go', 'aiohttp'))):
        for peer in peers:
            if peer in bench.peers and peer != 'ours':
                once = bench.compare({peer: lambda: bench.send(peer, uri, requests=size, in_flight=50, at_once=True)}, 1)
                for run in once.values():
                    others[f'{peer} {size}'] = run.median
                    bench.table.add(f'{size:,} submitted at once, {NAMES[peer]} (1 run)',
                                    f'{run["seconds"] / size * 1e6:.1f} µs each')
    bench.table.at_least('  20,000 at once, ours ÷ libsoup alone',
                         others['libsoup 20000']['seconds'] / runs[20000]['seconds'], 20)
    bench.keep('at once', runs, others=others)


def asleep(bench):
    runs = bench.compare({'ours': lambda: bench.program('bench-sleep', requests=100000, seconds=3)},
                         min(bench.rounds, 2))
    run, table = runs['ours'], bench.table
    # The most of any run, not the median.
    table.add('100,000 asleep before a retry: timer sources', f'{max(each["timer_queue_sources"] for each in run.runs):.0f}', '≤ 1')
    # libsoup has one for each session that sent something; so many of them are kept.
    table.add('  other sources than before any was sent',
              f'{max(each["sources"] - each["sources_before"] for each in run.runs):.0f}', '≤ 16')
    table.at_most('  CPU in 3 s of sleep', run['cpu_ms'], 1, ' ms')
    table.at_most('  memory of each', run['heap_each'], 1024, ' bytes')
    table.at_most('  CPU of each when all wake within 10 s', run['wake_us'], 20, ' µs')
    stalls(bench, 'while 100,000 wake', run)
    table.add('  all refused and asleep after', f'{run["asleep_after"]:.1f} s')
    bench.keep('asleep', runs)


def faults(bench):
    """What the client in Python that contexts and events come from says of itself: a thousand at once, an eighth of them
    disturbed, take 45.2 s and 125 MB, and 98.5 % succeed."""
    uri = bench.servers.own.uri('?fault=12')

    def measure(peer, **options):
        return lambda: bench.send(peer, uri, requests=1000, in_flight=100, at_once=True, may_fail=True, **options)

    repeating = [peer for peer in ('ours', 'undici', 'go', 'contexts') if peer in bench.peers]
    runs = bench.compare({peer: measure(peer) for peer in repeating}, min(bench.rounds, 3))
    table = bench.table
    for peer, run in runs.items():
        table.add(f'1,000 at once, 12 % faults, {NAMES[peer]}',
                  f'{run["seconds"]:.2f} s {run["ok"] / 10:.1f} % {run["peak_rss"] / MIB:.0f} MiB')
    ours = runs['ours']
    table.at_least('  45.2 s ÷ ours', 45.2 / ours['seconds'], 100, bench_only=True)
    table.add('  of which the longest sleep before retries, by the policy', f'{ours["longest_sleep"]:.2f} s')
    table.at_least('  succeeded', ours['ok'] / 10, 98.5, ' %')
    table.at_most('  memory ÷ 125 MB', ours['peak_rss'] / 125e6, 0.2, bench_only=True)
    bench.keep('faults', runs)
    bench.ratio(f'  time, {NAMES["contexts"]} ÷ ours', 'faults', 'contexts', 'ours', 'seconds', at_least=10)
    stalls(bench, '1,000 at once', ours)

    quick = bench.compare({peer: measure(peer, base_delay_ms=1) for peer in repeating}, min(bench.rounds, 3))
    for peer, run in quick.items():
        table.add(f'the same, delays from 1 ms on, {NAMES[peer]}',
                  f'{run["seconds"]:.2f} s {run["ok"] / 10:.1f} % {run["cpu_us"]:.0f} µs CPU')
    bench.keep('faults, short delays', quick)
    bench.ratio(f'  time, {NAMES["contexts"]} ÷ ours', 'faults, short delays', 'contexts', 'ours', 'seconds')
