# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What the checks share: each is called with the tree to look at and reports every finding as
path:line: text."""

import argparse
import os
import pathlib
import subprocess
import sys

LAYERS = ['base', 'model', 'policy', 'guard', 'events', 'transport', 'engine', 'client']


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


def project_files(root):
    """Paths, relative to the tree, of all its text files: those that git knows or would add, or,
    in a release tarball, all that are there."""
    if (root / '.git').exists():
        git = subprocess.run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others',
                              '--exclude-standard'], check=True, capture_output=True)
        names = [os.fsdecode(name) for name in git.stdout.split(b'\0') if name]
    else:
        names = []
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith('_build') and f != '__pycache__']
            names += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(pathlib.PurePath(name) for name in set(names) if (root / name).is_file())


def read(root, path):
    """The text of a file, or None if it is not text."""
    try:
        return (root / path).read_text(encoding='utf-8')
    except UnicodeDecodeError:
        return None


def main(check, description, *arguments):
    """Runs check (root, report, *values of the further arguments)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--root', type=pathlib.Path, required=True, help='the source tree')
    for argument in arguments:
        parser.add_argument(argument, type=pathlib.Path)
    args = parser.parse_args()
    report = Report()
    check(args.root.resolve(), report, *(getattr(args, argument) for argument in arguments))
    sys.exit(report.finish())
