"""What the system may give to the processes of a chunk: set inside, for each chunk anew, and named where a call fails for it."""

from __future__ import annotations

import signal

import pytest

from tests.runner.conftest import Start

LIMITS = """
import errno, os, resource
def f(what):
    if what == "limits":
        return [resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0] for name in ("NPROC", "NOFILE", "FSIZE", "CORE")]
    if what == "files":
        return len([open("/dev/null") for _ in range(100)])
    if what == "file":
        with open("large", "wb") as file:
            for _ in range(40):
                file.write(b"x" * 50000)
    if what == "process":
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
    if what == "spin":
        while True: pass
    return what
"""
ALLOWED = {"processes": 50, "open_files": 64, "file_bytes": 1 << 20, "cpu_seconds": 1}


def test_they_hold_in_the_processes_of_a_chunk(start: Start) -> None:
    assert start(LIMITS, limits=ALLOWED).map(["limits"]).values == [[50, 64, 1 << 20, 0]]


SLEEPER = "import threading, time\nsleeper = threading.Thread(target=time.sleep, args=(600,))\nsleeper.daemon = True\nsleeper.start()\n"


@pytest.mark.parametrize("head", ["", SLEEPER], ids=["forked", "fresh"])
def test_where_memory_is_short_a_chunk_goes_before_its_runner(start: Start, head: str) -> None:
    first_to_go = "import os\ndef f(item): return [int(open('/proc/%s/oom_score_adj' % pid).read()) for pid in ('self', os.getppid())]\n"
    [[chunk, runner]] = start(head + first_to_go).map(["x"]).values
    assert chunk == 1000 > runner


def test_they_hold_while_the_program_is_loaded(start: Start) -> None:
    early = "import resource\nEARLY = [resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0] for name in ('NOFILE', 'FSIZE', 'CORE')]\n"
    runner = start(early + LIMITS + "\ndef g(what): return EARLY\n", "g", limits=ALLOWED)
    assert runner.map(["x"]).values == [[64, 1 << 20, 0]], "processes are counted for the user, where nothing else holds them"


@pytest.mark.parametrize(("what", "hint"), [("files", "64 open files"), ("file", "1048576 bytes for a file"), ("process", "50 processes")])
def test_an_error_that_one_may_have_caused_says_so(start: Start, what: str, hint: str) -> None:
    runner = start(LIMITS, limits=ALLOWED)
    [result] = runner.map([what]).results
    assert result["error"]["message"].endswith("(this may be the worker's limit of %s)" % hint)
    assert runner.map(["fine"]).values == ["fine"]


def test_without_limits_errors_are_as_they_are(start: Start) -> None:
    [result] = start(LIMITS).map(["process"]).results
    assert result["error"]["message"] == "[Errno 11] Resource temporarily unavailable"


def test_who_uses_more_processor_time_is_ended_and_the_next_chunk_has_its_own(start: Start) -> None:
    runner = start(LIMITS, limits=ALLOWED)
    ended = runner.map(["fine", "spin"]).ended
    assert (ended.outcome, ended.item, ended.signal) == ("died", 1, signal.SIGXCPU)
    assert runner.map(["fine"]).values == ["fine"]


def test_a_fresh_interpreter_has_them_too(start: Start) -> None:
    source = "import threading, time\nthread = threading.Thread(target=time.sleep, args=(60,))\nthread.daemon = True\nthread.start()\n" + LIMITS
    assert start(source, limits=ALLOWED).map(["limits"]).values == [[50, 64, 1 << 20, 0]]
