"""Landlock for real, as an ordinary user; and what is said where it cannot be had."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from marx.worker import sandbox as sandbox_module
from marx.worker.landlock import LEAST_VERSION, landlock_version
from marx.worker.sandbox import NoSandbox, choose
from tests.pythons import UserPython
from tests.worker.stand import Stand

needs_landlock = pytest.mark.skipif(landlock_version() < LEAST_VERSION, reason="landlock of this kernel does not cover enough")

ORDINARY_LIFE = """
import multiprocessing, os, socket, subprocess, sys, tempfile, threading
handle, temporary = tempfile.mkstemp()
os.close(handle)
open("made", "w").close()
left, right = socket.socketpair()
thread = threading.Thread(target=left.sendall, args=(b"x",))
thread.start()
pool = multiprocessing.get_context("fork").Pool(2) if hasattr(multiprocessing, "get_context") else multiprocessing.Pool(2)
shown = {
    "mapped": pool.map(abs, [-1, -2]),
    "heard": right.recv(1) == b"x",
    "child": subprocess.check_output(["sh", "-c", "echo from a shell"]).decode("ascii").strip(),
    "made": sorted(os.listdir(".")),
    "variables": sorted(set(os.environ) - set(["LC_CTYPE"])),
    "descriptors": len(os.listdir("/proc/self/fd")) - 1 - 2,
}
pool.terminate()
print(repr(shown))
"""


@needs_landlock
def test_a_program_lives_in_its_own_folders(user_python: UserPython) -> None:
    with Stand.of("user") as stand:
        tmp = stand.make("tmp")
        answer = stand.run(user_python.path, ORDINARY_LIFE, level="landlock", env={"TMPDIR": str(tmp)}, binds=[(stand.make("work"), "/work"), (tmp, "/tmp")], cwd="/work")
        shown = ast.literal_eval(answer.stdout or repr(answer))
        assert answer.kind == "Landlock" and len(list(tmp.iterdir())) >= 1
    assert {**shown, "descriptors": 0} == {
        "mapped": [1, 2],
        "heard": True,
        "child": "from a shell",
        "made": ["made"],
        "variables": ["PWD", "TMPDIR"],
        "descriptors": 0,
    }


@needs_landlock
def test_an_interpreter_that_is_closed_to_the_worker_is_named_with_what_opens_it(interpreters: tuple[UserPython, ...]) -> None:
    with Stand.of("user") as stand:
        closed = stand.make("closed")
        closed.chmod(0)
        answer = stand.run(interpreters[-1].path, "print('ran')", level="landlock", folders=[str(closed)])
        closed.chmod(0o700)
    assert "chmod o+x %s," % closed in answer.refused


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As if pytest were an ordinary user."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return monkeypatch


@pytest.mark.parametrize(
    ("version", "said"),
    [(0, "this kernel does not have it, or it is switched off.*boot with lsm=landlock"), (5, "version 5 of this kernel.* version 6, of Linux 6.12")],
)
def test_a_kernel_that_does_not_cover_enough_is_named(tmp_path: Path, ordinary: pytest.MonkeyPatch, version: int, said: str) -> None:
    ordinary.setattr(sandbox_module, "landlock_version", lambda: version)
    with pytest.raises(NoSandbox, match="no working sandbox: landlock does not hold here: " + said):
        choose("landlock", tmp_path)


def test_root_is_told_to_start_it_as_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(NoSandbox, match="landlock takes none of root's rights away: start the worker as an ordinary user"):
        choose("landlock", tmp_path)


@needs_landlock
def test_what_the_rules_leave_open_is_found_by_the_self_test(tmp_path: Path, ordinary: pytest.MonkeyPatch) -> None:
    """As on a kernel that takes the rules and does not keep them."""
    ordinary.setattr(sandbox_module, "Landlock", Open)
    with pytest.raises(NoSandbox, match="the worker's private files can be read"):
        choose("landlock", tmp_path)


class Open(sandbox_module.Landlock):
    """Puts up no walls."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._source = self._source.replace("    call(RESTRICT_SELF, ruleset, 0)\n", "")
