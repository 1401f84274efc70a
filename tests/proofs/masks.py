"""
What may differ between two runs and is not compared: each mask is a pattern with its reason. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import reduce

from tests.proofs.outcomes import Entry, Outcome

STREAMS = ("stdout", "stderr")


@dataclass(frozen=True)
class Mask:
    """
    Something that two plain runs do differently. ``where``: "stdout", "stderr" or a file's name with wildcards.

    ``pattern``: each match becomes ``instead``; without one, ``sorted_lines`` says that the lines come in any order, and else the whole
    content is left out.
    """

    where: str
    reason: str
    pattern: str = ""
    instead: str = "<masked>"
    sorted_lines: bool = False

    def over(self, content: bytes) -> bytes:
        """``content`` without what this mask hides."""
        if self.pattern:
            return re.sub(self.pattern.encode(), self.instead.encode(), content, flags=re.MULTILINE)
        return b"".join(sorted(content.splitlines(keepends=True))) if self.sorted_lines else b"<masked>"


def masked(outcome: Outcome, masks: Iterable[Mask]) -> Outcome:
    """What is left to compare."""
    return reduce(_behind, masks, outcome)


def _behind(outcome: Outcome, mask: Mask) -> Outcome:
    if mask.where in STREAMS:
        return replace(outcome, **{mask.where: mask.over(getattr(outcome, mask.where))})
    return replace(outcome, files=_behind_files(outcome.files, mask))


def _behind_files(files: Mapping[str, Entry], mask: Mask) -> Mapping[str, Entry]:
    hidden = {name: replace(entry, content=mask.over(entry.content)) for name, entry in files.items() if fnmatch(name, mask.where)}
    return {**files, **hidden}
