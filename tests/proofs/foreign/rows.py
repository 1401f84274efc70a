"""
What the three parts find, as values: of one package what the analysis says, of one program how it ran, of one site how long it takes. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Seconds from which on a site counts as one that takes long.
LONG = 0.25


@dataclass(frozen=True)
class Site:
    """A loop, comprehension or map with work to do. ``reason``: why it stays; empty where it is proved, if ``is_conditional`` on values.

    ``is_head``: only a part of each turn is proved, mostly its beginning.
    """

    line: int
    construct: str
    reason: str = ""
    is_conditional: bool = False
    is_head: bool = False

    @property
    def is_proved(self) -> bool:
        """Whether nothing but values can keep it."""
        return not self.reason

    @property
    def key(self) -> str:
        """As the times have it."""
        return f"{self.line} {self.construct}"


@dataclass(frozen=True)
class Look:
    """What was said of one program. ``places``: loops, comprehensions and maps in it, whatever they do. ``error``: why nothing was said."""

    file: str
    places: int = 0
    sites: tuple[Site, ...] = ()
    error: str = ""


def look(file: str, path: str, said: Mapping[str, Any]) -> Look:
    """Of the answer about the program at ``path``: what stands in it, and no pool asks for."""
    if "error" in said:
        return Look(file, error=said["error"])
    mine = [row for row in said["portions"] if row["file"] == path and "conditions" in row]
    sites = [Site(row["line"], row["kind"], is_conditional=bool(row["conditions"]), is_head=bool(row["rest"])) for row in mine]
    sites += [Site(row["line"], row["construct"], row["reason"]) for row in said["kept"] if row["file"] == path and "hint" in row]
    return Look(file, said["places"], tuple(sorted(sites, key=lambda site: (site.line, site.construct))))


@dataclass
class Survey:
    """One package. ``whiles``: ``while`` loops are not counted as sites, since each turn decides about the next."""

    programs: int = 0
    places: int = 0
    work: int = 0
    proved: int = 0
    conditional: int = 0
    whiles: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unread: dict[str, str] = field(default_factory=dict)

    def add(self, one: Look) -> None:
        """Count what was said of a program."""
        self.programs += 1
        if one.error:
            self.unread[one.file] = one.error
        self.places += one.places
        for site in one.sites:
            if site.construct == "while loop":
                self.whiles += 1
                continue
            self.work += 1
            self.proved += site.is_proved
            self.conditional += site.is_conditional
            if site.reason:
                self.reasons[alike(site.reason)] += 1


def alike(reason: str) -> str:
    """The same for all programs: without names and numbers."""
    return re.sub(r"\d+", "N", re.sub(r"`[^`]*`", "`...`", reason))


@dataclass(frozen=True)
class Run:
    """
    One program. ``verdict``: "same", "different", or why that could not be seen: "unlike itself", "fails", "takes long".

    ``found``: what was different, or how it failed. ``plain``, ``marx``: seconds.
    """

    verdict: str
    found: tuple[str, ...] = ()
    plain: float = 0.0
    marx: float = 0.0

    @property
    def is_comparable(self) -> bool:
        """Whether Marx was held against it."""
        return self.verdict in ("same", "different")


@dataclass(frozen=True)
class Slow:
    """A site that takes long. ``seconds``: plainly, in all; ``longest``: of the longest of the ``times`` that it was gone through.

    ``divided``: so many of these times. ``marx``: seconds on two workers; None where nothing was divided. ``reason``: why it stayed.
    """

    line: int
    construct: str
    seconds: float
    longest: float
    times: int
    is_proved: bool
    divided: int = 0
    reason: str = ""
    marx: float | None = None

    @property
    def speedup(self) -> float | None:
        """How many times as fast, where it was divided."""
        return self.seconds / self.marx if self.marx else None


def counted(surveys: Iterable[Survey]) -> Survey:
    """All together."""
    total = Survey()
    for one in surveys:
        for name in ("programs", "places", "work", "proved", "conditional", "whiles"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        total.reasons.update(one.reasons)
        total.unread.update(one.unread)
    return total
