#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Each source and private header of the library opens with a paragraph that says what it is, what it owns and which
thread may use it: the first comment after the licence, before anything is defined. It stands by itself, so that nobody
takes it for the comment of what follows; in a private header, and in the source of a public type, it may be the comment
of that type."""

import re

import common

# What may come before it.
PREAMBLE = re.compile(r'(?:\s+|#[^\n]*(?:\\\n[^\n]*)*\n|G_BEGIN_DECLS\n)*')
LICENCE = re.compile(r'/\* SPDX-.*?\*/', re.DOTALL)
COMMENT = re.compile(r'/\*(?P<doc>\*?)(?P<text>.*?)\*/(?P<after>\n?[^\n]*\n?[^\n]*)', re.DOTALL)
TYPE = re.compile(r'\n(?:typedef (?:struct|enum)\b|struct _\w+|#define \w+_TYPE_|G_DECLARE_)')
TYPE_DOC = re.compile(r'\*?\s*\n \* Resilient\w+:\n')
# So many words say something.
WORDS = 8


def find_fault(path, text):
    """What is wrong with the opening of a file, or None."""
    licence = LICENCE.match(text)
    start = licence.end() if licence else 0
    comment = COMMENT.match(text, PREAMBLE.match(text, start).end())
    if not comment:
        return 'does not open with a paragraph'
    if TYPE_DOC.match(comment['doc'] + comment['text']):
        return None
    if comment['doc']:
        return 'opens with the documentation of a function'
    by_itself = comment['after'].startswith('\n\n') or comment['after'] == '\n#include "config.h"\n'
    if not by_itself and not (path.suffix == '.h' and TYPE.match(comment['after'])):
        return 'opens with the comment of something'
    if len(comment['text'].split()) < WORDS:
        return 'says too little of itself'
    return None


def check(root, report):
    for path in sorted((root / 'resilient-client').rglob('*.[ch]')):
        if path.suffix == '.h' and not path.name.endswith('-private.h'):
            continue
        fault = find_fault(path, path.read_text(encoding='utf-8'))
        if fault:
            report.add(path.relative_to(root).as_posix(), fault)


if __name__ == '__main__':
    common.main(check, __doc__)
