"""Every attack that takes no more than a moment, on a real worker of each kind: contained at each level, and real without one."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from marx.worker.landlock import LEAST_VERSION, landlock_version
from tests.attacks import hostile
from tests.attacks.lures import lures_for, start_worker
from tests.attacks.table import PROBES
from tests.end_to_end.lab import Lab, Person, wait_until
from tests.pythons import UserPython
from tests.worker.stand import RECIPES, Stand

pytestmark = pytest.mark.slow


KINDS = [("root", "bwrap"), ("user", "bwrap"), ("user", "landlock"), ("root", "none"), ("user", "none")]


@dataclass
class House:
    """A lab with one person and a worker of each kind. ``lures``: what is laid out around each."""

    lab: Lab
    ada: Person
    pythons: list[UserPython]
    lures: dict[str, dict[str, Any]]

    def outcomes(self, who: str, level: str, python: UserPython, verb: str = "map") -> dict[str, str]:
        """What came of each attack, on the worker of "user" or "root" at this level, as items of a map or in a program of its own."""
        lures = self.lures[f"{who}-{level}"]
        attacks = [attack for attack in PROBES if not attack.needs or attack.needs in lures]
        orders = self.ada.write("orders.jsonl", "".join(json.dumps([attack.name, lures]) + "\n" for attack in attacks))
        place = ["--label", f"kind={who}-{level}", "--python", python.name]
        if verb == "run":
            said = self.ada.tasker("run", *place, "--stdin", str(orders), "hostile.py")
            return dict(said.lines())
        said = self.ada.tasker("map", *place, "--items", str(orders), "hostile.py:attempt")
        return {attack.name: line.get("value", str(line)) for attack, line in zip(attacks, said.lines(), strict=True)}


@pytest.fixture(scope="module")
def house(interpreters: tuple[UserPython, ...]) -> Iterator[House]:
    """The oldest and the newest Python, which are 2.7 and a 3.x where both are here."""
    folder = Path(tempfile.mkdtemp(prefix="marx-attacks-"))
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        with ExitStack() as stack:
            lab.start_server()
            ada = lab.person("ada")
            shutil.copy(hostile.__file__, ada.work)
            pythons = [interpreters[0], interpreters[-1]]
            yield House(lab, ada, pythons, dict(started(lab, stack, [python.path for python in pythons])))
            lab.stop()
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


def can_be_had(who: str, level: str) -> bool:
    """Whether a worker of this kind can run here."""
    return (who == "user" or os.geteuid() == 0) and (level != "landlock" or landlock_version() >= LEAST_VERSION)


def started(lab: Lab, stack: ExitStack, pythons: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A worker of each kind that can be had, with what is laid out around it."""
    beginning = []
    for who, level in KINDS:
        if can_be_had(who, level):
            name, stand = f"{who}-{level}", stack.enter_context(Stand.of(who))
            options = ["--slots", "1", "--users", "ada", "--label", f"kind={name}"]
            beginning.append((name, stand, start_worker(lab, stand, name, level, pythons, *options)))
    wait_until(lambda: lab.admin("workers").count("ready") == len(beginning), "workers that are ready")
    for name, stand, daemon in beginning:
        yield name, stack.enter_context(lures_for(daemon, stand, name))


each_python = pytest.mark.parametrize("which", [0, -1], ids=["oldest", "newest"])


@each_python
@pytest.mark.parametrize(("who", "level"), [*(pytest.param(*one.values, "bwrap", marks=one.marks) for one in RECIPES), ("user", "landlock")])
def test_only_what_is_said_to_be_open_gets_through(house: House, who: str, level: str, which: int) -> None:
    if f"{who}-{level}" not in house.lures:
        pytest.skip("landlock of this kernel does not cover enough")
    outcomes = house.outcomes(who, level, house.pythons[which])
    expected = {attack.name for attack in PROBES if level in attack.open_at}
    assert {name: said for name, said in outcomes.items() if said.startswith("contained") == (name in expected)} == {}


@pytest.mark.parametrize("who", RECIPES)
def test_a_main_program_gets_no_further(house: House, who: str) -> None:
    outcomes = house.outcomes(who, "bwrap", house.pythons[-1], "run")
    assert len(outcomes) > 50 and {name: said for name, said in outcomes.items() if not said.startswith("contained")} == {}


@each_python
@pytest.mark.parametrize("who", ["user", pytest.param("root", marks=pytest.mark.needs_root)])
def test_without_a_sandbox_every_attack_gets_through(house: House, who: str, which: int) -> None:
    outcomes = house.outcomes(who, "none", house.pythons[which])
    real = {attack.name for attack in PROBES if attack.outside in ("anybody", who)}
    assert {name: said for name, said in outcomes.items() if said.startswith("through") != (name in real)} == {}
