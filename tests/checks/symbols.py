#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The library exports exactly the functions that its introspection data names."""

import subprocess
import xml.etree.ElementTree as ElementTree

import common

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
FUNCTIONS = {CORE + kind for kind in ('function', 'method', 'constructor')}


def introspected(gir):
    names = set()
    for element in ElementTree.parse(gir).iter():
        if element.tag in FUNCTIONS:
            names.add(element.get(C + 'identifier'))
        # Types whose functions are not the library's own have none, or "intern".
        get_type = element.get(GLIB + 'get-type')
        if get_type and get_type != 'intern':
            names.add(get_type)
    return names


def exported(library):
    nm = subprocess.run(['nm', '--dynamic', '--defined-only', '--format=posix', library],
                        check=True, capture_output=True, text=True)
    # Absolute ones are the names of versions.
    rows = [line.split() for line in nm.stdout.splitlines()]
    return {row[0].split('@')[0] for row in rows if row[1] != 'A'}


def check(_root, report, library, gir):
    in_library, in_gir = exported(library), introspected(gir)
    if not in_gir:
        report.add(gir, 'names no function')
    for name in sorted(in_library - in_gir):
        report.add(library, f'{name} is exported and not introspected')
    for name in sorted(in_gir - in_library):
        report.add(gir, f'{name} is introspected and not exported')


if __name__ == '__main__':
    common.main(check, __doc__, 'library', 'gir')
