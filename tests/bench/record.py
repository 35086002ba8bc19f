#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Writes what a run of the benchmarks found into the documentation: the figures as docs/performance.json, and from them
the plots and the tables of docs/performance.md. With --check it looks whether those are what the figures give."""

import argparse
import json
import re
import sys
from pathlib import Path

import plots
from peers import NAMES

MIB = 1 << 20
MET, MISSED = 'met', 'MISSED'
REGION = re.compile(r'(<!-- figures: ([\w-]+) -->\n).*?(<!-- end -->)', re.DOTALL)


def verdict(figure, bar):
    """Whether a figure meets its bar, both as they are printed: what is read is what was judged."""
    sign, number = re.match(r'([≥≤]) (-?[\d,.]+)', bar).groups()
    value, least_or_most = (float(text.replace(',', '')) for text in (re.match(r'-?[\d,.]+', figure)[0], number))
    return MET if (value >= least_or_most if sign == '≥' else value <= least_or_most) else MISSED


def quotient(figures, ratio):
    """What a ratio comes to: [name, who, other, key], of the figures that the page prints too."""
    name, who, other, key = ratio
    return f'{figures[name][who][key] / figures[name][other][key]:.2f} ×'


def by_peer(figures, name, *keys, scale=1):
    """Rows of a plot: each peer with those figures."""
    measured = figures[name]
    return [(NAMES[peer], *(measured[peer][key] * scale for key in keys)) for peer in NAMES if peer in measured]


def at_once(figures):
    measured = figures['at once']
    series = {NAMES['ours']: [(int(n), run['seconds'] / int(n) * 1e6) for n, run in measured.items() if n.isdigit()]}
    for name, run in measured['others'].items():
        peer, n = name.split()
        series.setdefault(NAMES[peer], []).append((int(n), run['seconds'] / int(n) * 1e6))
    return {name: points for name, points in series.items() if len(points) > 1}


# File → what draws it; left out where that was not measured.
PLOTS = {
    'throughput': lambda f: plots.bars('1 KiB GETs per second, 50 in flight, HTTP/1.1', by_peer(f, 'get', 'per_second')),
    'cpu': lambda f: plots.bars('CPU of each such request: µs', by_peer(f, 'get', 'cpu_us')),
    'latency': lambda f: plots.bars('Time until its response: ms', by_peer(f, 'get', 'p50_ms', 'p99_ms'),
                                    'median, and 99th percentile (light)'),
    'memory': lambda f: plots.bars('Peak memory of the process: MiB', by_peer(f, 'get', 'peak_rss', scale=1 / MIB)),
    'tls': lambda f: plots.bars('1 KiB GETs per second over TLS, HTTP/1.1', by_peer(f, 'HTTP/1.1 over TLS', 'per_second')),
    'at-once': lambda f: plots.lines('Cost of each of N requests submitted at once: µs', at_once(f), 'N'),
    'faults': lambda f: plots.bars('1,000 at once, 12 % faults: seconds until all are done', by_peer(f, 'faults', 'seconds')),
}


def cell(words):
    return words.replace('|', '\\|')


def table(rows, figures):
    """The figures alone: bars are for who works on the library."""
    lines = ['| | |', '|---|---:|']
    notes = []
    for row in rows:
        if 'note' in row:
            notes.append(row['note'])
        else:
            figure = quotient(figures, row['ratio']) if 'ratio' in row else row['figure']
            lines.append(f'| {cell(row["question"])} | {cell(figure)} |')
    return '\n'.join(lines + ([''] + [f'({note})' for note in notes] if notes else [])) + '\n'


def regions(record):
    """Name → text of that region of the page."""
    machine, versions = record['machine'], record['versions']
    texts = {'machine': f'Measured on {machine["date"]} on {machine["cores"]} cores of an {machine["processor"]}, Linux '
                        f'{machine["kernel"]}, with ' + ', '.join(f'{name} {v}' for name, v in versions.items()) + '.\n'}
    name, rows = None, []
    for row in record['table'] + [{'title': ' (end)'}]:
        if 'title' not in row:
            rows.append(row)
            continue
        if name:
            texts[name] = table(rows, record['figures'])
        name, rows = re.search(r'\(([\w-]+)\)$', row['title'])[1], []
    return texts


def outputs(docs, record):
    """Path → content, of all that is made from the figures."""
    made = {}
    for name, draw in PLOTS.items():
        made[docs / f'performance-{name}.svg'] = draw(record['figures'])
    texts = regions(record)
    page = docs / 'performance.md'
    made[page] = REGION.sub(lambda m: m[1] + texts[m[2]] + m[3], page.read_text(encoding='utf-8'))
    return made


def shown(row):
    """What of a row the page needs."""
    left_out = {'bar', 'verdict'} | ({'figure'} if 'ratio' in row else set())
    return {key: value for key, value in row.items() if key not in left_out}


def write(docs, record):
    record = record | {'table': [shown(row) for row in record['table'] if not row.get('bench_only')]}
    (docs / 'performance.json').write_text(json.dumps(record, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    for path, content in outputs(docs, record).items():
        path.write_text(content, encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--docs', type=Path, required=True)
    parser.add_argument('--check', action='store_true', help='only look')
    options = parser.parse_args()
    record = json.loads((options.docs / 'performance.json').read_text(encoding='utf-8'))
    if not options.check:
        write(options.docs, record)
        return 0

    stale = [path for path, content in outputs(options.docs, record).items()
             if not path.exists() or path.read_text(encoding='utf-8') != content]
    for path in stale:
        print(f'{path}: not what performance.json gives: ./dev bench --record', file=sys.stderr)
    return 1 if stale else 0


if __name__ == '__main__':
    sys.exit(main())
