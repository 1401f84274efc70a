"""The runner as process 1 of a sandbox, which is what it most often is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.conftest import ZOO
from tests.runner.driving import Driver
from tests.runner.spawning import Setting

BWRAP = [
    *"--unshare-user --uid 65534 --gid 65534 --cap-drop ALL --unshare-pid --as-pid-1 --die-with-parent --new-session".split(),
    *"--bind / / --proc /proc --dev /dev".split(),
]


def sandbox() -> Setting:
    return Setting(prefix=[str(shutil.which("bwrap")), *BWRAP])


@pytest.mark.needs_bwrap
def test_leftovers_of_all_kinds_are_gone_after_each_chunk(kit: Path, user_python: UserPython, tmp_path: Path) -> None:
    with Driver(user_python, kit, ZOO, "act", sandbox()) as driver:
        assert driver.loaded().fork
        outcome = driver.map([["leave_behind", str(tmp_path / "a")], ["leave_behind", str(tmp_path / "b")], ["all_processes"]])
        own, left = outcome.values[2], [int((tmp_path / name).read_text()) for name in "ab"]
        assert {1, *left} < set(own) and len(own) == 4
        assert driver.map([["all_processes"]]).values[0][0] == 1
        assert len(driver.map([["all_processes"]]).values[0]) == 2
        assert driver.map([["die", 3]]).ended.exit == 3
        assert driver.quit() == 0


@pytest.mark.needs_bwrap
def test_a_chunk_can_neither_stop_the_runner_nor_look_into_it(kit: Path, user_python: UserPython) -> None:
    with Driver(user_python, kit, ZOO, "act", sandbox()) as driver:
        assert driver.loaded().fork
        assert driver.map([["signal_the_runner"]]).ended.outcome == "died"
        assert driver.map([["look_into_the_runner"]]).values == [["EACCES", "EACCES"]]
