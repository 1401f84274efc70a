"""Measures the scheduler: `python -m tests.core.measure`. Prints a table; takes about a minute.

Costs are processor time of one call chain in this process. Makespans are simulated (see `simulation`), with a round trip
of 10 ms and 1 ms for each chunk.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable

from marx.core.actions import Grant
from marx.core.events import (
    ChunkEnded,
    Event,
    ItemsAdded,
    ItemsReported,
    PortionOpened,
    TaskSubmitted,
    WorkerHeard,
    WorkerJoined,
)
from marx.core.model import Lease, Policy
from marx.core.scheduler import Scheduler
from tests.core.builders import offer, terms
from tests.core.simulation import simulate


def makespan(name: str, items: int, workers: int, slots: int, seconds: Callable[[int], float], **more: object) -> None:
    """Simulate one map and print how it compares with the ideal."""
    simulation, efficiency = simulate(items, workers, slots, seconds, **more)
    each = simulation.chunks / workers / slots
    print(f"{name:44} {simulation.now:8.3f} s, {efficiency:6.1%}; {each:.1f} chunks a slot, {simulation.recalls} recalled")
    if "-v" in sys.argv:
        print("    ", simulation.sizes[:60])


def cost(name: str, tasks: int, users: int, items: int, workers: int, slots: int) -> None:
    """Processor time of grant, report and end of one-item chunks, everything else being instantaneous."""
    scheduler = Scheduler(1, Policy())
    under_way: deque[Lease] = deque()

    def tell(event: Event) -> None:
        for action in scheduler.handle(event, now):
            if isinstance(action, Grant):
                under_way.append(action.lease)

    now = 0.0
    for number in range(tasks):
        tell(TaskSubmitted(terms(f"t{number}", f"user{number % users}", chunk_items=1, arrival=number)))
        tell(ItemsAdded(f"t{number}", 0, 0, items, True))
    began = time.process_time()
    for number in range(workers):
        tell(WorkerJoined(offer(f"w{number}", slots)))
    done = 0
    while under_way:
        lease = under_way.popleft()
        now += 0.001 / workers / slots
        tell(ItemsReported(lease.worker, lease.fence, lease.task, 0, lease.first, 1, (), 0.0005, "r"))
        tell(ChunkEnded(lease.worker, lease.fence, lease.task, "succeeded", receipt="e"))
        done += 1
    each = (time.process_time() - began) / done
    assert done == tasks * items
    print(f"{name:44} {each * 1e6:8.1f} us a chunk ({done} chunks)")


def portions(count: int, open_at_once: int) -> None:
    """What a program with very many portions of one item costs, and whether it costs more towards the end."""
    scheduler = Scheduler(1, Policy())
    under_way: deque[Lease] = deque()

    def tell(event: Event) -> None:
        for action in scheduler.handle(event, now):
            if isinstance(action, Grant) and action.lease.slot >= 0:
                under_way.append(action.lease)

    def finish() -> None:
        lease = under_way.popleft()
        tell(ItemsReported("w", lease.fence, "t", lease.portion, 0, 1, (), 0.0005, "r"))
        tell(ChunkEnded("w", lease.fence, "t", "succeeded", receipt="e"))

    now = 0.0
    tell(TaskSubmitted(terms("t", kind="run")))
    tell(ItemsAdded("t", 0, 0, 1, True))
    tell(WorkerJoined(offer("w", 2, seats=1)))
    main = scheduler.main_lease("t")
    marks = [time.process_time()]
    for number in range(1, count + 1):
        now += 0.001
        tell(PortionOpened("w", main.fence, "t", number, "3.11", receipt="o"))
        tell(ItemsAdded("t", number, 0, 1, True, receipt="i", worker="w", fence=main.fence))
        if number > open_at_once:
            finish()
        if number % (count // 10) == 0:
            marks.append(time.process_time())
    parts = [(end - begin) / (count // 10) * 1e6 for begin, end in zip(marks, marks[1:])]
    began = time.process_time()
    for _ in range(1000):
        scheduler.snapshot("t")
    snapshot = (time.process_time() - began) / 1000 * 1e6
    while under_way:
        finish()
    assert scheduler.snapshot("t").done == count
    name = f"{count:,} portions of 1 item, {open_at_once:,} open at once"
    print(f"{name:50} {parts[1]:6.1f} us each, the last {parts[-1]:.1f} us; a snapshot {snapshot:.1f} us")


def memory_of_portions(count: int, finished: bool) -> None:
    """What a portion of one item takes while it is open, and once it is finished."""
    tracemalloc.start()
    scheduler = Scheduler(1, Policy())
    scheduler.handle(TaskSubmitted(terms("t", kind="run")), 0.0)
    scheduler.handle(ItemsAdded("t", 0, 0, 1, True), 0.0)
    scheduler.handle(WorkerJoined(offer("w", int(finished), seats=1)), 0.0)
    main = scheduler.main_lease("t")
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1, count + 1):
        scheduler.handle(PortionOpened("w", main.fence, "t", number, "3.11"), number * 0.001)
        added = ItemsAdded("t", number, 0, 1, True, worker="w", fence=main.fence)
        for lease in [action.lease for action in scheduler.handle(added, number * 0.001) if isinstance(action, Grant)]:
            scheduler.handle(ItemsReported("w", lease.fence, "t", number, 0, 1, (), 0.0005), number * 0.001)
            scheduler.handle(ChunkEnded("w", lease.fence, "t", "succeeded"), number * 0.001)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"{'a finished portion' if finished else 'a portion whose item waits':50} {used / count:6.0f} bytes")


def heartbeats() -> None:
    """Processor time of a sign of life, with a thousand workers and many leases."""
    scheduler = Scheduler(1, Policy())
    scheduler.handle(TaskSubmitted(terms("t")), 0.0)
    scheduler.handle(ItemsAdded("t", 0, 0, 10_000_000, True), 0.0)
    for number in range(1000):
        scheduler.handle(WorkerJoined(offer(f"w{number}", 8)), 0.0)
    began = time.process_time()
    for number in range(20_000):
        scheduler.handle(WorkerHeard(f"w{number % 1000}"), number * 0.001)
    each = (time.process_time() - began) / 20_000
    print(f"{'a sign of life, 1,000 workers with 8 leases':44} {each * 1e6:8.1f} us")


def memory() -> None:
    """What ten million waiting items take, fresh and half done."""
    tracemalloc.start()
    scheduler = Scheduler(1, Policy())
    before = tracemalloc.get_traced_memory()[0]
    scheduler.handle(TaskSubmitted(terms("t")), 0.0)
    scheduler.handle(ItemsAdded("t", 0, 0, 10_000_000, True), 0.0)
    fresh = tracemalloc.get_traced_memory()[0] - before
    under_way = [action.lease for action in scheduler.handle(WorkerJoined(offer("w", 200)), 0.0) if isinstance(action, Grant)]
    for number in range(20_000):
        lease = under_way.pop(number * 7919 % len(under_way))
        report = ItemsReported("w", lease.fence, "t", 0, lease.first, lease.count, (), lease.count * 0.002)
        for event in (report, ChunkEnded("w", lease.fence, "t", "succeeded")):
            actions = scheduler.handle(event, number * 0.01)
            under_way += [action.lease for action in actions if isinstance(action, Grant)]
    counts = scheduler.snapshot("t")
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"{'ten million waiting items':44} {fresh / 1e3:8.1f} kB; after 20,000 chunks ({counts.done} done) {used / 1e3:.0f} kB")


if __name__ == "__main__":
    cost("20,000 one-item chunks, 2 slots", 1, 1, 20_000, 1, 2)
    cost("20,000 one-item chunks, 200 slots", 1, 1, 20_000, 50, 4)
    cost("1,000 open tasks of 100 users, 2 slots", 1000, 100, 20, 1, 2)
    cost("1,000 open tasks of 100 users, 200 slots", 1000, 100, 20, 50, 4)
    portions(100_000, 2)
    portions(100_000, 50_000)
    memory_of_portions(20_000, False)
    memory_of_portions(20_000, True)
    heartbeats()
    memory()
    makespan("a million items of 1 us, 2 slots", 1_000_000, 1, 2, lambda item: 1e-6)
    makespan("64 items of 0.1 s, 2 slots", 64, 1, 2, lambda item: 0.1)
    makespan("64 items of 0.1 s, 2 workers of 1 slot", 64, 2, 1, lambda item: 0.1)
    makespan("64 items of 0.1 s, 8 slots", 64, 2, 4, lambda item: 0.1)
    makespan("10,000 items of 1 ms, 2 slots", 10_000, 1, 2, lambda item: 0.001)
    makespan("10,000 items of 1 ms, 20 slots", 10_000, 5, 4, lambda item: 0.001)
    makespan("1,000 items, 1 in 50 a hundred times longer", 1000, 2, 4, lambda item: 1.0 if item % 50 == 7 else 0.01)
    makespan("500 items growing from 1 ms to 0.5 s, 8 slots", 500, 2, 4, lambda item: 0.001 * (item + 1))
    makespan("20,000 one-item chunks of 10 us, 2 slots", 20_000, 1, 2, lambda item: 1e-5, chunk_items=1)
    makespan("9 items of 10 s, 4 slots", 9, 2, 2, lambda item: 10.0)
