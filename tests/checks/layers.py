#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A file includes its own layer and what is left of it; public headers include no private one; the
network starts at the transport layer."""

import re

import common

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<open>[<"])(?P<name>[^">]+)[">]', re.MULTILINE)

# Below the transport layer libsoup is a vocabulary only: values made of headers and statuses, and
# the names of the errors that are sorted into kinds.
SOUP_VOCABULARY = re.compile(r'model/resilient-(headers|response)|policy/resilient-failure')


def check(root, report):
    library = root / 'resilient-client'
    sources = {}
    for path in sorted(library.rglob('*.[ch]')):
        sources[path.name] = path.relative_to(library)
    if not sources:
        report.add('resilient-client', 'no sources')

    for name, path in sources.items():
        layer = path.parts[0] if len(path.parts) > 1 else None
        if layer is not None and layer not in common.LAYERS:
            continue
        text = (library / path).read_text(encoding='utf-8')
        private = name.endswith('-private.h') or name.endswith('.c')
        includes = [(match['name'], text.count('\n', 0, match.start()) + 1, match['open'])
                    for match in INCLUDE.finditer(text)]

        if name.endswith('.c') and (not includes or includes[0][0] != 'config.h'):
            report.add(f'resilient-client/{path}', 'does not include config.h first')
        if name.endswith('.h') and '#pragma once' not in text:
            report.add(f'resilient-client/{path}', 'no #pragma once')
        if not private and layer and name != 'resilient-version-macros.h' \
                and 'RESILIENT_INSIDE' not in text:
            report.add(f'resilient-client/{path}', 'a public header without the include guard')

        for included, line, bracket in includes:
            place = f'resilient-client/{path}:{line}'
            if '/' in included and included.rsplit('/', 1)[1] in sources:
                report.add(place, f'{included}: project headers are included by bare name')
            if included.startswith('libsoup/') and layer in common.LAYERS \
                    and common.LAYERS.index(layer) < common.LAYERS.index('transport') \
                    and not SOUP_VOCABULARY.match(str(path)):
                report.add(place, f'libsoup in the {layer} layer')
            if not included.startswith('resilient'):
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
            elif layer is not None:
                if len(target.parts) == 1:
                    report.add(place, f'{included} is for users of the library')
                elif common.LAYERS.index(target.parts[0]) > common.LAYERS.index(layer):
                    report.add(place, f'{layer} includes {included} of {target.parts[0]}')


if __name__ == '__main__':
    common.main(check, __doc__)
