// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

/* exported _init */

// What JavaScript users get on top of the introspected library: every asynchronous operation that
// is called without a callback returns a promise, and a subscription can be iterated with
// “for await”.

const {Gio} = imports.gi;

function _promisifyAll(holder) {
    for (const name of Object.getOwnPropertyNames(holder)) {
        // Those of _promisify() itself are the operations as they were.
        if (name.endsWith('_async') && !name.startsWith('_original_'))
            Gio._promisify(holder, name);
    }
}

function _init() {
    const Resilient = this;

    _promisifyAll(Resilient);
    for (const name of Object.getOwnPropertyNames(Resilient)) {
        const {prototype} = Resilient[name] ?? {};

        if (prototype)
            _promisifyAll(prototype);
    }

    Resilient.Subscription.prototype[Symbol.asyncIterator] = async function* () {
        for (let event; (event = await this.next_async(null));)
            yield event;
    };
}
