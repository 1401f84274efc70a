"""Labs for the tests in this folder."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence

import pytest

from tests.end_to_end.lab import Lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A server and two workers of one slot each, for a whole module."""
    with started_lab() as lab:
        yield lab


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """The same for one test alone, which may break it."""
    with started_lab() as lab:
        yield lab


@contextmanager
def started_lab(*workers: str, server: str = "", worker: Sequence[str] | None = None) -> Iterator[Lab]:
    """
    A running lab, by default with two workers, below a folder that other users may enter.

    ``server``: its configuration; ``worker``: options of each worker.
    """
    workers = workers or ("one", "two")
    folder = Path(tempfile.mkdtemp(prefix="marx-lab-"))
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        (folder / "server.toml").write_text(server)
        lab.start_server("--config", str(folder / "server.toml"))
        for name in workers:
            lab.start_worker(name, *(sandbox_options() if worker is None else worker))
        lab.wait_for_workers()
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


def sandbox_options() -> list[str]:
    """With bubblewrap where it is; without it a worker refuses to start unless told so, and these tests still say something."""
    return [] if shutil.which("bwrap") else ["--sandbox", "none", "--users", "ada,bob"]
