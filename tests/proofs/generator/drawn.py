"""
A program as it was drawn, before it is text: values that can be made smaller one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.proofs.generator.aspects import Aspect
from tests.proofs.generator.calls import Call
from tests.proofs.generator.dialects import Dialect
from tests.proofs.generator.extras import Extra
from tests.proofs.generator.pools import PoolForm

GUARDED, IN_MAIN, BARE = "guarded", "guarded main()", "unguarded"
WRAPPERS = ("plain function", "partial object", "callable object", "bound method", "static method")


@dataclass(frozen=True)
class Portion:
    """
    One call of a pool. ``end``: how the pool ends, "" if the next portion goes on with it. ``continues``: it goes on with the one before.
    ``wrapper``: what is handed to the pool, one of WRAPPERS. ``chunks``: chunk size, 0 for the library's. ``caught``: exceptions are.
    """

    number: int
    pool: PoolForm
    end: str
    call: Call
    wrapper: str
    aspects: tuple[Aspect, ...]
    count: int
    chunks: int = 0
    caught: bool = False
    continues: bool = False


@dataclass(frozen=True)
class Drawn:
    """A whole program. ``shape``: GUARDED, IN_MAIN or BARE."""

    dialect: Dialect
    shape: str
    portions: tuple[Portion, ...]
    extras: tuple[Extra, ...] = ()
    arguments: tuple[str, ...] = ()
    stdin: str = ""

    def constructs(self) -> Iterator[str]:
        """What it is made of, for counting."""
        yield self.shape
        yield "print statement" if self.dialect.print_statement else "print function"
        yield from (extra.name for extra in self.extras)
        for portion in self.portions:
            yield from (portion.pool.name, portion.call.name, portion.wrapper, *(aspect.name for aspect in portion.aspects))
            if portion.continues:
                yield "pool used again"
            if portion.end == "with":
                yield "with block"

    def smaller(self) -> Iterator[Drawn]:
        """Programs that lack one thing of this one, the largest steps first."""
        for portion in self.portions:
            if len(self.portions) > 1:
                yield self._without(portion)
        for extra in self.extras:
            yield replace(self, extras=tuple(other for other in self.extras if other is not extra))
        for portion in self.portions:
            yield from (self._with(portion, smaller) for smaller in _smaller(portion))
        if self.shape == IN_MAIN:
            yield replace(self, shape=GUARDED)
        if self.arguments or self.stdin:
            yield replace(self, arguments=(), stdin="")

    def _without(self, gone: Portion) -> Drawn:
        """Nobody may go on with a pool that is not made."""
        left = [portion for portion in self.portions if portion is not gone]
        ended = [replace(portion, end=portion.end or _any_end(portion), continues=False) for portion in left]
        return replace(self, portions=tuple(ended))

    def _with(self, old: Portion, new: Portion) -> Drawn:
        return replace(self, portions=tuple(new if portion is old else portion for portion in self.portions))


def _any_end(portion: Portion) -> str:
    return portion.pool.ends[0]


def _smaller(portion: Portion) -> Iterator[Portion]:
    for aspect in portion.aspects:
        yield replace(portion, aspects=tuple(other for other in portion.aspects if other is not aspect))
    if portion.wrapper != WRAPPERS[0]:
        yield replace(portion, wrapper=WRAPPERS[0])
    if portion.chunks:
        yield replace(portion, chunks=0)
    fails = any(aspect.fails for aspect in portion.aspects)
    for count in (portion.count // 2, portion.count - 1):
        if max(portion.call.least, 3 if fails else 1) <= count < portion.count:
            yield replace(portion, count=count)
