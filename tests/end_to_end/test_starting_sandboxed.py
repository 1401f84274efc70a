"""A worker of an ordinary user that starts on a machine without a sandbox: what it says, and that it does not start."""

from __future__ import annotations

import subprocess

import pytest

from tests.end_to_end.lab import Installation
from tests.worker.stand import Stand


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no working sandbox: bwrap was not found. Install it as root: apt-get install bubblewrap"),
        (["--sandbox", "none"], "name in users whose programs you trust"),
    ],
)
def test_a_worker_refuses_to_start_and_says_what_mends_it(options: list[str], said: str) -> None:
    with Stand.of("user") as stand:
        home, programs = stand.make("home"), stand.make("programs")
        (programs / "apt-get").write_text("#!/bin/sh\n")
        (programs / "apt-get").chmod(0o755)
        worker = Installation().twistd("marx-worker", "--state", str(home / "state"), *options)
        argv = stand.reaching(["/usr/bin/env", f"PATH={programs}", *worker], [])
        ended = subprocess.run(argv, cwd=home, env=Installation().environment(home), capture_output=True, text=True, timeout=60)
    assert (ended.returncode, said in ended.stdout + ended.stderr) == (78, True), ended
