#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The look of public headers, as in GTK and libadwaita: in each group of declarations, which no blank line separates,
the names stand in one column, and so do the parameters. clang-format has no such rule.

With --fix it writes the headers that it is given, else it says which are not so."""

import pathlib
import re
import sys

DECLARATION = re.compile(
    r'(?P<head>(?:^(?:RESILIENT\w*_(?:AVAILABLE|DEPRECATED)_IN_\w+(?: *\([^)]*\))?)\n)+)'
    r'(?P<type>(?:const )?\w+(?: \w+)*?)\s*(?P<stars>\**)\s*(?P<name>resilient_\w+)\s*'
    r'\((?P<parameters>[^;]*?)\)(?P<tail>(?:\s*G_GNUC_\w+(?:\s*\([^;()]*\))?)*);\n',
    re.MULTILINE)
PARAMETER = re.compile(r'(?P<type>.*?\w)\s*(?P<stars>\**)\s*(?P<name>\w+)(?P<array>(?:\[\w*\])*)$', re.DOTALL)


def split(parameters):
    """The parameters one by one, each with single blanks; a comma in parentheses separates none."""
    parts, depth, start = [], 0, 0
    for place, char in enumerate(parameters):
        depth += (char in '([') - (char in ')]')
        if char == ',' and depth == 0:
            parts.append(parameters[start:place])
            start = place + 1
    return [' '.join(part.split()) for part in [*parts, parameters[start:]]]


def align_group(group):
    """The text of declarations that stand together."""
    rows = [(match, [part if part in ('void', '...') else PARAMETER.match(part) for part in split(match['parameters'])])
            for match in group]
    parameters = [parameter for _, row in rows for parameter in row if not isinstance(parameter, str)]
    type_width = max(len(match['type']) + 1 + len(match['stars']) for match, _ in rows)
    name_width = max(len(match['name']) for match, _ in rows)
    kind_width = max((len(parameter['type']) for parameter in parameters), default=0)
    stars_width = max((len(parameter['stars']) for parameter in parameters), default=0)

    def show(parameter):
        if isinstance(parameter, str):
            return parameter
        return (f'{parameter["type"]:{kind_width}} {parameter["stars"]:>{stars_width}}'
                f'{parameter["name"]}{parameter["array"]}')

    text = ''
    for match, row in rows:
        lead = (match['type'] + match['stars'].rjust(type_width - len(match['type']))
                + f'{match["name"]:{name_width}} (')
        text += match['head'] + lead + (',\n' + ' ' * len(lead)).join(map(show, row)) + ')'
        text += ''.join(f' {word}' for word in match['tail'].split()) + ';\n'
    return text


def align(text):
    """The header as it has to be."""
    aligned, position, group = '', 0, []
    for match in DECLARATION.finditer(text):
        between = text[position:match.start()]
        if between and group:
            aligned += align_group(group)
            group = []
        aligned += between
        group.append(match)
        position = match.end()
    if group:
        aligned += align_group(group)
    return aligned + text[position:]


def main(arguments):
    wrong = 0
    for path in (pathlib.Path(argument) for argument in arguments if argument != '--fix'):
        text = path.read_text(encoding='utf-8')
        if align(text) == text:
            continue
        if '--fix' in arguments:
            path.write_text(align(text), encoding='utf-8')
        else:
            print(f'{path}: its declarations are not aligned (align.py --fix)')
            wrong = 1
    return wrong


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
