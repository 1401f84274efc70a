"""Timers go by a clock that nobody sets, in every process of Marx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

JUMPING = """
import time
wall = [1e9]
time.time = lambda: wall[0]
from twisted.internet import reactor
from marx.steady import steady
IS_STEADY and steady(reactor)
fired = []
reactor.callLater(3600, fired.append, "too early")
wall[0] += 86400.0
reactor.callLater(0, reactor.stop)
reactor.run()
print(fired)
"""

ROOTS = {
    "server": "from marx.server.tap import Options, makeService\noptions = Options()\noptions.parseOptions(['--state', STATE])\nmakeService(options)",
    "worker": "from marx.worker.tap import Options, makeService\noptions = Options()\noptions.parseOptions(['--state', STATE])\nmakeService(options)",
    "tasker": "from marx.tasker.cli import run_to_the_end\nasync def errand(around):\n    return 0\nassert run_to_the_end(errand) == 0",
    "marx-admin": "from twisted.internet.defer import succeed\nfrom marx.server.admin_cli import run\nassert run(lambda: succeed(1)) == 1",
}


def ran(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120).stdout.strip()


@pytest.mark.parametrize(("is_steady", "fired"), [(True, "[]"), (False, "['too early']")])
def test_a_step_of_the_wall_clock_fires_no_timer_early(is_steady: bool, fired: str) -> None:
    assert ran(JUMPING.replace("IS_STEADY", str(is_steady))) == fired


@pytest.mark.parametrize("root", ROOTS)
def test_every_process_of_ours_measures_by_the_steady_clock(root: str, tmp_path: Path) -> None:
    program = ROOTS[root].replace("STATE", repr(str(tmp_path / "state")))
    assert ran(f"{program}\nimport time\nfrom twisted.internet import reactor\nprint(reactor.seconds is time.monotonic)") == "True"
