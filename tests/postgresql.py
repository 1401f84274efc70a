"""A PostgreSQL of the tests' own: made in a folder, reached by a Unix socket in it, gone afterwards. Debian's own cluster is not touched."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.end_to_end.lab import wait_until
from tests.ordinary import NOBODY

#: Nothing here outlives a crash of the machine, so nothing waits for the disk.
HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=50", "timezone=UTC")

PROGRAMS = ("initdb", "postgres", "psql")


def programs() -> Path | None:
    """The folder of the newest version that has all of them. Debian has them beside the PATH. None where there is none."""
    debians = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]), reverse=True)
    on_path = map(Path, os.environ.get("PATH", "").split(os.pathsep))
    return next((folder for folder in (*debians, *on_path) if all((folder / name).exists() for name in PROGRAMS)), None)


def why_not() -> str | None:
    """Why there cannot be one here; None: there can."""
    if programs() is None:
        return "PostgreSQL is not installed (on Debian: apt-get install postgresql)"
    return None if find_spec("psycopg") else "psycopg is not installed (make env)"


class Cluster:
    """A running server, in which everybody gets a schema of their own: a database each would be a thousand files to make and to remove."""

    def __init__(self, folder: Path) -> None:
        bin = programs()
        assert bin is not None, why_not()
        self._bin = bin
        self._folder = folder
        # It refuses to run as root.
        self._who: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self._process: subprocess.Popen[bytes]
        self._numbers = itertools.count()

    def new_database(self) -> str:
        """The URL of what looks like an empty database."""
        name = f"marx{next(self._numbers)}"
        self.say(f"CREATE SCHEMA {name}")
        return f"postgresql+psycopg://marx@/postgres?host={self._folder}&options=-csearch_path%3D{name}"

    def say(self, statement: str) -> str:
        """What psql prints for a statement on a connection of its own."""
        return self._run("psql", "--no-psqlrc", "-q", "-t", "-A", "-h", self._folder, "-U", "marx", "-c", statement, "postgres")

    def start(self) -> None:
        """Make its files and start it, as our own child."""
        data = self._folder / "data"
        self._run("initdb", "--pgdata", data, "--no-sync", "--auth=trust", "--username=marx", "--encoding=UTF8", "--locale=C.UTF-8")
        settings = (*HASTY, f"unix_socket_directories={self._folder}")
        command = [str(self._bin / "postgres"), "-D", str(data), *(word for setting in settings for word in ("-c", setting))]
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._who)
        ready = "database system is ready to accept connections"
        wait_until(lambda: self._process.poll() is not None or ready in self._log(), "PostgreSQL to start")
        assert self._process.poll() is None, self._log()

    def stop(self) -> None:
        """End it, whoever is still connected."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)

    def _log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def _run(self, program: str, *arguments: object) -> str:
        command = [str(self._bin / program), *map(str, arguments)]
        done = subprocess.run(command, cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **self._who)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
        return done.stdout


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """One that is gone afterwards."""
    # Not below pytest's folder, which is closed to others and too long for the name of a socket.
    folder = Path(tempfile.mkdtemp(prefix="marx-postgresql-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        cluster = Cluster(folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
