"""
The two languages called Python: how the generator's one text becomes 2.7 or 3.x.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SAID = re.compile(r"^(\s*)(.*?)\bsay\((.*)\)$")
_COMPLAINED = re.compile(r"^(\s*)(.*?)\bcomplain\((.*)\)$")


@dataclass(frozen=True)
class Dialect:
    """The minor version of Python that a program is for, and whether it prints by statement, which only 2.7 can."""

    version: tuple[int, int]
    print_statement: bool = False

    @property
    def is_two(self) -> bool:
        """Whether this is 2.7."""
        return self.version < (3,)

    @property
    def future(self) -> str:
        """The line that a program in 2.7 needs to print by function."""
        return "from __future__ import print_function\n" if self.is_two and not self.print_statement else ""

    def translated(self, text: str) -> str:
        """``say(...)`` and ``complain(...)``, each alone at a line's end, as prints to standard output and standard error."""
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, line: str) -> str:
        if said := _SAID.match(line):
            return "{}{}{}".format(*said.group(1, 2), f"print {said[3]}" if self.print_statement else f"print({said[3]})")
        if said := _COMPLAINED.match(line):
            error = f"print >>sys.stderr, {said[3]}" if self.print_statement else f"print({said[3]}, file=sys.stderr)"
            return "{}{}{}".format(*said.group(1, 2), error)
        return line
