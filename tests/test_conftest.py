"""The fixtures that watch over every test do fail a test that leaves something behind."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pythons import PythonMissing, UserPython, found_pythons, shortage, spread

CHECKOUT = Path(__file__).parent.parent

HEAD = """
import subprocess, sys
import pytest, pytest_twisted
from twisted.internet import defer, protocol, reactor, task
from twisted.logger import Logger
"""

RunTests = Callable[[str], dict[str, str]]


@pytest.fixture
def run_tests(tmp_path: Path) -> RunTests:
    """Runs the source of some tests under our conftest in a session of their own; answers {test: report line}."""

    def run(source: str) -> dict[str, str]:
        (tmp_path / "test_inner.py").write_text(HEAD + source)
        command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", "/dev/null", "-rA", "-q", "test_inner.py"]
        environ = {"PYTHONPATH": str(CHECKOUT), "COLUMNS": "500"}
        answer = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
        lines = [line for line in answer.stdout.splitlines() if line.startswith(("PASSED", "ERROR", "FAILED"))]
        return {line.partition("::")[2].partition(" ")[0]: line for line in sorted(lines, reverse=True)}

    return run


def test_what_a_test_leaves_behind_fails_it(run_tests: RunTests) -> None:
    reports = run_tests(
        """
def test_timer(): reactor.callLater(60, int)
def test_after_timer(): pass
def test_error(): Logger().error("it broke")
def test_failure(): defer.fail(ZeroDivisionError())
def test_child(request):
    child = subprocess.Popen(["sleep", "60"])
    request.config.child = child
def test_after_child(request):
    request.config.child.kill()
    request.config.child.wait()
@pytest_twisted.ensureDeferred
async def test_listener():
    reactor.listenTCP(0, protocol.Factory(), interface="127.0.0.1")
"""
    )
    assert "ERROR" in reports["test_timer"] and "timer" in reports["test_timer"]
    assert "ERROR" in reports["test_error"] and "it broke" in reports["test_error"]
    assert "ERROR" in reports["test_failure"] and "ZeroDivisionError" in reports["test_failure"]
    assert "ERROR" in reports["test_child"] and "sleep 60" in reports["test_child"]
    assert "ERROR" in reports["test_listener"] and "descriptor" in reports["test_listener"]
    assert "PASSED" in reports["test_after_timer"]
    assert "PASSED" in reports["test_after_child"]


def test_what_a_test_expects_or_puts_away_is_no_fault(run_tests: RunTests) -> None:
    reports = run_tests(
        """
def test_flushed(logged_failures):
    defer.fail(ZeroDivisionError("by nobody"))
    [error] = logged_failures.flush(ZeroDivisionError)
    assert str(error) == "by nobody"
def test_warning(): Logger().warn("only a warning")
@pytest.fixture(scope="module")
def ticking():
    loop = task.LoopingCall(int)
    loop.start(0.001)
    yield
    loop.stop()
@pytest_twisted.ensureDeferred
async def test_wider_fixture(ticking):
    await task.deferLater(reactor, 0.01)
@pytest_twisted.ensureDeferred
async def test_closed_listener():
    port = reactor.listenTCP(0, protocol.Factory(), interface="127.0.0.1")
    await port.stopListening()
"""
    )
    assert {name: line.split()[0] for name, line in reports.items()} == {
        "test_flushed": "PASSED",
        "test_warning": "PASSED",
        "test_wider_fixture": "PASSED",
        "test_closed_listener": "PASSED",
    }


def test_interpreters_can_be_named_by_path_and_by_version() -> None:
    here = "%d.%d.%d" % sys.version_info[:3]
    by_path = found_pythons({"MARX_TEST_PYTHONS": sys.executable})
    assert by_path == (UserPython(sys.version_info[:3], sys.executable),)
    by_version = found_pythons({"MARX_TEST_PYTHONS": here, "PATH": str(Path(sys.executable).parent)})
    assert [python.version for python in by_version] == [sys.version_info[:3]]


def test_an_interpreter_that_is_named_but_not_there_is_an_error() -> None:
    with pytest.raises(PythonMissing, match="/no/such/python"):
        found_pythons({"MARX_TEST_PYTHONS": "/no/such/python"})
    with pytest.raises(PythonMissing, match="'4.0'"):
        found_pythons({"MARX_TEST_PYTHONS": "4.0", "PATH": "/usr/bin"})


@pytest.mark.parametrize(
    ("minors", "enough"),
    [
        ([(2, 7), (3, 6), (3, 9), (3, 11), (3, 13)], True),
        ([(2, 7), (3, 9), (3, 11), (3, 13)], False),
        ([(3, 6), (3, 8), (3, 9), (3, 11), (3, 13)], False),
        ([], False),
    ],
)
def test_ci_demands_two_seven_and_four_of_three(minors: list[tuple[int, int]], enough: bool) -> None:
    pythons = [UserPython((*minor, 0), "python") for minor in minors]
    assert (shortage(pythons) is None) is enough


def test_of_many_versions_the_oldest_the_newest_and_some_between_are_taken() -> None:
    found = [UserPython((2, 7, 18), "two"), *(UserPython((3, minor, 0), f"three-{minor}") for minor in range(6, 14))]
    assert [python.name for python in spread(found, 4)] == ["2.7", "3.6", "3.8", "3.11", "3.13"]
    assert spread(found[:4], 4) == found[:4]
