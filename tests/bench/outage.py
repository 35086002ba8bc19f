#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Draws what a server gets that is back after a day, with and without guards: docs/guards-outage.svg, from what the
program outage prints. It is simulated in virtual time from a fixed seed, so that the same library gives the same plot."""

import argparse
import json
import subprocess
from pathlib import Path

import plots

# Points of so many seconds.
SMOOTH = 30


def points(found, rates):
    """(minutes since the server is back, mean rate) of each SMOOTH seconds."""
    n = SMOOTH // found['bin']
    return [((i * found['bin'] + SMOOTH / 2 - found['before']) / 60, sum(rates[i:i + n]) / n)
            for i in range(0, len(rates), n)]


def draw(found):
    series = {name: points(found, found[name]['attempts']) for name in ('with guards', 'without')}
    return plots.curves(f'{found["clients"]:,} clients of a server that is back after {found["hours"]:g} hours', series,
                        'minutes since it is back', 'attempts a second', {0: 'it is back'})


def tell(found):
    first = found['before'] // found['bin']
    for name in ('with guards', 'without'):
        run = found[name]
        rest = run['attempts'][first:]
        per_minute = 60 // found['bin']
        busiest = max(sum(rest[i:i + per_minute]) / per_minute for i in range(len(rest) - per_minute))
        lost = sum(run['failed'][first:]) * found['bin']
        print(f'{name}: {run["down"]:,} attempts while it was down, then {busiest:.1f} a second in the busiest minute, and '
              f'{lost:,.0f} requests not answered')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--program', type=Path, help='runs it, which takes some seconds')
    parser.add_argument('--json', type=Path, help='or reads what it has printed')
    parser.add_argument('--docs', type=Path, required=True)
    options = parser.parse_args()
    if (options.program is None) == (options.json is None):
        parser.error('give --program or --json')

    found = json.loads(options.json.read_text(encoding='utf-8') if options.json else
                       subprocess.run([options.program], check=True, capture_output=True, text=True).stdout)
    tell(found)
    (options.docs / 'guards-outage.svg').write_text(draw(found), encoding='utf-8')


if __name__ == '__main__':
    main()
