"""Whatever the code of an item does, it costs that item and nothing else, and is told in words: a 2.7 and a 3.x, in a real sandbox."""

from __future__ import annotations

import json
import signal
from typing import Any, Iterator

import psutil
import pytest

from tests.end_to_end.conftest import sandbox_options, started_lab
from tests.end_to_end.lab import Person, Said
from tests.end_to_end.test_limits import python
from tests.pythons import UserPython

__all__ = ["python"]

#: What ends a Python process that did not ask for it; SIGINT is an exception, and SIGPIPE and SIGXFSZ are ignored.
FATAL = ("HUP", "QUIT", "ILL", "ABRT", "BUS", "FPE", "KILL", "SEGV", "ALRM", "TERM", "USR1", "USR2", "SYS", "XCPU")

FAILING = r"""
import os, signal, subprocess, sys

class Odd(Exception):
    def __init__(self, one, two): Exception.__init__(self, one)
    def __str__(self): raise RuntimeError("not even that")

class Closed(object):
    def __reduce__(self): raise ValueError("it stays here")
    def __repr__(self): raise ValueError("and is not shown")

def deeper(): return deeper() + 1

def act(word):
    sys.stdout.write("doing %s\n" % word)
    if word == "raise": raise ValueError("no")
    if word == "odd": raise Odd(1, 2)
    if word == "exit": sys.exit(3)
    if word == "exit text": sys.exit("enough")
    if word == "_exit": os._exit(7)
    if word == "_exit 0": os._exit(0)
    if word == "recurse": return deeper()
    if word == "memory": return len(bytearray(1 << 46))
    if word == "closed": return Closed()
    if word == "interrupt": os.kill(os.getpid(), signal.SIGINT)
    if word == "close all": os.closerange(0, 64)
    if word == "flood":
        for number in range(40000): sys.stdout.write("%05d %s\n" % (number, "x" * 40))
    if word == "leave":
        left = "trap '' TERM HUP INT; cd /; while :; do sleep 0.1; done # left by MARK"
        subprocess.Popen(["sh", "-c", left], preexec_fn=os.setsid)
    if word.startswith("SIG"): os.kill(os.getpid(), getattr(signal, word))
    return word
"""

#: What is told of each: the error's type and a part of its message.
RAISED = {
    "raise": ("ValueError", "no"),
    "odd": ("Odd", ""),
    "exit": ("SystemExit", "3"),
    "exit text": ("SystemExit", "enough"),
    "_exit": ("ItemDied", "exited with code 7 after using"),
    "_exit 0": ("ItemDied", "exited with code 0 after using"),
    "memory": ("MemoryError", ""),
    "interrupt": ("KeyboardInterrupt", ""),
}


@pytest.fixture(scope="module")
def ada() -> Iterator[Person]:
    """Somebody of a lab with one worker, which goes through all of this."""
    with started_lab("one", worker=[*sandbox_options(), "--slots", "2"]) as lab:
        yield lab.person("ada")


def run(ada: Person, python: UserPython, source: str, verb: str, *words: str) -> Said:
    """What comes of a command about ``prog.py``."""
    ada.write("prog.py", source)
    return ada.tasker(verb, "--python", python.path, *words, expect=None)


def acted(ada: Person, python: UserPython, words: list[str], *options: str) -> tuple[list[dict[str, Any]], Said]:
    """Results of items that do what these words say, with one that is fine between any two; those are looked at here."""
    mark = ada.home.parent.name
    items = [each for word in words for each in (word, "fine")]
    ada.write("items", "".join(json.dumps(item) + "\n" for item in items))
    ended = run(ada, python, FAILING.replace("MARK", mark), "map", *options, "--items", "items", "prog.py:act")
    results = ended.lines()
    assert [result["index"] for result in results] == list(range(len(items))), ended.err
    assert [result.get("value") for result in results[1::2]] == ["fine"] * len(words)
    assert not [one for one in psutil.process_iter(["cmdline"]) if any("left by " + mark in word for word in one.info["cmdline"] or ())]
    return results[::2], ended


@pytest.mark.parametrize("chunks", [(), ("--chunk-size", "100")], ids=["measured", "together"])
def test_an_item_that_fails_costs_itself_and_is_told(ada: Person, python: UserPython, chunks: tuple[str, ...]) -> None:
    results, ended = acted(ada, python, [*RAISED, "recurse", "closed"], *chunks)
    assert ended.code == 1
    assert "Closed object at" in results.pop()["repr"], "what cannot be pickled nor shown is no failure of a map's item"
    *raised, recursed = [result["error"] for result in results]
    for (kind, message), error in zip(RAISED.values(), raised):
        assert error["type"] == kind and message in error["message"]
    assert recursed["type"] == ("RecursionError" if python.version[0] == 3 else "RuntimeError")


def test_an_item_that_a_signal_ends_costs_itself_and_the_signal_is_named(ada: Person, python: UserPython) -> None:
    words = ["SIG" + name for name in FATAL]
    results, _ = acted(ada, python, words)
    for index, (word, result) in enumerate(zip(words, results)):
        error = result["error"]
        assert error["type"] == "ItemDied"
        assert error["message"].startswith(f"item {2 * index} was killed by signal {getattr(signal, word):d} ({word}) after using ")
        assert ", on worker " in error["message"] and f'"doing {word}"' in error["message"]


def test_an_item_that_closes_everything_costs_no_other(ada: Person, python: UserPython) -> None:
    [result], _ = acted(ada, python, ["close all"])
    assert "error" in result or result["value"] == "close all"


def test_a_flood_comes_whole_and_what_is_left_behind_is_ended(ada: Person, python: UserPython) -> None:
    results, ended = acted(ada, python, ["flood", "leave"])
    assert [result["value"] for result in results] == ["flood", "leave"] and ended.code == 0
    lines = [line for line in ended.err.splitlines() if line.endswith("x" * 40)]
    assert lines == ["%05d %s" % (number, "x" * 40) for number in range(40000)]


def test_retries_are_of_the_item_that_failed_alone(ada: Person, python: UserPython) -> None:
    [died, raised], ended = acted(ada, python, ["_exit", "raise"], "--retries", "2")
    assert died["error"]["message"].startswith("item 0 exited with code 7 after using") and " at attempt 3" in died["error"]["message"]
    assert raised["error"]["message"] == "no"
    assert ended.err.count("doing fine") == 2, "nobody else was run again"


IN_POOLS = r"""
import multiprocessing, os, signal, sys

def act(word):
    if word == "die": os.kill(os.getpid(), signal.SIGKILL)
    if word == "raise": raise ValueError("no")
    if word == "exit": sys.exit(3)
    if word == "lambda": return lambda: 0
    return word

def said(pool, word):
    try:
        return pool.apply_async(act, (word,)).get(60)
    except BaseException as error:
        return "%s: %s" % (type(error).__name__, error)

if __name__ == "__main__":
    pool = multiprocessing.Pool(2)
    for word in sys.argv[1:]:
        print(said(pool, word))
    print(pool.map(act, ["fine"] * 4))
"""


def test_in_a_pool_an_item_that_dies_is_an_error_of_its_own(ada: Person, python: UserPython) -> None:
    ended = run(ada, python, IN_POOLS, "run", "prog.py", "die", "raise", "fine", "lambda")
    died, raised, fine, unpicklable, rest = ended.out.decode().splitlines()
    assert "was killed by signal 9 (SIGKILL) after using" in died and ", on worker " in died, ended.err
    assert (raised, fine, rest) == ("ValueError: no", "fine", "['fine', 'fine', 'fine', 'fine']")
    assert unpicklable.startswith("MaybeEncodingError: Error sending result: ")


IN_AN_EXECUTOR = r"""
import os, signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

def act(word):
    if word == "die": os.kill(os.getpid(), signal.SIGSEGV)
    return word

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as executor:
        print(executor.submit(act, "fine").result())
        try:
            executor.submit(act, "die").result()
        except BrokenProcessPool as error:
            print("broken:", error.__cause__)
"""


def test_in_an_executor_an_item_that_dies_twice_breaks_it_and_the_error_says_of_what(ada: Person, python: UserPython) -> None:
    if python.version[0] == 2:
        pytest.skip("2.7 has no executors")
    ended = run(ada, python, IN_AN_EXECUTOR, "run", "prog.py")
    fine, broken = ended.out.decode().splitlines()
    assert fine == "fine" and broken.startswith("broken: "), ended.err
    assert "was killed by signal 11 (SIGSEGV) after using" in broken and "at attempt 2" in broken
