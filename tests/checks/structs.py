#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The struct of a type that is made, referenced or freed by functions of its own is in one source, which others go
through. Values that others embed, arguments and tables of functions may be in headers."""

import re

import common

STRUCT = re.compile(r'^(?:struct _(?P<tagged>\w+)|typedef struct(?: \w+)?)\s*\{(?P<body>.*?)^\}\s*(?P<named>\w*)\s*;',
                    re.MULTILINE | re.DOTALL)
# What tells that a type lives on the heap.
LIFE = [
    re.compile(r'\b(\w+) \*\s*(?:const\s+)?\w+_(?:new\w*|ref|copy) \('),
    re.compile(r'\bvoid\s+\w+_(?:free|unref) \((\w+) \*\s*\w+\)'),
    re.compile(r'\bG_DECLARE_(?:FINAL_)?TYPE \((\w+),'),
    re.compile(r'\bG_DEFINE_AUTOPTR_CLEANUP_FUNC \((\w+),'),
]

# Types that others derive from: what implements them begins with their struct.
BASES = ['ResilientGuard', 'ResilientTransportAttempt', 'ResilientTransport']


def check(root, report, bases=tuple(BASES)):
    texts = {path: common.blank_comments(path.read_text(encoding='utf-8'))
             for path in sorted((root / 'resilient-client').rglob('*.[ch]'))}
    alive = {name for path, text in texts.items() if path.suffix == '.h'
             for pattern in LIFE for name in pattern.findall(text)}
    places = {}
    for path, text in texts.items():
        for match in STRUCT.finditer(text):
            name = match['tagged'] or match['named']
            if name in alive:
                places.setdefault(name, []).append((path, text.count('\n', 0, match.start()) + 1))

    shared = {name: found for name, found in places.items()
              if len(found) > 1 or found[0][0].suffix == '.h'}
    for name, found in sorted(shared.items()):
        for path, line in found if name not in bases else []:
            report.add(f'{path.relative_to(root)}:{line}', f'the struct of {name} is not private to one source')
    for name in sorted(set(bases) - shared.keys()):
        report.add('tests/checks/structs.py', f'{name} is private to one source or gone: take it from BASES')


if __name__ == '__main__':
    common.main(check, __doc__)
