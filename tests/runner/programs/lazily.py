"""Maps of Python 3 that are consumed one by one, to be run: what each shows plainly it must show divided.

{what: (statements behind `BEGINNING`, what becomes of its portions, one of the words of `toolbox`)}.
"""

from tests.runner.programs.toolbox import AWAY, BOTH, NOBODY

#: Computed elsewhere from Python 3.12 on.
IN_TWELVE = "away from 3.12 on"

BEGINNING = """
import itertools
T = [1, 2, 3]
def slow(x):
    return sum(range(x)) + sum(T) + x
xs = [3, 1, 7, 2, 9, 4, 5]
"""

PROGRAMS = {
    "kept, and gone through later": ("later = map(slow, xs)\nprint(type(later), iter(later) is later)\nfor x, y in zip(xs, later):\n    print(x, y)", AWAY),
    "gone through by a loop": ("for y in map(slow, xs):\n    print(y)", AWAY),
    "several iterables": ("for y in map(lambda x, y: slow(x) + y, xs, range(5)):\n    print(y)", AWAY),
    "starmap": ("for y in itertools.starmap(lambda x, y: slow(x) + y, [(1, 2), (3, 4), (5, 6), (7, 8)]):\n    print(y)", AWAY),
    "in a function": ("def main(several):\n    for x, y in zip(several, map(slow, several)):\n        yield x - y\nprint(list(main(xs)))", AWAY),
    "not gone through to its end": ("later = map(slow, xs)\nprint(next(later), next(later), next(later))", AWAY),
    "taken in two goes": ("later = map(slow, xs)\nprint([next(later) for _ in range(3)], list(later), list(later))", AWAY),
    "what it reads changes": ("for y in map(slow, xs):\n    print(y)\n    if y > 12:\n        T.append(y)", BOTH),
    "its items change": ("several = [[x] for x in xs]\nfor y in map(lambda x: slow(x[0]), several):\n    print(y)\n    several[4][0] += 3", BOTH),
    "its function changes": ("for y in map(lambda x: slow(x), xs):\n    print(y)\n    if y > 20:\n        slow = lambda x: -x", BOTH),
    "what it goes over grows": ("several = xs[:4]\nfor y in map(slow, several):\n    print(y)\n    if len(several) < 9:\n        several.append(y)", AWAY),
    "it prints": ("def told(x):\n    print('in', x)\n    return slow(x)\nfor y in map(told, xs):\n    print('out', y)", AWAY),
    "it raises": (
        """
def failing(x):
    if x == 2:
        raise KeyError(x)
    return slow(x)
later = map(failing, xs)
try:
    for y in later:
        print(y)
except KeyError as error:
    trace = error.__traceback__
    while trace:
        print(trace.tb_lineno, trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
print(list(later))
""",
        AWAY,
    ),
    "it stops the loop": ("def stopping(x):\n    if x == 2:\n        raise StopIteration\n    return slow(x)\nprint(list(zip(xs, map(stopping, xs))))", AWAY),
    "it calls itself until it cannot": (
        """
def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        return n
def depth(x):
    return deep(0) if x > 2 else x
for y in map(depth, xs):
    print(y)
""",
        IN_TWELVE,
    ),
    "it writes": ("calls = []\ndef counting(x):\n    calls.append(x)\n    return slow(x)\nfor y in map(counting, xs):\n    print(y, calls)", NOBODY),
    "another map": ("calls = []\ndef map(function, several):\n    return [function(x) for x in several if not calls.append(x)]\nfor y in map(slow, xs):\n    print(y, calls)", NOBODY),
    "another map from outside": ("globals()['map'] = lambda function, several: [len(several)]\nfor y in map(slow, xs):\n    print(y)", NOBODY),
    "an iterator": ("several = iter(xs)\nfor y in map(slow, several):\n    print(y, next(several, None))", NOBODY),
    "within a map": ("def outer(x):\n    return sum(map(slow, range(x)))\nfor y in map(outer, xs):\n    print(y)", AWAY),
    "copied": ("import copy\nlater = map(slow, xs)\nprint(next(later), next(later))\nprint(list(copy.copy(later)) if hasattr(later, '__reduce__') and __import__('sys').version_info < (3, 14) else 0)", AWAY),
}
