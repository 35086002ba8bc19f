// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

// What an extension of GNOME Shell does in enable() and disable(), and a test that disable() leaves
// nothing behind: gjs -m extension.js https://example.org

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gio from 'gi://Gio';
import Resilient from 'gi://Resilient?version=1';
import Soup from 'gi://Soup?version=3.0';
import System from 'system';

import {getBaseUri, runMain} from './exampleServer.js';

// [extension]
export class StatusExtension {
    // show() is what sets the text of a label in the panel.
    constructor(uri, show, seconds = 60) {
        this._uri = uri;
        this._show = show;
        this._seconds = seconds;
    }

    enable() {
        const client = new Resilient.Client({
            totalTimeout: 20,
            retryPolicy: {base: Resilient.RetryPolicy.get_standard(), maxRetries: 5},
        });
        const cancellable = new Gio.Cancellable();

        this._client = client;
        this._cancellable = cancellable;
        this._handler = client.connect('retry', (_client, event) =>
            this._show(`again in ${event.delay.toFixed(1)} s`));
        this._timer = GLib.timeout_add(GLib.PRIORITY_DEFAULT, this._seconds * 1000, () => {
            this._refresh(client, cancellable);
            return GLib.SOURCE_CONTINUE;
        });
        this._refresh(client, cancellable);
    }

    disable() {
        GLib.source_remove(this._timer);
        this._client.disconnect(this._handler);
        // What still waits for an answer knows by this that it must not show it.
        this._cancellable.cancel();
        // Cancels what is left and closes the connections; nobody has to wait for it.
        this._client.close();
        this._timer = this._handler = this._cancellable = this._client = null;
    }

    // Takes what it needs after an await: “this” may be disabled then, or enabled again.
    async _refresh(client, cancellable) {
        let text;

        try {
            text = (await client.get(this._uri, {cancellable})).checkStatus().text();
        } catch (error) {
            text = error.message;
        }
        if (!cancellable.is_cancelled())
            this._show(text);
    }
}
// [end]

// A server for all phases in which disable() may come: it answers, says 503, or holds the answer back.
class PhaseServer {
    constructor() {
        this.phase = null;
        this.requests = 0;
        this._held = [];
        this._server = new Soup.Server();
        this._server.add_handler(null, (_server, message) => this._answer(message));
        this._server.listen_local(0, Soup.ServerListenOptions.IPV4_ONLY);
        this.uri = this._server.get_uris()[0].to_string();
        this.port = this._server.get_uris()[0].get_port();
    }

    release() {
        this._held.splice(0).forEach(message => message.unpause());
    }

    close() {
        this._server.disconnect();
    }

    _answer(message) {
        this.requests++;
        message.set_status(this.phase === 'fail' ? 503 : 200, null);
        message.set_response('text/plain', Soup.MemoryUse.COPY, 'fine');
        if (this.phase === 'hold') {
            message.pause();
            this._held.push(message);
        }
    }
}

// How many connections to that port this process has, of the kernel's table.
function countConnections(port) {
    const [, table] = GLib.file_get_contents('/proc/self/net/tcp');
    const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const inodes = new TextDecoder().decode(table).split('\n').map(line => line.trim().split(/\s+/))
        .filter(fields => fields[2]?.endsWith(wanted)).map(fields => fields[9]);
    const fds = Gio.File.new_for_path('/proc/self/fd')
        .enumerate_children('standard::symlink-target', Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, null);
    let count = 0;

    for (let info; (info = fds.next_file(null));) {
        if (inodes.includes(/^socket:\[(\d+)\]$/.exec(info.get_symlink_target() ?? '')?.[1]))
            count++;
    }
    fds.close(null);
    return count;
}

// The ids of the sources of the main context from that id on, and the next id: they rise.
function listSources(first) {
    const next = GLib.idle_add(GLib.PRIORITY_LOW, () => GLib.SOURCE_REMOVE);
    const ids = [];

    GLib.source_remove(next);
    for (let id = first; id < next; id++) {
        if (GLib.MainContext.default().find_source_by_id(id))
            ids.push(id);
    }
    return [ids, next + 1];
}

function pause(milliseconds) {
    return new Promise(resolve => GLib.timeout_add(GLib.PRIORITY_LOW, milliseconds, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

async function until(condition, what) {
    const deadline = GLib.get_monotonic_time() + 20 * GLib.USEC_PER_SEC;

    while (!condition()) {
        if (GLib.get_monotonic_time() > deadline)
            throw new Error(`${what} does not happen`);
        await pause(1); // eslint-disable-line no-await-in-loop
    }
}

// Returns how long the last of it was there.
async function tryPhase(server, phase, isThere) {
    const [, first] = listSources(Number.MAX_SAFE_INTEGER);
    const before = server.requests;
    const shown = [];

    server.phase = phase;
    const extension = new StatusExtension(server.uri, text => shown.push(text), 0.005);

    extension.enable();
    const {_client: client, _timer: timer, _handler: handler} = extension;
    await until(() => isThere(server.requests - before, shown.length), phase);
    extension.disable();

    // It has returned. What the extension made is gone, and nothing more is shown.
    const began = GLib.get_monotonic_time();
    const wasShown = shown.length;
    if (GLib.MainContext.default().find_source_by_id(timer) ||
        GObject.signal_handler_is_connected(client, handler))
        throw new Error(`${phase}: A timer or a handler is left`);
    // No closure here holds the client: the engine may keep the newest one, and the client with it.
    await until(() => countConnections(server.port) === 0, `${phase}: the end of the last connection`);
    const duration = GLib.get_monotonic_time() - began;
    server.release();
    await pause(10);
    if (shown.length !== wasShown)
        throw new Error(`${phase}: ${shown.slice(wasShown)} is shown after disable()`);
    return [first, duration];
}

async function test() {
    const server = new PhaseServer();
    // A warning ends the program; the collector runs all the time, as it may at any.
    GLib.log_set_always_fatal(GLib.LogLevelFlags.LEVEL_WARNING | GLib.LogLevelFlags.LEVEL_CRITICAL |
        GLib.LogLevelFlags.LEVEL_ERROR);
    const collecting = GLib.timeout_add(GLib.PRIORITY_LOW, 1, () => {
        System.gc();
        return GLib.SOURCE_CONTINUE;
    });
    let [first, longest] = [0, 0];

    for (let i = 0; i < 3; i++) {
        for (const [phase, isThere] of [
            ['start', () => true], // nothing was sent yet
            ['send', requests => requests > i], // an answer is on its way
            ['answer', (_requests, shown) => shown > i], // connections are kept alive
            ['hold', requests => requests > i], // no answer comes
            ['fail', (_requests, shown) => shown > i], // a pause before the next attempt
        ]) {
            // eslint-disable-next-line no-await-in-loop
            const [id, duration] = await tryPhase(server, phase, isThere);

            longest = Math.max(longest, duration);
            // What the library has for all clients of a context comes with the first of them.
            if (i === 0 && phase === 'send')
                first = id;
        }
    }
    server.close();
    await until(() => listSources(first)[0].length === 0, 'the end of the last source');
    GLib.source_remove(collecting);
    print(`Nothing is left behind; the last connection was gone ${Math.ceil(longest / 1000)} ms after disable().`);
}

runMain(async () => {
    if (ARGV[0] === '--self-test') {
        await test();
    } else {
        const extension = new StatusExtension(getBaseUri(), print, 1);

        extension.enable();
        await pause(5000);
        extension.disable();
    }
});
