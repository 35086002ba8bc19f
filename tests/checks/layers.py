#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A file includes its own layer and what is left of it; public headers include no private one; libsoup's session
appears where it is wrapped alone. The test kit is outside of the library: it sees what users see, and the seams; its
server knows nothing of the library, and nothing includes the kit."""

import re

import common

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<open>[<"])(?P<name>[^">]+)[">]', re.MULTILINE)

# Left of the transport layer libsoup is a vocabulary only: values made of headers and statuses, and
# the names of the errors that are sorted into kinds.
SOUP_VOCABULARY = re.compile(r'model/resilient-(headers|response)|policy/resilient-failure|request/')
# What sends and receives by it, and the property that holds it.
SOUP_SESSION = re.compile(r'\b(?:SoupSession|soup_session_\w+)\b')
SOUP_SESSION_LAYERS = ('soup', 'client')
# The files where it appears besides, and must not. One that has become free of it goes from here.
KNOWN_SESSIONS = [
    'engine/resilient-engine-private.h',
    'engine/resilient-engine.c',
]
# Layers of which neither includes the other.
STRANGERS = {'direct', 'soup'}

KIT = 'testkit'
KIT_SEES = {'resilient-i18n-private.h', 'resilient-seams-private.h'}


def check_kit(path, included, target, place, report):
    """One include of a file of the kit."""
    if 'fault' in path.parts:
        if included.startswith('resilient'):
            report.add(place, f'the server of the kit includes {included}')
    elif target is not None and target.parts[0] != KIT and included.endswith('-private.h') \
            and included not in KIT_SEES:
        report.add(place, f'the kit includes {included}')


def check_sessions(order, texts, report, known):
    """libsoup's session appears in its layers alone: in all of transport where there is no layer for it yet."""
    free = SOUP_SESSION_LAYERS if 'soup' in order else ('transport', *SOUP_SESSION_LAYERS)
    found = {str(path) for path, text in texts.items()
             if path.parts[0] in order and path.parts[0] not in free
             and SOUP_SESSION.search(common.blank_comments(text))}
    for path in sorted(found - set(known)):
        report.add(f'resilient-client/{path}', "libsoup's session")
    for path in sorted(set(known) - found):
        report.add('tests/checks/layers.py', f'{path} is free of the session or gone: take it from the list')


def check(root, report, known_sessions=KNOWN_SESSIONS):
    library = root / 'resilient-client'
    order = common.layers(root)
    sources = {}
    for path in sorted(library.rglob('*.[ch]')):
        sources[path.name] = path.relative_to(library)
    if not sources:
        report.add('resilient-client', 'no sources')
    texts = {path: (library / path).read_text(encoding='utf-8') for path in sources.values()}
    check_sessions(order, texts, report, known_sessions)

    for name, path in sources.items():
        layer = path.parts[0] if len(path.parts) > 1 else None
        if layer is not None and layer not in (*order, KIT):
            continue
        text = texts[path]
        private = name.endswith('-private.h') or name.endswith('.c')
        includes = [(match['name'], text.count('\n', 0, match.start()) + 1, match['open'])
                    for match in INCLUDE.finditer(text)]

        if name.endswith('.c') and (not includes or includes[0][0] != 'config.h'):
            report.add(f'resilient-client/{path}', 'does not include config.h first')
        if name.endswith('.h') and '#pragma once' not in text:
            report.add(f'resilient-client/{path}', 'no #pragma once')
        guard = 'RESILIENT_TEST_INSIDE' if layer == KIT else 'RESILIENT_INSIDE'
        if not private and layer and name.startswith('resilient') \
                and name != 'resilient-version-macros.h' and guard not in text:
            report.add(f'resilient-client/{path}', 'a public header without the include guard')

        for included, line, bracket in includes:
            place = f'resilient-client/{path}:{line}'
            if '/' in included and included.rsplit('/', 1)[1] in sources:
                report.add(place, f'{included}: project headers are included by bare name')
            if included.startswith('libsoup/') and layer in order \
                    and order.index(layer) < order.index('transport') \
                    and not SOUP_VOCABULARY.match(str(path)):
                report.add(place, f'libsoup in the {layer} layer')
            if not included.startswith('resilient'):
                continue
            # The headers of the kit see the library as its users' programs do.
            if layer == KIT and not private and included == 'resilient.h':
                continue
            if bracket == '<':
                report.add(place, f'<{included}>: project headers are included in quotes')
            if not private and included.endswith('-private.h'):
                report.add(place, f'a public header includes {included}')
            if included == 'resilient-version.h':
                continue
            target = sources.get(included)
            if target is None:
                report.add(place, f'{included} does not exist')
            elif layer == KIT:
                check_kit(path, included, target, place, report)
            elif target.parts[0] == KIT:
                report.add(place, f'the library includes {included} of the test kit')
            elif layer is not None:
                if len(target.parts) == 1:
                    report.add(place, f'{included} is for users of the library')
                elif order.index(target.parts[0]) > order.index(layer) or STRANGERS == {layer, target.parts[0]}:
                    report.add(place, f'{layer} includes {included} of {target.parts[0]}')


if __name__ == '__main__':
    common.main(check, __doc__)
