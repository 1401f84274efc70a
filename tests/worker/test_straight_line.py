"""A whole worker with real runners in real interpreters, below a played server: from a grant to its reports."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.wire import worker as wire
from marx.wire.packs import STDERR, STDOUT, ItemPack
from marx.worker.assignments import Chunk
from tests.fakes.sites import sites
from tests.pythons import UserPython

PROGRAM = b"""
import os, sys, time

def square(x):
    print("item %d" % x)
    sys.stderr.write("warned of %d\\n" % x)
    return x * x

def fail(x):
    raise ValueError("no %d" % x)

def large(x):
    return "v" * x

def die(x):
    os.kill(os.getpid(), 9)

def write(x):
    with open("out%d.txt" % x, "w") as out:
        out.write("made by %d" % x)
    return x

def wait(x):
    print("waiting")
    sys.stdout.flush()
    time.sleep(1000)
"""


@pytest.fixture
def site(tmp_path: Path):
    yield from sites(tmp_path, PROGRAM)


@pytest_twisted.ensureDeferred
async def test_each_python_runs_a_chunk_prints_and_answers(site: Any, user_python: UserPython) -> None:
    one = site(user_python.path)
    await one.map("square", 3, 4)
    end = await one.ended()
    assert (end.outcome, end.item, end.exit_code) == ("succeeded", None, 0)
    assert b"\n".join(payload for _, payload in one.of_kind("results")).split(b"\n") == [b"9", b"16"]
    assert one.printed(STDOUT) == b"item 3\nitem 4\n" and one.printed(STDERR) == b"warned of 3\nwarned of 4\n"


@pytest_twisted.ensureDeferred
async def test_an_item_that_fails_has_its_error_and_the_chunk_succeeds(site: Any) -> None:
    one = site()
    await one.map("fail", 5)
    assert (await one.ended()).outcome == "succeeded"
    [(report, payload)] = one.of_kind("results")
    assert report.failed == [0] and json.loads(payload)["error"]["message"] == "no 5"


@pytest_twisted.ensureDeferred
async def test_an_item_that_kills_its_process_ends_its_chunk_and_not_the_runner(site: Any) -> None:
    one = site()
    await one.map("die", 1)
    end = await one.ended()
    assert (end.outcome, end.item, end.signal) == ("died", 0, signal.SIGKILL) and "SIGKILL" in end.reason


@pytest_twisted.ensureDeferred
async def test_a_large_result_arrives_whole_as_a_blob(site: Any) -> None:
    one = site()
    await one.map("large", 3_000_000)
    await one.ended()
    [(report, _)] = one.of_kind("results")
    assert json.loads(one.shop.blobs[report.blob]) == "v" * 3_000_000


@pytest_twisted.ensureDeferred
async def test_a_large_item_arrives_whole_from_a_blob(site: Any) -> None:
    one = site()
    one.describe(function="square")
    await one.until(lambda: one.shop.offers)
    digits = "7" * 1500
    digest = one.shop.put(digits.encode())
    one.endpoint.server.carry("a", ItemPack(0, 1, "json", blob=digest))
    one.endpoint.server.grant(Chunk(1, "a", 0, 0, 1))
    await one.ended()
    assert one.of_kind("results")[0][1] == str(int(digits) ** 2).encode()


@pytest_twisted.ensureDeferred
async def test_a_file_that_an_item_wrote_comes_back(site: Any) -> None:
    one = site()
    await one.map("write", 8)
    await one.ended()
    [(report, _)] = one.of_kind("artifact")
    assert (report.root, report.path, report.item, report.deleted) == (0, "out8.txt", 0, False)
    assert one.shop.blobs[report.blob] == b"made by 8"


@pytest_twisted.ensureDeferred
async def test_what_is_not_there_is_refused_for_good(site: Any) -> None:
    one = site()
    await one.map("nowhere", 1)
    end = await one.ended()
    assert (end.outcome, end.fatal) == ("refused", True) and "nowhere" in end.reason


@pytest_twisted.ensureDeferred
async def test_a_line_comes_while_its_item_still_runs_and_a_revoked_chunk_ends_with_its_processes(site: Any) -> None:
    one = site()
    await one.map("wait", 1)
    await one.until(lambda: one.printed(STDOUT) == b"waiting\n")
    answer = await one.endpoint.server.ask(wire.RevokeChunks, fences=[1], reason="cancelled")
    assert answer == {"processes": 1} and one.shop.ends() == [(1, "cancelled")]


@pytest_twisted.ensureDeferred
async def test_a_forgotten_task_leaves_no_files(site: Any, tmp_path: Path) -> None:
    one = site()
    await one.map("square", 1)
    await one.ended()
    assert has_file(tmp_path / "state" / "slots", "prog.py")
    one.endpoint.server.tell(wire.ForgetTask, task="a")
    await one.until(lambda: not has_file(tmp_path / "state" / "slots", "prog.py"))


def has_file(folder: Path, name: str) -> bool:
    """Whether it is somewhere below; what is being removed meanwhile is no error."""
    return any(name in files for _, _, files in os.walk(folder))
