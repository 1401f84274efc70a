"""The real server and worker die at named points between receiving and acknowledging; results, output and files are all there, once."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import started_lab
from tests.end_to_end.lab import CHECKOUT, Daemon, Lab, Person, wait_until
from tests.proofs.remains import remains

CRASHING = Path(__file__).with_name("crashing")

PROGRAM = """\
import sys
import time

def work(number):
    print("item %d begins" % number)
    time.sleep(0.02)
    if number % 20 == 7:
        with open("made-%d.txt" % number, "w") as file:
            file.write("%d " % number * 400000)
    if number % 20 == 13:
        return "%d " % number * 600000
    print("item %d ends" % number)
    return number * number
"""
ITEMS = 120

SERVER = {
    "an offer came": "marx.server.worker_link:WorkerProtocol._read_offer:before:1",
    "reports came": "marx.server.intake:Intake.take:before:2",
    "before a commit": "marx.server.store_writes:Writes.commit:before:4",
    "after a commit": "marx.server.store_writes:Writes.commit:after:4",
    "committed and nobody told": "marx.server.commits:_tell:before:4",
    "before an answer": "marx.server.service:SchedulingService._committed:before:5",
    "after an answer": "marx.server.service:SchedulingService._committed:after:5",
    "before a grant": "marx.server.worker_link:WorkerProtocol.grant:before:2",
    "a grant that never leaves": "marx.server.worker_link:WorkerProtocol.grant:after:2",
    "a blob, halfway": "marx.server.blob_upload:BlobUpload._run_round:before:2",
    "a blob before it has its name": "marx.server.blob_upload:PartialFile.keep:before:1",
    "a blob that nothing names yet": "marx.server.blob_upload:PartialFile.keep:after:1",
    "a watch is told": "marx.server.watching:Watch.moved:before:3",
    "while it rebuilds itself": "marx.server.restoring:restore:before:1",
    "rebuilt and not listening": "marx.server.daemon:ServerDaemon._listen:before:1",
}
WORKER = {
    "a grant came": "marx.worker.service:WorkerService.grant:before:2",
    "a grant was taken": "marx.worker.service:WorkerService.grant:after:2",
    "before a runner is there": "marx.worker.process:RunnerProcess.start:before:1",
    "a chunk was given": "marx.worker.process:RunnerProcess.run_chunk:after:2",
    "before the outbox": "marx.worker.outbox:Outbox.put:before:8",
    "after the outbox": "marx.worker.outbox:Outbox.put:after:8",
    "an answer came": "marx.worker.outbox:Outbox.answered:before:3",
    "an answer was taken": "marx.worker.outbox:Outbox.answered:after:3",
    "before the journal": "marx.worker.journal:Journal.save:before:2",
    "the journal, halfway": "marx.worker.journal:Journal._append:half:1",
    "a journal that was written": "marx.worker.journal:Journal._append:after:2",
    "a large value, halfway": "marx.worker.spool:Spool.write:half:2",
    "a large value before it has its name": "marx.worker.spool:Spool.finish:before:1",
    "a large value that nothing names yet": "marx.worker.spool:Spool.finish:after:1",
    "an upload begins": "marx.worker.uploads:Uploads._send_over:before:2",
    "an upload that was answered": "marx.worker.uploads:Uploads._sent:before:1",
    "while it introduces itself": "marx.worker.service:WorkerService._introduce:before:1",
}


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """The daemons that a test starts anew are the module's, which ends them; so the general look for children is left out here."""


@pytest.fixture(scope="module")
def quick_lab() -> Iterator[Lab]:
    """A server and one worker with one slot, so that nothing goes on while one of them is away."""
    with started_lab("one") as lab:
        yield lab


@pytest.fixture(scope="module")
def ada(quick_lab: Lab) -> Person:
    person = quick_lab.person("ada")
    person.write("prog.py", PROGRAM)
    return person


@pytest.mark.slow
@pytest.mark.parametrize("point", SERVER)
def test_a_server_that_dies_loses_and_doubles_nothing(point: str, quick_lab: Lab, ada: Person, tmp_path: Path) -> None:
    dies_and_nothing_is_lost(quick_lab.server, SERVER[point], ada, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("point", WORKER)
def test_a_worker_that_dies_loses_and_doubles_nothing(point: str, quick_lab: Lab, ada: Person, tmp_path: Path) -> None:
    worker = next(daemon for daemon in quick_lab.daemons if daemon is not quick_lab.server)
    dies_and_nothing_is_lost(worker, WORKER[point], ada, tmp_path)


@pytest.mark.slow
def test_after_all_that_nothing_is_left_over(quick_lab: Lab) -> None:
    """Runs last."""
    assert list(remains(quick_lab)) == []


def dies_and_nothing_is_lost(daemon: Daemon, point: str, ada: Person, folder: Path) -> None:
    """While a map runs the daemon is started anew so that it dies at ``point``, and then once more."""
    for made in ada.work.glob("made-*"):
        made.unlink()
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        tasker = ada.start("map", "-q", "--chunk-size", "3", "--range", f"0:{ITEMS}", "prog.py:work", stdout=out, stderr=err)
    try:
        wait_until(lambda: (folder / "out").stat().st_size, "the first result")
        begin_again(daemon, PYTHONPATH=f"{CRASHING}:{CHECKOUT}", CRASH_AT=point)
        code = wait_until(lambda: daemon.process.poll() or tasker.poll() is not None, f"the daemon to die at {point}")
        assert code == -signal.SIGKILL, f"it never came to {point}:\n{daemon.said()[-2000:]}"
        begin_again(daemon, PYTHONPATH=str(CHECKOUT), CRASH_AT="")
        wait_until(lambda: tasker.poll() is not None, "the map to end", 120)
    finally:
        tasker.kill()
        tasker.wait()
    is_right(tasker.returncode, folder, ada.work)


def begin_again(daemon: Daemon, **environ: str) -> None:
    """Kill a daemon if it lives, and start it."""
    daemon.kill()
    daemon.environ.update(environ)
    daemon.start()


def is_right(code: int, folder: Path, work: Path) -> None:
    """What the tasker left is what the map makes of its items, everything once."""
    said = (folder / "err").read_text()
    assert code == 0, said
    values = [json.loads(line) for line in (folder / "out").read_bytes().splitlines()]
    assert [value["index"] for value in values] == list(range(ITEMS))
    assert all(value["value"] == value_of(value["index"]) for value in values)
    wanted = {f"item {item} {what}": 1 for item in range(ITEMS) for what in ("begins", "ends") if what == "begins" or item % 20 != 13}
    assert Counter(said.splitlines()) == wanted
    assert {path.name: path.read_text() for path in work.glob("made-*")} == {f"made-{item}.txt": f"{item} " * 400000 for item in range(7, ITEMS, 20)}


def value_of(item: int) -> Any:
    return f"{item} " * 600000 if item % 20 == 13 else item * item
