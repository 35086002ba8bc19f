#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""docs/architecture.md and the tree agree: every file of the library that the page names exists, every function is
defined in the file that is named last before it, every layer and folder is on it, and so is every state of a call with
what may follow it."""

import re

import common

PAGE = 'docs/architecture.md'
# Folders of the tree whose insides are told of elsewhere.
CLOSED = {'tests', 'examples', 'docs', 'LICENSES'}
NAME = re.compile(r'`(?:(?P<file>[\w-]+(?:/[\w-]+)*/[\w-]+\.[ch])|(?P<function>\w+) \(\))`')


def defines(text, function):
    return re.search(rf'^{function} \([^;]*?\)\s*\{{', text, re.MULTILINE | re.DOTALL) is not None


MACHINE = 'engine/resilient-call-machine.c'
EDGES = re.compile(r'\bedges\[RESILIENT_MACHINE_N_STATES\] = \{(.*?)\};', re.DOTALL)
STATE = re.compile(r'\[RESILIENT_MACHINE_STATE_(\w+)\] =([^,]*),')
ROW = re.compile(r'^\| `(\w+)` \| [^|]+ \| ?([\w, ]*?) ?\|$', re.MULTILINE)


def check_states(root, text, report):
    source = (root / 'resilient-client' / MACHINE).read_text(encoding='utf-8')
    edges = {state.lower(): {to.lower() for to in re.findall(r'TO \((\w+)\)', value)}
             for state, value in STATE.findall(EDGES.search(source)[1])}
    told = {state: set(filter(None, followers.split(', ')))
            for state, followers in ROW.findall(text.partition('\n## The states of a call\n')[2].partition('\n## ')[0])}
    for state in sorted(edges.keys() | told.keys()):
        if told.get(state) != edges.get(state):
            report.add(PAGE, f'of the state {state} it tells {told.get(state)}, and the machine has {edges.get(state)}')


def find_folders(root):
    """Those with files of the project in them, as the page names them."""
    folders = set()
    for path in common.project_files(root):
        parts = path.parts[:-1]
        if parts and not parts[0].startswith('.') and parts[0] not in CLOSED:
            folders |= {parts[:n] for n in range(1, min(len(parts), 3) + 1)}
        elif parts and parts[0] in CLOSED - {'LICENSES'}:
            folders.add(parts[:1])
    return {'/'.join(parts) for parts in folders}


def check(root, report):
    lines = (root / PAGE).read_text(encoding='utf-8').splitlines()
    text = '\n'.join(lines)
    layers = common.layers(root)
    for number, line in enumerate(lines, 1):
        place = f'{PAGE}:{number}'
        source = None
        for match in NAME.finditer(line):
            if match['file']:
                path = root / 'resilient-client' / match['file']
                source = common.blank_comments(path.read_text(encoding='utf-8')) if path.is_file() else None
                if source is None and not (root / match['file']).is_file():
                    report.add(place, f'{match["file"]} does not exist')
                    break
            elif match['function'].startswith('soup_'):
                pass  # libsoup's
            elif line.startswith('|') and not (source and defines(source, match['function'])):
                report.add(place, f'{match["function"]} () is not defined in the file before it')
    if ' ← '.join(layers) not in text:
        report.add(PAGE, 'the layers are others, or in another order')
    for layer in layers:
        if not re.search(rf'^\| `{layer}` \| ', text, re.MULTILINE):
            report.add(PAGE, f'nothing is told of the layer {layer}')
    check_states(root, text, report)
    for folder in sorted(find_folders(root)):
        parts = folder.split('/')
        is_layer = parts[0] == 'resilient-client' and len(parts) > 1 and parts[1] in layers
        deep = len(parts) > 2 and parts[:2] != ['resilient-client', 'testkit']
        if not is_layer and not deep and f'`{folder}/`' not in text:
            report.add(PAGE, f'nothing is told of {folder}/')


if __name__ == '__main__':
    common.main(check, __doc__)
