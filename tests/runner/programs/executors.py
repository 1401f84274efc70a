"""What programs do with ProcessPoolExecutor, section by section: a plain run and one under the stand-ins must print the same."""

from __future__ import print_function

import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time
import weakref
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from concurrent.futures.process import ProcessPoolExecutor as SameExecutor

SECTIONS = []
THREE = sys.version_info[0] == 3
STATE = {"value": 1}
LOCK = multiprocessing.Lock()


def section(function):
    SECTIONS.append(function)
    return function


def since(*version):
    return section if sys.version_info >= version else lambda function: function


def square(x):
    return x * x


def add(a, b=10, **more):
    return a + b + sum(more.values())


def even_only(x):
    if x % 2:
        raise ValueError("%d is odd" % x)
    return x


def leave(x):
    sys.exit(x)


def wait_and_die(x):
    time.sleep(0.3)
    if x:
        os._exit(x)
    return x


def guarded(x):
    LOCK
    return wait_and_die(x)


def state(x):
    return STATE["value"], x


def set_state(value):
    STATE["value"] = value


def fail_to_begin():
    raise RuntimeError("the initializer failed")


def wait_seconds(seconds):
    time.sleep(seconds)
    return seconds


class Held(object):
    def method(self):
        return 1


class PrivateExecutor(SameExecutor):
    def _adjust_process_count(self):
        return SameExecutor._adjust_process_count(self)


@section
def maps():
    with ProcessPoolExecutor(2) as executor:
        print(list(executor.map(square, range(10))), list(executor.map(add, range(3), range(3))), list(executor.map(square, [])))
        if THREE:
            print(list(executor.map(square, range(10), chunksize=3)))
        results = executor.map(even_only, [0, 2, 3])
        try:
            for result in results:
                print(result)
        except ValueError as error:
            print(error)


@section
def submits():
    with ProcessPoolExecutor(max_workers=2) as executor:
        futures = [executor.submit(add, number, b=1) for number in range(5)]
        print([future.result() for future in futures], all(future.done() for future in futures))
        print(executor.submit(add, 1, more=5, fn=7, b=0).result() if sys.version_info >= (3, 9) else 13)
        print(executor._max_workers, type(executor) is SameExecutor, concurrent.futures.ProcessPoolExecutor is SameExecutor)


@section
def futures():
    with ProcessPoolExecutor(2) as executor:
        good, bad = executor.submit(square, 3), executor.submit(even_only, 3)
        print(good.result(timeout=10), good.exception(), good.running(), good.cancelled(), good.done())
        print(type(bad.exception()).__name__, bad.exception(), bad.done())
        heard = []
        good.add_done_callback(lambda future: heard.append(future.result()))
        print(heard, good.cancel())
        try:
            executor.submit(wait_seconds, 0.3).result(timeout=0.01)
        except concurrent.futures.TimeoutError as error:
            print(type(error).__name__)


@since(3, 6)
def what_was_submitted_is_let_go():
    gone, held = threading.Event(), Held()
    watched = weakref.ref(held, lambda _: gone.set())
    with ProcessPoolExecutor(2) as executor:
        executor.submit(held.method)
        del held
        print(gone.wait(20), watched())


@section
def waiting():
    with ProcessPoolExecutor(2) as executor:
        print(sorted(future.result() for future in as_completed([executor.submit(square, x) for x in range(5)])))
        done, not_done = wait([executor.submit(square, x) for x in range(5)])
        print(len(done), len(not_done))
        quick, slow = executor.submit(square, 2), executor.submit(wait_seconds, 1)
        done, not_done = wait([slow, quick], return_when=FIRST_COMPLETED)
        print(quick in done)
        done, _ = wait([executor.submit(even_only, 1)], return_when=FIRST_EXCEPTION)
        print([type(future.exception()).__name__ for future in done])


@section
def callbacks_may_submit():
    executor, heard = ProcessPoolExecutor(2), []

    def again(future):
        heard.append(future.result())
        if len(heard) < 3:
            executor.submit(square, future.result()).add_done_callback(again)

    first = executor.submit(square, 2)
    first.add_done_callback(again)
    while len(heard) < 3:
        wait_seconds(0.01)
    executor.shutdown()
    print(heard)


@section
def cancelling():
    executor = ProcessPoolExecutor(1)
    futures = [executor.submit(wait_seconds, 0.3) for _ in range(6)]
    print(futures[-1].cancel(), futures[-1].cancelled(), futures[-1].done())
    try:
        futures[-1].result()
    except concurrent.futures.CancelledError as error:
        print(type(error).__name__)
    for future in futures[2:]:
        future.cancel()
    print(futures[0].result())
    executor.shutdown()
    print([future.done() for future in futures])


@since(3, 9)
def shutdown_that_cancels():
    executor = ProcessPoolExecutor(1)
    futures = [executor.submit(wait_seconds, 0.2) for _ in range(8)]
    executor.shutdown(wait=True, cancel_futures=True)
    print(all(future.done() for future in futures), futures[-1].cancelled(), futures[0].cancelled())


@section
def ends():
    executor = ProcessPoolExecutor(1)
    future = executor.submit(wait_seconds, 0.2)
    executor.shutdown(wait=(3, 7) <= sys.version_info[:2] <= (3, 8))  # which hang otherwise
    print(future.result())
    executor.shutdown()
    try:
        executor.submit(square, 1)
    except RuntimeError as error:
        print(error)


@section
def mistakes():
    for arguments in ((0,), (-1,)):
        try:
            ProcessPoolExecutor(*arguments)
            print("taken")
        except ValueError as error:
            print(error)
    if sys.version_info >= (3, 9):
        with ProcessPoolExecutor(1) as executor:
            print(type(executor.submit(lambda: 1).exception()).__name__)


@section
def state_as_at_the_first_call():
    STATE["value"] = 5
    executor = ProcessPoolExecutor(1)
    STATE["value"] = 6
    print(executor.submit(state, 1).result())
    executor.shutdown()
    STATE["value"] = 1


@since(3, 7)
def initializers():
    with ProcessPoolExecutor(1, initializer=set_state, initargs=(8,)) as executor:
        print(list(executor.map(state, range(2))), STATE["value"])
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), set_state, (9,)) as executor:
        print(list(executor.map(state, range(2))))


@since(3, 7)
def initializers_that_fail():
    with ProcessPoolExecutor(1, initializer=fail_to_begin) as executor:
        print(type(executor.submit(square, 1).exception()).__name__)


@since(3, 7)
def locks_given_to_an_initializer():
    with ProcessPoolExecutor(2, initializer=set_state, initargs=(LOCK,)) as executor:
        print([type(value).__name__ for value, _ in executor.map(state_name, range(2))])


def state_name(x):
    return type(STATE["value"]).__name__, x


@section
def exits_of_items():
    with ProcessPoolExecutor(1) as executor:
        error = executor.submit(leave, 3).exception()
        print(type(error).__name__, error, executor.submit(square, 2).result())


@since(3, 3)
def causes():
    with ProcessPoolExecutor(1) as executor:
        cause = executor.submit(even_only, 1).exception().__cause__
        print(type(cause).__name__, "in even_only" in str(cause), str(cause).count("Traceback"))


@since(3, 3)
def broken():
    executor = ProcessPoolExecutor(1)
    futures = [executor.submit(guarded, x) for x in (3, 0)]
    for future in futures:
        print(type(future.exception()).__name__, future.exception())
    try:
        executor.submit(square, 1)
    except RuntimeError as error:
        print(type(error).__name__)
    executor.shutdown()


@section
def others():
    with ThreadPoolExecutor(2) as executor:
        print(list(executor.map(lambda x: x, range(3))))
    with PrivateExecutor(2) as executor:
        print(list(executor.map(square, range(3))))


@since(3, 7)
def asyncio_uses_it():
    exec(ASYNC, globals())


ASYNC = """
import asyncio

async def gathered():
    with ProcessPoolExecutor(2) as executor:
        return await asyncio.gather(*[asyncio.get_running_loop().run_in_executor(executor, square, x) for x in range(3)])

print(asyncio.run(gathered()))
"""


@section
def work_that_is_open_at_the_end():
    executor = ProcessPoolExecutor(1)
    future = executor.submit(wait_seconds, 0.3)
    future.add_done_callback(lambda future: os.write(1, b"done at the end\n"))
    globals()["KEPT"] = executor


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for section in SECTIONS:
        if not wanted or section.__name__ in wanted:
            print("== " + section.__name__)
            sys.stdout.flush()
            section()
    sys.stdout.flush()
