"""What holds for every test: nothing logged as an error, nothing left in the reactor; and the interpreters to test with.

A test that expects an error to be logged asks for `logged_failures` and flushes it:

    [error] = logged_failures.flush(ZeroDivisionError)
"""

import gc
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import cache

import hypothesis
import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher

from tests import postgresql
from tests.leftovers import LoggedErrors, Standing, left_over
from tests.pythons import KNOWN, PythonMissing, UserPython, found_pythons, shortage

UNDER_CI = os.environ.get("CI") == "true"
BWRAP_TRIAL = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "true"]

# hypothesis's own deadline of 200 ms for one example would measure how busy the machine is.
hypothesis.settings.register_profile("marx", hypothesis.settings.get_profile("ci" if UNDER_CI else "default"), deadline=None)
hypothesis.settings.load_profile("marx")

# A shell starts what is in the background with Ctrl-C ignored, and others with what stops jobs, which every program that a test starts would inherit.
for number, usual in {signal.SIGINT: signal.default_int_handler, signal.SIGTTIN: signal.SIG_DFL, signal.SIGTTOU: signal.SIG_DFL}.items():
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(autouse=True)
def logged_failures() -> Iterator[LoggedErrors]:
    """The errors logged since the test began; one that the test does not flush fails it."""
    with LoggedErrors(globalLogPublisher) as errors:
        yield errors
        unexpected = errors.flush()
    if unexpected:
        pytest.fail("logged errors: " + "; ".join(map(repr, unexpected)), pytrace=False)


@pytest.fixture(autouse=True)
def nothing_left(logged_failures: LoggedErrors) -> Iterator[None]:
    """Fails a test that leaves timers, descriptors or child processes behind in the global reactor or this process."""
    from twisted.internet import reactor

    def turn() -> None:
        pytest_twisted.blockon(deferLater(reactor, 0))

    turn()  # the first turn of a session starts the reactor, which then opens descriptors of its own
    before = Standing.now(reactor)
    yield
    vars(reactor).pop("seconds", None)  # a tap has given it another clock
    left = left_over(reactor, before, turn)
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


@pytest.fixture(scope="session")
def interpreters() -> tuple[UserPython, ...]:
    """The interpreters user programs are tested with, oldest first: `.name` ("2.7"), `.version`, `.path`."""
    return _pythons()


@pytest.fixture
def user_python(request: pytest.FixtureRequest) -> UserPython:
    """One interpreter: a test that asks for it runs once for each version of Python that the runner supports."""
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `user_python` under each version that MARX_TEST_PYTHONS names, else under each known one.

    A missing one is a skip that says so. Every 3.x but the newest is left to `make check`.
    """
    if "user_python" in metafunc.fixturenames:
        named = [python.version[:2] for python in _pythons()]
        minors = named if os.environ.get("MARX_TEST_PYTHONS") else KNOWN
        metafunc.parametrize("user_python", [_python_param(minor) for minor in minors], indirect=True)


@pytest.hookimpl(trylast=True)  # after -m has taken out what is not to run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine or user cannot do, with the reason; CI must be able to do everything."""
    for marker, why_not in (("needs_root", _why_not_root), ("needs_bwrap", _why_not_bwrap), ("needs_postgresql", postgresql.why_not)):
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = why_not() if marked else None
        if reason and UNDER_CI:
            raise pytest.UsageError("CI must run the tests marked %s, but %s" % (marker, reason))
        for item in marked if reason else ():
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Put what is loaded by now beyond the collector's reach: every test ends with a collection, and they add up."""
    gc.collect()
    gc.freeze()


@cache
def _pythons() -> tuple[UserPython, ...]:
    try:
        pythons = found_pythons(os.environ)
    except PythonMissing as missing:
        raise pytest.UsageError(str(missing)) from None
    lacking = shortage(pythons)
    if lacking and UNDER_CI:
        raise pytest.UsageError(lacking)
    return pythons


def _python_param(minor: tuple[int, int]) -> object:
    name = "%d.%d" % minor
    threes = [python for python in _pythons() if python.version >= (3,)]
    for python in _pythons():
        if python.name == name:
            return pytest.param(python, id=name, marks=[pytest.mark.slow] if python in threes[:-1] else [])
    reason = "no Python %s was found (pyenv install %s, or name one in MARX_TEST_PYTHONS)" % (name, name)
    return pytest.param(None, id=name, marks=pytest.mark.skip(reason))


def _why_not_root() -> str | None:
    return None if os.geteuid() == 0 else "it needs root"


def _why_not_bwrap() -> str | None:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian: apt-get install bubblewrap)"
    trial = subprocess.run(BWRAP_TRIAL, capture_output=True, text=True)
    return None if trial.returncode == 0 else "bubblewrap does not work here: " + trial.stderr.strip()
