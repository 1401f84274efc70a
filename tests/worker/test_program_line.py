"""A main program on a seat, with its real keeper, below a played server: from a grant to its exit."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.wire import worker as wire
from marx.wire.packs import STDERR, STDOUT
from tests.fakes.sites import Site, sites
from tests.pythons import UserPython

PROGRAM = b"""
import os, sys

def main(words):
    if words[:1] == ["read"]:
        for line in sys.stdin:
            sys.stdout.write("read " + line)
        return 0
    if words[:1] == ["wait"]:
        print("waiting")
        sys.stdout.flush()
        import time
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            print("interrupted")
            return 7
    sys.stdout.write("%s %s %r\\n" % (__name__, os.path.basename(__file__), words))
    sys.stderr.write("threads %s\\n" % os.environ.get("OMP_NUM_THREADS"))
    os.makedirs("out/deep")
    with open("out/made.txt", "w") as made:
        made.write("made")
    return 3

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def site(tmp_path: Path):
    yield from sites(tmp_path, PROGRAM)


def exit_of(one: Site) -> Any:
    [(_, payload)] = one.of_kind("results")
    return json.loads(payload)


@pytest_twisted.ensureDeferred
async def test_each_python_runs_a_program_that_prints_writes_and_exits(site: Any, user_python: UserPython) -> None:
    one = site(user_python.path)
    await one.run("a", "b c")
    end = await one.ended()
    assert (end.outcome, end.exit_code) == ("succeeded", 3) and exit_of(one) == {"exit": 3, "signal": None}
    assert one.printed(STDOUT) == b"__main__ prog.py ['a', 'b c']\n" and one.printed(STDERR) == b"threads None\n"
    made = {report.path: report for report, _ in one.of_kind("artifact")}
    assert {path for path in made if "pyc" not in path} >= {"out", "out/deep", "out/made.txt"}
    assert one.shop.blobs[made["out/made.txt"].blob] == b"made" and made["out/deep"].mode & 0o40000


@pytest_twisted.ensureDeferred
async def test_standard_input_is_streamed_to_it_and_ends(site: Any) -> None:
    one = site()
    await one.run("read", stdin="stream")
    await one.until(lambda: one.shop.readers)
    one.shop.readers[0][1].callback({"part": b"one\n", "final": False})
    await one.until(lambda: one.printed(STDOUT) == b"read one\n")
    await one.until(lambda: len(one.shop.readers) == 2)
    offset, asked = one.shop.readers[1]
    asked.callback({"part": b"two\n", "final": True})
    await one.ended()
    assert offset == 4 and one.printed(STDOUT) == b"read one\nread two\n"


@pytest_twisted.ensureDeferred
async def test_standard_input_of_a_blob_arrives_whole(site: Any) -> None:
    one = site()
    text = b"".join(b"line %d\n" % number for number in range(40_000))
    await one.run("read", stdin=one.shop.put(text))
    await one.ended()
    assert one.printed(STDOUT) == text.replace(b"line", b"read line")


@pytest_twisted.ensureDeferred
async def test_without_input_it_reads_nothing_and_input_that_it_does_not_read_is_no_error(site: Any) -> None:
    one = site()
    await one.run("no", stdin=one.shop.put(b"x" * 500_000))
    assert (await one.ended()).exit_code == 3


@pytest_twisted.ensureDeferred
async def test_a_signal_reaches_it_while_it_runs_and_its_exit_counts(site: Any) -> None:
    one = site()
    await one.run("wait")
    await one.until(lambda: one.printed(STDOUT) == b"waiting\n")
    answer = await one.endpoint.server.ask(wire.SignalProgram, fence=1, signal=int(signal.SIGINT))
    assert answer == {"delivered": True}
    assert (await one.ended()).exit_code == 7 and exit_of(one)["exit"] == 7
    answer = await one.endpoint.server.ask(wire.SignalProgram, fence=1, signal=int(signal.SIGINT))
    assert answer == {"delivered": False}


@pytest_twisted.ensureDeferred
async def test_one_that_is_revoked_ends_with_its_processes(site: Any) -> None:
    one = site()
    await one.run("wait")
    await one.until(lambda: one.printed(STDOUT) == b"waiting\n")
    answer = await one.endpoint.server.ask(wire.RevokeChunks, fences=[1], reason="cancelled")
    assert answer == {"processes": 1} and one.shop.ends() == [(1, "cancelled")]
