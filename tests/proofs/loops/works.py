"""
What an item does: expressions of ``x`` with what they stand on. A trap makes a site wrong to divide, or hard.

``N`` at the end of a name is the number of the site.
"""

from __future__ import annotations

from typing import NamedTuple


class Work(NamedTuple):
    """``define``: what stands before; ``call``: the item's expression; ``after``: what is printed of it later. ``trap``: it is one."""

    name: str
    call: str
    define: str = ""
    after: str = ""
    trap: bool = False
    three: bool = False
    statement: str = ""


HARMLESS = (
    Work("arithmetic", "fN(x)", "def fN(x):\n    return x * 3 + 1"),
    Work("branches", "fN(x)", "def fN(x):\n    if x % 2:\n        return 'odd'\n    elif x > 3:\n        return x\n    return None"),
    Work("loop inside", "fN(x)", "def fN(x):\n    s = 0\n    for i in range(x + 2):\n        s += i * x\n    return s"),
    Work("while inside", "fN(x)", "def fN(x):\n    n = 0\n    while x < 50:\n        x = x * 2 + 1\n        n += 1\n    return n, x"),
    Work("text", "fN(x)", "def fN(x):\n    return '-'.join([str(x), 'a' * x]).upper()"),
    Work("new list", "fN(x)", "def fN(x):\n    out = []\n    for i in range(3):\n        out.append(i * x)\n    out.sort()\n    return out"),
    Work("new dict", "fN(x)", "def fN(x):\n    d = {}\n    d['x'] = x\n    d.setdefault('y', []).append(x)\n    return sorted(d.items())"),
    Work("recursion", "fN(x)", "def fN(n):\n    return n if n < 2 else fN(n - 1) + fN(n - 2)"),
    Work("mutual recursion", "fN(x)", "def fN(n):\n    return True if n == 0 else gN(n - 1)\ndef gN(n):\n    return False if n == 0 else fN(n - 1)"),
    Work("chain of helpers", "hN(x)", "def fN(x):\n    return x + 1\ndef gN(x):\n    return fN(x) * 2\ndef hN(x):\n    return gN(fN(x))"),
    Work("constant", "fN(x)", "KN = 7\ndef fN(x):\n    return KN * x"),
    Work("table", "fN(x)", "TN = {0: 'a', 1: 'b', 2: 'c'}\ndef fN(x):\n    return TN.get(x % 4, '?')"),
    Work("list read", "fN(x)", "LN = [5, 6, 7]\ndef fN(x):\n    return LN[x % 3] + len(LN)"),
    Work("default", "fN(x)", "def fN(x, k=3, *more, **named):\n    return x ** k + len(more)"),
    Work("named arguments", "fN(x, k=2)", "def fN(x, k=3, b=1):\n    return x * k - b"),
    Work("try inside", "fN(x)", "def fN(x):\n    try:\n        return 10 // (x - 2)\n    except ZeroDivisionError:\n        return 'none'\n    finally:\n        x = 0"),
    Work("comprehension inside", "fN(x)", "def fN(x):\n    return sum([i * i for i in range(x)]), sorted(set(i % 3 for i in range(x)))"),
    Work("generator inside", "fN(x)", "def gN(n):\n    for i in range(n):\n        yield i * 2\ndef fN(x):\n    return list(gN(x))"),
    Work("lambda inside", "fN(x)", "def fN(x):\n    return sorted([3, x, 1], key=lambda v: -v)"),
    Work("nested function", "fN(x)", "def fN(x):\n    def inner(y):\n        return y + x\n    return inner(4)"),
    Work("closure made before", "fN(x)", "def makeN(k):\n    def step(x):\n        return x + k\n    return step\nfN = makeN(5)"),
    Work("method", "oN.run(x)", "class CN(object):\n    def __init__(self, k):\n        self.k = k\n    def run(self, x):\n        return self.k * x\noN = CN(3)"),
    Work("inherited method", "oN.run(x)", "class BN(object):\n    def run(self, x):\n        return self.step(x) + 1\nclass CN(BN):\n    def step(self, x):\n        return x * 2\noN = CN()"),
    Work("new object", "fN(x)", "class CN(object):\n    def __init__(self, k):\n        self.k = k\n        self.many = [k, k]\ndef fN(x):\n    c = CN(x)\n    c.k += 1\n    return c.k + len(c.many)"),
    Work("object as result", "fN(x).k", "class CN(object):\n    def __init__(self, k):\n        self.k = k\ndef fN(x):\n    return CN(x + 1)"),
    Work("operators", "fN(x)", "class CN(object):\n    def __init__(self, k):\n        self.k = k\n    def __add__(self, other):\n        return CN(self.k + other.k)\n    def __len__(self):\n        return self.k\ndef fN(x):\n    return len(CN(x) + CN(2))"),
    Work("property", "fN(x)", "class CN(object):\n    def __init__(self, k):\n        self._k = k\n    @property\n    def double(self):\n        return self._k * 2\ndef fN(x):\n    return CN(x).double"),
    Work("static method", "CN.run(x)", "class CN(object):\n    @staticmethod\n    def run(x):\n        return x - 1"),
    Work("named tuple", "fN(x)", "import collections\nRN = collections.namedtuple('RN', 'a b')\ndef fN(x):\n    r = RN(x, 2)\n    return r.a + r.b"),
    Work("library", "fN(x)", "import math\ndef fN(x):\n    return math.floor(math.sqrt(x + 1) * 1000)"),
    Work("builtin call", "fN(x)", "def fN(x):\n    return max(x, 3), min(x, 3), abs(-x), divmod(x + 7, 3)"),
    Work("float", "fN(x)", "def fN(x):\n    return x / 7.0 + 0.1"),
    Work("prints", "fN(x)", "def fN(x):\n    print('at %d' % x)\n    return x"),
    Work("prints much", "fN(x)", "def fN(x):\n    for i in range(3):\n        print('%d.%d' % (x, i))\n    return [x]"),
    Work("tuple", "fN(x)", "def fN(x):\n    a, b = x, x + 1\n    a, b = b, a\n    return a, b"),
    Work("docstring and constants", "fN(x)", "def fN(x):\n    'It is documented.'\n    return None if x is None else [x, None, True]"),
    Work("lru_cache", "fN(x)", "import functools\n@functools.lru_cache(maxsize=None)\ndef fN(n):\n    return n if n < 2 else fN(n - 1) + fN(n - 2)", three=True),
    Work("decorated", "fN(x)", "def twiceN(g):\n    def inner(v):\n        return g(v) * 2\n    return inner\n@twiceN\ndef fN(x):\n    return x + 1"),
    Work("copies its item", "fN([x])[0]", "def fN(item):\n    mine = list(item)\n    mine.append(1)\n    return mine"),
    Work("raises and catches", "fN(x)", "class EN(Exception):\n    pass\ndef gN(x):\n    if x == 3:\n        raise EN(x)\n    return x\ndef fN(x):\n    try:\n        return gN(x)\n    except EN as e:\n        return 'caught %s' % e"),
)

_COUNTER = "class CN(object):\n    n = 0\n    def __init__(self, k):\n        self.k = k\n    {}\n"
TRAPS = (
    Work("global counter", "fN(x)", "nN = 0\ndef fN(x):\n    global nN\n    nN += 1\n    return nN + x", "print(nN)", True),
    Work("global list", "fN(x)", "LN = []\ndef fN(x):\n    LN.append(x)\n    return len(LN)", "print(LN)", True),
    Work("global list through a helper", "fN(x)", "LN = []\ndef noteN(l, x):\n    l.append(x)\ndef fN(x):\n    noteN(LN, x)\n    return x", "print(LN)", True),
    Work("global list by another name", "fN(x)", "LN = []\nMN = LN\ndef fN(x):\n    MN.append(x)\n    return x", "print(LN)", True),
    Work("memo", "fN(x % 3)", "MN = {}\ndef fN(x):\n    if x not in MN:\n        MN[x] = len(MN)\n    return MN[x]", "print(sorted(MN.items()))", True),
    Work("default changed", "fN(x)", "def fN(x, seen=[]):\n    seen.append(x)\n    return len(seen)", "print(fN(0))", True),
    Work("default changed by a helper", "fN(x)", "def putN(l):\n    l.append(1)\ndef fN(x, seen=[]):\n    putN(seen)\n    return x + len(seen)", "print(fN(0))", True),
    Work("attribute of a function", "fN(x)", "def fN(x):\n    fN.n = getattr(fN, 'n', 0) + 1\n    return x", "print(fN.n)", True),
    Work("attribute of a class", "fN(x)", "class CN(object):\n    n = 0\ndef fN(x):\n    CN.n += 1\n    return x", "print(CN.n)", True),
    Work("attribute of an object", "oN.run(x)", "class CN(object):\n    n = 0\n    def run(self, x):\n        self.n += x\n        return self.n\noN = CN()", "print(oN.n)", True),
    Work("counts in __init__", "fN(x)", _COUNTER.format("pass").replace("self.k = k", "CN.n += 1") + "def fN(x):\n    CN(x)\n    return x", "print(CN.n)", True),
    Work("counts in __eq__", "fN(x)", _COUNTER.format("def __eq__(self, o):\n        CN.n += 1\n        return True\n    __hash__ = None") + "def fN(x):\n    return CN(x) == CN(2)", "print(CN.n)", True),
    Work("counts in __len__", "fN(x)", _COUNTER.format("def __len__(self):\n        CN.n += 1\n        return 3") + "oN = CN(1)\ndef fN(x):\n    return len(oN) + x", "print(CN.n)", True),
    Work("counts in a property", "fN(x)", _COUNTER.format("@property\n    def p(self):\n        CN.n += 1\n        return 3") + "oN = CN(1)\ndef fN(x):\n    return oN.p + x", "print(CN.n)", True),
    Work("counts in __getattr__", "fN(x)", _COUNTER.format("def __getattr__(self, name):\n        CN.n += 1\n        return 3") + "oN = CN(1)\ndef fN(x):\n    return oN.missing + x", "print(CN.n)", True),
    Work("counts in __add__", "fN(x)", _COUNTER.format("def __add__(self, o):\n        CN.n += 1\n        return o") + "oN = CN(1)\ndef fN(x):\n    return oN + x", "print(CN.n)", True),
    Work("counts in __iter__", "fN(x)", _COUNTER.format("def __iter__(self):\n        CN.n += 1\n        return iter([1])") + "oN = CN(1)\ndef fN(x):\n    return sum(oN) + x", "print(CN.n)", True),
    Work("counts in __contains__", "fN(x)", _COUNTER.format("def __contains__(self, o):\n        CN.n += 1\n        return True") + "oN = CN(1)\ndef fN(x):\n    return x in oN", "print(CN.n)", True),
    Work("counts in __call__", "oN(x)", _COUNTER.format("def __call__(self, o):\n        self.k += 1\n        return o") + "oN = CN(1)", "print(oN.k)", True),
    Work("counts in __str__", "fN(x)", _COUNTER.format("def __str__(self):\n        CN.n += 1\n        return 's'") + "oN = CN(1)\ndef fN(x):\n    return '%s%d' % (oN, x)", "print(CN.n)", True),
    Work("counting decorator", "fN(x)", "cN = []\ndef countN(g):\n    def inner(v):\n        cN.append(v)\n        return g(v)\n    return inner\n@countN\ndef fN(x):\n    return x + 1", "print(cN)", True),
    Work("counting closure", "fN(x)", "def makeN():\n    seen = [0]\n    def step(x):\n        seen[0] += 1\n        return seen[0]\n    return step\nfN = makeN()", "print(fN(0))", True),
    Work("nonlocal", "fN(x)", "def makeN():\n    n = 0\n    def step(x):\n        nonlocal n\n        n += 1\n        return n\n    return step\nfN = makeN()", "print(fN(0))", True, three=True),
    Work("takes the next", "fN(x)", "IN = iter(range(1000))\ndef fN(x):\n    return next(IN)", "print(next(IN))", True),
    Work("counter of itertools", "fN(x)", "import itertools\ncN = itertools.count()\ndef fN(x):\n    return next(cN) + x", "print(next(cN))", True),
    Work("loops over an iterator", "fN(x)", "IN = iter(range(1000))\ndef fN(x):\n    for q in IN:\n        return q", "print(next(IN))", True),
    Work("global generator", "fN(x)", "def gN():\n    k = 0\n    while True:\n        yield k\n        k += 1\nIN = gN()\ndef fN(x):\n    return x + next(IN)", "print(next(IN))", True),
    Work("gives what is held", "fN(x)", "HN = [1]\ndef fN(x):\n    return HN", "HN.append(2)\nprint(got)", True),
    Work("gives what is held, wrapped", "fN(x)", "HN = [1]\ndef fN(x):\n    return [x, HN]", "HN.append(2)\nprint(got)", True),
    Work("gives a default", "fN(x)", "def fN(x, k=[]):\n    return k", "fN(0).append(9)\nprint(got)", True),
    Work("gives a sentinel", "fN(x)", "SN = object()\ndef fN(x):\n    return SN if x % 2 else None", "print([one is SN for one in got] if isinstance(got, list) else 0)", True),
    Work("gives one of its parts", "fN(x)", "PN = [[0], [1], [2]]\ndef fN(x):\n    return PN[x % 3]", "PN[0].append('late')\nprint(got)", True),
    Work("random", "fN(x)", "import random\nrandom.seed(N)\ndef fN(x):\n    return random.random() + x", "print(random.random())", True),
    Work("random method", "fN(x)", "import random\nrN = random.Random(N)\ndef fN(x):\n    return rN.randint(0, 99)", "print(rN.random())", True),
    Work("shuffle later", "fN(x)", "import random\nrandom.seed(N)\ndef fN(x):\n    return random.choice([x, 2, 3])", "lN = list(range(9))\nrandom.shuffle(lN)\nprint(lN)", True),
    Work("standard error", "fN(x)", "import sys\ndef fN(x):\n    sys.stderr.write('at %d\\n' % x)\n    return x", "", True),
    Work("half a line", "fN(x)", "import sys\ndef fN(x):\n    sys.stdout.write('%d ' % x)\n    return x", "print('end')", True),
    Work("environment", "fN(x)", "import os\ndef fN(x):\n    os.environ['EN'] = os.environ.get('EN', '') + 'x'\n    return len(os.environ['EN'])", "print(os.environ.get('EN'))", True),
    Work("environment alone", "fN(x)", "import os\ndef fN(x):\n    os.environ['AN%d' % x] = 'x'\n    return x", "print(sorted(name for name in os.environ if name.startswith('AN')))", True),
    Work("process number", "fN(x)", "import os\npN = os.getpid()\ndef fN(x):\n    return os.getpid() == pN", "", True),
    Work("writes a file", "fN(x)", "def fN(x):\n    with open('outN-%d' % x, 'w') as f:\n        f.write('%d' % x)\n    return x", "import os\nprint(sorted(n for n in os.listdir('.') if n.startswith('outN')))", True),
    Work("appends to a file", "fN(x)", "def fN(x):\n    f = open('logN', 'a')\n    f.write('%d ' % x)\n    f.close()\n    return x", "print(open('logN').read())", True),
    Work("reads a file", "fN(x)", "f = open('inN', 'w')\nf.write('abcdef')\nf.close()\ndef fN(x):\n    return open('inN').read()[x % 6]", "", True),
    Work("raises", "fN(x)", "def fN(x):\n    if x == 3:\n        raise ValueError('at %d' % x)\n    return x", "", True),
    Work("raises after a print", "fN(x)", "def fN(x):\n    print('before %d' % x)\n    if x == 4:\n        raise KeyError(x)\n    print('after')\n    return x", "", True),
    Work("raises with two arguments", "fN(x)", "class EN(Exception):\n    def __init__(self, a, b):\n        Exception.__init__(self, a)\n        self.b = b\ndef fN(x):\n    if x == 2:\n        raise EN(1, 2)\n    return x", "", True),
    Work("exits", "fN(x)", "import sys\ndef fN(x):\n    if x == 5:\n        sys.exit(3)\n    return x", "", True),
    Work("rebound later", "fN(x)", "def fN(x):\n    return kN(x)\ndef kN(x):\n    return x\nkN = lambda x: x + 5", "", True),
    Work("defined in a branch", "fN(x)", "if 'a' > 'b':\n    def fN(x):\n        return 1\nelse:\n    def fN(x):\n        return x + 2", "", True),
    Work("value set in main", "fN(x)", "KN = 1\ndef setN():\n    global KN\n    KN = 10\nsetN()\ndef fN(x):\n    return x + KN", "", True),
    Work("shadowed builtin", "fN(x)", "cN = []\ndef absN(v):\n    cN.append(v)\n    return v\ndef fN(x, abs=absN):\n    return abs(x)", "print(cN)", True),
    Work("global names", "fN(x)", "vN = 3\ndef fN(x):\n    globals()['vN'] = x\n    return x", "print(vN)", True),
    Work("eval", "fN(x)", "eN = []\ndef fN(x):\n    eval('eN.append(x)', globals(), {'x': x})\n    return x", "print(eN)", True),
    Work("setattr", "fN(x)", "class CN(object):\n    pass\noN = CN()\ndef fN(x):\n    setattr(oN, 'a%d' % x, x)\n    return x", "print(sorted(vars(oN)))", True),
    Work("vars", "fN(x)", "class CN(object):\n    pass\noN = CN()\ndef fN(x):\n    vars(oN)['k'] = x\n    return x", "print(vars(oN))", True),
    Work("dict method by another name", "fN(x)", "DN = {}\nputN = DN.setdefault\ndef fN(x):\n    return putN(x % 2, x)", "print(sorted(DN.items()))", True),
    Work("list in a dict", "fN(x)", "DN = {'l': []}\ndef fN(x):\n    DN['l'].append(x)\n    return x", "print(DN)", True),
    Work("unknown callable", "fN(x)", "aN = [].append\nlN = aN.__self__\ndef fN(x):\n    aN(x)\n    return len(lN)", "print(lN)", True),
    Work("partial", "fN(x)", "import functools\nlN = []\ndef pN(l, x):\n    l.append(x)\n    return len(l)\nfN = functools.partial(pN, lN)", "print(lN)", True),
    Work("own map inside", "fN(x)", "lN = []\ndef fN(x):\n    list(map(lN.append, [x]))\n    return x", "print(lN)", True),
    Work("sorted by a counting key", "fN(x)", "kN = []\ndef keyN(v):\n    kN.append(v)\n    return v\ndef fN(x):\n    return sorted([x, 1], key=keyN)", "print(kN)", True),
    Work("context manager", "fN(x)", "class CN(object):\n    n = 0\n    def __enter__(self):\n        CN.n += 1\n    def __exit__(self, *a):\n        pass\ndef fN(x):\n    with CN():\n        return x", "print(CN.n)", True),
    Work("metaclass", "fN(x)", "madeN = []\nclass MN(type):\n    def __call__(cls, *a):\n        madeN.append(a)\n        return type.__call__(cls)\nCN = MN('CN', (object,), {})\ndef fN(x):\n    CN(x)\n    return x", "print(madeN)", True),
    Work("__del__", "fN(x)", "goneN = []\nclass CN(object):\n    def __del__(self):\n        goneN.append(1)\ndef fN(x):\n    CN()\n    return x", "print(len(goneN))", True),
    Work("__new__", "fN(x)", "class CN(object):\n    all = []\n    def __new__(cls, *a):\n        o = object.__new__(cls)\n        cls.all.append(a)\n        return o\ndef fN(x):\n    CN(x)\n    return x", "print(CN.all)", True),
    Work("descriptor", "fN(x)", "setN = []\nclass DN(object):\n    def __get__(self, o, t):\n        setN.append(1)\n        return 5\nclass CN(object):\n    d = DN()\noN = CN()\ndef fN(x):\n    return oN.d + x", "print(len(setN))", True),
    Work("warns", "fN(x)", "import warnings\ndef fN(x):\n    warnings.warn('once')\n    return x", "", True),
    Work("monkeypatched library", "fN(x)", "import math\ncN = []\nrealN = math.sqrt\ndef sqN(v):\n    cN.append(v)\n    return realN(v)\nmath.sqrt = sqN\ndef fN(x):\n    return math.sqrt(x)", "math.sqrt = realN\nprint(cN)", True),
    Work("changed settings", "fN(x)", "import decimal\ndecimal.getcontext().prec = 5\ndef fN(x):\n    return str(decimal.Decimal(x) / 7)", "", True),
    Work("recursion limit", "fN(x)", "def fN(x):\n    def deep(n):\n        return n if n == 0 else deep(n - 1)\n    try:\n        return deep(400 * (x % 4))\n    except RuntimeError:\n        return -1", "", True),
    Work("time of day", "fN(x)", "import time\ntN = [time.time()]\ndef fN(x):\n    return time.time() >= tN[0]", "", True),
)
