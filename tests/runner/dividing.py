"""Asks an interpreter what `marx.runner.divide` says of a program, as `tasker divide` asks it."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterable
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
    """(line, kind, function) of each portion that a pool asks for."""
    return [(each["line"], each["kind"], each["function"]) for each in answer["portions"] if "conditions" not in each]


def kept(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    """(line, construct, reason) of what a pool asks for and is kept."""
    return [(each["line"], each["construct"], each["reason"]) for each in answer["kept"] if "hint" not in each]


def found(answer: dict[str, Any]) -> dict[int, str]:
    """By line, of what no pool asks for: "" where it is divided, else the reason why it stays."""
    rows = [each for each in answer["portions"] if "conditions" in each] + [each for each in answer["kept"] if "hint" in each]
    return {each["line"]: each.get("reason", "") for each in rows}


def needs(answer: dict[str, Any], place: int = 0) -> list[tuple[str, str]]:
    """(name, rule) of what travels with one of the portions."""
    return [(need["name"], need["rule"]) for need in answer["portions"][place]["travels"]]


#: Answers many requests in one process.
MANY = """
import json, sys
sys.path[:1] = []
sys.path.append(sys.argv.pop())
sys.setrecursionlimit(6000)
from marx.runner.divide.answer import answer
requests = json.loads(getattr(sys.stdin, "buffer", sys.stdin).read().decode("utf-8"))
sys.stdout.write(json.dumps([answer(each) for each in requests]))
"""


def ask_many(python: UserPython, folder: Path, sources: Iterable[str]) -> list[dict[str, Any]]:
    """The answers of `python` about programs that are given as texts, each in a folder of its own."""
    requests = []
    for number, source in enumerate(sources):
        write(folder / str(number), {"prog.py": source})
        requests.append(request(folder / str(number)))
    command = [python.path, "-S", "-E", "-s", "-B", "-c", MANY, str(CHECKOUT)]
    ended = subprocess.run(command, input=json.dumps(requests).encode(), capture_output=True, cwd=folder, timeout=SECONDS)
    assert (ended.returncode, ended.stderr) == (0, b"")
    return json.loads(ended.stdout)
