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


def curves(title, series, x_name, y_name, marks):
    """series: name → [(x, y)], both axes linear, from the lowest x and from 0; ours is the first. marks: x → what was
    then."""
    height, top, bottom, left, right = 360, 70, 310, 60, WIDTH - 20
    points = [point for each in series.values() for point in each]
    low_x, high_x = (f(x for x, _ in points) for f in (min, max))
    step = next(s * 10 ** power for power in range(10) for s in (1, 2, 5)
                if s * 10 ** power * 6 >= max(y for _, y in points))
    high_y = math.ceil(max(y for _, y in points) / step) * step

    def place(x, y):
        return left + (x - low_x) / (high_x - low_x) * (right - left), bottom - y / high_y * (bottom - top)

    parts = [text(10, 22, title, kind='title'), text(10, 44, y_name), text((left + right) / 2, height - 8, x_name, 'middle')]
    for value in range(0, high_y + 1, step):
        y = place(low_x, value)[1]
        parts += [f'<line class="axis" stroke-opacity="0.3" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>',
                  text(left - 8, y + 4, f'{value:,}', 'end')]
    for value in range(math.ceil(low_x / 5) * 5, math.floor(high_x) + 1, 5):
        parts.append(text(place(value, 0)[0], bottom + 20, f'{value}'.replace('-', '−'), 'middle'))
    for value, words in marks.items():
        x = place(value, 0)[0]
        parts += [f'<line class="axis" stroke-dasharray="4 3" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 12}" y2="{bottom}"/>',
                  text(x + 6, top - 2, words)]
    # Ours on top of the others, but first in the legend.
    styles = {name: (OURS, 3) if i == 0 else (OTHERS, 2) for i, name in enumerate(series)}
    for name, each in reversed(series.items()):
        colour, width = styles[name]
        path = ' '.join('{:.1f},{:.1f}'.format(*place(*point)) for point in each)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="{width}" points="{path}"/>')
    for i, (name, (colour, width)) in enumerate(styles.items()):
        y = top + 16 + 20 * i
        parts += [f'<line stroke="{colour}" stroke-width="{width}" x1="{right - 190}" x2="{right - 160}" y1="{y}" y2="{y}"/>',
                  text(right - 150, y + 4, name)]
    return document(height, parts)


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
