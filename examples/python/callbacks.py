#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""One GET in a GLib main loop, without asyncio: callbacks.py https://example.org"""

import sys

import gi

gi.require_version('Resilient', '1')
from gi.repository import GLib, Resilient  # noqa: E402

from example_server import get_base_uri  # noqa: E402


# [callback]
def get_text(uri, loop):
    texts = []

    def got(client, result):
        try:
            texts.append(client.get_finish(result).get_text())
        except GLib.Error as error:
            print(error.message, file=sys.stderr)
        loop.quit()

    client = Resilient.Client()
    client.get_async(uri, None, None, got)
    loop.run()
    return texts
# [end]


def main():
    texts = get_text(get_base_uri(), GLib.MainLoop())
    if not texts:
        sys.exit(1)
    print(texts[0], end='')


if __name__ == '__main__':
    main()
