"""
What fuzzing came to, as a record for programs (JSON) and a page for people (reStructuredText).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.circumstances import circumstances, sentence
from bench.table import table

_HEAD = """Whatever others may send
========================

``python -m tests.proofs.fuzzing --seed {seed}`` draws inputs, most of them valid but for one thing, and gives them to everything of Marx that reads
what others wrote: packs, frames of a runner (and a worker's slots with a runner that says them), reports, join codes, certificate requests,
specifications, and whole sessions of AMP against a server, in each role and without a certificate, in memory behind the gate's protocols and over
TLS. Each may be refused. None may raise anything else, be logged as an error, show its sender a traceback or tell it of a fault, change what
somebody else has, or stop somebody else's connection from being answered. Inputs that did so once are in ``tests/fuzzed`` and are tried by every run of
the tests.
"""


@dataclass(frozen=True)
class Finding:
    """An input that surprised its reader, and how."""

    target: str
    data: bytes
    words: str

    def __str__(self) -> str:
        return f"{self.target}: {self.words}"


@dataclass
class Tally:
    """Inputs and seconds by target. ``growth_bytes``: by how much memory grew while sessions were tried."""

    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    growth_bytes: int = 0

    @contextmanager
    def timed(self, target: str, count: int) -> Iterator[None]:
        """Count what is done in this block."""
        if not count:
            yield
            return
        begun = time.monotonic()
        yield
        self.counts[target] = self.counts.get(target, 0) + count
        self.seconds[target] = self.seconds.get(target, 0.0) + time.monotonic() - begun

    def sentence(self) -> str:
        """For people, in one line."""
        total, seconds = sum(self.counts.values()), sum(self.seconds.values())
        return f"{total:,} inputs in {seconds:.0f} s, {len(self.findings)} surprises; memory grew by {self.growth_bytes / 1e6:.0f} MB over the sessions"


def write_record(folder: Path, seed: int, tally: Tally) -> None:
    """``fuzzing.json`` and ``fuzzing.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    record = {
        "circumstances": around,
        "seed": seed,
        "inputs": tally.counts,
        "seconds": {name: round(seconds, 1) for name, seconds in tally.seconds.items()},
        "growth_bytes": tally.growth_bytes,
        "found": [{"target": finding.target, "words": finding.words, "data": finding.data.hex()} for finding in tally.findings],
    }
    (folder / "fuzzing.json").write_text(json.dumps(record, indent=1) + "\n")
    rows = [(name, f"{count:,}", f"{tally.seconds[name]:.0f} s") for name, count in tally.counts.items()]
    told = f"Recorded with {sentence(around)}. {tally.sentence()}."
    page = [_HEAD.format(seed=seed), told, "", table(("what reads", "inputs", "time"), rows), *map(str, tally.findings), ""]
    (folder / "fuzzing.rst").write_text("\n".join(page))
