#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The version of the build, NEWS and the availability macros agree, and so do the build and what the DOAP file says of
the project."""

import re
import xml.etree.ElementTree as ElementTree

import common

DOAP = '{http://usefulinc.com/ns/doap#}'
RESOURCE = '{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource'


def check_doap(root, report):
    """The description of the project that other programs read."""
    build = (root / 'meson.build').read_text(encoding='utf-8')
    name = re.search(r"project\('([^']+)'", build)[1]
    licence = re.search(r"license: '([^']+)'", build)[1]
    try:
        project = ElementTree.parse(root / f'{name}.doap').getroot()
    except (OSError, ElementTree.ParseError) as error:
        report.add(f'{name}.doap', f'is not there, or not XML: {error}')
        return
    if project.findtext(f'{DOAP}name') != name:
        report.add(f'{name}.doap', f'is not of {name}')
    resource = project.find(f'{DOAP}license')
    if resource is None or not resource.get(RESOURCE, '').endswith(f'/{licence}'):
        report.add(f'{name}.doap', f'does not name the licence, {licence}')


def check(root, report):
    check_doap(root, report)
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
