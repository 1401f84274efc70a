"""
The client: a process of its own that speaks to the server as ``tasker map`` does, and counts what comes instead of printing it.

Run as ``python -m bench.client JOB``, in the folder of somebody who has logged in; prints one JSON object. JOB is one, too: ``scenario``
and ``function`` of programs.py; ``range`` (a count) or ``json`` (a count) for the items, ``chunk_items``, ``output``, ``check``.
The clock runs from submitting to the last result (or the last line, with ``output``) that was taken.
"""

from __future__ import annotations

import json
import sys
from resource import RUSAGE_SELF, getrusage
from typing import Any, AsyncIterator, Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from bench import programs
from marx.tasker.cli import run_to_the_end
from marx.tasker.follow import Following, OutputPack, ResultPack, Wants
from marx.tasker.items import Items
from marx.tasker.mapping import PreparedMap, prepare
from marx.tasker.preparing import submit
from marx.tasker.printed import LineJoiner, plain
from marx.tasker.request import ItemChoice, MapRequest, Terms
from marx.tasker.session import Session, session
from marx.tasker.submit import ItemsSender, add_items, add_range
from marx.tasker.surroundings import Surroundings
from marx.tasker.transfer import fetch_blob
from marx.wire.packs import ItemPack, pack_json_items, result_lines

Job = dict[str, Any]


class Counter:
    """The sink of one watch. ``last_at``: when something was last taken. ``packs``: the results, kept to be checked after the clock."""

    def __init__(self, opened: Session, task: str) -> None:
        self._opened = opened
        self._task = task
        self._joiner = LineJoiner(plain)
        self._waiting: tuple[int, Deferred[None]] | None = None
        self.packs: list[ResultPack] = []
        self.count = self.size = self.lines = 0
        self.last_at = 0.0

    async def take_results(self, pack: ResultPack) -> None:
        """Count them; a blob is fetched, and not kept."""
        if pack.blob is None:
            self.packs.append(pack)
            self.size += len(pack.payload or b"")
        else:
            async for part in fetch_blob(self._opened.connection, self._task, pack.blob):
                self.size += len(part)
        self.count += pack.count
        self._took()

    async def take_output(self, pack: OutputPack) -> None:
        """Put lines together, as for a person, and count them."""
        self.lines += self._joiner.feed(pack).count(b"\n")
        self._took()

    def take_change(self, task: dict[str, Any]) -> None:
        """Of no interest here."""

    def wait_for(self, count: int) -> Deferred[None]:
        """Fires when so many results have come."""
        arrived: Deferred[None] = Deferred()
        self._waiting = (count, arrived)
        return arrived

    def _took(self) -> None:
        self.last_at = self._opened.around.reactor.seconds()
        if self._waiting is not None and self.count >= self._waiting[0]:
            (_, arrived), self._waiting = self._waiting, None
            arrived.callback(None)


async def map_all(opened: Session, prepared: PreparedMap, job: Job) -> dict[str, Any]:
    """One whole map."""
    began, spent = opened.around.reactor.seconds(), processor_seconds()
    task, counter, following = await _submit(opened, prepared, job)
    adding = Deferred.fromCoroutine(_add(opened, task, prepared))
    ended = await following.run()
    await adding
    spent = processor_seconds() - spent
    _must_be_right(ended, counter, job)
    seconds = counter.last_at - began
    return {"seconds": [seconds], "client": spent, "count": counter.count, "size": counter.size, "lines": counter.lines}


async def new_tasks(opened: Session, prepared: PreparedMap, job: Job) -> dict[str, Any]:
    """One map after the other, ``times`` of them."""
    taken = [await map_all(opened, prepared, job) for _ in range(job["times"])]
    return {**taken[-1], "seconds": [one["seconds"][0] for one in taken], "client": sum(one["client"] for one in taken)}


async def one_by_one(opened: Session, prepared: PreparedMap, job: Job) -> dict[str, Any]:
    """``times`` items for one open task, each sent ``pause`` seconds after the answer to the last; ``warm`` more at first are not counted."""
    clock = opened.around.reactor.seconds
    task, counter, following = await _submit(opened, prepared, job)
    running = Deferred.fromCoroutine(following.run())
    sender = ItemsSender(opened.connection, task, "json")
    spent, seconds = processor_seconds(), []
    for item in range(job["warm"] + job["times"]):
        await deferLater(opened.around.reactor, job["pause"])
        arrived, began = counter.wait_for(item + 1), clock()
        await sender.send(ItemPack(item, 1, "json", b"%d" % item), final=False)
        await arrived
        seconds.append(clock() - began)
    spent = processor_seconds() - spent
    await sender.finish()
    _must_be_right(await running, counter, job)
    return {"seconds": seconds[job["warm"] :], "client": spent, "count": counter.count, "size": counter.size, "lines": 0}


async def only_submit(opened: Session, prepared: PreparedMap, job: Job) -> dict[str, Any]:
    """Submit with all items, and leave."""
    began = opened.around.reactor.seconds()
    task = await submit(opened, prepared)
    await _add(opened, task, prepared)
    return {"seconds": [opened.around.reactor.seconds() - began], "client": 0.0, "count": 0, "size": 0, "lines": 0}


SCENARIOS: dict[str, Callable[[Session, PreparedMap, Job], Awaitable[dict[str, Any]]]] = {
    each.__name__: each for each in (map_all, new_tasks, one_by_one, only_submit)
}


async def _submit(opened: Session, prepared: PreparedMap, job: Job) -> tuple[str, Counter, Following]:
    task = await submit(opened, prepared)
    counter = Counter(opened, task)
    return task, counter, Following(opened.connection, task, Wants(results="ordered", output=job.get("output", False)), counter)


async def _add(opened: Session, task: str, prepared: PreparedMap) -> None:
    if prepared.items.codec == "range":
        await add_range(opened.connection, task, prepared.items)
    else:
        await add_items(opened.connection, task, prepared.ahead)


def _must_be_right(ended: dict[str, Any], counter: Counter, job: Job) -> None:
    """A fast wrong answer is none: everything succeeded, all of it came, and with ``check`` each value is what a plain call gives."""
    if (ended["state"], ended["failed"], ended["total"]) != ("done", 0, counter.count):
        raise RuntimeError(f"not every item succeeded, or not every result came: {counter.count} results of {ended}")
    function = getattr(programs, job["function"])
    for pack in counter.packs if job.get("check") else ():
        for line in result_lines(pack.codec, pack.payload or b"", pack.pack_first, pack.first, pack.count):
            result = json.loads(line)
            if result["value"] != function(result["index"]):
                raise RuntimeError(f"a wrong result: {line!r}")


def processor_seconds() -> float:
    """What this process has used so far."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _json_items(count: int) -> Items:
    async def packs() -> AsyncIterator[ItemPack]:
        for pack in pack_json_items(b"%d" % number for number in range(count)):
            yield pack

    return Items("json", packs(), total=count)


def errand_of(job: Job) -> Callable[[Surroundings], Awaitable[int]]:
    """The job as what a command does."""

    async def errand(around: Surroundings) -> int:
        terms = Terms(python="%d.%d" % sys.version_info[:2], chunk_items=job.get("chunk_items"))
        choice = ItemChoice(range=f"0:{job['range']}") if "range" in job else ItemChoice()
        request = MapRequest(f"programs.py:{job['function']}", items=choice, terms=terms)
        prepared = await prepare(request, around, None if "range" in job else _json_items(job["json"]))
        async with session(around, around.reach.login(None)) as opened:
            taken = await SCENARIOS[job["scenario"]](opened, prepared, job)
        print(json.dumps(taken))
        return 0

    return errand


if __name__ == "__main__":
    sys.exit(run_to_the_end(errand_of(json.loads(sys.argv[1]))))
