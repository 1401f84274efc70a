"""A task is there for its owner on every machine, as often as wanted: while it runs, several at once, after its end, and through the death of the server."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.lab import DEADLINE, Lab, Person, wait_until

PROGRAM = """\
import sys
import time
from multiprocessing import Pool

def step(number):
    time.sleep(0.1)
    with open("step-%02d.txt" % number, "w") as file:
        file.write(str(number))
    return number * number

if __name__ == "__main__":
    print("begin")
    sys.stdin.readline()
    for turn in range(6):
        with Pool(2) as pool:
            got = pool.map(step, range(turn * 8, turn * 8 + 8))
        print(turn, sum(got))
        sys.stderr.write("turn %d is over\\n" % turn)
    sys.exit(3)
"""
OUT = b"begin\n" + b"".join(b"%d %d\n" % (turn, sum(number * number for number in range(turn * 8, turn * 8 + 8))) for turn in range(6))
ERR = b"".join(b"turn %d is over\n" % turn for turn in range(6))


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Person:
    person = lab.person("ada")
    person.write("steps.py", PROGRAM)
    return person


@pytest.fixture(scope="module")
def elsewhere(lab: Lab, ada: Person) -> Person:
    """The same user on another machine: another login, another folder."""
    home = lab.home_of("ada-elsewhere")
    code = home / "login.code"
    code.write_text(lab.admin("join-code", "tasker", "ada"))
    person = Person(home)
    person.tasker("login", str(code))
    return person


def made_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("step-*")}


def has_all(folder: Path) -> bool:
    return made_in(folder) == {f"step-{number:02d}.txt": str(number) for number in range(48)}


@pytest.mark.slow
def test_several_may_attach_in_the_middle_and_each_is_shown_all_of_it(ada: Person, elsewhere: Person) -> None:
    task = ada.tasker("run", "--detach", "steps.py").out.decode().strip()
    first = ada.start("attach", task)
    assert first.stdout is not None and first.stdout.readline() == b"begin\n"
    others = [elsewhere.start("attach", "--artifacts", f"from-{number}", task) for number in range(2)]
    shown = [(*process.communicate(timeout=DEADLINE), process.returncode) for process in (first, *others)]
    assert shown == [(OUT.removeprefix(b"begin\n"), ERR, 3), (OUT, ERR, 3), (OUT, ERR, 3)]
    assert has_all(ada.work), "the task was started here"
    assert all(has_all(elsewhere.work / f"from-{number}") for number in range(2))
    for _ in range(2):
        again = elsewhere.tasker("attach", task, expect=3)
        assert (again.out, again.err.encode()) == (OUT, ERR)
    assert made_in(elsewhere.work) == {}, "files go only where they are wanted"


@pytest.mark.slow
def test_one_that_stops_watching_and_one_that_is_killed_leave_the_task_and_the_others_alone(ada: Person, elsewhere: Person) -> None:
    process = ada.start("run", "--name", "left", "steps.py", stdin=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"begin\n"
    [task] = [words.split()[0] for words in ada.tasker("list").out.decode().splitlines() if " left " in words]
    watching, stopping = elsewhere.start("attach", "-q", task), elsewhere.start("attach", "-q", task)
    assert stopping.stdout is not None and stopping.stdout.readline() == b"begin\n"
    stopping.send_signal(signal.SIGINT)
    assert stopping.communicate(timeout=DEADLINE) and stopping.returncode == 130
    assert process.stdin is not None and watching.stdout is not None
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    seen = watching.stdout.readline() + watching.stdout.readline()
    process.kill()
    process.communicate()
    out, err = watching.communicate(timeout=DEADLINE)
    assert (seen + out, err, watching.returncode) == (OUT, ERR, 3)


@pytest.mark.slow
def test_a_server_that_dies_is_not_noticed_by_those_who_watch(own_lab: Lab) -> None:
    ada = own_lab.person("ada")
    ada.write("steps.py", PROGRAM)
    watching = ada.start("run", "-q", "--name", "through", "steps.py", stderr=subprocess.PIPE)
    assert watching.stdout is not None and watching.stdout.readline() == b"begin\n"
    for _ in range(2):
        own_lab.server.kill()
        own_lab.server.start()
        wait_until(lambda: watching.stdout.readline(), "the next line")
    out, err = watching.communicate(timeout=2 * DEADLINE)
    assert OUT.endswith(out) and (err, watching.returncode) == (ERR, 3)
    assert has_all(ada.work)
