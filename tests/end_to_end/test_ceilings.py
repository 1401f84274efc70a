"""What a worker's owner allows in [ceilings], on a real worker in its real sandbox: a breach costs the item that did it, by name."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import sandbox_options
from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.slow

CEILINGS = """
[ceilings]
item_timeout = "20s"
memory = "300M"
scratch = "40M"
processes = 20
open_files = 64
file = "8M"
cpu = "2s"
"""

GREEDY = """
import os, time

def bomb():
    made = []
    try:
        while len(made) < 200:
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            made.append(pid)
    finally:
        assert 5 < len(made) < 20, len(made)

def fill():
    for number in range(12):
        with open("part-%d" % number, "wb") as file:
            file.write(os.urandom(7 << 20))
    time.sleep(60)

def act(word):
    if word == "bomb": bomb()
    if word == "fill": fill()
    if word == "files": return [open("/dev/null") for _ in range(100)]
    if word == "file": open("large", "wb").write(b"x" * (9 << 20))
    if word == "spin":
        while True: pass
    if word == "eat":
        eaten = bytearray(400 << 20)
        time.sleep(60)
    return word
"""

#: What is told of each: the error's type, and how its message begins or ends.
TOLD = {
    "bomb": ("BlockingIOError", "(this may be the worker's limit of 20 processes)"),
    "files": ("OSError", "(this may be the worker's limit of 64 open files)"),
    "file": ("OSError", "(this may be the worker's limit of 8388608 bytes for a file)"),
    "spin": ("ItemDied", "was killed by signal 24 (SIGXCPU)"),
    "eat": ("ItemOutOfMemory", "used more memory than it may: "),
    "fill": ("ItemOutOfScratch", "filled more of the disk than it may: "),
}


@pytest.fixture(scope="module")
def bounded() -> Iterator[Lab]:
    """A server and one worker whose owner allows little."""
    folder = Path(tempfile.mkdtemp(prefix="marx-lab-"))
    folder.chmod(0o755)
    (folder / "worker.toml").write_text(CEILINGS)
    lab = Lab(folder)
    try:
        lab.start_server()
        lab.start_worker("one", *sandbox_options(), "--config", str(folder / "worker.toml"))
        lab.wait_for_workers()
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.needs_bwrap
def test_each_breach_costs_its_item_alone_and_is_named(bounded: Lab) -> None:
    ada = bounded.person("ada")
    (ada.work / "greedy.py").write_text(GREEDY)
    items = [each for word in TOLD for each in (word, "fine")]
    said = ada.tasker("map", "greedy.py:act", *items, expect=1)
    results = said.lines()
    assert [result.get("value") for result in results[1::2]] == ["fine"] * len(TOLD), results[1::2]
    for (kind, words), result in zip(TOLD.values(), results[::2]):
        error = result["error"]
        assert error["type"] == kind and words in error["message"], json.dumps(error)
    assert not list(ada.work.glob("part-*")), "what was killed for its files leaves none"


def test_the_worker_says_how_much_memory_it_lends(bounded: Lab) -> None:
    ada = bounded.person("bea")
    [worker] = json.loads(ada.tasker("workers", "--json").out)
    assert worker["memory"] == 300 << 20
