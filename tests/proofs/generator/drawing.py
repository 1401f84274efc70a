"""
Drawing a program: everything is a choice of one ``random.Random``, so that a seed (or hypothesis) says which program it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from tests.proofs.generator.aspects import Aspect
from tests.proofs.generator.calls import CALLS, Call
from tests.proofs.generator.dialects import Dialect
from tests.proofs.generator.drawn import BARE, GUARDED, IN_MAIN, WRAPPERS, Drawn, Portion
from tests.proofs.generator.effects import EFFECTS
from tests.proofs.generator.extras import EARLY, EXTRAS, LAST, LATE, Extra
from tests.proofs.generator.failures import FAILURES
from tests.proofs.generator.pools import CLOSED, POOLS, PoolForm
from tests.proofs.generator.state import STATE
from tests.proofs.generator.values import VALUES

Chosen = TypeVar("Chosen", Aspect, Call, Extra)

#: In how many of 100 portions.
_FAILING, _WRAPPED, _CONTINUING, _CHUNKED, _MANY = 18, 40, 35, 30, 6
#: One of these goes into a program at most: each takes all of standard input, or is the end.
_STDIN = ("lines of standard input", "one line of standard input")


@dataclass(frozen=True)
class Taste:
    """For which Python programs are drawn; ``with_backport``: 2.7 has ``concurrent.futures`` installed."""

    version: tuple[int, int]
    with_backport: bool = False


def draw(random: Random, taste: Taste) -> Drawn:
    """One program."""
    two = taste.version < (3,)
    dialect = Dialect(taste.version, print_statement=two and random.random() < 0.5)
    shape = random.choice((GUARDED, GUARDED, IN_MAIN, BARE))
    portions: list[Portion] = []
    for number in range(1, random.choice((1, 1, 2, 2, 3)) + 1):
        portions.append(_portion(random, taste, number, shape, portions[-1] if portions else None))
        if portions[-1].continues:
            portions[-2] = replace(portions[-2], end="")
    extras = _extras(random, taste)
    stdin = "one\ntwo\nthree" if any(extra.name in _STDIN for extra in extras) else ""
    return Drawn(dialect, shape, tuple(portions), extras, random.choice(((), ("-v", "two words"))), stdin)


def _portion(random: Random, taste: Taste, number: int, shape: str, last: Portion | None) -> Portion:
    continues = last is not None and _can_go_on(last) and random.randrange(100) < _CONTINUING
    pool = last.pool if continues and last else _pool(random, taste, shape)
    call = random.choice(_suiting(CALLS, taste.version, pool.kind))
    aspects = _aspects(random, taste.version, pool)
    aspects = tuple(aspect for aspect in aspects if not (continues and "say(" in aspect.after))
    fails = any(aspect.fails for aspect in aspects)
    harmless = not any(aspect in EFFECTS for aspect in aspects) and pool.kind == "Pool"
    caught = continues or (fails and not (harmless and random.random() < 0.2))
    chunks = 1 if caught or fails or pool.fresh else random.choice((1, 2, 3)) if random.randrange(100) < _CHUNKED else 0
    count = random.randint(3 if fails else call.least, 8)
    if random.randrange(100) < _MANY and not fails and not pool.fresh and not any("doomed" in aspect.before or "M" in aspect.name for aspect in aspects):
        count = 30
    if fails and pool.kind == "executor" and "POOL.map(" in call.text and any(aspect in EFFECTS for aspect in aspects):
        count = 3  # whether those behind the one that raises have begun, or are cancelled, is chance
    wrapper = random.choice(WRAPPERS[:3] if taste.version < (3,) else WRAPPERS) if random.random() < 0.4 else WRAPPERS[0]
    end = pool.ends[0] if caught or fails else random.choice(pool.ends)
    return Portion(number, pool, end, call, wrapper, aspects, count, chunks, caught, continues)


def _can_go_on(last: Portion) -> bool:
    """Whether a second portion on the same pool has one outcome: its processes were there from the start, and are idle when it begins."""
    return last.pool.kind == "Pool" and not last.pool.fresh and last.end == CLOSED and last.pool.forked and not _fails(last)


def _ends_calmly(pool: PoolForm) -> bool:
    """Whether items that are still at work when one has raised may end, so that what they print is not chance."""
    return pool.kind == "executor" or CLOSED in pool.ends


def _fails(portion: Portion) -> bool:
    return any(aspect.fails for aspect in portion.aspects)


def _pool(random: Random, taste: Taste, shape: str) -> PoolForm:
    """An unguarded program can only fork; the backport is drawn where it is installed."""
    forms = [form for form in POOLS if form.since <= taste.version <= form.until and (form.forked or shape != BARE)]
    weights = [form.weight or (8 if taste.with_backport else 0) for form in forms]
    return random.choices(forms, weights)[0]


def _suiting(calls: Sequence[Call], version: tuple[int, int], kind: str) -> list[Call]:
    return [call for call in calls if call.since <= version <= call.until and call.kind == kind]


def _aspects(random: Random, version: tuple[int, int], pool: PoolForm) -> tuple[Aspect, ...]:
    def some(table: Sequence[Aspect], most: int) -> list[Aspect]:
        suiting = [one for one in table if one.suits(version, pool.kind, pool.forked, pool.fresh) and not (pool.fresh and one.between)]
        return random.sample(suiting, min(len(suiting), random.randint(0, most)))

    values = some(VALUES, 1) if random.randrange(100) < _WRAPPED else []
    failures = some(FAILURES, 1) if random.randrange(100) < _FAILING and _ends_calmly(pool) else []
    # A pool of 2.7 that replaces its processes forgets the items behind one that raised: whether they run is chance.
    forgets = version < (3,) and pool.fresh and failures
    drawn = [*values, *some(STATE, 3), *([] if forgets else some(EFFECTS, 2)), *failures]
    return tuple(aspect for aspect in drawn if not (failures and "say(" in aspect.after))


def _extras(random: Random, taste: Taste) -> tuple[Extra, ...]:
    suiting = [extra for extra in EXTRAS if extra.since <= taste.version <= extra.until]
    early = random.sample([extra for extra in suiting if extra.when == EARLY], random.choice((0, 1, 1, 2)))
    late = random.sample([extra for extra in suiting if extra.when == LATE], random.choice((0, 0, 1, 2)))
    last = random.sample([extra for extra in suiting if extra.when == LAST], random.choice((0, 0, 0, 1)))
    return (*early, *late, *last)
