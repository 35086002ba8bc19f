#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""No source of the library is longer than one reads in one go."""

import common

LONGEST = 400


def check(root, report):
    for path in sorted((root / 'resilient-client').rglob('*.c')):
        lines = path.read_text(encoding='utf-8').count('\n')
        if lines > LONGEST:
            report.add(path.relative_to(root), f'{lines} lines, more than {LONGEST}')


if __name__ == '__main__':
    common.main(check, __doc__)
