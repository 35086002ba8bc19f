#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""One GET: basic.py https://example.org"""

import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri  # noqa: E402


# [get]
async def get_text(uri):
    async with Resilient.Client() as client:
        # Connections that fail are tried again, three attempts in all, with growing pauses.
        response = await client.get(uri)
        # An answer may still be a 404: check_status() makes an error of 4xx and 5xx.
        response.check_status()
        return response.text
# [end]


def main():
    try:
        # [run]
        text = Resilient.run(get_text(get_base_uri()))
        # [end]
    except GLib.Error as error:
        sys.exit(error.message)
    print(text, end='')


if __name__ == '__main__':
    main()
