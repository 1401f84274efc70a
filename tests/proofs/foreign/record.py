"""
What is kept of the three parts: one file for programs (JSON), to which each run adds, and a page for people that is made anew from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances
from tests.proofs.foreign.listing import Package
from tests.proofs.foreign.page import page
from tests.proofs.foreign.rows import Look, Run, Survey
from tests.proofs.foreign.timing import Timed

PARTS = ("survey", "runs", "sites")


class Record:
    """``foreign.json`` and ``foreign.rst`` in ``folder``. Of each package and part it holds under which circumstances it was added to last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "foreign.json"
        self._content: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {"packages": {}}
        self._around = circumstances()

    def begin(self, part: str, package: Package, python: str, files: Sequence[str], again: bool) -> None:
        """What is added next is of this part of a package; ``again``: and stands alone. What is no program of it any more goes."""
        kept = self._content["packages"].setdefault(package.name, {})
        kept.update(python=python, requirement=package.source.requirement, sha256=package.source.sha256, programs=len(files))
        kept.update(patterns=list(package.programs), leave=dict(package.leave))
        if again or part not in kept:
            kept[part] = {"programs": {}}
        kept[part]["circumstances"] = self._around
        kept[part]["programs"] = {file: row for file, row in kept[part]["programs"].items() if file in files}

    def has(self, part: str, package: Package, file: str) -> bool:
        """Whether a program was done already."""
        return file in self._content["packages"].get(package.name, {}).get(part, {}).get("programs", {})

    def surveyed(self, package: Package, survey: Survey, looks: Sequence[Look]) -> None:
        """A whole package."""
        counts = {look.file: [look.places, sum(site.construct != "while loop" for site in look.sites), _proved(look)] for look in looks}
        self._part("survey", package).update({**vars(survey), "programs": counts})
        self.save()

    def ran(self, package: Package, file: str, run: Run) -> None:
        """One program."""
        self._part("runs", package)["programs"][file] = {**asdict(run), "commit": self._around["commit"]}
        self.save()

    def timed(self, package: Package, file: str, timed: Timed) -> None:
        """One program."""
        self._part("sites", package)["programs"][file] = {**asdict(timed), "commit": self._around["commit"]}
        self.save()

    def proved(self, package: Package, file: str) -> tuple[int, int]:
        """Sites of a program that are proved, and sites: what is worth trying comes first. Nothing before the survey."""
        _, work, proved = self._part("survey", package)["programs"].get(file, (0, 0, 0))
        return proved, work

    def run(self, package: Package, file: str) -> Mapping[str, Any] | None:
        """What the second part said of a program."""
        return self._part("runs", package)["programs"].get(file)

    def save(self) -> None:
        """Both files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._content = {"circumstances": self._around, "packages": dict(sorted(self._content["packages"].items()))}
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(self._content, indent=1) + "\n")
        partial.rename(self._path)
        (self._folder / "foreign.rst").write_text(page(self._content))

    def _part(self, part: str, package: Package) -> dict[str, Any]:
        empty: dict[str, Any] = {"programs": {}}
        return self._content["packages"].get(package.name, {}).get(part, empty)


def _proved(look: Look) -> int:
    return sum(site.is_proved for site in look.sites)
