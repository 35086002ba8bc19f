// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// One GET: gjs -m basic.js https://example.org

import Resilient from 'gi://Resilient?version=1';

import {getBaseUri, runMain} from './exampleServer.js';

// [get]
async function getText(uri) {
    const client = new Resilient.Client();
    // Connections that fail are tried again, three attempts in all, with growing pauses.
    const response = await client.get_async(uri, null, null);

    // An answer may still be a 404: check_status() makes an error of 4xx and 5xx.
    response.check_status();
    return response.get_text();
}
// [end]

runMain(async () => print((await getText(getBaseUri())).trimEnd()));
