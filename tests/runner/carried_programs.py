"""Programs whose items see something of their program that is easily lost: read from programs/carried.

A file there holds many. Each begins with ``=== NAME``; lines with these words may follow:

  # stays REASON     it cannot be carried, and this stands in the reason why not
  # since VERSION    the first Python that reads it
  # needs MODULE     a library that the interpreter must have
  # start WORDS      what stands behind the interpreter, in place of ``prog.py``; # words A|B: the program's own
  # code             it is given by ``-c``
  # plain            HEAD does not stand in front of it

Then comes the main file, and others, each behind ``--- PATH``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "programs" / "carried"
MAIN = "prog.py"

HEAD = """from __future__ import print_function, division
import multiprocessing
def show(f, items=(1, 2, 3)):
    pool = multiprocessing.Pool(2)
    try:
        for result in pool.map(f, list(items), 1):
            print(result)
    finally:
        pool.close(); pool.join()
"""


@dataclass(frozen=True)
class Carried:
    """One program. ``said``: a part of what is reported of its maps. ``words``: what stands behind the interpreter."""

    name: str
    contents: dict[str, bytes]
    said: str
    since: tuple[int, ...]
    needs: str
    words: tuple[str, ...]


def programs_in(file: str) -> list[Carried]:
    """Those of one file."""
    return list(_read((FOLDER / file).read_text()))


def latin_program() -> Carried:
    """One that is no UTF-8."""
    content = (FOLDER / "latin.program").read_bytes()
    return Carried("a coding line, tabs, other ends of lines", {MAIN: content}, "carried", (2, 7), "", (MAIN,))


def _read(text: str) -> Iterator[Carried]:
    for section in text.split("=== ")[1:]:
        name, _, rest = section.partition("\n")
        options: dict[str, str] = {}
        while rest.startswith("# "):
            line, _, rest = rest.partition("\n")
            word, _, value = line[2:].partition(" ")
            options[word] = value
        yield _program(name, options, rest)


def _program(name: str, options: dict[str, str], rest: str) -> Carried:
    main, *others = rest.split("\n--- ")
    main = main if {"plain", "code"} & set(options) else HEAD + main
    files = {path: text for path, _, text in (other.partition("\n") for other in others)}
    contents = {path: (text + "\n").encode() for path, text in {MAIN: main, **files}.items()}
    start = ["-c", main] if "code" in options else options.get("start", MAIN).split()
    words = options["words"].split("|") if "words" in options else []
    since = tuple(int(number) for number in options.get("since", "2.7").split("."))
    return Carried(name, contents, options.get("stays", "carried"), since, options.get("needs", ""), (*start, *words))
