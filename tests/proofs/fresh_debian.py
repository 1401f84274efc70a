"""
``python -m tests.proofs.fresh_debian``: a worker on a freshly installed Debian, without bubblewrap and with it; the record of what was typed.

Takes root, debootstrap and a mirror of Debian's packages, and about five minutes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench.circumstances import circumstances, sentence
from bench.table import table
from tests.proofs.machine import Machine, Said, switched_on
from tests.source import CHECKOUT

USER = "ada"
BIN = "/opt/marx/bin/"
WORKER = f"{BIN}twistd -n --pidfile= marx-worker --state marx-worker --slots 2 --join marx-server/join-worker.code"
SERVER = f"{BIN}twistd -n --pidfile= marx-server --state marx-server --interface 127.0.0.1 --port 0 --address 127.0.0.1"
#: What the sandbox must not show: the worker's state, and whose it is.
PROGRAM = "import os\ndef look(name): return [name, os.path.exists('/home/ada/marx-worker'), os.uname()[1]]\n"
EXPECTED = [["x", False, "marx"], ["y", False, "marx"]]
#: What a daemon's log says before what there is to say.
LOGGED = re.compile(r"^\S+ \[\S+\] ")
MENDS = re.compile(r"Install it as root: (.+)")

_HEAD = """A worker on a fresh Debian
==========================

``python -m tests.proofs.fresh_debian`` makes a minimal Debian by debootstrap, with processes and mounts of its own, and types what ``docs/install.rst``
says, as root and as an ordinary user. Without bubblewrap the worker must refuse to start with the command that mends it; that command is typed as it was
said; then the worker must start sandboxed, and run a map that demands the sandbox and finds nothing of the worker in there.
"""


class NotAsPromised(Exception):
    """The text says what was typed and what came of it."""


@dataclass(frozen=True)
class Step:
    """What somebody typed, how it ended (None: it goes on), and its last line that says something."""

    who: str
    typed: str
    seconds: float
    code: int | None
    said: str


class Session:
    """Types on a machine, and keeps what came of it."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.steps: list[Step] = []
        self._machine = machine
        self._folder = folder

    def types(self, who: str, typed: str, code: int = 0, saying: str = "") -> Said:
        """Type a command that must end so, and say this."""
        said = self._machine.run(shlex.split(typed), who)
        self._keep(who, typed, said.seconds, said.code, said.text, saying)
        if said.code != code or saying not in said.text:
            raise NotAsPromised(f"{typed}: exit code {said.code}\n{said.text[-3000:]}")
        return said

    def starts(self, who: str, typed: str, is_up: Callable[[str], bool]) -> None:
        """Type a command that goes on, until it ``is_up`` by what it has said."""
        log, began_at = self._folder / f"{len(self.steps)}.log", time.monotonic()
        process = self._machine.begin(shlex.split(typed), who, log)
        wait_until_up(process, lambda: is_up(log.read_text(errors="replace")), log)
        self._keep(who, typed, time.monotonic() - began_at, None, log.read_text(errors="replace"), "sandbox")

    def _keep(self, who: str, typed: str, seconds: float, code: int | None, text: str, saying: str) -> None:
        lines = [line for line in text.splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if saying and saying in line), lines[-1] if lines else "")
        said = LOGGED.sub("", said.strip())
        self.steps.append(Step(who, typed, round(seconds, 1), code, said))
        click.echo(f"{who}: {typed}\n    {said}")


def wait_until_up(process: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path) -> None:
    """Until a daemon is there; raises :class:`NotAsPromised` where it ends instead."""
    deadline = time.monotonic() + 60
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotAsPromised(f"it did not come up:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)


def type_everything(machine: Machine, folder: Path) -> list[Step]:
    """From nothing to a sandboxed map. Raises :class:`NotAsPromised`."""
    [wheel] = folder.glob("*.whl")
    shutil.copy(wheel, machine.root / "root")
    session, home = Session(machine, folder), machine.root / "home" / USER
    session.types("root", "apt-get install --yes --no-install-recommends python3-venv")
    session.types("root", "python3 -m venv /opt/marx")
    session.types("root", f"{BIN}pip install --quiet {wheel.name}")
    session.types("root", f"useradd --create-home {USER}")
    session.starts(USER, SERVER, lambda said: (home / "marx-server" / "join-tasker.code").exists())
    refused = session.types(USER, WORKER, code=78, saying="Install it as root: ")
    mends = MENDS.search(refused.text)
    assert mends is not None
    session.types("root", f"{mends[1]} --yes")
    session.starts(USER, WORKER, lambda said: "worker" in said and "slots, Python" in said)
    session.types(USER, f"{BIN}tasker login marx-server/join-tasker.code")
    session.types(USER, f"{BIN}tasker workers", saying="bwrap")
    (home / "look.py").write_text(PROGRAM)
    mapped = session.types(USER, f"{BIN}tasker map --sandbox bwrap look.py:look x y")
    values = [json.loads(line)["value"] for line in mapped.text.splitlines() if line.startswith("{")]
    if values != EXPECTED:
        raise NotAsPromised(f"the map gave {values}")
    return session.steps


def write_record(folder: Path, release: str, made_seconds: float, steps: list[Step]) -> None:
    """``fresh-debian.json`` and ``fresh-debian.rst`` in ``folder``."""
    around = circumstances()
    record = {"circumstances": around, "debian": release, "made_seconds": round(made_seconds), "steps": [asdict(step) for step in steps]}
    (folder / "fresh-debian.json").write_text(json.dumps(record, indent=1) + "\n")
    told = f"Recorded with {sentence(around)}. The machine was {release}, made in {made_seconds:.0f} s. Everything came as promised."
    ends = {None: "goes on"}
    rows = [(step.who, step.typed, f"{step.seconds:.1f} s", ends.get(step.code, str(step.code)), step.said) for step in steps]
    (folder / "fresh-debian.rst").write_text("\n".join([_HEAD, told, "", table(("who", "typed", "took", "exit code", "said"), rows), ""]))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--suite", default="stable", show_default=True, help="Which Debian.")
@click.option("--record", type=click.Path(path_type=Path), help="The folder of the record; none is written without.")
def fresh_debian(suite: str, record: Path | None) -> None:
    """Try a worker on a fresh Debian."""
    if os.geteuid() or shutil.which("debootstrap") is None:
        raise click.ClickException("this takes root and debootstrap (apt-get install debootstrap)")
    with tempfile.TemporaryDirectory(prefix="marx-debian-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, CHECKOUT], check=True, stdout=subprocess.DEVNULL)
        try:
            with switched_on(folder, suite) as (machine, made_seconds):
                release = f"Debian {(machine.root / 'etc' / 'debian_version').read_text().strip()}"
                steps = type_everything(machine, folder)
        except NotAsPromised as error:
            raise click.ClickException(str(error)) from error
    if record is not None:
        write_record(record, release, made_seconds, steps)


if __name__ == "__main__":
    fresh_debian()
