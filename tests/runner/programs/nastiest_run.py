"""The nastiest programs that were thought of, to be run: what each shows plainly it must show with everything that is proved sent away.

{what: (program, how many of its sites at least are divided)}. All begin with the line of `FUTURE`, but for those of 2.7 alone.
"""

FUTURE = "from __future__ import print_function\n"

EVERYWHERE = {
    "names that are imported from libraries, and one of them replaced": (
        """
import math, sys
from math import floor, sqrt as root
from os.path import join
from collections import OrderedDict, Counter as Counts
def f(x):
    return floor(root(x) * 100), join("a", str(x)), list(OrderedDict([(x, 1)])), Counts("aab")["a"]
print([f(x) for x in range(5)])
def g(x):
    return floor(x + 0.5)
print([g(x) for x in range(5)])
setattr(sys.modules["__main__"], "fl" + "oor", math.ceil)
print([g(x) for x in range(5)])
setattr(math, "sq" + "rt", math.exp)
print([root(x) for x in range(5)])
""",
        2,
    ),
    "sets as items, and the last digit of their sums": (
        """
def total(s):
    t = 0.0
    for v in s:
        t += v
    return t
def old(k):
    s = set([0.1 * i for i in range(40)])
    for i in range(0, 36):
        s.discard(0.1 * i)
    s.update([k / 3.0, 1e9, 7.7, -1e9, 0.3])
    return s
print([repr(total(s)) for s in [old(k) for k in range(6)]])
print([repr(total(d)) for d in [dict((0.1 * i + k, 1) for i in range(9)) for k in range(6)]])
print([repr(total(l)) for l in [[0.1 * i + k for i in range(9)] for k in range(6)]])
""",
        1,
    ),
    "places of a list that is filled": (
        """
def f(x):
    return [x, x * 2 / 7.0]
a, b, c = [None] * 6, [0] * 3, [x for x in range(4)]
for i in range(len(a)):
    a[i] = f(i)
for x in range(7):
    b[x % 3] = f(x)
for x in range(4):
    c[-x - 1] = a[x]
a[1].append(5)
print(a, b, c, c[2] is a[1])
d = [0] * 3
try:
    for x in range(5):
        d[x] = f(x)
except IndexError as e:
    print(e, d)
e = ["?"] * 3
for x in range(3):
    e[True] = e[x % 2 == 0] = f(x)
print(e)
g, h = [[0] * 3 for x in range(4)], [[0] * 2] * 3
for x in range(4):
    for y in range(3):
        g[x][-y - 1] = f(x + y)
for x in range(3):
    h[x][x % 2] = f(x)
g[1][1].append(7)
print(g, h, h[0] is h[2])
""",
        3,
    ),
    "groups": (
        """
from collections import defaultdict
def f(x):
    return [x, x / 7.0]
a, b = {}, defaultdict(list)
for x in range(6):
    a.setdefault(x % 2, []).append(f(x))
    for y in range(x % 3):
        b[str(y)].append(x)
        b[y].append(f(x))
a[1][0].append("late")
print(sorted(a.items()), list(b.items()), b["new"])
d = [[] for x in range(3)]
for x in range(7):
    d[-(x % 3)].append(f(x))
print(d)
try:
    for x in range(7):
        d[x].append(f(x))
except IndexError as e:
    print(e, d)
c = {}
try:
    for x in [1, 2, [3], 4]:
        c.setdefault(x, []).append(f(len(c)))
except TypeError as e:
    print(e, c)
""",
        2,
    ),
    "iterators of the module that each item takes the next of": (
        """
import itertools
IT, IDS = iter(range(100)), itertools.count()
def f(x):
    return next(IT) + x
def g(x):
    for q in IT:
        return q
print([f(x) for x in range(5)], [g(x) for x in range(5)], [x + next(IDS) for x in range(5)], next(IT), next(IDS))
print([x in IT for x in range(30, 35)], [(x, list(zip([x], IT))) for x in range(4)], next(IT))
""",
        0,
    ),
    "a list of the module that is given back and changed later": (
        """
CONFIG = [1]
def f(x):
    return CONFIG
def g(x):
    return [x, CONFIG]
results, more = [f(x) for x in range(5)], [g(x) for x in range(5)]
results[0].append(2)
print(results, more, results[3] is CONFIG, more[2][1] is CONFIG)
""",
        0,
    ),
    "a default value that a helper changes": (
        """
def put(acc, x):
    acc.append(x)
def f(x, acc=[]):
    put(acc, x)
    return len(acc)
print([f(x) for x in range(5)], f(9))
""",
        0,
    ),
    "sentinels in items, compared by identity": (
        """
SENTINEL = object()
class Mark(object):
    pass
def f(x):
    return x is SENTINEL or x is Mark or x is None
items = [SENTINEL, Mark, None, 3, SENTINEL, [], Mark]
print([f(x) for x in items], [x is SENTINEL for x in items], list(map(f, items)))
""",
        0,
    ),
    "a map that is consumed while its items change": (
        """
def f(p):
    return p[0]
pop, seen = [[1], [2], [3]], []
for ind, fit in zip(pop, map(f, pop)):
    seen.append(fit)
    for other in pop:
        other[0] += 100
print(seen, pop)
""",
        0,
    ),
    "maps that are consumed by parts, without end, and only until something is found": (
        """
import itertools
def f(x):
    print("f", x)
    return x * 2
m = iter(map(f, [1, 2, 3, 4]))
print(next(m), next(m))
del m
e = (f(x) for x in itertools.count())
print(next(e), next(e))
print(any(f(x) > 3 for x in range(9)), all(f(x) < 3 for x in range(9)))
print(any(map(lambda x: f(x) > 3, range(5))))
""",
        0,
    ),
    "items of a class whose special methods count": (
        """
class C(object):
    n = 0
    def __init__(self, k):
        self.k = k
    def __len__(self):
        C.n += 1
        return self.k
    def __eq__(self, other):
        C.n += 1
        return self.k == getattr(other, "k", None)
    def __lt__(self, other):
        C.n += 1
        return self.k < other.k
    __hash__ = None
    @property
    def size(self):
        C.n += 1
        return self.k
    def __getattr__(self, name):
        C.n += 1
        return name
    def __del__(self):
        C.n += 1
def by_length(x):
    return len(x)
def by_sorting(x):
    return sorted([x, x])[0].k
def by_looking(x):
    return x in [x, 1]
def by_property(x):
    return x.size, x.other
items = [C(k) for k in range(5)]
for f in (by_length, by_sorting, by_looking, by_property):
    print([f(x) for x in items], C.n)
x = items = None
print(C.n)
""",
        0,
    ),
    "accumulators that are known elsewhere": (
        """
a = []
b = a
for x in range(5):
    a.append(x + len(b))
def look():
    return len(table)
table = {}
def collect():
    for x in range(5):
        table[x] = x + look()
collect()
def closure():
    def count():
        return len(found)
    found = []
    for x in range(5):
        found.append(x * count())
    return found
last = {}
for x in range(6):
    last[x % 2] = x * x
print(a, b, sorted(table.items()), closure(), list(last.items()))
""",
        0,
    ),
    "an item that raises after it has printed and collected": (
        """
class Two(Exception):
    def __init__(self, a, b):
        Exception.__init__(self, a)
        self.b = b
def f(x):
    print("f", x)
    if x == 3:
        raise Two(x, "b")
    return x
out, log = [], open("log", "w")
try:
    for x in range(6):
        out.append(x)
        out.append(f(x))
except Two as error:
    print("caught", error.args, error.b, x)
print(out)
log.write(repr(out))
log.close()
[f(x) for x in range(6)]
""",
        0,
    ),
    "names of a loop that are used behind it": (
        """
def f(x):
    return x + 1
for x in range(5):
    v = f(x)
    if x == 2:
        w = v
print(x, v, w)
for y in []:
    z = f(y)
try:
    print(y, z)
except NameError as error:
    print(error)
def last():
    for k in range(6):
        t = f(k)
    return k, t
print(last())
""",
        1,
    ),
    "functions that are not what their definition says": (
        """
registry = []
def register(g):
    registry.append(g.__name__)
    return g
@register
def f(x):
    return x
first = [f(x) for x in range(4)]
def f(x):
    return -x
second = [f(x) for x in range(4)]
if len(first) > 3:
    def g(x):
        return "long"
else:
    def g(x):
        return "short"
globals()["h"] = lambda x: registry.append(x)
fs = []
for i in range(4):
    fs.append(lambda: i)
print(first, second, [g(x) for x in range(4)], [h(x) for x in range(4)], registry, [each() for each in fs])
f = abs
print([f(x) for x in range(-3, 3)])
""",
        1,
    ),
    "values that are bound again between two portions": (
        """
def f(x):
    return x + K
def main():
    global K
    K = 3
    return [f(x) for x in range(5)]
print(main())
K = 100
print([f(x) for x in range(5)])
K = [0]
try:
    print([f(x) for x in range(5)])
except TypeError as error:
    print("TypeError")
""",
        2,
    ),
    "classes that are made by calls": (
        """
import array, collections
def factory(name):
    class Made(object):
        def __init__(self, k):
            self.k = k
    Made.__name__ = name
    return Made
A = factory("A")
P = collections.namedtuple("Q", "x y")
B = type("B", (object,), {"k": 7})
class Meta(type):
    made = []
    def __call__(cls, *given):
        Meta.made.append(given)
        return type.__call__(cls, *given)
M = Meta("M", (object,), {})
class Two(array.array):
    def __new__(cls, kind, first, second):
        return array.array.__new__(cls, kind, [first, second])
def f(x):
    return isinstance(x, A), isinstance(x, B), x.k
print([f(x) for x in [A(1), A(2), B(), B(), A(3)]])
print([p.x + p.y for p in [P(k, 1) for k in range(5)]], [(P(k, 2), k) for k in range(5)])
print([M() is None for x in range(4)], Meta.made)
print([sum(t) for t in [Two("i", k, 1) for k in range(5)]])
""",
        0,
    ),
    "a program without a guard that prints, writes, and reads its input before": (
        """
import sys
print("begins")
table = dict((k, k * k) for k in range(2000))
for k in range(20000):
    table[k % 2000] += 1
with open("made", "w") as file:
    file.write("x" * 10)
print(repr(sys.stdin.read()))
def f(x):
    return table[x] + len(open("made").read())
def g(x):
    return table[x] * 2
print([f(x) for x in range(5)])
print([g(x) for x in range(5)])
""",
        1,
    ),
    "random numbers, before, within and behind": (
        """
import random
random.seed(5)
start = random.random()
def f(x):
    return x + start
def g(x):
    return random.random()
print([f(x) for x in range(5)], [g(x) for x in range(5)])
cards = list(range(20))
random.shuffle(cards)
own = random.Random(2)
print(cards, [own.random() for x in range(4)], [random.Random(x).random() for x in range(4)], random.random(), own.random())
""",
        1,
    ),
    "names of Python's own that mean something else": (
        """
calls = []
def sum(values):
    calls.append(len(values))
    return 7
real_map = map
def map(f, xs):
    calls.append("map")
    return real_map(f, xs)
def f(x):
    return sum([x, x])
print([f(x) for x in range(4)], list(map(f, range(4))), calls)
try:
    import builtins
except ImportError:
    import __builtin__ as builtins
real_abs = builtins.abs
builtins.abs = lambda v: calls.append(v) or real_abs(v)
print([abs(x) for x in range(-3, 2)], calls)
builtins.abs = real_abs
del sum, map
print(list(map(lambda x: sum([x, x]), range(5))))
""",
        0,
    ),
    "a library that was changed, and settings": (
        """
import decimal, math
calls = []
real = math.sqrt
def sqrt(v):
    calls.append(v)
    return real(v)
def f(x):
    return math.sqrt(x)
def g(x):
    return str(decimal.Decimal(x) / 7)
print([f(x) for x in range(4)])
math.sqrt = sqrt
decimal.getcontext().prec = 5
print([f(x) for x in range(4)], [g(x) for x in range(4)], calls)
math.sqrt = real
print([f(x) for x in range(4)])
""",
        1,
    ),
    "values that do not travel": (
        """
import math, os, socket, threading
log, lock, numbers, double, library = open("log", "w"), threading.Lock(), (k for k in range(99)), lambda x: x * 2, math
pair = socket.socketpair()
def logs(x):
    log.write("%d " % x)
    return x
def locks(x):
    with lock:
        return x
def takes(x):
    return next(numbers) + x
def doubles(x):
    return double(x) + library.floor(2.5)
def sends(x):
    pair[0].send(b"x")
    return x
for f in (logs, locks, takes, doubles, sends):
    print([f(x) for x in range(4)])
log.close()
print(open("log").read(), pair[1].recv(99), next(numbers))
print([doubles(x) for x in range(4)])
""",
        0,
    ),
    "memories": (
        """
M = {}
def memo(x):
    if x not in M:
        M[x] = len(M)
    return M[x]
def fib(n, known={}):
    if n not in known:
        known[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return known[n]
def counts(x):
    counts.n = getattr(counts, "n", 0) + 1
    return counts.n
print([memo(x % 3) for x in range(6)], M, [fib(x) for x in range(9)], [counts(x) for x in range(5)], counts.n)
""",
        0,
    ),
    "output in every way": (
        """
import logging, os, subprocess, sys, warnings
class Shows(object):
    def __repr__(self):
        print("asked")
        return "shows"
def raw(x):
    sys.stdout.flush()
    os.write(1, b"raw\\n")
    return x
def errs(x):
    sys.stderr.write("err %d\\n" % x)
    return x
def warns(x):
    warnings.warn("once")
    return x
def logs(x):
    logging.warning("at %d", x)
    return x
def shows(x):
    return repr(Shows()), x
def calls(x):
    sys.stdout.flush()
    subprocess.call(["echo", str(x)])
    return x
for f in (raw, errs, warns, logs, shows, calls):
    print([f(x) for x in range(4)])
class Tee(object):
    def __init__(self):
        self.n = 0
    def write(self, text):
        self.n += len(text)
    def flush(self):
        pass
kept, sys.stdout = sys.stdout, Tee()
for x in range(5):
    print(x)
n, sys.stdout = sys.stdout.n, kept
print(n)
for x in range(5):
    print("at", x, end=" ")
print("end")
""",
        0,
    ),
    "files that items make, read and take away": (
        """
import os
def appends(x):
    with open("one", "a") as file:
        file.write("%d " % x)
    return x
def makes(x):
    open("made-%d" % x, "w").close()
    return len([name for name in os.listdir(".") if name.startswith("made-")])
def removes(x):
    os.remove("made-%d" % x)
    return os.path.exists("made-0")
def enters(x):
    os.chdir(".." if os.path.basename(os.getcwd()) == "sub" else "sub")
    return os.path.basename(os.getcwd()) == "sub"
os.mkdir("sub")
for f in (appends, makes, removes, enters):
    print([f(x) for x in range(4)])
print(open("one").read(), sorted(os.listdir(".")))
""",
        0,
    ),
    "items that divide, end, fork, start threads and go deep": (
        """
import os, sys, threading
def nests(x):
    return list(map(lambda y: y * x, range(4)))
def forks(x):
    pid = os.fork()
    if not pid:
        os._exit(x)
    return os.waitpid(pid, 0)[1] >> 8
def threads(x):
    got = []
    thread = threading.Thread(target=got.append, args=(x,))
    thread.start()
    thread.join()
    return got
def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
def limit(x):
    try:
        return deep(300 * x)
    except RuntimeError:
        return "too deep"
for f in (nests, forks, threads, limit):
    print([f(x) for x in range(5)])
def exits(x):
    if x == 2:
        sys.exit(4)
    return x
print([exits(x) for x in range(5)])
""",
        0,
    ),
    "the loop's own iterable changed, and objects that come twice": (
        """
xs, out = [1, 2, 3], []
for x in xs:
    out.append(x)
    if len(xs) < 6:
        xs.append(x * 10)
big, twice = list(range(100)), [0]
def f(pair):
    return pair[0] + len(pair[1])
def g(l):
    l.append(1)
    return len(l)
loop = []
loop.append(loop)
print(out, [f(pair) for pair in [(k, big) for k in range(5)]], [g(l) for l in [twice] * 4], twice)
print([len(l) for l in [loop, [loop], loop, []]], [l is twice for l in [twice, [0], twice, twice]])
words = set(["alpha", "beta", "gamma", "delta"])
print([list(words)[x] for x in range(4)], list(words), ["%s" % words for x in range(3)])
""",
        1,
    ),
}

IN_TWO = {
    "what is printed behind a comma": (
        """
def f(x):
    print "at", x
    return x * x
got = []
for x in range(6):
    print x,
    got.append(f(x))
print got
def g(x):
    if x > 2:
        print "late", x
    return x
print "first",
for x in range(6):
    got.append(g(x))
print got
print "second",
print [g(x) for x in range(6)]
""",
        0,
    ),
    "what only Python 2 has": (
        """
got = [x * 2 for x in range(5)]
print x, got
def pair((a, b)):
    return a + b
print [pair((x, 1)) for x in range(5)]
print map(None, [1, 2, 3], [4, 5]), map(lambda a, b: (a, b), [1, 2, 3], [4])
def runs(x):
    exec "y = x + 1"
    return y
print [runs(x) for x in range(5)]
for x in range(5):
    print x,
print
class Old:
    seen = []
    def __getattr__(self, name):
        Old.seen.append(name)
        raise AttributeError(name)
old = Old()
def asks(x):
    return bool(old), `x`
print [asks(x) for x in range(4)], Old.seen
print [d.keys() for d in [dict.fromkeys(['a%d' % i for i in range(9)]) for k in range(4)]]
print filter(lambda x: x % 2, [x for x in range(6)]), reduce(lambda a, b: a * b, [x + 1L for x in range(6)])
""",
        1,
    ),
}

IN_THREE = {
    "a memory of the library that is asked about, and an enumeration": (
        """
import enum, functools
@functools.lru_cache(maxsize=None)
def f(x):
    return x * 2
class E(enum.Enum):
    A = 1
    B = 2
def g(x):
    return x is E.A
print([f(x % 3) for x in range(6)], f.cache_info(), [g(x) for x in [E.A, E.B, E.A, 3]])
def make():
    n = 0
    def step(x):
        nonlocal n
        n += 1
        return n
    return step
step = make()
print([step(x) for x in range(5)], step(0), [f"{x}-{step(x)}" for x in range(4)])
""",
        0,
    ),
}
