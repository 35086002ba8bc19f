#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Examples and consumers use the installed API only: <resilient.h>, <resilient-test.h> and nothing
else of ours."""

import re

import common

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)


def check(root, report):
    for folder in ('examples', 'tests/consumer'):
        for path in sorted((root / folder).rglob('*')):
            if path.suffix not in ('.c', '.h', '.cpp'):
                continue
            text = path.read_text(encoding='utf-8')
            for match in INCLUDE.finditer(text):
                name = match[1].rsplit('/', 1)[-1]
                if name.startswith('resilient') and match[1] not in ('resilient.h', 'resilient-test.h'):
                    line = text.count('\n', 0, match.start()) + 1
                    report.add(f'{path.relative_to(root)}:{line}', f'includes {match[1]}')


if __name__ == '__main__':
    common.main(check, __doc__)
