"""Programs that lie to their worker, and that leave things behind: no other task, file or machine notices."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from marx.worker.landlock import LEAST_VERSION, landlock_version
from tests.attacks import forger, leaver
from tests.attacks.lures import start_worker
from tests.end_to_end.lab import Daemon, Lab, Person, wait_until
from tests.pythons import UserPython
from tests.worker.stand import Stand

pytestmark = [pytest.mark.slow, pytest.mark.needs_bwrap]

LONGEST = 300.0
"""Seconds: 10,000 files take 20 to 80."""

OUTPUT_LIMIT = 1 << 20
MANY_FILES = 10_000
KINDS = [("user", "bwrap"), ("root", "bwrap"), ("user", "landlock"), ("user", "none")]
CALM = [str(number) for number in range(300)]


@dataclass
class House:
    """A lab with one person, and workers of two slots each by kind."""

    lab: Lab
    ada: Person
    workers: dict[str, Daemon]
    pythons: list[UserPython]

    def map(self, kind: str, python: UserPython, *words: str, expect: int | None = 0) -> list[dict[str, Any]]:
        """The lines of a map on the worker of that kind."""
        return self.ada.tasker("map", "--label", f"kind={kind}", "--python", python.name, *words, expect=expect, seconds=LONGEST).lines()


@pytest.fixture(scope="module")
def house(interpreters: tuple[UserPython, ...]) -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="marx-hostile-"))
    folder.chmod(0o755)
    (folder / "server.toml").write_text('[limits]\noutput = "1M"\n')
    lab = Lab(folder)
    pythons = [interpreters[0], interpreters[-1]]
    try:
        with ExitStack() as stack:
            lab.start_server("--config", str(folder / "server.toml"))
            ada = lab.person("ada")
            for program in (forger.__file__, leaver.__file__):
                shutil.copy(program, ada.work)
            workers = {}
            for who, level in KINDS:
                if (who == "user" or os.geteuid() == 0) and (level != "landlock" or landlock_version() >= LEAST_VERSION):
                    kind = f"{who}-{level}"
                    stand = stack.enter_context(Stand.of(who))
                    options = ["--slots", "2", "--users", "ada", "--label", f"kind={kind}"]
                    workers[kind] = start_worker(lab, stand, kind, level, [python.path for python in pythons], *options)
            wait_until(lambda: lab.admin("workers").count("ready") == len(workers), "workers that are ready")
            yield House(lab, ada, workers, pythons)
            lab.stop()
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


each_python = pytest.mark.parametrize("which", [0, -1], ids=["oldest", "newest"])
each_kind = pytest.mark.parametrize("kind", [f"{who}-{level}" for who, level in KINDS])


@each_python
def test_a_program_can_lie_about_its_own_results_and_about_nothing_else(house: House, which: int) -> None:
    kind, python = "user-bwrap", house.pythons[which]
    words = ["--label", f"kind={kind}", "--chunk-size", "1", "-j", "1", "leaver.py:calm", *CALM]
    neighbour = house.ada.start("map", *words)
    lines = house.map(kind, python, "--chunk-size", "1", "-j", "1", "forger.py:answer", *forger.NAMES, expect=1)
    said = {name: line.get("value") or line["error"] for name, line in zip(forger.NAMES, lines, strict=True)}
    assert said.pop("own") == "forged", "so that the others are real attempts"
    assert said.pop("none") == "true"
    assert {name: one for name, one in said.items() if not isinstance(one, dict) or "broke the protocol" not in one["message"]} == {}
    out = neighbour.communicate(timeout=60)[0]
    assert [json.loads(line)["value"] for line in out.splitlines()] == CALM
    assert not list(house.lab.folder.rglob("*escaped*")) and not Path("/tmp/marx-escaped").exists()
    assert house.workers[kind].running() and house.lab.server.running()



def left_running(token: str) -> list[psutil.Process]:
    """The processes of this machine that have the token among their arguments, but for whoever was told to have it sent."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if token in words and not any(word.endswith(("tasker", "leaver.py", "leaver.py:leave_process", "leaver.py:leave_many")) for word in words):
            found.append(process)
    return found


@each_kind
@pytest.mark.parametrize("attack", ["leave_process", "leave_many"])
def test_no_process_stays_behind(house: House, kind: str, attack: str) -> None:
    if kind not in house.workers:
        pytest.skip("no such worker here")
    token = "stays-" + secrets.token_hex(8)
    assert house.map(kind, house.pythons[-1], f"leaver.py:{attack}", token)[0]["value"] == "left"
    wait_until(lambda: not left_running(token), "processes to be gone")


def test_a_process_left_behind_by_a_plain_program_stays() -> None:
    """So that it means something that none does."""
    token = "stays-" + secrets.token_hex(8)
    subprocess.run([sys.executable, leaver.__file__, token], check=True, stdout=subprocess.DEVNULL)
    [process] = left_running(token)
    os.kill(process.pid, signal.SIGTERM)
    assert process.is_running()
    os.kill(process.pid, signal.SIGKILL)


def test_a_task_that_is_cancelled_takes_what_it_left_along(house: House) -> None:
    token = "stays-" + secrets.token_hex(8)
    for kind in house.workers:
        task = house.ada.tasker("map", "--detach", "--label", f"kind={kind}", "leaver.py:leave_and_wait", token).out.decode().strip()
        wait_until(lambda: left_running(token), "a process that was left")
        house.ada.tasker("cancel", task)
        wait_until(lambda: not left_running(token), f"processes of {kind} to be gone")


MADE = {
    b"link-out": ("link", b"/etc/shadow"),
    b"link-up": ("link", b"../../../../../../etc/shadow"),
    b"link-to-nothing": ("link", b"x" * 4000),
    b"link-folder": ("link", b"/etc"),
    b"not-\xff\xfe-text": ("file", b"content"),
    b"two\nlines": ("file", b"content"),
    b"-rf": ("file", b"content"),
    b"..." + b"n" * 252: ("file", b"content"),
    b"becomes-another": ("file", b"content"),
    b"hard": ("file", b"content"),
    b"sparse": ("file", b"\0" * (1 << 20) + b"end"),
}
"""What arrives of what `leave_files` makes, as a plain run leaves it. A file that is closed to its owner arrives closed."""


@pytest.mark.parametrize(("kind", "which"), [("user-bwrap", 0), *((f"{who}-{level}", -1) for who, level in KINDS)])
def test_files_of_every_kind_come_back_as_what_they_are_and_no_other_is_touched(house: House, kind: str, which: int) -> None:
    if kind not in house.workers:
        pytest.skip("no such worker here")
    landed = house.ada.home / f"landed-{kind}-{which}"
    landed.mkdir()
    count = MANY_FILES if (kind, which) == ("user-bwrap", -1) else 10
    made = house.map(kind, house.pythons[which], "--artifacts", str(landed), "--range", f"{count}:{count + 1}", "leaver.py:leave_files")[0]
    assert "value" in made, made
    found = {os.fsencode(path.name): path for path in landed.iterdir()}
    assert {name: what_is(found[name]) if name in found else None for name in MADE} == MADE
    assert not any(path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID) for path in found.values())
    assert not any(stat.S_ISFIFO(path.lstat().st_mode) or stat.S_ISSOCK(path.lstat().st_mode) for path in found.values())
    assert len(list((landed / "many").iterdir())) == count
    assert [line["value"] for line in house.map(kind, house.pythons[which], "leaver.py:calm", "1")] == ["1"], "its folder could be cleared"


def what_is(path: Path) -> tuple[str, bytes]:
    """A link and where it leads, or a file and its content."""
    return ("link", os.readlink(os.fsencode(path))) if path.is_symlink() else ("file", path.read_bytes())


FLOODS = {
    "print_much": ["--range", "400000:400001", "leaver.py:print_much"],
    "print_one_line": ["--range", "32:33", "leaver.py:print_one_line"],
    "forged notes": ["--env", "FLOOD=1", "forger.py:answer", "x"],
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_output_is_cut_and_fills_nobodys_memory(house: House, flood: str) -> None:
    worker, server = psutil.Process(house.workers["user-bwrap"].process.pid), psutil.Process(house.lab.server.process.pid)
    before = worker.memory_info().rss + server.memory_info().rss
    said = house.ada.tasker("map", "--label", "kind=user-bwrap", *FLOODS[flood], seconds=LONGEST)
    assert said.lines()[0]["value"] in ("printed", "true")
    assert len(said.err) < 2 * OUTPUT_LIMIT and (flood == "forged notes" or "the rest is cut" in said.err)
    assert worker.memory_info().rss + server.memory_info().rss - before < 64 << 20
