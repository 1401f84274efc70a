"""A lab in which everybody is somebody else: server, two workers and a person, each an ordinary user of their own, Marx installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from tests.end_to_end.lab import DEADLINE, Installation, Lab, Person
from tests.ordinary import open_folder, open_python
from tests.source import CHECKOUT

#: Uids that no distribution gives to anybody, as the worker's own for its slots.
SERVER, WORKERS, ADA, BOB = 61001, (61002, 61003), 61004, 61005
NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "dropin.cache")

pytestmark = [pytest.mark.slow, pytest.mark.needs_root, pytest.mark.needs_bwrap]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    python = open_python()
    if python is None:
        pytest.skip("no Python 3.11 or newer with venv that an ordinary user could run (on Debian: apt-get install python3-venv)")
    with open_folder() as folder:
        installed = install(Path(python), folder)
        (folder / "lab").mkdir()
        (folder / "lab").chmod(0o777)
        lab = Lab(folder / "lab", installed, SERVER)
        try:
            lab.start_server()
            for number, user in enumerate(WORKERS):
                lab.start_worker(f"worker-{number}", user=user)
            lab.wait_for_workers()
            yield lab
        finally:
            lab.stop()


def install(python: Path, folder: Path) -> Installation:
    """Marx in an environment that everybody can use."""
    shutil.copytree(CHECKOUT, folder / "source", ignore=NOT_SOURCE)
    uv = Path(sys.executable).with_name("uv")
    for command in ([uv, "venv", "--quiet", "--python", python, folder / "environment"],):
        subprocess.run(list(map(str, command)), check=True, umask=0o022)
    target = [uv, "pip", "install", "--quiet", "--python", folder / "environment/bin/python", folder / "source"]
    subprocess.run(list(map(str, target)), check=True, umask=0o022)
    return Installation(folder / "environment")


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Person:
    person = lab.person("ada", ADA)
    person.write("who.py", "import os\ndef who(x):\n    open('made-%d' % x, 'w').write('x')\n    return [x, os.getuid()]\n")
    return person


def test_an_ordinary_lab_runs_a_map_in_its_sandboxes(ada: Person) -> None:
    said = ada.tasker("map", "--range", "0:20", "who.py:who")
    assert [line["value"][0] for line in said.lines()] == list(range(20))
    assert not {line["value"][1] for line in said.lines()} & {0, SERVER, ADA}
    assert (ada.work / "made-7").stat().st_uid == ADA
    assert {worker["sandbox"] for worker in json.loads(ada.tasker("workers", "--json").out)} == {"bwrap"}


def test_nobody_else_sees_it_and_nobody_reads_the_servers_state(lab: Lab, ada: Person) -> None:
    task = json.loads(ada.tasker("list", "--json").out)[0]["id"]
    bob = lab.person("bob", BOB)
    assert bob.tasker("show", task, expect=66)
    for path in ("authority.pem", "marx.sqlite", "admin.sock", "join-worker.code"):
        peeked = subprocess.run(["setpriv", f"--reuid={BOB}", "--clear-groups", "--regid", str(BOB), "cat", str(lab.state / path)], capture_output=True)
        assert peeked.returncode != 0, path


PROGRAM = """\
import sys
from multiprocessing import Pool
from pathlib import Path

BASE = 0

def write(number):
    Path("item-%d" % number).write_text(Path("before").read_text())
    return BASE + number

if __name__ == "__main__":
    BASE = int(sys.stdin.readline())
    Path("before").write_text("x")
    with Pool() as pool:
        print(pool.map(write, range(6)))
    print(len(list(Path(".").glob("item-*"))))
    sys.exit(4)
"""


@pytest.mark.parametrize("options", [[], ["--local=2"]])
def test_an_ordinary_persons_program_runs_on_an_ordinary_lab_and_alone(ada: Person, options: list[str]) -> None:
    for path in ada.work.glob("item-*"):
        path.unlink()
    ada.write("program.py", PROGRAM)
    process = ada.start("run", *options, "program.py", stdin=subprocess.PIPE)
    out, err = process.communicate(b"100\n", timeout=DEADLINE)
    assert (process.returncode, out) == (4, b"[100, 101, 102, 103, 104, 105]\n6\n"), err
    assert {path.stat().st_uid for path in ada.work.glob("item-*")} == {ADA}
