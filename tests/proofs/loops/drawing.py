"""
Programs drawn from a seed: sites in a module, a function, a method or ``main()``, each a form around a work, one after the other.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.proofs.loops.forms import FORMS, ITEMS, Form
from tests.proofs.loops.works import HARMLESS, TRAPS, Work

PLACES = ("module", "function", "main", "method", "closure")
MARK = "  # number "

_FRAMES = {
    "function": ("def siteN():\n{body}\n    return got\n", "got = siteN()\n"),
    "main": ("def mainN():\n{body}\n    print(repr(got))\n    return got\n", "if __name__ == '__main__':\n    got = mainN()\n"),
    "method": ("class SiteN(object):\n    def __init__(self):\n        self.k = 1\n    def go(self):\n{body}\n        return got\n", "got = SiteN().go()\n"),
    "closure": ("def outerN(offset):\n    def inner():\n{body}\n        return got, offset\n    return inner\n", "got, _ = outerN(2)()\n"),
}


@dataclass(frozen=True)
class Site:
    """One site of a program. ``is_separable``: nothing about it is a trap, so it may be divided."""

    number: int
    form: Form
    work: Work
    place: str
    items: str

    @property
    def is_separable(self) -> bool:
        """See the class."""
        return not self.form.trap and not self.work.trap

    @property
    def prints_as_in_2(self) -> bool:
        """Whether it has ``print`` as a statement that a function cannot be."""
        return re.search(r"\bprint (?!=)['>a-z]", self.form.text + "\n" + self.work.define + "\n" + self.work.after) is not None

    @property
    def is_long(self) -> bool:
        """Whether it goes over enough items to be divided."""
        return self.items not in ("range(0)", "[2]")

    def text(self) -> str:
        """Its statements. What a trap of a work needs of the module stands there."""
        form = self.form.text.replace("CALL", self.work.call).replace("ITEMS", self.items)
        site = form.replace("@", MARK + str(self.number))
        after = "print(repr(got))\n" + self.work.after + "\nprint(repr(got))\n"
        if self.place == "module":
            text = f"{self.work.define}\n{site}\n{after}"
        else:
            frame, call = _FRAMES[self.place]
            depth = 2 if self.place in ("method", "closure") else 1
            text = f"{self.work.define}\n{frame.format(body=textwrap.indent(site, '    ' * depth))}{call}{after}"
        return _numbered(text, self.number)


@dataclass(frozen=True)
class Program:
    """What was drawn."""

    head: str
    sites: tuple[Site, ...]

    def text(self) -> str:
        """Of its file."""
        return self.head + "".join(site.text() for site in self.sites) + "print('end')\n"

    def write(self, folder: Path) -> None:
        """All its files, into a new folder."""
        folder.mkdir(parents=True)
        (folder / "prog.py").write_text(self.text())
        for site in self.sites:
            if site.work.module:
                (folder / f"help{site.number}.py").write_text(site.work.module)

    def lines(self) -> dict[int, Site]:
        """Where its sites stand."""
        numbered = {str(site.number): site for site in self.sites}
        lines = enumerate(self.text().split("\n"), 1)
        return {number: numbered[line.rpartition(MARK)[2]] for number, line in lines if MARK in line}

    def smaller(self) -> Iterator[Program]:
        """Those that lack one thing of this one."""
        for site in self.sites:
            if len(self.sites) > 1:
                yield replace(self, sites=tuple(other for other in self.sites if other is not site))
            for items in ("range(3)", "range(4)"):
                if site.items not in (items, "range(3)"):
                    yield self._with(site, replace(site, items=items))
            if site.place != "module":
                yield self._with(site, replace(site, place="module"))

    def _with(self, old: Site, new: Site) -> Program:
        return replace(self, sites=tuple(new if site is old else site for site in self.sites))


def draw(random: Random, version: tuple[int, int], traps: bool = True) -> Program:
    """A program that this Python can run; without ``traps`` all its sites are separable."""
    sites = tuple(_site(random, number, version, traps) for number in range(1, random.randint(1, 3) + 1))
    head, chance = "", random.random()
    if version < (3,) and chance < 0.6:
        head = "from __future__ import print_function\n" if chance < 0.3 else "from __future__ import division, print_function\n"
    return Program("" if any(site.prints_as_in_2 for site in sites) else head, sites)


def _site(random: Random, number: int, version: tuple[int, int], traps: bool) -> Site:
    forms = [form for form in FORMS if may_run(form, version)]
    works = [work for work in (TRAPS if traps and random.random() < 0.4 else HARMLESS) if may_run(work, version)]
    harmless = [form for form in forms if not form.trap]
    form = random.choice(forms if traps and random.random() < 0.5 else harmless)
    works = [work for work in works if may_stand_in(form, work, version)]
    items = random.choice(ITEMS[:5] if random.random() < 0.85 else ITEMS)
    return Site(number, form, random.choice(works), random.choice(PLACES), items)


def may_stand_in(form: Form, work: Work, version: tuple[int, int]) -> bool:
    """Whether an interpreter survives both: 3.0 to 3.8 are aborted where a program goes on from the end of calls, see docs/dividing.rst."""
    is_aborted = (3,) <= version < (3, 9) and form.name == "comprehension near the end of calls" and work.name == "how deep it may go"
    return not is_aborted


def may_run(what: Form | Work, version: tuple[int, int]) -> bool:
    """Whether a Python knows its syntax."""
    return version < (3,) if what.two else version >= (3, 8) or not what.three


def _numbered(text: str, number: int) -> str:
    """A capital N at the end of a name, or alone, is the number."""
    return re.sub(r"(?<=[A-Za-z_])N\b(?!\w)|\bN\b|(?<=[a-z])N(?=[-%'])", str(number), text)
