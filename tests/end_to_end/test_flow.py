"""
What is slow costs time and never memory: the most that server, worker and tasker have in memory is measured while something makes far more
than any of them may hold, and what was held up arrives whole.

Each bound is well above what was seen, and well below what piles up where nothing waits for credit: each of these makes more than 100 MB
that nobody takes at once.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.usage import forget_peak, memory_of, peak_of
from tests.end_to_end.conftest import sandbox_options, started_lab
from tests.end_to_end.lab import Lab, Person, wait_until

pytestmark = pytest.mark.slow

MB = 1_000_000
#: What each may have more than before, in megabytes, and what they had at the most when this was written: 52, 69 and 59. A worker's outbox
#: holds 64 MiB, and a server's shelf of items 16 MiB here; a tasker begins at next to nothing and loads its modules.
SERVER_MB, WORKER_MB, TASKER_MB = 80, 100, 100
#: Seconds for what takes ten on a machine with nothing else to do.
LONG = 150.0

PROGRAM = """\
import os
import sys
import time

def loud(item):
    for line in range(200):
        sys.stdout.write("%d %d %s\\n" % (item, line, "x" * 1000))
    return "%d," % item * 20000

def flood(item):
    while True:
        os.write(1, b"x" * 65535 + b"\\n")

def long(item):
    for line in range(150000):
        sys.stdout.write("%d %s\\n" % (line, "x" * 993))

def wide(item):
    if item == 0:
        time.sleep(20)
    return "%d " % item + "y" * 600

def same(item):
    return item
"""

PRINTER = """\
for number in range(14000):
    print("%d %s" % (number, "x" * 993))
"""

FEED = """\
import sys
for number in range(200000):
    sys.stdout.write('"%d %s"\\n' % (number, "z" * 800))
"""

#: Another program has the disk for itself most of the time: whatever is committed takes a second.
SLOW_DISK = """\
import sqlite3, sys, time
disk = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
while True:
    disk.execute("BEGIN IMMEDIATE")
    print("busy", flush=True)
    time.sleep(1)
    disk.execute("COMMIT")
    time.sleep(0.2)
"""


class Grown:
    """How much more memory processes have had at a time than when this was made."""

    def __init__(self, **processes: subprocess.Popen[bytes]) -> None:
        self._pids = {name: process.pid for name, process in processes.items()}
        self._before = {name: memory_of(pid) for name, pid in self._pids.items()}
        for pid in self._pids.values():
            forget_peak(pid)

    def check(self, **bounds: int) -> None:
        """None of these has had more than so many megabytes beyond that."""
        most = {name: (peak_of(self._pids[name]) - self._before[name]) // MB for name in bounds}
        assert all(most[name] <= bound for name, bound in bounds.items()), f"{most} MB, where {bounds} is the most"


@contextmanager
def flow_lab(folder: Path, output_rate: str = "1T") -> Iterator[Lab]:
    """A lab of one worker whose runners may print as fast as they can, so that nothing but credit holds them up."""
    config = folder / "worker.toml"
    config.write_text(f'[limits]\noutput_rate = "{output_rate}"\n')
    with started_lab("one", server='[limits]\nmemory = "16M"\n', worker=[*sandbox_options(), "--config", str(config)]) as lab:
        yield lab


@contextmanager
def mapping(ada: Person, *arguments: str, **more: Any) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    """A ``tasker map`` that runs, its standard output and its standard error."""
    ada.write("p.py", PROGRAM)
    out, err = ada.work / "out", ada.work / "err"
    with open(out, "wb") as results, open(err, "wb") as printed:
        tasker = ada.start("map", *arguments, stdout=results, stderr=printed, **more)
    try:
        yield tasker, out, err
    finally:
        tasker.kill()
        tasker.wait()


def shown(ada: Person, task: str) -> dict[str, Any]:
    """What ``tasker show`` says of a task."""
    said: dict[str, Any] = json.loads(ada.tasker("show", "--json", task).out)
    return said


def the_task(ada: Person) -> str:
    """The id of the only task."""
    [listed] = wait_until(lambda: json.loads(ada.tasker("list", "--json").out), "a task in the list")
    return str(listed["id"])


def flooding(ada: Person) -> str:
    """The id of a task whose only item prints without an end."""
    ada.write("p.py", PROGRAM)
    return ada.tasker("map", "--detach", "p.py:flood", "1").out.decode().strip()


def written(worker: subprocess.Popen[bytes]) -> int:
    """Bytes that the processes of a worker's runners have written so far, which is next to nothing but their output."""
    counted = 0
    for process in psutil.Process(worker.pid).children(recursive=True):
        try:
            counted += process.io_counters().write_chars
        except psutil.Error:
            pass
    return counted


def wait_until_it_waits(worker: subprocess.Popen[bytes]) -> int:
    """Until a worker's runners have written nothing for a second; what they have written by then."""
    seen: list[int] = []

    def stands() -> bool:
        seen.append(written(worker))
        return len(seen) > 20 and seen[-20] == seen[-1]

    wait_until(stands, "the runners to wait")
    return seen[-1]


def assert_whole(results: Path, count: int, value: Callable[[int], str]) -> None:
    """All results, in their order, and nothing else."""
    with open(results, "rb") as lines:
        for index in range(count):
            assert json.loads(lines.readline()) == {"index": index, "value": value(index)}
        assert not lines.read()


def assert_printed_once(printed: Path, items: int) -> None:
    """Each line of each loud item, in its order; items may mix."""
    lines = [0] * items
    with open(printed) as file:
        for text in file:
            item, line, rest = text.split(" ")
            assert int(line) == lines[int(item)] and rest == "x" * 1000 + "\n"
            lines[int(item)] += 1
    assert lines == [200] * items


def test_a_tasker_that_is_stopped_costs_nobody_memory_and_then_shows_everything(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons)
        grown = Grown(server=server, worker=worker)
        with mapping(ada, "--range", "0:600", "p.py:loud") as (tasker, out, err):
            wait_until(lambda: out.stat().st_size, "the first result")
            tasker.send_signal(signal.SIGSTOP)
            task = the_task(ada)
            wait_until(lambda: shown(ada, task)["state"] == "done", "the task to end without its tasker", LONG)
            grown.check(server=SERVER_MB, worker=WORKER_MB)
            behind = Grown(tasker=tasker)
            tasker.send_signal(signal.SIGCONT)
            wait_until(lambda: out.stat().st_size > 20 * MB, "half of the results", LONG)
            behind.check(tasker=TASKER_MB)
            assert tasker.wait(LONG) == 0
            assert_whole(out, 600, lambda item: f"{item}," * 20000)
            assert_printed_once(err, 600)
            grown.check(server=SERVER_MB, worker=WORKER_MB)


def test_a_runner_that_floods_waits_for_its_worker_and_that_for_the_server(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons)
        grown = Grown(server=server, worker=worker)
        task = flooding(ada)
        wait_until(lambda: written(worker) > 200 * MB, "200 MB of output", LONG)
        grown.check(server=SERVER_MB, worker=WORKER_MB)
        server.send_signal(signal.SIGSTOP)
        stood = wait_until_it_waits(worker)
        grown.check(worker=WORKER_MB)
        server.send_signal(signal.SIGCONT)
        wait_until(lambda: written(worker) > stood + 100 * MB, "100 MB more", LONG)
        grown.check(server=SERVER_MB, worker=WORKER_MB)
        ada.tasker("cancel", task)


@pytest.mark.long
def test_an_item_that_printed_much_and_is_run_again_is_compared_bit_by_bit(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = lab.daemons
        grown = Grown(server=server.process)
        with mapping(ada, "p.py:long", "1") as (tasker, _, err):
            wait_until(lambda: err.stat().st_size > 100 * MB, "100 MB of output", LONG)
            worker.kill()
            worker.start()
            assert tasker.wait(LONG) == 0
            grown.check(server=SERVER_MB)
            with open(err, "rb") as lines:
                for number in range(150_000):
                    assert lines.readline() == b"%d %s\n" % (number, b"x" * 993)
                assert not lines.read()


def test_a_slow_disk_makes_workers_wait_and_fills_nobodys_memory(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons)
        with subprocess.Popen([sys.executable, "-c", SLOW_DISK, str(lab.state / "marx.sqlite")], stdout=subprocess.PIPE) as disk:
            try:
                assert disk.stdout is not None and disk.stdout.readline() == b"busy\n"
                grown = Grown(server=server, worker=worker)
                task = flooding(ada)
                wait_until(lambda: written(worker) > 50 * MB, "50 MB of output", LONG)
                stood = wait_until_it_waits(worker)
                grown.check(server=SERVER_MB, worker=WORKER_MB)
                wait_until(lambda: written(worker) > stood + 20 * MB, "the disk to take what was held up, and the runner to go on", LONG)
                wait_until_it_waits(worker)
                grown.check(server=SERVER_MB, worker=WORKER_MB)
            finally:
                disk.kill()
        ada.tasker("cancel", task)


@pytest.mark.long
def test_a_hundred_million_items_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons)
        grown = Grown(server=server, worker=worker)
        with mapping(ada, "--range", "0:100000000", "p.py:same") as (tasker, out, err):
            started = Grown(tasker=tasker)
            task = the_task(ada)
            wait_until(lambda: shown(ada, task)["done"] > 2_000_000, "2 million items", LONG)
            assert shown(ada, task)["total"] == 100_000_000
            grown.check(server=SERVER_MB, worker=WORKER_MB)
            started.check(tasker=TASKER_MB)
            ada.tasker("cancel", task)
            assert tasker.wait(LONG) == 1
            assert "was cancelled" in err.read_text()
            with open(out, "rb") as lines:
                assert all(json.loads(line) == {"index": index, "value": index} for index, line in zip(range(1_000_000), lines, strict=False))


@pytest.mark.long
def test_a_stream_of_items_is_read_no_faster_than_it_is_kept_and_handed_out_in_small_parts(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons)
        grown = Grown(server=server, worker=worker)
        lab.admin_of(lab.folder / "one" / "state", "pause")
        with subprocess.Popen([sys.executable, "-c", FEED], stdout=subprocess.PIPE) as feed:
            assert feed.stdout is not None
            with mapping(ada, "--items", "-", "p.py:same", stdin=feed.stdout) as (tasker, out, _):
                feed.stdout.close()
                started = Grown(tasker=tasker)
                task = the_task(ada)
                wait_until(lambda: shown(ada, task)["final"], "all items to be taken", LONG)
                started.check(tasker=TASKER_MB)
                lab.admin_of(lab.folder / "one" / "state", "resume")
                assert tasker.wait(LONG) == 0
                grown.check(server=SERVER_MB, worker=WORKER_MB)
                assert_whole(out, 200_000, lambda item: f"{item} {'z' * 800}")


@pytest.mark.long
def test_results_wait_on_disk_for_the_one_before_them(tmp_path: Path) -> None:
    with flow_lab(tmp_path) as lab:
        lab.start_worker("two", *sandbox_options())
        ada = lab.person()
        server, worker = (daemon.process for daemon in lab.daemons[:2])
        grown = Grown(server=server, worker=worker)
        with mapping(ada, "--range", "0:200001", "p.py:wide") as (tasker, out, _):
            started = Grown(tasker=tasker)
            task = the_task(ada)
            wait_until(lambda: shown(ada, task)["done"] == 200_000, "all but the first item", LONG)
            assert out.stat().st_size == 0
            started.check(tasker=TASKER_MB)
            wait_until(lambda: out.stat().st_size > 60 * MB, "half of the results", LONG)
            started.check(tasker=TASKER_MB)
            assert tasker.wait(LONG) == 0
            grown.check(server=SERVER_MB, worker=WORKER_MB)
            assert_whole(out, 200_001, lambda item: f"{item} {'y' * 600}")


def test_a_program_that_prints_more_than_it_may_is_slowed_down_and_told_so_and_nothing_is_cut(tmp_path: Path) -> None:
    with flow_lab(tmp_path, output_rate="1M") as lab:
        ada = lab.person()
        ada.write("printer.py", PRINTER)
        said = ada.tasker("run", "printer.py", seconds=LONG)
        assert said.out == b"".join(b"%d %s\n" % (number, b"x" * 993) for number in range(14000))
        assert "it prints more than 1,049 kB a second and is slowed down to that" in said.err
