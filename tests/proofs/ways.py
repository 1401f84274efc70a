"""
The ways to run one program: plainly, under ``tasker run --local``, and in a lab of two workers. Each leaves an :class:`Outcome`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.end_to_end.lab import Installation, Lab, Person, wait_until
from tests.proofs.outcomes import Outcome, entries, exit_code

#: Seconds that one run may take, whichever way.
PATIENCE = 180.0

#: Losses of an item that only proofs which kill workers all the time come to.
LOSSES = 100


@dataclass(frozen=True)
class Call:
    """
    One start of a program: in ``folder``, by the interpreter at ``python``, with ``words`` behind it.

    ``wanted``: how the tasker names that interpreter, if not by its path.
    """

    folder: Path
    python: str
    words: Sequence[str]
    stdin: bytes = b""
    environ: Mapping[str, str] = field(default_factory=dict)
    bytecode: bool = False
    wanted: str = ""


@dataclass(frozen=True)
class Portion:
    """One portion as ``tasker show`` tells of it: where it ran, and why not elsewhere; and what asked for it, by file name and line."""

    kind: str
    place: str
    reason: str
    known: int
    file: str = ""
    line: int = 0


class Way(Protocol):
    """Runs a call to its end. Raises TookTooLong."""

    name: str

    def run(self, call: Call) -> Outcome:
        """What it left."""

    def portions(self) -> list[Portion]:
        """Those of the last run, as far as this way can tell."""


class TookTooLong(Exception):
    """A run did not end; its processes are gone now."""


class Plainly:
    """``python prog.py``, below ``home``; ``before``: words in front of ``prog.py``."""

    name = "plain"

    def __init__(self, home: Path, patience: float = PATIENCE, before: Sequence[str] = ()) -> None:
        self._home = home
        self._patience = patience
        self._before = before

    def run(self, call: Call) -> Outcome:
        """In a process group of its own."""
        return ended([call.python, *self._before, *call.words], call, {**plain_environ(self._home), **call.environ}, self._patience)

    def portions(self) -> list[Portion]:
        """A plain run has none."""
        return []


class Locally:
    """``tasker run --local=2``: an embedded server and two slots."""

    name = "local"

    def __init__(self, home: Path) -> None:
        self._person = Person(home)

    def run(self, call: Call) -> Outcome:
        """As typed in the program's folder."""
        return ended([*tasker_words(self._person, call), "--local=2", *call.words], call, tasker_environ(self._person))

    def portions(self) -> list[Portion]:
        """The embedded server is gone with its task."""
        return []


class InTheLab:
    """``tasker run`` on a server and two workers, each a process of its own; with these ``options``."""

    name = "lab"

    def __init__(self, person: Person, *options: str) -> None:
        self._person = person
        self._options = options

    def run(self, call: Call) -> Outcome:
        """As typed in the program's folder."""
        return ended([*tasker_words(self._person, call), *self._options, *call.words], call, tasker_environ(self._person))

    def portions(self) -> list[Portion]:
        """Of the newest task."""
        newest = json.loads(self._person.tasker("list", "--json").out)[0]["id"]
        shown = json.loads(self._person.tasker("show", "--json", newest).out)
        return [_portion(one) for one in shown.get("portions", ())]


def _portion(shown: Mapping[str, Any]) -> Portion:
    call = shown["call"]
    return Portion(call["kind"], shown["place"], shown["reason"] or "", shown["known"], Path(call["file"]).name, call["line"])


def plain_environ(home: Path) -> dict[str, str]:
    """A terminal's environment that knows nothing of Marx."""
    around = Installation().environment(home)
    del around["PYTHONPATH"]
    return around


def tasker_words(person: Person, call: Call) -> list[str]:
    """``tasker run`` and its options, as far as they are the same everywhere."""
    named = [word for name, value in call.environ.items() for word in ("--env", f"{name}={value}")]
    return [*person.installation.script("tasker"), "run", "--python", call.wanted or call.python, *named]


def tasker_environ(person: Person) -> dict[str, str]:
    """A terminal's environment."""
    return person.installation.environment(person.home, MARX_HOME=str(person.home / "marx"))


def ended(argv: Sequence[str], call: Call, environ: Mapping[str, str], patience: float = PATIENCE) -> Outcome:
    """Run it in a process group of its own until it ends. Raises TookTooLong."""
    process = subprocess.Popen(
        argv, cwd=call.folder, env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        out, err = process.communicate(call.stdin, timeout=patience)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        out, err = process.communicate()
        raise TookTooLong(f"it did not end in {patience:.0f} s; it said {out[-300:]!r} and {err[-300:]!r}") from None
    kill_group(process.pid)
    return Outcome(exit_code(process.returncode), out, err, entries(call.folder, call.bytecode))


def kill_group(group: int) -> None:
    """End what a run left behind in its process group."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def patient(lab: Lab) -> tuple[str, str]:
    """Words for a server under which no item fails because its workers are killed: by default one that is lost thrice does, and it may be innocent."""
    (lab.folder / "server.toml").write_text(f"[leases]\nitem_losses = {LOSSES}\n")
    return "--config", str(lab.folder / "server.toml")


def two_workers(lab: Lab, pythons: Sequence[str], *options: str, server: Sequence[str] = ()) -> Person:
    """Bring up a server and two workers that have these interpreters; somebody who has logged in."""
    lab.start_server(*server)
    named = [word for python in pythons for word in ("--python", python)]
    for name in ("one", "two"):
        lab.start_worker(name, *named, *options)
    wait_until(lambda: all(daemon.running() for daemon in lab.daemons) and lab.admin("workers").count("ready") == 2, "two workers that are ready")
    return lab.person("ada")
