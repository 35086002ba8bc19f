// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// The load of bench-get.c by undici and its RetryAgent. The folder with its node_modules is in UNDICI.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { Agent, RetryAgent, request } = createRequire(process.env.UNDICI + '/')('undici');
const text = { type: 'string' };
const flag = { type: 'boolean', default: false };
const { values: options } = parseArgs({
    options: {
        'peer': text, 'uri': text, 'ca': text, 'requests': { ...text, default: '20000' },
        'in-flight': { ...text, default: '50' }, 'post': { ...text, default: '-1' }, 'at-once': flag,
        'may-fail': flag, 'base-delay-ms': { ...text, default: '-1' }, 'spawned-at': { ...text, default: '0' },
    },
});
const nRequests = Number(options.requests);
const inFlight = Number(options['in-flight']);
const base = Number(options['base-delay-ms']);
const post = Number(options.post);

const agent = new RetryAgent(new Agent({
    connections: inFlight,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: options.ca ? { ca: readFileSync(options.ca) } : {},
}), { maxRetries: 3, minTimeout: base < 0 ? 500 : base, throwOnError: false });

let nStarted = 0, nOk = 0, nBytes = 0, firstAt = 0;
const latencies = [];
const body = Buffer.alloc(Math.max(post, 0));

async function one() {
    const began = performance.now();
    let status;
    try {
        const response = await request(options.uri, post < 0
            ? { dispatcher: agent }
            : { dispatcher: agent, method: 'POST', body });
        const content = await response.body.arrayBuffer();
        status = response.statusCode;
        if (status === 200) {
            nOk++;
            nBytes += content.byteLength;
        }
    } catch (error) {
        status = error;
    }
    firstAt ||= Date.now();
    latencies.push(performance.now() - began);
    if (status !== 200 && !options['may-fail'])
        throw new Error(`A request failed: ${status}`);
}

async function worker() {
    while (nStarted < nRequests) {
        nStarted++;
        await one();
    }
}

const cpuBefore = process.cpuUsage();
const began = performance.now();
await Promise.all(options['at-once']
    ? Array.from({ length: nRequests }, one)
    : Array.from({ length: inFlight }, worker));
const seconds = (performance.now() - began) / 1e3;
const cpu = process.cpuUsage(cpuBefore);

const peakRss = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'ascii'))[1]) * 1024;

if (latencies.length !== nRequests)
    throw new Error('Some requests did not end');
latencies.sort((a, b) => a - b);
console.log(JSON.stringify({
    peer: 'undici', requests: nRequests, ok: nOk, bytes: nBytes, seconds, per_second: nRequests / seconds,
    cpu_us: (cpu.user + cpu.system) / nRequests, peak_rss: peakRss,
    p50_ms: latencies[Math.floor(nRequests / 2)], p99_ms: latencies[Math.floor(nRequests * 0.99)],
    first_ms: firstAt - Number(options['spawned-at']) / 1e3,
}));
await agent.close();
