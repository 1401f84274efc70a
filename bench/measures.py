"""
What is measured: one class each, with the lines that it gives to the table, our way to them and the peer's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Any, Mapping, Protocol, Sequence

from bench import peer, programs, starting
from bench.figures import Kind
from bench.lab import OLD_PYTHON, BenchLab, Taken, lab_in_a_new_folder
from bench.usage import Spent, forget_peak, memory_of, peak_of
from tests.end_to_end.lab import DEADLINE
from tests.source import CHECKOUT

#: ``--quick`` divides what is counted by this.
QUICK = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run gave: a value for each kind, by name. ``spent``: None where no map ran in the warm lab."""

    values: Mapping[str, float]
    spent: Spent | None = None


class Measure(Protocol):
    """``name``: for ``--only``."""

    name: str
    kinds: Sequence[Kind]

    def ours(self, lab: BenchLab) -> Reading:
        """One run of Marx."""

    def peer(self) -> Mapping[str, float]:
        """One run of the peer; a kind that it has nothing for is left out."""


class Tiny:
    """A map whose items cost nothing: what packs, links and commits cost."""

    name = "tiny"

    def __init__(self, shrink: int) -> None:
        self._count = 1_000_000 // shrink
        self.kinds = [Kind("tiny", f"{self._count:,} tiny items", "items/s", 2_000_000, more=True, peer=f"map, chunksize={peer.CHUNK:,}")]

    def ours(self, lab: BenchLab) -> Reading:
        taken = lab.run("map_all", "square", range=self._count, check=True)
        return Reading({"tiny": self._count / taken.seconds[0]}, taken.spent)

    def peer(self) -> Mapping[str, float]:
        return {"tiny": self._count / peer.seconds_of_map(programs.square, self._count, peer.CHUNK)}


class Fresh:
    """One item in each chunk, and each in fresh state: what a chunk costs."""

    name = "fresh"

    def __init__(self, shrink: int) -> None:
        self._count = 20_000 // shrink
        self._peers = 500 // shrink
        what = f"{self._count:,} items, one per chunk"
        self.kinds = [
            Kind("fresh", f"{what}, fresh state", "items/s", 1_000, more=True, peer=f"max_tasks_per_child=1, {self._peers} items"),
            Kind("fresh-unfair", f"{what}, beside shared state", "items/s", more=True, peer="map, chunksize=1, state is shared"),
            Kind("server-chunk", "server's processor time a chunk", "us"),
            Kind("worker-chunk", "worker's processor time a chunk", "us"),
            Kind("runner-chunk", "sandbox's and runner's processor time a chunk", "us"),
        ]

    def ours(self, lab: BenchLab) -> Reading:
        taken = lab.run("map_all", "square", range=self._count, chunk_items=1, check=True)
        speed, spent = self._count / taken.seconds[0], taken.spent
        each = {
            "server-chunk": (spent.server + spent.server_threads) / self._count * 1e6,
            "worker-chunk": (spent.worker + spent.worker_threads) / self._count * 1e6,
            "runner-chunk": spent.runners / self._count * 1e6,
        }
        return Reading({"fresh": speed, "fresh-unfair": speed, **each}, spent)

    def peer(self) -> Mapping[str, float]:
        return {
            "fresh": self._peers / peer.seconds_of_fresh_map(self._peers),
            "fresh-unfair": self._count / peer.seconds_of_map(programs.square, self._count),
        }


class Latency:
    """One item at a time: from sending it to its result, commits included."""

    name = "latency"

    #: Seconds between an answer and the next item, where the machine is to be idle before each.
    PAUSE = 0.05

    def __init__(self, shrink: int) -> None:
        self._times = 200 // shrink
        warm = f"one item for a warm task, median of {self._times}"
        self.kinds = [
            Kind("latency", f"{warm}, {self.PAUSE * 1e3:.0f} ms apart", "ms", 8.0, peer="submit(f, x).result()"),
            Kind("latency-loop", f"{warm}, at once after the last", "ms", 8.0, peer="submit(f, x).result()"),
            Kind("latency-new", f"one item as a new task, median of {self._times}", "ms", peer="a new pool for one item"),
        ]

    def ours(self, lab: BenchLab) -> Reading:
        apart = lab.run("one_by_one", "square", json=0, times=self._times, warm=20, pause=self.PAUSE, check=True)
        loop = lab.run("one_by_one", "square", json=0, times=self._times, warm=20, pause=0, check=True)
        new = lab.run("new_tasks", "square", range=1, times=self._times)
        return Reading({"latency": _median_ms(apart), "latency-loop": _median_ms(loop), "latency-new": _median_ms(new)}, loop.spent)

    def peer(self) -> Mapping[str, float]:
        return {
            "latency": peer.median_seconds_of_one(self._times, self.PAUSE) * 1e3,
            "latency-loop": peer.median_seconds_of_one(self._times) * 1e3,
            "latency-new": peer.median_seconds_of_new_pool(self._times // 4) * 1e3,
        }


def _median_ms(taken: Taken) -> float:
    return median(taken.seconds) * 1e3


class Busy:
    """Items that compute: how much of both cores they get."""

    name = "busy"

    def __init__(self, shrink: int) -> None:
        self._count = max(8, 64 // shrink)
        self._ideal = self._count * programs.BUSY_SECONDS / peer.WORKERS
        what = f"{self._count} items of {programs.BUSY_SECONDS} s, share of the ideal {self._ideal:.1f} s"
        self.kinds = [Kind("busy", what, "%", 95.0, more=True, peer="map, chunksize=1")]

    def ours(self, lab: BenchLab) -> Reading:
        taken = lab.run("map_all", "busy", range=self._count)
        return Reading({"busy": 100 * self._ideal / taken.seconds[0]}, taken.spent)

    def peer(self) -> Mapping[str, float]:
        return {"busy": 100 * self._ideal / peer.seconds_of_map(programs.busy, self._count)}


class Big:
    """Large results, which are blobs on their way."""

    name = "big"

    def __init__(self, shrink: int) -> None:
        self._count = max(8, 64 // shrink)
        self._size = self._count * programs.BIG / 1e6
        self.kinds = [Kind("big", f"{self._count} results of 4 MB", "MB/s", 50.0, more=True, peer="map, chunksize=1")]

    def ours(self, lab: BenchLab) -> Reading:
        taken = lab.run("map_all", "big", range=self._count)
        if taken.size < self._count * programs.BIG:
            raise RuntimeError(f"only {taken.size:,} bytes of results came")
        return Reading({"big": self._size / taken.seconds[0]}, taken.spent)

    def peer(self) -> Mapping[str, float]:
        return {"big": self._size / peer.seconds_of_map(programs.big, self._count)}


class Lines:
    """Items that print, all lines attributed, stored and shown."""

    name = "lines"

    def __init__(self, shrink: int) -> None:
        self._count = max(2, 50 // shrink)
        self._lines = self._count * programs.LINES
        self.kinds = [Kind("lines", f"{self._lines:,} log lines of 100 bytes", "lines/s", 100_000, more=True, peer="print into one pipe")]

    def ours(self, lab: BenchLab) -> Reading:
        taken = lab.run("map_all", "chatter", range=self._count, output=True)
        if taken.lines != self._lines:
            raise RuntimeError(f"{taken.lines:,} of {self._lines:,} lines came")
        return Reading({"lines": self._lines / taken.seconds[0]}, taken.spent)

    def peer(self) -> Mapping[str, float]:
        return {"lines": self._lines / peer.seconds_of_lines(self._count)}


class ColdStart:
    """What ``tasker map --local=2`` of one item takes beyond a plain python that computes the same; nothing runs before."""

    name = "cold"
    kinds = [Kind("cold", "tasker map --local=2 of one item, beyond plain python", "s", 1.0, peer="a script with a pool, beyond plain python")]

    PLAIN = "from programs import square; print(square(3))"
    POOL = (
        "from concurrent.futures import ProcessPoolExecutor; from programs import square\n"
        "if __name__ == '__main__':\n with ProcessPoolExecutor(2) as pool: print(*pool.map(square, [3]))"
    )

    def __init__(self, shrink: int) -> None:
        self._python = shutil.which("python3") or sys.executable

    def ours(self, lab: BenchLab) -> Reading:
        around = lab.installation.environment(lab.client.home, MARX_HOME=str(lab.client.home / "marx"))
        # What is installed is compiled already; a first run here does that for the checkout.
        del around["PYTHONDONTWRITEBYTECODE"]
        typed = [*lab.installation.script("tasker"), "map", "--local=2", "--range", "3:4", "programs.py:square"]
        plain = self._seconds_of(self._python, "-c", self.PLAIN, cwd=lab.client.work, env=around)
        return Reading({"cold": self._seconds_of(*typed, prints=b'{"index": 0, "value": 9}\n', cwd=lab.client.work, env=around) - plain})

    def peer(self) -> Mapping[str, float]:
        folder = os.path.dirname(programs.__file__)
        pool, plain = (self._seconds_of(self._python, "-c", program, cwd=folder) for program in (self.POOL, self.PLAIN))
        return {"cold": pool - plain}

    @staticmethod
    def _seconds_of(*argv: str, prints: bytes = b"9\n", **around: Any) -> float:
        began = time.perf_counter()
        said = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=DEADLINE, **around)
        seconds = time.perf_counter() - began
        if said.stdout != prints:
            raise RuntimeError(f"{argv[-1]} printed {said.stdout!r}")
        return seconds


class Divided:
    """A program that knows of no pool, as it stands in ``examples/``: one loop, of Python 2.7, whose turns take 0.15 s each."""

    name = "divided"

    #: The program, which says the same under Marx and under plain python.
    PROGRAM = CHECKOUT / "examples" / "transits" / "transits.py"

    def __init__(self, shrink: int) -> None:
        self._stars = str(240 // shrink)
        what = f"tasker run {self.PROGRAM.name} {self._stars}, one loop of Python 2.7, tasker's start included"
        self.kinds = [Kind("divided", what, "s", peer="python " + self.PROGRAM.name)]

    def ours(self, lab: BenchLab) -> Reading:
        shutil.copy(self.PROGRAM, lab.client.work)
        began = time.perf_counter()
        said = lab.client.tasker("run", "--python", self._python(), self.PROGRAM.name, self._stars)
        seconds = time.perf_counter() - began
        if said.out != self._plain():
            raise RuntimeError(f"{self.PROGRAM.name} printed something else under Marx")
        return Reading({"divided": seconds})

    def peer(self) -> Mapping[str, float]:
        began = time.perf_counter()
        self._plain()
        return {"divided": time.perf_counter() - began}

    def _plain(self) -> bytes:
        said = subprocess.run([self._python(), self.PROGRAM, self._stars], check=True, stdout=subprocess.PIPE, timeout=DEADLINE)
        return said.stdout

    @staticmethod
    def _python() -> str:
        if OLD_PYTHON is None:
            raise RuntimeError("there is no Python 2.7")
        return OLD_PYTHON


class RunnerStart:
    """A runner in this machine's sandbox: from the start of its process until it has loaded a small program."""

    name = "runner-start"

    def __init__(self, shrink: int) -> None:
        self._times = max(5, 50 // shrink)
        what = f"a runner in bubblewrap until its program is loaded, median of {self._times}"
        self.kinds = [Kind("runner-start", what, "ms", 100.0, peer="python -c pass")]

    def ours(self, lab: BenchLab) -> Reading:
        return Reading({"runner-start": median(starting.seconds_of_runners(self._times)) * 1e3})

    def peer(self) -> Mapping[str, float]:
        return {"runner-start": median(starting.seconds_of_pythons(self._times)) * 1e3}


class Memory:
    """A server that has no worker yet, before and after it is given ten million items."""

    name = "memory"

    #: Futures that the peer is really given; it would need 10 GB for all.
    FUTURES = 100_000

    def __init__(self, shrink: int) -> None:
        self._count = 10_000_000 // shrink
        what = f"server's memory for {self._count:,} waiting items"
        as_many = f"{self.FUTURES:,} futures, times {self._count // self.FUTURES}"
        self.kinds = [
            Kind("memory-range", f"{what} of a range", "MB", 74.0, peer=as_many),
            Kind("memory-json", f"{what} of JSON", "MB", 74.0, peer=as_many),
            Kind("memory-peak", "the most that it had meanwhile, JSON", "MB"),
        ]

    def ours(self, lab: BenchLab) -> Reading:
        waiting, _ = self._growth(range=self._count)
        json, peak = self._growth(json=self._count)
        return Reading({"memory-range": waiting, "memory-json": json, "memory-peak": peak})

    def _growth(self, **items: int) -> tuple[float, float]:
        """MB above idle, at the end and at the most."""
        with lab_in_a_new_folder() as lab:
            lab.begin()
            lab.run("only_submit", "square", **{kind: 1 for kind in items})
            server = lab.server.process.pid
            idle = memory_of(server)
            forget_peak(server)
            lab.run("only_submit", "square", **items)
            return (memory_of(server) - idle) / 1e6, (peak_of(server) - idle) / 1e6

    def peer(self) -> Mapping[str, float]:
        size = peer.bytes_of_waiting(self.FUTURES) * (self._count / self.FUTURES) / 1e6
        return {"memory-range": size, "memory-json": size}


MEASURES = (Tiny, Fresh, Latency, Busy, Big, Lines, ColdStart, Divided, RunnerStart, Memory)
NAMES = tuple(measure.name for measure in MEASURES)
