"""A worker that stands still holds nobody up who has other machines."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from tests.end_to_end.lab import DEADLINE, Lab, Person, wait_until

pytestmark = pytest.mark.slow

PROGRAM = """
import time


def wait(x):
    print("item %d" % x)
    time.sleep(0.2)
    return x
"""

#: A lease far beyond what any test waits for: nothing comes back from the worker that was stopped.
CONFIG = '[leases]\nlease = "1h"\nsilent_after = "50m"\ncopy_least = "500ms"\n'


def test_what_a_stopped_worker_had_is_run_elsewhere_and_everything_comes_once(tmp_path) -> None:
    lab = Lab(tmp_path)
    config = tmp_path / "server.toml"
    config.write_text(CONFIG)
    try:
        lab.start_server("--config", str(config))
        stopped, _ = lab.start_worker("lab-1"), lab.start_worker("lab-2")
        ada = lab.person("ada")
        ada.write("prog.py", PROGRAM)
        wait_until(lambda: len(asked(ada, "workers")) == 2, "both workers")
        running = ada.start("map", "--range", "0:24", "prog.py:wait")
        wait_until(lambda: all(worker["busy"] for worker in asked(ada, "workers")), "both workers to be at work")
        wait_until(lambda: asked(ada, "list")[0]["done"] >= 4, "some items to be done")
        os.kill(stopped.process.pid, signal.SIGSTOP)
        out, err = running.communicate(timeout=DEADLINE)
        assert running.returncode == 0, err
        assert [json.loads(line) for line in out.splitlines()] == [{"index": x, "value": x} for x in range(24)]
        assert sorted(err.splitlines()) == sorted(b"item %d" % x for x in range(24))
    finally:
        lab.stop()


def asked(person: Person, command: str) -> Any:
    """What a person is shown, as JSON."""
    return json.loads(person.tasker(command, "--json").out)
