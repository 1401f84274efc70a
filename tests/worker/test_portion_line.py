"""A main program with a Pool on a seat and its items on a slot, real runners both: through reports up and what is carried down."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.wire import worker as wire
from marx.wire.packs import STDERR, STDOUT, ItemPack
from marx.wire.reports import ArtifactReport, ItemsReport, PortionReport, Report, ResultsReport
from marx.worker.assignments import Chunk
from tests.fakes.servers import FakeServer, Shop
from tests.fakes.sites import Site, sites
from tests.pythons import UserPython

PROGRAM = b"""
import multiprocessing, os, sys

def square(x):
    with open("out%d.txt" % x, "w") as out:
        out.write(open("in.txt").read() + " %d" % x)
    return x * x + offset

offset = 0

def present():
    return sorted(name for name in os.listdir(".") if name.endswith(".txt"))

def look(x):
    return present()

if __name__ == "__main__":
    offset = 100
    with open("in.txt", "w") as written:
        written.write("input")
    pool = multiprocessing.Pool(2)
    print(pool.map(square, [1, 2, 3]))
    print(present())
    os.remove("out1.txt")
    print(pool.map(look, [0])[0])
    pool.close()
    pool.join()
    print(open("out3.txt").read())
"""


class Relay:
    """Plays what a server does for a program: what it asks for is granted to slot 0, what comes of it is carried back."""

    def __init__(self, shop: Shop) -> None:
        shop.heard = self.heard
        self._shop = shop
        self._rows = itertools.count(1)
        self._fences = itertools.count(100)

    def heard(self, server: FakeServer, report: Report, payload: bytes) -> None:
        if isinstance(report, PortionReport):
            described = {"state": report.state, "files": report.files, "python": report.python, "call": json.loads(report.call)}
            self._shop.portions[report.task, report.portion] = described
        elif isinstance(report, ItemsReport) and report.count:
            server.carry(report.task, ItemPack(report.first, report.count, report.codec, payload, blob=report.blob), report.portion)
            server.grant(Chunk(next(self._fences), report.task, report.portion, report.first, report.count))
        elif isinstance(report, ArtifactReport) and report.portion:
            names = ("portion", "item", "root", "path", "mode", "length", "mtime", "blob", "deleted", "link", "grown_from", "turn")
            change = {name: getattr(report, name) for name in names}
            self._carry(server, wire.CarryChange, change={**change, "source": "lab-1:0"})
        elif isinstance(report, ResultsReport) and report.portion:
            about = {name: getattr(report, name) for name in ("portion", "first", "count", "codec", "blob")}
            more = {"pack_first": report.first, "failed": list(report.failed), "payload": payload}
            self._carry(server, wire.CarryReturns, **about, **more)

    def _carry(self, server: FakeServer, command: Any, **arguments: Any) -> None:
        server.tell(command, fence=1, row=next(self._rows), **arguments)


@pytest.fixture
def site(tmp_path: Path):
    yield from sites(tmp_path, PROGRAM)


LINE = """[101, 104, 109]
['in.txt', 'out1.txt', 'out2.txt', 'out3.txt']
['in.txt', 'out2.txt', 'out3.txt']
input 3
"""


async def printed_by(one: Site, python: str) -> str:
    """What the program prints that ends well."""
    Relay(one.shop)
    await one.run(python=python)
    end = await one.ended_program()
    assert (end.outcome, end.exit_code) == ("succeeded", 0), (one.printed(STDERR), [report for report, _ in one.of_kind("end")])
    return one.printed(STDOUT).decode()


@pytest_twisted.ensureDeferred
async def test_items_see_their_programs_state_and_files_and_the_program_sees_theirs(site: Any, user_python: UserPython) -> None:
    assert await printed_by(site(user_python.path), user_python.name) == LINE


@pytest.mark.needs_bwrap
@pytest_twisted.ensureDeferred
async def test_they_do_so_in_the_sandbox_too(site: Any) -> None:
    assert await printed_by(site(level="bwrap"), "") == LINE
