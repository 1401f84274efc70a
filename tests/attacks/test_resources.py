"""Programs that take more than their share of the machine, on workers that allow 200 MB: what is stopped, and what is not yet."""

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
from tests.attacks.table import RESOURCES, Taking
from tests.end_to_end.lab import Lab, Person, wait_until
from tests.pythons import UserPython
from tests.worker.stand import Stand

pytestmark = [pytest.mark.slow, pytest.mark.needs_bwrap]

KINDS = [("user", "bwrap"), ("root", "bwrap"), ("user", "landlock")]


@pytest.fixture(scope="module")
def house(interpreters: tuple[UserPython, ...]) -> Iterator[tuple[Person, set[str]]]:
    """Somebody of a lab whose workers' owner allows 200 MB to each slot, and which kinds of workers there are."""
    folder = Path(tempfile.mkdtemp(prefix="marx-hogs-"))
    folder.chmod(0o755)
    (folder / "worker.toml").write_text('[ceilings]\nmemory = "200M"\n')
    lab = Lab(folder)
    kinds = set()
    try:
        with ExitStack() as stack:
            lab.start_server()
            ada = lab.person("ada")
            shutil.copy(hog.__file__, ada.work)
            for who, level in KINDS:
                if (who == "user" or os.geteuid() == 0) and (level != "landlock" or landlock_version() >= LEAST_VERSION):
                    kind = f"{who}-{level}"
                    options = ["--slots", "8", "--label", f"kind={kind}", "--config", str(folder / "worker.toml")]
                    start_worker(lab, stack.enter_context(Stand.of(who)), kind, level, [interpreters[-1].path], *options)
                    kinds.add(kind)
            wait_until(lambda: lab.admin("workers").count("ready") == len(kinds), "workers that are ready")
            yield ada, kinds
            lab.stop()
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", [f"{who}-{level}" for who, level in KINDS])
def test_what_takes_too_much_is_ended_or_said_not_to_be(house: tuple[Person, set[str]], kind: str) -> None:
    ada, kinds = house
    if kind not in kinds:
        pytest.skip("no such worker here")
    started = {
        taking.name: ada.start("map", "--label", f"kind={kind}", "--range", f"{taking.amount}:{taking.amount + 1}", f"hog.py:{taking.name}") for taking in RESOURCES
    }
    said = {name: process.communicate(timeout=100)[0].decode() for name, process in started.items()}
    assert {taking.name: said[taking.name] for taking in RESOURCES if not came_as_said(taking, said[taking.name])} == {}


def came_as_said(taking: Taking, said: str) -> bool:
    """Whether what the table says of it came of it."""
    if not taking.contained:
        return '"through: ' in said
    return f'"{taking.error}"' in said or '"contained: ' in said
