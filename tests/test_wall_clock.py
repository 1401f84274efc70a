"""Where Marx asks the wall clock, and what for: a step of it harms nothing, since whatever has to happen in time goes by other clocks.

A place that is new in this table has to be looked at: is what it gets only stored, shown, or compared with what others wrote by a wall clock?
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

from tests.pythons import UserPython
from tests.source import CHECKOUT, Source, sources

STORED = "stored for people, and shown"
CERTIFICATES = "certificates and join codes end at a date; clocks may differ by some days"
RETENTION = "ages are in days; a jump is noticed by comparing with the monotonic clock, and nothing is forgotten in that round"
PLACES = {
    "marx/embedded.py": "hands it on",
    "marx/renewing.py": CERTIFICATES,
    "marx/runner/changes.py": "whether a file's own date is so young that another change may hide behind it: then its content is compared",
    "marx/runner/found/calls.py": "2.7 alone: whether a loop is worth dividing; a step misjudges one loop, whose results are the same either way",
    "marx/server/admin_cli.py": "which lines of the audit a person wants to see",
    "marx/server/auditing.py": STORED,
    "marx/server/composing.py": STORED,
    "marx/server/daemon.py": CERTIFICATES,
    "marx/server/enrolment.py": CERTIFICATES,
    "marx/server/forgetting.py": STORED,
    "marx/server/identity.py": CERTIFICATES,
    "marx/server/keeping.py": RETENTION,
    "marx/server/service.py": STORED,
    "marx/server/steering.py": STORED,
    "marx/server/submitting.py": "stored; the order of arrival, which never goes back in one server's life and only breaks ties between equals",
    "marx/server/tap.py": "hands it on",
    "marx/tasker/artifacts.py": "hands it on",
    "marx/tasker/attaching.py": "what a person changed at home since: by the dates of those files, also of those that were sent",
    "marx/tasker/cli.py": "hands it on",
    "marx/tasker/commands.py": "how long ago, for people",
    "marx/tasker/landing.py": "no file is dated later than now",
    "marx/tasker/preparing.py": "what a person changed at home since: by the dates of those files, also of those that were sent",
    "marx/tasker/shell.py": "how long ago, for people",
    "marx/worker/composing.py": "hands it on",
    "marx/worker/daemon.py": CERTIFICATES,
    "marx/worker/reporting.py": STORED,
    "marx/worker/tap.py": "hands it on",
}


def asks(source: Source) -> bool:
    """Whether a file names the wall clock: `time.time`, or what is handed on under the name of wall."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and (node.attr in ("wall", "_wall") or ast.unparse(node) == "time.time"):
            if not (isinstance(node.ctx, ast.Store)):
                return True
    return False


def test_every_place_that_asks_the_wall_clock_is_known() -> None:
    assert {source.place for source in sources("marx") if asks(source)} == set(PLACES)


STEPPING = """
import sys, time
sys.path.insert(0, sys.argv[1])
steps = iter([5e9, 0.0, 9e9, -1e9])
time.time = lambda: next(steps, 1e9)
from marx.runner.compat import elapsed, monotonic
since = monotonic()
for _ in range(5):
    time.sleep(0.02)
    time.time()
assert 0.09 < elapsed(since) < 60, elapsed(since)
"""


def test_the_runner_measures_by_a_clock_that_does_not_step(user_python: UserPython, tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(STEPPING)
    subprocess.run([str(user_python.path), str(tmp_path / "step.py"), str(CHECKOUT)], check=True, timeout=60)
