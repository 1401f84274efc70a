"""Programs that take more than their share of the machine, on workers that have ceilings: what is stopped, and where it is not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from marx.worker.landlock import LEAST_VERSION, landlock_version
from tests.attacks import hog
from tests.attacks.lures import start_worker
from tests.attacks.table import HELD, RESOURCES, Taking
from tests.delegated import delegated
from tests.end_to_end.lab import Lab, Person, wait_until
from tests.pythons import UserPython
from tests.worker.stand import Stand

pytestmark = [pytest.mark.slow, pytest.mark.needs_bwrap]

[EATEN_EARLY] = [taking for taking in RESOURCES if taking.name == "eat_at_import"]

CEILINGS = {
    "bwrap": 'memory = "300M"\nscratch = "100M"\nfile = "50M"\nopen_files = 256\nprocesses = 300\n',
    # Where processes are counted for a whole user, a limit would be that of everybody who is "nobody" on the machine.
    # What processes cost the system counts in a cgroup, and there may be 450 of them.
    "landlock": 'memory = "500M"\nscratch = "100M"\nfile = "50M"\nopen_files = 256\n',
}
KINDS = [("user", "bwrap"), ("root", "bwrap"), ("user", "landlock")]


@pytest.fixture(scope="module")
def house(interpreters: tuple[UserPython, ...]) -> Iterator[tuple[Person, dict[str, bool]]]:
    """Somebody of a lab whose workers' owner has set ceilings, and which kinds of workers there are: whether each has cgroups."""
    folder = Path(tempfile.mkdtemp(prefix="marx-hogs-"))
    folder.chmod(0o755)
    for level, ceilings in CEILINGS.items():
        (folder / f"{level}.toml").write_text("[ceilings]\n" + ceilings)
    lab = Lab(folder)
    kinds = {}
    try:
        with ExitStack() as stack:
            lab.start_server()
            ada = lab.person("ada")
            shutil.copy(hog.__file__, ada.work)
            for who, level in KINDS:
                if (who == "user" or os.geteuid() == 0) and (level != "landlock" or landlock_version() >= LEAST_VERSION):
                    kind = f"{who}-{level}"
                    options = ["--slots", "8", "--label", f"kind={kind}", "--config", str(folder / f"{level}.toml")]
                    stand = stack.enter_context(Stand.of(who))
                    before = stack.enter_context(delegated(stand.uid))
                    worker = start_worker(lab, stand, kind, level, [interpreters[-1].path], *options, before=before)
                    worker.wait_to_say("memory")
                    kinds[kind] = "are contained by cgroups" in worker.said()
                    assert kinds[kind] or not before
            wait_until(lambda: lab.admin("workers").count("ready") == len(kinds), "workers that are ready")
            yield ada, kinds
            lab.stop()
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", [f"{who}-{level}" for who, level in KINDS])
def test_what_takes_too_much_is_ended_or_said_not_to_be(house: tuple[Person, dict[str, bool]], kind: str) -> None:
    ada, kinds = house
    if kind not in kinds:
        pytest.skip("no such worker here")
    level = kind.partition("-")[2]
    early = ada.tasker("map", "--detach", "--label", f"kind={kind}", *words_for(EATEN_EARLY)).out.decode().strip()
    started = {taking.name: ada.start("map", "--label", f"kind={kind}", *words_for(taking)) for taking in RESOURCES if is_tried(taking, level)}
    try:
        said = {name: process.communicate(timeout=100)[0].decode() for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.communicate()
    # It is refused by this worker, and could be granted to one that lends more.
    wait_until(lambda: "used more memory than it may while it was loaded" in ada.tasker("show", early).out.decode(), "the early one to be ended")
    ada.tasker("cancel", early)
    said[EATEN_EARLY.name] = '"contained: '
    tried = [taking for taking in RESOURCES if taking.name in said]
    assert {taking.name: said[taking.name] for taking in tried if not came_as_said(taking, level, kinds[kind], said[taking.name])} == {}


def is_tried(taking: Taking, level: str) -> bool:
    """Not the one that is waited for, nor before there are items what is seen to be open with them."""
    return taking != EATEN_EARLY and not (taking.name.endswith("_at_import") and level in taking.open_at)


def words_for(taking: Taking) -> list[str]:
    """What is typed: one item that is the amount, or a program that takes it before there are items."""
    if taking.name.endswith("_at_import"):
        early = taking.name.removesuffix("_at_import")
        return ["--env", f"AT_IMPORT={early}", "--env", f"AMOUNT={taking.amount}", "hog.py:came_early", "x"]
    return ["--range", f"{taking.amount}:{taking.amount + 1}", f"hog.py:{taking.name}"]


def came_as_said(taking: Taking, level: str, is_held: bool, said: str) -> bool:
    """Whether what the table says of it came of it."""
    if level in taking.open_at or (taking.contained == HELD and not is_held):
        return '"through: ' in said
    return f'"{taking.error}"' in said or '"contained: ' in said
