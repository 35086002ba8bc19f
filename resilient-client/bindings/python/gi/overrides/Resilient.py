# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""What Python users get on top of the introspected library, whose names all keep their meaning.

Coroutines
    ``Resilient.run (main ())`` runs a coroutine on an asyncio event loop that waits in the main
    context of the thread. asyncio and GLib then share one thread: signal handlers, other sources of
    GLib and tasks take turns, and all of asyncio works (gather, wait_for, TaskGroup, Queue…). For
    other runners, ``Resilient.new_event_loop`` makes such a loop. With PyGObject 3.50 or newer it
    is that of gi.events.

    An asyncio loop of another kind, such as that of a web server, can't turn a main context. There
    a client works on threads of the library's own and of this module's, and only its results come
    to the loop. Make such a client while the loop runs. Handlers of its signals are called in
    another thread: ``async for`` over a subscription gives the same events in the loop.

Calls
    ``client.get (uri, …)`` and the like start a request at once and return its Resilient.Call,
    which can be awaited for the response, any number of times. Cancelling who awaits it cancels the
    request, as for a task; asyncio.shield() prevents that.

    With PyGObject older than 3.50, ``client.get_async (uri, context)`` and the like, given no
    callback while an asyncio loop runs, return an awaitable, as they do by themselves since.

Attributes
    What has a getter without parameters can be read as an attribute, and written if there is a
    setter: ``event.context.request_id``, ``client.stats.success_rate``, ``request.priority = 1``.
"""

import json as json_module
import selectors
import sys
import threading

import gi
from gi.repository import Gio, GLib

from ..module import get_introspection_module
from ..overrides import override

Resilient = get_introspection_module('Resilient')

__all__ = ['run', 'new_event_loop']

# From this version on PyGObject has awaitable calls of its own, and a loop for them.
_HAS_AWAITABLES = gi.version_info >= (3, 50)


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
        self._owned = False
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
        # Kept between two waits, and thus in all of the loop's callbacks: that tells where results
        # can be delivered.
        if not self._owned:
            if not self._context.acquire():
                raise RuntimeError('Another thread is using this main context')
            self._owned = True
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
        if self._owned:
            self._context.release()
            self._owned = False


def new_event_loop():
    """Make an asyncio event loop that waits in the thread-default main context.

    It is to be closed in the thread that ran it.
    """
    context = GLib.MainContext.ref_thread_default()
    if _HAS_AWAITABLES:
        from gi.events import GLibEventLoop
        return GLibEventLoop(context)

    import asyncio
    return asyncio.SelectorEventLoop(_MainContextSelector(context))


def run(coroutine, *, debug=None):
    """Run a coroutine until it ends, as asyncio.run does, on a loop of new_event_loop.

    Return what it returns.
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
    def call(cls, function):
        source = GLib.Idle(priority=GLib.PRIORITY_DEFAULT)

        def call_once(*_):
            function()
            return GLib.SOURCE_REMOVE

        source.set_callback(call_once)
        source.attach(cls.get_context())


def _get_running_loop():
    # Where nobody imported asyncio none of its loops runs.
    asyncio = sys.modules.get('asyncio')
    if asyncio is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_foreign_loop(loop):
    """Whether that loop, which runs in this thread, does not turn the thread's main context."""
    return loop is not None and not GLib.MainContext.ref_thread_default().is_owner()


def _start_operation(begin, finish, cancellable=None):
    """Call begin (cancellable, callback) and return a future for what finish (result) returns.

    Cancelling the future cancels the operation.
    """
    import asyncio
    loop = asyncio.get_running_loop()
    foreign = _is_foreign_loop(loop)
    future = loop.create_future()
    cancellable = cancellable or Gio.Cancellable.new()

    def settle(value, error):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)

    def deliver(value, error):
        if not foreign:
            settle(value, error)
            return
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            # The loop was closed meanwhile: nobody waits any more.
            pass

    def finished(source, result, *_):
        try:
            value = finish(result)
        except Exception as error:
            # Without its traceback, which holds the future that holds it.
            deliver(None, error.with_traceback(None))
        else:
            deliver(value, None)

    def started():
        try:
            begin(cancellable, finished)
        except Exception as error:
            deliver(None, error.with_traceback(None))

    def done(future):
        if future.cancelled():
            cancellable.cancel()

    future.add_done_callback(done)
    if foreign:
        _Background.call(started)
    else:
        started()
    return future


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
        if len(args) > n_before_callback or 'callback' in kwargs or _get_running_loop() is None:
            return begin(*args, **kwargs)

        if len(args) > n_before_cancellable:
            cancellable = args[n_before_cancellable]
            args = args[:n_before_cancellable]
        else:
            cancellable = kwargs.pop('cancellable', None)

        def start(cancellable, callback):
            begin(*args, **kwargs, cancellable=cancellable, callback=callback)

        def end(result):
            return finish(args[0], result) if begin.is_method() else finish(result)

        return _start_operation(start, end, cancellable)

    function.__name__ = begin.__name__
    function.__doc__ = begin.__doc__
    return function


# --- values --------------------------------------------------------------------------------------

def _to_variant(value):
    """What Python has for it, as a GVariant; the way back is unpack()."""
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
        return GLib.Variant('s', value)
    if isinstance(value, (bytes, bytearray)):
        return GLib.Variant('ay', bytes(value))
    if isinstance(value, dict):
        return _to_vardict(value)
    if isinstance(value, (list, tuple)):
        return GLib.Variant('av', [_to_variant(item) for item in value])
    raise TypeError(f'{type(value).__name__} can\'t be in metadata')


def _to_vardict(metadata):
    if metadata is None or isinstance(metadata, GLib.Variant):
        return metadata
    return GLib.Variant('a{sv}', {name: _to_variant(value) for name, value in metadata.items()})


def _from_vardict(metadata):
    return {} if metadata is None else metadata.unpack()


def _build_policy(base, changes):
    """The policy with what changes names changed."""
    builder = Resilient.RetryPolicyBuilder.new(base)
    for name, value in changes.items():
        setter = getattr(builder, f'set_{name}', None)
        if setter is None:
            raise TypeError(f'A retry policy has no {name!r}')
        setter(value)
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


class RequestContext(Resilient.RequestContext):
    """RequestContext(request_id=None, policy=None, metadata=None, **settings)

    Who a request is to observers. The metadata may be a dictionary. Settings of a retry policy,
    such as max_retries=3 and base_delay=0.5, change those of policy, or of the default one.
    """

    def __new__(cls, request_id=None, policy=None, metadata=None, **settings):
        if settings:
            policy = _build_policy(policy, settings)
        return Resilient.RequestContext.new(request_id, policy, _to_vardict(metadata))

    def __init__(self, *args, **kwargs):
        pass

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, Resilient.RequestContext) else NotImplemented

    def __hash__(self):
        return hash(self.get_request_id())

    def with_metadata(self, metadata=None):
        return Resilient.RequestContext.with_metadata(self, _to_vardict(metadata))

    @property
    def metadata(self):
        return _from_vardict(self.get_metadata())


class Response(Resilient.Response):

    @property
    def body(self):
        """The body as bytes; None if there is none."""
        return self.get_body().get_data() if self.has_body() else None

    @property
    def text(self):
        """The body as a string; raises GLib.Error if it is none."""
        return self.get_text()

    def json(self):
        """The body as what Python has for its JSON; get_json () gives a Json.Node."""
        return json_module.loads(self.get_text())


# --- requests ------------------------------------------------------------------------------------

def _pairs(items):
    return items.items() if hasattr(items, 'items') else items


class Request(Resilient.Request):

    @property
    def metadata(self):
        return _from_vardict(self.get_metadata())

    @metadata.setter
    def metadata(self, metadata):
        self.set_metadata(_to_vardict(metadata))


class Call(Resilient.Call):

    def __await__(self):
        import asyncio
        try:
            return (yield from _start_operation(self.finish_async, self.finish_finish))
        except asyncio.CancelledError:
            self.cancel()
            raise


class Subscription(Resilient.Subscription):

    async def next(self):
        """Return the next event, None after the last one."""
        return await _start_operation(self.next_async, self.next_finish)

    def __aiter__(self):
        return self

    async def __anext__(self):
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    def __len__(self):
        return self.get_length()

    def __bool__(self):
        # One without events is still there.
        return True


class Client(Resilient.Client):
    """Client(**properties): a client; as the subject of "async with" it is closed at the end."""

    def __init__(self, **properties):
        if 'main_context' not in properties and _is_foreign_loop(_get_running_loop()):
            properties['main_context'] = _Background.get_context()
        super().__init__(**properties)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        await self.close()

    def start(self, request, context=None):
        if not _is_foreign_loop(_get_running_loop()):
            return Resilient.Client.start(self, request, context)

        # Nobody might turn the context of this thread: away from it, the client uses a thread of
        # its own.
        elsewhere = GLib.MainContext.new()
        elsewhere.push_thread_default()
        try:
            return Resilient.Client.start(self, request, context)
        finally:
            elsewhere.pop_thread_default()

    def request(self, method, uri, context=None, *, params=None, headers=None, json=None,
                form=None, data=None, content_type=None, **properties):
        """Start a request and return its Resilient.Call, which can be awaited for the response.

        :param params: a mapping, or pairs, to be added to the query
        :param headers: a mapping to be set, or pairs to be appended
        :param json: a body that json.dumps understands
        :param form: a mapping that is sent as a form
        :param data: a body of bytes or text, with its content_type
        :param properties: of Resilient.Request, such as total_timeout=10
        """
        if sum(body is not None for body in (json, form, data)) > 1:
            raise TypeError('A request has one body: json, form or data')

        metadata = _to_vardict(properties.pop('metadata', None))
        request = Resilient.Request(method=method, uri=uri, metadata=metadata, **properties)
        for name, value in _pairs(params or {}):
            request.add_query_param(name, str(value))
        add_header = request.set_header if hasattr(headers, 'items') else request.append_header
        for name, value in _pairs(headers or {}):
            add_header(name, str(value))
        if json is not None:
            data = json_module.dumps(json)
            content_type = content_type or 'application/json'
        if form is not None:
            request.set_body_form({name: str(value) for name, value in form.items()})
        elif data is not None:
            if isinstance(data, str):
                data = data.encode()
                content_type = content_type or 'text/plain; charset=utf-8'
            request.set_body_bytes(content_type or 'application/octet-stream', GLib.Bytes.new(data))
        return self.start(request, context)

    def get(self, uri, context=None, **options):
        return self.request('GET', uri, context, **options)

    def head(self, uri, context=None, **options):
        return self.request('HEAD', uri, context, **options)

    def options(self, uri, context=None, **options):
        return self.request('OPTIONS', uri, context, **options)

    def delete(self, uri, context=None, **options):
        return self.request('DELETE', uri, context, **options)

    def post(self, uri, context=None, **options):
        return self.request('POST', uri, context, **options)

    def put(self, uri, context=None, **options):
        return self.request('PUT', uri, context, **options)

    def patch(self, uri, context=None, **options):
        return self.request('PATCH', uri, context, **options)

    @property
    def results(self):
        """The results that are kept, by request id, oldest first."""
        return {result.get_request_id(): result for result in self.list_results()}

    async def wait(self, request_id, timeout=-1):
        """Return the result of the newest request of that id once it has ended."""
        return await _start_operation(
            lambda *rest: self.wait_async(request_id, timeout, *rest), self.wait_finish)

    async def wait_all(self):
        """Return the results by request id once no request is alive."""
        results = await _start_operation(self.wait_all_async, self.wait_all_finish)
        return {result.get_request_id(): result for result in results}

    async def close(self, grace=0):
        """Refuse new requests, let live ones end for that many seconds, then cancel the rest."""
        await _start_operation(lambda *rest: self.close_async(grace, *rest), self.close_finish)


# --- what is the same for all --------------------------------------------------------------------

def _get_in_arguments(info):
    return [argument for argument in info.get_arguments()
            if argument.get_direction() != gi._gi.Direction.OUT]


def _add_attributes(cls):
    methods = {info.get_name(): info for info in cls.__info__.get_methods() if info.is_method()}

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


def _add_awaitables(cls):
    for info in cls.__info__.get_methods():
        name = info.get_name()
        if name.endswith('_async'):
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
               (RetryPolicy, RequestContext, Response, Request, Call, Subscription, Client)}
_REPR = {
    'Attempt': ('number', 'failure', 'status_code', 'duration', 'reason'),
    'Event': ('event_type', 'context', 'sequence', 'failure', 'reason', 'delay'),
    'RequestContext': ('request_id', 'current_attempt', 'max_retries'),
    'Response': ('status_code', 'reason_phrase', 'content_type', 'elapsed_time'),
    'Result': ('request_id', 'status', 'attempts', 'failure', 'total_time'),
    'RetryPolicy': ('max_retries', 'base_delay', 'backoff_factor', 'max_delay', 'jitter_mode',
                    'jitter', 'retry_on', 'retry_statuses'),
    'Stats': ('requests', 'attempts', 'retries', 'successes', 'errors', 'timeouts', 'cancelled',
              'refused'),
}


def _override_all():
    for name in dir(Resilient):
        original = getattr(Resilient, name)
        if not isinstance(original, type) or not isinstance(
                getattr(original, '__info__', None), (gi._gi.ObjectInfo, gi._gi.StructInfo)):
            continue
        if not any(info.is_method() for info in original.__info__.get_methods()):
            continue
        cls = _OVERRIDDEN.get(name) or type(name, (original,), {'__module__': __name__})
        _add_attributes(cls)
        if not _HAS_AWAITABLES:
            _add_awaitables(cls)
        if name in _REPR:
            _add_repr(cls, *_REPR[name])
        globals()[name] = override(cls)
        __all__.append(name)


_override_all()

if not _HAS_AWAITABLES:
    fetch_async = _awaitable(Resilient.fetch_async, Resilient.fetch_finish)
    __all__.append('fetch_async')
