#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Runs the benchmarks and prints their figures beside the bars that they have to meet.

The server is on one core, the client on another. What is compared runs in turn, several times; a figure is the median.
"""

import argparse
import datetime
import json
import os
import platform
import sys
from pathlib import Path

import callgrind
import peers
import record
import workloads
import workloads_more
import workloads_tls
from figures import Bench, Failed
from servers import Servers

# Name → what it measures, and how.
WORKLOADS = {
    'get': ('GETs of 1 KiB, 50 in flight, HTTP/1.1', workloads.get),
    'paced': ('The same from a server that takes 10 ms', workloads.paced),
    'at-once': ('Many submitted at once', workloads.at_once),
    'asleep': ('Asleep before a retry', workloads.asleep),
    'faults': ('A thousand at once, faults in 12 % of the answers', workloads.faults),
    'tls': ('Warm connections over TLS', workloads_tls.warm),
    'cold': ('First requests to a server 100 ms away, over TLS', workloads_tls.cold),
    'post': ('POSTs with an idempotency key', workloads_more.post),
    'keyless': ('POSTs without a key', workloads_more.keyless),
    'transfer': ('Large bodies', workloads_more.transfer),
    'frames': ('A window that is drawn beside a busy client', workloads_more.frames),
    'hosts': ('A hundred hosts, one of them hanging', workloads_more.hosts),
    'many-hosts': ('Fifteen thousand hosts, asked once', workloads_more.many_hosts),
    'json': ('JSON', workloads_more.json_documents),
    'start': ('Start-up', workloads_more.start),
    'events': ('A follower of events that is slow', workloads_more.events),
    'threads': ('From other threads', workloads_more.threads),
    'guards': ('A guard that nobody else uses at the time', workloads_more.guards),
    'profile': ('Where the instructions of a request go', callgrind.measure),
    'trust': ('What trust costs a connection', workloads_tls.trust),
}


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as info:
        models = [line.split(':')[1].strip() for line in info if line.startswith('model name')]
    return {'date': datetime.date.today().isoformat(), 'processor': models[0] if models else platform.machine(),
            'cores': len(os.sched_getaffinity(0)), 'kernel': platform.release()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', type=Path, required=True, help='where the programs are')
    parser.add_argument('--tools', type=Path, help='where what was fetched is')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--record', type=Path, metavar='DOCS', help='write the page on them there; all must be run')
    parser.add_argument('--json', type=Path, help='file to write the figures to')
    parser.add_argument('workload', nargs='*', help=f'some of: {" ".join(WORKLOADS)}')
    options = parser.parse_args()
    options.tools = options.tools or options.build.parents[1] / 'tools'
    # Where nginx is: its package puts it where a user's shell does not look, bench.sh among the tools.
    os.environ['PATH'] += f':/usr/sbin:/sbin:{options.tools.resolve()}/usr/sbin'
    unknown = set(options.workload) - set(WORKLOADS)
    if options.record and options.workload:
        parser.error('a record is of all of them')
    if unknown:
        parser.error(f'no such workload: {" ".join(sorted(unknown))}')

    found = peers.Peers(options.build.resolve(), options.tools)
    print(f'Medians of {options.rounds} or fewer; server and client on a core each; retries, events, results and '
          'statistics on.')
    for name, wants in found.missing.items():
        print(f'{peers.NAMES[name]} is left out: {wants} is missing (./dev bench --setup)')
    with Servers(options.build.resolve()) as servers:
        bench = Bench(options.build.resolve(), found, servers, options.rounds)
        for name in options.workload or WORKLOADS:
            title, measure = WORKLOADS[name]
            bench.table.title(f'{title} ({name})')
            try:
                measure(bench)
            except Failed as error:
                bench.table.failed(f'{name} did not end', str(error))

    figures = {'machine': machine(), 'versions': found.versions(), 'figures': bench.results, 'table': bench.table.rows}
    # Keys are text, as they are read again.
    figures = json.loads(json.dumps(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + '\n')
    if options.record:
        record.write(options.record, figures)
    verdicts = bench.table.verdicts()
    print(f'\n{verdicts.count(record.MISSED)} of {len(verdicts)} bars missed')
    return 1 if record.MISSED in verdicts else 0


if __name__ == '__main__':
    sys.exit(main())
