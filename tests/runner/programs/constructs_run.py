"""Programs around constructs that only values can settle, to be run: what each shows plainly it must show with everything that is proved sent away.

{what: program}. A line that ends with ``# divided`` must be, one that ends with ``# stays`` must not. All begin with the line of `FUTURE`.
"""

FUTURE = "from __future__ import print_function\n"

EVERYWHERE = {
    "functions that are decorated by the program": """
import functools
calls, memo = [], {}
def twice(g):
    @functools.wraps(g)
    def inner(*args, **named):
        return g(*args, **named) * 2
    return inner
def plus(n):
    def around(g):
        def inner(x):
            return g(x) + n
        return inner
    return around
def counted(g):
    def inner(x):
        calls.append(x)
        return g(x)
    return inner
def told(g):
    def inner(x):
        print("calls with", x)
        return g(x)
    return inner
def kept(g):
    def inner(x):
        if x not in memo:
            memo[x] = g(x)
        return memo[x]
    return inner
def numbered(g):
    n = [0]
    def inner(x):
        n[0] += 1
        return g(x) + n[0]
    return inner
@twice
def a(x):
    return [x]
@plus(3)
@plus(n=4)
def b(x):
    return x * 2
@counted
def c(x):
    return x
@told
def d(x):
    return x + 1
@kept
def e(x):
    return x * x
@numbered
def f(x):
    return x
@plus(1)
@counted
def g(x):
    return x
print([a(x) for x in range(6)])  # divided
print([b(x) + 1 for x in range(6)])  # divided
print([c(x) for x in range(6)], calls)  # stays
print([d(x) for x in range(6)])  # divided
print([e(x) for x in range(6)], sorted(memo))  # stays
print([f(x) for x in range(6)])  # stays
print([g(x) for x in range(6)], calls)  # stays
""",
    "what decorated functions give": """
log, K = [], [1]
def around(g):
    def inner(x):
        got = g(x)
        return len(got) + got[0]
    return inner
def through(g):
    def inner(x):
        return g(x)
    return inner
class C(object):
    n = 0
    def __init__(self, x):
        self.x = x
    def __len__(self):
        C.n += 1
        return self.x
    def __getitem__(self, place):
        return self.x
class D(object):
    def __init__(self, x):
        self.x = x
    def __add__(self, other):
        return D(self.x + other)
@around
def lists(x):
    return [x, x]
@around
def objects(x):
    return C(x)
@through
def held(x):
    return K
@through
def adding(x):
    return D(x)
@through
def later(x):
    return lambda: x
@through
def counting(x):
    return iter([x])
print([lists(x) for x in range(6)])  # divided
print([objects(x) for x in range(6)], C.n)  # stays
got = [held(x) for x in range(6)]
K.append(2)
print(got)
print([(adding(x) + 1).x for x in range(6)])
print([later(x)() for x in range(6)])  # stays
print([list(counting(x)) for x in range(6)])
""",
    "closures of one function that hold other things": """
log = []
def plain(x):
    return x + 1
def noted(x):
    log.append(x)
    return x
def twice(g):
    def inner(v):
        return g(v) * 2
    return inner
h = twice(noted)
@twice
def outer(x):
    return h(x) + 1
@twice
def other(x):
    return twice(plain)(x)
p = twice(plain)
@twice
def clean(x):
    return p(x) + 1
print([outer(x) for x in range(6)], log)  # stays
print([clean(x) for x in range(6)])  # divided
""",
    "names around closures that others have as well": """
def make(k):
    def step(x):
        for q in k:
            return q + x
        return -1
    return step
step, calm = make(iter(range(100))), make([1, 2])
def main(k):
    print([step(x) for x in range(6)])  # stays
    print([calm(x) for x in range(6)])  # divided
main([1])
""",
    "default values of methods of one name": """
class A(object):
    def cost(self, x, k=(1,)):
        for q in k:
            return q + x
        return -1
class B(object):
    def cost(self, x, k=iter(range(100))):
        for q in k:
            return q + x
        return -1
a, b = A(), B()
def main(one):
    return [one.cost(x) for x in range(6)]  # stays
print(main(b), main(a))
""",
    "objects that are called": """
class C(object):
    def __init__(self, k):
        self.k = k
    def __call__(self, x):
        return self.k - x
class D(C):
    def __call__(self, x):
        return C.__call__(self, x) + 1
class E(C):
    def __call__(self, x):
        self.k += 1
        return self.k
c, d, e = C(9), D(9), E(9)
print([c(x) for x in range(6)])  # divided
print([d(x) * 2 for x in range(6)])  # divided
print([e(x) for x in range(6)], e.k)  # stays
print([C(x)(2) for x in range(6)])  # divided
print([E(x)(2) for x in range(6)])  # divided
""",
    "objects that call what they hold": """
log = []
class F(object):
    def __init__(self, f):
        self.f = f
    def __call__(self, x):
        return self.f(x)
def noted(x):
    log.append(x)
    return x
f = F(noted)
print([f(x) for x in range(6)], log)  # stays
print([F(noted)(x) for x in range(6)], log)  # stays
""",
    "a class whose objects are called otherwise": """
log = []
class C(object):
    def __call__(self, x):
        return x
c = C()
print([c(x) for x in range(6)])
C.__call__ = lambda self, x: log.append(x)
print([c(x) for x in range(6)], log)  # stays
""",
    "a method that was exchanged for what has no code": """
log = []
class C(object):
    def note(self, x):
        return x
c = C()
print([c.note(x) for x in range(6)])  # divided
setattr(C, "note", log.append)
print([c.note(x) for x in range(6)], log)  # stays
""",
    "methods that are decorated by the program": """
import functools
log = []
def counted(g):
    @functools.wraps(g)
    def inner(self, *args):
        log.append(args)
        return g(self, *args)
    return inner
class C(object):
    def __init__(self, x):
        self.x = x
    @counted
    def __len__(self):
        return self.x
    @counted
    def run(self, x):
        return x
c = C(3)
print([len(c) + abs(x) for x in range(6) for y in [1]], len(log))  # stays
print([len(C(x)) for x in range(6) for y in [1]], len(log))  # stays
print([c.run(x) for x in range(6)], len(log))  # stays
""",
    "maps of several iterables": """
import itertools
log = []
def f(x, y, z=0):
    print("at", x, y)
    return [x, y, z]
def noted(x, y):
    log.append(x)
    return x
def fails(x, y):
    if x == 3:
        raise ValueError(x)
    return x
def grow(x, y):
    x.append(y)
    return len(x)
print(list(map(f, range(5), [7, 8, 9, 10, 11])))  # divided
print(list(map(f, range(6), "abcdef", [1, 2, 3, 4, 5, 6])))  # divided
print(sum(map(lambda x, y: f(x, y)[0] + y, range(5), range(2, 7))))  # divided
print(list(map(f, enumerate(range(5)), range(5))))  # divided
print(list(map(noted, range(5), range(5))), log)  # stays
rows = [[x] for x in range(5)]
print(list(map(grow, rows, range(5))), rows)  # stays
got = []
try:
    got.extend(map(fails, range(5), range(5)))
except ValueError as error:
    print("caught", error, got)
one = iter(range(8))
print(list(map(f, one, one)), list(one))  # stays
pairs = iter([1, 2, 3, 4, 5])
print(list(map(f, range(5), pairs)), list(pairs))  # stays
for bad in (5, None):
    try:
        print(list(map(f, range(5), bad)))
    except TypeError as error:
        print(type(error))
print(list(map(f, range(2), range(5, 7))), list(map(f, [], [])))
def g(x, y):
    return x, list(map(f, [x, 2, 3], [y, 4, 5]))
print(list(map(g, range(4), range(4))))  # divided
""",
    "classes that functions make": """
def main():
    class P(object):
        def __init__(self, x):
            self.x = x
        def more(self, y):
            return [self.x, y]
    p = P(3)
    print(list(map(p.more, range(6))))  # divided
    print([p.more(x) for x in range(6)])  # divided
    print([o.more(1) for o in [P(x) for x in range(6)]])  # divided
    several = [P(x) for x in range(6)]
    got = []
    for o in several:  # divided
        got.append((o.more(2), isinstance(o, P), type(o) is P))
    print(got)
    kept = [P(abs(o.x)) for o in several for q in [o]]  # divided
    print([type(o) is P for o in kept], [o.x for o in kept])
main()
""",
    "classes that call what they find around them": """
log = []
def make(n, note):
    class C(object):
        def __init__(self, x):
            self.x = x
        def go(self, y):
            return self.x * n + y
        def __add__(self, other):
            return C(self.x + other.x)
    class D(C):
        def go(self, y):
            note(y)
            return C.go(self, y)
    return C, D
C, D = make(2, log.append)
K, _ = make(3, log.append)
c, d, k = C(1), D(1), K(1)
print([d.go(x) for x in range(6)], log)  # stays
print([k.go(x) for x in range(6)], [c.go(x) for x in range(6)], log)  # stays
""",
    "classes of functions that hold what changes": """
def make():
    n, seen = [0], []
    class C(object):
        def go(self, y):
            n[0] += 1
            return n[0]
        def held(self, y):
            return seen
    class Q(object):
        k = 3
        def __init__(self, x):
            self.x = x
        def go(self, y):
            return self.x + y + Q.k
    return C(), Q, seen
c, Q, seen = make()
q = Q(1)
print([c.go(x) for x in range(6)], c.go(0))  # stays
got = [c.held(x) for x in range(6)]
seen.append(1)
print(got)
other = [Q(x) for x in range(6)]
print([o.x for o in other], [isinstance(o, Q) for o in other])
""",
    "classes of one name of two calls": """
def make(k):
    class C(object):
        def __init__(self, x):
            self.x = x
        def go(self, y):
            return self.x + y + k
    return C
A, B = make(1), make(2)
items = [A(1), B(1), A(2), B(2), A(3)]
print([o.go(1) for o in items])
print([(o.go(1), isinstance(o, A)) for o in items])
print([type(o) is A for o in [o for o in items]])
def f(x):
    return [A(x), B(x)]
got = [f(x) for x in range(5)]
print([(type(a) is A, type(b) is B, a.go(1), b.go(1)) for a, b in got])
""",
    "objects that see what is asked of them": """
log = []
class G(object):
    def __getattr__(self, name):
        log.append(name)
        raise AttributeError(name)
g, K = G(), 5
def f(x, k=g):
    return x + K
class C(object):
    held = g
    def go(self, x):
        return x
c = C()
def main():
    inner = g
    def h(x):
        return x + 1 if inner is not None else x
    return [h(x) for x in range(6)], [f(x) for x in range(6)], [c.go(x) for x in range(6)]
print(main(), log)
""",
    "names that are bound later": """
log = []
def f(x):
    return str([x, abs(x)])
def g(x):
    try:
        return LATER + x
    except NameError:
        return -1
def h(x):
    return hash(x)
print([f(x) for x in range(6)])  # divided
print([g(x) for x in range(6)])  # divided
print([h(x) for x in range(6)])  # stays
class C(object):
    def __str__(self):
        return "C" + D().name
class D(object):
    name = "D"
LATER = 3
def hash(x):
    return x
print([f(x) for x in range(6)], str(C()))  # divided
""",
    "functions that are bound later": """
def g(x):
    try:
        return later(x)
    except NameError:
        return -1
print([g(x) for x in range(6)])  # divided
def later(x):
    return x
print([g(x) for x in range(6)])  # divided
""",
    "objects that equal nothing but themselves": """
class P(object):
    def __init__(self, x):
        self.x = x
class E(P):
    def __eq__(self, other):
        return self.x == other.x
    def __hash__(self):
        return self.x
ps, es = [P(x) for x in range(8)], [E(x) for x in range(8)]
chosen, alike, numbers, by_one = [ps[0], ps[3], ps[6]], [es[0], es[3]], [0, 3], {ps[2]: 1}
def f(p):
    return p in chosen
def g(p):
    return p in alike, p.x in numbers, p.x == 3
def h(p):
    return chosen.index(p) if p.x % 3 == 0 and p.x < 7 else -1
def k(p):
    return len(set([p, chosen[1], chosen[2]]))
def m(i):
    return ps[i] in chosen, ps[i] == chosen[1], by_one.get(ps[i])
def n(pair):
    return pair[0] == pair[1], pair[0] in pair[2]
def same(p, others):
    return any([p == each for each in others])
print([f(p) for p in ps])  # stays
print([g(p) for p in es])  # divided
print([h(p) for p in ps])  # stays
print([by_one.get(p, abs(p.x)) for p in ps for q in [p]])  # stays
print([k(p) for p in ps])  # stays
print([m(i) for i in range(8)])  # divided
print([n((p, q, [q, p])) for p, q in zip(ps, ps)])  # divided
print([same(p, chosen) for p in ps])  # stays
def apply(f, p):
    return f(p)
print([apply(f, p) for p in ps])  # stays
def main(seen, f):
    print([p in seen and f(p) for p in ps])  # stays
    print([f(p) for p in ps])  # stays
    print([f(p) for p in es])
main(chosen, f)
d = {}
for p in ps:
    d[p] = f(p)
print([d[p] for p in ps])
""",
    "properties that can be set": """
class C(object):
    def __init__(self, x):
        self.x = x
    @property
    def twice(self):
        return self.x * 2
    @twice.setter
    def twice(self, value):
        self.x = value // 2
def f(x):
    c = C(x)
    c.twice = c.twice + 4
    return c.twice
print([f(x) for x in range(6)])  # divided
""",
    "functions under other names": """
from math import sqrt as root
import math
log = []
def f(x):
    return x + 1
def noted(x):
    log.append(x)
    return x
class C(object):
    def __init__(self, x):
        self.x = x
g, D, h, either = f, C, f, f
if log == []:
    h = noted
def swap():
    globals()["either"] = noted
print([g(x) for x in range(6)])
print([D(x).x for x in range(6)])  # divided
print([h(x) for x in range(6)], log)  # stays
print([root(x) for x in range(6)])  # divided
def change():
    global g
    g = noted
print([str.upper(str(f(x))) for x in range(6)])  # divided
print([either(x) for x in range(6)])  # divided
swap()
print([either(x) for x in range(6)], log)
change()
print([g(x) for x in range(6)], log)
""",
    "objects that are gone through": """
n = [0]
class C(object):
    def __init__(self, k):
        self.k = k
    def __iter__(self):
        for i in range(self.k):
            yield i
class D(C):
    def __iter__(self):
        for i in C.__iter__(self):
            yield [i]
print([(list(C(x)), sum(C(3))) for x in range(6)])  # divided
c, d = C(4), D(3)
print([max([y * x for y in c]) for x in range(6)])  # divided
print([[y + [x] for y in d] for x in range(6)])  # divided
print([iter(c) for x in range(6)][0] is None)
""",
    "objects that count how often they are gone through": """
class C(object):
    n = 0
    def __init__(self, k):
        self.k = k
    def __iter__(self):
        C.n += 1
        yield self.k
print([list(C(x)) for x in range(6)], C.n)  # stays
""",
    "objects whose elements are generators": """
class C(object):
    def __init__(self, k):
        self.k = k
    def __iter__(self):
        yield (i for i in range(self.k))
print([list(list(C(x))[0]) for x in range(6)])
print(len([list(C(x)) for x in range(6)]))  # stays
""",
    "contexts of the program": """
class Quiet(object):
    def __init__(self):
        self.seen = []
    def __enter__(self):
        return self
    def __exit__(self, *a):
        self.seen.append(len(a))
        return True
def quiet(x):
    c = Quiet()
    with c:
        c.seen.append(10 // x)
    return c.seen
q = Quiet()
def shared(x):
    with q:
        return x
print([quiet(x) for x in range(6)])  # divided
print([shared(x) for x in range(6)], q.seen)  # stays
v, got = None, []
for x in range(6):  # stays
    with Quiet():
        v = 10 // (x - 5)
    got.append(x)
print(v, got)
""",
    "contexts that count": """
class Counting(object):
    n = 0
    def __enter__(self):
        Counting.n += 1
    def __exit__(self, *a):
        pass
w = Counting()
def counting(x):
    with w:
        return x
print([counting(x) for x in range(6)], Counting.n)  # stays
""",
    "contexts that print, and that give what they hold": """
log = []
class Telling(object):
    def __init__(self, held):
        self.held = held
    def __enter__(self):
        print("in")
        return self.held
    def __exit__(self, kind, error, place):
        print("out", kind, error)
t, k = Telling(5), Telling(log)
def telling(x):
    with t as held:
        return [x, held]
def keeping(x):
    with k as held:
        held.append(x)
    return x
def failing(x):
    try:
        with Telling(x):
            return 6 // x
    except ZeroDivisionError:
        return -1
print([telling(x) for x in range(6)])  # divided
print([keeping(x) for x in range(6)], log)  # stays
print([failing(x) for x in range(6)])  # divided
""",
    "a context that may be one of a library": """
import threading
lock = threading.Lock()
class C(object):
    def __enter__(self):
        return 1
    def __exit__(self, *a):
        pass
def f(x, held):
    with held:
        return x
c = C()
print([f(x, lock) for x in range(6)])  # stays
print([f(x, c) for x in range(6)])  # divided
""",
    "names that Python gives a module": """
def f(x):
    return __name__, x
def g(x):
    return x if __name__ == "__main__" else -x
print([f(x) for x in range(6)])  # divided
print([g(x) for x in range(6)])  # divided
__name__ = "another"
print([f(x) for x in range(6)])
def change():
    globals()["__name__"] = "third"
change()
print([f(x) for x in range(6)])
""",
    "lists in dicts that may be what is given": """
shared = []
def group(x):
    d = {}
    d.setdefault("y", []).append(x)
    return sorted(d.items())
def own(x):
    d = {"a": shared}
    d.setdefault(x % 2 and "a" or "b", []).append(x)
    return len(d)
def either(x):
    l = shared if x == 4 else []
    l.append(x)
    return l
def words(text):
    d = {}
    for word in text.split():
        d.setdefault(len(word), []).append(word)
    return sorted(d.items())
def both(l):
    d = {"l": l}
    d.setdefault("l", []).append(1)
    return len(l)
print([group(x) for x in range(6)])  # divided
print([group([x]) for x in range(6)])
print([own(x) for x in range(6)], shared)  # stays
print([either(x) for x in range(6)], shared)  # stays
print([words(t) for t in ["a bc de", "f", "gh i", "j"]])  # divided
lists = [[x] for x in range(6)]
print([both(l) for l in lists], lists)  # stays
print([group(l) for l in lists], lists)
""",
    "a function that was exchanged for another of its name": """
log = []
def make():
    def f(x):
        log.append(x)
        return x
    return f
def f(x):
    return x + 1
print([f(x) for x in range(6)])  # divided
globals()["f"] = make()
print([f(x) for x in range(6)], log)  # stays
""",
}

IN_TWO = {
    "classes of the old kind": """
log = []
class B:
    def step(self, x):
        return x + self.k
class C(B):
    def __init__(self, k):
        self.k = k
    def run(self, x):
        return self.step(x) * 2
def noted(self, x):
    log.append(x)
    return x
c = C(3)
print([c.run(x) for x in range(6)])  # divided
print([C(x).run(x) for x in range(6)])  # divided
print([o.run(1) for o in [C(x) for x in range(6)]])  # divided
setattr(B, "step", noted)
print([c.run(x) for x in range(6)], log)  # stays
print([C(x).run(x) for x in range(6)], log)  # stays
""",
    "objects of an old class that have special methods of their own": """
log = []
class C:
    def __init__(self, k):
        self.k = k
def noted():
    log.append(1)
    return 3
c = C(3)
c.__len__ = noted
print([len(c) + x for x in range(6) for y in [x]], log)  # stays
def f(x):
    c = C(x)
    c.__len__ = noted
    return len(c)
print([f(x) for x in range(6)], log)  # stays
""",
    "maps that are padded": """
def f(x, y):
    return x, y
it = iter([1, 2])
print(map(f, range(5), [7, 8, 9]))  # divided
print(map(f, [1, 2, 3], range(6)))  # divided
print(map(f, range(5), it), list(it))  # stays
print(map(None, range(3), "abcd"))
""",
    "the order of a dictionary": """
def f(x):
    return {}.fromkeys(["ab", "b", "c%d" % x, "dd"]).keys(), dict.fromkeys([x, 8, 16, 3], [x])
shared = []
def g(x):
    d = dict.fromkeys([1, 2], shared)
    d[1].append(x)
    return len(d)
print([f(x) for x in range(6)])  # divided
print([g(x) for x in range(6)], shared)  # stays
""",
}

IN_THREE = {
    "dataclasses": """
import dataclasses
from dataclasses import dataclass, field as of
log = []
@dataclasses.dataclass
class P:
    x: int
    y: float = 0.5
    def norm(self):
        return self.x + self.y
@dataclass(order=True, frozen=True)
class Q:
    x: int
    y: float = 0.5
    z: str = "z"
@dataclass
class PP(P):
    z: int = 3
@dataclass
class L:
    many: list = of(default_factory=list)
    how: dict = of(default_factory=lambda: {"a": 1}, compare=False)
    def __post_init__(self):
        self.many.append(len(self.how))
def f(x):
    return P(x).norm(), repr(P(x, 2)), P(x) == P(3)
def g(x):
    q = Q(x, z=str(x))
    try:
        q.x = 5
    except dataclasses.FrozenInstanceError as error:
        return str(error), sorted([q, Q(2), Q(1, 0.1)]), hash(q) == hash(Q(x, z=str(x))), len({q, Q(x, z=str(x))})
def h(x):
    l = L()
    l.many.append(x)
    return l
print([f(x) for x in range(6)])  # divided
print([g(x) for x in range(6)])  # divided
print([h(x) for x in range(6)])  # divided
print([Q(x) for x in range(6)], [PP(x).norm() for x in range(6)])  # divided
print([abs(q.x) for q in [Q(x) for x in range(6)] for y in [q]])  # divided
print([p.norm() for p in [P(x, 1.5) for x in range(6)]])  # divided
setattr(P, "norm", lambda self: log.append(self.x))
print([p.norm() for p in [P(x, 1.5) for x in range(6)]], log)  # stays
""",
    "dataclasses that do more": """
from dataclasses import dataclass, field as of
log = []
def counted():
    log.append(1)
    return []
def told():
    print("made")
    return []
def hidden():
    return of(default_factory=counted)
@dataclass
class C:
    many: list = of(default_factory=counted)
@dataclass
class T:
    many: list = of(default_factory=told)
@dataclass
class H:
    many: list = hidden()
class K:
    def __init__(self):
        self.seen = []
kept = K()
@dataclass
class D:
    one: object = of(default=kept)
@dataclass
class N:
    x: int
    n = 0
    def __post_init__(self):
        N.n += 1
def grow(x):
    D().one.seen.append(x)
    return x
print([len(C().many) for x in range(6)], log)  # stays
print([len(T().many) for x in range(6)])  # divided
print([len(H().many) for x in range(6)], log)  # stays
print([grow(x) for x in range(6)], kept.seen)  # stays
print([N(x).x for x in range(6)], N.n)  # stays
""",
    "dataclasses with methods that were exchanged": """
from dataclasses import dataclass, InitVar
log = []
@dataclass
class E:
    x: int
@dataclass
class F:
    x: int
@dataclass
class I:
    x: int
    more: InitVar[list] = None
    def __post_init__(self, more):
        more.append(self.x)
def equal(self, other):
    log.append(self.x)
    return True
def f(x):
    return E(x) == E(2)
def g(x):
    return F(x) == F(2)
def h(x):
    return I(x, log).x
print([f(x) for x in range(6)])  # divided
setattr(E, "__eq__", equal)
print([f(x) for x in range(6)], log)  # stays
names = {"log": log}
exec("def __eq__(self, other):\\n    log.append(self.x)\\n    return True", names)
setattr(F, "__eq__", names["__eq__"])
print([g(x) for x in range(6)], log)  # stays
print([h(x) for x in range(6)], log)  # stays
""",
    "maps that are cut": """
def f(x, y):
    return x, y
it = iter([1, 2, 3, 4, 5, 6])
print(list(map(f, range(5), [7, 8, 9])))  # divided
print(list(map(f, [1, 2, 3], range(6))))  # divided
print(list(map(f, range(4), it)), list(it))  # stays
""",
}
