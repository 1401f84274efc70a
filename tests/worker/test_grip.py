"""Ending real runners in every recipe and without one; and reading the report that says which process to kill."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.worker.grip import LONGEST_REPORT, InfoPid, SandboxGrip, TreeGrip, end_orphans
from tests.pythons import UserPython
from tests.worker.stand import ENVIRONMENT, RECIPES, TIMEOUT, Stand

REPORT = b'{\n    "child-pid": 4711,\n    "mnt-namespace": 4026532,\n    "pid-namespace": 4026534\n}\n'


@given(st.lists(st.integers(0, len(REPORT))))
def test_the_pid_is_known_when_the_last_piece_of_the_report_has_come(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(REPORT)]
    pieces = [REPORT[start:stop] for start, stop in zip(places, places[1:], strict=False)]
    reader = InfoPid()
    assert [reader.feed(piece) for piece in pieces][-1] == 4711
    assert reader.pid == 4711


NONSENSE = [b"{}", b'{"child-pid": "4711"}', b'{"child-pid": 1}', b'{"child-pid": -4}', b"[1}", b"}", b"\xff}"]


@pytest.mark.parametrize("report", NONSENSE)
def test_a_report_that_makes_no_sense_names_no_pid(report: bytes) -> None:
    assert InfoPid().feed(report) is None


def test_a_report_without_end_is_not_kept() -> None:
    reader = InfoPid()
    for _ in range(10):
        assert reader.feed(b'{"a": ' + b" " * LONGEST_REPORT) is None
    assert reader.feed(REPORT) is None


@pytest.fixture(params=RECIPES)
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    with Stand.of(request.param) as stand:
        yield stand


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def old_or_new(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> str:
    """Of what was found the two that are likeliest to differ."""
    return interpreters[request.param].path


@pytest.fixture
def python(interpreters: tuple[UserPython, ...]) -> str:
    """One interpreter, where which one makes no difference."""
    return interpreters[-1].path


QUIET_FAMILY = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        sys.stdout.write("ready")
        sys.stdout.flush()
        time.sleep(600)
    os._exit(0)
{own}
time.sleep(600)
"""


def processes_with(token: str) -> list[psutil.Process]:
    """Those that have `token` among their arguments, on the whole machine, but for drivers, in whose it is quoted."""
    return [process for process in psutil.process_iter(["cmdline"]) if token in (process.info["cmdline"] or [])]


def end(
    stand: Stand, python: str, ending: str, token: str, level: str = "bwrap", source: str = QUIET_FAMILY, own: str = ""
) -> dict[str, object]:
    """Start a program, end it in the way of `ending` when it is ready, and return what was said of its end."""
    command = ["-c", source.replace("{own}", own), token]
    order = stand.order(python, command, level, ending=ending)
    driver = subprocess.run(
        stand.command("drive_ending.py", order), env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert driver.returncode == 0, driver.stderr
    return json.loads(driver.stdout.removeprefix("ready\n"))


def test_killing_a_runner_leaves_nothing_of_it(stand: Stand, old_or_new: str) -> None:
    token = "marx-kill-%d" % os.getpid()
    said = end(stand, old_or_new, "kill", token)
    assert processes_with(token) == []
    assert (said["said"], said["asked"], said["code"]) == ("ready", False, 128 + signal.SIGKILL)


def test_ctrl_c_at_the_workers_terminal_does_not_reach_a_sandbox(stand: Stand, python: str) -> None:
    assert end(stand, python, "kill", "marx-session")["own_session"] is True


def test_killing_the_monitor_alone_leaves_nothing_either(stand: Stand, python: str) -> None:
    token = "marx-sweep-%d" % os.getpid()
    said = end(stand, python, "sweep", token)
    assert said["signal"] == signal.SIGKILL
    assert psutil.wait_procs(processes_with(token), timeout=TIMEOUT)[1] == []


def test_the_ladder_asks_first_and_ends_what_does_not_listen(stand: Stand, python: str) -> None:
    token = "marx-ladder-%d" % os.getpid()
    said = end(stand, python, "ladder", token, own="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert processes_with(token) == []
    assert (said["asked"], said["code"]) == (True, 128 + signal.SIGKILL)


def test_sigterm_reaches_the_program_in_the_sandbox(stand: Stand, python: str) -> None:
    said = end(stand, python, "terminate", "marx-term", own="signal.signal(signal.SIGTERM, lambda *_: os._exit(5))")
    assert said["code"] == 5


OPEN_FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)", sys.argv[1]])
in_group = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
{own}
sys.stdout.write("ready")
sys.stdout.flush()
time.sleep(600)
"""


def test_without_a_sandbox_the_tree_is_killed_and_also_what_left_the_group(old_or_new: str) -> None:
    token = "marx-tree-%d" % os.getpid()
    with Stand.of("root") as stand:
        said = end(stand, old_or_new, "kill", token, "none", OPEN_FAMILY)
    assert said["signal"] == signal.SIGKILL
    assert processes_with(token) == []


def test_without_a_sandbox_what_a_runner_leaves_in_its_group_goes_with_it(python: str) -> None:
    token = "marx-left-%d" % os.getpid()
    own = "child.kill(); sys.stdout.write('ready'); sys.stdout.flush(); os._exit(3)"
    with Stand.of("root") as stand:
        said = end(stand, python, "nothing", token, "none", OPEN_FAMILY, own)
    assert said["code"] == 3
    assert psutil.wait_procs(processes_with(token), timeout=TIMEOUT)[1] == []


@pytest.mark.parametrize("own", ["", "in_group.kill()"])
def test_without_a_sandbox_sigterm_reaches_the_group(python: str, own: str) -> None:
    token = "marx-term-%d" % os.getpid()
    with Stand.of("root") as stand:
        said = end(stand, python, "terminate", token, "none", OPEN_FAMILY, "child.kill()\n" + own)
    assert (said["signal"], said["own_session"]) == (signal.SIGTERM, True)
    assert psutil.wait_procs(processes_with(token), timeout=TIMEOUT)[1] == []


def test_a_sandbox_dies_with_its_worker(stand: Stand, python: str) -> None:
    token = "marx-orphan-%d" % os.getpid()
    order = stand.order(python, ["-c", QUIET_FAMILY.replace("{own}", ""), token], "bwrap", ending="nothing")
    with subprocess.Popen(stand.command("drive_ending.py", order), env=ENVIRONMENT, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        family = processes_with(token)
        worker.kill()
    assert len(family) >= 2
    assert psutil.wait_procs(family, timeout=TIMEOUT)[1] == []
    assert processes_with(token) == []


def test_a_runner_that_leads_no_group_is_signalled_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as runner:
        TreeGrip(runner.pid).terminate()
        assert runner.wait(TIMEOUT) == -signal.SIGTERM


@pytest.mark.parametrize("kind", [TreeGrip, SandboxGrip])
def test_nothing_happens_to_a_process_that_is_gone(kind: type[TreeGrip] | type[SandboxGrip]) -> None:
    with subprocess.Popen(["true"], start_new_session=True) as runner:
        runner.wait()
    grip = kind(runner.pid)
    grip.hear(REPORT.replace(b"4711", b"%d" % runner.pid))
    for do in (grip.terminate, grip.kill, grip.sweep, grip.clear_up):
        do()


@pytest.fixture
def waiting() -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """A monitor, and a process 1 that waits and does not begin. (The kernel would end it with its monitor only once it has.)"""
    words = [*("bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/"), "--block-fd", "0", "--info-fd", "1", "--", "/run/marx/start"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as monitor:
        assert monitor.stdout is not None
        reader = InfoPid()
        while reader.pid is None:
            reader.feed(monitor.stdout.read1())
        process = psutil.Process(reader.pid)
        yield monitor, process
        for each in (monitor, process):
            try:
                each.kill()
            except psutil.NoSuchProcess:
                pass


def test_what_waits_for_its_monitor_in_vain_goes_when_that_is_reaped(waiting: tuple[subprocess.Popen[bytes], psutil.Process]) -> None:
    monitor, process = waiting
    monitor.kill()
    monitor.wait(TIMEOUT)
    assert process.is_running()
    SandboxGrip(monitor.pid).clear_up()
    assert psutil.wait_procs([process], timeout=TIMEOUT)[1] == []


def test_a_worker_ends_what_lost_its_monitor_and_its_worker(waiting: tuple[subprocess.Popen[bytes], psutil.Process]) -> None:
    """And nothing else: neither a monitor nor what has one is an orphan, whoever's they are."""
    monitor, process = waiting
    end_orphans("/run/marx/start")
    assert monitor.poll() is None and process.status() != psutil.STATUS_ZOMBIE
    monitor.kill()
    monitor.wait(TIMEOUT)
    assert end_orphans("/run/marx/start") >= 1
    assert psutil.wait_procs([process], timeout=TIMEOUT)[1] == []


def test_a_pid_that_is_no_child_of_the_monitor_any_more_is_not_signalled() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        with subprocess.Popen(["sleep", "600"]) as monitor:
            grip = SandboxGrip(monitor.pid)
            grip.hear(REPORT.replace(b"4711", b"%d" % other.pid))
            grip.terminate()
            grip.kill()
            assert monitor.wait(TIMEOUT) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
