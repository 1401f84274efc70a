"""
Tasks for a lab in which nothing is safe: each is submitted, shown by one tasker after the other until one has shown its end, and then held against plain Python.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.end_to_end.lab import Person
from tests.proofs.killed_items import TALKING, value
from tests.proofs.outcomes import Outcome, differences, entries, exit_code
from tests.proofs.shows import UNREACHABLE, Show
from tests.proofs.tagged import ordered
from tests.pythons import UserPython

HERE = Path(__file__).parent
#: Seconds that an item of the program takes.
PACE = 0.02


class Work(Protocol):
    """What is to be done: ``words`` of the tasker's command line but for its first options."""

    words: list[str]

    def lay_out(self, folder: Path) -> None:
        """Put its files there."""

    def wrong(self, shown: Outcome) -> Iterator[str]:
        """What is not as plain Python has it."""


class Items:
    """A map of ``count`` items, some of which print."""

    def __init__(self, python: UserPython, count: int) -> None:
        self.words = ["map", "--python", python.name, "--retries", "1000", "--range", f"0:{count}", "items.py:work"]
        self._count = count

    def lay_out(self, folder: Path) -> None:
        """The function's file."""
        shutil.copy(HERE / "killed_items.py", folder / "items.py")

    def wrong(self, shown: Outcome) -> Iterator[str]:
        """Results in order, and each line once, in order for each item."""
        if shown.code != 0:
            yield f"exit code {shown.code}: {shown.stderr[-500:]!r}"
        if shown.stdout != b"".join(b'{"index": %d, "value": %d}\n' % (item, value(item)) for item in range(self._count)):
            yield f"results are wrong: {shown.stdout[:200]!r} to {shown.stdout[-200:]!r}"
        lines = shown.stderr.splitlines()
        wanted = Counter(b"item %d %b" % (item, what) for item in range(0, self._count, TALKING) for what in (b"begins", b"ends"))
        if Counter(lines) != wanted:
            yield f"printed too much: {(Counter(lines) - wanted)}, too little: {wanted - Counter(lines)}"
        places = {line: place for place, line in enumerate(lines)}
        for item in range(0, self._count, TALKING):
            if places.get(b"item %d begins" % item, -1) > places.get(b"item %d ends" % item, len(lines)):
                yield f"item {item} ends before it begins"


class Program:
    """A program with three portions, files, and an exit code of its own; ``plain``: what plain Python leaves of it."""

    def __init__(self, python: UserPython, plain: Outcome) -> None:
        self.words = ["run", "--python", python.path, "prog.py", str(PACE)]
        self._plain = plain

    def lay_out(self, folder: Path) -> None:
        """The program's file."""
        shutil.copy(HERE / "killed_program.py", folder / "prog.py")

    def wrong(self, shown: Outcome) -> Iterator[str]:
        """Everything that is different."""
        yield from differences(ordered(self._plain, b""), ordered(shown, b""))


class Job:
    """``work`` in a ``folder`` of its own. ``shows``: its taskers, the first of which only submits it; ``wrong``: what was found at its end."""

    def __init__(self, person: Person, folder: Path, work: Work) -> None:
        self._person = copy.copy(person)
        self._person.work = folder / "work"
        self._person.work.mkdir(parents=True)
        self._folder = folder
        self._work = work
        self.shows: list[Show] = []
        self.task = ""
        self.is_over = False
        self.wrong: list[str] = []
        work.lay_out(self._person.work)
        self._submit()

    def __str__(self) -> str:
        return f"{self._folder.name} (task {self.task or '?'}: {' '.join(self._work.words)})"

    @property
    def tasker(self) -> subprocess.Popen[bytes]:
        """The one that is at work."""
        return self.shows[-1].process

    def step(self) -> None:
        """See how far it is, and go on."""
        code = self.tasker.poll()
        if code is None or self.is_over:
            return
        if not self.task:
            self._submitted(code)
        elif code == UNREACHABLE or code < 0:
            self._attach()
        else:
            self.is_over = True
            self.wrong += self._judge(code)

    def end(self) -> None:
        """At once."""
        if self.tasker.poll() is None:
            self.tasker.kill()
        self.tasker.wait()

    def _submitted(self, code: int) -> None:
        if code == 0:
            self.task = self.shows[-1].out.read_text().strip()
            self._attach()
        elif code == UNREACHABLE or code < 0:
            self._submit()
        else:
            self.is_over = True
            self.wrong.append(f"it could not be submitted, {code}: {self.shows[-1].err.read_text()}")

    def _submit(self) -> None:
        kind, *words = self._work.words
        self._show(kind, "-q", "--detach", *words)

    def _attach(self) -> None:
        self._show("attach", "-q", self.task)

    def _show(self, *words: str) -> None:
        number = len(self.shows)
        out, err = self._folder / f"out-{number}", self._folder / f"err-{number}"
        with open(out, "wb") as to_out, open(err, "wb") as to_err:
            self.shows.append(Show(self._person.start(*words, stdout=to_out, stderr=to_err), out, err))

    def _judge(self, code: int) -> Iterator[str]:
        last = self.shows[-1]
        whole = last.out.read_bytes()
        yield from self._work.wrong(Outcome(exit_code(code), whole, last.err.read_bytes(), entries(self._person.work)))
        for show in self.shows:
            said = show.out.read_bytes()
            if not whole.startswith(said) and said.strip() != self.task.encode():
                yield f"{show.out.name}, whose tasker was killed, is no beginning of what was shown in the end: {said[-200:]!r}"
