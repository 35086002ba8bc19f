// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

/* exported _init */

// What JavaScript users get on top of the introspected library: every asynchronous operation that
// is called without a callback returns a promise, and a subscription can be iterated with
// “for await”. And a number that a property does not take is an exception that names it: GObject
// itself only warns, and keeps the old value.

const {Gio, GObject} = imports.gi;

function _promisifyAll(holder) {
    for (const name of Object.getOwnPropertyNames(holder)) {
        // Those of _promisify() itself are the operations as they were.
        if (name.endsWith('_async') && !name.startsWith('_original_'))
            Gio._promisify(holder, name);
    }
}

// Whether GObject would let that property have the number.
function _isInRange(pspec, number) {
    const value = new GObject.Value();

    value.init(pspec.value_type);
    switch (pspec.value_type) {
    case GObject.TYPE_INT:
        value.set_int(number);
        break;
    case GObject.TYPE_UINT:
        value.set_uint(number);
        break;
    case GObject.TYPE_INT64:
        value.set_int64(number);
        break;
    case GObject.TYPE_UINT64:
        value.set_uint64(number);
        break;
    default:
        value.set_double(number);
    }
    return !GObject.param_value_validate(pspec, value);
}

const _INTEGERS = new Map([
    [GObject.TYPE_INT, [-(2 ** 31), 2 ** 31 - 1]],
    [GObject.TYPE_UINT, [0, 2 ** 32 - 1]],
    [GObject.TYPE_INT64, [-(2 ** 63), 2 ** 63]],
    [GObject.TYPE_UINT64, [0, 2 ** 64]],
]);

function _check(pspec, value) {
    const range = _INTEGERS.get(pspec.value_type);

    if (pspec.get_name() === 'user-agent' && /[\r\n\0]/.test(value ?? ''))
        throw new RangeError('user-agent is one line');
    if (!range && pspec.value_type !== GObject.TYPE_DOUBLE)
        return;
    if (typeof value !== 'number' && typeof value !== 'bigint')
        throw new TypeError(`${pspec.get_name()} is a number, not ${value}`);

    const number = Number(value);
    let good;
    if (range) {
        good = Number.isInteger(number) && number >= range[0] && number <= range[1];
        // What the client allows, or at least 1.
        if (number === 0 && pspec.owner_type === Origin)
            good = false;
    } else {
        // Of a request -1 is the client's; there is nothing between that and 0.
        good = Number.isFinite(number) && (number >= 0 || number === -1);
    }
    if (!good || !_isInRange(pspec, number))
        throw new RangeError(`${pspec.get_name()} can’t be ${value}`);
}

let Origin;

function _checkNumbers(klass) {
    const {prototype} = klass;
    const pspecs = new Map();

    for (const pspec of klass.list_properties()) {
        if (!(pspec.flags & GObject.ParamFlags.WRITABLE))
            continue;
        const dashed = pspec.get_name();

        if (!_INTEGERS.has(pspec.value_type) && pspec.value_type !== GObject.TYPE_DOUBLE && dashed !== 'user-agent')
            continue;

        const underscored = dashed.replace(/-/g, '_');
        const camel = dashed.replace(/-(.)/g, (_match, letter) => letter.toUpperCase());
        const setter = `set_${underscored}`;
        const original = prototype[setter];
        const property = {
            configurable: true,
            enumerable: true,
            get() {
                return this[`get_${underscored}`]();
            },
            set(value) {
                this[setter](value);
            },
        };

        prototype[setter] = function (value) {
            _check(pspec, value);
            original.call(this, value);
        };
        for (const name of [dashed, underscored, camel]) {
            pspecs.set(name, pspec);
            Object.defineProperty(prototype, name, property);
        }
    }

    const init = prototype._init;
    prototype._init = function (properties, ...rest) {
        for (const [name, value] of Object.entries(properties ?? {})) {
            if (pspecs.has(name))
                _check(pspecs.get(name), value);
        }
        return init.call(this, properties, ...rest);
    };

    const setProperty = prototype.set_property;
    prototype.set_property = function (name, value) {
        if (pspecs.has(name) && !(value instanceof GObject.Value))
            _check(pspecs.get(name), value);
        setProperty.call(this, name, value);
    };
}

// GJS makes a number of anything: null is 0, and a count of 1.5 is 1.
function _checkNumber(name, value, isCount) {
    if (typeof value !== 'number')
        throw new TypeError(`${name} is a number, not ${value}`);
    if (isCount && !(Number.isInteger(value) && Math.abs(value) < 2 ** 31))
        throw new RangeError(`${name} is an integer, not ${value}`);
}

// GObject's own constructor takes everything, and such an object would only say so when it is used.
function _checkGuard(klass, defaults) {
    const {prototype} = klass;
    const init = prototype._init;
    const make = klass.new;
    const names = Object.keys(defaults);

    klass.new = function (...values) {
        names.forEach((name, i) => _checkNumber(name, values[i], name === 'burst'));
        return make.apply(klass, values);
    };
    prototype._init = function (settings, ...rest) {
        const all = {...defaults, ...settings};

        klass.new(...names.map(name => all[name]));
        return init.call(this, settings, ...rest);
    };
}

const _COUNTS = ['max_retries', 'hedge_max', 'failure_threshold', 'minimum_calls', 'half_open_max_calls'];
const _NUMBERS = ['base_delay', 'backoff_factor', 'max_delay', 'jitter', 'max_retry_after', 'hedge_delay',
    'failure_rate', 'window', 'recovery_timeout', 'lease'];

// What is out of range build() says; it does not see what GJS has made of a value.
function _checkBuilder({prototype}) {
    for (const name of [..._COUNTS, ..._NUMBERS]) {
        const setter = `set_${name}`;
        const original = prototype[setter];

        if (!original)
            continue;
        prototype[setter] = function (value) {
            _checkNumber(name, value, _COUNTS.includes(name));
            original.call(this, value);
        };
    }
}

function _init() {
    const Resilient = this;

    Origin = Resilient.Origin.$gtype;
    for (const klass of [Resilient.Client, Resilient.Request, Resilient.Call, Resilient.Origin, Resilient.Batch])
        _checkNumbers(klass);

    const {clear_old_results: clearOldResults} = Resilient.Client.prototype;
    Resilient.Client.prototype.clear_old_results = function (maxAge) {
        if (!(Number.isFinite(maxAge) && maxAge >= 0))
            throw new RangeError(`max_age can’t be ${maxAge}`);
        return clearOldResults.call(this, maxAge);
    };
    const {get_percentile: getPercentile} = Resilient.Stats.prototype;
    Resilient.Stats.prototype.get_percentile = function (percentile) {
        if (!(typeof percentile === 'number' && percentile >= 0 && percentile <= 1))
            throw new RangeError(`percentile can’t be ${percentile}`);
        return getPercentile.call(this, percentile);
    };

    const {subscribe} = Resilient.Client.prototype;
    Resilient.Client.prototype.subscribe = function (capacity) {
        if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 32 - 1)
            throw new RangeError(`capacity can’t be ${capacity}`);
        return subscribe.call(this, capacity);
    };

    _checkBuilder(Resilient.RetryPolicyBuilder);
    _checkBuilder(Resilient.CircuitPolicyBuilder);
    _checkGuard(Resilient.RateLimiter, {rate: 1, burst: 1});
    _checkGuard(Resilient.RetryBudget, {ratio: 0.2, reserve: 10});
    _checkGuard(Resilient.Throttle, {interval: 0});
    _checkGuard(Resilient.Debouncer, {interval: 0});

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
