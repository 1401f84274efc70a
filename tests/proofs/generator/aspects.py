"""
What an item function is made of: aspects, each a few lines in several places of a program that belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

NEWEST = (3, 99)


@dataclass(frozen=True)
class Aspect:
    """
    One thing that an item does, sees, is or returns. In every text ``_N`` stands for the number of its portion with an underscore before it, ``#N`` for the number alone.

    ``top``: definitions at module level. ``before``: in the main program ahead of the pool; ``between``: after the pool is made and ahead of
    the call; ``after``: behind the portion. ``rebinds``: module-level names that these assign to. ``body``: in the function, which has the item's
    number ``x`` and a list ``out`` of what it returns. ``wrap``: makes the item from its number ``i``; ``unwrap``: gets the number back from ``item``.
    ``files``: content by name, there from the start. ``imports``: modules of the standard library.

    ``since``, ``until``: versions of Python. ``fork_only``: means something else, or nothing, where processes are not forked.
    ``fresh``: each item must have a process of its own, or the outcome is chance; ``of_main_thread``: it must not, since such
    processes are forked by another thread of the program. ``fails``: one item raises. ``only``: "Pool" or "executor".
    """

    name: str
    top: str = ""
    before: str = ""
    between: str = ""
    after: str = ""
    rebinds: tuple[str, ...] = ()
    body: str = ""
    wrap: str = ""
    unwrap: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    since: tuple[int, int] = (2, 7)
    until: tuple[int, int] = NEWEST
    fork_only: bool = False
    fresh: bool = False
    of_main_thread: bool = False
    fails: bool = False
    only: str = ""

    def numbered(self, number: int) -> Aspect:
        """With ``_N`` replaced everywhere."""
        texts = {one.name: getattr(self, one.name) for one in fields(self) if one.type == "str" and one.name != "name"}
        files = {_numbered(name, number): _numbered(text, number) for name, text in self.files.items()}
        rebinds = tuple(_numbered(name, number) for name in self.rebinds)
        return replace(self, **{name: _numbered(text, number) for name, text in texts.items()}, files=files, rebinds=rebinds)

    def suits(self, version: tuple[int, int], kind: str, forked: bool, fresh: bool) -> bool:
        """Whether it can be drawn for this Python and this kind of pool ("Pool" or "executor")."""
        possible = self.since <= version <= self.until and self.only in ("", kind)
        return possible and (forked or not self.fork_only) and (not self.of_main_thread if fresh else not self.fresh)


def _numbered(text: str, number: int) -> str:
    return text.replace("_N", f"_{number}").replace("#N", str(number))


def lines(texts: Iterable[str], indent: int = 0) -> list[str]:
    """The texts' lines, indented by so many levels; empty texts give none."""
    return ["    " * indent + line if line else "" for text in texts if text for line in text.split("\n")]
