# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What Python users get on top of the introspected library, whose names all keep their meaning.

Coroutines
    ``Resilient.run (main ())`` runs a coroutine on an asyncio event loop that waits in the main
    context of the thread. asyncio and GLib then share one thread: signal handlers, other sources of
    GLib and tasks take turns, and all of asyncio works (gather, wait_for, TaskGroup, Queue…). In a
    thread without a main context the loop brings one. For other runners,
    ``Resilient.new_event_loop`` makes such a loop. With PyGObject 3.50 or newer it is that of
    gi.events.

    An asyncio loop of another kind, such as that of a web server, can't turn a main context. There
    a client works on threads of the library's own and of this module's, and only its results come
    to the loop. Handlers of the signals of a client that was made while such a loop runs are called
    in another thread: ``async for`` over a subscription gives the same events in the loop. Those of
    a client that was made before are called in the loop.

    A request that starts where nobody turns the thread's main context, such as before the loop
    runs, is driven by a thread of the library's own.

Calls
    ``client.get (uri, …)`` and the like start a request at once and return its Resilient.Call,
    which can be awaited for the response, any number of times, or be made a task. Cancelling who
    awaits it cancels the request, at once and for all who await it; asyncio.shield() prevents that.

    What a call takes is named in its signature: ``params headers json form data content timeout
    auth request_id max_retries`` and others. ``Resilient.Timeout`` and ``Resilient.Limits`` hold
    several time-outs and limits.

    ``client.get_async (uri, context)`` and the like, given no callback while an asyncio loop of any
    kind runs, return an awaitable.

Many requests
    ``await client.gather (["https://…", request, …], max_concurrent=8)`` returns a result for each
    of them, in their order. It is the short form of Resilient.Batch.

Scripts
    ``with Resilient.Client () as client:`` closes it at the end, and ``client.sync.get (uri)``
    and the like wait for their response, where no loop runs.

Operations of any kind
    ``async with limiter:`` waits for a token, ``with breaker:`` asks a circuit breaker and reports
    to it, and ``@breaker``, ``@Resilient.throttle (0.5)`` and ``@Resilient.debounce (0.3)`` guard
    each call of a function.

    ``@Resilient.retry (max_retries=3)`` makes an asynchronous function, whatever it does, be called
    again after failures that the policy retries. For a loop of one's own there is
    Resilient.Retrier.

Exceptions
    All are a Resilient.Error, which is a GLib.Error, of a kind such as Resilient.ConnectError or
    Resilient.ReadTimeout; where it fits they are ConnectionError, TimeoutError or ValueError too.

Attributes
    What has a getter without parameters can be read as an attribute, and written if there is a
    setter: ``event.context.request_id``, ``client.stats.success_rate``, ``request.priority = 1``.
    Questions such as ``result.is_success`` may be read or called.
"""

import binascii
import collections.abc
import contextvars
import functools
import inspect
import json as json_module
import math
import operator
import os
import re
import selectors
import sys
import threading
import urllib.parse
import warnings
import weakref

import gi
from gi.repository import Gio, GLib, GObject

from ..module import get_introspection_module
from ..overrides import override

Resilient = get_introspection_module('Resilient')

__all__ = ['run', 'new_event_loop', 'Headers', 'Timeout', 'Limits']

# From this version on PyGObject has an asyncio loop for a main context. Its awaitable calls want
# that very loop, or do nothing: ours take their place.
_HAS_LOOP = gi.version_info >= (3, 50)


# --- exceptions ----------------------------------------------------------------------------------

class Error(GLib.Error):
    """Why something failed: a GLib.Error, whose matches () tells domain and code, of a kind.

    Where they are known it has what failed: request_id, uri, the number of attempts, the
    Resilient.Failure, and the response. What is none of the kinds below is one of this class.
    """

    request_id = uri = attempts = failure = response = None

    def __str__(self):
        return self.message

    def __repr__(self):
        return f'Resilient.{type(self).__name__}({self.message!r})'

    def copy(self):
        return self


class ConnectError(Error, ConnectionError):
    """No connection: refused, unreachable, or by a proxy. Nothing was sent."""


class ResolveError(ConnectError):
    """The name of the host has no address."""


class TlsError(ConnectError):
    """The handshake broke."""


class CertificateError(Error):
    """A certificate was refused by either side."""


class Disconnected(Error, ConnectionError):
    """The connection was lost when the server may have acted on the request."""


class TimedOut(Error, TimeoutError):
    """Something took too long."""


class ConnectTimeout(TimedOut):
    """Not connected in time."""


class WriteTimeout(TimedOut):
    """The server accepted nothing for too long."""


class ReadTimeout(TimedOut):
    """The server sent nothing for too long."""


class QueueTimeout(TimedOut):
    """No slot was free in time."""


class DeadlineExceeded(TimedOut):
    """The attempt, or all of the request, took too long."""


class Cancelled(Error):
    """The request was cancelled, or its client closed: not the task that awaits it."""


class ProtocolError(Error):
    """What came is not HTTP."""


class RedirectError(Error):
    """A redirect must not, or can't, be followed."""


class TooLarge(Error):
    """The response is larger than the client takes."""


class DecodeError(Error, ValueError):
    """The body is not text of its encoding, or not JSON."""


class InvalidRequest(Error, ValueError):
    """The request is not valid: nothing was sent."""


class InvalidPolicy(Error, ValueError):
    """A setting is out of range."""


class Overloaded(Error):
    """Too many requests wait."""


class Closed(Error):
    """The client is closed."""


class CircuitOpen(Error):
    """A circuit breaker lets nothing through."""


class NotFound(Error, LookupError):
    """No request of that id is known, or its result is not kept any more."""


class RetriesExhausted(Error):
    """No attempt is left."""


class StatusError(Error):
    """A response has a status of 400 to 599, which is the code."""


_ERRORS = (Error, ConnectError, ResolveError, TlsError, CertificateError, Disconnected, TimedOut,
           ConnectTimeout, WriteTimeout, ReadTimeout, QueueTimeout, DeadlineExceeded, Cancelled,
           ProtocolError, RedirectError, TooLarge, DecodeError, InvalidRequest, InvalidPolicy,
           Overloaded, Closed, CircuitOpen, NotFound, RetriesExhausted, StatusError)
for _error in _ERRORS:
    # As in tracebacks of GLib.Error.
    _error.__module__ = 'gi.repository.Resilient'
    __all__.append(_error.__name__)

_FAILURE = Resilient.Failure
_OF_FAILURES = {
    _FAILURE.RESOLVE: ResolveError, _FAILURE.CONNECT: ConnectError, _FAILURE.TLS: TlsError,
    _FAILURE.CERTIFICATE: CertificateError, _FAILURE.CONNECT_TIMEOUT: ConnectTimeout,
    _FAILURE.WRITE_TIMEOUT: WriteTimeout, _FAILURE.READ_TIMEOUT: ReadTimeout,
    _FAILURE.DISCONNECT: Disconnected, _FAILURE.PROTOCOL: ProtocolError,
    _FAILURE.REDIRECT: RedirectError, _FAILURE.TOO_LARGE: TooLarge,
    _FAILURE.QUEUE_TIMEOUT: QueueTimeout, _FAILURE.DEADLINE: DeadlineExceeded,
    _FAILURE.CANCELLED: Cancelled, _FAILURE.INVALID: InvalidRequest,
    _FAILURE.OVERLOADED: Overloaded, _FAILURE.CLOSED: Closed, _FAILURE.CIRCUIT_OPEN: CircuitOpen}
_OF_CODES = {
    'g-io-error-quark': {
        Gio.IOErrorEnum.TIMED_OUT: TimedOut, Gio.IOErrorEnum.CANCELLED: Cancelled,
        Gio.IOErrorEnum.CONNECTION_REFUSED: ConnectError,
        Gio.IOErrorEnum.HOST_UNREACHABLE: ConnectError,
        Gio.IOErrorEnum.NETWORK_UNREACHABLE: ConnectError,
        Gio.IOErrorEnum.PROXY_FAILED: ConnectError, Gio.IOErrorEnum.HOST_NOT_FOUND: ResolveError,
        Gio.IOErrorEnum.CONNECTION_CLOSED: Disconnected,
        Gio.IOErrorEnum.PARTIAL_INPUT: Disconnected},
    'g-tls-error-quark': {
        Gio.TlsError.BAD_CERTIFICATE: CertificateError,
        Gio.TlsError.CERTIFICATE_REQUIRED: CertificateError},
    GLib.quark_to_string(Resilient.client_error_quark()): {
        Resilient.ClientError.CLOSED: Closed,
        Resilient.ClientError.INVALID_REQUEST: InvalidRequest,
        Resilient.ClientError.INVALID_POLICY: InvalidPolicy,
        Resilient.ClientError.OVERLOADED: Overloaded,
        Resilient.ClientError.CIRCUIT_OPEN: CircuitOpen,
        Resilient.ClientError.TOO_LARGE: TooLarge,
        Resilient.ClientError.REDIRECT: RedirectError,
        Resilient.ClientError.NOT_FOUND: NotFound,
        Resilient.ClientError.RETRIES_EXHAUSTED: RetriesExhausted}}
_OF_DOMAINS = {'g-resolver-error-quark': ResolveError, 'g-tls-error-quark': TlsError,
               'json-parser-error-quark': DecodeError,
               GLib.quark_to_string(Resilient.http_error_quark()): StatusError}


def _to_error(error, failure=None, **known):
    """The Resilient.Error for what GLib.Error says, with what is known of it."""
    if error is None or isinstance(error, Error):
        return error
    kind = (_OF_FAILURES.get(failure) or _OF_CODES.get(error.domain, {}).get(error.code)
            or _OF_DOMAINS.get(error.domain, Error))
    made = kind(error.message, error.domain, error.code)
    # Who keeps the one has the other as its context, with all that its frames hold.
    error.__traceback__ = None
    if failure is not None:
        made.failure = failure
    for name, value in known.items():
        setattr(made, name, value)
    return made


def _raising(function):
    """An introspected function, whose errors are those above."""
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except GLib.Error as error:
            raise _to_error(error) from None

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call


# --- asyncio and the main context ----------------------------------------------------------------

class _Waker(GLib.Source):
    """Ends an iteration of the main context when a file is ready or the time has come."""

    def __init__(self):
        super().__init__()
        self.ready = {}
        self.tags = {}
        self.set_name('asyncio')

    def watch(self, fd, events):
        condition = GLib.IOCondition(0)
        if events & selectors.EVENT_READ:
            condition |= GLib.IOCondition.IN | GLib.IOCondition.HUP | GLib.IOCondition.ERR
        if events & selectors.EVENT_WRITE:
            condition |= GLib.IOCondition.OUT | GLib.IOCondition.HUP | GLib.IOCondition.ERR
        if fd in self.tags:
            self.modify_unix_fd(self.tags[fd], condition)
        else:
            self.tags[fd] = self.add_unix_fd(fd, condition)

    def unwatch(self, fd):
        self.remove_unix_fd(self.tags.pop(fd))

    # GLib itself looks at the files and at the time.
    def prepare(self):
        return False, -1

    def check(self):
        return False

    def dispatch(self, callback, args):
        self.ready = {fd: condition for fd, tag in self.tags.items()
                      if (condition := self.query_unix_fd(tag))}
        self.set_ready_time(-1)
        return GLib.SOURCE_CONTINUE


class _MainContextSelector(selectors.BaseSelector):
    """Lets an asyncio loop wait in a main context, whose other sources are dispatched meanwhile."""

    def __init__(self, context):
        self._context = context
        self._keys = {}
        self._waker = _Waker()
        self._waker.attach(context)

    def register(self, fileobj, events, data=None):
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd in self._keys:
            raise KeyError(f'{fileobj!r} is registered already')
        self._waker.watch(fd, events)
        self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return self._keys[fd]

    def unregister(self, fileobj):
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        self._waker.unwatch(key.fd)
        return key

    def modify(self, fileobj, events, data=None):
        key = self.get_key(fileobj)
        self._waker.watch(key.fd, events)
        self._keys[key.fd] = key._replace(events=events, data=data)
        return self._keys[key.fd]

    def get_key(self, fileobj):
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def get_map(self):
        return self._keys

    def select(self, timeout=None):
        if timeout is not None and timeout > 0:
            wait = int(timeout * GLib.USEC_PER_SEC) + 1
            self._waker.set_ready_time(GLib.get_monotonic_time() + wait)
        self._context.iteration(timeout is None or timeout > 0)
        self._waker.set_ready_time(-1)

        ready, self._waker.ready = self._waker.ready, {}
        return [(key, self._events(condition) & key.events) for fd, condition in ready.items()
                if (key := self._keys.get(fd))]

    @staticmethod
    def _events(condition):
        # Whoever reads or writes gets to know of the hang-up or error then.
        broken = condition & (GLib.IOCondition.HUP | GLib.IOCondition.ERR | GLib.IOCondition.NVAL)
        events = 0
        if condition & GLib.IOCondition.IN or broken:
            events |= selectors.EVENT_READ
        if condition & GLib.IOCondition.OUT or broken:
            events |= selectors.EVENT_WRITE
        return events

    def close(self):
        self._keys.clear()
        self._waker.destroy()


class _Inside:
    """Has a main context while the block runs, as the thread-default one."""

    def __init__(self, context):
        self._context = context

    def __enter__(self):
        if not self._context.acquire():
            raise RuntimeError('Another thread is using this main context')
        self._pushed = self._context != GLib.MainContext.ref_thread_default()
        if self._pushed:
            self._context.push_thread_default()

    def __exit__(self, *exception):
        if self._pushed:
            self._context.pop_thread_default()
        self._context.release()


def _turn(context):
    """Dispatch what is ready, but not for ever."""
    for _ in range(100):
        if not context.iteration(False):
            break


# Here and below asyncio is imported by who needs it: an app without it does without.
@functools.cache
def _get_loop_class():
    import asyncio
    if _HAS_LOOP:
        from gi.events import GLibEventLoop as Base
    else:
        class Base(asyncio.SelectorEventLoop):
            def __init__(self, context):
                # PyGObject's has it under this name too.
                self._context = context
                super().__init__(_MainContextSelector(context))

    class MainContextEventLoop(Base):
        def run_forever(self):
            # In all of the loop's callbacks it is this thread's: that tells where results can be
            # delivered.
            with _Inside(self._context):
                super().run_forever()

    return MainContextEventLoop


def _choose_context():
    """The thread's main context, or a new one if it has none to use."""
    context = GLib.MainContext.get_thread_default()
    if context is not None:
        return context
    context = GLib.MainContext.default()
    if context.is_owner():
        return context
    # Of the other threads none has a claim to it, and several can't share it.
    if threading.current_thread() is threading.main_thread() and context.acquire():
        context.release()
        return context
    return GLib.MainContext.new()


def new_event_loop():
    """Make an asyncio event loop that waits in the thread-default main context.

    In a thread that has none, or whose one is in use by another thread, it waits in a new one,
    which is the thread-default one while the loop runs.
    """
    return _get_loop_class()(_choose_context())


def run(coroutine, *, debug=None):
    """Run a coroutine until it ends, as asyncio.run does, on a loop of new_event_loop.

    Return what it returns. Any number of threads may do so at once, each with its own loop.
    """
    import asyncio
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)


class _Background:
    """A thread that turns a main context of its own, for asyncio loops that turn none."""

    _lock = threading.Lock()
    _context = None

    @classmethod
    def get_context(cls):
        with cls._lock:
            if cls._context is None:
                cls._context = GLib.MainContext.new()
                threading.Thread(target=cls._turn, args=[cls._context], name='Resilient',
                                 daemon=True).start()
            return cls._context

    @staticmethod
    def _turn(context):
        context.push_thread_default()
        while True:
            context.iteration(True)

    @classmethod
    def forget(cls):
        """In a forked child the thread is not there, and who had the lock may not be either."""
        cls._lock = threading.Lock()
        cls._context = None

    @classmethod
    def call(cls, function):
        source = GLib.Idle(priority=GLib.PRIORITY_DEFAULT)

        def call_once(*_):
            function()
            return GLib.SOURCE_REMOVE

        source.set_callback(call_once)
        source.attach(cls.get_context())


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_Background.forget)


def _get_running_loop():
    # Where nobody imported asyncio none of its loops runs.
    asyncio = sys.modules.get('asyncio')
    if asyncio is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _waits_in_context(loop):
    """Whether that loop, which runs in this thread, turns the thread's main context."""
    context = GLib.MainContext.ref_thread_default()
    if not context.is_owner():
        return False
    own = getattr(loop, '_context', None)
    if isinstance(own, GLib.MainContext):
        return own == context
    # A loop of asyncio's own that was run in a callback of GLib: the context is this thread's, and
    # stands still. Those of other makes that have it turn it.
    return (type(getattr(loop, '_selector', None)).__module__ != 'selectors'
            and not type(loop).__module__.startswith('uvloop'))


def _is_turned():
    """Whether this thread turns its main context."""
    loop = _get_running_loop()
    if loop is not None:
        return _waits_in_context(loop)
    return GLib.MainContext.ref_thread_default().is_owner()


class _Caretaker:
    """Turns main contexts that nobody turns, from an asyncio loop that waits elsewhere.

    A client's signals, and what was begun by a loop of GLib that ended, or in whose callback this
    loop runs, need the context where they belong. Python can't be told when there is something to
    do in it, so that it is looked at from time to time: while a request of such a client lives, or
    while somebody waits for a call that may be driven there.

    The sources of the global default context are the main thread's: in another one all that can be
    done is to say that handlers are not called.
    """

    INTERVAL = 0.02
    # An event is told to handlers a moment after the counters changed.
    LAST_LOOKS = 5

    _caretakers = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, loop):
        if loop not in cls._caretakers:
            cls._caretakers[loop] = cls(loop)
        return cls._caretakers[loop]

    def __init__(self, loop):
        self._loop = weakref.ref(loop)
        self._n_waits = 0
        self._clients = {}
        self._timer = None
        self._turning = False
        self._warned = weakref.WeakSet()

    @classmethod
    def use(cls, client):
        """See to the home context of a client that is used in the running loop."""
        loop = _get_running_loop()
        if loop is None:
            return
        home = client.get_main_context()
        if home == GLib.MainContext.ref_thread_default() and _waits_in_context(loop):
            return
        if not home.acquire():
            # Somebody turns it.
            return
        home.release()
        cls.of(loop)._add(client)

    @staticmethod
    def _may_turn(context):
        return (context != GLib.MainContext.default()
                or threading.current_thread() is threading.main_thread())

    def _add(self, client):
        self._clients[client] = 0
        self._schedule()

    @classmethod
    def wait_for(cls, future):
        """See to the thread's own context until the future is done, if its loop does not."""
        loop = future.get_loop()
        if _waits_in_context(loop) or not cls._may_turn(GLib.MainContext.ref_thread_default()):
            return
        self = cls.of(loop)
        self._n_waits += 1
        future.add_done_callback(self._waited)
        self._schedule()

    def _waited(self, future):
        self._n_waits -= 1

    def _schedule(self):
        if self._timer is None:
            self._timer = self._loop().call_later(self.INTERVAL, self._look)

    def _look(self):
        self._timer = None
        self.turn()
        for client, n_looks in list(self._clients.items()):
            stats = client.get_stats()
            ended = (stats.get_successes() + stats.get_errors() + stats.get_timeouts()
                     + stats.get_cancelled())
            if ended < stats.get_requests() or client.get_event_queue_length() > 0:
                self._clients[client] = 0
            elif n_looks < self.LAST_LOOKS:
                self._clients[client] += 1
            else:
                del self._clients[client]
        if self._clients or self._n_waits > 0:
            self._schedule()

    def turn(self):
        """Dispatch what is ready in the contexts that are seen to."""
        if self._turning:
            return
        contexts = []
        if self._n_waits > 0:
            contexts.append(GLib.MainContext.ref_thread_default())
        for client in self._clients:
            home = client.get_main_context()
            if not self._may_turn(home):
                self._warn(client, home)
            # What is the thread's goes on when the callback of GLib returns in which this loop
            # runs: unless requests that wait for a slot wait for others that are driven there.
            elif not home.is_owner() or client.get_pending_count() > 0:
                contexts.append(home)
        self._turning = True
        try:
            for number, context in enumerate(contexts):
                if context in contexts[:number] or not context.acquire():
                    continue
                context.release()
                with _Inside(context):
                    _turn(context)
        finally:
            self._turning = False

    def _warn(self, client, home):
        if (client in self._warned or client.get_event_queue_length() == 0
                or not home.acquire()):
            return
        home.release()
        self._warned.add(client)
        warnings.warn(f'Handlers of {client!r} are not called: nobody turns the main context in '
                      'which it was made. Make it where it is used, or use subscribe ()',
                      RuntimeWarning)


@functools.cache
def _get_future_class():
    import asyncio

    class Operation(asyncio.Future):
        """A task passes its cancel on to what it waits for: the operation ends then and there."""

        stop = None

        def cancel(self, *args, **kwargs):
            if not super().cancel(*args, **kwargs):
                return False
            self.stop()
            return True

    return Operation


def _call_in(loop, function, *args, context=None):
    """Call it in that loop, from another thread."""
    try:
        loop.call_soon_threadsafe(function, *args, context=context)
    except RuntimeError:
        # The loop was closed meanwhile: nobody waits any more.
        pass


def _start_operation(begin, finish=None, cancellable=None, *, call=None, client=None,
                     give_back=None):
    """Call begin (cancellable, callback) and return a future for what finish (result) returns.

    Or for the result, if there is no finish. Cancelling the future cancels the operation, and the
    call; a result that comes all the same is given back.
    """
    import asyncio
    loop = asyncio.get_running_loop()
    elsewhere = not _waits_in_context(loop)
    future = _get_future_class()(loop=loop)
    cancellable = cancellable or Gio.Cancellable.new()

    def stop():
        if call is not None:
            call.cancel()
        cancellable.cancel()

    def settle(result=None, error=None):
        # Handlers hear of it first, where nobody else calls them.
        if loop in _Caretaker._caretakers:
            _Caretaker.of(loop).turn()
        if future.done():
            if give_back is not None and result is not None:
                give_back(result)
            return
        try:
            if error is not None:
                raise error
            value = result if finish is None else finish(result)
        except Exception as exception:
            # Without its traceback, which holds the future that holds it.
            future.set_exception(exception.with_traceback(None))
        else:
            future.set_result(value)

    def deliver(*args):
        if elsewhere:
            _call_in(loop, settle, *args)
        else:
            settle(*args)

    def start():
        if future.done():
            # Given up before its turn came.
            return
        try:
            begin(cancellable, lambda source, result, *_: deliver(result))
        except Exception as error:
            deliver(None, error.with_traceback(None))

    future.stop = stop
    if client is not None:
        _Caretaker.use(client)
        if client.get_main_context() == GLib.MainContext.ref_thread_default():
            _Caretaker.wait_for(future)
    if elsewhere:
        _Background.call(start)
    else:
        start()
    return future


class _NoCallback:
    """Stands in the place of a callback, and is none."""


def _awaitable(begin, finish):
    """Make an introspected function return an awaitable if it is given no callback.

    Only while an asyncio loop runs.
    """
    names = [argument.get_name() for argument in begin.get_arguments()]
    if begin.is_method():
        names.insert(0, 'self')
    n_before_callback = names.index('callback')
    n_before_cancellable = names.index('cancellable')

    def function(*args, **kwargs):
        loop = _get_running_loop()
        if loop is None or len(args) > n_before_callback or 'callback' in kwargs:
            if loop is None or _waits_in_context(loop):
                return begin(*args, **kwargs)
            return _begin_elsewhere(loop, args, kwargs)

        if len(args) > n_before_cancellable:
            cancellable = args[n_before_cancellable]
            args = args[:n_before_cancellable]
        else:
            cancellable = kwargs.pop('cancellable', None)

        def start(cancellable, callback):
            begin(*args, **kwargs, cancellable=cancellable, callback=callback)

        def end(result):
            return finish(args[0], result) if begin.is_method() else finish(result)

        client = args[0] if begin.is_method() and isinstance(args[0], Resilient.Client) else None
        return _start_operation(start, end, cancellable, client=client)

    def check(at, key, args, kwargs):
        """Raise what is wrong with the arguments: all but the callback, which comes last, are good
        where it is that which can't be called."""
        callback = at[key]
        if callback is not None and not callable(callback):
            raise TypeError(f'Must be callable, not {type(callback).__name__}')
        at[key] = _NoCallback()
        try:
            begin(*args, **kwargs)
        except TypeError as error:
            if _NoCallback.__name__ not in str(error):
                raise
        at[key] = callback

    def _begin_elsewhere(loop, args, kwargs):
        # Nobody turns the context in which the callback would be called: it comes in the loop.
        args = list(args)
        at = args if len(args) > n_before_callback else kwargs
        key = n_before_callback if at is args else 'callback'
        check(at, key, args, kwargs)
        callback = at[key]
        if callback is not None:
            at[key] = lambda *results: _call_in(loop, callback, *results)

        def start():
            try:
                begin(*args, **kwargs)
            except Exception as error:
                _call_in(loop, loop.call_exception_handler, {
                    'message': f'{begin.__name__} did not begin, and its callback will not come',
                    'exception': error})

        _Background.call(start)

    function.__name__ = begin.__name__
    function.__doc__ = begin.__doc__
    return function


# --- values --------------------------------------------------------------------------------------

def _check_nul(name, text):
    # A string of C would end there: of 'http://good\0.bad/' no more than the start would be left.
    if isinstance(text, str) and '\0' in text:
        raise ValueError(f'{name} has a text with the character NUL')
    return text


def _to_variant(value):
    """What Python has for it, as a GVariant; the way back is _from_variant()."""
    if isinstance(value, GLib.Variant):
        return value
    if value is None:
        return GLib.Variant('mv', None)
    if isinstance(value, bool):
        return GLib.Variant('b', value)
    if isinstance(value, int):
        return GLib.Variant('x' if -2 ** 63 <= value < 2 ** 63 else 't', value)
    if isinstance(value, float):
        return GLib.Variant('d', value)
    if isinstance(value, str):
        return GLib.Variant('s', _check_nul('metadata', value))
    if isinstance(value, (bytes, bytearray)):
        return GLib.Variant('ay', bytes(value))
    if isinstance(value, dict):
        return _to_vardict(value)
    if isinstance(value, (list, tuple)):
        return GLib.Variant('av', [_to_variant(item) for item in value])
    raise TypeError(f'{type(value).__name__} can\'t be in metadata')


def _check_text(name, value):
    if value is not None and not isinstance(value, str):
        raise TypeError(f'{name} is a str, not {type(value).__name__}')
    _check_nul(name, value)


def _to_vardict(metadata):
    if metadata is None or isinstance(metadata, GLib.Variant):
        return metadata
    if not hasattr(metadata, 'items'):
        raise TypeError(f'metadata is a dictionary, not {type(metadata).__name__}')
    return GLib.Variant('a{sv}', {_check_nul('metadata', name): _to_variant(value)
                                  for name, value in metadata.items()})


def _from_variant(value):
    """As unpack() has it, but bytes are bytes."""
    kind = value.get_type_string()
    if kind == 'ay':
        return bytes(value.unpack())
    if kind == 'v':
        return _from_variant(value.get_variant())
    if kind == 'av':
        return [_from_variant(value.get_child_value(n)) for n in range(value.n_children())]
    if kind == 'a{sv}':
        return _from_vardict(value)
    return value.unpack()


def _from_vardict(metadata):
    entries = [metadata.get_child_value(n) for n in range(metadata.n_children())] if metadata else []
    return {entry.get_child_value(0).get_string(): _from_variant(entry.get_child_value(1))
            for entry in entries}


_COUNTS = ('max_retries', 'hedge_max', 'failure_threshold', 'minimum_calls', 'half_open_max_calls')
_POLICY_BUILDERS = ('RetryPolicyBuilder', 'CircuitPolicyBuilder')


def _build_policy(base, changes, kind='retry'):
    """The policy with what changes names changed."""
    builders = {'retry': Resilient.RetryPolicyBuilder, 'circuit': Resilient.CircuitPolicyBuilder}
    policies = {'retry': Resilient.RetryPolicy, 'circuit': Resilient.CircuitPolicy}
    if base is not None and not isinstance(base, policies[kind]):
        raise TypeError(f'{kind}_policy is a Resilient.{policies[kind].__name__}, not {base!r}')
    builder = builders[kind].new(base)
    for name, value in changes.items():
        setter = getattr(builder, f'set_{name}', None)
        if setter is None:
            raise TypeError(f'A {kind} policy has no {name!r}')
        if name in _COUNTS:
            value = _check_integer(name, value, GLib.MININT, GLib.MAXINT)
        try:
            setter(value)
        except (TypeError, OverflowError) as error:
            message = str(error)
            raise type(error)(message if name in message else f'{name}: {message}') from None
    return builder.build()


class RetryPolicy(Resilient.RetryPolicy):
    """RetryPolicy(base=None, **settings): a policy, or the default one, with settings of its own.

    The settings are those of Resilient.RetryPolicyBuilder, such as max_retries=5 or
    retry_statuses=[503]. Raises GLib.Error if they contradict each other.
    """

    def __new__(cls, base=None, **settings):
        return _build_policy(base, settings)

    def __init__(self, *args, **kwargs):
        # Everything was done by the constructor in C.
        pass

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, Resilient.RetryPolicy) else NotImplemented

    def __hash__(self):
        return hash((self.get_max_retries(), self.get_base_delay()))


class CircuitPolicy(Resilient.CircuitPolicy):
    """CircuitPolicy(base=None, **settings): a policy, or the default one, with settings of its own.

    The settings are those of Resilient.CircuitPolicyBuilder, such as failure_threshold=3 or
    recovery_timeout=10. Raises GLib.Error if one is out of range.
    """

    def __new__(cls, base=None, **settings):
        return _build_policy(base, settings, 'circuit')

    def __init__(self, *args, **kwargs):
        pass

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, Resilient.CircuitPolicy) else NotImplemented

    def __hash__(self):
        return hash((self.get_failure_threshold(), self.get_recovery_timeout()))


class Permit(Resilient.Permit):
    """In a with statement it reports by itself: the block's end is a success, an exception a failure.

    A block that is cancelled is neither, nor is one that ends by what is no Exception.
    """

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            self.succeed()
        elif isinstance(error, Exception) and not (
                isinstance(error, GLib.Error)
                and error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)):
            self.fail()
        else:
            # A traceback may keep it for long.
            self.run_dispose()


def _take_fields(cls, settings):
    """Take out of the settings what are fields of a subclass of RequestContext, and fill them up."""
    fields = {}
    for each in cls.__mro__[:cls.__mro__.index(RequestContext)]:
        own = vars(each)
        if '__dataclass_fields__' in own:
            # Those of a dataclass know of its own fields alone.
            each.__init__, each.__eq__ = RequestContext.__init__, RequestContext.__eq__
            each.__hash__ = RequestContext.__hash__
        for name in {*own, *own.get('__annotations__', ())}:
            if name.startswith('__'):
                continue
            if not hasattr(RequestContext, name):
                if name in settings:
                    fields[name] = settings.pop(name)
            elif name not in own or not hasattr(own[name], '__get__'):
                # What is read would not be what the library goes by.
                raise TypeError(f'{cls.__name__}.{name} would hide that of every context: give it '
                                'by keyword')
    for name, field in getattr(cls, '__dataclass_fields__', {}).items():
        # Those with a default have it as an attribute of the class.
        if name not in fields and not hasattr(cls, name):
            if not callable(field.default_factory):
                raise TypeError(f'{cls.__name__} misses {name!r}')
            fields[name] = field.default_factory()
    return fields


class RequestContext(Resilient.RequestContext):
    """RequestContext(request_id=None, policy=None, metadata=None, **settings)

    Who a request is to observers. The metadata may be a dictionary. Settings of a retry policy,
    such as max_retries=3 and base_delay=0.5, change those of policy, or of the default one.

    Attributes of a subclass, such as api_version = 'v1', and those that are only annotated or the
    fields of a dataclass, may be given by keyword too. They are Python's alone: what observers are
    to see belongs into the metadata.
    """

    def __new__(cls, request_id=None, policy=None, metadata=None, **settings):
        _check_text('request_id', request_id)
        fields = _take_fields(cls, settings)
        if settings:
            policy = _build_policy(policy, settings)
        context = RequestContext.new(request_id, policy, _to_vardict(metadata))
        if cls is not RequestContext:
            context._become(cls, fields)
        return context

    def _become(self, cls, fields):
        """Be of a subclass: the constructor in C knows of none."""
        self.__class__ = cls
        vars(self).update(fields)
        return self

    def copy(self):
        return self

    def increment_attempt(self):
        return super().increment_attempt()._become(type(self), vars(self))

    def reset_attempts(self):
        return super().reset_attempts()._become(type(self), vars(self))

    def __init__(self, *args, **kwargs):
        pass

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, Resilient.RequestContext) else NotImplemented

    def __hash__(self):
        return hash(self.get_request_id())

    def with_metadata(self, metadata=None):
        made = Resilient.RequestContext.with_metadata(self, _to_vardict(metadata))
        return made._become(type(self), vars(self))

    @property
    def metadata(self):
        return _from_vardict(self.get_metadata())


class Headers(collections.abc.Mapping):
    """The header fields of a response by name, in letters of either case.

    The value of one that came several times is all of them with commas between; get_list () has
    each of them.
    """

    def __init__(self, pairs):
        self._fields = {}
        for name, value in pairs:
            self._fields.setdefault(name.lower(), (name, []))[1].append(value)

    def __getitem__(self, name):
        # What is no name is not there.
        return ', '.join(self._fields[name.lower() if isinstance(name, str) else name][1])

    def __iter__(self):
        return iter(self._fields)

    def __len__(self):
        return len(self._fields)

    def __repr__(self):
        # Not the values, which might be secret.
        return f'<Resilient.Headers {" ".join(name for name, values in self._fields.values())}>'

    def get_list(self, name):
        """The value of each field of that name."""
        return list(self._fields[name.lower()][1]) if name.lower() in self._fields else []


# RFC 8288, 3: <URI>; name=value; name="value", <URI>…
# An end of the text is one of what is quoted, so that no text is read more often than once.
_LINK = re.compile(r'<([^<>]*)>((?:"(?:\\.?|[^"\\])*(?:"|$)|[^",])*)')
_LINK_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*(?:"((?:\\.?|[^"\\])*)(?:"|$)|([^;,\s]*))')
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)


class Response(Resilient.Response):

    @property
    def body(self):
        """The body as bytes; None if there is none."""
        return self.get_body().get_data() if self.has_body() else None

    @property
    def content(self):
        """The body as bytes; none at all if there is none."""
        return self.body or b''

    @property
    def text(self):
        """The body as a string, whatever it is: what can't be decoded is replaced by U+FFFD."""
        return self.dup_text_lenient()

    @staticmethod
    def _decode(get):
        try:
            return get()
        except GLib.Error as error:
            # Of a request it would be one of the protocol.
            if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_DATA):
                raise DecodeError(error.message, error.domain, error.code) from None
            raise

    def get_text(self):
        return self._decode(super().get_text)

    def get_json(self):
        return self._decode(super().get_json)

    def decode(self):
        """The body as a string; raises Resilient.DecodeError if it is not text of its encoding."""
        return self.get_text()

    def json(self):
        """The body as what Python has for its JSON; get_json () gives a Json.Node.

        It is UTF-8, as RFC 8259 says, whatever it is labelled. ValueError if it is no JSON.
        """
        # Raises, if the body was dropped.
        content = self.body if self.has_body() else self.get_text().encode()
        return json_module.loads(content.decode('utf-8-sig'))

    @property
    def encoding(self):
        """The charset of the Content-Type; None if it names none."""
        match = _CHARSET.search(self.get_header('Content-Type') or '')
        return match and match[1]

    @property
    def headers(self):
        """A Resilient.Headers, a mapping that takes names in letters of either case."""
        pairs = []
        self.dup_headers().foreach(lambda name, value, *_: pairs.append((name, value)))
        return Headers(pairs)

    @property
    def url(self):
        """Where it came from, after redirects, as a string."""
        return self.get_uri().to_string()

    @property
    def ok(self):
        """Whether its status is below 400."""
        return self.get_status_code() < 400

    @property
    def elapsed(self):
        """What get_elapsed_time () has in seconds, as a datetime.timedelta."""
        import datetime
        return datetime.timedelta(seconds=self.get_elapsed_time())

    @property
    def links(self):
        """The targets of its Link fields by their rel: links['next']['url'] is a whole URI."""
        links = {}
        for value in self.headers.get_list('Link'):
            for target, rest in _LINK.findall(value):
                link = {'url': urllib.parse.urljoin(self.url, target)}
                for name, quoted, token in _LINK_PARAMETER.findall(rest):
                    link.setdefault(name.lower(), re.sub(r'\\(.)', r'\1', quoted) or token)
                for rel in link.get('rel', link['url']).split():
                    links.setdefault(rel, link)
        return links

    def check_status(self):
        try:
            return super().check_status()
        except GLib.Error as error:
            raise _to_error(error, _FAILURE.STATUS, response=self, uri=self.url) from None

    def raise_for_status(self):
        """Return itself; raises Resilient.StatusError for a status of 400 to 599."""
        self.check_status()
        return self


class Result(Resilient.Result):

    def get_error(self):
        return _to_error(super().get_error(), self.get_failure(), request_id=self.get_request_id(),
                         attempts=self.get_attempts(), response=self.get_response())


class Event(Resilient.Event):

    def get_error(self):
        context = self.get_context()
        return _to_error(super().get_error(), self.get_failure(), response=self.get_response(),
                         request_id=context.get_request_id())


# --- numbers -------------------------------------------------------------------------------------

_PROPS = vars(gi._gi.GObject)['props']
_LINE_BREAK = re.compile('[\r\n\0]')
_INTEGERS = (GObject.TYPE_INT, GObject.TYPE_UINT, GObject.TYPE_INT64, GObject.TYPE_UINT64)


def _check_number(name, value, unit=''):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f'{name} is a number{unit}, not {value!r}') from None
    except OverflowError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f'{name} is a number{unit}, not {value!r}')
    return number


def _check_duration(name, value, minimum=-math.inf):
    """A number of seconds, or an exception that says which argument is none."""
    seconds = _check_number(name, value, ' of seconds')
    if seconds < minimum or minimum >= 0 and math.isinf(seconds):
        raise ValueError(f'{name} is at least 0 seconds, which means none, and finite, '
                         f'not {value!r}')
    return seconds


def _check_integer(name, value, minimum, maximum):
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f'{name} is an integer, not {value!r}') from None
    if not minimum <= number <= maximum:
        raise ValueError(f'{name} is between {minimum} and {maximum}, not {value!r}')
    return number


def _check_texts(name, value):
    """A list of texts; PyGObject takes None for the end of one."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not all(isinstance(each, str) for each in value):
        raise TypeError(f'{name} is a list of str, not {value!r}')
    return [_check_nul(name, each) for each in value]


def _check_change(cls, name, value):
    """The same of an object that is there, of which not everything can be changed."""
    pspec = cls.find_property(name)
    if pspec is not None and pspec.flags & GObject.ParamFlags.CONSTRUCT_ONLY:
        raise TypeError(f'{name.replace("-", "_")} can\'t be changed')
    return _check_setting(cls, name, value)


def _check_setting(cls, name, value):
    """What a property takes: of a number that is out of range GObject itself only warns."""
    pspec = cls.find_property(name)
    if pspec is None:
        return value
    name = name.replace('-', '_')
    if name == 'fallback_uris':
        return _check_texts(name, value)
    if pspec.value_type.is_a(GObject.TYPE_OBJECT) and value is not None:
        if not isinstance(value, GObject.Object) or not value.__gtype__.is_a(pspec.value_type):
            raise TypeError(f'{name} is a {pspec.value_type.name} or None, not {value!r}')
        return value
    if pspec.value_type in _INTEGERS:
        if value == 0 and issubclass(cls, Resilient.Origin):
            raise ValueError(f'{name} is at least 1, or -1 for what the client allows, not 0')
        return _check_integer(name, value, pspec.minimum, pspec.maximum)
    if pspec.value_type == GObject.TYPE_STRING:
        _check_text(name, value)
    if name == 'user_agent' and value is not None and _LINE_BREAK.search(value):
        raise ValueError(f'{name} is one line, not {value!r}')
    if pspec.value_type != GObject.TYPE_DOUBLE:
        return value
    if pspec.minimum < 0:
        # Of a request: the client's.
        if value is None or value == -1:
            return -1.0
    return _check_duration(name, value, 0)


def _check_settings(cls, properties):
    for name in properties:
        if cls.find_property(name.replace('_', '-')) is None:
            raise TypeError(f'{cls.__name__} has no argument {name!r}')
    return {name: _check_setting(cls, name, value) for name, value in properties.items()}


def _name_keywords(function, keywords, like=None):
    """Let help () and completion show the keywords that a function passes on.

    :param keywords: their defaults by name
    :param like: a function that it passes the other ones on to; None for itself
    """
    signature = inspect.signature(like or function)
    parameters = [parameter for parameter in signature.parameters.values()
                  if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                   for name, default in keywords.items() if name not in signature.parameters]
    function.__signature__ = signature.replace(parameters=parameters)


def _get_settable(cls):
    """The keywords that construct an object, with their defaults."""
    return {pspec.name.replace('-', '_'): pspec.default_value for pspec in cls.list_properties()
            if pspec.flags & GObject.ParamFlags.WRITABLE}


class _Properties:
    """What props is of an object, with numbers that are looked at before they are set."""

    def __init__(self, instance):
        vars(self)['_instance'] = instance
        vars(self)['_props'] = _PROPS.__get__(instance, type(instance))

    def __getattr__(self, name):
        return getattr(self._props, name)

    def __setattr__(self, name, value):
        setattr(self._props, name, _check_change(type(self._instance), name, value))

    def __dir__(self):
        return dir(self._props)

    def __iter__(self):
        return iter(self._props)


class _PropertiesOf:
    """The descriptor of those."""

    def __get__(self, instance, cls=None):
        if instance is None:
            return _PROPS.__get__(None, cls)
        return _Properties(instance)


def _set_property(self, name, value):
    GObject.Object.set_property(self, name, _check_change(type(self), name, value))


def _is_setter(cls, info):
    return (info.get_name().startswith('set_') and issubclass(cls, GObject.Object)
            and cls.find_property(info.get_name().removeprefix('set_')) is not None)


def _is_count_of_builder(cls, name):
    return cls.__name__ in _POLICY_BUILDERS and name.removeprefix('set_') in _COUNTS


def _checked(cls, info):
    """An introspected method, whose numbers and texts are looked at."""
    method = getattr(cls, info.get_name())
    setting = info.get_name().removeprefix('set_')
    is_setter = _is_setter(cls, info)
    numbers = [(number, argument.get_name())
               for number, argument in enumerate(_get_in_arguments(info))
               if is_setter or _is_count_of_builder(cls, info.get_name()) or _is_double(argument)]
    if is_setter:
        def check(name, value):
            return _check_setting(cls, setting, value)
    elif cls.__name__ in _POLICY_BUILDERS:
        # It looks at all of its settings together when it builds.
        def check(name, value):
            if setting in _COUNTS:
                return _check_integer(setting, value, GLib.MININT, GLib.MAXINT)
            return value if value is not None else _check_number(setting, value)
    elif info.get_name() == 'get_percentile':
        def check(name, value):
            if not 0 <= _check_number(name, value) <= 1:
                raise ValueError(f'{name} is between 0 and 1, not {value!r}')
            return value
    elif info.get_name() == 'clear_old_results':
        def check(name, value):
            return _check_duration(name, value, 0)
    else:
        check = _check_duration

    checks = [(number, name, check) for number, name in numbers]
    if not is_setter:
        checks += [(number, argument.get_name(), _check_nul)
                   for number, argument in enumerate(_get_in_arguments(info))
                   if _is_text(argument)]

    def function(self, *args, **kwargs):
        args = list(args)
        for number, name, check in checks:
            if number < len(args):
                args[number] = check(name, args[number])
            elif name in kwargs:
                kwargs[name] = check(name, kwargs[name])
        return method(self, *args, **kwargs)

    function.__name__ = info.get_name()
    function.__doc__ = method.__doc__
    return function


# --- requests ------------------------------------------------------------------------------------

# Methods are case-sensitive, and a server knows these in capitals only.
_METHODS = ('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE')


class _Keywords:
    """A tuple whose constructor takes keywords: so do those who copy it, or change a field."""

    __slots__ = ()

    def __getnewargs_ex__(self):
        return (), self._asdict()

    def _replace(self, **changes):
        return type(self)(**{**self._asdict(), **changes})


class Timeout(_Keywords,
              collections.namedtuple('Timeout', 'connect read write queue attempt total')):
    """Timeout(connect=, read=, write=, queue=, attempt=, total=): limits in seconds.

    None leaves one as it is: of a client the default, of a request that of the client. 0 means no
    limit. The total is that of a request with all of its attempts, and the waiting between them.
    """

    __slots__ = ()

    def __new__(cls, *, connect=None, read=None, write=None, queue=None, attempt=None, total=None):
        given = dict(connect=connect, read=read, write=write, queue=queue, attempt=attempt,
                     total=total)
        return super().__new__(cls, **{
            name: value if value is None else _check_duration(name, value, 0)
            for name, value in given.items()})


class Limits(_Keywords,
             collections.namedtuple('Limits',
                                    'max_concurrent max_concurrent_per_host max_pending')):
    """Limits(max_concurrent=, max_concurrent_per_host=, max_pending=): how many requests.

    They count requests, not connections; those beyond max_concurrent wait, those beyond max_pending
    are refused. None leaves one as it is.
    """

    __slots__ = ()

    def __new__(cls, *, max_concurrent=None, max_concurrent_per_host=None, max_pending=None):
        given = dict(max_concurrent=max_concurrent, max_pending=max_pending,
                     max_concurrent_per_host=max_concurrent_per_host)
        return super().__new__(cls, **{
            name: value if value is None else _check_setting(Resilient.Client, name, value)
            for name, value in given.items()})


def _add_once(properties, given):
    """Add to the properties those that are given, each of which is said in one way only."""
    for name, value in given.items():
        if value is None:
            continue
        if name in properties:
            raise TypeError(f'{name} is given twice')
        properties[name] = value


def _add_timeout(properties, timeout):
    if timeout is None:
        return
    if not isinstance(timeout, Timeout):
        timeout = Timeout(total=_check_duration('timeout', timeout, 0))
    _add_once(properties, {f'{name}_timeout': value for name, value in timeout._asdict().items()})


def _to_authorization(auth):
    """The header for a user and a password, as RFC 7617 says."""
    if (not isinstance(auth, (tuple, list)) or len(auth) != 2
            or not all(isinstance(each, str) for each in auth)):
        raise TypeError(f'auth is a user and a password, not {type(auth).__name__}')
    if ':' in auth[0]:
        raise ValueError('auth: there is no colon in the name of a user')
    text = binascii.b2a_base64(':'.join(auth).encode(), newline=False).decode()
    return f'Basic {text}'


def _join(base, uri):
    """The URI, put behind the base if it is no whole one."""
    if base is None or not isinstance(uri, str) or re.match('[A-Za-z][A-Za-z0-9+.-]*://', uri):
        return uri
    if uri[:1] in ('', '?', '#'):
        return base + uri
    return f'{base.rstrip("/")}/{uri.lstrip("/")}'


def _to_text(what, name, value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if value is None or isinstance(value, (bytes, bytearray, dict, list, tuple, set, frozenset)):
        raise TypeError(f'{what} {name!r} is text, a number or a list of them, '
                        f'not {type(value).__name__}')
    return str(value)


def _pairs(what, items, may_leave_out=True):
    """Each name with each of its values, as text; None is left out if it may be."""
    if isinstance(items, (str, bytes)) or not hasattr(items, '__iter__'):
        raise TypeError(f'{what}s are a mapping or pairs, not {type(items).__name__}')
    for item in items.items() if hasattr(items, 'items') else items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f'{what}s are a mapping or pairs, and one of them is a '
                            f'{type(item).__name__}')
        name, value = item
        if type(name) is int:
            name = str(name)
        if not isinstance(name, str):
            raise TypeError(f'{what} {name!r} has a name that is no str')
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None or not may_leave_out:
                yield name, _to_text(what, name, each)


def _is_form(data):
    return data is not None and (hasattr(data, 'items') or isinstance(data, (list, tuple)))


class Request(Resilient.Request):

    def __init__(self, **properties):
        super().__init__(**_check_settings(type(self), properties))

    _name_keywords(__init__, _get_settable(Resilient.Request))

    @staticmethod
    def new(method, uri):
        return Resilient.Request.new(_check_nul('method', method), _check_nul('uri', uri))

    @property
    def metadata(self):
        return _from_vardict(self.get_metadata())

    @metadata.setter
    def metadata(self, metadata):
        self.set_metadata(_to_vardict(metadata))


# The clients, held weakly, of calls that a thread of the library's own drives.
_driven_elsewhere = weakref.WeakKeyDictionary()
# Where calls go, for what they raise.
_uris = weakref.WeakKeyDictionary()


class Call(Resilient.Call):

    def __await__(self):
        future = _start_operation(self.wait_async, call=self)
        get_client = _driven_elsewhere.get(self)
        if get_client is None:
            _Caretaker.wait_for(future)
        elif (client := get_client()) is not None:
            _Caretaker.use(client)
        return self.wait_finish((yield from future))

    def wait_finish(self, result):
        try:
            return super().wait_finish(result)
        except GLib.Error as error:
            ended = self.get_result()
            raise _to_error(error, ended and ended.get_failure(), request_id=self.get_request_id(),
                            uri=_uris.get(self), attempts=ended and ended.get_attempts(),
                            response=ended and ended.get_response()) from None

    # As a coroutine a call is made a task without another coroutine around it: so it hears of a
    # cancel that comes before the task's first turn. Each task has its own way through it.
    def _get_tasks(self):
        if not hasattr(self, '_tasks'):
            self._tasks = weakref.WeakKeyDictionary()
        return self._tasks

    def send(self, value):
        import asyncio
        task, tasks = asyncio.current_task(), self._get_tasks()
        if task not in tasks:
            tasks[task] = self.__await__()
        return tasks[task].send(value)

    def throw(self, *error):
        import asyncio
        task, tasks = asyncio.current_task(), self._get_tasks()
        if task not in tasks:
            self.cancel()
            tasks[task] = self.__await__()
        return tasks[task].throw(*error)

    def close(self):
        # A coroutine's that is not run: the call goes on.
        pass


_next_async = _awaitable(Resilient.Subscription.next_async,
                         _raising(Resilient.Subscription.next_finish))


class Subscription(Resilient.Subscription):

    def next(self):
        """Return the next event, None after the last one.

        Who is cancelled leaves it to the next reader.
        """
        return self._next(Gio.Cancellable.new())

    async def _next(self, cancellable):
        import asyncio
        future = _start_operation(super().next_async, None, cancellable,
                                  give_back=self._give_back)
        try:
            result = await future
        except asyncio.CancelledError:
            if not future.cancel() and not future.cancelled():
                # It is here already, or it could not begin.
                cancellable.cancel()
                if future.exception() is None:
                    self._give_back(future.result())
            raise
        return self.next_finish(result)

    def _give_back(self, result):
        # Of a cancelled operation: the event is the next reader's.
        try:
            self.next_finish(result)
        except GLib.Error:
            pass

    def next_async(self, cancellable=None, *args, **kwargs):
        if args or kwargs or _get_running_loop() is None:
            return _next_async(self, cancellable, *args, **kwargs)
        return self._next(cancellable or Gio.Cancellable.new())

    def __aiter__(self):
        return self

    async def __anext__(self):
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        self.close()

    def __len__(self):
        return self.get_length()

    def __bool__(self):
        # One without events is still there.
        return True


# Of each thread, a context for what it starts and does not drive.
_elsewhere = threading.local()


# Header fields that a client sends to no other origin than the one that they are for.
_OF_AN_ORIGIN = ('authorization', 'proxy-authorization', 'cookie')


def _prepare(self, method, uri, context=None, *, params=None, headers=None, json=None, form=None,
             data=None, content=None, content_type=None, timeout=None, auth=None, request_id=None,
             metadata=None, idempotency_key=None, max_retries=None, retry_policy=None,
             cancellable=None, **properties):
    """
        :param method: GET and the like in letters of either case; others are sent as they are
        :param uri: a whole one, or what is to be put behind the client's base_url
        :param context: a Resilient.RequestContext; its policy wins over that of the request
        :param params: a mapping, or pairs, to be added to the query
        :param headers: a mapping to be set, or pairs to be appended
        :param json: a body that json.dumps understands; ValueError for a number that is not finite
        :param form: a mapping, or pairs, to be sent as a form, in their order
        :param content: a body of bytes or text, with its content_type
        :param data: a form, if it is a mapping or a list of pairs, else as content
        :param timeout: seconds for all of it, or a Resilient.Timeout
        :param auth: a user and a password, for this request
        :param request_id: what it is called in events and results
        :param metadata: a dictionary for observers, which is not sent
        :param idempotency_key: makes it one that may be sent again after the server got it
        :param max_retries: instead of that of the policy
        :param retry_policy: instead of the client's
        :param cancellable: cancels it, from any thread

        The other keywords are the properties of Resilient.Request. None is what is not given; a
        time-out that is not given is the client's.

        In params, headers and form a list is the same name once for each value, and True and False
        are true and false. None leaves the item out of params and headers. Bytes, and None in a
        form, are a TypeError.
    """
    if context is not None and not isinstance(context, Resilient.RequestContext):
        raise TypeError(f'context is a Resilient.RequestContext, not {type(context).__name__}')
    if sum(body is not None for body in (json, form, data, content)) > 1:
        raise TypeError('A request has one body: json, form, data or content')
    if _is_form(data):
        form, data = data, None
    content = data if content is None else content
    properties = {name: value for name, value in properties.items() if value is not None}
    _add_timeout(properties, timeout)
    if max_retries is not None:
        if context is not None and context.get_policy() is not None:
            raise TypeError('max_retries: the policy that context has would win over it')
        retry_policy = _build_policy(retry_policy or self.get_retry_policy(),
                                     {'max_retries': max_retries})
    _add_once(properties, {'retry_policy': retry_policy, 'metadata': _to_vardict(metadata)})
    for name, value in (('content_type', content_type), ('idempotency_key', idempotency_key)):
        _check_text(name, value)
    if request_id is not None:
        if context is not None:
            raise TypeError('request_id: the context has one')
        context = RequestContext(request_id)

    if isinstance(method, str) and method.upper() in _METHODS:
        method = method.upper()
    request = Request(method=method, uri=_join(self.base_url, uri), **properties)
    if idempotency_key is not None:
        request.set_idempotency_key(idempotency_key)
    for name, value in _pairs('The parameter', {} if params is None else params):
        request.add_query_param(name, value)
    appended = set() if hasattr(headers, 'items') else None
    for name, value in _pairs('The header', {} if headers is None else headers):
        if appended is None or name in appended:
            request.append_header(name, value)
        else:
            request.set_header(name, value)
            appended.add(name)
    if auth is not None:
        request.set_header('Authorization', _to_authorization(auth))
    if json is not None:
        # RFC 8259, 6: there is no NaN in JSON, and no infinity.
        try:
            content = json_module.dumps(json, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f'json: {error}') from None
        content_type = content_type or 'application/json'
    if form is not None:
        content = urllib.parse.urlencode(list(_pairs('The field', form, False)))
        content_type = content_type or 'application/x-www-form-urlencoded'
    if content is not None:
        if isinstance(content, str):
            content = content.encode()
            content_type = content_type or 'text/plain; charset=utf-8'
        elif not isinstance(content, (bytes, bytearray, memoryview, GLib.Bytes)):
            raise TypeError('content, or data that is no form, is bytes or text, '
                            f'not {type(content).__name__}')
        if not isinstance(content, GLib.Bytes):
            content = GLib.Bytes.new(bytes(content))
        request.set_body_bytes(content_type or 'application/octet-stream', content)
    return request, context, cancellable


_name_keywords(_prepare, dict.fromkeys(_get_settable(Resilient.Request)))


def _verb(method):
    def send(self, uri, context=None, **options):
        return self.request(method, uri, context, **options)

    send.__name__ = method.lower()
    send.__doc__ = f'A {method}, as request () has it, with the same keywords.'
    return send


def _add_verbs(cls):
    """Add get (), post () and the like to a class that has request ()."""
    _name_keywords(cls.request, {}, _prepare)
    cls.request.__doc__ += _prepare.__doc__
    parameters = list(cls.request.__signature__.parameters.values())
    for method in ('GET', 'HEAD', 'OPTIONS', 'DELETE', 'POST', 'PUT', 'PATCH'):
        verb = _verb(method)
        verb.__qualname__ = f'{cls.__name__}.{verb.__name__}'
        verb.__signature__ = inspect.Signature(
            [parameter for parameter in parameters if parameter.name != 'method'])
        setattr(cls, verb.__name__, verb)
    return cls


def _check_loop(what):
    """Raise where the function of C would begin, tell nobody of its end, and return None."""
    if _get_running_loop() is None:
        raise RuntimeError(f'{what} is awaited, and no asyncio loop runs in this thread')


def _is_coroutine_function(function):
    return (inspect.iscoroutinefunction(function)
            or inspect.iscoroutinefunction(getattr(type(function), '__call__', None)))


# Of callbacks; a loop holds its tasks weakly.
_tasks = set()


def _in_loop(name, function, is_wanted=lambda: True):
    """The function, called in the loop that runs now and with its context variables.

    It may be a coroutine function. Where no loop runs, it is called wherever it is. The loop comes
    to it later: it asks once more whether it is wanted then.
    """
    if not callable(function):
        raise TypeError(f'{name} is a function, not {function!r}')
    loop = _get_running_loop()
    if loop is None:
        if _is_coroutine_function(function):
            raise RuntimeError(f'{name}: one that is a coroutine function is added while its loop '
                               'runs')
        return function
    context = contextvars.copy_context()

    def call(*args):
        if not is_wanted():
            return
        result = function(*args)
        if inspect.iscoroutine(result):
            task = loop.create_task(result)
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

    return lambda *args: _call_in(loop, call, *args, context=context.copy())


def _on(event_type):
    def decorate(self, function):
        self.add_event_callback(event_type, function)
        return function

    nick = event_type.value_nick
    decorate.__name__ = f'on_{nick}'
    decorate.__qualname__ = f'Client.on_{nick}'
    decorate.__doc__ = f'@client.on_{nick}: add_event_callback () as a decorator.'
    return decorate


def _block(function, *args, **kwargs):
    """Wait for the awaitable that the function returns, in a loop of its own."""
    if _get_running_loop() is not None:
        raise RuntimeError('An asyncio loop runs in this thread, which must not be blocked: await '
                           'what client has, and use "async with"')
    import asyncio

    async def wait():
        return await function(*args, **kwargs)

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(wait())


@_add_verbs
class _Sync:
    """What a client has, for scripts and threads without a loop: each call waits for its result."""

    def __init__(self, client):
        self._client = client

    def request(self, method, uri, context=None, **options):
        """Send a request and return its Resilient.Response.
        """
        return _block(self._client.request, method, uri, context, **options)

    def wait(self, request_id, timeout=None):
        """Return the result of the newest request of that id once it has ended."""
        return _block(self._client.wait, request_id, timeout)

    def wait_all(self):
        """Return the results by request id once no request is alive."""
        return _block(self._client.wait_all)

    def gather(self, requests, **options):
        """Send the requests and return their results in order, as Client.gather () has it."""
        return _block(self._client.gather, requests, **options)

    def close(self, grace=0):
        """Refuse new requests, let live ones end for that many seconds, then cancel the rest."""
        return _block(self._client.close, grace)


# By client, what Python adds to it. As attributes of its own they would make PyGObject want the lock
# of Python's interpreter whenever another thread takes a reference. GLib 2.74 holds a lock while it
# turns a weak one into a reference, and a client that is made meanwhile waits for that with Python's.
_beside = {}


def _get_beside(client):
    key = hash(client)
    if key not in _beside:
        _beside[key] = {'base_url': None, 'callbacks': []}
        client.weak_ref(_forget_beside, key)
    return _beside[key]


def _forget_beside(key, beside=_beside):
    # At the end of the interpreter a module's names are not there any more.
    beside.pop(key, None)


@_add_verbs
class Client(Resilient.Client):
    """Client(base_url=, headers=, auth=, timeout=, limits=, retry_policy=, max_retries=, …)

    As the subject of "async with" it is closed at the end; of "with", where no loop runs, too.

    :param base_url: what a URI that is no whole one is put behind, with a slash between them
    :param headers: a mapping, or pairs, for all requests; Authorization and Cookie need a base_url,
        to whose origin alone they are sent
    :param auth: a user and a password, for the origin of base_url alone
    :param timeout: seconds for all of a request, or a Resilient.Timeout
    :param limits: a Resilient.Limits
    :param max_retries: instead of that of retry_policy

    The other keywords are the properties of the class, such as user_agent='MyApp/2.0'.
    """

    def __init__(self, *, base_url=None, headers=None, auth=None, timeout=None, limits=None,
                 retry_policy=None, max_retries=None, **properties):
        if max_retries is not None:
            retry_policy = _build_policy(retry_policy, {'max_retries': max_retries})
        _add_timeout(properties, timeout)
        if limits is not None:
            if not isinstance(limits, Limits):
                raise TypeError(f'limits is a Resilient.Limits, not {limits!r}')
            _add_once(properties, limits._asdict())
        _add_once(properties, {'retry_policy': retry_policy})
        if 'main_context' not in properties:
            loop = _get_running_loop()
            if loop is not None and not _waits_in_context(loop):
                properties['main_context'] = _Background.get_context()
        super().__init__(**_check_settings(type(self), properties))
        self._add_defaults(base_url, headers, auth)

    _name_keywords(__init__, _get_settable(Resilient.Client))

    def _add_defaults(self, base_url, headers, auth):
        origin = None
        if base_url is not None:
            if not isinstance(base_url, str):
                raise TypeError(f'base_url is a str, not {base_url!r}')
            if '?' in base_url or '#' in base_url:
                raise ValueError('base_url has no query and no fragment')
            if '@' in base_url.partition('://')[2].partition('/')[0]:
                raise ValueError('base_url has no user and no password: give them as auth')
            origin = self.get_origin(base_url)
            _get_beside(self)['base_url'] = base_url
        values = {}
        for name, value in _pairs('The header', {} if headers is None else headers):
            # RFC 9110, 5.3: the same as several lines.
            values[name] = f'{values[name]}, {value}' if name in values else value
        if auth is not None:
            if origin is None:
                raise TypeError('auth needs a base_url: it is sent to no other origin. A request '
                                'has one of its own')
            values['Authorization'] = _to_authorization(auth)
        for name, value in values.items():
            secret = isinstance(name, str) and name.lower() in _OF_AN_ORIGIN
            owner = origin if secret and origin is not None else self
            owner.set_default_header(name, value)

    def __setattr__(self, name, value):
        # One of its own: see _beside. It may as well be a slip of the pen.
        if not hasattr(type(self), name):
            raise AttributeError(f'A client has no {name!r}, and takes no attributes of others')
        super().__setattr__(name, value)

    @property
    def base_url(self):
        """What a URI that is no whole one is put behind."""
        return _beside[hash(self)]['base_url'] if hash(self) in _beside else None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        await self.close()

    def __enter__(self):
        if _get_running_loop() is not None:
            raise RuntimeError('An asyncio loop runs in this thread: use "async with"')
        return self

    def __exit__(self, *exception):
        self.sync.close()

    @property
    def sync(self):
        """The same verbs, each of which waits for its response: client.sync.get (uri).

        Not where a loop runs. Control-C cancels the request.
        """
        return _Sync(self)

    def start(self, request, context=None, cancellable=None):
        """Start a request and return its Resilient.Call, which can be awaited for the response.

        The cancellable cancels the request, from any thread.
        """
        if _is_turned():
            call = super().start(request, context, cancellable)
        else:
            # Away from the context of this thread the client uses a thread of its own.
            if not hasattr(_elsewhere, 'context'):
                _elsewhere.context = GLib.MainContext.new()
            _elsewhere.context.push_thread_default()
            try:
                call = super().start(request, context, cancellable)
            finally:
                _elsewhere.context.pop_thread_default()
            _driven_elsewhere[call] = weakref.ref(self)
        _Caretaker.use(self)
        # Who reports an error has no use for the user and the password in it.
        _uris[call] = re.sub('(?<=://)[^/?#]*@', '', request.get_uri(), count=1)
        return call

    def request(self, method, uri, context=None, **options):
        """Start a request and return its Resilient.Call, which can be awaited for the response.
        """
        return self.start(*_prepare(self, method, uri, context, **options))

    def subscribe(self, capacity):
        """Open a stream of the events to come, of which it holds so many; at least 1."""
        return super().subscribe(_check_integer('capacity', capacity, 1, GLib.MAXUINT))

    def add_event_callback(self, event_type, function):
        """Have a function, or a coroutine function, called with each event of that type.

        In the loop that runs now, as a task if it is a coroutine function, with the context
        variables of now. Where no loop runs, it is called where the handlers of signals are.

        :param event_type: a Resilient.EventType
        """
        if not isinstance(event_type, Resilient.EventType):
            raise TypeError(f'event_type is a Resilient.EventType, not {event_type!r}')
        removed = threading.Event()
        tell = _in_loop('function', function, lambda: not removed.is_set())

        def handle(client, event):
            tell(event)

        # The handler alone holds the function: it may hold the client.
        handle.function = function
        handler = self.connect(event_type.value_nick, handle)
        _get_beside(self)['callbacks'].append((event_type, weakref.ref(handle), handler, removed))

    def remove_event_callback(self, event_type, function):
        """End what add_event_callback () began, at once; ValueError if it did not."""
        callbacks = _get_beside(self)['callbacks']
        for callback in callbacks:
            of_type, handle, handler, removed = callback
            if of_type == event_type and (known := handle()) and known.function == function:
                callbacks.remove(callback)
                self.disconnect(handler)
                removed.set()
                return
        raise ValueError(f'{function!r} is no callback for {event_type!r}')

    on_success = _on(Resilient.EventType.SUCCESS)
    on_retry = _on(Resilient.EventType.RETRY)
    on_error = _on(Resilient.EventType.ERROR)
    on_timeout = _on(Resilient.EventType.TIMEOUT)
    on_cancelled = _on(Resilient.EventType.CANCELLED)

    def gather(self, requests, *, fail_fast=False, max_concurrent=0, progress=None,
               cancellable=None):
        """Send the requests and return an awaitable for their results, in order.

        Each is a Resilient.Request, or the URI of a GET. See Resilient.Batch.

        :param fail_fast: raise the first failure, and cancel the others
        :param max_concurrent: how many at once; 0 for as many as the client allows
        :param progress: a function, or coroutine function, that is called with how many are done,
            and of how many, in the loop that runs
        """
        _check_loop('gather ()')
        batch = Batch(self, requests, fail_fast=fail_fast, max_concurrent=max_concurrent)
        if progress is not None:
            tell = _in_loop('progress', progress)
            batch.connect('notify::n-done',
                          lambda batch, pspec: tell(batch.get_n_done(), batch.get_n_total()))
        return batch.run(cancellable)

    @property
    def results(self):
        """The results that are kept, by request id, oldest first."""
        return {result.get_request_id(): result for result in self.list_results()}

    async def wait(self, request_id, timeout=None):
        """Return the result of the newest request of that id once it has ended.

        :param timeout: for how many seconds to wait at most; None or less than 0 for no limit
        """
        timeout = -1 if timeout is None else _check_duration('timeout', timeout)
        return await _start_operation(
            lambda *rest: self.wait_result_async(request_id, timeout, *rest),
            self.wait_result_finish, client=self)

    async def wait_all(self):
        """Return the results by request id once no request is alive."""
        results = await _start_operation(self.wait_all_async, self.wait_all_finish, client=self)
        return {result.get_request_id(): result for result in results}

    async def close(self, grace=0):
        """Refuse new requests, let live ones end for that many seconds, then cancel the rest."""
        grace = _check_duration('grace', grace)
        await _start_operation(lambda *rest: self.close_async(grace, *rest), self.close_finish,
                               client=self)


# --- batches -------------------------------------------------------------------------------------

_run_async = _awaitable(Resilient.Batch.run_async,
                         _raising(Resilient.Batch.run_finish))


def _to_requests(client, requests):
    """A list of requests, of which some may be given as the URI of a GET."""
    try:
        if isinstance(requests, (str, bytes)):
            raise TypeError
        given = list(requests)
    except TypeError:
        raise TypeError(f'requests is a list of requests, not {requests!r}') from None
    base = getattr(client, 'base_url', None)
    made = [Request(method='GET', uri=_join(base, each)) if isinstance(each, str) else each
            for each in given]
    for each in made:
        if not isinstance(each, Resilient.Request):
            raise TypeError(f'requests is a list of Resilient.Request or URIs, not of {each!r}')
    return made


class Batch(Resilient.Batch):
    """Batch(client, requests, *, fail_fast=False, max_concurrent=0): requests as one operation.

    Requests may be given as the URI of a GET. Of the results, run () returns one for each request,
    in their order; with fail_fast it raises the first failure.
    """

    def __new__(cls, client, requests, *, fail_fast=False, max_concurrent=0):
        if not isinstance(client, Resilient.Client):
            raise TypeError(f'client is a Resilient.Client, not {client!r}')
        flags = Resilient.BatchFlags.FAIL_FAST if fail_fast else Resilient.BatchFlags.NONE
        batch = Resilient.Batch.new(client, _to_requests(client, requests), flags)
        batch.set_max_concurrent(max_concurrent)
        return batch

    def __init__(self, *args, **kwargs):
        pass

    @staticmethod
    def new(client, requests, flags):
        return Resilient.Batch.new(client, _to_requests(client, requests), flags)

    def run(self, cancellable=None):
        """Send the requests and return an awaitable for their results.

        Cancelling who awaits it cancels the batch.
        """
        _check_loop('run ()')
        return self.run_async(cancellable)

    def run_async(self, *args, **kwargs):
        _Caretaker.use(self.get_client())
        return _run_async(self, *args, **kwargs)


# --- operations of any kind ----------------------------------------------------------------------

def _to_tls_cause(error, ssl):
    """The same of an error of Python's TLS, whose errno is a number of its own and not the system's."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return GLib.Error.new_literal(Gio.io_error_quark(), str(error),
                                      Gio.IOErrorEnum.CONNECTION_CLOSED)
    code = (Gio.TlsError.BAD_CERTIFICATE if isinstance(error, ssl.SSLCertVerificationError)
            else Gio.TlsError.MISC)
    return GLib.Error.new_literal(Gio.tls_error_quark(), str(error), code)


def _to_cause(error):
    """Why an attempt failed, in the words of GIO; None if it has none for it."""
    if isinstance(error, GLib.Error):
        return error
    # Whoever has such an error has the module.
    if (ssl := sys.modules.get('ssl')) and isinstance(error, ssl.SSLError):
        return _to_tls_cause(error, ssl)
    if isinstance(error, TimeoutError):
        code = Gio.IOErrorEnum.TIMED_OUT
    elif isinstance(error, EOFError):
        code = Gio.IOErrorEnum.PARTIAL_INPUT
    elif isinstance(error, OSError) and type(error).__name__ == 'gaierror':
        code = Gio.IOErrorEnum.HOST_NOT_FOUND
    elif isinstance(error, OSError) and error.errno is not None:
        code = Gio.io_error_from_errno(error.errno)
    elif type(error) is OSError or isinstance(error, ConnectionError):
        # asyncio's, after it tried several addresses.
        code = Gio.IOErrorEnum.CONNECTION_REFUSED
    else:
        return None
    return GLib.Error.new_literal(Gio.io_error_quark(), str(error), code)


# PyGObject can't pass NULL for an error; this one means the same.
_NO_CAUSE = GLib.Error.new_literal(Resilient.ClientError.quark(), '',
                                   Resilient.ClientError.RETRIES_EXHAUSTED)
_backoff_async = _awaitable(Resilient.Retrier.backoff_async,
                         _raising(Resilient.Retrier.backoff_finish))


class Retrier(Resilient.Retrier):

    def backoff(self, cause=None, cancellable=None):
        """Sleep until it is time for the next attempt; raise the cause if there is none.

        The cause is a GLib.Error, or an OSError, TimeoutError or EOFError; None is retried in any
        case.
        """
        _check_loop('backoff ()')
        return self.backoff_async(cause, cancellable)

    def backoff_async(self, cause=None, *args, **kwargs):
        reason = _NO_CAUSE if cause is None else _to_cause(cause)
        if reason is None:
            raise TypeError('cause is a GLib.Error, OSError, TimeoutError or EOFError, '
                            f'not {cause!r}')
        return _backoff_async(self, reason, *args, **kwargs)


# --- guards ---------------------------------------------------------------------------------------

def _checked_guard(original, **defaults):
    """The class, whose constructor raises what is wrong with a setting.

    GObject's own takes everything, and such an object would only say so when it is used.
    """
    def check(settings):
        for name, value in settings.items():
            if isinstance(defaults[name], int):
                _check_integer(name, value, GLib.MININT, GLib.MAXINT)
            elif not hasattr(value, '__float__') and not hasattr(value, '__index__'):
                raise TypeError(f'{name} is a number, not {value!r}')

    def __init__(self, **settings):
        if unknown := settings.keys() - defaults.keys():
            raise TypeError(f'{original.__name__} has no setting {min(unknown)}')
        settings = {**defaults, **settings}
        check(settings)
        _raising(original.new)(*settings.values())
        original.__init__(self, **settings)

    def new(*values):
        check(dict(zip(defaults, values)))
        return _raising(original.new)(*values)

    __init__.__qualname__ = f'{original.__name__}.__init__'
    return type(original.__name__, (original,),
                {'__module__': __name__, '__init__': __init__, 'new': staticmethod(new)})


class RateLimiter(_checked_guard(Resilient.RateLimiter, rate=1.0, burst=1)):
    """RateLimiter(rate=1, burst=1): "async with limiter:" takes a token before its block."""

    async def __aenter__(self):
        await self.acquire_async()
        return self

    async def __aexit__(self, *exception):
        pass


RetryBudget = _checked_guard(Resilient.RetryBudget, ratio=0.2, reserve=10.0)
Throttle = _checked_guard(Resilient.Throttle, interval=0.0)
Debouncer = _checked_guard(Resilient.Debouncer, interval=0.0)

# The breakers whose blocks this task or thread is in, each with its permit.
_permits = contextvars.ContextVar('permits', default=())


async def _await_under(permit, awaitable):
    with permit:
        return await awaitable


class CircuitBreaker(Resilient.CircuitBreaker):
    """CircuitBreaker(policy=None): guards an operation of any kind.

    "with breaker:" and "async with breaker:" raise Resilient.CircuitOpen, or report how their block
    ended, as a Permit does. As a decorator it does so for each call of a function, or coroutine
    function, and for what a function returns to be awaited. Blocks that one task begins and another
    ends need acquire ().
    """

    def __init__(self, policy=None):
        if policy is not None and not isinstance(policy, Resilient.CircuitPolicy):
            raise TypeError(f'policy is a Resilient.CircuitPolicy, not {policy!r}')
        super().__init__(**{} if policy is None else {'policy': policy})

    def __call__(self, function):
        # Of a generator the call alone would be guarded, and nothing of what it does.
        if (not callable(function) or inspect.isgeneratorfunction(function)
                or inspect.isasyncgenfunction(function)):
            raise TypeError(f'A breaker guards a function or coroutine function, not {function!r}')
        if _is_coroutine_function(function):
            @functools.wraps(function)
            async def call(*args, **kwargs):
                with self.acquire():
                    return await function(*args, **kwargs)
        else:
            @functools.wraps(function)
            def call(*args, **kwargs):
                permit = self.acquire()
                try:
                    result = function(*args, **kwargs)
                except BaseException as error:
                    permit.__exit__(type(error), error, error.__traceback__)
                    raise
                if inspect.isawaitable(result):
                    # All that it does is still to come.
                    return _await_under(permit, result)
                permit.succeed()
                return result
        return call

    def __enter__(self):
        permit = self.acquire()
        _permits.set((*_permits.get(), (self, permit)))
        return permit

    def __exit__(self, *exception):
        permits = list(_permits.get())
        for number in reversed(range(len(permits))):
            breaker, permit = permits[number]
            if breaker is self:
                del permits[number]
                _permits.set(tuple(permits))
                return permit.__exit__(*exception)
        raise RuntimeError('This task did not begin the block of the breaker')

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *exception):
        return self.__exit__(*exception)


# --- what is the same for all --------------------------------------------------------------------

def _get_in_arguments(info):
    return [argument for argument in info.get_arguments()
            if argument.get_direction() != gi._gi.Direction.OUT]


class _Answer(int):
    """True or False. It may also be called, as the method that it is in other languages."""

    def __call__(self):
        return bool(self)

    def __repr__(self):
        return repr(bool(self))

    __str__ = __repr__


class _Question:
    """A method that says whether something is so: an attribute, and right when it is called."""

    def __init__(self, method):
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, instance, cls=None):
        return self._method if instance is None else _Answer(self._method(instance))


def _is_question(info):
    return (info.get_name().startswith(('is_', 'has_')) and not _get_in_arguments(info)
            and not info.can_throw_gerror()
            and info.get_return_type().get_tag() == gi._gi.TypeTag.BOOLEAN)


def _get_tag(argument):
    # Newer versions have another name for it.
    get_type = getattr(argument, 'get_type', None) or argument.get_type_info
    return get_type().get_tag()


def _is_double(argument):
    return _get_tag(argument) == gi._gi.TypeTag.DOUBLE


def _is_text(argument):
    return _get_tag(argument) == gi._gi.TypeTag.UTF8


def _add_attributes(cls):
    methods = {info.get_name(): info for info in cls.__info__.get_methods() if info.is_method()}

    for name, info in methods.items():
        if _is_question(info):
            setattr(cls, name, _Question(getattr(cls, name)))
        elif (_is_setter(cls, info) or _is_count_of_builder(cls, name)
              or any(_is_double(argument) or _is_text(argument)
                     for argument in _get_in_arguments(info))):
            setattr(cls, name, _checked(cls, info))

    for name, info in methods.items():
        attribute = name.removeprefix('get_')
        if (attribute == name or hasattr(cls, attribute)
                or info.can_throw_gerror() or _get_in_arguments(info)):
            continue
        setter = methods.get(f'set_{attribute}')
        if setter is not None and len(_get_in_arguments(setter)) != 1:
            setter = None
        setattr(cls, attribute, property(
            lambda self, name=name: getattr(self, name)(),
            setter and (lambda self, value, name=setter.get_name(): getattr(self, name)(value))))


def _add_errors(cls):
    for info in cls.__info__.get_methods():
        if info.can_throw_gerror():
            function = _raising(getattr(cls, info.get_name()))
            setattr(cls, info.get_name(), function if info.is_method() else staticmethod(function))


def _add_awaitables(cls):
    for info in cls.__info__.get_methods():
        name = info.get_name()
        if name.endswith('_async') and name not in vars(cls):
            finish = getattr(cls, name.removesuffix('_async') + '_finish')
            setattr(cls, name, _awaitable(getattr(cls, name), finish))


def _add_repr(cls, *names):
    def show(value):
        if hasattr(value, 'value_nicks'):
            return '|'.join(nick for nick in value.value_nicks if nick != 'none') or 'none'
        return value.value_nick if hasattr(value, 'value_nick') else repr(value)

    def to_string(self):
        parts = ''.join(f' {name}={show(getattr(self, name))}' for name in names)
        return f'<Resilient.{cls.__name__}{parts}>'

    # Nothing that might be secret: no URI, no header, no body, no metadata.
    cls.__repr__ = to_string


_OVERRIDDEN = {cls.__name__: cls for cls in
               (RetryPolicy, CircuitPolicy, Permit, RequestContext, Response, Request, Call, Result,
                Event,
                Subscription, Client, Batch, Retrier, RateLimiter, RetryBudget, Throttle, Debouncer,
                CircuitBreaker)}
_REPR = {
    'Batch': ('n_done', 'n_failed', 'n_total', 'max_concurrent'),
    'Attempt': ('number', 'failure', 'status_code', 'duration', 'reason'),
    'CircuitPolicy': ('failure_threshold', 'failure_rate', 'minimum_calls', 'window',
                      'recovery_timeout', 'half_open_max_calls', 'lease'),
    'Event': ('event_type', 'context', 'sequence', 'failure', 'reason', 'delay'),
    'RequestContext': ('request_id', 'current_attempt', 'max_retries'),
    'Response': ('status_code', 'reason_phrase', 'content_type', 'elapsed_time'),
    'Result': ('request_id', 'status', 'attempts', 'failure', 'total_time'),
    'RetryPolicy': ('max_retries', 'base_delay', 'backoff_factor', 'max_delay', 'jitter_mode',
                    'jitter', 'retry_on', 'retry_statuses'),
    'Stats': ('requests', 'attempts', 'retries', 'successes', 'errors', 'timeouts', 'cancelled',
              'refused'),
}


def _refuse_pickling(self, protocol):
    raise TypeError(f'A Resilient.{type(self).__name__} can\'t be pickled or copied: it belongs to '
                    'this process. Send what it is made of, and make another one there')


def _override_all():
    for name in dir(Resilient):
        original = getattr(Resilient, name)
        if not isinstance(original, type) or not isinstance(
                getattr(original, '__info__', None), (gi._gi.ObjectInfo, gi._gi.StructInfo)):
            continue
        if not any(info.is_method() for info in original.__info__.get_methods()):
            continue
        cls = _OVERRIDDEN.get(name) or type(name, (original,), {'__module__': __name__})
        _add_errors(cls)
        _add_awaitables(cls)
        _add_attributes(cls)
        if issubclass(cls, GObject.Object):
            cls.props = _PropertiesOf()
            cls.set_property = _set_property
        if name in _REPR:
            _add_repr(cls, *_REPR[name])
        if not issubclass(cls, GObject.Object) and not name.endswith('Builder'):
            # Values never change.
            cls.__copy__ = lambda self: self
            cls.__deepcopy__ = lambda self, memo: self
        cls.__reduce_ex__ = _refuse_pickling
        globals()[name] = override(cls)
        __all__.append(name)


_override_all()

def _checked_fetch(function):
    def fetch(method, uri, max_retries, timeout, *args, **kwargs):
        return function(_check_nul('method', method), _check_nul('uri', uri), max_retries,
                        _check_duration('timeout', timeout), *args, **kwargs)

    fetch.__name__ = function.__name__
    fetch.__doc__ = function.__doc__
    return fetch



# --- the decorator -------------------------------------------------------------------------------

def _check_coroutine_function(function):
    if not _is_coroutine_function(function):
        raise TypeError(f'function is an asynchronous one, not {function!r}')


def _after(wait):
    """A decorator of coroutine functions, which are called when the wait is over."""
    def decorate(function):
        _check_coroutine_function(function)

        @functools.wraps(function)
        async def call(*args, **kwargs):
            await wait()
            return await function(*args, **kwargs)

        return call

    return decorate


def throttle(interval):
    """@throttle(0.5): let calls of a coroutine function begin so many seconds apart, in order."""
    return _after(Throttle(interval=interval).wait_async)


def debounce(interval):
    """@debounce(0.3): make a coroutine function's newest call, after so many seconds of quiet.

    The older ones raise Resilient.Cancelled at once.
    """
    return _after(Debouncer(interval=interval).wait_async)


def retry(function=None, *, policy=None, context=None, exceptions=(), on_event=None, **settings):
    """@retry(max_retries=3, base_delay=0.5): call an asynchronous function until it succeeds.

    :param policy: a Resilient.RetryPolicy, which may come first; None is the standard one
    :param context: a Resilient.RequestContext, whose policy wins if it has one
    :param exceptions: an exception type, or a tuple of them, to be retried in any case
    :param on_event: a function, or coroutine function, that is called in the loop with each
        Resilient.Event: another attempt, or none
    :param settings: changes of the policy, those of Resilient.RetryPolicyBuilder; none where the
        context has a policy

    The function is called again after a GLib.Error, OSError, TimeoutError or EOFError whose kind
    the policy retries: Resilient.Retrier says which. Any other exception ends it, and so does the
    last one when no attempt is left. Only give it what may be done twice.
    """
    if isinstance(function, Resilient.RetryPolicy):
        if policy is not None:
            raise TypeError('policy is given twice')
        function, policy = None, function

    def check(name, value, kind):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f'{name} is a Resilient.{kind.__name__}, not {value!r}')

    check('policy', policy, Resilient.RetryPolicy)
    check('context', context, Resilient.RequestContext)
    types = exceptions if isinstance(exceptions, tuple) else (exceptions,)
    for each in types:
        if not isinstance(each, type) or not issubclass(each, Exception):
            raise TypeError(f'exceptions is a tuple of types of exceptions, not {exceptions!r}')
    if on_event is not None and not callable(on_event):
        raise TypeError(f'on_event is a function, not {on_event!r}')
    if settings:
        if context is not None and context.get_policy() is not None:
            raise TypeError(f'{min(settings)}: the policy that context has would win over it')
        policy = _build_policy(policy or Resilient.RetryPolicy.get_standard(), settings)

    def decorate(function):
        _check_coroutine_function(function)

        @functools.wraps(function)
        async def call(*args, **kwargs):
            retrier = Resilient.Retrier.new(policy, context)
            if on_event is not None:
                tell = _in_loop('on_event', on_event)
                retrier.connect('event', lambda retrier, event: tell(event))
            while True:
                try:
                    return await function(*args, **kwargs)
                except Exception as error:
                    cause = None if isinstance(error, types) else _to_cause(error)
                    if cause is None and not isinstance(error, types):
                        raise
                    last = error
                try:
                    await retrier.backoff(cause)
                except GLib.Error:
                    raise last from None
                finally:
                    # Its traceback holds this frame.
                    del last, cause

        return call

    return decorate if function is None else decorate(function)


fetch = _checked_fetch(_raising(Resilient.fetch))
fetch_finish = _raising(Resilient.fetch_finish)
fetch_async = _checked_fetch(_awaitable(Resilient.fetch_async, fetch_finish))
__all__ += ['fetch', 'fetch_async', 'fetch_finish', 'retry', 'throttle', 'debounce']
