#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The version of the build, NEWS and the availability macros agree."""

import re

import common


def check(root, report):
    build = re.search(r"version: '(\d+)\.(\d+)\.(\d+)'", (root / 'meson.build').read_text(encoding='utf-8'))
    if build is None:
        report.add('meson.build', 'no version')
        return
    version = '.'.join(build.groups())

    news = re.search(r'^(\d+\.\d+\.\d+)(?: \([^)\n]+\))?\n=+\n\n(?=\S)',
                     (root / 'NEWS').read_text(encoding='utf-8'), re.MULTILINE)
    if news is None or news[1] != version:
        report.add('NEWS', f'does not start with {version} and what it brings')

    macros = 'resilient-client/base/resilient-version-macros.h'
    macro = f'RESILIENT_AVAILABLE_IN_{build[1]}_{build[2]}'
    if not re.search(rf'#define {macro}\b', (root / macros).read_text(encoding='utf-8')):
        report.add(macros, f'no {macro}')


if __name__ == '__main__':
    common.main(check, __doc__)
