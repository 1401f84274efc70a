"""Threads of ours in a program: it does not see those that the library would not have, and none prints at its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab
from tests.runner.spawning import PATIENCE_SECONDS
from tests.runner.test_standins_alike import demand

RAISES_AT_THE_END = """
import sys, time
from marx.runner.threads import Seen, Unseen

class Slow(object):
    def __del__(self, sleep=time.sleep):
        sleep(0.2)

def work(system=sys, sleep=time.sleep):
    while system.path is not None:
        sleep(0.001)
    raise EOFError()

slow = Slow()
%s
"""

RAISES = """
from marx.runner.threads import Seen, Unseen

def work():
    raise EOFError("so it is")

%s
"""

UNSEEN = "thread = Unseen(work)"
SEEN = "thread = Seen(work); thread.start()"

POOL = """
from __future__ import print_function
import multiprocessing, threading

LOCK = multiprocessing.Lock()

def away(x):
    return x

def at_home(x):
    LOCK
    return x

if __name__ == "__main__":
    for function in (away, at_home):
        pool = multiprocessing.Pool(2)
        print(pool.map(function, range(3)))
        pool.close()
        pool.join()
    print(sorted(thread.name for thread in threading.enumerate()))
"""

EXECUTOR = """
from __future__ import print_function
import multiprocessing, os, threading, time
from concurrent.futures import ProcessPoolExecutor

LOCK = multiprocessing.Lock()

def away(name):
    wait_for(name)
    return name

def at_home(name):
    LOCK
    wait_for(name)
    return name

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)

def told(future):
    name = threading.current_thread().name
    print(future.result(), name)

if __name__ == "__main__":
    for function in (away, at_home):
        executor = ProcessPoolExecutor(2)
        executor.submit(function, function.__name__).add_done_callback(told)
        open(function.__name__, "w").close()
        executor.shutdown()
        os.remove(function.__name__)
    # That one of the library is not always waited for.
    print(sorted(thread.name for thread in threading.enumerate() if thread.name != "QueueFeederThread"))
    threading.Thread(target=lambda: print(threading.current_thread().name)).start()
"""

SUBMITS_LAST = """
from __future__ import print_function
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

LOCK = multiprocessing.Lock()

def away(x):
    return x

def at_home(x):
    LOCK
    return x

def told(future):
    print(future.result())

if __name__ == "__main__":
    executor = ProcessPoolExecutor(2)
    for x in range(3):
        executor.submit(%s, x).add_done_callback(told)
"""


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter."""
    return Lab(user_python, kit, tmp_path)


def ran(python: UserPython, kit: Path, text: str) -> tuple[str, int]:
    """What a program that has our kit writes to its standard error, and its exit code."""
    environ = {"PYTHONPATH": str(kit), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([python.path, "-c", text], env=environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    return done.stderr, done.returncode


@pytest.mark.parametrize("starts", [UNSEEN, SEEN])
def test_a_thread_that_fails_while_the_interpreter_ends_says_nothing(user_python: UserPython, kit: Path, starts: str) -> None:
    assert ran(user_python, kit, RAISES_AT_THE_END % starts) == ("", 0)


@pytest.mark.parametrize("starts", [UNSEEN + "; thread.join(60)", SEEN + "; thread.join()"])
def test_a_thread_that_fails_before_is_told_as_python_tells_it(user_python: UserPython, kit: Path, starts: str) -> None:
    said, code = ran(user_python, kit, RAISES % starts)
    assert "EOFError: so it is" in said and code == 0


def test_nobody_waits_for_a_thread_that_a_fork_has_left_behind(user_python: UserPython, kit: Path) -> None:
    text = "import os, time, warnings\nwarnings.simplefilter('ignore')\nfrom marx.runner.threads import Unseen\nthread = Unseen(lambda: time.sleep(3600))\n"
    text += "pid = os.fork()\nif not pid:\n    thread.join(3600)\n    os._exit(0 if not thread.is_current else 1)\n"
    assert ran(user_python, kit, text + "assert os.waitpid(pid, 0)[1] == 0") == ("", 0)


def test_what_ending_a_thread_loads_is_there_before_anybody_forks(user_python: UserPython, kit: Path) -> None:
    """A process that was forked while another thread loaded it had half of it, and its items' threads crashed when they ended."""
    if not (3,) <= user_python.version < (3, 9, 6):
        pytest.skip("there a thread ends without it")
    text = "import os\nfrom marx.runner.threads import end_one\nend_one()\n"
    text += "assert 'libgcc_s' in open('/proc/self/maps').read() and len(os.listdir('/proc/self/task')) == 1\n"
    assert ran(user_python, kit, text) == ("", 0)


def test_a_program_sees_no_thread_of_ours_behind_its_pools(lab: Lab) -> None:
    run, plain = lab.run(POOL), lab.run_plainly(POOL)
    assert (run.out, run.err, run.code) == (plain.out, "", 0)
    assert [portion.place for portion in run.portions] == ["lab", "home"]


def test_an_executor_shows_one_thread_as_the_librarys_and_none_after_it_was_shut(lab: Lab) -> None:
    demand(lab.python, "concurrent.futures")
    run, plain = lab.run(EXECUTOR), lab.run_plainly(EXECUTOR)
    assert (run.out, run.err, run.code) == (plain.out, "", 0)


@pytest.mark.parametrize("function", ["away", "at_home"])
def test_what_a_program_submits_with_its_last_line_is_computed(lab: Lab, function: str) -> None:
    """From 3.12 on no thread can be started any more when a program has come to its end."""
    demand(lab.python, "concurrent.futures")
    run = lab.run(SUBMITS_LAST % function)
    assert (sorted(run.out.split()), run.err, run.code) == (["0", "1", "2"], "", 0)
