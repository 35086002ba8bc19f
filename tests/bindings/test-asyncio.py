#!/usr/bin/env python3
# SPDX-FileCopyrightText: The resilient-client authors
# SPDX-License-Identifier: MIT
"""Loops of asyncio and of GLib, one after, beside and inside another: nothing hangs or is lost.

No assert statement has an effect of its own: they run with python3 -O too.
"""

import asyncio
import functools
import threading
import time
import warnings

import gi

gi.require_version('Resilient', '1')
from gi.repository import Gio, GLib, Resilient  # noqa: E402

from loopback import Server  # noqa: E402
from tap import case, equal, raises, run  # noqa: E402

LIMIT = 30
RUNNERS = (asyncio.run, Resilient.run)

server = Server()


def each(*choices):
    """Make a case of the function for each of what it may take."""
    def decorate(function):
        for choice in choices:
            run_it = functools.partial(function, choice)
            name = f'{choice.__module__.split(".")[0]}_{choice.__name__}'
            run_it.__name__ = f'{function.__name__}_with_{name}'
            case(run_it)
        return function
    return decorate


def limited(awaitable):
    """A loop that hangs must not take the other cases with it."""
    async def wait():
        return await asyncio.wait_for(awaitable, LIMIT)
    return wait()


async def answer(awaitable):
    return (await awaitable).text


async def raises_in(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')


def is_error(error, domain, code):
    if not error.matches(domain, code):
        raise AssertionError(f'{error!r} is another error')


def is_cancelled(error):
    is_error(error, Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


def in_callback(function):
    """What the function returns, called by a main loop."""
    loop = GLib.MainLoop()
    results = []

    def call():
        try:
            results.append((function(), None))
        except Exception as error:
            results.append((None, error))
        loop.quit()

    GLib.idle_add(call)
    loop.run()
    value, error = results[0]
    if error is not None:
        raise error
    return value


def in_threads(*functions):
    """What the functions return, each called in a thread of its own."""
    results = [None] * len(functions)

    def call(number, function):
        try:
            results[number] = function()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=call, args=item) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        equal(thread.is_alive(), False)
    return results


def take_held(server, n):
    """Wait until so many requests for /hold have come."""
    for _ in range(n):
        equal(server.held.acquire(timeout=LIMIT), True)


async def wait_held(server, n=1):
    await asyncio.get_running_loop().run_in_executor(None, take_held, server, n)


# --- before the loop ---

@each(*RUNNERS)
def a_call_made_before_the_loop_ends(runner):
    client = Resilient.Client()
    call = client.get(server.uri('/text'))
    equal(runner(limited(answer(call))), 'hello')
    equal(client.stats.successes, 1)


@each(*RUNNERS)
def calls_made_before_the_loop_give_their_slots_back(runner):
    client = Resilient.Client(max_concurrent=2)
    calls = [client.get(server.uri('/text')) for _ in range(2)]
    equal(runner(limited(answer(client.get(server.uri('/text'))))), 'hello')
    equal([runner(limited(answer(call))) for call in calls], ['hello'] * 2)


@each(*RUNNERS)
def callbacks_of_calls_made_before_the_loop_come(runner):
    client = Resilient.Client(max_concurrent=2)
    done = []
    for _ in range(2):
        client.get_async(server.uri('/text'), None, None,
                         lambda client, result: done.append(client.get_finish(result).text))

    async def work():
        equal((await client.get(server.uri('/text'))).text, 'hello')
        await client.wait_all()
        await client.close(grace=1)

    runner(limited(work()))
    equal(done, ['hello'] * 2)


@each(*RUNNERS)
def a_deadline_of_a_call_made_before_the_loop_holds(runner):
    client = Resilient.Client()
    call = client.get(server.uri('/hold'), total_timeout=0.05)
    error = runner(limited(raises_in(GLib.Error, call)))
    is_error(error, Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
    equal(call.result.failure, Resilient.Failure.DEADLINE)


@each(*RUNNERS)
def closing_ends_calls_made_before_the_loop(runner):
    for grace in (0, 0.02):
        client = Resilient.Client()
        call = client.get(server.uri('/hold'))
        runner(limited(client.close(grace)))
        is_cancelled(runner(limited(raises_in(GLib.Error, call))))


# --- after another loop ---

def leave_behind(client, uri, runner=Resilient.run):
    """A call that lives on after its loop ended."""
    async def start():
        call = client.get(uri, Resilient.RequestContext('left'))
        await asyncio.sleep(0)
        return call

    return runner(start())


@each(*RUNNERS)
def a_call_of_an_earlier_loop_is_awaited(runner):
    for earlier in (*RUNNERS, lambda coroutine: in_threads(lambda: Resilient.run(coroutine))[0]):
        client = Resilient.Client(max_concurrent=1)
        call = leave_behind(client, server.uri('/text'), earlier)
        equal(runner(limited(answer(client.get(server.uri('/text'))))), 'hello')
        equal(runner(limited(answer(call))), 'hello')


@case
def a_call_of_an_earlier_loop_is_awaited_without_its_client():
    call = leave_behind(Resilient.Client(), server.uri('/text'))
    equal(asyncio.run(limited(answer(call))), 'hello')


@case
def waiting_for_a_call_of_an_earlier_loop_has_its_limit():
    client = Resilient.Client()
    held = Server()
    leave_behind(client, held.uri('/hold'))

    async def work():
        error = await raises_in(GLib.Error, client.wait('left', 0.02))
        is_error(error, Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
        error = await raises_in(GLib.Error, client.wait_result_async('left', 0.02))
        is_error(error, Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
        held.release()
        equal((await client.wait('left')).status, Resilient.ResultStatus.SUCCESS)

    asyncio.run(limited(work()))


@case
def closing_ends_a_call_of_an_earlier_loop():
    for grace in (0, 0.02):
        client = Resilient.Client()
        call = leave_behind(client, server.uri('/hold'))
        asyncio.run(limited(client.close(grace)))
        equal(call.state, Resilient.CallState.DONE)


# --- inside a loop of GLib ---

@each(*RUNNERS)
def a_loop_runs_in_a_callback(runner):
    async def work(client):
        async with client:
            return (await client.get(server.uri('/text'))).text

    equal(in_callback(lambda: runner(limited(work(Resilient.Client())))), 'hello')
    early = Resilient.Client()
    equal(in_callback(lambda: runner(limited(work(early)))), 'hello')


@each(*RUNNERS)
def a_loop_in_a_callback_gets_the_slots_of_calls_outside(runner):
    client = Resilient.Client(max_concurrent=2)

    def work():
        calls = [client.get(server.uri('/text')) for _ in range(2)]
        equal(runner(limited(answer(client.get(server.uri('/text'))))), 'hello')
        return [runner(limited(answer(call))) for call in calls]

    equal(in_callback(work), ['hello'] * 2)


@each(*RUNNERS)
def a_loop_in_a_callback_awaits_and_closes_what_is_outside(runner):
    client = Resilient.Client()

    def work():
        equal(runner(limited(answer(client.get_async(server.uri('/text'))
                                    or client.get(server.uri('/text'))))), 'hello')
        call = client.get(server.uri('/hold'), Resilient.RequestContext('held'))
        error = runner(limited(raises_in(GLib.Error, client.wait('held', 0.02))))
        is_error(error, Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)
        runner(limited(client.close(0.02)))
        return runner(limited(raises_in(GLib.Error, call)))

    is_cancelled(in_callback(work))


@case
def other_callbacks_wait_for_a_loop_in_a_callback():
    # Nothing of the app is called inside what looks like a blocking call to it.
    called = []
    client = Resilient.Client()

    async def get():
        return (await client.get(server.uri('/text'))).text

    def work():
        GLib.idle_add(called.append, 'other')
        equal(asyncio.run(limited(get())), 'hello')
        return list(called)

    equal(in_callback(work), [])


# --- in threads ---

@each(*RUNNERS)
def threads_have_loops_of_their_own(runner):
    async def work(client=None):
        client = client or Resilient.Client()
        return [(await client.get(server.uri('/text'))).text for _ in range(3)]

    shared = Resilient.Client()
    for client in (None, shared):
        results = in_threads(*[lambda: runner(limited(work(client)))] * 8)
        equal(results, [['hello'] * 3] * 8)


@case
def one_thread_has_loops_one_after_another():
    client = Resilient.Client()

    def work():
        call = leave_behind(client, server.uri('/text'))
        texts = [Resilient.run(limited(answer(client.get(server.uri('/text'))))) for _ in range(3)]
        texts.append(asyncio.run(limited(answer(client.get(server.uri('/text'))))))
        return texts + [Resilient.run(limited(answer(call)))]

    equal(in_threads(work, work), [['hello'] * 5] * 2)
    equal(work(), ['hello'] * 5)


@each(*RUNNERS)
def threads_have_loops_beside_that_of_the_app(runner):
    client = Resilient.Client()
    seen = []
    client.connect('success', lambda client, event: seen.append(threading.current_thread()))
    loop = GLib.MainLoop()
    results = []

    def work():
        results.extend(runner(limited(answer(client.get(server.uri('/text'))))) for _ in range(3))
        client.wait_all_async(None, lambda client, result: loop.quit())

    thread = threading.Thread(target=work)
    thread.start()
    loop.run()
    thread.join()
    GLib.MainContext.default().iteration(False)
    equal((results, seen), (['hello'] * 3, [threading.main_thread()] * 3))


@case
def the_app_s_loop_may_run_in_another_thread():
    loop = GLib.MainLoop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        for runner in RUNNERS:
            client = Resilient.Client()
            equal(runner(limited(answer(client.get(server.uri('/text'))))), 'hello')
    finally:
        loop.quit()
        thread.join()


# --- handlers ---

@each(*RUNNERS)
def handlers_of_a_client_made_before_the_loop_are_called(runner):
    client = Resilient.Client(retry_policy=Resilient.RetryPolicy(
        Resilient.RetryPolicy.get_standard(), base_delay=0))
    seen = []
    for name in ('retry', 'event::success', 'success'):
        client.connect(name, lambda client, event, name=name: seen.append(
            (name, threading.current_thread())))

    async def work():
        for number in range(3):
            path = f'/script/handlers-{runner.__module__}-{number}/503/200'
            equal((await client.get(server.uri(path))).status_code, 200)
        # What nobody awaits is told too.
        told = asyncio.Event()
        client.connect('success', lambda *_: told.set())
        client.get(server.uri('/text'))
        await told.wait()

    runner(limited(work()))
    equal(seen, [(name, threading.current_thread()) for name in
                 ['retry', 'event::success', 'success'] * 3 + ['event::success', 'success']])
    equal((client.event_queue_length, client.dropped_events), (0, 0))


@each(*RUNNERS)
def handlers_of_a_client_of_an_ended_loop_are_called(runner):
    async def make():
        return Resilient.Client()

    for client in (Resilient.run(make()), *in_threads(lambda: Resilient.run(make()))):
        seen = []
        client.connect('event', lambda client, event: seen.append(event.event_type.value_nick))
        runner(limited(answer(client.get(server.uri('/text')))))
        runner(limited(client.wait_all()))
        equal(seen, ['success'])


@each(*RUNNERS)
def that_handlers_can_t_be_called_is_said(runner):
    client = Resilient.Client()
    deaf = Resilient.Client()
    client.connect('success', lambda *_: None)

    async def get():
        # The default context is the main thread's, which only waits.
        for each_client in (client, client, deaf):
            equal((await each_client.get(server.uri('/text'))).text, 'hello')

    def work():
        runner(limited(get()))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        equal(in_threads(work), [None])
    equal([warning.category for warning in caught], [RuntimeWarning])
    equal(('subscribe' in str(caught[0].message), client.event_queue_length), (True, 2))


# --- cancelling ---

def n_posts(server):
    return sum(method == 'POST' for method, _ in server.requests)


@each(*RUNNERS)
def a_cancel_before_the_first_turn_cancels_the_request(runner):
    async def work():
        own = Server()
        async with Resilient.Client(max_concurrent=2) as client:
            def post():
                return client.post(own.uri('/hold'), json={})

            def is_over(call):
                equal((call.state, call.result.status),
                      (Resilient.CallState.DONE, Resilient.ResultStatus.CANCELLED))

            # Two keep the slots: the others wait for one.
            holding = [post(), post()]
            await wait_held(own, 2)

            call = post()
            task = asyncio.ensure_future(call)
            task.cancel()
            await raises_in(asyncio.CancelledError, task)
            is_cancelled(await raises_in(GLib.Error, call))
            is_over(call)

            call = post()
            task = asyncio.create_task(call, name='a task')
            task.cancel()
            await raises_in(asyncio.CancelledError, task)
            is_cancelled(await raises_in(GLib.Error, call))

            call = post()
            await raises_in(asyncio.TimeoutError, asyncio.wait_for(call, 0))
            is_cancelled(await raises_in(GLib.Error, call))

            calls = [post(), post()]
            both = asyncio.gather(*calls)
            both.cancel()
            await raises_in(asyncio.CancelledError, both)
            for call in calls:
                is_cancelled(await raises_in(GLib.Error, call))

            future = asyncio.ensure_future(
                client.post_async(own.uri('/hold'), 'text/plain', GLib.Bytes.new(b''), None))
            future.cancel()
            await raises_in(asyncio.CancelledError, future)

            async with asyncio.timeout(None) as timeout:
                timeout.reschedule(asyncio.get_running_loop().time())
                await raises_in(asyncio.CancelledError, post())
                asyncio.current_task().uncancel()

            own.release()
            for call in holding:
                equal((await call).status_code, 200)
            await client.wait_all()
        equal(n_posts(own), 2)

    runner(limited(work()))


@each(*RUNNERS)
def a_cancelled_post_is_not_sent_after(runner):
    N = 1000

    async def work():
        own = Server()
        async with Resilient.Client(max_concurrent=4, max_results=2 * N) as client:
            def post():
                return client.post(own.uri('/hold'), json={})

            holding = [asyncio.ensure_future(post()) for _ in range(4)]
            await wait_held(own, 4)
            calls = [post() for _ in range(N)]
            tasks = [asyncio.ensure_future(call) for call in calls]
            for task in tasks[0::3]:
                task.cancel()
            await asyncio.sleep(0)
            for task in tasks[1::3]:
                task.cancel()
            await asyncio.sleep(0)
            # The slots become free while what waited for them is being cancelled.
            for task in tasks[2::3] + holding:
                task.cancel()
            results = await asyncio.gather(*tasks, *holding, return_exceptions=True)
            equal({type(result) for result in results}, {asyncio.CancelledError})
            await client.wait_all()
            own.release()
            equal((client.stats.cancelled, n_posts(own)), (N + 4, 4))
            equal({call.result.sends for call in calls}, {0})

    runner(limited(work()))


@each(*RUNNERS)
def a_cancelled_awaitable_is_not_sent_after(runner):
    async def work():
        own = Server()
        async with Resilient.Client(max_concurrent=2) as client:
            def post():
                return asyncio.ensure_future(client.post_async(
                    own.uri('/hold'), 'text/plain', GLib.Bytes.new(b'x'), None))

            holding = [post(), post()]
            await wait_held(own, 2)
            futures = [post() for _ in range(100)]
            for future in futures[:50]:
                future.cancel()
            await asyncio.sleep(0)
            for future in futures[50:] + holding:
                future.cancel()
            results = await asyncio.gather(*futures, *holding, return_exceptions=True)
            equal({type(result) for result in results}, {asyncio.CancelledError})
            await client.wait_all()
            own.release()
            equal((client.stats.successes, n_posts(own)), (0, 2))

    runner(limited(work()))


@each(*RUNNERS)
def who_awaits_the_same_call_is_cancelled_with_it(runner):
    async def work():
        own = Server()
        async with Resilient.Client() as client:
            call = client.get(own.uri('/hold'))
            first, second = asyncio.ensure_future(call), asyncio.ensure_future(call)
            await wait_held(own)
            first.cancel()
            await raises_in(asyncio.CancelledError, first)
            is_cancelled(await raises_in(GLib.Error, second))
            equal(second.cancelled(), False)

            # Who shields only gives up his own waiting.
            call = client.get(own.uri('/hold'))
            first = asyncio.ensure_future(asyncio.shield(call))
            second = asyncio.ensure_future(call)
            await wait_held(own)
            first.cancel()
            await raises_in(asyncio.CancelledError, first)
            own.release()
            equal((await second).status_code, 200)

    runner(limited(work()))


@each(*RUNNERS)
def a_call_is_a_coroutine(runner):
    client = Resilient.Client()
    equal(runner(client.get(server.uri('/text'))).text, 'hello')
    error = raises(RuntimeError, client.get(server.uri('/text')).send, None)
    equal('no running event loop' in str(error), True)

    async def work():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.get(server.uri('/text'))) for _ in range(3)]
        equal([task.result().text for task in tasks], ['hello'] * 3)
        is_error(await raises_in(GLib.Error, asyncio.create_task(client.get('no uri'))),
                 Resilient.ClientError.quark(), Resilient.ClientError.INVALID_REQUEST)

    runner(limited(work()))


@each(*RUNNERS)
def errors_keep_domain_and_code(runner):
    async def work():
        closed = Server(listen=False)
        own = Server()
        policy = Resilient.RetryPolicy(max_retries=0)
        io, own_domain = Gio.io_error_quark(), Resilient.ClientError.quark()
        async with Resilient.Client(retry_policy=policy, max_concurrent=1,
                                    max_pending=0) as client:
            for start in (client.get, client.get_async):
                error = await raises_in(GLib.Error, start(closed.uri('/')))
                is_error(error, io, Gio.IOErrorEnum.CONNECTION_REFUSED)
                equal((error.domain, error.code), ('g-io-error-quark', 39))
                # In a loop that turns no context another thread has yet to give the slot back.
                while client.active_count:
                    await asyncio.sleep(0)
                is_error(await raises_in(GLib.Error, start('ftp://x/')), own_domain,
                         Resilient.ClientError.INVALID_REQUEST)
            call = client.get(own.uri('/hold'))
            await wait_held(own)
            for start in (client.get, client.get_async):
                is_error(await raises_in(GLib.Error, start(own.uri('/'))), own_domain,
                         Resilient.ClientError.OVERLOADED)
            error = await raises_in(GLib.Error, Resilient.fetch_async(
                'GET', own.uri('/hold'), 0, 0.02))
            is_error(error, io, Gio.IOErrorEnum.TIMED_OUT)
            # Each awaiter has an error of his own.
            call.cancel()
            first, second = await asyncio.gather(raises_in(GLib.Error, call),
                                                 raises_in(GLib.Error, call))
            is_cancelled(first)
            equal((first is second, first.message), (False, second.message))
        for start in (client.get, client.get_async):
            is_error(await raises_in(GLib.Error, start(own.uri('/'))), own_domain,
                     Resilient.ClientError.CLOSED)

    runner(limited(work()))


# --- subscriptions ---

async def make_events(client, n):
    """So many requests, each with one event; at most 50 at once."""
    left = iter(range(n))

    async def work():
        for _ in left:
            await raises_in(GLib.Error, client.get('http://127.0.0.1:1/'))

    await asyncio.gather(*(work() for _ in range(50)))


@each(*RUNNERS)
def cancelling_a_reader_loses_no_event(runner):
    N = 600

    async def read_some(subscription, seen):
        # Cancelled at any moment: before the first turn, while it waits, with an event in hand.
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            number += 1
            task = asyncio.create_task(read(subscription, seen, number))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            if number % 3:
                loop.call_soon(task.cancel)
            else:
                task.cancel()
            try:
                if await task:
                    return
            except asyncio.CancelledError:
                pass

    async def read(subscription, seen, number):
        if number % 7 == 0:
            try:
                event = await asyncio.wait_for(subscription.next(), 0)
            except asyncio.TimeoutError:
                return False
        elif number % 2:
            event = await subscription.next()
        else:
            event = await subscription.next_async()
        if event is None:
            return True
        seen.append(event.sequence)
        async for event in subscription:
            seen.append(event.sequence)
        return True

    async def work():
        async with Resilient.Client(retry_policy=Resilient.RetryPolicy(max_retries=0)) as client:
            subscription = client.subscribe(N)
            seen = []
            reader = asyncio.create_task(read_some(subscription, seen))
            await make_events(client, N)
            await client.close()
            await reader
            equal((subscription.dropped, len(seen)), (0, N))
            # One reader after another: each gets what is next.
            equal(seen, list(range(1, N + 1)))

    runner(limited(work()))


@each(*RUNNERS)
def an_event_in_hand_goes_to_the_next_reader(runner):
    async def work():
        async with Resilient.Client(retry_policy=Resilient.RetryPolicy(max_retries=0)) as client:
            subscription = client.subscribe(10)
            for number in range(1, 61):
                first, second = (asyncio.create_task(subscription.next()) for _ in range(2))
                await asyncio.sleep(0)
                call = client.get('http://127.0.0.1:1/')
                done = asyncio.ensure_future(raises_in(GLib.Error, call))
                if number % 2:
                    await done
                # Wherever the event stands now: it comes to one of them.
                for _ in range(number // 2 % 6):
                    await asyncio.sleep(0)
                first.cancel()
                await asyncio.wait([first])
                if first.cancelled():
                    equal((await second).sequence, number)
                else:
                    equal(first.result().sequence, number)
                    second.cancel()
                    await asyncio.wait([second])
                await done

    runner(limited(work()))


# --- awaitables ---

@each(*RUNNERS)
def callbacks_come_in_any_loop(runner):
    async def work():
        async with Resilient.Client() as client:
            for early in (client, before):
                done = asyncio.get_running_loop().create_future()
                early.get_async(server.uri('/text'), None, None,
                                lambda *results: done.set_result(results), 'data')
                client_again, result, data = await done
                equal((client_again.get_finish(result).text, data), ('hello', 'data'))
                done = asyncio.get_running_loop().create_future()
                early.wait_all_async(callback=lambda *results: done.set_result(results))
                equal(len(early.wait_all_finish((await done)[1])), 1)

    before = Resilient.Client()
    runner(limited(work()))


@each(*RUNNERS)
def what_can_t_begin_raises_where_it_was_called(runner):
    def never(*results):
        raise AssertionError('It came to its callback')

    async def work():
        client = Resilient.Client()
        n_requests = client.get_stats().get_requests()
        subscription = client.subscribe(1)
        uri = server.uri('/text')
        raises(TypeError, client.get_async, 123, None, None, never)
        raises(TypeError, client.get_async, 123, callback=never)
        raises(TypeError, client.get_async, None, None, None, never)
        raises(TypeError, client.get_async, uri, 'context', None, never)
        raises(TypeError, client.get_async, uri, None, 'cancellable', never)
        raises(TypeError, client.get_async, uri, None, None, 'callback')
        raises(TypeError, client.get_async, uri, wrong=1, callback=never)
        raises(TypeError, client.get_async, callback=never)
        raises(TypeError, client.send_async, uri, None, None, never)
        raises(TypeError, client.wait_result_async, 'id', 'soon', None, never)
        raises(TypeError, subscription.next_async, 'cancellable', never)
        raises(TypeError, Resilient.fetch_async, 'GET', 123, 0, 10, None, never)
        # nothing was begun to find that out
        await client.close()
        equal(client.get_stats().get_requests(), n_requests)

    runner(limited(work()))


class WrongCancellable:
    """No cancellable at all: what is given it can't begin."""

    def cancel(self):
        pass


@each(*RUNNERS)
def a_cancelled_reader_that_could_not_begin_is_cancelled(runner):
    async def work():
        def cancel():
            asked.append(task.cancel())

        async with Resilient.Client() as client:
            subscription = client.subscribe(1)
            for number in range(10):
                task, asked = asyncio.create_task(subscription.next_async(WrongCancellable())), []
                await asyncio.sleep(0)
                # In a loop that turns no context the error comes from another thread: the task is
                # cancelled when it is here, and the task has yet to hear of it.
                time.sleep(0.01)
                if number % 2:
                    asyncio.get_running_loop().call_soon(cancel)
                else:
                    cancel()
                await asyncio.wait([task])
                await asyncio.sleep(0)
                equal(task.cancelled(), asked[0])
                if not task.cancelled():
                    equal(type(task.exception()), TypeError)

    runner(limited(work()))


class GuestLoop(asyncio.SelectorEventLoop):
    """One of another make, run in a callback of GLib."""


@case
def awaitables_work_in_a_loop_of_another_make():
    async def work():
        equal((await Resilient.fetch_async('GET', server.uri('/text'), 0, 10)).text, 'hello')
        async with Resilient.Client() as client:
            equal((await client.get_async(server.uri('/text'))).text, 'hello')
            equal((await client.get(server.uri('/text')).wait_async()).text, 'hello')
            equal(len(await client.wait_all_async()), 2)
            await client.close_async(0)

    def run_guest():
        with asyncio.Runner(loop_factory=GuestLoop) as runner:
            runner.run(limited(work()))

    run_guest()
    in_callback(run_guest)
    equal(in_threads(run_guest), [None])



run()
