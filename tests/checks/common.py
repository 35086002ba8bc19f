# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What the checks share: each is called with the tree to look at and reports every finding as
path:line: text."""

import argparse
import fnmatch
import os
import pathlib
import re
import sys

# What Meson takes for a test that was skipped.
SKIPPED = 77


class Skip(Exception):
    """Raised by a check that cannot be done here; its text says why."""


class Report:
    """Collects findings; its length is how many there are."""

    def __init__(self):
        self.findings = []

    def __len__(self):
        return len(self.findings)

    def add(self, place, text):
        self.findings.append(f'{place}: {text}')

    def finish(self):
        for finding in self.findings:
            print(finding, file=sys.stderr)
        return 1 if self.findings else 0


class Ignored:
    """What .gitignore at the top of the tree leaves out, read without git, which may not be there, or not trust a tree
    of another user's. It may use the simple forms: a name or pattern, `/` in front for the top only and at the end for
    folders only, `!` for what is wanted all the same; the last that fits decides."""

    def __init__(self, root):
        try:
            lines = (root / '.gitignore').read_text(encoding='utf-8').splitlines()
        except FileNotFoundError:
            lines = []
        self.patterns = [line for line in map(str.strip, lines) if line and not line.startswith('#')]

    def __call__(self, path, is_folder):
        ignored = path.name == '.git'
        for line in self.patterns:
            pattern = line.lstrip('!')
            if pattern.endswith('/') and not is_folder:
                continue
            # With a slash elsewhere than at the end it is a path, and * stops at the next one.
            is_path, pattern = '/' in pattern[:-1], pattern.strip('/')
            if is_path and len(path.parts) != pattern.count('/') + 1:
                continue
            if fnmatch.fnmatchcase(str(path) if is_path else path.name, pattern):
                ignored = not line.startswith('!')
        return ignored


def project_files(root):
    """Paths, relative to the tree, of all its files but those that it ignores: the same in a clone, with or without git,
    and in a release tarball."""
    ignored = Ignored(root)
    found = []
    for folder, folders, files in os.walk(root):
        here = pathlib.PurePath(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignored(here / name, True)]
        found += [here / name for name in files if not ignored(here / name, False)]
    return sorted(path for path in found if (root / path).is_file())


def read(root, path):
    """The text of a file, or None if it is not text."""
    try:
        return (root / path).read_text(encoding='utf-8')
    except UnicodeDecodeError:
        return None


def layers(root):
    """The layers of the library, each right of those that it may include: the table by which it is built."""
    text = (root / 'resilient-client/meson.build').read_text(encoding='utf-8')
    return re.findall(r"'([\w-]+)'", re.search(r'^layers = \[(.*?)\]', text, re.MULTILINE | re.DOTALL)[1])


def blank_comments(text):
    """The text of a C file without its comments and strings, on as many lines."""
    return re.sub(r'''/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+\'''',
                  lambda match: '\n' * match[0].count('\n') or ' ', text, flags=re.DOTALL)


def main(check, description, *arguments):
    """Runs check (root, report, *values of the further arguments)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--root', type=pathlib.Path, required=True, help='the source tree')
    for argument in arguments:
        parser.add_argument(argument, type=pathlib.Path)
    args = parser.parse_args()
    report = Report()
    try:
        check(args.root.resolve(), report, *(getattr(args, argument) for argument in arguments))
    except Skip as reason:
        print(f'skipped: {reason}')
        sys.exit(report.finish() or SKIPPED)
    sys.exit(report.finish())
