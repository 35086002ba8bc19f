#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The tree speaks of the project alone: no paths of somebody's machine, no numbers of issues, nothing
unfinished."""

import re

import common

FORBIDDEN = [
    (re.compile(r'(?<![\w.~-])/(?:home|root|work|mnt|Users)/\w'), 'a path of one machine'),
    (re.compile(r'\b(?:[Ii]ssue|[Pp]ull request|PR|MR) ?#?\d+\b|(?:[Cc]loses|[Ff]ixes) #\d+'),
     'the number of an issue'),
    (re.compile(r'\b(?:TODO|FIXME|XXX|HACK)\b'), 'something unfinished'),
    (re.compile(r'[ \t]+$'), 'blanks at the end of the line'),
    (re.compile(r'^(?:<{7}|>{7}|={7}$)'), 'a merge conflict'),
]
# These define the words, and show them to the checks.
EXEMPT = {'tests/checks/words.py', 'tests/checks/test-checks.py'}
# Input for programs is as it is.
EXEMPT_FOLDER = 'tests/fuzzing/corpus/'
# Markdown means something by blanks at the end; catalogues are written by tools.
BLANKS_ALLOWED = {'.md', '.po', '.pem'}


def check(root, report):
    for path in common.project_files(root):
        if str(path) in EXEMPT or path.parts[0] == 'LICENSES':
            continue
        if str(path).startswith(EXEMPT_FOLDER):
            continue
        text = common.read(root, path)
        if text is None:
            continue
        for number, line in enumerate(text.split('\n'), 1):
            for pattern, what in FORBIDDEN:
                if what.startswith('blanks') and path.suffix in BLANKS_ALLOWED:
                    continue
                if pattern.search(line):
                    report.add(f'{path}:{number}', f'{what}: {line.strip()}')
        if text and not text.endswith('\n'):
            report.add(path, 'no newline at the end')


if __name__ == '__main__':
    common.main(check, __doc__)
