"""Asks an interpreter what `marx.runner.divide` says of a program, as `tasker divide` asks it."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path
from typing import Any

from marx.tasker.analysis import BEGIN
from tests.pythons import UserPython
from tests.source import CHECKOUT

SECONDS = 60


def write(folder: Path, sources: dict[str, str | bytes]) -> None:
    """Files by name below `folder`; texts are dedented."""
    for name, source in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else textwrap.dedent(source).encode())


def request(folder: Path, program: str = "prog.py", **more: Any) -> dict[str, Any]:
    """What the tasker sends."""
    place = str(folder)
    return {"program": str(folder / program), "module": None, "folders": [place], "folder": place, "most_files": 50, **more}


def ask(python: UserPython, folder: Path, program: str = "prog.py", **more: Any) -> dict[str, Any]:
    """The answer of `python`, started in that folder; nothing on standard error, but what the parser of old Pythons writes there itself."""
    command = [python.path, "-S", "-E", "-s", "-B", "-c", BEGIN, str(CHECKOUT)]
    content = json.dumps(request(folder, program, **more)).encode()
    ended = subprocess.run(command, input=content, capture_output=True, cwd=folder, timeout=SECONDS)
    assert (ended.returncode, ended.stderr.replace(b"s_push: parser stack overflow\n", b"")) == (0, b"")
    return json.loads(ended.stdout)


def look(python: UserPython, folder: Path, source: str | bytes, **others: str | bytes) -> dict[str, Any]:
    """The answer about a program that is given as text; `others` are modules beside it."""
    write(folder, {"prog.py": source, **{name + ".py": text for name, text in others.items()}})
    return ask(python, folder)


def portions(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    """(line, kind, function) of each portion."""
    return [(each["line"], each["kind"], each["function"]) for each in answer["portions"]]


def kept(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    """(line, construct, reason) of what is kept."""
    return [(each["line"], each["construct"], each["reason"]) for each in answer["kept"]]


def needs(answer: dict[str, Any], place: int = 0) -> list[tuple[str, str]]:
    """(name, rule) of what travels with one of the portions."""
    return [(need["name"], need["rule"]) for need in answer["portions"][place]["travels"]]
