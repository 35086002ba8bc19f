#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Counts the instructions that a request takes, which hardly depends on what else the machine does, and compares them
with those of the baseline.

They do depend on the libraries below and on the compiler. So the baseline says which those were, and the comparison is
skipped where they are others.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from servers import Printing, pinned

BASELINE = Path(__file__).parent / 'instructions.json'
TOLERANCE = 0.05
SKIPPED = 77
# What guards may take of a request: what is counted inside the functions by which a call asks them, as the whole
# varies by as much from one run to the next.
GUARDS_TOLERANCE = 0.02
GUARDS = ['resilient_guards_check', 'resilient_admission_*', 'resilient_retry_budget_deposit']
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ('MALLOC_PERTURB_', 'G_DEBUG')} | {
    'GSETTINGS_BACKEND': 'memory', 'GIO_USE_PROXY_RESOLVER': 'dummy', 'GIO_USE_VFS': 'local'}
# What is counted: for so many requests and for more, lest the start and end of the process count.
FEW, MANY = 300, 900
CASES = {'50 in flight': [], 'submitted at once': ['--at-once']}


def count(command, environment, functions=()):
    """Of the whole program, or inside these functions."""
    inside = [f'--toggle-collect={function}' for function in functions]
    done = subprocess.run(pinned(1, ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', *inside, *command]),
                          capture_output=True, text=True, env=environment)
    found = re.search(r'Collected : (\d+)', done.stderr)
    if done.returncode != 0 or not found:
        raise SystemExit(f'{" ".join(command)} failed under valgrind:\n{done.stderr}')
    return int(found[1])


def per_request(command, environment, functions=()):
    few, many = (count([*command, f'--requests={n}'], environment, functions) for n in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


class Counter:
    def __init__(self, build):
        # The client gives way after some milliseconds, in which a counted program does hardly anything.
        self.command = [str(build / 'bench-get'), '--peer=ours', '--io-priority=0']
        self.server = Printing([build / 'bench-server'])

    def count(self, name):
        return per_request([*self.command, f'--uri={self.server.uri()}', *CASES[name]], ENVIRONMENT)

    def count_guards(self):
        return per_request([*self.command, f'--uri={self.server.uri()}', '--guards'], ENVIRONMENT, GUARDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()


def conditions(built):
    """What the counts depend on."""
    def modversion(name):
        return subprocess.run(['pkg-config', '--modversion', name], check=True, capture_output=True,
                              text=True).stdout.strip()

    return {'machine': platform.machine(), 'libc': ' '.join(platform.libc_ver()), 'glib': modversion('glib-2.0'),
            'libsoup': modversion('libsoup-3.0'), 'build': built}


def compare(counter, baseline):
    missed = 0
    for name, before in baseline.items():
        number = counter.count(name)
        # A server that gets no processor answers one by one, and each wakes the client.
        if number > before * (1 + TOLERANCE):
            number = min(number, counter.count(name))
        change = number / before - 1
        print(f'{name}: {number:,} instructions each, {change:+.1%} of {before:,}')
        if change < -TOLERANCE:
            print('  better: keep it with ./dev bench --update-baseline')
        elif change > TOLERANCE:
            print(f'  more than {TOLERANCE:.0%}: find out why, or accept it with ./dev bench --update-baseline')
            missed += 1
    return 1 if missed else 0


def compare_guards(counter):
    """Of the same build: that they cost nothing when none is set is what the baseline tells."""
    guards, request = counter.count_guards(), counter.count('50 in flight')
    print(f'breaker, limiter and budget: {guards:,} instructions a request, {guards / request:.1%} of {request:,}')
    if not 0 < guards <= request * GUARDS_TOLERANCE:
        print(f'  not within {GUARDS_TOLERANCE:.0%} of it: guards may not cost that, or are not found by their names')
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', type=Path, required=True, help='where the programs are')
    parser.add_argument('--built', required=True, help='how: compiler and options')
    parser.add_argument('--update', action='store_true', help='make what is counted the baseline')
    options = parser.parse_args()

    if shutil.which('valgrind') is None:
        print('valgrind is not installed')
        return SKIPPED
    now = conditions(options.built)
    if options.update:
        with Counter(options.build) as counter:
            record = {'conditions': now, 'instructions': {name: counter.count(name) for name in CASES}}
        BASELINE.write_text(json.dumps(record, indent=1) + '\n')
        print(BASELINE.read_text(), end='')
        return 0

    with Counter(options.build) as counter:
        missed = compare_guards(counter)
    if missed:
        return missed
    record = json.loads(BASELINE.read_text())
    others = [f'{name} is {now[name]}, not {was}' for name, was in record['conditions'].items() if now[name] != was]
    if others:
        print('The baseline was counted elsewhere: ' + '; '.join(others))
        return SKIPPED
    with Counter(options.build) as counter:
        return compare(counter, record['instructions'])


if __name__ == '__main__':
    sys.exit(main())
