#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Counts what `meson test` reported: `N passed, N failed, N skipped`.

Takes the testlog*.json of any number of runs; the testlog*.junit.xml beside each tells the cases
of a program that reports them one by one (TAP, Google Test). A program that failed without a
failed case (it crashed, timed out, leaked) counts as one failure, and so does a run without a
report. The exit status is 1 when anything failed. With --show-failures it repeats the end of what
each program that failed wrote, for whoever sees only the end of a long log.

Where a program that failed was run again, alone, as again*.json beside the testlog*.json tells, and
passed each time, it is called unstable instead of failed, and its cases are those of the second run:
that is a fault to be mended, but most likely not one of the change that was tried.
"""

import argparse
import collections
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

GOOD = {'OK', 'EXPECTEDFAIL'}
SHOWN_LINES = 60


def read_cases(junit):
    """Counts of the cases of every suite, by the suite's name without that of the project."""
    suites = {}
    for suite in ElementTree.parse(junit).getroot().iter('testsuite'):
        counts = collections.Counter()
        for case in suite.iter('testcase'):
            if case.find('failure') is not None or case.find('error') is not None:
                counts['failed'] += 1
            elif case.find('skipped') is not None or case.get('status') == 'notrun':
                counts['skipped'] += 1
            else:
                counts['passed'] += 1
        suites[suite.get('name').partition('.')[2]] = counts
    return suites


def cases_of(program, suites):
    """Counts of the cases of one program: TAP gives it a suite, Google Test some below it."""
    counts = collections.Counter()
    for name, cases in suites.items():
        if name == program or name.startswith(program + '.'):
            counts += cases
    return counts


def words_of(program):
    """The last lines of what a program said: the cases that failed, and its errors."""
    cases = [line for line in program.get('stdout', '').splitlines() if line.startswith(('not ok', 'Bail out'))]
    return cases + program.get('stderr', '').splitlines()[-SHOWN_LINES:]


def read_programs(log):
    """Each program of a run, with the counts of its cases."""
    suites = read_cases(log.with_suffix('.junit.xml'))
    for line in log.read_text(encoding='utf-8').splitlines():
        program = json.loads(line)
        result = program['result']
        counts = cases_of(program['name'], suites)
        if result not in GOOD and result != 'SKIP' and not counts['failed']:
            counts['failed'] += 1
        elif not counts:
            counts['skipped' if result == 'SKIP' else 'passed'] += 1
        yield program, counts


def read_again(log):
    """What came of the programs that failed and were run again: how often each passed, and ran."""
    again = log.with_name(log.name.replace('testlog', 'again'))
    runs = collections.defaultdict(list)
    if again != log and again.exists():
        for line in again.read_text(encoding='utf-8').splitlines():
            program = json.loads(line)
            runs[program['name']].append(program['result'] in GOOD)
    return runs


def count(log):
    """Counts of one run, what failed in it with its last words, what did so once, and the names of what was skipped."""
    again = read_again(log)
    total, failed, unstable, skipped = collections.Counter(), [], [], []
    for program, counts in read_programs(log):
        name, result = program['name'], program['result']
        if counts['failed'] and again[name] and all(again[name]):
            unstable.append((f'{name} ({result.lower()} once, passed {len(again[name])} times alone)', words_of(program)))
            counts['passed'] += counts.pop('failed')
        elif counts['failed']:
            failed.append((f'{name} ({result.lower()})', words_of(program)))
        elif result == 'SKIP':
            skipped.append(name)
        total += counts
    return total, failed, unstable, skipped


def failed_programs(log):
    """The names by which Meson runs what failed."""
    try:
        return [program['name'].rpartition(' / ')[2] for program, counts in read_programs(log) if counts['failed']]
    except (OSError, ValueError, ElementTree.ParseError):
        return []


def main():
    parser = argparse.ArgumentParser(description='Counts what meson test reported.')
    parser.add_argument('--passed', type=int, default=0, help='passes to add')
    parser.add_argument('--skipped', type=int, default=0, help='skips to add')
    parser.add_argument('--broken', action='append', default=[], metavar='WHAT', help='a failure to add')
    parser.add_argument('--show-failures', action='store_true', help='repeat what failing programs wrote')
    parser.add_argument('--failed-programs', action='store_true', help='only name the programs that failed')
    parser.add_argument('logs', nargs='*', type=pathlib.Path, metavar='testlog.json')
    args = parser.parse_args()
    if args.failed_programs:
        print(*[name for log in args.logs for name in failed_programs(log)], sep='\n', end='')
        return 0

    total = collections.Counter(passed=args.passed, skipped=args.skipped, failed=len(args.broken))
    for what in args.broken:
        print(f'failed: {what}')
    for log in args.logs:
        try:
            counts, failed, unstable, skipped = count(log)
        except (OSError, ValueError, ElementTree.ParseError) as error:
            counts, failed, unstable, skipped = {'failed': 1}, [(f'{log}: no report: {error}', [])], [], []
        total.update(counts)
        for verdict, programs in ('failed', failed), ('unstable', unstable):
            for name, words in programs:
                print(f'{verdict}: {name}')
                for line in words if args.show_failures else []:
                    print(f'    {line}')
        for name in skipped:
            print(f'skipped: {name}')
    print(f'{total["passed"]} passed, {total["failed"]} failed, {total["skipped"]} skipped')
    return 1 if total['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
