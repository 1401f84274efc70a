"""What programs do with multiprocessing.Pool, section by section: a plain run and one under the stand-ins must print the same.

Each function below `section` is one; the test of the stand-ins knows them by their names.
"""

from __future__ import print_function

import itertools
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import namedtuple
from functools import partial
from multiprocessing import Pool, TimeoutError
from multiprocessing.pool import Pool as PoolClass
from multiprocessing.pool import ThreadPool

SECTIONS = []
THREE = sys.version_info[0] == 3
COUNTER = {"calls": 0, "given": None}
LOCK = multiprocessing.Lock()
Point = namedtuple("Point", "x y")


def section(function):
    SECTIONS.append(function)
    return function


def on_three(function):
    return section(function) if THREE else function


class Account(object):
    rate = 2

    def __init__(self, balance):
        self.balance = balance

    def grown(self, years):
        return self.balance * self.rate**years

    def __call__(self, more):
        return self.balance + more


class Refused(Exception):
    def __init__(self, code, text):
        Exception.__init__(self, code, text)
        self.code = code


class PublicPool(PoolClass):
    """Overrides what is documented."""

    def map(self, function, iterable, chunksize=None):
        return ["mine"] + PoolClass.map(self, function, iterable, chunksize)


class PrivatePool(PoolClass):
    """Overrides what is not."""

    def _repopulate_pool(self):
        print("private")
        return PoolClass._repopulate_pool(self)


def square(x):
    return x * x


def add(a, b=10):
    return a + b


def even_only(x):
    if x % 2:
        raise ValueError("%d is odd" % x)
    return x


def refuse(x):
    raise Refused(x, "no")


def remember(value):
    COUNTER["given"] = value


def remembered(x):
    return COUNTER["given"], x


def shown(x):
    return COUNTER["calls"], x


def guarded(x):
    with LOCK:
        return x + 1


def wait_seconds(seconds):
    time.sleep(seconds)
    return seconds


def moved(point):
    return Point(point.x + 1, point.y)


def leave_a_mark(folder, name):
    if name == "fails":
        raise ValueError("at once")
    wait_seconds(0.2)
    open(os.path.join(folder, name), "w").close()


def leave_a_mark_of_its_own(folder):
    leave_a_mark(folder, str(os.getpid()))


def leave_marks(folder_and_name):
    return leave_a_mark(*folder_and_name)


def failing():
    yield 1
    yield 2
    raise KeyError("the iterable failed")


@section
def maps():
    pool = Pool(2)
    print(pool.map(square, range(20)), pool.map(square, range(7), 3), pool.map(square, []))
    print(pool.map(square, iter(range(5))), pool.map(square, (x for x in range(3))))
    print(pool.map(Account(3), range(3)), pool.map(partial(add, b=1), range(3)), pool.map(str, range(3)))
    print(pool.map(moved, [Point(1, 2), Point(3, 4)]))
    pool.close()
    pool.join()


@section
def iterators():
    pool = Pool(2)
    print(list(pool.imap(square, range(10))), list(pool.imap(square, range(10), 4)))
    print(sorted(pool.imap_unordered(square, range(10))), sorted(pool.imap_unordered(square, range(10), chunksize=3)))
    print(list(pool.imap(square, [])))
    iterator = pool.imap(square, range(3))
    print(next(iterator), iterator.next(timeout=10), next(iterator), next(iterator, "over"))
    pool.terminate()
    pool.join()


@section
def single_calls():
    pool = Pool(2)
    print(pool.apply(add, (1,)), pool.apply(add, (1, 2)), pool.apply(add, (1,), {"b": 3}))
    results = [pool.apply_async(add, (number, number)) for number in range(5)]
    print([result.get() for result in results], results[0].ready(), results[0].successful())
    result = pool.apply_async(even_only, (1,))
    result.wait()
    print(result.ready(), result.successful())
    pool.close()
    pool.join()


@section
def callbacks():
    pool, heard = Pool(2), []
    pool.map_async(square, range(4), callback=heard.append).get()
    pool.apply_async(
        square,
        (5,),
        callback=lambda value: heard.append((value, threading.current_thread() is not threading.main_thread() if THREE else True)),
    )
    pool.close()
    pool.join()
    print(heard)


@on_three
def error_callbacks():
    heard = []
    with Pool(2) as pool:
        pool.apply_async(even_only, (1,), callback=heard.append, error_callback=lambda error: heard.append(repr(error)))
        pool.map_async(even_only, [0, 2], callback=heard.append, error_callback=heard.append)
        pool.close()
        pool.join()
    print(sorted(map(str, heard)))


@on_three
def starmaps():
    with Pool(2) as pool:
        print(pool.starmap(add, [(1, 2), (3, 4), (5,)]), pool.starmap_async(add, zip(range(3), range(3))).get(10))
        try:
            pool.starmap(add, [(1, 2, 3)])
        except TypeError as error:
            print(error)


@section
def errors():
    pool = Pool(2)
    for function in (even_only, refuse):
        for attempt in (lambda: pool.map(function, [1]), lambda: list(pool.imap(function, [1])), lambda: pool.apply(function, (1,))):
            try:
                attempt()
            except (ValueError, Refused, TypeError) as error:
                print(type(error).__name__, error, getattr(error, "code", None))
    iterator = pool.imap(even_only, range(4))
    for _ in range(4):
        try:
            print(next(iterator))
        except ValueError as error:
            print(error)
    pool.terminate()
    pool.join()


@on_three
def causes():
    with Pool(2) as pool:
        try:
            pool.map(even_only, [1], 1)
        except ValueError as error:
            text = str(error.__cause__)
            print(type(error.__cause__).__name__, "in even_only" in text, "ValueError: 1 is odd" in text, text.count("Traceback"))


@section
def iterables_that_fail():
    pool = Pool(2)
    iterator = pool.imap(square, failing())
    print(next(iterator), next(iterator))
    try:
        next(iterator)
    except KeyError as error:
        print("KeyError", error)
    pool.terminate()


@section
def timeouts():
    pool = Pool(1)
    result = pool.apply_async(wait_seconds, (0.3,))
    try:
        result.get(timeout=0.01)
    except TimeoutError as error:
        print(type(error).__name__)
    print(result.get(timeout=10))
    iterator = pool.imap(wait_seconds, [0.3])
    try:
        iterator.next(timeout=0.01)
    except TimeoutError:
        print("not yet")
    print(iterator.next(timeout=10))
    pool.terminate()


@section
def states_as_at_the_pools_creation():
    COUNTER["calls"] = 5
    pool = Pool(2)
    COUNTER["calls"] = 6
    print(pool.map(shown, range(2)), COUNTER["calls"])
    pool.terminate()


@section
def initializers():
    pool = Pool(2, remember, ("this",))
    print(pool.map(remembered, range(3)), COUNTER["given"])
    pool.terminate()
    pool = Pool(processes=1, initializer=remember, initargs=[Point(1, 2)], maxtasksperchild=1)
    print(pool.map(remembered, range(3), 1))
    pool.terminate()


@section
def initializers_of_pools_without_items():
    folder = tempfile.mkdtemp()
    pool = Pool(3, leave_a_mark_of_its_own, (folder,))
    pool.close()
    pool.join()
    print(len(os.listdir(folder)))
    shutil.rmtree(folder)


@section
def locks():
    pool = Pool(2)
    print(pool.map(guarded, range(4)))
    pool.terminate()
    queue = multiprocessing.Queue()
    pool = Pool(2, queue.put, ("began",))
    print(pool.map(square, range(3)), queue.get(timeout=10), queue.get(timeout=10))
    pool.terminate()


@section
def shared_things_cannot_be_arguments():
    pool = Pool(2)
    for thing in (multiprocessing.Lock(), multiprocessing.Queue(), multiprocessing.Value("i", 1)):
        try:
            pool.apply(square, (thing,))
        except RuntimeError as error:
            print(error)
    pool.terminate()


@section
def attributes():
    pool = Pool(3)
    print(len(pool._pool), pool._processes, [worker.is_alive() for worker in pool._pool], [worker.exitcode for worker in pool._pool])
    print(type(pool) is PoolClass, isinstance(pool, PoolClass), pool._maxtasksperchild, len(pool._cache), pool._pool[0].daemon)
    before = pool._state
    pool.close()
    pool.join()
    print(before == pool._state, [worker.is_alive() for worker in pool._pool])


@section
def ends():
    pool = Pool(2)
    pool.close()
    for attempt in (lambda: pool.map(square, [1]), lambda: pool.apply_async(square, (1,)), lambda: pool.imap(square, [1])):
        try:
            attempt()
        except (ValueError, AssertionError) as error:
            print(type(error).__name__, error)
    pool.join()
    pool = Pool(2)
    try:
        pool.join()
    except (ValueError, AssertionError) as error:
        print(type(error).__name__, error)
    result = pool.map_async(wait_seconds, [4])
    pool.terminate()
    pool.join()
    print(result.ready())


@section
def joining_waits_for_the_rest_of_a_map_that_has_failed():
    folder = tempfile.mkdtemp()
    pool = Pool(2)
    try:
        pool.map(leave_marks, [(folder, name) for name in ("fails", "one", "two", "three")], 1)
    except ValueError as error:
        print(error)
    pool.close()
    pool.join()
    print(sorted(os.listdir(folder)))
    shutil.rmtree(folder)


@section
def mistakes():
    for arguments in ((0,), (-1,), (2, "not callable")):
        try:
            Pool(*arguments)
        except (ValueError, TypeError) as error:
            print(type(error).__name__, error)
    pool = Pool(1)
    try:
        pool.map(square, 5)
    except TypeError as error:
        print(error)
    try:
        pool.apply(square, (lambda: 1,))
    except Exception as error:
        print(type(error).__name__)
    pool.terminate()


@on_three
def contexts():
    for method in ("fork", "spawn", "forkserver"):
        COUNTER["calls"] = 7
        with multiprocessing.get_context(method).Pool(2, remember, (method,)) as pool:
            print(method, pool.map(shown, range(2)), pool.map(remembered, range(2)), pool.apply(add, (1,)))


@on_three
def shared_things_given_to_spawned_processes():
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, remember, (context.Lock(),)) as pool:
        print([(type(given).__name__, x) for given, x in [(pool.apply(type, (1,)), 2)]], pool.map(square, range(3)))


@section
def subclasses():
    pool = PublicPool(2)
    print(pool.map(square, range(3)))
    pool.terminate()
    pool = PrivatePool(2)
    print(pool.map(square, range(3)))
    pool.terminate()


@section
def threads():
    pool = ThreadPool(2)
    print(pool.map(lambda x: COUNTER.__setitem__("calls", x) or x, [4]), COUNTER["calls"])
    pool.terminate()
    from multiprocessing import dummy

    pool = dummy.Pool(2)
    print(pool.map(lambda x: x, [4]))
    pool.terminate()


@section
def processes_of_the_program():
    def child(queue):
        pool = Pool(2)
        queue.put((pool.map(square, range(3)), [worker.pid is not None for worker in pool._pool]))
        pool.terminate()

    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=child, args=(queue,))
    process.start()
    print(queue.get(timeout=10))
    process.join()
    print(process.exitcode)


@section
def several_pools():
    first, second = Pool(1), Pool(2)
    results = [pool.map_async(square, range(5)) for pool in (first, second, first)]
    print([result.get() for result in results])
    print(list(first.imap(square, second.imap(square, range(4)))))
    first.terminate()
    second.terminate()


@section
def endless_iterables():
    pool = Pool(2)
    taken = []
    source = (taken.append(x) or x for x in itertools.count()) if THREE else iter(range(3000))
    iterator = pool.imap(square, source)
    print([next(iterator) for _ in range(5)], len(taken) < 1000000)
    pool.terminate()
    pool.join()


@section
def bound_methods():
    if THREE:
        with Pool(2) as pool:
            print(pool.map(Account(3).grown, range(3)), pool.apply(Account(2).grown, (2,)))


@section
def forgotten():
    pool = Pool(2)
    print(pool.map(square, range(3)))
    del pool


@section
def nothing_is_left_open_at_the_end():
    pool = Pool(2)
    print(pool.apply_async(square, (3,)).get())
    globals()["KEPT"] = pool


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for section in SECTIONS:
        if not wanted or section.__name__ in wanted:
            print("== " + section.__name__)
            sys.stdout.flush()
            section()
    print("== ")
