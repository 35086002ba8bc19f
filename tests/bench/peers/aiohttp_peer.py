# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The load of bench-get.c by aiohttp alone."""

import asyncio

import aiohttp
import common


async def main():
    options = common.parse()
    connector = aiohttp.TCPConnector(limit=options.in_flight, ssl=common.tls(options))
    body = bytes(max(options.post, 0))

    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        async def send():
            method, data = ('GET', None) if options.post < 0 else ('POST', body)
            async with session.request(method, options.uri, data=data) as response:
                return response.status, len(await response.read())

        await common.Load(options, send).run()


asyncio.run(main())
