"""
The ways to hand items to a pool and to get results back: one for each call of the two libraries, and then some.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.proofs.generator.aspects import NEWEST


@dataclass(frozen=True)
class Call:
    """
    One way to call. ``text`` binds ``got``; in it ``F`` stands for the function, ``ITEMS`` for the list of items, ``POOL`` for the pool, ``CHUNKS``
    for an argument about chunk sizes or nothing, ``_N`` for the number of the portion. ``least``: items that it needs.
    """

    name: str
    kind: str
    text: str
    since: tuple[int, int] = (2, 7)
    until: tuple[int, int] = NEWEST
    least: int = 0


_HALF = """waiting = POOL.imap(F, ITEMS)
got = [next(waiting), next(waiting)]
say('two', len(got))
got += list(waiting)"""
_ONE_BY_ONE = """got = []
waiting = POOL.imap(F, ITEMS)
for turn in range(len(ITEMS)):
    try:
        got.append(waiting.next())
    except ArithmeticError as error:
        got.append(type(error).__name__)"""
_CALLBACK = """seen_N = []
jobs = [POOL.apply_async(F, (item,), callback=seen_N.append) for item in ITEMS]
got = [job.get(LIMIT) for job in jobs]
say('called back', len(seen_N), sorted(map(repr, seen_N)) == sorted(map(repr, got)))"""
_MAP_CALLBACK = """seen_N = []
job = POOL.map_async(F, ITEMS, callback=seen_N.extend)
got = job.get(LIMIT)
say('called back', len(seen_N), job.ready(), job.successful())"""
_ERROR_CALLBACK = """wrong_N = []
jobs = [POOL.apply_async(F, (item,), error_callback=wrong_N.append) for item in ITEMS]
got = []
for job in jobs:
    job.wait(LIMIT)
    got.append(job.get() if job.successful() else 'failed')
say('wrong', [type(error).__name__ for error in wrong_N])"""
_TWO_AT_ONCE = """first = POOL.map_async(F, ITEMS)
second = POOL.map_async(len, ['ab', 'c'])
got = [second.get(LIMIT), first.get(LIMIT)]"""
_SUBMIT = """futures = [POOL.submit(F, item) for item in ITEMS]
got = [future.result(LIMIT) for future in futures]
say(all(future.done() for future in futures), any(future.cancelled() for future in futures))"""
_COMPLETED = """futures = dict((POOL.submit(F, item), number) for number, item in enumerate(ITEMS))
arrived = [(futures[future], future.result()) for future in concurrent.futures.as_completed(futures)]
got = [value for number, value in sorted(arrived, key=lambda pair: pair[0])]"""
_WAIT = """futures = [POOL.submit(F, item) for item in ITEMS]
done, left = concurrent.futures.wait(futures)
say(len(done), len(left))
got = [future.result() for future in futures]"""
_DONE = """ended_N = []
futures = [POOL.submit(F, item) for item in ITEMS]
for future in futures:
    future.add_done_callback(lambda ended: ended_N.append(ended.done()))
got = [future.result() for future in futures]"""
_EXCEPTIONS = """futures = [POOL.submit(F, item) for item in ITEMS]
errors = [future.exception() for future in futures]
got = [future.result() if error is None else type(error).__name__ for future, error in zip(futures, errors)]"""
_LAZY = """waiting = POOL.map(F, ITEMS)
got = [next(waiting)]
say('one', len(got))
got += list(waiting)"""
_REFUSED = """try:
    POOL.map(lambda v: v, [1, 2])
except Exception as error:
    say('refused', type(error).__name__)
got = POOL.map(F, ITEMS, CHUNKS)"""
_REFUSED_FUTURE = """future = POOL.submit(lambda v: v, 1)
say('refused', type(future.exception()).__name__)
got = list(POOL.map(F, ITEMS))"""

CALLS = (
    Call("Pool.map", "Pool", "got = POOL.map(F, ITEMS, CHUNKS)"),
    Call("Pool.map of a generator", "Pool", "got = POOL.map(F, (item for item in ITEMS), CHUNKS)"),
    Call("Pool.map_async", "Pool", "got = POOL.map_async(F, ITEMS, CHUNKS).get(LIMIT)"),
    Call("Pool.map_async with a callback", "Pool", _MAP_CALLBACK, least=1),
    Call("two at once", "Pool", _TWO_AT_ONCE),
    Call("Pool.imap", "Pool", "got = list(POOL.imap(F, ITEMS, CHUNKS))"),
    Call("Pool.imap, half of it first", "Pool", _HALF, least=2),
    Call("Pool.imap, one by one", "Pool", _ONE_BY_ONE),
    Call("Pool.imap_unordered", "Pool", "got = sorted(POOL.imap_unordered(F, ITEMS, CHUNKS), key=repr)"),
    Call("Pool.starmap", "Pool", "got = POOL.starmap(F, [(item, 3) for item in ITEMS], CHUNKS)", since=(3, 6)),
    Call("Pool.starmap_async", "Pool", "got = POOL.starmap_async(F, [(item, 3) for item in ITEMS], CHUNKS).get(LIMIT)", since=(3, 6)),
    Call("Pool.apply", "Pool", "got = [POOL.apply(F, (item,)) for item in ITEMS]"),
    Call("Pool.apply with keywords", "Pool", "got = [POOL.apply(F, (item,), {'more': 4}) for item in ITEMS]"),
    Call("Pool.apply_async", "Pool", "got = [job.get(LIMIT) for job in [POOL.apply_async(F, (item,)) for item in ITEMS]]"),
    Call("Pool.apply_async with a callback", "Pool", _CALLBACK),
    Call("Pool.apply_async with an error callback", "Pool", _ERROR_CALLBACK, since=(3, 6)),
    Call("function that cannot be pickled", "Pool", _REFUSED, since=(3, 6)),
    Call("submitted function that cannot be pickled", "executor", _REFUSED_FUTURE, since=(3, 7)),
    Call("executor.map", "executor", "got = list(POOL.map(F, ITEMS))"),
    Call("executor.map with chunks", "executor", "got = list(POOL.map(F, ITEMS, chunksize=2))", since=(3, 6)),
    Call("executor.map of two iterables", "executor", "got = list(POOL.map(F, ITEMS, [5] * len(ITEMS)))"),
    Call("executor.map, lazily", "executor", _LAZY, least=1),
    Call("executor.submit", "executor", _SUBMIT),
    Call("executor.submit with keywords", "executor", "got = [future.result() for future in [POOL.submit(F, item, more=6) for item in ITEMS]]"),
    Call("as_completed", "executor", _COMPLETED),
    Call("futures.wait", "executor", _WAIT),
    Call("add_done_callback", "executor", _DONE),
    Call("Future.exception", "executor", _EXCEPTIONS),
)
