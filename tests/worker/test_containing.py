"""Cgroups of a real system, given to a worker as its owner would: what fills memory is contained, and nothing of them is left."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marx.worker.bare import Bare
from marx.worker.bounds import Bounds
from marx.worker.containing import contain
from marx.worker.landlock import LEAST_VERSION, landlock_version
from tests.delegated import delegated
from tests.worker.stand import ENVIRONMENT, RECIPES, Stand

DRIVER = Path(__file__).with_name("drive_contained.py")


@pytest.fixture(params=[*RECIPES])
def stand(request: pytest.FixtureRequest) -> Iterator[tuple[Stand, list[str]]]:
    """A user's place, and the way into a cgroup of that user's."""
    with Stand.of(request.param) as stand, delegated(stand.uid) as before:
        if not before:
            pytest.skip("no cgroup can be given away here: it takes root, and cgroups that count memory and processes")
        yield stand, before


def drive(stand: Stand, before: list[str], level: str, what: str) -> dict[str, Any]:
    order = {"level": level, "state": str(stand.make("state")), "what": what}
    command = [*before, *stand.reaching([sys.executable, str(DRIVER), json.dumps(order)], [])]
    answer = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert answer.returncode in (0, -9), answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize("level", ["bwrap", "landlock"])
def test_what_a_worker_may_divide_contains_its_runners(stand: tuple[Stand, list[str]], level: str) -> None:
    place, before = stand
    if level == "landlock" and (place.uid is None or landlock_version() < LEAST_VERSION):
        pytest.skip("landlock is for ordinary users, on Linux 6.12")
    said = drive(place, before, level, "contain")
    assert "memory and processes of programs are contained by cgroups of version" in said["sentence"]
    assert said["left"] == 0


def test_a_later_worker_removes_the_groups_of_one_that_was_killed_and_ends_who_is_in_there(stand: tuple[Stand, list[str]]) -> None:
    place, before = stand
    left = drive(place, before, "none", "be killed")
    assert left["left"] == 1 and is_alive(left["pid"])
    assert drive(place, before, "none", "contain")["left"] == 0
    assert [folder for folder in left["folders"] if Path(folder).exists()] == [] and not is_alive(left["pid"])


def is_alive(pid: int) -> bool:
    """Whether it is there and no zombie, whose parent is somebody else's."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_machine_without_cgroups_is_told_of_and_watched(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "mountinfo").write_text("")
    groups, sentence = contain(Bare(None), tmp_path, tmp_path)
    assert sentence == "memory of programs is watched and not contained: no cgroups that count memory and processes are mounted here"
    assert groups.make(Bounds(memory_bytes=1 << 30)).memory_bytes == 0
