"""A whole worker with real runners in real interpreters, below a played server: from a grant to its reports."""

from __future__ import annotations

import json
import signal
import os
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred

from marx.wire import worker as wire
from marx.wire.packs import STDERR, STDOUT, ItemPack, unpack_output
from marx.worker.assignments import Chunk
from marx.worker.bare import Bare
from marx.worker.composing import Limits, Premises, Surroundings, compose
from marx.worker.kit import lay_out_kit
from marx.worker.offer import Offer
from marx.worker.probing import own_interpreter, probe_one
from tests.fakes.servers import SPEC, FakeServer, RealEndpoint, Shop
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


class Site:
    """One worker in this process, and what its server saw."""

    def __init__(self, folder: Path, python: str | None) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.shop = Shop()
        self.endpoint = RealEndpoint(reactor, lambda: FakeServer(reactor, self.shop))
        interpreter = probe_one(python) if python else own_interpreter()
        kit = lay_out_kit(folder / "kit")
        offer = Offer(slots=1, sandbox="none", interpreters=[interpreter])
        digits = iter(range(1, 10_000))
        around = Surroundings(lambda: 1000.0, lambda: 0.5, lambda: "%016x" % next(digits))
        premises = Premises(folder / "state", Bare(None), lambda interpreter: kit)
        (folder / "state").mkdir()
        self.worker = compose(reactor, self.endpoint, premises, offer, Limits(drain_seconds=10.0), around)
        self.worker.startService()

    async def map(self, function: str, *items: Any) -> None:
        """One task of one chunk; its end is waited for."""
        self.describe(function)
        await self.until(lambda: self.shop.offers)
        payload = b"\n".join(json.dumps(item).encode() for item in items)
        self.endpoint.server.carry("a", ItemPack(0, len(items), "json", payload))
        self.endpoint.server.grant(Chunk(1, "a", 0, 0, len(items)))

    def describe(self, function: str) -> None:
        program = [0, "prog.py", 0o644, len(PROGRAM), self.shop.put(PROGRAM), None]
        manifest = self.shop.put(json.dumps([program]).encode())
        self.shop.specs["a"] = {**SPEC, "function": function, "manifest": manifest}

    async def ended(self) -> Any:
        await self.until(self.shop.ends)
        return self.of_kind("end")[0][0]

    def of_kind(self, kind: str) -> list[tuple[Any, bytes]]:
        return [(report, payload) for report, payload in self.shop.reports if report.kind == kind]

    def printed(self, stream: int) -> bytes:
        packs = [(report, payload) for report, payload in self.of_kind("output")]
        segments = [segment for report, payload in packs for segment in unpack_output(payload, report.first)]
        return b"".join(segment.content for segment in segments if segment.stream == stream)

    def until(self, true: Any) -> Deferred[None]:
        waited: Deferred[None] = Deferred()

        def look() -> None:
            if true():
                waited.callback(None)
            elif not waited.called:
                self.reactor.callLater(0.005, look)

        look()
        return waited.addTimeout(30, self.reactor)


@pytest.fixture
def site(tmp_path: Path):
    sites: list[Site] = []

    def make(python: str | None = None) -> Site:
        sites.append(Site(tmp_path, python))
        return sites[-1]

    yield make
    for one in sites:
        one.worker.hurry()
        pytest_twisted.blockon(maybeDeferred(one.worker.stopService))
        pytest_twisted.blockon(ensureDeferred(closed(one)))


async def closed(site: Site) -> None:
    await site.until(lambda: not site.endpoint.server.up)


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
    one.describe("square")
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
