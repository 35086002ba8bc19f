# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Running what is measured, and the table of what came out."""

import json
import statistics
import subprocess
import sys
import time

import record
from peers import NAMES
from servers import pinned

MIB = 1 << 20


class Failed(Exception):
    """A program that did not do what it was to do."""


class Bench:
    """One run: where things are, what was found, and what a workload needs to measure."""

    def __init__(self, build, peers, servers, rounds):
        self.build, self.peers, self.servers, self.rounds = build, peers, servers, rounds
        self.table, self.results = Table(), {}

    def run(self, command, prefix=()):
        """The figures that a program prints, on the client's core."""
        command = [*prefix, *(str(word) for word in command)]
        try:
            done = subprocess.run(pinned(1, command), stdout=subprocess.PIPE, text=True, env=self.peers.environment,
                                  timeout=300)
        except subprocess.TimeoutExpired as error:
            raise Failed('its program did not end') from error
        if done.returncode != 0:
            print(f'Failed: {" ".join(command)}', file=sys.stderr)
            raise Failed(f'its program ended with {done.returncode}')
        return json.loads(done.stdout)

    def program(self, name, **options):
        return self.run([self.build / name, *flags(options)])

    def send(self, peer, uri, **options):
        return self.run([*self.peers.commands[peer], f'--uri={uri}', f'--spawned-at={int(time.time() * 1e6)}',
                         *flags(options)])

    def compare(self, variants, rounds=None):
        """variants: name → function that measures. Each in turn, several times, so that what disturbs the machine
        disturbs all; gives name → all its runs, and leaves out who fails."""
        runs, failed = {name: [] for name in variants}, set()
        for _ in range(rounds or self.rounds):
            for name, measure in variants.items():
                if name in failed:
                    continue
                try:
                    runs[name].append(measure())
                except Failed as error:
                    self.table.note(f'{NAMES.get(name, name)} is left out: {error}')
                    failed.add(name)
        return {name: Runs(each) for name, each in runs.items() if each and name not in failed}

    def keep(self, name, runs, **more):
        self.results[name] = {str(who): each.median | {'runs': len(each.runs)} for who, each in runs.items()} | more

    def ratio(self, question, name, who, other, key='per_second', at_least=None, at_most=None):
        """A row with the quotient of two figures of what was kept under that name, left out where one is missing."""
        if {who, other} <= self.results.get(name, {}).keys():
            row = {'ratio': [name, who, other, key]}
            self.table.add(question, record.quotient(self.results, row['ratio']), bar(at_least, at_most, ' ×'), **row)


class Runs:
    """Several runs of the same; attributes are medians."""

    def __init__(self, runs):
        self.runs = runs
        self.median = {key: statistics.median(run[key] for run in runs)
                       for key, value in runs[0].items() if not isinstance(value, str)}

    def __getitem__(self, key):
        return self.median[key]


def flags(options):
    words = []
    for name, value in options.items():
        if value is True:
            words.append('--' + name.replace('_', '-'))
        elif value is not None and value is not False:
            words.append(f'--{name.replace("_", "-")}={value}')
    return words


def bar(at_least, at_most, unit):
    if at_least is not None:
        return f'≥ {at_least:,g}{unit}'
    return f'≤ {at_most:,g}{unit}' if at_most is not None else ''


class Table:
    def __init__(self):
        self.rows = []

    def title(self, text):
        print(f'\n{text}', flush=True)
        self.rows.append({'title': text})

    def note(self, text):
        print(f'  ({text})', flush=True)
        self.rows.append({'note': text})

    def add(self, question, figure, wanted='', **row):
        """A row; `wanted` is the bar that the figure has to meet, as they are printed."""
        verdict = record.verdict(figure, wanted) if wanted else ''
        self.rows.append({'question': question.strip(), 'figure': figure, 'bar': wanted, 'verdict': verdict} | row)
        print(f'{question:62} {figure:>30} {wanted:>12} {verdict}', flush=True)

    def at_least(self, question, value, least, unit=' ×', **row):
        self.add(question, f'{value:,.2f}{unit}', bar(least, None, unit), **row)

    def at_most(self, question, value, most, unit=' ×', **row):
        self.add(question, f'{value:,.2f}{unit}', bar(None, most, unit), **row)

    def failed(self, question, why):
        self.rows.append({'question': question, 'figure': why, 'bar': '', 'verdict': record.MISSED})
        print(f'{question:62} {why:>30} {"":>12} {record.MISSED}', flush=True)

    def verdicts(self):
        return [row['verdict'] for row in self.rows if row.get('verdict')]
