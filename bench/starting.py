"""
How long a runner takes to start, by the worker's own parts and without a lab; and a plain Python beside it.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from marx.worker.kit import compile_kit, lay_out_kit
from marx.worker.launch import Launch
from marx.worker.messages import Loaded
from marx.worker.probing import own_interpreter
from marx.worker.sandbox import choose
from marx.worker.selftest import run_to_end
from marx.worker.trial import small_runner, told_by


def seconds_of_runners(times: int) -> Iterator[float]:
    """From the start of a process in bubblewrap to the frame that says that its program is loaded."""
    interpreter = own_interpreter()
    with tempfile.TemporaryDirectory(prefix="marx-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the slot's user finds its own files below
        sandbox, kit = choose("bwrap", folder), lay_out_kit(folder / "kit")
        compile_kit(kit, interpreter)
        for _ in range(times):
            with small_runner(sandbox, lambda _: kit, interpreter, folder) as (launch, told):
                yield _seconds_of(launch, told)


def _seconds_of(launch: Launch, told: bytes) -> float:
    heard_at: list[float] = []

    def is_loaded(said: bytes) -> bool:
        heard_at.append(time.perf_counter())
        return any(isinstance(each, Loaded) for each in told_by(said))

    began_at = time.perf_counter()
    said, complaint = run_to_end(launch, orders=told, is_enough=is_loaded)
    if not any(isinstance(each, Loaded) for each in told_by(said)):
        raise RuntimeError(f"a runner did not start: {complaint.decode(errors='replace')}")
    return heard_at[-1] - began_at


def seconds_of_pythons(times: int) -> Iterator[float]:
    """The same Python, which does nothing."""
    path = own_interpreter().path
    for _ in range(times):
        began_at = time.perf_counter()
        subprocess.run([path, "-c", "pass"], check=True)
        yield time.perf_counter() - began_at
