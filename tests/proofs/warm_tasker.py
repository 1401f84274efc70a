"""
``python -m tests.proofs.warm_tasker``: ``tasker`` as often as asked, without its 0.3 s of imports: everything is loaded once, then forked.

Each job is a JSON line on standard input: id, argv, folder, environ, stdin, stdout, stderr (paths). Answers are JSON lines: {"id", "pid"} when it
has begun, {"id", "code"} when it has ended. What runs in the child is the real command in a process group of its own; the reactor is made
there. With ``--one-item`` each run asks for chunks of one item, with ``--every`` that everything be sent that the source proves to be
separable, worth it or not: the command has no words for these.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import selectors
import signal
import sys
from typing import Any, BinaryIO, NoReturn

import marx.tasker


def preload() -> None:
    """Everything that the command may need, but for what would make a reactor."""
    for module in pkgutil.iter_modules(marx.tasker.__path__, "marx.tasker."):
        if module.name != "marx.tasker.shell":  # a terminal's input makes a reactor, which cannot be shared by processes
            importlib.import_module(module.name)
    for name in ("twisted.internet.endpoints", "twisted.internet.ssl", "twisted.internet.epollreactor", "twisted.protocols.tls"):
        importlib.import_module(name)
    assert "twisted.internet.reactor" not in sys.modules


def ask_for(**terms: Any) -> None:
    """Let each run's specification hold these as well."""
    from marx.tasker import running

    terms_of = running.run_terms
    running.run_terms = lambda request: {**terms_of(request), **terms}


class Jobs:
    """Starts and reaps the children; ``answers``: where the JSON lines go."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._ids: dict[int, Any] = {}

    def start(self, job: dict[str, Any]) -> None:
        """Fork one."""
        pid = os.fork()
        if not pid:
            become_tasker(job)
        self._ids[pid] = job["id"]
        self._answer({"id": job["id"], "pid": pid})

    def reap(self) -> None:
        """Tell of those that have ended."""
        while self._ids:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            self._answer({"id": self._ids.pop(pid), "code": os.waitstatus_to_exitcode(status)})

    def kill_all(self) -> None:
        """Whoever started us is gone."""
        for pid in self._ids:
            os.killpg(pid, signal.SIGKILL)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer).encode() + b"\n")
        self._answers.flush()


def become_tasker(job: dict[str, Any]) -> NoReturn:
    """In the child: what a shell does before it starts a command, and the command."""
    code = 70
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environ"])
        writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        for descriptor, (path, mode) in enumerate(((job["stdin"], os.O_RDONLY), (job["stdout"], writing), (job["stderr"], writing))):
            os.dup2(os.open(path, mode, 0o600), descriptor)
        sys.argv = ["tasker", *job["argv"]]
        from marx.tasker.cli import entry

        code = entry() or 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    preload()
    if "--one-item" in sys.argv[1:]:
        ask_for(chunk_items=1)
    if "--every" in sys.argv[1:]:
        ask_for(divide="every")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    jobs = Jobs(os.fdopen(os.dup(1), "wb"))
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(woken, selectors.EVENT_READ)
    serve(jobs, waiting, woken)
    jobs.kill_all()


def serve(jobs: Jobs, waiting: selectors.BaseSelector, woken: int) -> None:
    """Read jobs and reap children by turns."""
    received = b""
    while True:
        for key, _ in waiting.select():
            read = os.read(key.fd, 65536)
            if key.fd == woken:
                jobs.reap()
                continue
            if not read:
                return
            *lines, received = (received + read).split(b"\n")
            for line in lines:
                jobs.start(json.loads(line))


if __name__ == "__main__":
    main()
