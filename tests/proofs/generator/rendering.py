"""
From a program as it was drawn to the text of its files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.proofs.generator.aspects import Aspect, lines
from tests.proofs.generator.drawn import BARE, IN_MAIN, WRAPPERS, Drawn, Portion
from tests.proofs.generator.extras import EARLY, LAST, LATE, Extra

#: Seconds that a program waits for what it asked for before it gives up: in vain only where something is broken.
LIMIT = 50
GIVEN = "given\n"
_FIRST = ("import multiprocessing", "import os", "import sys")
_CALLER = """class Caller_N(object):
    def __init__(self, plus):
        self.plus = plus

    def __call__(self, item, more=1):
        return work_N(item, more + self.plus)

    def method(self, item, more=1):
        return work_N(item, more + self.plus)"""
_STATIC = """class Owner_N(object):
    @staticmethod
    def work(item, more=1):
        return work_N(item, more)"""
_HANDED = dict(zip(WRAPPERS, ("work_N", "functools.partial(work_N, more=3)", "Caller_N(10)", "Caller_N(10).method", "Owner_N.work")))


@dataclass(frozen=True)
class Text:
    """A program's files by name, ``prog.py`` among them, and how it is started."""

    files: dict[str, str]
    arguments: tuple[str, ...]
    stdin: str


def rendered(drawn: Drawn) -> Text:
    """The files of a program."""
    files = {"prog.py": drawn.dialect.translated("\n".join(_program(drawn))) + "\n", "given.txt": GIVEN}
    for portion in drawn.portions:
        for aspect in _numbered(portion):
            files.update(aspect.files)
    return Text(files, drawn.arguments, drawn.stdin)


def _numbered(portion: Portion) -> list[Aspect]:
    return [aspect.numbered(portion.number) for aspect in portion.aspects]


def _program(drawn: Drawn) -> Iterator[str]:
    yield "# -*- coding: utf-8 -*-"
    yield '"""A program that was drawn."""'
    yield from lines([drawn.dialect.future.rstrip()])
    yield from sorted(_imports(drawn))
    yield from ("", f"HERE = os.path.dirname(os.path.abspath(__file__))\nLIMIT = {LIMIT}")
    yield from lines(extra.top for extra in drawn.extras)
    for portion in drawn.portions:
        yield from ("", *_definitions(portion))
    yield ""
    yield from _shaped(drawn, list(_main(drawn)))


def _imports(drawn: Drawn) -> set[str]:
    plain = {f"import {name}" for extra in drawn.extras for name in extra.imports}
    for portion in drawn.portions:
        plain |= {f"import {name}" for aspect in portion.aspects for name in aspect.imports} | set(portion.pool.imports.split("\n"))
        plain |= {"import functools"} if portion.wrapper == "partial object" else set()
    return plain | set(_FIRST)


def _definitions(portion: Portion) -> list[str]:
    """What stands at module level for one portion: its aspects' own, and the function that its items are given to."""
    aspects = _numbered(portion)
    made = [] if portion.continues else [_of_pool(portion, portion.pool.top)]
    unwrap = next((aspect.unwrap for aspect in aspects if aspect.unwrap), "item")
    function = [f"def work_{portion.number}(item, more=1):", *lines([f"x = {unwrap}", "out = [more]"], 1)]
    function += lines((aspect.body for aspect in aspects), 1) + lines(["return x, out"], 1)
    wrapper = {"callable object": _CALLER, "bound method": _CALLER, "static method": _STATIC}.get(portion.wrapper, "")
    return lines([*made, *(aspect.top for aspect in aspects)]) + function + lines([_of_portion(portion, wrapper)])


def _shaped(drawn: Drawn, main: Sequence[str]) -> Iterator[str]:
    names = sorted({name for portion in drawn.portions for aspect in _numbered(portion) for name in aspect.rebinds})
    if drawn.shape == BARE:
        yield from main
    elif drawn.shape == IN_MAIN:
        yield "def main():"
        yield from lines([f"global {', '.join(names)}"] if names else [], 1)
        yield from lines(main, 1)
        yield from ("", 'if __name__ == "__main__":', "    main()")
    else:
        yield 'if __name__ == "__main__":'
        yield from lines(main, 1)


def _main(drawn: Drawn) -> Iterator[str]:
    yield "say('start')"
    yield from _extras(drawn.extras, EARLY)
    for portion in drawn.portions:
        yield from _portion(portion)
    yield from _extras(drawn.extras, LATE)
    yield "say(sorted(name for name in os.listdir(HERE) if not name.startswith('__') and not name.endswith('.pyc')))"
    yield from _extras(drawn.extras, LAST)


def _extras(extras: Sequence[Extra], when: str) -> list[str]:
    return lines(extra.text for extra in extras if extra.when == when)


def _portion(portion: Portion) -> list[str]:
    """Between two lines that say where it begins and ends; what its items print must stand between them."""
    aspects = _numbered(portion)
    wrap = next((aspect.wrap for aspect in aspects if aspect.wrap), "i")
    begin = [
        f"say('[{portion.number}')",
        *(aspect.before for aspect in aspects),
        f"items_{portion.number} = [{wrap} for i in range({portion.count})]",
    ]
    inner = lines([*(aspect.between for aspect in aspects), *_caught(portion), *(aspect.after for aspect in aspects), "say('got', got)"])
    return lines([*begin, *_opened(portion, inner), f"say('{portion.number}]')"])


def _opened(portion: Portion, inner: list[str]) -> list[str]:
    """The pool around a call: made before it unless it is there, ended behind it unless it is needed again."""
    if portion.end == "with" and not portion.continues:
        return [_of_pool(portion, f"with {portion.pool.make} as pool_P:"), *lines(inner, 1)]
    made = [] if portion.continues else [_of_pool(portion, f"pool_P = {portion.pool.make}")]
    return [*made, *inner, _of_pool(portion, portion.end)]


def _caught(portion: Portion) -> list[str]:
    text = _of_portion(portion, portion.call.text)
    text = text.replace(", CHUNKS", f", {portion.chunks}" if portion.chunks else "").replace("ITEMS", f"items_{portion.number}")
    text = re.sub(r"\bF\b", _of_portion(portion, _HANDED[portion.wrapper]), _of_pool(portion, text.replace("POOL", "pool_P")))
    if not portion.caught:
        return [text]
    told = "got = ('caught', type(error).__name__, [str(one).split(' at 0x')[0] for one in error.args])"
    return ["try:", *lines([text], 1), "except Exception as error:", *lines([told], 1)]


def _of_portion(portion: Portion, text: str) -> str:
    return text.replace("_N", f"_{portion.number}")


def _of_pool(portion: Portion, text: str) -> str:
    """A pool bears the number of the first portion that it serves."""
    return text.replace("_P", f"_{portion.number - 1 if portion.continues else portion.number}")
