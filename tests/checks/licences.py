#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every file says who holds its copyright and under which licence (REUSE 3.0)."""

import fnmatch
import re
import shutil
import subprocess

import common

COPYRIGHT = 'SPDX-FileCopyright' 'Text: '
LICENCE = 'SPDX-License-' 'Identifier: '
HEADER_LINES = 12


def covered_by_dep5(root):
    """The patterns of files that can't carry a header."""
    try:
        text = (root / '.reuse/dep5').read_text(encoding='utf-8')
    except FileNotFoundError:
        return []
    return [pattern for block in re.findall(r'^Files:((?:.*\n)(?:[ \t].*\n)*)', text, re.MULTILINE)
            for pattern in block.split()]


def check(root, report):
    patterns = covered_by_dep5(root)
    for path in common.project_files(root):
        if path.parts[0] in ('LICENSES', '.reuse', '.git') or path.suffix == '.license':
            continue
        if any(fnmatch.fnmatch(str(path), pattern) for pattern in patterns):
            continue
        companion = path.with_name(path.name + '.license')
        source = companion if (root / companion).exists() else path
        head = '\n'.join((common.read(root, source) or '').split('\n')[:HEADER_LINES])
        for tag in (COPYRIGHT, LICENCE):
            if tag not in head:
                report.add(path, f'no {tag.rstrip(": ")}')
        for licence in re.findall(re.escape(LICENCE) + r'([A-Za-z0-9.-]+)', head):
            if not (root / 'LICENSES' / f'{licence}.txt').exists():
                report.add(path, f'LICENSES/{licence}.txt is missing')

    # The tool knows the whole specification, but takes a tree without git for all its content.
    if shutil.which('reuse') and (root / '.git').exists():
        lint = subprocess.run(['reuse', '--root', root, 'lint'], capture_output=True, text=True,
                              check=False)
        if lint.returncode != 0:
            report.add('reuse lint', lint.stdout + lint.stderr)


if __name__ == '__main__':
    common.main(check, __doc__)
