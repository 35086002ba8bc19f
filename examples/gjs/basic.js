// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// One GET: gjs -m basic.js https://example.org

import Resilient from 'gi://Resilient?version=1';

import {getBaseUri, runMain} from './exampleServer.js';

// [get]
async function getText(uri) {
    const client = new Resilient.Client();
    // Connections that fail are tried again, three attempts in all, with growing pauses.
    const response = await client.get(uri, {timeout: 20}); // seconds, with all attempts and pauses

    // An answer may still be a 404: checkStatus() makes an error of 4xx and 5xx.
    return response.checkStatus().text();
}
// [end]

runMain(async () => print((await getText(getBaseUri())).trimEnd()));
