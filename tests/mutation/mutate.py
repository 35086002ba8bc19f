#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Mutation testing of what decides: changes one operator or constant at a time and looks whether a unit
test of that layer notices.

A mutant is killed when a test fails, hangs or crashes with it. What can't be noticed because it means
the same is listed in equivalent.txt with the reason, found by function and text of the line, and not counted.
Each mutant compiles one file and links it before the library of its layer, which then lacks nothing.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = 'resilient-client'
# Which tests may kill, the most likely first.
TESTS = {
    'model/resilient-retry-policy.c': ['backoff', 'retry-policy', 'retry-policy-builder', 'request-context'],
    'policy/resilient-failure.c': ['failure'],
    'model/resilient-http-date.c': ['http-date', 'retry-after'],
    'model/resilient-retry-after.c': ['retry-after'],
    'policy/resilient-verdict.c': ['verdict'],
    'model/resilient-circuit-policy.c': ['circuit-policy'],
    'guard/resilient-circuit-breaker.c': ['circuit-breaker', 'circuit-breaker-threads'],
}
LOWEST = 90.0
# A test of these takes less than a second.
TIMEOUT = 20

OPERATORS = {
    '==': ['!='], '!=': ['=='],
    '<': ['<=', '>='], '<=': ['<', '>'], '>': ['>=', '<='], '>=': ['>', '<'],
    '&&': ['||'], '||': ['&&'],
    '+': ['-'], '-': ['+'], '*': ['/'], '/': ['*'],
    '+=': ['-='], '-=': ['+='],
    '&': ['|'], '|': ['&'], '<<': ['>>'],
    '!': [''],
}
WORDS = {'TRUE': ['FALSE'], 'FALSE': ['TRUE'], 'MIN': ['MAX'], 'MAX': ['MIN']}
# What is not code is one token each, so that nothing in it is changed.
TOKEN = re.compile(r'''
    (?P<skip>/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | ^\#\s*(?:include|if|end)[^\n]*
        | ->|\+\+|--|\s+)
  | (?P<label>\bcase\s+\w+:)
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]* | \d+\.\d*(?:[eE][+-]?\d+)? | \d+[uUlL]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<operator><<|==|!=|<=|>=|&&|\|\||\+=|-=|[-+*/<>!&|])
  | (?P<other>.)
''', re.VERBOSE | re.DOTALL | re.MULTILINE)
# Another kind, another reason.
CONSTANTS = {
    'RESILIENT_FAILURE_': ['NONE', 'CANCELLED'],
    'RESILIENT_REASON_': ['SUCCESS', 'QUEUE_TIMEOUT'],
}
# A broken precondition is an error of the programmer, not of a decision.
PRECONDITION = re.compile(r'\bg_(?:assert|return|warn)\w*\s*\(')

# A name at the beginning of a line is that of a function.
FUNCTION = re.compile(r'^(\w+) \(', re.MULTILINE)


def other_numbers(text):
    """A number one higher; a fraction twice as large, for tests of it allow for rounding."""
    if '.' in text or 'e' in text.lower() and not text.lower().startswith('0x'):
        return ['1.0'] if float(text) == 0 else [repr(float(text) * 2)]
    digits = text.rstrip('uUlL')
    value = int(digits, 0)
    return [str(other) + text[len(digits):] for other in {0: [1], 1: [0, 2]}.get(value, [value + 1])]


def other_words(text):
    for prefix, names in CONSTANTS.items():
        if text.startswith(prefix):
            return [next(prefix + name for name in names if prefix + name != text)]
    return WORDS.get(text, [])


def is_binary(code, start, end):
    """Between blanks: a binary operator, as this project writes it; * and & else belong to pointers."""
    return code[start - 1].isspace() and code[end].isspace()


def mutants(code):
    """(start, end, replacement) of every change to the text."""
    for match in TOKEN.finditer(code):
        start, end = match.span()
        text = match.group()
        if match.lastgroup == 'number':
            replacements = other_numbers(text)
        elif match.lastgroup == 'word':
            replacements = other_words(text)
        elif match.lastgroup == 'label':
            replacements = ['']
        elif match.lastgroup == 'operator' and (text == '!' or is_binary(code, start, end)):
            replacements = OPERATORS.get(text, [])
        else:
            continue
        line_start = code.rfind('\n', 0, start) + 1
        if PRECONDITION.search(code[line_start:end]):
            continue
        for replacement in replacements:
            yield start, end, replacement


class Mutant:
    def __init__(self, path, code, start, end, replacement):
        self.path = path
        self.code = code[:start] + replacement + code[end:]
        self.line = code.count('\n', 0, start) + 1
        self.before = code.split('\n')[self.line - 1].strip()
        self.after = self.code.split('\n')[self.line - 1].strip()
        functions = FUNCTION.findall(code[:start])
        self.function = functions[-1] if functions else 'file'

    def key(self):
        return f'{self.path}: {self.function}', self.before, self.after

    def __str__(self):
        return f'{SOURCES}/{self.path}:{self.line}: {self.function}\n  - {self.before}\n  + {self.after}'


def programs():
    return sorted({test for tests in TESTS.values() for test in tests})


class Builder:
    """Compiles and links as Ninja would, with another text in place of one source."""

    def __init__(self, build):
        self.build = build
        commands = json.loads((build / 'compile_commands.json').read_text(encoding='utf-8'))
        self.compile = {os.path.normpath(build / command['file']): shlex.split(command['command'])
                        for command in commands}
        self.link = {}
        for test in programs():
            lines = subprocess.run(['ninja', '-C', build, '-t', 'commands', f'tests/unit/test-{test}'],
                                   check=True, capture_output=True, text=True).stdout.splitlines()
            self.link[test] = shlex.split(lines[-1])

    def run(self, command, **options):
        return subprocess.run(command, cwd=self.build, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options).returncode

    def make_object(self, mutant, folder):
        source = folder / 'mutant.c'
        source.write_text(mutant.code, encoding='utf-8')
        command = list(self.compile[os.path.normpath(ROOT / SOURCES / mutant.path)])
        command[command.index('-o') + 1] = str(folder / 'mutant.o')
        command[command.index('-c') + 1] = str(source)
        # What ninja reads of dependencies is not to be touched.
        for option in ('-MF', '-MQ'):
            at = command.index(option)
            del command[at:at + 2]
        command.remove('-MD')
        return self.run(command + ['-w']) == 0

    def make_test(self, test, folder):
        command = list(self.link[test])
        at = command.index('-o')
        command[at + 1] = str(folder / 'test')
        command.insert(at + 2, str(folder / 'mutant.o'))
        return self.run(command) == 0

    def passes(self, folder):
        environment = dict(os.environ, G_DEBUG='fatal-warnings', GSETTINGS_BACKEND='memory')
        with subprocess.Popen([folder / 'test'], cwd=folder, env=environment, start_new_session=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                return process.wait(TIMEOUT) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return False

    def judge(self, mutant):
        """'killed', 'survived' or 'invalid', when it is no C."""
        with tempfile.TemporaryDirectory(prefix='mutant-') as name:
            folder = pathlib.Path(name)
            if not self.make_object(mutant, folder):
                return 'invalid'
            for test in TESTS[mutant.path]:
                if not self.make_test(test, folder):
                    return 'invalid'
                if not self.passes(folder):
                    return 'killed'
        return 'survived'


def read_equivalents(path):
    """Blocks of: "source: function", "- line", "+ line", a reason."""
    known = {}
    for block in re.split(r'\n\s*\n', path.read_text(encoding='utf-8')):
        lines = [line for line in block.splitlines() if line and not line.startswith('#')]
        if lines:
            if len(lines) < 4 or lines[1][0] != '-' or lines[2][0] != '+':
                sys.exit(f'{path}: not a place, "- line", "+ line" and a reason:\n{block}')
            known[lines[0], lines[1][1:].strip(), lines[2][1:].strip()] = ' '.join(lines[3:])
    return known


def main():
    parser = argparse.ArgumentParser(description='Changes the code and looks whether a test notices.')
    parser.add_argument('--list', action='store_true', help='list the programs that are needed')
    parser.add_argument('build', type=pathlib.Path, nargs='?', help='a build without optimisation')
    parser.add_argument('sources', nargs='*', metavar='SOURCE', help=', '.join(TESTS))
    args = parser.parse_args()
    if not set(args.sources) <= set(TESTS):
        parser.error(f'a source is one of {", ".join(TESTS)}')

    if args.list:
        print(*(f'tests/unit/test-{test}' for test in programs()))
        return

    sources = args.sources or list(TESTS)
    builder = Builder(args.build.resolve())
    equivalents = read_equivalents(pathlib.Path(__file__).with_name('equivalent.txt'))
    unused = {key for key in equivalents if key[0].partition(':')[0] in sources}
    total = {'killed': 0, 'survived': 0}
    n_equivalent = 0

    for path in sources:
        code = (ROOT / SOURCES / path).read_text(encoding='utf-8')
        # The text as it is must pass, or all would be killed.
        if builder.judge(Mutant(path, code, 0, 0, '')) != 'survived':
            sys.exit(f'{path}: its tests fail without any change')
        chosen = []
        counts = {'killed': 0, 'survived': 0, 'invalid': 0, 'equivalent': 0}
        for mutant in (Mutant(path, code, *change) for change in mutants(code)):
            if mutant.key() in equivalents:
                unused.discard(mutant.key())
                counts['equivalent'] += 1
            else:
                chosen.append(mutant)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for mutant, verdict in zip(chosen, pool.map(builder.judge, chosen)):
                counts[verdict] += 1
                if verdict == 'survived':
                    print(f'survived: {mutant}', flush=True)
        print(f'{path}: {counts["killed"]} killed, {counts["survived"]} survived, '
              f'{counts["equivalent"]} equivalent', flush=True)
        for verdict in total:
            total[verdict] += counts[verdict]
        n_equivalent += counts['equivalent']

    for place, before, after in sorted(unused):
        print(f'equivalent.txt: no such mutant any more: {place}\n  - {before}\n  + {after}')
    share = 100 * total['killed'] / max(1, sum(total.values()))
    print(f'{sum(total.values()) + n_equivalent} mutants, {n_equivalent} equivalent, {total["killed"]} killed, '
          f'{total["survived"]} survived: {share:.1f} % (at least {LOWEST:.0f} %)')
    sys.exit(1 if share < LOWEST or unused else 0)


if __name__ == '__main__':
    main()
