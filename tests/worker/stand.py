"""A place to try sandboxes from, as root and as an ordinary user, with a folder that this user may use.

pytest itself has one user only; so what is tried runs in a process of its own, `drive.py`. Where pytest is root, an
ordinary user usually cannot reach root's Python and the checkout: then that process gets a mount namespace of its own,
in which the closed folders are covered by open ones with just what is needed bound into them, at the same paths.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from marx.worker.paths import is_within, parents
from tests.source import CHECKOUT

ORDINARY_UID = 65534
SITE = Path(psutil.__file__).parent.parent
CWD = "/home/alice/project"
TIMEOUT = 60
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": "%s:%s" % (CHECKOUT, SITE), "PYTHONDONTWRITEBYTECODE": "1"}
"""What a driver needs to import Marx and to find bwrap."""


RECIPES = [
    pytest.param("root", marks=[pytest.mark.needs_root, pytest.mark.needs_bwrap]),
    pytest.param("user", marks=pytest.mark.needs_bwrap),
]
"""For `Stand.of`: both recipes, wherever they can be tried."""


@dataclass(frozen=True)
class Answer:
    """What came of one run; `refused` if it did not come so far."""

    stdout: str = ""
    stderr: str = ""
    kind: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Stand:
    """`uid` is None for pytest's own user; `folder` is open to that user and gone afterwards."""

    uid: int | None
    folder: Path

    @classmethod
    @contextmanager
    def of(cls, who: str) -> Iterator[Self]:
        """`who`: "root" for pytest as it is, "user" for an ordinary user."""
        uid = ORDINARY_UID if who == "user" and os.geteuid() == 0 else None
        folder = Path(tempfile.mkdtemp(prefix="marx-stand-"))
        try:
            folder.chmod(0o755)
            yield cls(uid, folder)
        finally:
            shutil.rmtree(folder)

    def make(self, name: str) -> Path:
        """A folder of that user's."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)
        return path

    def run(
        self,
        python: str,
        source: str,
        *,
        level: str = "bwrap",
        env: Mapping[str, str] = {},
        binds: Iterable[tuple[Path, str]] = (),
        cwd: str = CWD,
        slot: int = 0,
        folders: Sequence[str] = (),
        network: bool = False,
    ) -> Answer:
        """Run `source` in a sandbox; without `binds` its only folder is a fresh one at CWD. `folders`: more of the Python's."""
        rest = {"env": dict(env), "binds": binds, "cwd": cwd, "slot": slot, "folders": folders, "network": network}
        order = self.order(python, ["-c", source], level, **rest)
        command = self.command("drive.py", order)
        answer = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT)
        assert answer.returncode == 0, answer.stderr
        return Answer(**json.loads(answer.stdout))

    def order(self, python: str, command: Sequence[str], level: str, **rest: Any) -> dict[str, Any]:
        """What drive.py or drive_ending.py is told: folders are made, paths are text."""
        binds = list(rest.pop("binds", ())) or [(self.make("scratch"), CWD)]
        writable = [(str(host), place) for host, place in binds]
        state = str(self.make("state"))
        order = {"level": level, "state": state, "python": python, "command": list(command), "writable": writable}
        return {**order, "env": {}, "cwd": CWD, "slot": 0, "folders": [], "network": False, **rest}

    def command(self, script: str, order: dict[str, Any]) -> list[str]:
        """The command that runs `script` of this folder as this user, with what it needs within reach."""
        return self.reaching([sys.executable, str(Path(__file__).with_name(script)), json.dumps(order)], [order["python"]])

    def reaching(self, command: Sequence[str], pythons: Iterable[str]) -> list[str]:
        """`command`, run by our own Python, as this user runs it: with that and other `pythons` within reach."""
        if self.uid is None:
            return list(command)
        prefixes = {str(Path(os.path.realpath(python)).parent.parent) for python in pythons}
        needed = {sys.prefix, sys.base_prefix, str(CHECKOUT), str(SITE), *prefixes}
        opening = "\n".join([*self._opening(sorted(needed)), 'exec "$@"'])
        become = ["setpriv", "--reuid=%d" % self.uid, "--regid=%d" % self.uid, "--clear-groups"]
        return ["unshare", "--mount", "sh", "-e", "-c", opening, "sh", *become, *command]

    def _opening(self, needed: Sequence[str]) -> Iterator[str]:
        closed = {folder for path in needed for folder in _closed_above(path)}
        behind = [path for path in needed if is_within(path, *closed)] if closed else []
        staged = {path: self.folder / ("behind-%d" % number) for number, path in enumerate(behind)}
        for path, stage in staged.items():
            yield "mkdir -p %s; mount --bind %s %s" % (stage, shlex.quote(path), stage)
        for folder in closed:
            yield "mount -t tmpfs -o mode=755 none %s" % shlex.quote(folder)
        for path, stage in staged.items():
            yield "mkdir -p {0}; mount --bind {1} {0}".format(shlex.quote(path), stage)


def _closed_above(path: str) -> list[str]:
    """The outermost folder above `path` that not everybody may enter."""
    closed = [folder for folder in [*parents(path), path] if not os.stat(folder).st_mode & 0o001]
    return closed[:1]
