"""A worker that stands still for a while and goes on, one that stands still for longer than its lease, and what a killed one leaves behind: nothing."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest

from tests.end_to_end.conftest import sandbox_options, started_lab
from tests.end_to_end.lab import Daemon, Lab, Person, wait_until
from tests.proofs.remains import remains
from tests.proofs.victims import children_of

#: Short times for the same order of things: a heartbeat, silence, the end of the lease.
LEASES = '[leases]\nheartbeat = "1s"\nsilent_after = "4s"\nlease = "6s"\n'

PROGRAM = """\
import subprocess
import time

def work(number):
    print("item %d begins" % number)
    time.sleep(0.25)
    print("item %d ends" % number)
    return number * number

def linger(number):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("lingering")
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def short_lab() -> Iterator[Lab]:
    with started_lab(server=LEASES) as lab:
        yield lab


@pytest.fixture(scope="module")
def ada(short_lab: Lab) -> Person:
    person = short_lab.person("ada")
    person.write("prog.py", PROGRAM)
    return person


def workers_of(lab: Lab) -> list[Daemon]:
    return [daemon for daemon in lab.daemons if daemon is not lab.server]


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "is_lost"), [(1.0, False), (12.0, True)], ids=["within its lease", "beyond its lease"])
def test_a_worker_that_stood_still_reports_late_and_every_item_counts_once(seconds: float, is_lost: bool, short_lab: Lab, ada: Person) -> None:
    tasker = ada.start("map", "-q", "--name", f"still-{is_lost}", "--chunk-size", "4", "--range", "0:60", "prog.py:work")
    worker = workers_of(short_lab)[0]
    try:
        assert tasker.stdout is not None
        first = tasker.stdout.readline()
        worker.process.send_signal(signal.SIGSTOP)
        wait_for_a_while(seconds)
        worker.process.send_signal(signal.SIGCONT)
        out, err = tasker.communicate(timeout=120)
    finally:
        worker.process.send_signal(signal.SIGCONT)
        tasker.kill()
        tasker.wait()
    assert [json.loads(line) for line in (first + out).splitlines()] == [{"index": item, "value": item * item} for item in range(60)]
    assert Counter(err.decode().splitlines()) == Counter(f"item {item} {what}" for item in range(60) for what in ("begins", "ends"))
    [task] = [task["id"] for task in json.loads(ada.tasker("list", "--json").out) if task["name"] == f"still-{is_lost}"]
    attempts = json.loads(ada.tasker("show", "--json", task).out)["attempts"]
    assert any("silent" in attempt["reason"] for attempt in attempts) == is_lost, attempts
    assert list(remains(short_lab)) == []


def wait_for_a_while(seconds: float) -> None:
    """What has to pass is time itself: that of a lease."""
    ended = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= ended, "time to pass", seconds + 5)


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", ["bwrap", "none"])
def test_a_killed_worker_leaves_no_process_behind(sandbox: str) -> None:
    options = sandbox_options() if sandbox == "bwrap" else ["--sandbox", "none", "--users", "ada"]
    with started_lab("one", worker=options) as lab:
        ada = lab.person("ada")
        ada.write("prog.py", PROGRAM)
        task = ada.tasker("map", "--detach", "--range", "0:1", "prog.py:linger").out.decode().strip()
        wait_until(lambda: "lingering" in (said := ada.tasker("logs", task)).err + said.out.decode(), "the item to be at work")
        [worker] = workers_of(lab)
        below = children_of(worker)
        assert len(below) > 2
        worker.kill()
        wait_until(lambda: not [process for process in below if is_there(process)], "all processes to be gone")


def is_there(process: psutil.Process) -> bool:
    """Whether it still runs; one that nobody has waited for yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
