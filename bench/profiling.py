"""
One measure with one daemon under cProfile: which functions take its processor time, all threads together.

The profiler itself takes more than half of such a run, so its shares say something and its speed nothing.
"""

from __future__ import annotations

import pstats
import re
from typing import Mapping

from bench.circumstances import CHECKOUT
from bench.lab import lab_in_a_new_folder
from bench.measures import Measure
from bench.table import table

Place = tuple[str, int, str]
Account = tuple[int, int, float, float]
"""As in pstats: primitive calls, calls, own seconds, seconds with all that was called."""

_HEADS = ("own s", "share", "with callees", "calls", "us a call", "function")
#: What stands before the part of a path that says something.
_PREFIX = re.compile(rf"^({re.escape(str(CHECKOUT))}/(?!\.)|.*/site-packages/|.*/lib/python3\.\d+/)")


def profile(daemon: str, measure: Measure, functions: int) -> str:
    """
    The ``functions`` that took most by themselves, and twice as many that took most with all that they called.

    ``daemon``: "server" or "worker".
    """
    with lab_in_a_new_folder(profiled=daemon) as lab:
        lab.begin()
        lab.begin_work()
        measure.ours(lab)
        (lab.server if daemon == "server" else lab.worker).stop()
        accounts = {place: account[:4] for place, account in pstats.Stats(str(lab.profile)).stats.items()}
    return f"{listing(accounts, 2, functions)}\n\n{listing(accounts, 3, 2 * functions)}"


def listing(accounts: Mapping[Place, Account], column: int, functions: int) -> str:
    """The accounts that are largest in ``column``, as a table."""
    total = sum(own for _, _, own, _ in accounts.values()) or 1.0
    largest = sorted(accounts.items(), key=lambda item: -item[1][column])[:functions]
    return table(_HEADS, [_row(place, account, total) for place, account in largest])


def _row(place: Place, account: Account, total: float) -> tuple[str, ...]:
    file, line, name = place
    _, calls, own, whole = account
    where = name if file == "~" else f"{_PREFIX.sub('', file)}:{line} {name}"
    return (f"{own:.3f}", f"{own / total:.1%}", f"{whole:.3f}", f"{calls:,}", f"{own / calls * 1e6:.1f}", where)
