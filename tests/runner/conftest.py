"""Runners to test: one long-lived runner of each interpreter with a program that can do everything, and short-lived ones of any program."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from marx.worker.kit import lay_out_kit
from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.driving import Driver
from tests.runner.keeping import KeeperDriver
from tests.runner.playing import Lab
from tests.runner.spawning import Setting

SETTING = [known.name for known in fields(Setting)]
KEEPER_FLAGS = ("-E", "-s")
ZOO = Path(__file__).parent / "programs" / "zoo.py"

Start = Callable[..., Driver]
Keep = Callable[..., KeeperDriver]


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that carries the runner."""
    return lay_out_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def zoos(kit: Path, interpreters: tuple[UserPython, ...]) -> Iterator[dict[UserPython, Driver]]:
    """A runner of zoo.py for each interpreter."""
    with ExitStack() as stack:
        started = {python: stack.enter_context(Driver(python, kit, ZOO, "act")) for python in interpreters}
        for driver in started.values():
            assert driver.loaded().fork
        yield started


@pytest.fixture
def zoo(zoos: dict[UserPython, Driver], user_python: UserPython) -> Driver:
    """The one of this interpreter; a test runs chunks of actions like ["square", 3] in it."""
    return zoos[user_python]


@pytest.fixture
def runners(kit: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a runner of an interpreter and a program that is given as text; further keywords are of its `Setting` or its task."""
    with ExitStack() as stack:

        def start_one(python: UserPython, text: str | bytes, function: str = "f", **more: Any) -> Driver:
            program = tmp_path / "program.py"
            program.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
            setting = Setting(**{name: more.pop(name) for name in SETTING if name in more})
            return stack.enter_context(Driver(python, kit, program, function, setting, **more))

        yield start_one


@pytest.fixture
def begin(runners: Start, user_python: UserPython) -> Start:
    """The same for each interpreter in turn. What the runner says first is not heard yet."""
    return partial(runners, user_python)


@pytest.fixture
def start(begin: Start) -> Start:
    """The same for a program that can be loaded."""
    return _loading(begin)


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def begin_some(request: pytest.FixtureRequest, runners: Start, interpreters: tuple[UserPython, ...]) -> Start:
    """`begin` for the oldest and the newest interpreter only: for what has many cases and no versions."""
    return partial(runners, interpreters[request.param])


@pytest.fixture
def start_some(begin_some: Start) -> Start:
    """`start` for the oldest and the newest interpreter only."""
    return _loading(begin_some)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder that main programs start in."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def keepers(kit: Path, place: Path) -> Iterator[Keep]:
    """Starts a keeper of an interpreter, for a main program that is given as text, or as ``words`` with files that are there already."""
    with ExitStack() as stack:

        def keep_one(python: UserPython, text: str | None = None, *words: str, **more: Any) -> KeeperDriver:
            if text is not None:
                (place / "prog.py").write_text(textwrap.dedent(text))
                words = ("prog.py", *words)
            setting = Setting(**{"flags": KEEPER_FLAGS, **{name: more.pop(name) for name in SETTING if name in more}})
            driver = stack.enter_context(KeeperDriver(python, kit, place, *words, setting=setting, **more))
            return driver

        yield keep_one


@pytest.fixture
def keep(keepers: Keep, user_python: UserPython) -> Keep:
    """The same for each interpreter in turn."""
    return partial(keepers, user_python)


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def keep_some(request: pytest.FixtureRequest, keepers: Keep, interpreters: tuple[UserPython, ...]) -> Keep:
    """`keep` for the oldest and the newest interpreter only."""
    return partial(keepers, interpreters[request.param])


def _loading(begin: Start) -> Start:
    def start_one(*args: Any, **more: Any) -> Driver:
        driver = begin(*args, **more)
        driver.loaded()
        return driver

    return start_one


@pytest.fixture(scope="session")
def stables(kit: Path, interpreters: tuple[UserPython, ...]) -> Iterator[dict[UserPython, Stable]]:
    """What is forked, of each interpreter."""
    made = {python: Stable(python.path, kit, Lab(python, kit, kit).surroundings) for python in interpreters}
    yield made
    for stable in made.values():
        stable.close()
