"""
Running many small programs, several at a time: plainly, with a terminal for standard output, and in a warm lab.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.end_to_end.lab import Person
from tests.proofs.outcomes import Outcome, entries, exit_code
from tests.proofs.ways import Call, TookTooLong, kill_group, tasker_environ
from tests.source import CHECKOUT

#: Seconds that one generated program may take, plainly or under Marx.
PATIENCE = 60.0


class OnATerminal:
    """
    A program under plain Python, whose standard output is a terminal without a will of its own.

    Only so does plain Python write line by line, as Marx promises; through a pipe each process keeps its lines until it ends.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    def run(self, call: Call, aside: Path) -> Outcome:
        """``aside``: a folder for what is not the program's. Raises TookTooLong."""
        master, slave = os.openpty()
        tty.setraw(slave)
        (aside / "stdin").write_bytes(call.stdin)
        with open(aside / "stdin", "rb") as given, open(aside / "stderr", "wb") as errors:
            process = subprocess.Popen(
                [call.python, *call.words], cwd=call.folder, env=self._environ, stdin=given, stdout=slave, stderr=errors, start_new_session=True
            )
        os.close(slave)
        try:
            out = _read_to_the_end(master, process, time.monotonic() + PATIENCE)
        finally:
            kill_group(process.pid)
            process.wait()
            os.close(master)
        return Outcome(exit_code(process.returncode), out, (aside / "stderr").read_bytes(), entries(call.folder))


def _read_to_the_end(master: int, process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """What is written until nobody can write any more."""
    read = []
    while True:
        if not select.select([master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TookTooLong(f"plain Python did not end; it said {b''.join(read)[-500:]!r}")
        try:
            read.append(os.read(master, 65536))
        except OSError:  # the last writer has closed the terminal
            return b"".join(read)


class WarmTasker:
    """``tasker run`` from a process that has loaded it already; may be used by many threads. ``options``: of ``run``, before the program."""

    def __init__(self, person: Person, *options: str, one_item: bool = True, every: bool = False) -> None:
        self._environ = tasker_environ(person)
        self._options = options
        argv = [sys.executable, "-m", "tests.proofs.warm_tasker", *["--one-item"] * one_item, *["--every"] * every]
        self._process = subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._lock = threading.Lock()
        self._ended: dict[int, Future[int]] = {}
        self._pids: dict[int, int] = {}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def run(self, call: Call, aside: Path) -> Outcome:
        """The same under Marx. Raises TookTooLong."""
        (aside / "stdin").write_bytes(call.stdin)
        streams = {name: str(aside / name) for name in ("stdin", "stdout", "stderr")}
        argv = ["run", "--python", call.wanted or call.python, *self._options, *call.words]
        number, ended = self._start({"argv": argv, "folder": str(call.folder), "environ": self._environ, **streams})
        try:
            code = ended.result(PATIENCE)
        except TimeoutError:
            self._kill(number)
            said = (aside / "stderr").read_bytes()[-800:] + (aside / "stdout").read_bytes()[-300:]
            raise TookTooLong(f"tasker did not end; it said {said!r}") from None
        return Outcome(exit_code(code), (aside / "stdout").read_bytes(), (aside / "stderr").read_bytes(), entries(call.folder))

    def close(self) -> None:
        """End it, and whatever it still runs."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
            self._process.wait()
        self._reading.join()
        self._process.stdout.close()

    def _start(self, job: Mapping[str, Any]) -> tuple[int, Future[int]]:
        with self._lock:
            number = len(self._ended)
            self._ended[number] = ended = Future()
            self._process.stdin.write(json.dumps({"id": number, **job}).encode() + b"\n")
            self._process.stdin.flush()
        return number, ended

    def _kill(self, number: int) -> None:
        os.killpg(self._pids[number], signal.SIGKILL)

    def _read(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            if "pid" in answer:
                self._pids[answer["id"]] = answer["pid"]
            else:
                self._ended[answer["id"]].set_result(answer["code"])
