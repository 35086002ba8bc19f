#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Inside a layer no files know each other in a circle. A source and its header count as one file. A file knows another
when it includes its header, or names a function that the other defines: one header whose functions are in many sources
hides no circle."""

import re

import common

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
# As GNU style has it: the type on a line of its own.
DEFINITION = re.compile(r'^(?!static\b)[A-Za-z_][\w *]*\n([a-z_]\w+) \([^;{]*\)\n\{', re.MULTILINE)
NAME = re.compile(r'\b[a-z_]\w+\b')


def node(name):
    """What a source and its header have in common."""
    return re.sub(r'(?:-private)?\.[ch]$', '', name).removeprefix('resilient-')


def read_graph(folder):
    """Whom each file of a folder knows of the others."""
    texts = {path.name: common.blank_comments(path.read_text(encoding='utf-8')) for path in folder.glob('*.c')}
    owners = {function: node(name) for name, text in texts.items() for function in DEFINITION.findall(text)}
    graph = {node(path.name): set() for path in folder.glob('*.[ch]')}
    for path in folder.glob('*.[ch]'):
        known = {node(name) for name in INCLUDE.findall(path.read_text(encoding='utf-8'))}
        known |= {owners.get(name) for name in NAME.findall(texts.get(path.name, ''))}
        graph[node(path.name)] |= known & graph.keys() - {node(path.name)}
    return graph


def reach(graph, start):
    """All that can be come to from a file by one step or more."""
    reached, pending = set(), [start]
    while pending:
        for name in graph[pending.pop()] - reached:
            reached.add(name)
            pending.append(name)
    return reached


def find_circles(graph):
    """The largest sets of files of which each can be come to from each other, each as a sorted tuple."""
    reached = {name: reach(graph, name) for name in graph}
    return {tuple(sorted(other for other in reached[name] if name in reached[other]))
            for name in graph if name in reached[name]}


def check(root, report):
    for folder in sorted({path.parent for path in (root / 'resilient-client').rglob('*.[ch]')}):
        graph = read_graph(folder)
        for circle in sorted(find_circles(graph)):
            steps = '; '.join(f'{name} knows {", ".join(sorted(graph[name] & set(circle)))}' for name in circle)
            report.add(folder.relative_to(root), f'a circle of "{" ".join(circle)}": {steps}')


if __name__ == '__main__':
    common.main(check, __doc__)
