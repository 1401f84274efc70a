"""
One generated program, run both ways and compared; and made smaller for as long as it still comes out differently.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.crowd import OnATerminal, WarmTasker
from tests.proofs.generator.drawn import Drawn
from tests.proofs.generator.rendering import Text, rendered
from tests.proofs.outcomes import Outcome, differences
from tests.proofs.tagged import ordered
from tests.proofs.ways import Call, TookTooLong
from tests.pythons import UserPython

#: How often a program that came out differently is run plainly again, before it is believed to have one outcome only.
AGAIN = 5
#: Programs that shrinking may run.
SHRINKING_RUNS = 150

Run = Callable[[Call, Path], Outcome]


@dataclass(frozen=True)
class Trial:
    """What came of one program. ``found``: differences; ``unstable``: plain Python does not agree with itself."""

    found: tuple[str, ...] = ()
    unstable: bool = False
    plain_seconds: float = 0.0
    marx_seconds: float = 0.0


class Bench:
    """A folder in which programs are tried, by as many threads as like; each has a place of its own, the same for every run of a program."""

    def __init__(self, folder: Path, python: UserPython, plainly: OnATerminal, marx: WarmTasker | OnATerminal) -> None:
        self._folder = folder
        self._python = python
        self._plainly = plainly
        self._marx = marx
        self._places = threading.local()

    def tried(self, drawn: Drawn) -> Trial:
        """Run it both ways; where the outcomes differ, plain Python must first agree with itself."""
        text = rendered(drawn)
        begun = time.monotonic()
        plain = self._run(self._plainly.run, text)
        between = time.monotonic()
        if isinstance(plain, str):
            return Trial((plain,), True, between - begun)
        marx = self._run(self._marx.run, text)
        found = _differences(plain, marx)
        spent = (between - begun, time.monotonic() - between)
        if found and any(_differences(plain, self._run(self._plainly.run, text)) for _ in range(AGAIN)):
            return Trial(tuple(found), True, *spent)
        return Trial(tuple(found), False, *spent)

    def shrunk(self, drawn: Drawn, trial: Trial) -> tuple[Drawn, Trial]:
        """The smallest program found that is different still, and in what; ``trial``: how this one was."""
        left = SHRINKING_RUNS
        while True:
            for smaller in drawn.smaller():
                left -= 1
                tried = self.tried(smaller) if left > 0 else Trial()
                if tried.found and not tried.unstable:
                    drawn, trial = smaller, tried
                    break
            else:
                return drawn, trial

    def _run(self, run: Run, text: Text) -> Outcome | str:
        work, aside = self._place()
        lay_out(text, work)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        version = "%d.%d.%d" % self._python.version
        call = Call(work, self._python.path, ["prog.py", *text.arguments], text.stdin.encode(), wanted=version)
        try:
            return ordered(run(call, aside), str(work).encode())
        except TookTooLong as error:
            return str(error)

    def _place(self) -> tuple[Path, Path]:
        if not hasattr(self._places, "work"):
            place = self._folder / f"place-{threading.get_ident()}"
            place.mkdir()
            self._places.work, self._places.aside = place / "work", place / "aside"
        return self._places.work, self._places.aside


def _differences(plain: Outcome | str, marx: Outcome | str) -> list[str]:
    """A text stands for a program that did not end."""
    if isinstance(plain, str) or isinstance(marx, str):
        return [said for said in (plain, marx) if isinstance(said, str)]
    return differences(plain, marx)


def lay_out(text: Text, folder: Path) -> None:
    """The program's files in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in text.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
