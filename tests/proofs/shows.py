"""
One task in front of a person whose tasker is killed again and again: after each death another one is attached, which must show all of it from the start.
"""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.lab import Person, wait_until

#: A tasker that began while the server was away ends with this, and a person types it again.
UNREACHABLE = 69


@dataclass
class Show:
    """One tasker, and the files that it writes to."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path


class Shows:
    """``words``: the command that starts the task; its name must be among them. What every tasker showed is kept in ``folder``."""

    def __init__(self, person: Person, folder: Path, *words: str) -> None:
        self._person = person
        self._folder = folder
        self.all: list[Show] = []
        before = set(self._tasks())
        self._start(*words)
        [self.task] = wait_until(lambda: set(self._tasks()) - before, "the task to be listed")

    @property
    def running(self) -> bool:
        """Whether the last tasker has not ended; one that found no server is followed by another."""
        code = self.all[-1].process.poll()
        if code == UNREACHABLE:
            self.attach()
            return True
        return code is None

    def kill(self) -> None:
        """kill -9 the tasker, and attach another."""
        self.all[-1].process.send_signal(signal.SIGKILL)
        self.all[-1].process.wait()
        self.attach()

    def attach(self) -> None:
        """Show the task from the start."""
        self._start("attach", "-q", self.task)

    def stop(self) -> None:
        """End the last one, if it has not ended."""
        self.all[-1].process.kill()
        self.all[-1].process.wait()

    def _start(self, *words: str) -> None:
        number = len(self.all)
        out, err = self._folder / f"out-{number}", self._folder / f"err-{number}"
        with open(out, "wb") as to_out, open(err, "wb") as to_err:
            self.all.append(Show(self._person.start(*words, stdout=to_out, stderr=to_err), out, err))

    def _tasks(self) -> list[str]:
        return [task["id"] for task in json.loads(self._person.tasker("list", "--json").out)]
