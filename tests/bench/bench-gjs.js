// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// What a promise costs in JavaScript: CPU time of one request after another through the callback of
// C, and through client.get(), in turns, so that both see the same machine.
//
// ./dev bench gjs
//
// The server is another process; the time is that of this thread alone (see proc(5), schedstat).

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Resilient from 'gi://Resilient?version=1';
import System from 'system';

const ROUNDS = 9;
const REQUESTS = 200;
const MAX_COST = 100; // µs

const [python, script] = ARGV;
const server = Gio.Subprocess.new([python, script],
    Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE);
const [line] = new Gio.DataInputStream({baseStream: server.get_stdout_pipe()}).read_line_utf8(null);
const uri = `${line.trim()}/text`;
const client = new Resilient.Client();

function getTime() {
    const [, text] = GLib.file_get_contents('/proc/thread-self/schedstat');

    return Number(new TextDecoder().decode(text).split(' ')[0]) / 1000;
}

function getByCallback() {
    return new Promise((resolve, reject) => {
        client.get_async(uri, null, null, (_client, result) => {
            try {
                resolve(client.get_finish(result).get_status_code());
            } catch (error) {
                reject(error);
            }
        });
    });
}

async function getByPromise() {
    return (await client.get(uri)).statusCode;
}

async function getWithOptions() {
    return (await client.get(uri, {params: {q: 1}, headers: {accept: 'text/plain'}, timeout: 10})).statusCode;
}

// In µs of CPU, for one request.
async function measure(get) {
    const before = getTime();

    for (let i = 0; i < REQUESTS; i++)
        await get(); // eslint-disable-line no-await-in-loop
    return (getTime() - before) / REQUESTS;
}

async function main() {
    const ways = [getByCallback, getByPromise, getWithOptions];
    const times = ways.map(() => []);

    for (let i = -1; i < ROUNDS; i++) {
        for (const [way, get] of ways.entries()) {
            const time = await measure(get); // eslint-disable-line no-await-in-loop

            // The first round warms up.
            if (i >= 0)
                times[way].push(time);
        }
    }
    const [callback, promise, options] = times.map(each =>
        each.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]);

    print(`callback ${callback.toFixed(1)} µs, promise ${promise.toFixed(1)} µs, ` +
        `with three options ${options.toFixed(1)} µs`);
    print(`a promise costs ${(promise - callback).toFixed(1)} µs of CPU, at most ${MAX_COST} are fine`);
    return promise - callback <= MAX_COST ? 0 : 1;
}

const loop = new GLib.MainLoop(null, false);
let status = 1;
main().then(result => (status = result), logError).finally(() => loop.quit());
loop.run();
server.force_exit();
System.exit(status);
