"""
What a lab went through and what came of it, as a record for programs (JSON) and a page for people (reStructuredText).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances, sentence
from bench.table import table

_HEAD = """Chaos
=====

``make chaos`` (``python -m tests.proofs.chaos --minutes {minutes:g} --seed {seed}``) lets maps and whole programs (three portions, files, an exit code of their
own) follow each other in a lab of one server and three workers, in Python {pythons}. Meanwhile processes of it are killed (kill -9), stopped and let go on,
daemons restarted, and the wire between server and everybody else is cut, frozen and slow, at random. Each task is shown by one tasker
after the other. What the last one showed must be exactly right: results, lines, order, files, exit code; what each showed before it was killed
must be the beginning of that; and in the end no process, lease, unanswered report or temporary file may be left.
"""


@dataclass(frozen=True)
class Course:
    """``trouble``: what happened how often, once in ``pause`` seconds; ``tasks``: how many ended; ``findings``: how much was wrong."""

    minutes: float
    pause: float
    trouble: Mapping[str, int]
    tasks: int
    findings: int

    def sentence(self) -> str:
        """All of it in short."""
        return f"{sum(self.trouble.values())} troubles in {self.minutes:g} minutes, {self.tasks} tasks, {self.findings} findings"


def write_record(folder: Path, seed: int, pythons: Sequence[str], course: Course, found: Sequence[str]) -> None:
    """``chaos.json`` and ``chaos.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    record: dict[str, Any] = {"circumstances": around, "seed": seed, "pythons": pythons, **asdict(course), "found": found}
    (folder / "chaos.json").write_text(json.dumps(record, indent=1) + "\n")
    head = _HEAD.format(minutes=course.minutes, seed=seed, pythons=" and ".join(pythons))
    told = f"Recorded with {sentence(around)}. {course.sentence()}."
    rows = [(kind, str(count)) for kind, count in sorted(course.trouble.items())]
    (folder / "chaos.rst").write_text("\n".join([head, told, "", table(("trouble", "times"), rows), "", *found]))
