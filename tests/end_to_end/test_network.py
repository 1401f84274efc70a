"""The network is there for a program where the worker's owner and its task both say so, and nowhere else."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.lab import DEADLINE, Daemon, Lab, Person, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.needs_bwrap]

PROGRAM = """
import socket
import time


def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        return "reached"
    except (OSError, IOError):
        return "refused"


if __name__ == "__main__":
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="marx-network-"))
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        lab.start_server()
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ada(lab: Lab) -> Person:
    person = lab.person("ada")
    person.write("program.py", PROGRAM)
    return person


def start_permitting(lab: Lab, name: str, permits: bool) -> Daemon:
    """A worker whose owner says whether the network may be used."""
    config = lab.home_of(name) / "worker.toml"
    config.write_text(f"[lending]\nnetwork = {str(permits).lower()}\n")
    return lab.start_worker(name, "--config", str(config), "--label", f"owner={'permits' if permits else 'forbids'}")


def test_it_takes_two(lab: Lab, ada: Person) -> None:
    for name, permits in (("one", True), ("two", False)):
        start_permitting(lab, name, permits)
    lab.wait_for_workers()
    assert sorted(worker["network"] for worker in json.loads(ada.tasker("workers", "--json").out)) == [False, True]
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = str(service.getsockname()[1])
        item = ["program.py:reach", "--range", f"{port}:{int(port) + 1}"]

        def came_of(*options: str) -> str:
            said = ada.tasker("map", *options, *item[1:], item[0])
            return said.lines()[0]["value"]

        assert came_of("--network") == "reached"
        assert came_of("--network", "--label", "owner=permits") == "reached"
        assert came_of("--label", "owner=permits") == "refused"
        assert came_of("--label", "owner=forbids") == "refused"
        said = ada.tasker("map", "--network", "--label", "owner=forbids", "--start-within", "1s", *item[1:], item[0], expect=75)
    assert "does not let programs use the network" in said.err


def test_a_program_that_may_have_used_it_is_not_started_again(lab: Lab, ada: Person) -> None:
    worker = start_permitting(lab, "one", True)
    wait_until(lambda: "ready" in lab.admin("workers"), "a worker that is ready")
    process = ada.start("run", "--network", "program.py", stderr=subprocess.STDOUT)
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    worker.kill()
    again = lab.start_worker("one", "--config", str(worker.folder / "worker.toml"))
    said = process.communicate(timeout=DEADLINE)[0].decode()
    assert again.running() and process.returncode and "with --network it is not started again" in said
