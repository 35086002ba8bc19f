# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Where the instructions of a request go, as callgrind counts them: on whose behalf, and to what end."""

import collections
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from instructions import FEW, MANY
from peers import NAMES
from servers import CA, pinned

# Whoever calls a function of GLib or the C library answers for what it takes.
OWNERS = {'libresilient-client': 'this library', 'libsoup': 'libsoup', 'libnghttp2': 'libsoup',
          'bench-': 'the program and its main loop'}
# What a function does, by the name of its object and its own; the first that fits counts.
PURPOSES = (
    ('objects, signals and closures', r'libgobject', r''),
    ('objects, signals and closures', r'libglib', r'^g_datalist|^g_pointer_bit_'),
    ('memory', r'libc\.|libglib', r'alloc|free|consolidate|unlink_chunk|g_slice|_int_'),
    ('copying, comparing and formatting', r'libc\.|libglib', r'mem|str|^g_ascii|^g_utf8|printf|xsputn'),
    ('locks', r'libc\.|libglib|libpthread', r'mutex|pthread|rw_?lock'),
    ('hash tables, arrays and lists', r'libglib', r'hash|array|list|queue'),
    ('TLS', r'libgnutls|libgiognutls|libnettle|libhogweed|libgmp', r''),
)
PASSES = 40


def read(path):
    """What a file of callgrind's says: (object, function) → its own cost, and (caller, callee) → calls."""
    own, calls = collections.Counter(), collections.Counter()
    names = {'ob': {}, 'fn': {}}
    place = {}
    n_calls = None

    def name(kind, text):
        number, _, word = text.partition(' ')
        if not number.startswith('('):
            return text
        return names[kind].setdefault(number, word)

    with open(path, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            key, equals, value = line.rstrip('\n').partition('=')
            if equals and key in ('ob', 'fn', 'cob', 'cfn'):
                place[key] = re.sub(r"'\d+$", '', name(key[-2:], value))
                if key == 'fn':
                    place.pop('cob', None)
            elif key == 'calls':
                n_calls = int(value.split()[0])
            elif line[:1].isdigit() or line[:1] in '+-*':
                caller = place['ob'], place['fn']
                if n_calls is None:
                    own[caller] += int(line.split()[1])
                else:
                    calls[caller, (place.pop('cob', place['ob']), place['cfn'])] += n_calls
                    n_calls = None
    return own, calls


def count(command, environment, n):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'callgrind'
        subprocess.run(pinned(1, ['valgrind', '--tool=callgrind', f'--callgrind-out-file={path}', *command,
                                  f'--requests={n}']),
                       check=True, capture_output=True, env=environment)
        return read(path)


def per_request(command, environment):
    """The same of one request, without the start and end of the process."""
    few, many = (count(command, environment, n) for n in (FEW, MANY))
    return [{key: (more - less[key]) / (MANY - FEW) for key, more in greater.items()}
            for less, greater in zip(few, many)]


def owner_of(function):
    file = function[0].rpartition('/')[2]
    return next((owner for start, owner in OWNERS.items() if file.startswith(start)), None)


def by_owner(own, calls):
    """Owner → instructions. What several call is shared out by the number of their calls, as gprof does it."""
    callers = collections.defaultdict(list)
    for (caller, callee), n in calls.items():
        if n > 0 and caller != callee:
            callers[callee].append((caller, n))
    shares = {function: {owner_of(function): 1.0} for function in own if owner_of(function)}
    for _ in range(PASSES):
        for function in own:
            if owner_of(function):
                continue
            share, total = collections.Counter(), sum(n for _, n in callers[function])
            for caller, n in callers[function]:
                for owner, part in shares.get(caller, {}).items():
                    share[owner] += part * n / total
            shares[function] = share
    costs = collections.Counter()
    for function, cost in own.items():
        known = sum(shares[function].values())
        for owner, part in shares[function].items():
            costs[owner] += cost * part
        costs['others'] += cost * (1 - known)
    return costs


def by_purpose(own):
    costs = collections.Counter()
    for (path, function), cost in own.items():
        file = path.rpartition('/')[2]
        costs[next((purpose for purpose, files, functions in PURPOSES
                    if re.match(files, file) and re.search(functions, function)), 'the rest')] += cost
    return costs


def measure(bench):
    if shutil.which('valgrind') is None:
        bench.table.note('valgrind is not installed')
        return
    for listener, what, options in (('http', '1 KiB GETs, 50 in flight', []),
                                    ('http2', '1 KiB GETs, 50 in flight, HTTP/2', [f'--ca={CA}'])):
        uri = bench.servers.nginx.uri('1k', listener)
        for peer in ('ours', 'libsoup'):
            own, calls = per_request([*bench.peers.commands[peer], f'--uri={uri}', *options], bench.peers.environment)
            bench.table.add(f'{what}, {NAMES[peer]}', f'{sum(own.values()):,.0f} instructions')
            for title, costs in (('on behalf of', by_owner(own, calls)), ('for', by_purpose(own))):
                for name, cost in costs.most_common():
                    if cost >= 500:
                        bench.table.add(f'  {title} {name}', f'{cost:,.0f}')
            bench.results[f'profile, {what}, {peer}'] = {'owners': by_owner(own, calls), 'purposes': by_purpose(own)}
