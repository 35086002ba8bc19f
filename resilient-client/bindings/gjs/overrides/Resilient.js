// SPDX-FileCopyrightText: The resilient-client authors
// SPDX-License-Identifier: MIT

/* exported _init */

// What JavaScript users get on top of the introspected library, on the prototypes of its own classes:
// verbs that take their options in an object, attributes for what is read, plain objects for
// policies, contexts and metadata, calls that can be awaited, subscriptions for “for await”, and
// errors that say what they mean to “instanceof”. Every asynchronous operation that is called
// without a callback returns a promise. And what an option or property does not take is an
// exception that names it: GObject itself only warns, and keeps the old value.
//
// The introspected functions go on working as they are. All of it runs in the thread of JavaScript.

const {Gio, GLib, GObject} = imports.gi;

// The namespace, once it is loaded.
let Resilient;

function _toCamel(name) {
    return name.replace(/[-_](.)/g, (_match, letter) => letter.toUpperCase());
}

function _toSnake(name) {
    return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

// What a message says of a value that can’t be: neither a text nor what an object holds, which may be
// a secret, and not everything has a text.
function _kind(value) {
    if (typeof value === 'string')
        return 'a string';
    if (value !== null && ['object', 'function', 'symbol'].includes(typeof value))
        return Object.prototype.toString.call(value);
    return `${value}`;
}

function _isPlain(value) {
    if (typeof value !== 'object' || value === null)
        return false;
    const prototype = Object.getPrototypeOf(value);

    // An object literal of another realm has another Object, but its prototype has none either.
    return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function _promisifyAll(holder) {
    for (const name of Object.getOwnPropertyNames(holder)) {
        // Those of _promisify() itself are the operations as they were.
        if (name.endsWith('_async') && !name.startsWith('_original_'))
            Gio._promisify(holder, name);
    }
}

// GJS makes a truth of anything: 'no' is true.
function _checkBoolean(name, value) {
    if (typeof value !== 'boolean')
        throw new TypeError(`${name} is true or false, not ${_kind(value)}`);
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

    if (typeof value === 'string' && value.includes('\0'))
        throw new RangeError(`${pspec.get_name()} can’t have a NUL`);
    if (pspec.get_name() === 'user-agent' && /[\r\n]/.test(value ?? ''))
        throw new RangeError('user-agent is one line');
    if (pspec.value_type === GObject.TYPE_BOOLEAN)
        _checkBoolean(pspec.get_name(), value);
    if (!range && pspec.value_type !== GObject.TYPE_DOUBLE)
        return;
    if (typeof value !== 'number' && typeof value !== 'bigint')
        throw new TypeError(`${pspec.get_name()} is a number, not ${_kind(value)}`);

    const number = Number(value);
    let good;
    if (range) {
        good = Number.isInteger(number) && number >= range[0] && number <= range[1];
        // What the client allows, or at least 1.
        if (number === 0 && pspec.owner_type === Resilient.Origin.$gtype)
            good = false;
    } else {
        // Of a request -1 is the client's; there is nothing between that and 0.
        good = Number.isFinite(number) && (number >= 0 || number === -1);
    }
    if (!good || !_isInRange(pspec, number))
        throw new RangeError(`${pspec.get_name()} can’t be ${_kind(value)}`);
}

function _checkProperties(klass) {
    const {prototype} = klass;
    const pspecs = new Map();

    for (const pspec of klass.list_properties()) {
        if (!(pspec.flags & GObject.ParamFlags.WRITABLE))
            continue;
        const dashed = pspec.get_name();

        if (![..._INTEGERS.keys(), GObject.TYPE_BOOLEAN, GObject.TYPE_DOUBLE, GObject.TYPE_STRING]
            .includes(pspec.value_type))
            continue;

        const underscored = dashed.replace(/-/g, '_');
        const camel = _toCamel(dashed);
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

function _hasNul(value) {
    return typeof value === 'string' ? value.includes('\0') : Array.isArray(value) && value.some(_hasNul);
}

// GJS cuts a text at its first NUL, silently: another URI would be asked, another header sent.
function _refuseNul(holder, names) {
    for (const name of names) {
        const original = holder[name];

        holder[name] = function (...values) {
            if (values.some(_hasNul))
                throw new RangeError(`${name}() takes no text that has a NUL`);
            return original.apply(this, values);
        };
        // By which Gio._promisify() knows whether there is a callback.
        Object.defineProperty(holder[name], 'length', {value: original.length});
    }
}

// GJS makes a number of anything: null is 0, and a count of 1.5 is 1.
function _checkNumber(name, value, isCount) {
    if (typeof value !== 'number')
        throw new TypeError(`${name} is a number, not ${_kind(value)}`);
    if (isCount && !(Number.isInteger(value) && Math.abs(value) < 2 ** 31))
        throw new RangeError(`${name} is an integer, not ${_kind(value)}`);
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
const _FLAGS = ['respect_retry_after', 'shared_retry_after'];

// What is out of range build() says; it does not see what GJS has made of a value.
function _checkBuilder({prototype}) {
    for (const name of [..._COUNTS, ..._NUMBERS, ..._FLAGS]) {
        const setter = `set_${name}`;
        const original = prototype[setter];

        if (!original)
            continue;
        prototype[setter] = function (value) {
            if (_FLAGS.includes(name))
                _checkBoolean(name, value);
            else
                _checkNumber(name, value, _COUNTS.includes(name));
            original.call(this, value);
        };
    }
}

// --- texts, metadata and policies

// GJS would cut a text at its first NUL, and make a text of anything.
function _checkText(name, value) {
    if (typeof value !== 'string')
        throw new TypeError(`${name} is a string, not ${_kind(value)}`);
    if (value.includes('\0'))
        throw new RangeError(`${name} can’t have a NUL`);
    return value;
}

function _checkKeys(what, settings, known) {
    if (!_isPlain(settings))
        throw new TypeError(`${what} are an object, not ${_kind(settings)}`);
    for (const name of Object.keys(settings)) {
        if (!known.has(name))
            throw new TypeError(`${what} have no ${name}`);
    }
}

// In GVariant's text format, as GJS 1.74 never frees a variant that was made floating.
function _printVariant(name, value, depth = 0) {
    // GVariant has 128 levels, and each of these is three of them.
    if (depth > 40)
        throw new RangeError('metadata are nested deeper than 40 levels, or hold themselves');
    switch (typeof value) {
    case 'string':
        _checkText(name, value);
        // Half of a surrogate pair is no character.
        return JSON.stringify(value).replace(/\\\\|\\ud[89a-f]../g,
            match => match.length > 2 ? '\ufffd' : match);
    case 'boolean':
        return `${value}`;
    case 'number':
        if (Number.isSafeInteger(value))
            return `int64 ${value}`;
        if (!Number.isFinite(value))
            throw new RangeError(`${name} can’t be ${_kind(value)}`);
        return `double ${value}`;
    }
    if (value === null)
        return '@mv nothing';
    if (value instanceof GLib.Variant)
        return value.print(true);
    if (value instanceof Uint8Array)
        return `@ay [${Array.from(value)}]`;
    if (Array.isArray(value))
        return `@av [${value.map((item, i) => `<${_printVariant(`${name}[${i}]`, item, depth + 1)}>`)}]`;
    if (!_isPlain(value))
        throw new TypeError(`${name} can’t be ${typeof value === 'object' ? 'such an object' : typeof value}`);
    const items = Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) =>
        `${_printVariant(name, key)}: <${_printVariant(`${name}.${key}`, item, depth + 1)}>`);
    return `@a{sv} {${items}}`;
}

function _toMetadata(metadata) {
    if (metadata === null || metadata === undefined || metadata instanceof GLib.Variant)
        return metadata ?? null;
    if (!_isPlain(metadata))
        throw new TypeError(`metadata are an object, not ${_kind(metadata)}`);
    return GLib.Variant.parse(new GLib.VariantType('a{sv}'), _printVariant('metadata', metadata), null, null);
}

function _fromMetadata(metadata) {
    return metadata?.recursiveUnpack() ?? {};
}

// A policy of a plain object with the builder's settings, in camel case.
function _buildPolicy(className, settings) {
    const builderClass = Resilient[`${className}Builder`];
    const {prototype} = builderClass;
    const {base = null, ...changes} = settings;
    const names = Object.getOwnPropertyNames(prototype).filter(name => name.startsWith('set_'));
    const known = new Map(names.map(name => [_toCamel(name.slice(4)), name]));

    _checkKeys(`Settings of a ${className}`, changes, known);
    if (base !== null && !(base instanceof Resilient[className]))
        throw new TypeError(`base is a policy, not ${_kind(base)}`);
    const builder = builderClass.new(base);
    for (const [name, value] of Object.entries(changes)) {
        const setter = known.get(name);

        if (value === undefined)
            continue;
        if (name === 'retryStatuses') {
            const isStatus = status => Number.isInteger(status) && status >= 0 && status < 2 ** 16;

            if (!Array.isArray(value) || !value.every(isStatus))
                throw new TypeError(`${name} are an array of statuses, not ${_kind(value)}`);
        } else if (name.endsWith('RetryAfter') && name !== 'maxRetryAfter') {
            _checkBoolean(name, value);
        } else {
            _checkNumber(name, value, !_NUMBERS.includes(setter.slice(4)));
        }
        try {
            builder[setter](value);
        } catch (error) {
            throw new RangeError(`${name} can’t be ${_kind(value)}`);
        }
    }
    try {
        return builder.build();
    } catch (error) {
        throw new RangeError(error.message.replace(/[a-z]+(_[a-z]+)+/g, _toCamel));
    }
}

// “new” of a class of values takes a plain object, too. GJS has no constructor of theirs to extend.
function _constructFrom(name, make) {
    const original = Resilient[name];

    function klass(...values) {
        if (values.length === 1 && _isPlain(values[0]))
            return make(values[0]);
        if (!original.new)
            throw new TypeError(`${name} takes an object with settings`);
        return original.new(...values);
    }
    Object.setPrototypeOf(klass, original);
    Object.defineProperty(klass, 'name', {value: name});
    klass.prototype = original.prototype;
    Resilient[name] = klass;
}

// --- errors

// The classes, each with the failures it stands for; one that has several is above those that have
// one of them. They only tell: an error stays what GLib made of it, in its own domain.
const _ERRORS = {
    CancelledError: ['CANCELLED'],
    CertificateError: ['CERTIFICATE'],
    CircuitOpenError: ['CIRCUIT_OPEN'],
    ClosedError: ['CLOSED'],
    ConnectError: ['RESOLVE', 'CONNECT', 'TLS', 'CERTIFICATE', 'CONNECT_TIMEOUT'],
    ConnectTimeoutError: ['CONNECT_TIMEOUT'],
    DeadlineError: ['DEADLINE'],
    DisconnectError: ['DISCONNECT'],
    InvalidRequestError: ['INVALID'],
    OverloadedError: ['OVERLOADED'],
    ProtocolError: ['PROTOCOL'],
    QueueTimeoutError: ['QUEUE_TIMEOUT'],
    ReadTimeoutError: ['READ_TIMEOUT'],
    RedirectError: ['REDIRECT'],
    ResolveError: ['RESOLVE'],
    TimeoutError: ['CONNECT_TIMEOUT', 'WRITE_TIMEOUT', 'READ_TIMEOUT', 'QUEUE_TIMEOUT', 'DEADLINE'],
    TooLargeError: ['TOO_LARGE'],
    WriteTimeoutError: ['WRITE_TIMEOUT'],
};

// Of an error that has not been told its failure: what its domain and code say alone.
function _guessFailure(error) {
    const {ClientError, Failure, HttpError} = Resilient;

    if (error instanceof ClientError) {
        return {
            [ClientError.CLOSED]: Failure.CLOSED,
            [ClientError.INVALID_REQUEST]: Failure.INVALID,
            [ClientError.OVERLOADED]: Failure.OVERLOADED,
            [ClientError.CIRCUIT_OPEN]: Failure.CIRCUIT_OPEN,
            [ClientError.TOO_LARGE]: Failure.TOO_LARGE,
            [ClientError.REDIRECT]: Failure.REDIRECT,
        }[error.code] ?? Failure.NONE;
    }
    return error instanceof HttpError ? Failure.STATUS : Failure.NONE;
}

function _defineErrors() {
    const {ClientError, Failure, HttpError} = Resilient;

    Resilient.Error = class {
        constructor() {
            throw new TypeError('Errors are made by the library');
        }

        static [Symbol.hasInstance](error) {
            return error instanceof GLib.Error &&
                (error.failure !== undefined || error instanceof ClientError || error instanceof HttpError);
        }
    };
    Object.defineProperty(Resilient.Error, 'name', {value: 'Error'});
    for (const [name, failures] of Object.entries(_ERRORS)) {
        const mask = failures.reduce((all, failure) => all | Failure[failure], 0);
        const klass = class extends Resilient.Error {
            static [Symbol.hasInstance](error) {
                return error instanceof GLib.Error && ((error.failure ?? _guessFailure(error)) & mask) !== 0;
            }
        };

        Object.defineProperty(klass, 'name', {value: name});
        Resilient[name] = klass;
    }
}

// Tells an error what the library knows besides.
function _describe(error, {failure, requestId, attempts}) {
    if (error instanceof GLib.Error)
        Object.assign(error, {failure, requestId, attempts});
    return error;
}

// An operation that is no request fails by its time, its cancellable, or its own error.
function _describeWait(error) {
    const {Failure} = Resilient;

    if (error.matches?.(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED))
        error.failure = Failure.CANCELLED;
    else if (error.matches?.(Gio.IOErrorEnum, Gio.IOErrorEnum.TIMED_OUT))
        error.failure = Failure.DEADLINE;
    return error;
}

// --- requests

// What fetch() calls Headers, of a response: names in either case, in the order they came.
class Headers {
    constructor(headers) {
        this._lists = new Map();
        headers.foreach((name, value) => {
            const key = name.toLowerCase();

            this._lists.set(key, [...this._lists.get(key) ?? [], value]);
        });
    }

    get(name) {
        return this._lists.get(name.toLowerCase())?.join(', ') ?? null;
    }

    getAll(name) {
        return [...this._lists.get(name.toLowerCase()) ?? []];
    }

    has(name) {
        return this._lists.has(name.toLowerCase());
    }

    get size() {
        return this._lists.size;
    }

    keys() {
        return this._lists.keys();
    }

    *values() {
        for (const name of this._lists.keys())
            yield this.get(name);
    }

    *entries() {
        for (const name of this._lists.keys())
            yield [name, this.get(name)];
    }

    forEach(func) {
        for (const [name, value] of this)
            func(value, name, this);
    }

    [Symbol.iterator]() {
        return this.entries();
    }
}

// Names and values of an object, a Map, Headers, or an array of pairs. A list is the name once for
// each value; null and undefined leave the item out.
function* _pairs(what, items) {
    // Another object would be one without names, silently.
    if (!_isPlain(items) && (typeof items !== 'object' || !items[Symbol.iterator] || ArrayBuffer.isView(items)))
        throw new TypeError(`${what} are an object, not ${_kind(items)}`);
    for (const pair of items[Symbol.iterator] ? items : Object.entries(items)) {
        if (!Array.isArray(pair) || pair.length !== 2)
            throw new TypeError(`${what} are pairs of name and value, not ${_kind(pair)}`);
        const [name, list] = pair;

        _checkText(`A name in ${what}`, name);
        for (const value of Array.isArray(list) ? list : [list]) {
            if (value === null || value === undefined)
                continue;
            if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value))
                throw new TypeError(`${what}: ${name} can’t be ${_kind(value)}`);
            yield [name, _checkText(`${what}: ${name}`, `${value}`)];
        }
    }
}

// As HTML's forms do it (URL Standard, 5.2). Half of a surrogate pair is no character.
function _encodeForm(text) {
    const characters = new TextDecoder().decode(new TextEncoder().encode(text));

    return encodeURIComponent(characters).replace(/%20/g, '+').replace(/[!'()~]/g,
        letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

function _toBytes(value) {
    return new GLib.Bytes(typeof value === 'string' ? new TextEncoder().encode(value) : value);
}

const _BODIES = {
    json(request, value, type) {
        let text;

        try {
            text = JSON.stringify(value);
        } catch (error) {
            throw new TypeError(`json: ${error?.message ?? _kind(error)}`, {cause: error});
        }
        if (text === undefined)
            throw new TypeError(`json can’t be ${typeof value}`);
        request.set_body_bytes(type ?? 'application/json', _toBytes(text));
    },
    form(request, value, type) {
        const text = [..._pairs('form', value)].map(pair => pair.map(_encodeForm).join('=')).join('&');

        request.set_body_bytes(type ?? 'application/x-www-form-urlencoded', _toBytes(text));
    },
    body(request, value, type) {
        if (typeof value === 'string')
            request.set_body_bytes(type ?? 'text/plain; charset=utf-8', _toBytes(value));
        else if (ArrayBuffer.isView(value))
            request.set_body_bytes(type ?? 'application/octet-stream',
                _toBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
        else if (value instanceof ArrayBuffer)
            request.set_body_bytes(type ?? 'application/octet-stream', _toBytes(new Uint8Array(value)));
        else if (value instanceof GLib.Bytes)
            request.set_body_bytes(type ?? 'application/octet-stream', value);
        else if (value instanceof Gio.File)
            request.set_body_file(type, value);
        else if (value instanceof Gio.InputStream)
            request.set_body_stream(type ?? 'application/octet-stream', value, -1);
        else
            throw new TypeError(`body is a string, bytes, a file or a stream, not ${_kind(value)}`);
    },
};

function _setTimeout(property) {
    return (request, value, name) => {
        if (typeof value !== 'number')
            throw new TypeError(`${name} is a number of seconds, not ${_kind(value)}`);
        // Not -1 either, which is the client’s: that is to give none.
        if (!(value >= 0 && Number.isFinite(value)))
            throw new RangeError(`${name} can’t be ${_kind(value)}`);
        request[`set_${property}`](value);
    };
}

function _setNumber(property) {
    return (request, value, name) => {
        try {
            request[`set_${property}`](value);
        } catch (error) {
            throw new error.constructor(`${name} can’t be ${_kind(value)}`);
        }
    };
}

function _setText(property) {
    return (request, value, name) => request[`set_${property}`](_checkText(name, value));
}

// Options of a request that are none of those with rules of their own.
const _OPTIONS = {
    attemptTimeout: _setTimeout('attempt_timeout'),
    connectTimeout: _setTimeout('connect_timeout'),
    queueTimeout: _setTimeout('queue_timeout'),
    readTimeout: _setTimeout('read_timeout'),
    timeout: _setTimeout('total_timeout'),
    writeTimeout: _setTimeout('write_timeout'),
    maxResponseSize: _setNumber('max_response_size'),
    priority: _setNumber('priority'),
    idempotencyKey: _setText('idempotency_key'),
    traceParent: _setText('trace_parent'),
    traceState: _setText('trace_state'),
    params(request, value, name) {
        for (const pair of _pairs(name, value))
            request.add_query_param(...pair);
    },
    headers(request, value, name) {
        const seen = new Set();

        for (const [key, text] of _pairs(name, value)) {
            // The first of a name replaces what the client sends by default.
            request[seen.has(key.toLowerCase()) ? 'append_header' : 'set_header'](key, text);
            seen.add(key.toLowerCase());
        }
    },
    idempotent(request, value, name) {
        _checkBoolean(name, value);
        const {YES, NO} = Resilient.Idempotency;

        request.set_idempotency(value ? YES : NO);
    },
    coalesce(request, value, name) {
        _checkBoolean(name, value);
        request.set_coalesce(value);
    },
    fallback(request, value, name) {
        if (typeof value !== 'function')
            throw new TypeError(`${name} is a function, not ${_kind(value)}`);
        // Who returns nothing has none, too.
        request.set_fallback((...values) => value(...values) ?? null);
    },
    fallbackUris(request, value, name) {
        if (!Array.isArray(value))
            throw new TypeError(`${name} is an array of strings, not ${_kind(value)}`);
        request.set_fallback_uris(value.map(uri => _checkText(name, uri)));
    },
};

const _CONTEXT_OPTIONS = ['requestId', 'metadata', 'retryPolicy', 'maxRetries'];
const _ALL_OPTIONS = new Set([
    ...Object.keys(_OPTIONS), ...Object.keys(_BODIES), ..._CONTEXT_OPTIONS,
    'cancellable', 'contentType', 'context',
]);

function _toPolicy(getUsual, {retryPolicy = null, maxRetries = null}) {
    let policy = retryPolicy;

    if (_isPlain(policy))
        policy = _buildPolicy('RetryPolicy', policy);
    else if (policy !== null && !(policy instanceof Resilient.RetryPolicy))
        throw new TypeError(`retryPolicy is a policy or an object, not ${_kind(policy)}`);
    if (maxRetries === null)
        return policy;
    return _buildPolicy('RetryPolicy', {base: policy ?? getUsual(), maxRetries});
}

// The usual policy is that which maxRetries changes where there is no other.
function _makeContext(settings, getUsual = () => null) {
    _checkKeys('Settings of a context', settings, new Set(_CONTEXT_OPTIONS));
    const {requestId = null} = settings;
    const policy = _toPolicy(getUsual, settings);
    const metadata = _toMetadata(settings.metadata);

    if (requestId !== null)
        _checkText('requestId', requestId);
    try {
        return Resilient.RequestContext.new(requestId, policy, metadata);
    } catch (error) {
        throw new RangeError(error.message.replace('request_id', 'requestId'));
    }
}

function _toContext(getUsual, options) {
    const names = _CONTEXT_OPTIONS.filter(name => (options[name] ?? null) !== null);
    const [first] = names;
    const context = options.context ?? null;

    if (context === null) {
        return first
            ? _makeContext(Object.fromEntries(names.map(name => [name, options[name]])), getUsual) : null;
    }
    if (first)
        throw new TypeError(`${first} belongs into the context where there is one`);
    if (context instanceof Resilient.RequestContext)
        return context;
    if (!_isPlain(context))
        throw new TypeError(`context is a context or an object, not ${_kind(context)}`);
    return _makeContext(context, getUsual);
}

// Gives a request what the options say; returns the context to send it with.
function _apply(client, request, options) {
    let body = null;

    _checkKeys('Options of a request', options, _ALL_OPTIONS);
    for (const [name, value] of Object.entries(options)) {
        if (value === undefined || value === null && name !== 'json')
            continue;
        if (_OPTIONS[name]) {
            _OPTIONS[name](request, value, name);
        } else if (_BODIES[name]) {
            if (body !== null)
                throw new TypeError(`A request has one body, not ${body} and ${name}`);
            body = name;
        } else if (name === 'contentType') {
            _checkText(name, value);
        } else if (name === 'cancellable' && !(value instanceof Gio.Cancellable)) {
            throw new TypeError(`cancellable is a Gio.Cancellable, not ${_kind(value)}`);
        }
    }
    if (body !== null)
        _BODIES[body](request, options[body], options.contentType ?? null);
    else if ((options.contentType ?? null) !== null)
        throw new TypeError('contentType is that of a body, and there is none');
    return _toContext(() => request.get_retry_policy() ?? client.get_retry_policy(), options);
}

function _newRequest(method, uri) {
    if (uri instanceof GLib.Uri)
        return Resilient.Request.new_from_uri(method, uri);
    return Resilient.Request.new(method, _checkText('uri', uri));
}

// The response of a call, or its error with what the call knows of it. It keeps the client that far,
// which nobody else may have, and which has the handlers of the signals and the subscriptions.
function _waitFor(call, cancellable = null, client = null) {
    return new Promise((resolve, reject) => {
        call._original_wait_async(cancellable, (_call, result) => {
            client = null;
            try {
                resolve(call.wait_finish(result));
            } catch (error) {
                const {CallState, Failure} = Resilient;

                // Where the call has not failed it was the wait that was cancelled.
                if (call.get_state() !== CallState.DONE || call.get_failure() === Failure.NONE)
                    reject(_describeWait(error));
                else
                    reject(_describeCall(call, error));
            }
        });
    });
}

function _describeCall(call, error) {
    return _describe(error, {
        failure: call.get_failure(),
        requestId: call.get_request_id(),
        attempts: call.get_result()?.get_attempts() ?? 0,
    });
}

// GJS keeps a function that it gave to C as long as the wrapper of the object that has it, here the
// request, which nobody holds while its call is under way. Once collected, GJS only warns of the call.
// An own property makes the wrapper stay as long as its object does.
const _withFunctions = new WeakSet();

function _keepFunctions({prototype}) {
    for (const name of ['set_fallback', 'set_body_stream_factory']) {
        const original = prototype[name];

        if (!original)
            continue;
        prototype[name] = function (...values) {
            const result = original.apply(this, values);

            this._functions = true;
            _withFunctions.add(this);
            return result;
        };
    }

    const {copy} = prototype;
    prototype.copy = function () {
        const made = copy.call(this);

        if (_withFunctions.has(this)) {
            made._functions = this;
            _withFunctions.add(made);
        }
        return made;
    };
}

function _keepWhileSent({prototype}) {
    const {send_async: send} = prototype;
    const sent = new Set();

    prototype.send_async = function (request, ...values) {
        const callback = values[values.length - 1];

        if (!_withFunctions.has(request) || typeof callback !== 'function')
            return send.call(this, request, ...values);

        const item = {request};
        const result = send.call(this, request, ...values.slice(0, -1), (...ended) => {
            sent.delete(item);
            callback(...ended);
        });
        sent.add(item);
        return result;
    };
    Object.defineProperty(prototype.send_async, 'length', {value: send.length});
}

const _VERBS = ['get', 'head', 'options', 'delete', 'post', 'put', 'patch'];

function _extendClient({prototype}) {
    const {start: original} = prototype;
    const start = function (request, context, cancellable) {
        const call = original.call(this, request, context, cancellable);

        if (_withFunctions.has(request))
            call._request = request;
        return call;
    };

    prototype.start = function (what, options = null, cancellable = null) {
        if (what instanceof Resilient.Request && (options === null || options instanceof Resilient.RequestContext))
            return start.call(this, what, options, cancellable);

        if (options !== null && !_isPlain(options))
            throw new TypeError(`Options of a request are an object, not ${_kind(options)}`);

        const {method = null, ...rest} = options ?? {};
        let request;

        if (what instanceof Resilient.Request) {
            if (method !== null)
                throw new TypeError('method is that of the request, and no option besides one');
            // What the caller has stays as it is.
            request = what.copy();
        } else {
            request = _newRequest(_checkText('method', method ?? 'GET'), what);
        }
        const context = _apply(this, request, rest);

        return start.call(this, request, context, cancellable ?? rest.cancellable ?? null);
    };
    // No async function: each of its steps would cost every request.
    prototype.request = function (method, uri, options = null) {
        try {
            // Such as a cancellable, which would be ignored.
            if (arguments.length > 3)
                throw new TypeError('A request takes a URI and options, and its cancellable is one of these');
            const request = _newRequest(_checkText('method', method), uri);
            const context = options === null ? null : _apply(this, request, options);

            return _waitFor(start.call(this, request, context, options?.cancellable ?? null), null, this);
        } catch (error) {
            return Promise.reject(error);
        }
    };
    for (const verb of _VERBS) {
        const method = verb.toUpperCase();

        prototype[verb] = function (uri, options, ...more) {
            return this.request(method, uri, options, ...more);
        };
    }
}

// An operation in camel case, with a promise alone, and arguments that may be left out.
function _promise({prototype}, name, operation, ...defaults) {
    prototype[name] = async function (...values) {
        if (values.length > defaults.length)
            throw new TypeError(`${name}() takes ${defaults.length} arguments`);
        try {
            return await this[operation](...defaults.map((usual, i) => values[i] === undefined ? usual : values[i]));
        } catch (error) {
            throw _describeWait(error);
        }
    };
}

// Below the least there is -1 alone, which is for ever.
function _checkDuration({prototype}, operation, position, name, least) {
    const original = prototype[operation];

    prototype[operation] = function (...values) {
        const value = values[position];

        _checkNumber(name, value, false);
        if (!Number.isFinite(value) || value < 0 && value !== least)
            throw new RangeError(`${name} can’t be ${_kind(value)}`);
        return original.apply(this, values);
    };
}

function _define(prototype, name, get, set) {
    Object.defineProperty(prototype, name, {configurable: true, enumerable: true, get, set});
}

// An attribute for each function that reads something and takes nothing.
function _defineAttributes(prototype) {
    for (const method of Object.getOwnPropertyNames(prototype)) {
        const [, prefix, rest] = /^(get|is|has|dup)_(.+)$/.exec(method) ?? [];

        // An operation that has been promisified takes any number, so its length is none.
        if (!prefix || method.endsWith('_async') || typeof prototype[method] !== 'function' ||
            prototype[method].length > 0)
            continue;
        const name = _toCamel(prefix === 'is' || prefix === 'has' ? method : rest);

        if (!(name in prototype)) {
            _define(prototype, name, function () {
                return this[method]();
            });
        }
    }
}

function _extendResponse({prototype}) {
    // As it came: the text of a body that was dropped is an error.
    function bytesOf(response) {
        if (!response.has_body())
            response.get_text();
        return response.get_body()?.toArray() ?? new Uint8Array();
    }

    _define(prototype, 'ok', function () {
        const status = this.get_status_code();

        return status >= 200 && status < 300;
    });
    _define(prototype, 'url', function () {
        return this.get_uri().to_string();
    });
    _define(prototype, 'headers', function () {
        return new Headers(this.dup_headers());
    });
    prototype.bytes = function () {
        // What GJS gives is the response’s own memory.
        return bytesOf(this).slice();
    };
    prototype.text = function () {
        if (!this.has_body())
            this.get_text();
        return this.dup_text_lenient();
    };
    prototype.json = function () {
        // RFC 8259, 8.1: UTF-8, whatever the label says, and a byte order mark may be ignored. GJS leaves it.
        return JSON.parse(new TextDecoder().decode(bytesOf(this)).replace(/^\ufeff/, ''));
    };
    prototype.checkStatus = function () {
        try {
            this.check_status();
        } catch (error) {
            error.failure = Resilient.Failure.STATUS;
            throw error;
        }
        return this;
    };
}

function _extendGuards() {
    const {CircuitBreaker, Debouncer, RateLimiter, Retrier, Throttle} = Resilient;

    _promise(RateLimiter, 'acquire', 'acquire_async', null);
    _promise(Throttle, 'wait', 'wait_async', null);
    _promise(Debouncer, 'wait', 'wait_async', null);
    _promise(Retrier, 'backoff', 'backoff_async', null, null);
    CircuitBreaker.prototype.run = async function (func) {
        // No failure of what the breaker guards.
        if (typeof func !== 'function')
            throw new TypeError(`func is a function, not ${_kind(func)}`);
        const permit = this.acquire();
        let result;

        try {
            result = await func();
        } catch (error) {
            if (error?.matches?.(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED))
                permit.run_dispose(); // no verdict, and not only when it is collected
            else
                permit.fail();
            throw error;
        }
        permit.succeed();
        return result;
    };
    Retrier.prototype.run = async function (func, cancellable = null) {
        for (;;) {
            try {
                cancellable?.set_error_if_cancelled();
            } catch (error) {
                throw _describeWait(error);
            }
            try {
                return await func(this.attempt);
            } catch (error) {
                // A mistake in the program does not get better by repeating it.
                if (!(error instanceof GLib.Error))
                    throw error;
                try {
                    await this.backoff_async(error, cancellable);
                } catch (last) {
                    // The same, with what it says besides, or that the pause was cancelled.
                    throw last.matches?.(error.domain, error.code) ? error : _describeWait(last);
                }
            }
        }
    };
}

// What a property takes as a plain object. Whatever else is no object GJS refuses without its name.
const _FROM_PLAIN = {
    context: value => new Resilient.RequestContext(value),
    metadata: _toMetadata,
    retryPolicy: value => new Resilient.RetryPolicy(value),
    circuitPolicy: value => new Resilient.CircuitPolicy(value),
    policy: value => new Resilient.CircuitPolicy(value),
    rateLimiter: value => new Resilient.RateLimiter(value),
    retryBudget: value => new Resilient.RetryBudget(value),
};

function _fromPlain(name, value) {
    if (value !== null && value !== undefined && typeof value !== 'object')
        throw new TypeError(`${name} is an object, not ${_kind(value)}`);
    return _isPlain(value) ? _FROM_PLAIN[name](value) : value;
}

function _takePlain({prototype}) {
    for (const name of Object.keys(_FROM_PLAIN)) {
        const snake = _toSnake(name);
        const setter = prototype[`set_${snake}`];

        if (!setter)
            continue;
        prototype[`set_${snake}`] = function (value) {
            setter.call(this, _fromPlain(name, value));
        };
        for (const spelling of new Set([name, snake, snake.replace(/_/g, '-')])) {
            _define(prototype, spelling, function () {
                const value = this[`get_${snake}`]();

                return name === 'metadata' ? _fromMetadata(value) : value;
            }, prototype[`set_${snake}`]);
        }
    }

    const init = prototype._init;
    prototype._init = function (properties, ...rest) {
        const made = Object.entries(properties ?? {}).map(([name, value]) =>
            [name, _FROM_PLAIN[_toCamel(name)] ? _fromPlain(_toCamel(name), value) : value]);

        return init.call(this, Object.fromEntries(made), ...rest);
    };
}

function _extendValues() {
    const {Event, RequestContext, Result, RetryPolicy} = Resilient;
    const {new: newContext} = RequestContext;
    const {with_metadata: withMetadata} = RequestContext.prototype;

    RequestContext.new = (id, policy, metadata) => newContext.call(RequestContext, id ?? null,
        _isPlain(policy) ? new Resilient.RetryPolicy(policy) : policy ?? null, _toMetadata(metadata));
    RequestContext.prototype.with_metadata = function (metadata) {
        return withMetadata.call(this, _toMetadata(metadata));
    };
    _define(RequestContext.prototype, 'metadata', function () {
        return _fromMetadata(this.get_metadata());
    });
    _constructFrom('RequestContext', _makeContext);
    for (const name of ['new', 'new_checked']) {
        const original = RetryPolicy[name];

        RetryPolicy[name] = (maxRetries, baseDelay) => {
            _checkNumber('maxRetries', maxRetries, true);
            _checkNumber('baseDelay', baseDelay, false);
            return original.call(RetryPolicy, maxRetries, baseDelay);
        };
    }
    for (const name of ['RetryPolicy', 'CircuitPolicy'])
        _constructFrom(name, settings => _buildPolicy(name, settings));

    for (const {prototype} of [Event, Result]) {
        _define(prototype, 'error', function () {
            const error = this.get_error();

            return error && _describe(error, {
                failure: this.get_failure(),
                requestId: this.get_context().get_request_id(),
                attempts: this.get_attempts?.() ?? this.get_context().get_current_attempt() + 1,
            });
        });
    }
}

function _init() {
    Resilient = this;

    for (const klass of [Resilient.Client, Resilient.Request, Resilient.Call, Resilient.Origin, Resilient.Batch])
        _checkProperties(klass);

    _refuseNul(Resilient, ['fetch', 'fetch_async']);
    _refuseNul(Resilient.RequestContext, ['new']);
    _refuseNul(Resilient.Request, ['new', 'new_from_uri']);
    _refuseNul(Resilient.Request.prototype, ['add_query_param', 'append_header', 'set_header', 'mark_header_secret',
        'set_idempotency_key', 'set_fallback_uris', 'set_body_bytes', 'set_body_file', 'set_body_json',
        'set_body_stream', 'set_body_stream_factory']);
    _refuseNul(Resilient.Client.prototype, ['cancel', 'get_origin', 'get_result', 'set_default_header',
        'wait_result_async', ..._VERBS.map(verb => `${verb}_async`)]);
    _refuseNul(Resilient.Origin.prototype, ['set_default_header', 'mark_header_secret']);

    const {clear_old_results: clearOldResults} = Resilient.Client.prototype;
    Resilient.Client.prototype.clear_old_results = function (maxAge) {
        if (!(Number.isFinite(maxAge) && maxAge >= 0))
            throw new RangeError(`max_age can’t be ${_kind(maxAge)}`);
        return clearOldResults.call(this, maxAge);
    };
    const {get_percentile: getPercentile} = Resilient.Stats.prototype;
    Resilient.Stats.prototype.get_percentile = function (percentile) {
        if (!(typeof percentile === 'number' && percentile >= 0 && percentile <= 1))
            throw new RangeError(`percentile can’t be ${_kind(percentile)}`);
        return getPercentile.call(this, percentile);
    };

    const {subscribe} = Resilient.Client.prototype;
    Resilient.Client.prototype.subscribe = function (capacity) {
        if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 32 - 1)
            throw new RangeError(`capacity can’t be ${_kind(capacity)}`);
        return subscribe.call(this, capacity);
    };

    _keepFunctions(Resilient.Request);
    _keepWhileSent(Resilient.Client);
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

    const {Batch, Call, Client, Request, Response, Subscription} = Resilient;

    _defineErrors();
    _extendValues();
    _extendResponse(Response);
    _extendClient(Client);
    _extendGuards();
    for (const klass of [Client, Request, Resilient.CircuitBreaker, Resilient.Origin, Resilient.Retrier])
        _takePlain(klass);
    _checkDuration(Client, 'close_async', 0, 'grace', 0);
    _checkDuration(Client, 'wait_result_async', 1, 'timeout', -1);
    _promise(Client, 'close', 'close_async', 0, null);
    _promise(Client, 'waitAll', 'wait_all_async', null);
    _promise(Client, 'waitResult', 'wait_result_async', undefined, -1, null);
    _promise(Batch, 'run', 'run_async', null);

    // Awaiting a call awaits its response; it stays a call as long as nobody does.
    Call.prototype.wait = function (cancellable = null) {
        return _waitFor(this, cancellable);
    };
    for (const name of ['then', 'catch', 'finally']) {
        Call.prototype[name] = function (...handlers) {
            return this.wait()[name](...handlers);
        };
    }

    // No generator: its return() would wait for the event that next() waits for, and would not close
    // what has not begun.
    Subscription.prototype[Symbol.asyncIterator] = function () {
        let left = false;

        return {
            next: async () => {
                const event = left ? null : await this.next_async(null);

                return event && !left ? {value: event, done: false} : {value: undefined, done: true};
            },
            return: async value => {
                left = true;
                // Who leaves the loop wants no more: nothing is collected for nobody.
                this.close();
                return {value, done: true};
            },
            [Symbol.asyncIterator]() {
                return this;
            },
        };
    };

    for (const name of Object.getOwnPropertyNames(Resilient)) {
        const {prototype} = Resilient[name] ?? {};

        if (prototype && Resilient[name].$gtype)
            _defineAttributes(prototype);
    }
}
