"""Programs whose items see something of their program that is easily lost, each with what must be said of it: "carried", or why not."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

CARRIED = "carried"

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
    """One program. ``body`` stands behind HEAD. ``said``: a part of what is reported of its maps. ``since``: the first version that reads it.

    ``start``: what stands behind the interpreter before ``words``; ``needs``: a library.
    """

    name: str
    body: str
    said: str = CARRIED
    since: tuple[int, int] = (2, 7)
    until: tuple[int, int] = (4, 0)
    files: dict[str, str] = field(default_factory=dict)
    start: tuple[str, ...] = ("prog.py",)
    needs: str = ""
    words: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The main file."""
        return HEAD + textwrap.dedent(self.body)


def _guarded(name: str, above: str, guarded: str, said: str = CARRIED, **more: object) -> Carried:
    body = textwrap.dedent(above) + "if __name__ == '__main__':\n" + textwrap.indent(textwrap.dedent(guarded).strip("\n"), "    ") + "\n"
    return Carried(name, body, said, **more)  # type: ignore[arg-type]


PROGRAMS = [
    _guarded("a function and a constant", "N = 5\ndef f(x): return x * N\n", "show(f)"),
    _guarded("a value made under the guard", "def f(x): return x + TABLE['a'][0]\n", "TABLE = {'a': [10, 2]}\nshow(f)"),
    _guarded(
        "a value made in main by global",
        "N = None\ndef f(x): return x + N\ndef main():\n    global N\n    N = 7\n    show(f)\n",
        "main()",
    ),
    _guarded("a value rebound under the guard", "N = 1\ndef f(x): return x * N\n", "N = 3\nshow(f)"),
    _guarded(
        "a value rebound between the pool and its map",
        "N = 1\ndef f(x): return x * N\n",
        "pool = multiprocessing.Pool(2)\nN = 100\nprint(pool.map(f, [1, 2, 3], 1))\npool.close()",
    ),
    _guarded("a name that was deleted", "N = 1\ndef f(x):\n    try: return N\n    except NameError: return 'gone'\n", "del N\nshow(f)"),
    _guarded("a function defined under the guard", "", "N = 4\ndef f(x): return x * N\nshow(f)"),
    _guarded("a class defined under the guard", "def f(x): return C(x).double()\n", "class C(object):\n    def __init__(self, x): self.x = x\n    def double(self): return self.x * 2\nshow(f)"),
    _guarded(
        "functions and classes defined in main",
        """
        def main():
            global f, C
            class C(object):
                factor = 3
                def __init__(self, x): self.x = x
            def f(x): return C(x).x * C.factor
            f.__qualname__, C.__qualname__ = "f", "C"
            show(f)
        """,
        "main()",
    ),
    _guarded("a function rebound to another", "def f(x): return x\ndef g(x): return x * 10\n", "f = g\nshow(f)"),
    _guarded(
        "a function that calls its own former self",
        "def f(x): return x\nold = f\ndef f(x): return old(x) + 1\n",
        "show(f)",
    ),
    _guarded("functions made in a loop", "fs = []\nfor i in range(3): fs.append(lambda x, i=i: x * i)\ndef f(x): return [g(x) for g in fs]\n", "show(f)"),
    _guarded("a lambda and a partial", "import functools\ndouble = lambda x: x * 2\nadd = functools.partial(pow, 2)\ndef f(x): return double(x), add(x)\n", "show(f)"),
    _guarded(
        "closures that share a cell",
        """
        def make():
            state = [0]
            count = [5]
            def get(): return count[0], state
            def put(x): count[0] += x; state.append(x)
            return get, put
        get, put = make()
        def f(x):
            put(x)
            return get()
        """,
        "put(10)\nshow(f, [1])",
    ),
    _guarded(
        "a decorator that registers and wraps",
        """
        import functools
        REGISTRY = {}
        def registered(f):
            REGISTRY[f.__name__] = f
            @functools.wraps(f)
            def inner(x): return f(x) + OFFSET
            return inner
        @registered
        def f(x): return x, sorted(REGISTRY)
        """.replace("return f(x) + OFFSET", "return f(x) + (OFFSET,)"),
        "OFFSET = 1000\nshow(f)",
    ),
    _guarded("a class attribute changed later", "class C(object):\n    n = 1\n    def m(self, x): return x * self.n\ndef f(x): return C().m(x)\n", "C.n = 50\nC.m2 = lambda self: 1\nshow(f)"),
    _guarded("a method replaced later", "class C(object):\n    def m(self, x): return x\ndef f(x): return C().m(x)\n", "C.m = lambda self, x: -x\nshow(f)"),
    _guarded("a class attribute deleted later", "class C(object):\n    n = 1\ndef f(x): return hasattr(C, 'n')\n", "del C.n\nshow(f)"),
    _guarded("a function attribute", "def f(x): return f.factor * x\n", "f.factor = 9\nshow(f)"),
    _guarded("a default argument that was changed", "def f(x, acc=[]): return acc + [x]\ndef g(x): return f(x)\n", "f.__defaults__[0].append('before')\nshow(g)"),
    _guarded("a sentinel in a default argument", "NONE = object()\ndef h(a=NONE): return a is NONE\ndef f(x): return h(), h(NONE), h(x)\n", "show(f)"),
    _guarded("objects that are one object", "A = [1]\nB = {'a': A}\ndef f(x):\n    A.append(x)\n    return B\n", "A.append(0)\nshow(f, [1])"),
    _guarded("a namedtuple under another name", "import collections\nP = collections.namedtuple('Point', 'a b')\ndef f(x): return P(x, 2)._replace(b=3)[1] + P(x, 1).a\n", "show(f)"),
    _guarded("a class made by type", "C = type('C', (object,), {'n': 3, 'm': lambda self, x: x * self.n})\ndef f(x): return C().m(x)\n", "show(f)"),
    _guarded(
        "slots, properties, class methods, inheritance",
        """
        class A(object):
            __slots__ = ("x",)
            count = 0
            def __init__(self, x): self.x = x
            @property
            def twice(self): return self.x * 2
            @classmethod
            def make(cls, x): return cls(x)
            @staticmethod
            def plain(x): return x + 1
        class B(A):
            __slots__ = ("y",)
            def __init__(self, x):
                super(B, self).__init__(x)
                self.y = x
        def f(x):
            b = B.make(x)
            return b.twice, b.y, B.plain(x), hasattr(b, "__dict__"), B.count
        """,
        "B.count = 5\nshow(f)",
    ),
    _guarded("an old-style class", "class Old:\n    n = 1\n    def m(self, x): return x * self.n\ndef f(x): return Old().m(x), thing.m(x)\n", "Old.n = 4\nthing = Old()\nthing.n = 5\nshow(f)"),
    _guarded("a metaclass", "class Meta(type):\n    def __new__(mcs, name, bases, names):\n        names['made'] = name\n        return type.__new__(mcs, name, bases, names)\nC = Meta('C', (object,), {})\ndef f(x): return C.made * x\n", "show(f)"),
    _guarded("an abstract class", "import abc\nBase = abc.ABCMeta('Base', (object,), {'go': abc.abstractmethod(lambda self: 0)})\nclass C(Base):\n    def go(self): return 'gone'\ndef f(x):\n    try: return Base()\n    except TypeError: return C().go() * x\n", "show(f)"),
    _guarded("an exception with two arguments", "class E(Exception):\n    def __init__(self, a, b):\n        Exception.__init__(self, a)\n        self.b = b\ndef f(x):\n    try: raise E(x, x * 2)\n    except E as error: return error.args, error.b\n", "show(f)"),
    _guarded("an instance as a value", "class C(object):\n    def __init__(self, x): self.x = x\n    def m(self, y): return self.x + y\ndef f(x): return c.m(x)\n", "c = C(40)\nshow(f)"),
    _guarded("a bound method as a value", "class C(object):\n    def __init__(self, x): self.x = x\n    def m(self, y): return self.x + y\ndef f(x): return go(x)\n", "go = C(40).m\nshow(f)"),
    _guarded("an instance given as item", "class C(object):\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return self.x == other.x\n    def __hash__(self): return OFFSET\nOFFSET = 3\ndef f(c): return hash(c), c == C(1)\n", "OFFSET = 8\nshow(f, [C(1), C(2)])"),
    _guarded("an instance that reads a name when it is loaded", "class C(object):\n    def __init__(self, x): self.x = x\n    def __setstate__(self, state): self.x = state['x'] + OFFSET\n    def __getstate__(self): return {'x': self.x - OFFSET}\nOFFSET = 3\ndef f(x): return c.x\n", "c = C(1)\nshow(f)"),
    _guarded("locks, loggers, patterns, caches", "import threading, logging, re\nL = threading.Lock()\nR = threading.RLock()\nE = threading.Event()\nlog = logging.getLogger('x')\nW = re.compile('a+')\ndef f(x):\n    with L:\n        with R:\n            return W.match('aa').group(), log.name, E.is_set()\n", "show(f)"),
    _guarded("a lock made under the guard", "import threading\ndef f(x):\n    with L: return x\n", "L = threading.Lock()\nshow(f)"),
    _guarded("a cached function", "import functools\n@functools.lru_cache(maxsize=10)\ndef g(x): return x * N\ndef f(x): return g(x), g.cache_info().maxsize\n", "N = 3\nshow(f)", since=(3, 6)),
    _guarded("an enumeration", "import enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n    def show(self): return self.name * N\nKinds = enum.IntEnum('Kinds', 'a b')\ndef f(x): return Color(2).show(), Color.RED is best, Kinds.b + x\n", "N = 2\nbest = Color.RED\nshow(f)", since=(3, 6)),
    _guarded("an enumeration made under the guard", "import enum\ndef f(x): return Kinds.b.value, best is Kinds.a\n", "Kinds = enum.Enum('Kinds', 'a b')\nbest = Kinds.a\nshow(f)", since=(3, 6)),
    _guarded("a dataclass", "import dataclasses\n@dataclasses.dataclass(order=True)\nclass D:\n    x: int\n    tags: list = dataclasses.field(default_factory=list)\n    n: int = 3\ndef f(x): return D(x), D(1) < D(2), dataclasses.replace(base, x=x), dataclasses.asdict(base)\n", "base = D(5, ['a'])\nshow(f)", since=(3, 7)),
    _guarded("a dataclass made under the guard", "import dataclasses\ndef f(x): return D(x).n + base.x\n", "@dataclasses.dataclass\nclass D:\n    x: int\n    n: int = 3\nbase = D(5)\nshow(f)", since=(3, 7)),
    _guarded("a typed namedtuple", "import typing\nclass P(typing.NamedTuple):\n    a: int\n    b: int = 4\n    def total(self): return self.a + self.b + N\ndef f(x): return P(x).total(), P(x)\n", "N = 100\nshow(f)", since=(3, 6)),
    _guarded("a generic class", "import typing\nT = typing.TypeVar('T')\nclass Box(typing.Generic[T]):\n    def __init__(self, x: T) -> None: self.x = x\n    def get(self) -> T: return self.x\ndef f(x): return Box[int](x).get()\n", "show(f)", since=(3, 6)),
    _guarded("zero-argument super", "class A:\n    def m(self, x): return x\nclass B(A):\n    def m(self, x): return super().m(x) + N\ndef f(x): return B().m(x)\n", "N = 5\nshow(f)", since=(3, 6)),
    _guarded("zero-argument super in a class made under the guard", "class A:\n    def m(self, x): return x\ndef f(x): return B().m(x)\n", "class B(A):\n    def m(self, x): return super().m(x) + 1\nshow(f)", since=(3, 6)),
    _guarded("keyword-only defaults and annotations", "def g(x, *, k=[1]) -> int: return x + k[0]\ndef f(x): return g(x)\n", "g.__kwdefaults__['k'] = [50]\nshow(f)", since=(3, 6)),
    _guarded("registered implementations", "import functools\n@functools.singledispatch\ndef g(x): return 'any'\n@g.register(int)\ndef _(x): return 'int' + S\ndef f(x): return g(x), g('a')\n", "S = '!'\ng.register(str, lambda x: 'str')\nshow(f)", since=(3, 6)),
    _guarded("star import and conditional import", "from math import *\ntry:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle\ntry:\n    import nothing_like_this\nexcept ImportError:\n    nothing_like_this = None\ndef f(x): return sqrt(x * x), pickle.loads(pickle.dumps(x, 2)), nothing_like_this\n", "show(f)"),
    _guarded("definitions by version", "import sys\nif sys.version_info[0] == 2:\n    def text(x): return unicode(x)\nelse:\n    def text(x): return str(x)\ndef f(x): return len(text(x * 100))\n", "show(f)"),
    _guarded("arguments, folder, path, environment, recursion", "import os, sys\ndef f(x): return sys.argv, os.getcwd(), sys.path[0] == HOME, 'made-up' in sys.path, os.environ.get('CARRY_MADE'), os.environ.get('CARRY_GONE'), sys.getrecursionlimit()\n", "HOME = sys.path[0]\nos.mkdir('deep')\nos.chdir('deep')\nsys.path.append('made-up')\nos.environ['CARRY_MADE'] = 'yes'\nos.environ.pop('CARRY_GONE', None)\nsys.setrecursionlimit(2345)\nshow(f)", words=("a", "b c")),
    _guarded("warnings, decimals, signals", "import warnings, decimal, signal, socket\ndef handle(number, frame): raise KeyError('alarm')\ndef f(x):\n    try: warnings.warn('x', UserWarning)\n    except UserWarning: return 'raised', decimal.Decimal(1) / 3, signal.getsignal(signal.SIGALRM) is handle, socket.getdefaulttimeout()\n", "warnings.simplefilter('error')\ndecimal.getcontext().prec = 5\nsignal.signal(signal.SIGALRM, handle)\nsocket.setdefaulttimeout(12)\nshow(f)"),
    _guarded("a patched library", "import json, textwrap\ndef mine(x): return 'mine %r' % (x,)\ndef f(x): return json.dumps(x), textwrap.TextWrapper.mark\n", "json.dumps = mine\ntextwrap.TextWrapper.mark = 'patched'\nshow(f)"),
    _guarded("a library patched by setattr in a function", "import json\ndef patch():\n    import json as j\n    setattr(j, 'dumps', lambda x: 'other')\ndef f(x): return json.dumps(x)\n", "patch()\nshow(f)"),
    _guarded("a builtin of its own", "try:\n    import builtins\nexcept ImportError:\n    import __builtin__ as builtins\ndef f(x): return shout(x)\n", "builtins.shout = lambda x: x * 3\nshow(f)"),
    _guarded("an attribute of a module of its own", "import lib\ndef f(x): return lib.scale(x), lib.N\n", "lib.N = 11\nshow(f)", files={"lib.py": "N = 1\ndef scale(x): return x * N\n"}),
    _guarded("a function of a module of its own", "import lib\n", "lib.N = 11\nshow(lib.scale)", files={"lib.py": "N = 1\ndef scale(x): return x * N\n"}),
    _guarded("a module of its own that is patched", "import lib\ndef other(x): return -x\ndef f(x): return lib.scale(x)\n", "lib.inner = other\nshow(f)", files={"lib.py": "def inner(x): return x\ndef scale(x): return inner(x)\n"}),
    _guarded("a package with state in a module", "import pack.state\nfrom pack import tools\ndef f(x): return tools.use(x)\n", "pack.state.settings['k'] = 5\npack.state.mode = 'loud'\nshow(f)", files={"pack/__init__.py": "", "pack/state.py": "settings = {}\nmode = 'quiet'\n", "pack/tools.py": "from pack import state\ndef use(x): return x, state.settings, state.mode\n"}),
    _guarded("a module that is imported in the function", "def f(x):\n    import lib\n    return lib.N * x\n", "import lib\nlib.N = 6\nshow(f)", files={"lib.py": "N = 1\n"}),
    _guarded("a module that reads the program", "import lib\nN = 1\n", "N = 9\nshow(lib.f)", files={"lib.py": "def f(x):\n    import __main__\n    return __main__.N * x\n"}),
    _guarded("names by globals", "A1 = 1\nA2 = 2\ndef f(x): return globals()['A%d' % x]\n", "A2 = 20\nshow(f, [1, 2])"),
    _guarded("names by eval", "A1 = 1\nA2 = 2\ndef f(x): return eval('A%d' % x)\n", "A2 = 20\nshow(f, [1, 2])"),
    _guarded("sets and their order", "S = set()\ndef f(x): return list(S), sum(S)\n", "S.update([1, 7, 2, 3, 5])\nshow(f)"),
    Carried("no guard", "import math, collections\nN = 3\nP = collections.namedtuple('P', 'a')\ndef g(x): return x * N\ndef f(x): return P(g(x)).a + VALUE + math.floor(1.5)\nclass C(object):\n    n = 2\nprint('loading')\nVALUE = sum(range(10))\nfor i in range(3): VALUE += i\nC.n = 8\ndef h(x): return C.n * x\nshow(f)\nshow(h)\n"),
    Carried("no guard, set-up of a library", "import json.encoder, warnings\njson.encoder.set_thing = lambda: 0\nwarnings.filterwarnings('error', category=UserWarning)\ndef f(x):\n    try: warnings.warn('x')\n    except UserWarning: return 'raised'\nprint('x')\nshow(f)\n"),
    Carried("no guard, a class in a loop", "for i in range(2):\n    class C(object):\n        n = i\n        def m(self, x): return self.n + x\ndef f(x): return C().m(x)\nprint('x')\nshow(f)\n"),
    Carried("no guard, a value that cannot be made again", "import random\nrandom.seed()\nVALUES = [random.random() for _ in range(5)]\nprint(len(VALUES))\ndef f(x): return VALUES[x] in VALUES, len(VALUES)\nshow(f)\n"),
    Carried("a program that is a function of a module", "import lib\nlib.main()\n", files={"lib.py": "import multiprocessing\nN = 2\ndef f(x): return x * N\ndef main():\n    global N\n    N = 30\n    pool = multiprocessing.Pool(2)\n    print(pool.map(f, [1, 2]))\n"}),
    Carried("a program that is a method", "class App(object):\n    def __init__(self): self.n = 3\n    def step(self, x): return x * self.n\n    def run(self): show(step)\napp = App()\ndef step(x): return app.step(x)\nApp().run()\n"),
    Carried("a program in a package", "", files={"pack/__init__.py": "", "pack/conf.py": "K = 3\n", "pack/deep/__init__.py": "", "pack/deep/inner.py": "from ..conf import K\ndef g(x):\n    from .. import conf\n    return conf.K + K + x\n", "pack/prog.py": "from __future__ import print_function\nimport multiprocessing\nfrom . import conf\nfrom .deep import inner\ndef f(x): return x * conf.K + inner.g(x) + N, __name__, __package__\nif __name__ == '__main__':\n    conf.K = 10\n    N = 4\n    print(multiprocessing.Pool(2).map(f, [1, 2]))\n"}, start=("-m", "pack.prog"), words=("x",)),
    Carried("a folder", "", files={"here/__main__.py": "from __future__ import print_function\nimport multiprocessing, other\ndef f(x): return x * other.K, len(__file__) > 3\nif __name__ == '__main__':\n    other.K = 5\n    print(multiprocessing.Pool(2).map(f, [1, 2]))\n", "here/other.py": "K = 1\n"}, start=("here",)),
    Carried("a program without a file", "", start=("-c", "import multiprocessing\nN = 2\nclass C(object):\n    def m(self, x): return x * N\ndef f(x): return C().m(x)\nN = 3\nprint(multiprocessing.Pool(2).map(f, [1, 2]))\n")),
    _guarded("logging set up in main", "import logging, sys\nlog = logging.getLogger('a.b')\ndef f(x):\n    log.info('item')\n    return log.getEffectiveLevel(), [type(h).__name__ for h in logging.root.handlers], logging.getLogger('a').disabled\n", "logging.basicConfig(level=logging.INFO, format='%(message)s')\nlogging.getLogger('a').disabled = True\nshow(f)"),
    _guarded("subclasses that nobody names", "class Base(object): pass\ndef f(x): return sorted(c.__name__ for c in Base.__subclasses__())\n", "class A(Base): pass\nclass B(Base): pass\nshow(f)"),
    _guarded("an array and settings of numpy", "import numpy as np\nA = np.arange(6.0).reshape(2, 3)\nrow = A[1]\ndef f(x):\n    try: return str(A * x / 3), row.base is not None, np.float64(1) / np.float64(0)\n    except FloatingPointError: return str(A * x / 3), 'raised'\n", "np.set_printoptions(precision=2)\nnp.seterr(all='raise')\nA[0, 0] = 50\nshow(f)", needs="numpy"),
    Carried("the program in a function of a module, printing before", "import lib\nprint('x')\nlib.main()\n", files={"lib.py": "import multiprocessing\nN = 2\ndef f(x): return x * N\ndef main():\n    global N\n    N = 30\n    pool = multiprocessing.Pool(2)\n    print(pool.map(f, [1, 2]))\n"}),
]

STAYING = [
    _guarded("an open file", "import os\ndef f(x):\n    return log.name == os.devnull\n", "log = open(os.devnull)\nshow(f)", "`log`, which `f` reads, is an open file (open it inside the function)"),
    _guarded("an open file in a list", "import os\ndef f(x):\n    return len(logs)\n", "logs = [open(os.devnull)]\nshow(f)", "`logs`, which `f` reads, holds an open file"),
    _guarded("a socket", "import socket\ndef f(x): return s.fileno() > 2\n", "s = socket.socket()\nshow(f)", "`s`, which `f` reads, is a socket"),
    _guarded("a generator", "def f(x): return next(g)\n", "g = (i for i in range(9))\nshow(f, [1])", "`g`, which `f` reads, is a generator"),
    _guarded("an iterator", "import itertools\nIDS = itertools.count()\ndef f(x): return next(IDS)\n", "show(f, [1])", "`IDS`, which `f` reads, is an iterator"),
    _guarded("a generator of random numbers", "import random\nrng = random.Random(3)\ndef f(x): return rng.random()\n", "show(f, [1])", "`rng`, which `f` reads, is a random generator"),
    _guarded("a database", "import sqlite3\ndef f(x): return db.execute('select 5').fetchone()[0] + x\n", "db = sqlite3.connect(':memory:')\nshow(f)", "`db`, which `f` reads, is a database connection"),
    _guarded("a lock of processes", "def f(x):\n    with LOCK: return x\nLOCK = multiprocessing.Lock()\n", "show(f)", "`LOCK`, which `f` reads,"),
    _guarded("a shared value", "def f(x): return v.value\n", "v = multiprocessing.Value('i', 5)\nshow(f)", "`v`, which `f` reads, is a Synchronized"),
    _guarded("a shared array", "def f(x): return a[0]\n", "a = multiprocessing.RawArray('i', [5, 6])\nshow(f)", "`a`, which `f` reads, is a c_int_Array_2 of multiprocessing"),
    _guarded("a lock that is held", "import threading\ndef f(x): return L.locked()\n", "L = threading.Lock()\nL.acquire()\nshow(f)", "`L`, which `f` reads, is a lock that is held"),
    _guarded("a set of objects in their order", "class C(object): pass\ndef f(x): return len(S)\n", "S = set(C() for _ in range(5))\nshow(f)", "a set whose order would be another one elsewhere"),
    _guarded("a set whose order changes", "S = set(range(100))\ndef f(x): return list(S)\n", "for i in range(100): i in (2, 9) or S.discard(i)\nshow(f)", "a set whose order would be another one elsewhere"),
    _guarded("a replaced output", "import sys, io\ndef f(x): return x\n", "sys.stdout = sys.stderr\npool = multiprocessing.Pool(1)\nresult = pool.map(f, [1])\nsys.stdout = sys.__stdout__\nprint(result)", "the program has replaced sys.stdout"),
    _guarded("a closure over an open file", "import os\ndef make():\n    log = open(os.devnull)\n    def inner(x): return log.name == os.devnull\n    return inner\ninner = make()\ndef f(x): return inner(x)\n", "show(f)", "an open file"),
    _guarded("an open file in a class", "import os\nclass C(object): pass\ndef f(x): return C.log.name == os.devnull\n", "C.log = open(os.devnull)\nshow(f)", "`C`"),
    _guarded("a module that writes when it is imported", "import lib\ndef f(x): return lib.N\n", "show(f)", "lib.py line 2: lib writes a file when it is imported", files={"lib.py": "import os\nout = open(os.devnull, 'w')\nN = 3\n"}),
    _guarded("a module that the program has made", "import types\nlib = types.ModuleType('lib')\nlib.N = 4\ndef f(x): return lib.N\n", "show(f)", "which the program has made"),
    _guarded("a context variable that is set", "import contextvars\nV = contextvars.ContextVar('V')\ndef f(x): return V.get()\n", "V.set(5)\nshow(f)", "`V`, which `f` reads, is a context variable that is set", since=(3, 7)),
    _guarded("a log that is a file", "import logging, os\ndef f(x):\n    logging.info('item')\n    return x\n", "logging.basicConfig(filename=os.devnull, level=logging.INFO)\nshow(f)", "the program's setting of logging holds a log handler"),
    _guarded("a library that was set up in main", "import mimetypes\ndef f(x): return mimetypes.guess_type('a.zzz')\ndef main():\n    mimetypes.init()\n    mimetypes.add_type('a/b', '.zzz')\n    show(f)\n", "main()", "`mimetypes.init(...)` sets something up in a library that items use"),
    _guarded("an array in shared memory", "import numpy as np\nA = np.frombuffer(multiprocessing.RawArray('d', 4))\ndef f(x): return float(A[0])\n", "show(f)", "`A`, which `f` reads, is an array in shared memory", needs="numpy"),
    _guarded("a pool", "def f(x): return pool is not None\n", "from multiprocessing.pool import ThreadPool\npool = ThreadPool(1)\nshow(f)", "`pool`, which `f` reads,"),
]
