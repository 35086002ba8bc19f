#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every link of a page to something of the tree leads to what is there, as a forge shows it: to no generated page."""

import os
import pathlib
import re

import common

FENCED = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
INLINE = re.compile(r'`[^`\n]*`')
LINK = re.compile(r'\]\(([^)\s]+)\)')


def blank(match):
    """As many lines without anything, so that the others keep their numbers."""
    return '\n' * match[0].count('\n')


def check(root, report):
    files = set(common.project_files(root))
    there = files | {folder for path in files for folder in path.parents}
    for page in sorted(path for path in files if path.suffix == '.md'):
        text = INLINE.sub('', FENCED.sub(blank, common.read(root, page)))
        for match in LINK.finditer(text):
            target = match[1].partition('#')[0]
            if '://' not in target and target and \
                    pathlib.PurePath(os.path.normpath(page.parent / target)) not in there:
                report.add(f'{page}:{text.count(chr(10), 0, match.start()) + 1}', f'{match[1]} does not exist')


if __name__ == '__main__':
    common.main(check, __doc__)
