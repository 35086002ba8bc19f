// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// Cases that tell what became of them in the Test Anything Protocol.

import GLib from 'gi://GLib';
import System from 'system';

const cases = [];

export function test(name, func) {
    cases.push([name, func]);
}

export function equal(actual, expected) {
    const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];

    if (a !== e)
        throw new Error(`${a} is not ${e}`);
}

export function ok(value, what = 'It') {
    if (!value)
        throw new Error(`${what} is not so`);
}

/* Returns the error of that domain and code which the promise or function must fail with. */
export async function fails(what, domain, code) {
    let error = null;

    try {
        await (typeof what === 'function' ? what() : what);
    } catch (caught) {
        error = caught;
    }
    if (error === null)
        throw new Error('No error was thrown');
    if (!error.matches?.(domain, code))
        throw error;
    return error;
}

/* Turns the main context until it is so, but not for ever; promises go on meanwhile. */
export function turnUntil(condition) {
    const deadline = GLib.get_monotonic_time() + 20 * GLib.USEC_PER_SEC;

    return new Promise((resolve, reject) => {
        GLib.idle_add(GLib.PRIORITY_LOW, () => {
            if (condition())
                resolve();
            else if (GLib.get_monotonic_time() < deadline)
                return GLib.SOURCE_CONTINUE;
            else
                reject(new Error('It does not happen'));
            return GLib.SOURCE_REMOVE;
        });
    });
}

/* Runs all cases in order and exits. */
export function run() {
    const loop = new GLib.MainLoop(null, false);
    let status = 0;

    (async () => {
        print(`1..${cases.length}`);
        for (const [i, [name, func]] of cases.entries()) {
            try {
                await func();
                print(`ok ${i + 1} ${name}`);
            } catch (error) {
                status = 1;
                for (const line of `${error}\n${error.stack}`.trimEnd().split('\n'))
                    print(`# ${line}`);
                print(`not ok ${i + 1} ${name}`);
            }
        }
    })().finally(() => loop.quit());
    loop.run();
    System.exit(status);
}
