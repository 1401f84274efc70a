"""Items of spawned processes and of a fork server's see what such a process inherits, and what importing the program makes: no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab

PROGRAM = """
import decimal, multiprocessing, os, signal, sys, warnings
from multiprocessing import Process, get_context

def seen(_):
    mask = os.umask(0)
    os.umask(mask)
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    other = signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    inherited = os.environ.get("SET"), os.environ.get("GONE"), oct(mask), ignored
    told = sys.argv[1:], sys.path[0] == "first", os.path.basename(os.getcwd())
    return inherited, told, sys.getrecursionlimit(), decimal.getcontext().prec, other, len(warnings.filters)

def nothing(*_):
    pass

def show(method):
    with get_context(method).Pool(1) as pool:
        print(method, pool.map(seen, [1]))

def change(to):
    os.environ["SET"] = to
    os.environ.pop("GONE", None)
    os.umask(int(to, 8))
    signal.signal(signal.SIGINT, signal.SIG_IGN if to == "27" else signal.default_int_handler)
    sys.argv[1:] = [to]
    os.makedirs(to)
    os.chdir(to)

%s
if __name__ == "__main__":
    sys.setrecursionlimit(4000)
    decimal.getcontext().prec = 5
    warnings.simplefilter("error")
    signal.signal(signal.SIGUSR1, nothing)
    sys.path.insert(0, "first")
    %s
    change("27")
    show("spawn")
    show("forkserver")
    change("77")
    show("spawn")
    show("forkserver")
"""

STARTS_A_SERVER = """
    process = get_context("forkserver").Process(target=nothing)
    process.start()
    process.join()
"""


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter that can spawn."""
    if user_python.version < (3,):
        pytest.skip("Python 2 forks")
    return Lab(user_python, kit, tmp_path, environ={"GONE": "here"})


def same(lab: Lab, text: str) -> None:
    """It prints the same in a plain run and in one whose items go to the lab."""
    (lab.folder / "plain").mkdir()
    plain = Lab(lab.python, lab.kit, lab.folder / "plain", environ=lab.environ).run_plainly(text)
    assert plain.code == 0, plain.err
    run = lab.run(text)
    assert (run.out, run.err, run.code) == (plain.out, "", 0)
    assert {portion.place for portion in run.portions} == {"lab"}


def test_items_see_what_such_a_process_inherits(lab: Lab) -> None:
    same(lab, PROGRAM % ("", "pass"))


def test_items_see_what_a_fork_server_had_that_was_there_before(lab: Lab) -> None:
    same(lab, PROGRAM % ("", STARTS_A_SERVER))


def test_items_see_the_recursion_limit_that_importing_the_program_sets(lab: Lab) -> None:
    same(lab, PROGRAM % ("sys.setrecursionlimit(2000); os.environ['SET'] = 'imported'", "pass"))
