"""Which calls open portions, however the program reaches its pool, and which pools stay: said by every interpreter, without running."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.divide.answer import answer
from tests.pythons import UserPython
from tests.runner.dividing import kept, look, needs, portions, request, write

EVERYTHING = """\
from __future__ import print_function
import multiprocessing as mp
from multiprocessing import Pool
from functools import partial
import joblib
import math

def f(x):
    return x

class Adder(object):
    def __init__(self, pool):
        self.pool = pool
    def __call__(self, x):
        return x
    def add(self, x):
        return x
    def all(self, xs):
        return self.pool.imap(self.add, xs)

def use(pool, xs):
    return pool.imap_unordered(f, xs)

def make():
    return Pool(2)

def main():
    pool = make()
    pool.map(f, [1])
    pool.map(partial(f), [1])
    pool.apply_async(Adder(pool), (1,))
    use(pool, [1])
    Adder(pool).all([1])
    shorter = pool.map
    shorter(math.sqrt, [1])
    mp.pool.Pool().map_async(func=f, iterable=[])
    joblib.Parallel(n_jobs=2)(joblib.delayed(f)(x) for x in [1])

if __name__ == "__main__":
    main()
"""


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def some_python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    """The oldest and the newest interpreter only: for what has many cases and no versions."""
    return interpreters[request.param]


@pytest.fixture
def newest(interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[-1]


def test_every_python_finds_every_call_of_a_pool(user_python: UserPython, tmp_path: Path) -> None:
    found = look(user_python, tmp_path, EVERYTHING)
    assert found["python"] == user_python.name
    assert portions(found) == [
        (19, "Pool.imap", "Adder.add"),
        (22, "Pool.imap_unordered", "f"),
        (29, "Pool.map", "f"),
        (30, "Pool.map", "f"),
        (31, "Pool.apply_async", "Adder.__call__"),
        (35, "Pool.map", "math.sqrt"),
        (36, "Pool.map_async", "f"),
        (37, "joblib.Parallel", "f"),
    ]
    assert kept(found) == []


REACHED = {
    "by its module": "import multiprocessing\nmultiprocessing.Pool().map(f, xs)",
    "by another name": "from multiprocessing import Pool as Workers\nWorkers(3).map(f, xs)",
    "by the module pool": "from multiprocessing.pool import Pool\nPool().map(f, xs)",
    "by a star import": "from multiprocessing import *\nPool().map(f, xs)",
    "by a context": "import multiprocessing\nmultiprocessing.get_context('fork').Pool().map(f, xs)",
    "by a context's variable": "from multiprocessing import get_context\nctx = get_context()\nctx.Pool().map(f, xs)",
    "by with": "from multiprocessing.pool import Pool\nwith Pool() as pool:\n    pool.map(f, xs)",
    "by closing": "from contextlib import closing\nimport multiprocessing\np = multiprocessing.Pool()\nwith closing(p):\n    p.map(f, xs)",
    "by global": "import multiprocessing\ndef make():\n    global pool\n    pool = multiprocessing.Pool()\nmake()\npool.map(f, xs)",
    "by a choice": "import multiprocessing\npool = multiprocessing.Pool() if xs else None\npool.map(f, xs)",
    "by or": "import multiprocessing\ndef g(pool=None):\n    pool = pool or multiprocessing.Pool()\n    pool.map(f, xs)",
    "by a default": "import multiprocessing\ndef g(pool=multiprocessing.Pool()):\n    pool.map(f, xs)",
    "by a keyword": "import multiprocessing\ndef g(xs, pool=None):\n    pool.map(f, xs)\ng(xs, pool=multiprocessing.Pool())",
    "by a try": "try:\n    from multiprocessing import Pool\nexcept ImportError:\n    Pool = None\nPool().map(f, xs)",
    "by a partial": "from functools import partial\nimport multiprocessing\nmake = partial(multiprocessing.Pool, 2)\nmake().map(f, xs)",
    "by an argument of partial": "from functools import partial\nfrom multiprocessing import Pool\ndef g(p, y):\n    p.map(f, y)\npartial(g, Pool())(xs)",
    "by getattr": "import multiprocessing\ngetattr(multiprocessing.Pool(), 'map')(f, xs)",
    "by several targets": "import multiprocessing\na, pool = 1, multiprocessing.Pool()\npool.map(f, xs)",
    "by a loop over pools": "from multiprocessing import Pool\nfor pool in (Pool(1), Pool(2)):\n    pool.map(f, xs)",
    "by a class attribute": "import multiprocessing\nclass C(object):\n    pool = multiprocessing.Pool()\nC.pool.map(f, xs)",
    "by a base's attribute": "import multiprocessing\nclass B(object):\n    def __init__(self):\n        self.p = multiprocessing.Pool()\n"
    "class C(B):\n    def go(self):\n        self.p.map(f, xs)",
    "by a property": "import multiprocessing\nclass C(object):\n    @property\n    def pool(self):\n        return multiprocessing.Pool()\nC().pool.map(f, xs)",
    "by a class method": "import multiprocessing\nclass C(object):\n    @classmethod\n    def make(cls):\n        return multiprocessing.Pool()\nC.make().map(f, xs)",
    "by entering": "import multiprocessing\nclass C(object):\n    def __enter__(self):\n        return multiprocessing.Pool()\nwith C() as p:\n    p.map(f, xs)",
    "by a context manager": "import contextlib, multiprocessing\n@contextlib.contextmanager\ndef make():\n    yield multiprocessing.Pool()\n"
    "with make() as p:\n    p.map(f, xs)",
    "by a closure": "import multiprocessing\ndef g():\n    pool = multiprocessing.Pool()\n    def h():\n        return pool.map(f, xs)\n    return h",
    "by a subclass": "from multiprocessing.pool import Pool\nclass Mine(Pool):\n    def size(self):\n        return 2\nMine().map(f, xs)",
    "by a decorator's function": "from multiprocessing import Pool\ndef deco(g):\n    return g\n@deco\ndef make():\n    return Pool()\nmake().map(f, xs)",
}


@pytest.mark.parametrize("way", REACHED)
def test_a_pool_is_known_whichever_way_it_is_reached(way: str, some_python: UserPython, tmp_path: Path) -> None:
    found = look(some_python, tmp_path, "def f(x):\n    return x\nxs = [1]\n" + REACHED[way] + "\n")
    line = next(place for place, text in enumerate((tmp_path / "prog.py").read_text().splitlines(), 1) if ".map(f, " in text or "getattr" in text)
    if way == "by an argument of partial":
        line = 7
    assert portions(found) == [(line, "Pool.map", "f")]


IMPORTS = ["import multiprocessing as m\nP = m.Pool", "from multiprocessing import Pool as P", "from multiprocessing import pool\nP = pool.Pool"]
STEPS = [
    "v{n} = v{m}",
    "def g{n}(a, b=0, **c):\n    return a\nv{n} = g{n}(v{m}, b=1)",
    "class C{n}(object):\n    pass\nC{n}.it = v{m}\nv{n} = C{n}.it",
    "class C{n}(object):\n    def __init__(self, it):\n        self.it = it\n    def get(self):\n        return self.it\nv{n} = C{n}(it=v{m}).get()",
    "v{n} = (lambda: v{m})()",
    "v{n}, _ = v{m}, 1",
    "def g{n}():\n    global v{n}\n    v{n} = v{m}\ng{n}()",
    "if P:\n    v{n} = v{m}\nelse:\n    v{n} = None",
    "def g{n}(*, a=v{m}):\n    return a\nv{n} = g{n}()",
    "v{n} = None or v{m}",
]


@given(st.sampled_from(IMPORTS), st.lists(st.sampled_from(STEPS), max_size=6))
def test_a_pool_is_followed_through_any_steps(tmp_path_factory: pytest.TempPathFactory, imports: str, steps: list[str]) -> None:
    folder = tmp_path_factory.mktemp("steps")
    lines = [imports, "def f(x): return x", "v0 = P(2)", *(step.format(n=n, m=n - 1) for n, step in enumerate(steps, 1))]
    source = "\n".join(lines)
    write(folder, {"prog.py": f"{source}\nv{len(steps)}.map(f, [1])\n"})
    assert portions(answer(request(folder))) == [(source.count("\n") + 2, "Pool.map", "f")]


def test_executors_and_what_hands_items_to_them(newest: UserPython, tmp_path: Path) -> None:
    found = look(
        newest,
        tmp_path,
        """\
        import asyncio
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import ProcessPoolExecutor as Same

        def f(x): ...

        async def main():
            loop = asyncio.get_running_loop()
            with Same() as pool:
                await loop.run_in_executor(pool, f, 1)
                await asyncio.get_event_loop().run_in_executor(None, f, 1)
                await asyncio.get_event_loop().run_in_executor(pool, f, 1)

        with ProcessPoolExecutor(max_workers=3) as ex:
            waiting = {ex.submit(f, x): x for x in range(3)}
            for done in as_completed(waiting): ...
            list(ex.map(f, range(3), chunksize=2))
        """,
    )
    assert portions(found) == [
        (10, "ProcessPoolExecutor.submit", "f"),
        (12, "ProcessPoolExecutor.submit", "f"),
        (15, "ProcessPoolExecutor.submit", "f"),
        (17, "ProcessPoolExecutor.map", "f"),
    ]


def test_joblib_and_the_libraries_that_call_it(some_python: UserPython, tmp_path: Path) -> None:
    found = look(
        some_python,
        tmp_path,
        """\
        from joblib import Parallel, delayed
        from sklearn.model_selection import GridSearchCV

        def f(x):
            return x

        def go():
            jobs = [delayed(f)(x) for x in range(3)]
            with Parallel(n_jobs=-1) as parallel:
                parallel(jobs)
            Parallel()(delayed(f)(x) for x in range(3))
            Parallel(2, backend="threading")(delayed(f)(x) for x in range(3))
            Parallel(n_jobs=4, prefer="threads")([delayed(f)(1)])
            GridSearchCV(None, {}, n_jobs=-1)
            GridSearchCV(None, {}, n_jobs=1)
            Parallel(**given)([delayed(f)(x) for x in range(3)])
        """,
    )
    assert portions(found) == [(10, "joblib.Parallel", "f"), (14, "joblib.Parallel", "sklearn.model_selection.GridSearchCV"), (16, "joblib.Parallel", "f")]
    assert needs(found, 1) == [("sklearn", "library"), ("sklearn.model_selection.GridSearchCV", "runtime")]
    assert [line for line, _, _ in kept(found)] == [11, 12, 13]
    assert "computes in place" in kept(found)[0][2]
    assert kept(found)[1][2] == "backend='threading' keeps joblib in one process"


def test_pools_that_stay_say_why(some_python: UserPython, tmp_path: Path) -> None:
    found = look(
        some_python,
        tmp_path,
        """\
        import multiprocessing
        from multiprocessing import Process, dummy
        from multiprocessing.pool import Pool, ThreadPool
        import multiprocess

        class Mine(Pool):
            def _setup_queues(self):
                pass

        def f(x):
            return x

        ThreadPool(2).map(f, [])
        dummy.Pool().imap(f, [])
        multiprocess.Pool().map(f, [])
        Mine().map(f, [])
        Process(target=f).start()
        Pool().map(lambda x: x, [])
        """,
    )
    assert portions(found) == []
    reasons = {line: (construct, reason) for line, construct, reason in kept(found)}
    assert reasons[13][0] == "ThreadPool.map" and reasons[13][1].startswith("threads share")
    assert reasons[14][0] == "multiprocessing.dummy.Pool.imap"
    assert reasons[15][1].startswith("multiprocess makes processes of its own")
    assert reasons[16] == (
        "Pool.map",
        "`Mine` has its own `_setup_queues`, so it is a pool of the program's own kind and stays on the main program's machine",
    )
    assert reasons[17][0] == "multiprocessing.Process"
    assert "has no name that pickle could find it by" in reasons[18][1]


def test_what_only_values_can_tell_is_decided_when_it_runs(some_python: UserPython, tmp_path: Path) -> None:
    found = look(
        some_python,
        tmp_path,
        """\
        import multiprocessing
        import deap.toolbox
        import scipy.optimize

        def go(toolbox, function):
            pool = multiprocessing.Pool()
            pool.map(function, [])
            pool.map(toolbox.evaluate, [])
            toolbox.register("map", pool.map)
            scipy.optimize.differential_evolution(function, [], workers=pool.map)
        """,
    )
    assert portions(found) == [
        (7, "Pool.map", "function"),
        (8, "Pool.map", "toolbox.evaluate"),
        (9, "Pool.map", "what toolbox.register calls"),
        (10, "Pool.map", "what scipy.optimize.differential_evolution calls"),
    ]
    assert {rule for place in range(3) for _, rule in needs(found, place)} == {"runtime"}


def test_what_is_no_pool_is_not_taken_for_one(some_python: UserPython, tmp_path: Path) -> None:
    found = look(
        some_python,
        tmp_path,
        """\
        class Pool(object):
            def map(self, f, xs):
                return [f(x) for x in xs]

        def f(x):
            return x

        Pool().map(f, [1])
        list(map(f, [1]))
        [f(x) for x in [1]]
        {}.submit(f)
        """,
    )
    assert (portions(found), kept(found)) == ([], [])


def test_names_that_stand_for_each_other_in_a_ring_are_no_trouble(some_python: UserPython, tmp_path: Path) -> None:
    found = look(
        some_python,
        tmp_path,
        """\
        from other import pool, g
        from functools import partial
        def f(x):
            return g(f)
        f2 = partial(f, 1)
        f2 = partial(f2, 1)
        class A(object):
            pass
        class A(A):
            me = A
            def __call__(self):
                return self()()
        class C(object):
            pass
        C.__call__ = C()
        C()()
        class A(A):
            def m(self):
                self.n = self.n.n.n
                return self.m().m()
        x = x.next
        pool.map(f2, [A().n, A.me.me])
        pool.map(C(), [])
        """,
        other="from prog import f as g\nfrom prog import pool as also\nimport multiprocessing\npool = also or multiprocessing.Pool()\n",
    )
    assert portions(found) == [(22, "Pool.map", "f"), (23, "Pool.map", "a function")]
