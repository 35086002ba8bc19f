// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// Many requests as one operation, with its progress: gjs -m batch.js https://example.org

import Resilient from 'gi://Resilient?version=1';

import {getBaseUri, runMain} from './exampleServer.js';

// [batch]
async function fetchAll(client, uris) {
    const requests = uris.map(uri => Resilient.Request.new('GET', uri));
    const batch = Resilient.Batch.new(client, requests, Resilient.BatchFlags.NONE);

    batch.maxConcurrent = 4;
    batch.connect('notify::n-done', () => {
        print(`${batch.nDone} of ${batch.nTotal}, ${batch.nFailed} failed`);
    });
    return await batch.run_async(null);
}
// [end]

runMain(async () => {
    const base = getBaseUri();
    const uris = [...Array(10).keys()].map(number => `${base}/${number}`);
    const results = await fetchAll(new Resilient.Client(), uris);

    if (results.length !== 10 || !results.every(result => result.is_success()))
        throw new Error('Not all of them have an answer');
});
