"""
What became of a program whose worker was killed, as a record for programs (JSON) and a page for people (reStructuredText).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances, sentence
from bench.table import table

_HEAD = """A worker that is killed
=======================

``python -m tests.proofs.killing --seed {seed}`` runs ``tests/proofs/killed_program.py`` in a lab of one server and two workers: three portions of 60
items each, with standard input, prints, files that one portion writes, the next reads and the last deletes. At random moments the worker that has the
main program is killed with everything below it (kill -9), and started again; the server lets an item be lost as often (by default one that is
lost thrice fails). What the program leaves at the person's place (output, files, exit
code) must be what plain Python leaves, everything once.
"""


@dataclass(frozen=True)
class Kill:
    """One kill -9. ``seconds``: since the run began; ``processes``: how many were killed; ``printed``: lines of output until then."""

    seconds: float
    worker: str
    processes: int
    printed: int


def write_record(folder: Path, seed: int, python: str, seconds: float, took: float, done: Sequence[Kill], found: Sequence[str]) -> None:
    """``killing.json`` and ``killing.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    record: dict[str, Any] = {"circumstances": around, "seed": seed, "python": python, "undisturbed_seconds": seconds, "seconds": round(took, 1)}
    (folder / "killing.json").write_text(json.dumps({**record, "kills": [asdict(kill) for kill in done], "found": found}, indent=1) + "\n")
    verdict = "Nothing was different" if not found else "DIFFERENT: " + "; ".join(found)
    told = f"Recorded with {sentence(around)}. The program, in Python {python}, would take {seconds:.0f} s undisturbed and took {took:.0f} s. {verdict}."
    rows = [(f"{kill.seconds:.1f} s", kill.worker, str(kill.processes), str(kill.printed)) for kill in done]
    heads = ("killed after", "worker", "processes", "lines printed by then")
    (folder / "killing.rst").write_text("\n".join([_HEAD.format(seed=seed), told, "", table(heads, rows), ""]))
