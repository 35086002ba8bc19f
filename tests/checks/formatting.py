#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every C source and header is as .clang-format has it, but for the public headers, which are in columns as align.py
has them. Releases of clang-format differ in what they make of the same style, so that only the one of Debian 12 judges.

With --fix it writes the files as they have to be."""

import collections
import pathlib
import re
import shutil
import subprocess
import sys

import align
import common

RELEASE = '14'


def find_tool():
    """The tool of the release that judges, or None."""
    for name in (f'clang-format-{RELEASE}', 'clang-format'):
        if shutil.which(name):
            version = subprocess.run([name, '--version'], check=True, capture_output=True, text=True).stdout
            if re.search(rf'\bversion {RELEASE}\.', version):
                return name
    return None


def is_public(path):
    """Whether it is a header that is installed."""
    return path.parts[0] == 'resilient-client' and path.suffix == '.h' and path.name.startswith('resilient') \
        and not path.name.endswith('-private.h')


def find_files(root):
    """The public headers, and all other C files."""
    files = [path for path in common.project_files(root) if path.suffix in ('.c', '.h')]
    return [path for path in files if is_public(path)], [path for path in files if not is_public(path)]


def run(tool, root, files, *options):
    return subprocess.run([tool, '--style=file', *options, *files], cwd=root, check=True,
                          capture_output=True, text=True)


def check(root, report):
    headers, others = find_files(root)
    for path in headers:
        text = (root / path).read_text(encoding='utf-8')
        if align.align(text) != text:
            report.add(path, 'its declarations are not in columns; run ./dev format')
    if not others:
        report.add('.', 'no sources')
        return
    tool = find_tool()
    if tool is None:
        raise common.Skip(f'clang-format {RELEASE} is not installed')
    said = run(tool, root, others, '--dry-run').stderr
    places = re.findall(r'^([^:\n]+):(\d+):\d+: warning: code should be clang-formatted', said, re.MULTILINE)
    for path, count in collections.Counter(path for path, _ in places).items():
        line = next(line for other, line in places if other == path)
        report.add(f'{path}:{line}', f'{count} differences from .clang-format; run ./dev format')


def fix(root):
    headers, others = find_files(root)
    align.main(['--fix', *(root / path for path in headers)])
    tool = find_tool()
    if tool is None:
        sys.exit(f'clang-format {RELEASE} is not installed')
    run(tool, root, others, '-i')


if __name__ == '__main__':
    if '--fix' in sys.argv[1:]:
        fix(pathlib.Path(__file__).resolve().parents[2])
    else:
        common.main(check, __doc__)
