#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Every public symbol, parameter and value is documented, and every symbol says since when."""

import re
import xml.etree.ElementTree as ElementTree

import common

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

TYPES = {CORE + kind for kind in ('class', 'interface', 'record', 'union', 'enumeration', 'bitfield', 'alias')}
CALLABLES = {CORE + kind for kind in ('function', 'method', 'constructor', 'callback', 'virtual-method',
                                      'function-macro')} | {GLIB + 'signal'}
VALUES = {CORE + kind for kind in ('property', 'constant')}
UNITS = re.compile(r'second', re.IGNORECASE)


def document(element):
    text = element.findtext(CORE + 'doc')
    return text.strip() if text else ''


def is_dull(element):
    """What the reference does not show: class structures and the opaque ones of final types."""
    return (element.get(GLIB + 'is-gtype-struct-for') is not None
            or element.get('disguised') == '1' and element.get(GLIB + 'type-name') is None)


def visit(element, owner, report):
    name = element.get(C + 'identifier') or element.get(C + 'type') \
        or f'{owner}:{element.get("name")}'
    if element.tag in TYPES | CALLABLES | VALUES:
        if is_dull(element):
            return
        text = document(element)
        if not text:
            report.add(name, 'is not documented')
        if not element.get('version'):
            report.add(name, 'has no Since')
        if element.tag in CALLABLES and text:
            visit_callable(element, name, report)
        if element.tag == CORE + 'property' and 'timeout' in element.get('name') \
                and not UNITS.search(text):
            report.add(name, 'does not say its unit')
        owner = element.get(C + 'type') or owner
    elif element.tag == CORE + 'member' and not document(element):
        report.add(name, 'is not documented')
    for child in element:
        if child.tag not in (CORE + 'parameters', CORE + 'return-value'):
            visit(child, owner, report)


def visit_callable(element, name, report):
    for parameter in element.iterfind(f'{CORE}parameters/{CORE}parameter'):
        if not document(parameter):
            report.add(name, f'parameter {parameter.get("name")} is not documented')
    result = element.find(CORE + 'return-value')
    if result is None or element.tag == CORE + 'function-macro':
        return
    kind = result.find(CORE + 'type')
    if (kind is None or kind.get('name') != 'none') and not document(result):
        report.add(name, 'what it returns is not documented')
    if element.get('throws') == '1' and kind is not None and kind.get(C + 'type', '').endswith('*') \
            and result.get('transfer-ownership') == 'full' and 'NULL' not in document(result):
        report.add(name, 'fails, and does not say that it then returns NULL')


def check(_root, report, gir):
    namespace = ElementTree.parse(gir).getroot().find(CORE + 'namespace')
    for element in namespace:
        visit(element, namespace.get('name'), report)


if __name__ == '__main__':
    common.main(check, __doc__, 'gir')
