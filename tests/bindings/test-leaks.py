#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""A thousand rounds leave nothing behind: no object is alive, and memory does not grow.

Every object tells when it goes. Values can't, so each round gives them a payload: of whatever holds
one, a single value left behind in each round costs more than the bound. Values without a payload
are made in numbers that do the same.

Runs with the override, through coroutines, if it is there, else without.
"""

import asyncio
import collections
import gc
import resource

import gi

gi.require_version('Resilient', '1')
from gi.repository import Gio, GLib, Resilient  # noqa: E402

from loopback import Server  # noqa: E402
from tap import case, equal, run  # noqa: E402

ROUNDS = 1000
WARM_UP = 200
PAYLOAD = 64 * 1024
# Of growth after the warm-up. A payload left in each round would be 64 MB; PyGObject 3.42 itself
# leaves 48 bytes for each callback that is called once, which 3.50 does not.
BOUND = 8 * 1024 * 1024
SMALL_ROUNDS = 50000
# Small ones of 64 bytes would be 3.2 MB.
SMALL_BOUND = 2 * 1024 * 1024

# They take arguments, or fail where there is no such body.
NOT_ASKED = {'get_header', 'get_percentile', 'get_json', 'get_text'}

REFUSED = GLib.Error.new_literal(Gio.io_error_quark(), 'refused',
                                 Gio.IOErrorEnum.CONNECTION_REFUSED)
HAS_OVERRIDE = hasattr(Resilient, 'run')
QUICK = Resilient.RetryPolicyBuilder.new(Resilient.RetryPolicy.get_standard())
QUICK.set_base_delay(0)
QUICK = QUICK.build()

server, base = Server.spawn()
alive = collections.Counter()


def watch(thing):
    name = type(thing).__name__
    alive[name] += 1

    def gone():
        alive[name] -= 1

    thing.weak_ref(gone)
    return thing


def count_alive():
    """Those that stay alive after all that was on its way has arrived."""
    timed_out = []
    source = GLib.timeout_add_seconds(10, lambda: timed_out.append(True))
    while not timed_out:
        gc.collect()
        if not +alive:
            GLib.source_remove(source)
            break
        GLib.MainContext.default().iteration(True)
    return dict(+alive)


def resident():
    with open('/proc/self/statm', encoding='ascii') as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def growth(function, rounds, warm_up):
    for number in range(rounds + warm_up):
        if number == warm_up:
            gc.collect()
            before = resident()
        function(number)
    gc.collect()
    return resident() - before


def make_context(number):
    payload = GLib.Variant('a{sv}', {'payload': GLib.Variant('s', 'x' * PAYLOAD)})
    return Resilient.RequestContext.new(f'{number}', QUICK, payload)


def make_request(number):
    # The first answer is retried.
    request = watch(Resilient.Request(method='PUT', uri=f'{base}/script/{number}/503/200'))
    request.set_body_bytes('text/plain', GLib.Bytes.new(b'x' * PAYLOAD))
    return request


def look_at(value):
    """Ask for all that a value holds."""
    for name in dir(value):
        if name.startswith(('get_', 'dup_', 'list_')) and name not in NOT_ASKED:
            getattr(value, name)()


def look_at_event(client, event):
    for value in (event, event.get_context(), event.get_response()):
        if value is not None:
            look_at(value)


def turn_until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


def finish(begin, end, *args):
    done = []
    begin(*args, None, lambda source, result: done.append(result))
    turn_until(lambda: done)
    return end(done[0])


def look_at_results(client):
    for result in client.list_results():
        look_at(result)
        for attempt in result.list_attempts():
            look_at(attempt)
    look_at(client.get_stats())


def plain_round(number):
    client = watch(Resilient.Client.new())
    client.connect('event', look_at_event)
    subscription = watch(client.subscribe(10))
    watch(client.get_calls())
    watch(client.get_origin(base))
    response = finish(client.get_async, client.get_finish, f'{base}/size/{PAYLOAD}',
                      make_context(number))
    look_at(response)
    equal(len(response.get_text()), PAYLOAD)
    call = watch(client.start(make_request(number), make_context(number)))
    finish(call.wait_async, call.wait_finish)
    watch(client.start(make_request(number), make_context(number))).cancel()
    finish(client.wait_all_async, client.wait_all_finish)
    if number % 10 == 0:
        client.send(make_request(number), make_context(number), None)
    requests = [make_request(f'{number}-{each}') for each in range(2)]
    batch = watch(Resilient.Batch.new(client, requests, Resilient.BatchFlags.NONE))
    for result in finish(batch.run_async, batch.run_finish):
        look_at(result)
    retrier = watch(Resilient.Retrier.new(QUICK, make_context(number)))
    assert finish(retrier.backoff_async, retrier.backoff_finish, REFUSED)
    look_at(retrier.get_context())
    look_at_results(client)
    finish(client.close_async, client.close_finish, 0)
    while event := subscription.try_next():
        look_at(event)


async def override_round(number):
    async with watch(Resilient.Client()) as client:
        client.connect('event', look_at_event)
        subscription = watch(client.subscribe(10))
        response = await client.get(f'{base}/size/{PAYLOAD}', make_context(number))
        look_at(response)
        equal(len(response.text), PAYLOAD)
        await watch(client.start(make_request(number), make_context(number)))
        if gi.version_info < (3, 50):
            await client.get_async(f'{base}/size/{PAYLOAD}', make_context(number), None)
        cancelled = asyncio.ensure_future(client.get(f'{base}/text', make_context(number)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, client.post(f'{base}/text', make_context(number),
                                                    data=b'x' * PAYLOAD), return_exceptions=True)
        try:
            await client.get('no uri', make_context(number))
        except GLib.Error:
            pass
        batch = watch(Resilient.Batch(client, [make_request(f'{number}-a'), 'no uri']))
        for result in await batch.run():
            look_at(result)
        retrier = watch(Resilient.Retrier.new(QUICK, make_context(number)))
        await retrier.backoff()
        look_at(retrier.context)
        await client.wait_all()
        look_at_results(client)
    async for event in subscription:
        look_at(event)


@case
def objects_go_and_memory_stays():
    if HAS_OVERRIDE:
        with asyncio.Runner(loop_factory=Resilient.new_event_loop) as runner:
            grown = growth(lambda number: runner.run(override_round(number)), ROUNDS, WARM_UP)
    else:
        grown = growth(plain_round, ROUNDS, WARM_UP)
    equal(count_alive(), {})
    print(f'# memory has grown by {grown // 1024} KiB in {ROUNDS} rounds')
    assert grown < BOUND, grown


if HAS_OVERRIDE:
    @case
    def memory_stays_on_any_asyncio_loop():
        with asyncio.Runner() as runner:
            grown = growth(lambda number: runner.run(override_round(number)), ROUNDS, WARM_UP)
        equal(count_alive(), {})
        print(f'# memory has grown by {grown // 1024} KiB in {ROUNDS} rounds')
        assert grown < BOUND, grown


def check_small(function):
    grown = growth(lambda number: function(), SMALL_ROUNDS, 1000)
    print(f'# memory has grown by {grown // 1024} KiB in {SMALL_ROUNDS} rounds')
    assert grown < SMALL_BOUND, grown


@case
def policies_go():
    def work():
        policy = Resilient.RetryPolicyBuilder.new(QUICK).build()
        policy.copy().equal(policy)
        Resilient.RetryPolicy.new(1, 1).get_retry_statuses()

    check_small(work)


@case
def permits_go():
    breaker = Resilient.CircuitBreaker.new(None)
    context = GLib.MainContext.default()

    def work():
        policy = Resilient.CircuitPolicyBuilder.new(None).build()
        other = Resilient.CircuitBreaker.new(policy)
        other.connect('state-changed', lambda *_: None)
        other.acquire().fail()
        other.trip()
        while context.iteration(False):
            pass
        breaker.acquire()
        breaker.acquire().succeed()

    check_small(work)


@case
def those_who_wait_go():
    ignore = lambda *_: None  # noqa: E731

    def work():
        cancellable = Gio.Cancellable.new()
        limiter = watch(Resilient.RateLimiter.new(0.001, 1))
        limiter.acquire_async(cancellable, ignore)
        limiter.acquire_async(cancellable, ignore)
        debouncer = watch(Resilient.Debouncer.new(1000))
        debouncer.wait_async(cancellable, ignore)
        debouncer.wait_async(cancellable, ignore)
        throttle = watch(Resilient.Throttle.new(1000))
        throttle.wait_async(cancellable, ignore)
        throttle.wait_async(cancellable, ignore)
        watch(Resilient.RetryBudget.new(0.2, 10)).try_withdraw()
        cancellable.cancel()

    for _ in range(ROUNDS):
        work()
    equal(count_alive(), {})


@case
def contexts_go():
    def work():
        context = Resilient.RequestContext.new(None, QUICK, None).increment_attempt()
        context.get_policy()
        context.get_metadata()
        context.get_request_id()

    check_small(work)


@case
def errors_go():
    def work():
        try:
            Resilient.RequestContext.new('not an id', None, None)
        except GLib.Error:
            pass

    check_small(work)


@case
def parts_of_values_go():
    client = Resilient.Client.new()
    request = Resilient.Request.new('GET', f'{base}/text')
    response = client.send(request, Resilient.RequestContext.new('x', None, None), None)

    def work():
        client.get_stats()
        result = client.get_result('x')
        result.list_attempts()
        result.get_context()
        result.get_response().get_uri()
        response.dup_headers()
        response.get_body()

    check_small(work)


run()
