"""Whole programs on a server and two workers: what `python` does, and what becomes of it when people or machines interfere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import sandbox_options
from tests.end_to_end.lab import DEADLINE, Daemon, Lab, Person, wait_until
from tests.pythons import UserPython
from tests.science import science_python
from tests.source import CHECKOUT

#: Example, program, and the versions of Python that it is for.
RUNS = {
    "collatz": ("collatz.py", (2, 3)),
    "queens": ("queens.py", (3,)),
    "anagrams": ("anagrams.py", (2, 3)),
    "rainfall": ("rainfall.py", (3,)),
    "transits": ("transits.py", (2,)),
}
SCIENCE = {"digits": "digits.py", "ripples": "ripples.py"}

TALK = """\
import sys
name = input("Name? ")
print("hello", name, sys.argv[1:])
for line in sys.stdin:
    sys.stdout.write(line.upper())
print("that was all", file=sys.stderr)
open("made.txt", "w").write(name)
sys.exit(3)
"""

PATIENT = """\
import os, signal, sys, time
print("begun", flush=True)
try:
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(5)
"""

THREE_PORTIONS = """\
import os, time
from multiprocessing import Pool

def step(number):
    time.sleep(0.1)
    with open("step-%02d.txt" % number, "w") as file:
        file.write(str(number))
    return number * number

if __name__ == "__main__":
    print("begin")
    for turn in range(3):
        with Pool() as pool:
            got = pool.map(step, range(turn * 8, turn * 8 + 8))
        print(turn, sum(got), len([name for name in os.listdir(".") if name.startswith("step")]))
"""


AGES = """\
import os
from multiprocessing import Pool

def age(name):
    return os.stat(name).st_mtime_ns

if __name__ == "__main__":
    print(age("old.txt"), Pool(2).map(age, ["old.txt"]))
"""


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Person:
    return lab.person("ada")


@pytest.fixture(autouse=True)
def empty_desk(ada: Person) -> None:
    """A folder to work in of each test's own."""
    ada.work = ada.home / "work"
    shutil.rmtree(ada.work)
    ada.work.mkdir()


def copy_of(example: str, folder: Path) -> Path:
    return Path(shutil.copytree(CHECKOUT / "examples" / example, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def compare(example: str, program: str, python: UserPython, ada: Person, folder: Path, *options: str) -> None:
    """Run an example plainly and on the lab; output, files and exit code must be the same."""
    plain, spread = copy_of(example, folder / "plain"), copy_of(example, folder / "spread")
    ran = subprocess.run([python.path, "-B", program], cwd=plain, capture_output=True)
    ada.work = spread
    said = ada.tasker("run", "--python", python.path if options else python.name, *options, program, expect=None)
    assert (said.code, said.out, said.err) == (ran.returncode, ran.stdout, ran.stderr.decode())
    assert files(spread) == files(plain)


@pytest.mark.parametrize("example", [pytest.param(each, marks=pytest.mark.slow) if each == "transits" else each for each in RUNS])
def test_an_example_does_what_it_does_plainly(example: str, user_python: UserPython, ada: Person, tmp_path: Path) -> None:
    program, versions = RUNS[example]
    if user_python.version[0] not in versions:
        pytest.skip(f"{example} is not written for Python {user_python.name}")
    compare(example, program, user_python, ada, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("example", SCIENCE)
def test_an_example_with_libraries_does_what_it_does_plainly(example: str, ada: Person, tmp_path: Path) -> None:
    compare(example, SCIENCE[example], science_python(os.environ), ada, tmp_path, "--local=2")


def test_arguments_input_both_streams_files_and_the_exit_code_are_the_programs(ada: Person) -> None:
    ada.write("talk.py", TALK)
    process = ada.start("run", "talk.py", "--version", "-q", stdin=subprocess.PIPE)
    out, err = process.communicate(b"Ada\none\ntwo\n", timeout=DEADLINE)
    assert out == b"Name? hello Ada ['--version', '-q']\nONE\nTWO\n"
    assert err == b"that was all\n"
    assert process.returncode == 3
    assert (ada.work / "made.txt").read_text() == "Ada"


def test_a_traceback_is_the_one_that_python_prints(ada: Person) -> None:
    ada.write("wrong.py", "def f(x):\n    return 1 // x\n\nf(0)\n")
    said = ada.tasker("run", "wrong.py", expect=1)
    assert 'File "' in said.err and 'wrong.py", line 4, in <module>\n' in said.err
    assert said.err.endswith("ZeroDivisionError: integer division or modulo by zero\n")
    assert "marx" not in said.err.replace(str(ada.work), "")


def test_files_are_as_old_as_at_home_for_the_program_and_for_its_items(ada: Person) -> None:
    ada.write("old.txt", "old")
    os.utime(ada.work / "old.txt", ns=(10**18, 10**18 + 7))
    ada.write("ages.py", AGES)
    assert ada.tasker("run", "ages.py").out == b"%d [%d]\n" % (10**18 + 7, 10**18 + 7)


def test_a_module_runs_with_its_package(ada: Person) -> None:
    package = ada.work / "tools"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "shared.py").write_text("WORD = 'shared'\n")
    (package / "main.py").write_text("from .shared import WORD\nimport sys\nprint(WORD, __name__, __package__, sys.argv[1:])\n")
    assert ada.tasker("run", "-m", "tools.main", "a").out == b"shared __main__ tools ['a']\n"


def test_the_first_interrupt_goes_to_the_program_whose_exit_code_counts(ada: Person) -> None:
    ada.write("patient.py", PATIENT)
    process = ada.start("run", "patient.py")
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (5, b"interrupted\n")


def test_a_tasker_that_is_told_to_end_leaves_the_program_running_for_another_to_attach(ada: Person) -> None:
    ada.write("patient.py", PATIENT)
    process = ada.start("run", "--name", "left", "patient.py")
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + signal.SIGTERM
    task = next(task["id"] for task in tasks_of(ada) if task["name"] == "left")
    attached = ada.start("attach", task)
    assert attached.stdout is not None and attached.stdout.readline() == b"begun\n"
    ada.tasker("cancel", task)
    attached.communicate(timeout=DEADLINE)
    assert attached.returncode != 0


def test_detach_wait_logs_show_and_rerun(ada: Person) -> None:
    ada.write("three.py", THREE_PORTIONS)
    task = ada.tasker("run", "--detach", "three.py").out.decode().strip()
    ada.tasker("wait", task)
    plain = b"begin\n0 140 8\n1 1100 16\n2 3084 24\n"
    assert ada.tasker("logs", task).out == plain
    shown = json.loads(ada.tasker("show", "--json", task).out)
    assert [(portion["call"]["kind"], portion["place"], portion["done"]) for portion in shown["portions"]] == [("Pool.map", "lab", 8)] * 3
    assert not list(ada.work.glob("step-*"))
    assert ada.tasker("rerun", task).out == plain
    assert len(list(ada.work.glob("step-*"))) == 24


def test_a_held_program_waits_until_it_is_released(ada: Person) -> None:
    ada.write("short.py", "print('ran')\n")
    ada.write("patient.py", PATIENT)
    blockers = [ada.tasker("run", "--detach", "patient.py").out.decode().strip() for _ in range(4)]
    task = ada.tasker("run", "--detach", "short.py").out.decode().strip()
    ada.tasker("hold", task)
    for blocker in blockers:
        ada.tasker("cancel", blocker)
    assert ada.tasker("run", "short.py").out == b"ran\n"
    assert json.loads(ada.tasker("show", "--json", task).out)["state"] == "queued"
    ada.tasker("release", task)
    ada.tasker("wait", task)


def test_killing_the_worker_of_a_program_changes_nothing_that_a_person_sees(own_lab: Lab) -> None:
    ada = own_lab.person("ada")
    ada.write("three.py", THREE_PORTIONS)
    process = ada.start("run", "three.py")
    assert process.stdout is not None and process.stdout.readline() == b"begin\n"
    name, daemon = wait_until(lambda: worker_with_program(own_lab), "a worker that runs a program")
    daemon.kill()
    own_lab.start_worker(name, *sandbox_options())
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (0, b"0 140 8\n1 1100 16\n2 3084 24\n"), err
    assert sorted(path.name for path in ada.work.glob("step-*")) == [f"step-{number:02d}.txt" for number in range(24)]


def tasks_of(person: Person) -> list[dict[str, Any]]:
    said = json.loads(person.tasker("list", "--json").out)
    return said if isinstance(said, list) else said["tasks"]


def worker_with_program(lab: Lab) -> tuple[str, Daemon] | None:
    """The worker on one of whose seats something runs, with its daemon."""
    for daemon in lab.daemons:
        state = Path(daemon.argv[daemon.argv.index("--state") + 1])
        if daemon.process.poll() is None and any((state / "slots").glob("seat-*/*")):
            return state.parent.name, daemon
    return None
