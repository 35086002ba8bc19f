#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Branch coverage of each layer, from a build with -Db_coverage=true whose tests were run.

Fails when a layer that decides what happens has less than it must have. Not counted are branches that
are not ours:

- preconditions, g_return_* and g_assert*: that they fail is an error of whoever calls;
- those inside macros of GLib that define types, run once, name tasks, or let go of what may be NULL;
- those that gcc makes for cleanups (g_autoptr) at the end of a block, on lines without code or that declare;
- the default of properties, of which GObject asks for none that there isn't;
- those that only a forked child takes, which ends without telling what it took.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests/checks'))

import common  # noqa: E402

DECIDING = ['policy', 'guard', 'engine']
LOWEST = 95.0
NOT_OURS = r'.*\b(?:' + '|'.join([
    r'g_return_(?:val_)?if_(?:fail|reached)', r'g_assert\w*', r'g_warn_if_\w+',
    r'G_(?:DEFINE|DECLARE)_\w+', r'g_once_init_enter',
    r'g_auto\w*', r'(?:resilient_engine_)?is_foreign(?:_locked)?', r'resilient_fork_\w+',
    r'switch \(prop_id', r'g_clear_\w+', r'g_set_(?:object|weak_pointer)', r'g_task_set_source_tag',
]) + r')\b'


def read(build):
    """What gcovr knows of each file."""
    report = subprocess.run(
        ['gcovr', '--root', ROOT, '--object-directory', build, '--filter', f'{ROOT}/resilient-client/',
         '--exclude-unreachable-branches', f'--exclude-branches-by-pattern={NOT_OURS}', '--json', '-', build / 'resilient-client'],
        check=True, stdout=subprocess.PIPE)
    return json.loads(report.stdout)['files']


def main():
    parser = argparse.ArgumentParser(description='Branch coverage of each layer.')
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('--missing', action='store_true', help='list the lines with branches not taken')
    args = parser.parse_args()

    taken, total = collections.Counter(), collections.Counter()
    for file in sorted(read(args.build.resolve()), key=lambda file: file['file']):
        layer = pathlib.PurePath(file['file']).parts[1]
        missing = []
        for line in file['lines']:
            if line.get('gcovr/noncode'):
                continue
            counts = [branch['count'] > 0 for branch in line['branches']]
            taken[layer] += sum(counts)
            total[layer] += len(counts)
            if not all(counts):
                missing.append(f'{line["line_number"]} ({sum(counts)}/{len(counts)})')
        if missing and args.missing:
            print(f'{file["file"]}: {", ".join(missing)}')

    too_low = []
    for layer in common.layers(ROOT):
        share = 100 * taken[layer] / max(1, total[layer])
        deciding = layer in DECIDING
        print(f'{layer:<10} {taken[layer]:>5} of {total[layer]:>5} branches  {share:5.1f} %'
              + (f'  (at least {LOWEST:.0f} %)' if deciding else ''))
        if deciding and share < LOWEST:
            too_low.append(layer)
    if too_low:
        print(f'too low: {", ".join(too_low)}; --missing lists the lines')
    sys.exit(1 if too_low else 0)


if __name__ == '__main__':
    main()
