"""A worker's test of itself finds what is wrong with the machine, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marx.worker import trial
from marx.worker.kit import lay_out_kit
from marx.worker.launch import Sandbox
from marx.worker.probing import own_interpreter, probe_one
from marx.worker.sandbox import choose
from marx.worker.selftest import NotProved
from tests.pythons import UserPython

LEVELS = ["none", pytest.param("bwrap", marks=pytest.mark.needs_bwrap)]


def trouble(folder: Path, sandbox: Sandbox, *interpreters: object) -> str:
    kit = lay_out_kit(folder / "kit")
    return trial.trouble_here(sandbox, lambda interpreter: kit, interpreters or [own_interpreter()], folder)


@pytest.mark.parametrize("level", LEVELS)
def test_where_all_is_well_nothing_is_found_and_nothing_is_left(tmp_path: Path, level: str, user_python: UserPython) -> None:
    assert trouble(tmp_path, choose(level, tmp_path), probe_one(user_python.path)) == ""
    assert not list(tmp_path.glob("trial-*")) and not list(tmp_path.glob("selftest-*"))


def test_an_interpreter_that_does_not_start_any_more_is_named(tmp_path: Path) -> None:
    gone = replace(own_interpreter(), path="/nowhere/python3")
    assert "/nowhere/python3" in trouble(tmp_path, choose("none", tmp_path), own_interpreter(), gone)


def test_what_the_chunk_came_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PROGRAM", b"def work(x):\n    raise OSError(28, 'No space left on device')\n")
    assert "No space left on device" in trouble(tmp_path, choose("none", tmp_path))
    monkeypatch.setattr(trial, "PROGRAM", b"import nowhere\n")
    assert "nowhere" in trouble(tmp_path, choose("none", tmp_path))
    monkeypatch.setattr(trial, "PROGRAM", b"def work(x):\n    return x\n")
    assert "21" in trouble(tmp_path, choose("none", tmp_path))


@pytest.mark.needs_bwrap
def test_a_sandbox_that_does_not_hold_any_more_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(sandbox: Sandbox, folder: Path) -> None:
        raise NotProved("user namespaces are forbidden")

    monkeypatch.setattr(trial, "prove", broken)
    assert trouble(tmp_path, choose("bwrap", tmp_path)) == "the sandbox does not hold: user namespaces are forbidden"
