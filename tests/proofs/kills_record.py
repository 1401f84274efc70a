"""
What became of a map whose lab was killed piece by piece, as a record for programs (JSON) and a page for people (reStructuredText).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances, sentence
from bench.table import table

_HEAD = """Everything is killed
====================

``python -m tests.proofs.kills --items {items} --slots {slots} --seed {seed}`` maps ``tests/proofs/killed_items.py`` (5 ms an item, one in twenty
prints a line before and one after its work) in a lab of one server and three workers, over TLS and in sandboxes. Every {pause:.1f} s one process dies by
kill -9, drawn at random: the server, a worker, something below a worker (sandbox, runner, the fork that runs a chunk), or the tasker; it is started
again at once, the tasker by ``tasker attach``. Results must be exactly those of the plain function, in order, each printed line there once, in what
every tasker showed until it died; and afterwards no lease, process or temporary file may be left. Then the same undisturbed.
"""


@dataclass(frozen=True)
class Ran:
    """One map. ``pause``: seconds between two kills; ``kills``: by what was killed; ``shows``: how many taskers showed it; ``found``: what was wrong."""

    seconds: float
    pause: float | None
    kills: Mapping[str, int]
    shows: int
    found: Sequence[str]


def write_record(folder: Path, seed: int, python: str, items: int, slots: int, killed: Ran, quiet: Ran) -> None:
    """``kills.json`` and ``kills.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    ratio = killed.seconds / quiet.seconds
    record: dict[str, Any] = {"circumstances": around, "seed": seed, "python": python, "items": items, "slots_of_each_worker": slots, "ratio": round(ratio, 2)}
    (folder / "kills.json").write_text(json.dumps({**record, "killed": asdict(killed), "undisturbed": asdict(quiet)}, indent=1) + "\n")
    found = [*killed.found, *quiet.found]
    verdict = "Everything was right" if not found else "WRONG: " + "; ".join(found)
    total = sum(killed.kills.values())
    told = f"Recorded with {sentence(around)}. {items:,} items in Python {python}, {total} kills: {ratio:.2f} times as long as undisturbed. {verdict}."
    heads = ("", "seconds", *killed.kills, "taskers")
    rows = [_row("killed", killed), _row("undisturbed", quiet)]
    (folder / "kills.rst").write_text("\n".join([_HEAD.format(seed=seed, items=items, slots=slots, pause=killed.pause), told, "", table(heads, rows), ""]))


def _row(name: str, ran: Ran) -> tuple[str, ...]:
    return (name, f"{ran.seconds:.1f}", *map(str, ran.kills.values()), str(ran.shows))
