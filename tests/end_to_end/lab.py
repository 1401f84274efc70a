"""
A lab of real processes on the loopback interface, in folders of its own, gone when the test is over.

Everything is started as a newcomer would type it. Waiting is polling with a deadline; a process that ended early says so with its log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Sequence

from tests.delegated import remove_what_is_left
from tests.pythons import found_pythons

#: Seconds that anything may take to come up or to end; far more than it needs on a busy machine.
DEADLINE = 100.0
CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def wait_until(true: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Poll until ``true()`` is, and give it back; fails the test with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found


@dataclass
class Daemon:
    """A running twistd. ``user``: a uid it runs as, or None for the test's own."""

    argv: list[str]
    folder: Path
    log: Path
    environ: dict[str, str]
    user: int | None = None
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it; again where it has ended, just as before, and nobody waits for it to be up."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                as_user(self.argv, self.user), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environ
            )

    def wait_for(self, path: Path) -> Path:
        """Until ``path`` is there and not empty."""
        wait_until(lambda: self.running() and path.exists() and path.stat().st_size, f"{path}; its log:\n{self.said()}")
        return path

    def wait_to_say(self, text: str) -> None:
        """Until ``text`` stands in the log."""
        wait_until(lambda: text in self.said() or not self.running(), f"{text!r} in its log:\n{self.said()}")
        assert text in self.said(), f"it ended without saying {text!r}:\n{self.said()}"

    def running(self) -> bool:
        """Whether it has not ended; an early end fails the test."""
        assert self.process.poll() is None, f"{self.argv} ended with {self.process.returncode}:\n{self.said()}"
        return True

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.argv} did not end:\n{self.said()}") from None


def as_user(argv: Sequence[str], user: int | None) -> list[str]:
    """The command that runs ``argv`` as another user; only root can."""
    if user is None:
        return list(argv)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *argv]


@dataclass(frozen=True)
class Installation:
    """Where Marx is run from: the checkout, or an environment (``root``) that it was installed in."""

    root: Path | None = None

    def twistd(self, *arguments: str) -> list[str]:
        """A daemon's command."""
        return [str((self.root / "bin" if self.root else BIN) / "twistd"), "-n", "--pidfile=", *arguments]

    def script(self, name: str) -> list[str]:
        """A console command, ``tasker`` or ``marx-admin``; in the checkout what it would run, without having been installed."""
        module = {"tasker": "marx.tasker.cli", "marx-admin": "marx.server.admin_cli"}[name]
        checked_out = [sys.executable, "-c", f"import sys; from {module} import entry; sys.exit(entry())"]
        return [str(self.root / "bin" / name)] if self.root else checked_out

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """A plain environment whose home is ``home``."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "MARX_TEST_PYTHONS")}
        found = {} if self.root else {"PYTHONPATH": str(CHECKOUT)}
        return {**kept, **found, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **more}


class Lab:
    """
    One server, its workers and its people, below ``folder``. ``user``: the uid of the server and of its operator.

    ``address``: where everybody else finds the server.
    """

    address = "127.0.0.1"

    def __init__(self, folder: Path, installation: Installation = Installation(), user: int | None = None) -> None:
        self.folder = folder
        self.installation = installation
        self.user = user
        self.daemons: list[Daemon] = []
        self.server: Daemon
        self.state = folder / "server"

    def start_server(self, *options: str) -> Daemon:
        """``twistd -n marx-server``, on the port that it had before."""
        port = (self.state / "port").read_text().strip() if (self.state / "port").exists() else "0"
        (self.state / "port").unlink(missing_ok=True)
        where = ("--port", port, "--interface", "127.0.0.1", "--address", self.address)
        argv = self.installation.twistd("marx-server", "--state", str(self.state), *where, *options)
        self.server = self._daemon(argv, "server", self.user)
        self.server.wait_for(self.state / "port")
        argv[argv.index("--port") + 1] = (self.state / "port").read_text().strip()
        return self.server

    def start_worker(self, name: str, *options: str, user: int | None = None, folder: Path | None = None) -> Daemon:
        """``twistd -n marx-worker`` in a folder of its own; joins at its first start."""
        home = folder or self.home_of(name, user)
        state = home / "state"
        argv = self.installation.twistd("marx-worker", "--state", str(state), "--slots", "1")
        if not state.exists():
            code = home / "join.code"
            code.write_text((self.state / "join-worker.code").read_text())
            os.chown(code, user if user is not None else -1, -1)
            argv += ["--join", str(code)]
        for python in found_pythons(os.environ) if user is None else ():
            argv += ["--python", python.path]
        return self._daemon([*argv, *options], name, user, home)

    def wait_for_workers(self) -> None:
        """Until the server has taken the offer of each that was started. They log it; to ask the server takes half a second of a processor."""
        for daemon in self.daemons:
            if "marx-worker" in daemon.argv:
                daemon.wait_to_say("connected as ")

    def home_of(self, name: str, user: int | None = None) -> Path:
        """A folder for a worker or a person."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        if user is not None:
            os.chown(home, user, user)
        return home

    def admin(self, *arguments: str) -> str:
        """``marx-admin`` on the server; what it printed."""
        return self.admin_of(self.state, *arguments)

    def admin_of(self, state: Path, *arguments: str) -> str:
        """``marx-admin`` on the daemon with that state folder; what it printed."""
        argv = as_user([*self.installation.script("marx-admin"), "--state", str(state), *arguments], self.user)
        environ = self.installation.environment(self.folder)
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=DEADLINE, env=environ).stdout

    def person(self, name: str = "ada", user: int | None = None) -> Person:
        """Somebody who has logged in."""
        home = self.home_of(name, user)
        code = home / "login.code"
        code.write_text(self.admin("join-code", "tasker", name))
        code.chmod(0o644)
        person = Person(home, self.installation, user)
        person.tasker("login", str(code))
        return person

    def stop(self) -> None:
        """End everything that was started."""
        for daemon in reversed(self.daemons):
            if daemon.process.poll() is None:
                daemon.kill()
        for record in self.folder.glob("*/state/cgroups"):
            remove_what_is_left(record)

    def _daemon(self, argv: list[str], name: str, user: int | None = None, folder: Path | None = None) -> Daemon:
        home = folder or self.folder
        daemon = Daemon(argv, home, self.folder / f"{name}.log", self.installation.environment(home), user)
        self.daemons.append(daemon)
        return daemon


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: bytes
    err: str

    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Person:
    """Somebody's terminal: a home, a login, a folder to work in. ``user``: their uid, None for the test's own."""

    def __init__(self, home: Path, installation: Installation = Installation(), user: int | None = None) -> None:
        self.home = home
        self.installation = installation
        self.user = user
        self.work = home / "work"
        self.work.mkdir(exist_ok=True)
        if user is not None:
            os.chown(self.work, user, user)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start ``tasker`` and let it run."""
        argv = as_user([*self.installation.script("tasker"), *arguments], self.user)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(argv, cwd=self.work, env=self.installation.environment(self.home, MARX_HOME=str(self.home / "marx")), **pipes)

    def tasker(self, *arguments: str, expect: int | None = 0, seconds: float = DEADLINE, **more: Any) -> Said:
        """Run ``tasker``; fails the test unless it exits with ``expect`` (None: whatever)."""
        process = self.start(*arguments, **more)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"tasker {arguments} did not end in {seconds} s:\n{err.decode()}\n{out[:2000]!r}") from None
        said = Said(process.returncode, out, (err or b"").decode(errors="replace"))
        assert expect is None or said.code == expect, f"tasker {arguments} exited with {said.code}:\n{said.err}\n{said.out[:2000]!r}"
        return said

    def write(self, name: str, text: str) -> Path:
        """A file in the folder to work in."""
        path = self.work / name
        path.write_text(text)
        return path
