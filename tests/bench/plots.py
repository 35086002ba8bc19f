# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Plots as SVG, written by hand: what they need is little, and the same figures give the same file."""

import math
from html import escape

WIDTH, LEFT, RIGHT, ROW = 720, 230, 90, 26
OURS, OTHERS, SECOND = '#1a73b8', '#9aa5b1', '#c9d1d9'
STYLE = ('text { font: 13px sans-serif; fill: #24292f; } .title { font-size: 15px; font-weight: bold; } '
         '.axis { stroke: #8b949e; } @media (prefers-color-scheme: dark) { text { fill: #d0d7de; } }')


def number(value):
    return f'{value:,.0f}' if value >= 100 else f'{value:.1f}' if value >= 1 else f'{value:.2g}'


def text(x, y, words, anchor='start', kind=''):
    attributes = f' class="{kind}"' if kind else ''
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{attributes}>{escape(words)}</text>'


def document(height, parts):
    return '\n'.join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'viewBox="0 0 {WIDTH} {height}">', f'<style>{STYLE}</style>', *parts, '</svg>', ''])


def bars(title, rows, second=None):
    """rows: (name, value[, value of the second kind]), one bar under the other; ours is the first."""
    most = max(value for _, *values in rows for value in values)
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = [text(10, 22, title, kind='title')]
    y = 40
    for i, (name, *values) in enumerate(rows):
        parts.append(text(LEFT - 10, y + 15, name, 'end'))
        label = ' / '.join(number(value) for value in values)
        # The larger one below.
        for j, value in reversed(list(enumerate(values))):
            colour = SECOND if j else OURS if i == 0 else OTHERS
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{max(value * scale, 1):.1f}" height="{ROW - 8}" fill="{colour}"/>')
        parts.append(text(LEFT + max(values) * scale + 8, y + 15, label))
        y += ROW
    if second:
        parts.append(text(10, y + 15, second))
        y += ROW
    return document(y + 8, parts)


def lines(title, series, x_name):
    """series: name → [(x, y)], both axes logarithmic; ours is the first."""
    height, top, bottom = 360, 50, 310
    points = [point for each in series.values() for point in each]
    low_x, high_x = (math.log10(f(x for x, _ in points)) for f in (min, max))
    low_y = math.floor(math.log10(min(y for _, y in points)))
    high_y = math.ceil(math.log10(max(y for _, y in points)))

    def place(x, y):
        return (70 + (math.log10(x) - low_x) / ((high_x - low_x) or 1) * (WIDTH - 70 - 200),
                bottom - (math.log10(y) - low_y) / ((high_y - low_y) or 1) * (bottom - top))

    parts = [text(10, 22, title, kind='title'), text(290, height - 12, x_name, 'middle')]
    for power in range(low_y, high_y + 1):
        y = place(points[0][0], 10 ** power)[1]
        parts += [f'<line class="axis" stroke-opacity="0.3" x1="70" x2="{WIDTH - 200}" y1="{y:.1f}" y2="{y:.1f}"/>',
                  text(62, y + 4, number(10 ** power), 'end')]
    for x in sorted({x for x, _ in points}):
        parts.append(text(place(x, 1)[0], bottom + 20, f'{x:,}', 'middle'))
    taken = []
    for i, (name, each) in enumerate(series.items()):
        colour, width = (OURS, 3) if i == 0 else (OTHERS, 1.5)
        places = [place(*point) for point in sorted(each)]
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="{width}" points="{path}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 1}" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        # Names don't cover each other.
        while any(abs(y - other) < 15 and abs(x - at) < 150 for at, other in taken):
            y += 4
        taken.append((x, y))
        parts.append(text(x + 10, y + 4, name))
    return document(height, parts)
