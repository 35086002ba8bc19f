#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Keeps the code blocks of the pages equal to the examples, which are compiled and run.

A page says

    <!-- include: examples/c/basic.c#send -->
    ```c
    …
    ```

and the block is what stands in that file between a line with [send] in a comment of its own and the
next one with [end]. Without --write a block that differs is an error.
"""

import argparse
import pathlib
import re
import sys
import textwrap

MARKER = re.compile(r'^<!-- include: (?P<path>[^ #]+)#(?P<name>[a-z0-9-]+) -->\n'
                    r'```(?P<language>[a-z]*)\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL)
LOOSE_MARKER = re.compile(r'^<!-- *include:', re.MULTILINE)
EDGE = r'^[ \t]*(?:/\*|//|#) \[%s\](?: \*/)?[ \t]*\n'


class SnippetError(Exception):
    pass


def region(root, path, name):
    """The lines of one named region, at the left margin."""
    try:
        text = (root / path).read_text(encoding='utf-8')
    except OSError as error:
        raise SnippetError(f'{path}: {error.strerror}') from error
    starts = list(re.finditer(EDGE % re.escape(name), text, re.MULTILINE))
    if len(starts) != 1:
        raise SnippetError(f'{path}: {len(starts)} regions called [{name}]')
    end = re.compile(EDGE % 'end', re.MULTILINE).search(text, starts[0].end())
    if end is None:
        raise SnippetError(f'{path}: no [end] after [{name}]')
    return textwrap.dedent(text[starts[0].end():end.start()])


def refresh(root, text):
    """The page with every block as the example has it."""
    def replace(match):
        code = region(root, match['path'], match['name'])
        return (f'<!-- include: {match["path"]}#{match["name"]} -->\n'
                f'```{match["language"]}\n{code}```')

    if len(LOOSE_MARKER.findall(text)) != len(MARKER.findall(text)):
        raise SnippetError('a marker without a code block right after it')
    return MARKER.sub(replace, text)


def main():
    parser = argparse.ArgumentParser(description='Compares the code blocks of the pages with the examples.')
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument('--write', action='store_true', help='refresh the pages')
    args = parser.parse_args()

    failed = False
    for page in sorted([*args.root.glob('*.md'), *args.root.glob('docs/*.md')]):
        text = page.read_text(encoding='utf-8')
        try:
            fresh = refresh(args.root, text)
        except SnippetError as error:
            print(f'{page.relative_to(args.root)}: {error}', file=sys.stderr)
            failed = True
            continue
        if fresh == text:
            continue
        if args.write:
            page.write_text(fresh, encoding='utf-8')
        else:
            print(f'{page.relative_to(args.root)}: a code block differs from its example; '
                  'refresh it with ./dev docs', file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
