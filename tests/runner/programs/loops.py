"""Loops, comprehensions and maps in every place where Python takes them; what a program can see of them is printed. Runs under every version."""
from __future__ import print_function, division

import inspect
import sys
import traceback

try:
    from functools import reduce
except ImportError:
    pass


def twice(x):
    return x * 2


def failing(x):
    if x == 3:
        raise ValueError("at %d" % x)
    return x


def shown(function):
    """What a function prints, and the traceback of what it raises."""
    try:
        print(function.__name__, function())
    except Exception:
        print(function.__name__, traceback.format_exc())


total = 0
for number in range(4):
    total += number
else:
    total += 100
print(total, number)
names = sorted(name for name in globals() if not name.startswith("__"))
print(names)
squares = [n * n for n in range(5) if n % 2]
pairs = {a: b for a, b in zip("abc", range(3))}
print(squares, sorted({n % 3 for n in range(9)}), pairs, sum(n for n in range(4)), list(map(twice, [1, 2])))
if sys.version_info[0] == 2:
    print(n)


def loops():
    count, both = 0, []
    for a in range(3):
        for b in [x for x in range(a) if x]:
            if b == 1:
                continue
            count += b
            both.append((a, b))
    for a, (b, c) in [(1, (2, 3))]:
        pass
    for a in []:
        count += 1
    else:
        both.append("else")
    for found in range(10):
        if found == 4:
            break
    else:
        both.append("never")
    while count < 3:
        for _ in range(2):
            count += 1
    return count, both, sorted(locals().items(), key=str)


def closures():
    functions = []
    for n in range(3):
        functions.append(lambda: n)
    made = [(lambda y: x + y) for x in range(3)]
    many = 0
    for n in range(3):
        many += (lambda z: z + n)(n)
    return [f() for f in functions], [f(10) for f in made], many, [[a * b for a in range(2)] for b in range(3)]


def generators():
    def numbers(stop):
        for n in range(stop):
            yield n

    lazy = (n for n in numbers(5))
    seen = [next(lazy), next(lazy)]
    return seen, list(lazy), sorted(n for n in numbers(3)), any(n > 1 for n in numbers(9)), ",".join(str(n) for n in [1, 2])


def kinds():
    made = (n for n in [])
    return type(made).__name__, type([n for n in []]).__name__, type(map(twice, [])).__name__, made.__name__, [n for n in "ab"] is not None


def fails_in_loop():
    count = 0
    for x in range(5):
        count += failing(x)
    return count


def fails_in_comprehension():
    return [
        failing(x)
        for x in range(5)
    ]


def fails_in_generator():
    return sum(failing(x) for x in range(5))


def fails_in_map():
    return list(map(failing, range(5)))


def fails_to_iterate():
    for x in 5:
        pass


def fails_to_iterate_in_sum():
    count = 0
    for x in None:
        count += x


def fails_to_iterate_in_comprehension():
    return {x for x in 7}


def fails_to_map():
    return list(map(failing, 8))


def fails_to_unpack():
    for a, b in [(1, 2), (1, 2, 3)]:
        pass


def fails_in_iterable():
    return [x for x in failing(3)]


class Squares(object):
    table = [x * x for x in range(4)]
    for x in range(3):
        __hidden = x
    total = 0
    for y in range(3):
        total += y

    def __iter__(self):
        for x in self.table:
            yield x

    def method(self):
        count = 0
        for x in self:
            count += self.__hidden
        return count, [x + self.__hidden for x in self]


def classes():
    return Squares().method(), list(Squares()), sorted(name for name in vars(Squares) if not name.startswith("__"))


def sources():
    return inspect.getsource(fails_in_comprehension), inspect.getsource(lambda: [x for x in ()]), loops.__code__.co_firstlineno


def frames():
    return [sys._getframe(depth).f_code.co_name for _ in [0] for depth in range(2)], [sys._getframe().f_lineno for _ in range(2)]


def star(*args, **more):
    return [a for a in args] + sorted(more)


def recursion(depth=3):
    return [recursion(depth - 1) for _ in range(2)] if depth else 0


for function in [
    loops, closures, generators, kinds, classes, sources, frames, recursion, fails_in_loop, fails_in_comprehension, fails_in_generator,
    fails_in_map, fails_to_iterate, fails_to_iterate_in_sum, fails_to_iterate_in_comprehension, fails_to_map, fails_to_unpack, fails_in_iterable,
]:
    shown(function)
print(star(*[x for x in range(2)], **{"k%d" % n: n for n in range(2)}), __doc__, __file__ == inspect.getsourcefile(loops))
print([name for name in dir() if "marx" in name])
[failing(x) for x in range(5)]
