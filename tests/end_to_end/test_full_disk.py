"""A lab of real processes whose server's disk is full for a while: told at the door, nothing lost, and nobody has to start anything again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import sandbox_options
from tests.end_to_end.lab import Lab, wait_until
from tests.server.test_disk_trouble import filled, small_disk

PROGRAM = """
import time

def slow(item):
    time.sleep(3)
    return int(item) * 10

def plain(item):
    return "x" * 60000
"""


@pytest.mark.slow
@pytest.mark.needs_root
def test_what_runs_while_the_servers_disk_is_full_comes_out_when_there_is_room_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    lab.folder.mkdir()
    with small_disk(tmp_path / "disk", "6m") as disk:
        try:
            config = tmp_path / "server.toml"
            config.write_text(f'[store]\nurl = "sqlite:///{disk}/marx.sqlite"\n')
            lab.start_server("--config", str(config))
            lab.start_worker("one", *sandbox_options())
            ada = lab.person()
            ada.write("p.py", PROGRAM)
            lab.wait_for_workers()
            task = ada.tasker("map", "--detach", "p.py:slow", "1").out.decode().strip()
            wait_until(lambda: b'"busy": 1' in ada.tasker("workers", "--json").out, "the item to run")
            with filled(disk):
                began = time.monotonic()
                refused = wait_until(lambda: (said := ada.tasker("map", "--detach", "p.py:plain", "1", expect=None)).code == 69 and said, "a refusal")
                assert "the disk that holds it is full" in refused.err and refused.err.count("\n") == 1
                wait_until(lambda: time.monotonic() - began > 4, "the item to end, with nobody who takes its result")
            # Nobody does anything but to ask again.
            wait_until(lambda: ada.tasker("wait", task, expect=None).code == 0, "the task to end well")
            assert ada.tasker("results", task).lines() == [{"index": 0, "value": 10}]
            assert lab.server.running() and len(lab.daemons) == 2
        finally:
            lab.stop()
