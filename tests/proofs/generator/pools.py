"""
The ways to a process pool: what is imported, how it is made, how it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.proofs.generator.aspects import NEWEST

FORK_IS_DEFAULT_UNTIL = (3, 13)
CLOSED = "pool_P.close()\npool_P.join()"
TERMINATED = "pool_P.terminate()\npool_P.join()"
SHUT_DOWN = "pool_P.shutdown()"
_POOL_MODULE = "import multiprocessing.pool"
_INITIALIZER = "def begin_P(value):\n    globals()['BEGUN_P'] = value"
_SUBCLASS = "class Sub_P(multiprocessing.pool.Pool):\n    pass"
_OVERRIDDEN = "class Sub_P(multiprocessing.pool.Pool):\n    def _setup_queues(self):\n        multiprocessing.pool.Pool._setup_queues(self)"


@dataclass(frozen=True)
class PoolForm:
    """
    One way to make a pool. In every text ``_P`` stands for its number.

    ``kind``: "Pool" or "executor". ``make``: the expression. ``imports``, ``top``: lines at module level. ``ends``: ways to end it, of which one
    is drawn; "with" makes it a context. ``forked``: its processes see what the program has done. ``fresh``: each item has a process of its own.
    """

    name: str
    kind: str
    make: str
    imports: str
    top: str = ""
    ends: tuple[str, ...] = (CLOSED, TERMINATED)
    since: tuple[int, int] = (2, 7)
    until: tuple[int, int] = NEWEST
    forked: bool = True
    fresh: bool = False
    weight: int = 3


_MULTIPROCESSING = "import multiprocessing"
_BOTH = (CLOSED, TERMINATED, "with")

POOLS = (
    PoolForm("multiprocessing.Pool", "Pool", "multiprocessing.Pool(2)", _MULTIPROCESSING, weight=6),
    PoolForm("Pool in a with block", "Pool", "multiprocessing.Pool(processes=2)", _MULTIPROCESSING, ends=("with",), since=(3, 6), weight=6),
    PoolForm("from multiprocessing import Pool", "Pool", "Pool(2)", "from multiprocessing import Pool"),
    PoolForm("multiprocessing.pool.Pool", "Pool", "multiprocessing.pool.Pool(2)", _POOL_MODULE),
    PoolForm("Pool without a number", "Pool", "multiprocessing.Pool()", _MULTIPROCESSING, weight=1),
    PoolForm("Pool with an initializer", "Pool", "multiprocessing.Pool(2, begin_P, ('begun',))", _MULTIPROCESSING, top=_INITIALIZER),
    PoolForm("Pool with maxtasksperchild=1", "Pool", "multiprocessing.Pool(2, maxtasksperchild=1)", _MULTIPROCESSING, fresh=True, weight=8),
    PoolForm("Pool of a context", "Pool", "multiprocessing.get_context('fork').Pool(2)", _MULTIPROCESSING, since=(3, 6)),
    PoolForm("subclass of Pool", "Pool", "Sub_P(2)", _POOL_MODULE, top=_SUBCLASS, weight=1),
    PoolForm("subclass of Pool with a private override", "Pool", "Sub_P(2)", _POOL_MODULE, top=_OVERRIDDEN, weight=1),
    PoolForm(
        "Pool under spawn",
        "Pool",
        "multiprocessing.get_context('spawn').Pool(2)",
        _MULTIPROCESSING,
        ends=_BOTH,
        since=(3, 6),
        forked=False,
        weight=2,
    ),
    PoolForm(
        "Pool under forkserver", "Pool", "multiprocessing.get_context('forkserver').Pool(2)", _MULTIPROCESSING, since=(3, 6), forked=False, weight=1
    ),
    PoolForm(
        "ProcessPoolExecutor",
        "executor",
        "concurrent.futures.ProcessPoolExecutor(2)",
        "import concurrent.futures",
        ends=(SHUT_DOWN, "with"),
        since=(3, 6),
        weight=8,
    ),
    PoolForm(
        "from concurrent.futures import",
        "executor",
        "ProcessPoolExecutor(max_workers=2)",
        "from concurrent.futures import ProcessPoolExecutor\nimport concurrent.futures",
        ends=(SHUT_DOWN, "with"),
        since=(3, 6),
        weight=4,
    ),
    PoolForm(
        "executor with an initializer",
        "executor",
        "concurrent.futures.ProcessPoolExecutor(2, initializer=begin_P, initargs=('begun',))",
        "import concurrent.futures",
        top=_INITIALIZER,
        ends=(SHUT_DOWN, "with"),
        since=(3, 7),
    ),
    PoolForm(
        "executor under spawn",
        "executor",
        "concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn'))",
        "import concurrent.futures\nimport multiprocessing",
        ends=(SHUT_DOWN, "with"),
        since=(3, 7),
        forked=False,
        weight=1,
    ),
    PoolForm(
        "backport of the executor",
        "executor",
        "concurrent.futures.ProcessPoolExecutor(2)",
        "import concurrent.futures",
        ends=(SHUT_DOWN, "with"),
        until=(2, 7),
        weight=0,
    ),
)
