# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Cases that tell what became of them in the Test Anything Protocol."""

import sys
import traceback

_cases = []


def case(function):
    """Mark a function as a case; its name, said in words, is that of the case."""
    _cases.append(function)
    return function


def run():
    """Run all cases in order and exit."""
    failed = False
    print(f'1..{len(_cases)}', flush=True)
    for number, function in enumerate(_cases, 1):
        name = function.__name__.strip('_').replace('_', ' ')
        try:
            function()
        except Exception:
            failed = True
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {number} {name}', flush=True)
        else:
            print(f'ok {number} {name}', flush=True)
    sys.exit(1 if failed else 0)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f'{actual!r} is not {expected!r}')


def raises(kind, function, *args, **kwargs):
    """Call the function and return the exception of that kind which it must raise."""
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')
