# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""The load of bench-get.c by httpx alone."""

import asyncio

import common
import httpx


async def main():
    options = common.parse()
    limits = httpx.Limits(max_connections=options.in_flight, max_keepalive_connections=options.in_flight)
    body = bytes(max(options.post, 0))

    async with httpx.AsyncClient(limits=limits, timeout=None, verify=common.tls(options) or True,
                                 http2=options.http2) as client:
        async def send():
            if options.post < 0:
                response = await client.get(options.uri)
            else:
                response = await client.post(options.uri, content=body)
            return response.status_code, len(response.content)

        await common.Load(options, send).run()


asyncio.run(main())
