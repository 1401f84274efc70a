"""Slots that obey, on a virtual clock: how long a map or a program takes, and into how many chunks it is cut.

A slot runs its chunks one after the other, with a fork before each; results are flushed every few milliseconds; every
message takes half a round trip. A program opens its portions in order, each when all results of the one before are there;
one that is started again is answered at once what was stored.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from marx.core.actions import Grant, Revoke, Shorten, WakeAt
from marx.core.events import (
    ChunkEnded,
    Event,
    ItemsAdded,
    ItemsReported,
    PortionOpened,
    RestReturned,
    TaskSubmitted,
    Ticked,
    WorkerJoined,
    WorkerLeft,
)
from marx.core.model import Lease, Policy
from marx.core.scheduler import Scheduler
from tests.core.builders import offer, terms

ROUND_TRIP = 0.010
CHUNK_OVERHEAD = 0.001
FLUSH_SECONDS = 0.005


@dataclass
class Run:
    """A chunk at work: when its items finish, and behind which ones results are flushed."""

    lease: Lease
    stop: int
    finishes: list[float] = field(default_factory=list)
    flushes: list[int] = field(default_factory=list)


class Simulation:
    """Workers that obey, on a virtual clock.

    seconds(item): what an item takes.  slowness: by worker number, how many times longer it takes there.
    script: the items of each portion that a program opens.
    """

    def __init__(
        self,
        workers: int,
        slots: int,
        seconds: Callable[[int], float],
        slowness: tuple[float, ...] = (),
        script: tuple[int, ...] = (),
    ) -> None:
        self.scheduler = Scheduler(1, Policy())
        self.seconds = seconds
        self.slowness = {f"w{number}": times for number, times in enumerate(slowness)}
        self.script = script
        self.starts: list[str] = []
        self.gone: set[str] = set()
        self.half = ROUND_TRIP / 2
        self.now = 0.0
        self.chunks = 0
        self.recalls = 0
        self.given_back = 0
        self.sizes: list[int] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._queues: dict[tuple[str, int], deque[Lease]] = {}
        self._free_at: dict[tuple[str, int], float] = {}
        self._running: dict[tuple[str, int], Run] = {}
        for number in range(workers):
            self.tell(WorkerJoined(offer(f"w{number}", slots, seats=int(bool(script)))))

    def at(self, instant: float, do: Callable[[], None]) -> None:
        """Do something at an instant."""
        heapq.heappush(self._due, (instant, next(self._order), do))

    def tell(self, event: Event) -> None:
        """The scheduler hears of something now, unless whoever says it is gone; what it asks for is under way."""
        if getattr(event, "worker", None) in self.gone and not isinstance(event, WorkerLeft):
            return
        for action in self.scheduler.handle(event, self.now):
            if isinstance(action, Grant):
                self.chunks += 1
                self.sizes += [] if action.lease.is_copy else [action.lease.count]
                self.at(self.now + self.half, lambda lease=action.lease: self._arrive(lease))
            elif isinstance(action, Revoke):
                self.recalls += 1
                self.at(self.now + self.half, lambda revoke=action: self._recall(revoke))
            elif isinstance(action, Shorten):
                self.at(self.now + self.half, lambda shorten=action: self._shorten(shorten))
            elif isinstance(action, WakeAt):
                self.at(action.at, lambda: self.tell(Ticked()))

    def leave(self, worker: str) -> None:
        """A worker says goodbye: what it had is lost."""
        self.gone.add(worker)
        self.tell(WorkerLeft(worker))

    def run(self, task: str) -> float:
        """Until the task is done; the instant at which the server knew."""
        while self.scheduler.snapshot(task).state not in ("done", "failed"):
            self.now, _, do = heapq.heappop(self._due)
            do()
        return self.now

    def _arrive(self, lease: Lease) -> None:
        if lease.slot < 0:
            self.starts.append(lease.worker)
            self._play(lease, 1)
            return
        place = (lease.worker, lease.slot)
        self._queues.setdefault(place, deque()).append(lease)
        if self._free_at.get(place, 0.0) <= self.now:
            self._begin(place)

    def _begin(self, place: tuple[str, int]) -> None:
        queue = self._queues[place]
        if not queue or self._free_at.get(place, 0.0) > self.now:
            return
        lease = queue.popleft()
        run = self._running[place] = Run(lease, lease.stop)
        instant, first, spent = self.now + CHUNK_OVERHEAD, lease.first, 0.0
        times = self.slowness.get(lease.worker, 1.0)
        for item in range(lease.first, lease.stop):
            spent += self.seconds(item) * times
            run.finishes.append(instant + spent)
            if spent >= FLUSH_SECONDS or item + 1 == lease.stop:
                instant += spent
                run.flushes.append(item + 1)
                self._report(run, first, item + 1, spent, instant)
                first, spent = item + 1, 0.0
        self._end_at(instant, place, run)

    def _report(self, run: Run, first: int, stop: int, spent: float, instant: float) -> None:
        """Unless the chunk is cut before or within these items."""
        lease = run.lease
        report = ItemsReported(lease.worker, lease.fence, lease.task, lease.portion, first, stop - first, (), spent)
        self.at(instant, lambda: self.tell_later(report) if stop <= run.stop else None)

    def _end_at(self, instant: float, place: tuple[str, int], run: Run) -> None:
        lease, stop = run.lease, run.stop
        self._free_at[place] = instant

        def end() -> None:
            if run.stop == stop:
                if self._running.get(place) is run:
                    del self._running[place]
                self.tell_later(ChunkEnded(lease.worker, lease.fence, lease.task, "succeeded"))
                self._begin(place)

        self.at(instant, end)

    def _shorten(self, shorten: Shorten) -> None:
        """Give back what has not begun; what was to be reported together with some of it is reported for itself."""
        for place, run in self._running.items():
            lease = run.lease
            at_work = lease.first + sum(finish <= self.now for finish in run.finishes)
            stop = max(shorten.stop, at_work + 1)
            if lease.fence == shorten.fence and stop < run.stop:
                self.given_back += run.stop - stop
                run.stop = stop
                self.tell_later(RestReturned(lease.worker, lease.fence, lease.task, stop))
                first = max((flush for flush in run.flushes if flush <= stop), default=lease.first)
                end = run.finishes[stop - 1 - lease.first]
                if first < stop:
                    began = run.finishes[first - 1 - lease.first] if first > lease.first else run.finishes[0] - self.seconds(first)
                    self._report(run, first, stop, end - began, end)
                self._end_at(end, place, run)

    def tell_later(self, event: Event) -> None:
        """The scheduler hears of it after half a round trip."""
        self.at(self.now + self.half, lambda: self.tell(event))

    def _play(self, main: Lease, number: int) -> None:
        """The program opens its next portion, or ends."""
        if number > len(self.script):
            self.tell(ItemsReported(main.worker, main.fence, main.task, 0, 0, 1))
            return
        self.tell(PortionOpened(main.worker, main.fence, main.task, number, "3.11"))
        count = self.script[number - 1]
        self.tell(ItemsAdded(main.task, number, 0, count, True, worker=main.worker, fence=main.fence))
        self._await(main, number)

    def _await(self, main: Lease, number: int) -> None:
        """Look once in half a round trip whether the portion has all its results."""
        if self.scheduler.main_lease(main.task) is not main:
            return
        counts = self.scheduler.portions(main.task)[number - 1]
        go_on = self._play if counts.done == counts.known else self._await
        step = number + 1 if go_on == self._play else number
        self.at(self.now + self.half, lambda: go_on(main, step))

    def _recall(self, revoke: Revoke) -> None:
        for queue in self._queues.values():
            for lease in queue:
                if lease.fence == revoke.fence:
                    queue.remove(lease)
                    self.given_back += lease.count
                    answer = ChunkEnded(lease.worker, lease.fence, lease.task, "cancelled")
                    self.at(self.now + self.half, lambda: self.tell(answer))
                    return


def simulate(items: int, workers: int, slots: int, seconds: Callable[[int], float], **more: object) -> tuple[Simulation, float]:
    """One map from submission to the last result; the simulation, and how near it came to the ideal (1.0)."""
    simulation = Simulation(workers, slots, seconds)
    simulation.tell(TaskSubmitted(terms("t", **more)))
    simulation.tell(ItemsAdded("t", 0, 0, items, True))
    took = simulation.run("t")
    times = list(map(seconds, range(items)))
    work = sum(times) + (CHUNK_OVERHEAD * items if "chunk_items" in more else 0.0)
    return simulation, max(work / (workers * slots), max(times)) / took


def simulate_program(script: tuple[int, ...], workers: int, slots: int, seconds: Callable[[int], float]) -> tuple[Simulation, float]:
    """One program from submission to its end; the simulation, and how near it came to the ideal (1.0)."""
    simulation = Simulation(workers, slots, seconds, script=script)
    submit_program(simulation)
    took = simulation.run("t")
    work = sum(sum(map(seconds, range(items))) for items in script)
    return simulation, work / (workers * slots) / took


def submit_program(simulation: Simulation) -> None:
    """Submit the simulation's program as task "t"."""
    simulation.tell(TaskSubmitted(terms("t", kind="run")))
    simulation.tell(ItemsAdded("t", 0, 0, 1, True))
