"""Loops of which only the head of each turn can be computed elsewhere, to be run: what each shows plainly it must show divided.

{what: (statements behind `BEGINNING`, what becomes of the first loop's heads, one of the words below)}.
"""

BEGINNING = """from __future__ import print_function
import math
import os
import sys

T = [1, 2, 3]

def slow(x):
    return [math.sqrt(x + i) for i in range(3)] + [sum(T), x]

def shown(*values):
    print(*["%.6g" % each if isinstance(each, float) else each for each in values])
"""

#: Handed over until the loop ends; until something that they read has changed; computed in place from the first one on.
HANDED, CHANGED, KEPT = "handed", "changed", "kept"

PROGRAMS = {
    "the best is kept": (
        """
best, arg = -1, None
for x in [3, 1, 7, 2, 9, 4]:
    s = slow(x)
    print("head", x)
    if s[0] > best:
        best, arg = s[0], x
    shown("tail", x, best)
shown(arg, x, s[0])
""",
        HANDED,
    ),
    "left early": (
        """
for i, x in enumerate([3, 1, 7, 2, 9, 4, 5, 6]):
    y = slow(x)
    print("looked at", x)
    if y[-1] == 9:
        break
else:
    print("none")
print(i, x, y[-1])
def first(limit):
    for x in range(20):
        a = slow(x)
        if a[0] > limit:
            return x, a[-1]
print(first(2), first(3), first(99))
""",
        HANDED,
    ),
    "goes on with the next": (
        """
seen = []
for x in range(9):
    for z in range(5):
        if z > x:
            continue
        if z == 3:
            break
    if x % 3 == 1:
        print("skips", x)
        continue
    y = slow(x)
    seen.append(y[-1])
    if len(seen) > 4:
        print("many")
print(seen, y[-1], x)
""",
        HANDED,
    ),
    "goes on with the next at first": (
        """
for x in [0, 0, 3, 4, 5, 6, 7, 8]:
    if not x:
        print("skips", x)
        continue
    y = slow(x)
    if y[-1] > 90:
        break
    print(x, y[-1])
for i, x in enumerate([0, 0, 3, 4, 5, 6, 7, 8], 5):
    if not x:
        continue
    y = slow(x)
    if y[-1] > 90:
        break
    print(i, x, y[-1])
""",
        HANDED,
    ),
    "numbers of which there is more than one": ("with open('out.txt', 'w') as file:\n    for x in range(1000, 1006):\n        y = slow(x)\n        file.write('%s\\n' % y[-1])\n", HANDED),
    "what heads read is changed": ("for x in range(6):\n    y = slow(x)\n    T.append(x)\n    print(y)\n", KEPT),
    "what heads read is changed by another name": ("other = T\nfor x in range(6):\n    y = slow(x)\n    other.insert(0, x)\n    print(y)\n", CHANGED),
    "what heads read is changed at last": ("for x in range(8):\n    y = slow(x)\n    if x == 4:\n        T.append(x)\n    print(y)\n", CHANGED),
    "what heads read is changed by a function": ("def more(x):\n    T.append(x)\nfor x in range(6):\n    y = slow(x)\n    more(x)\n    print(y)\n", CHANGED),
    "a function that changes something else": ("log = []\ndef more(x):\n    log.append(x)\nfor x in range(6):\n    y = slow(x)\n    more(x)\n    print(y)\nprint(log)\n", HANDED),
    "what heads call is exchanged": (
        "def other(x):\n    return [x]\nfor x in range(6):\n    y = slow(x)\n    if x == 3:\n        setattr(sys.modules['__main__'], 'sl' + 'ow', other)\n    print(y)\n",
        CHANGED,
    ),
    "a library that heads call is changed": ("for x in range(6):\n    y = slow(x)\n    if x == 3:\n        setattr(math, 'sq' + 'rt', abs)\n    print(y)\n", CHANGED),
    "surroundings that heads read": ("def f(x):\n    return x, os.getenv('MODE')\nfor x in range(6):\n    y = f(x)\n    os.environ['MODE'] = str(x)\n    print(y)\n", CHANGED),
    "items to come are changed": ("xs = [[x] for x in range(6)]\nfor i, x in enumerate(xs):\n    y = slow(x[0])\n    if i < 5:\n        xs[i + 1][0] += 10\n    print(y, x)\n", CHANGED),
    "items to come are exchanged": ("xs = [[x] for x in range(6)]\nfor i, x in enumerate(xs):\n    y = slow(x[0])\n    if i < 5:\n        xs[i + 1] = [i * 7]\n    print(y, x)\n", CHANGED),
    "more items come": ("xs = [1, 2, 3, 4]\nfor x in xs:\n    y = slow(x)\n    if x < 9:\n        xs.append(x + 4)\n    print(y, x)\n", HANDED),
    "fewer items come": ("xs = [1, 2, 3, 4, 5, 6]\nfor x in xs:\n    y = slow(x)\n    if x == 3:\n        del xs[-2:]\n    print(y, x)\n", HANDED),
    "the name of what is gone over is bound again": ("xs = [1, 2, 3, 4]\nfor x in xs:\n    y = slow(x)\n    xs = [x]\n    print(y, xs)\n", KEPT),
    "an attribute that heads read": (
        """
class Model(object):
    kept = []
    def __init__(self):
        self.k, self.total = 2, 0
    def cost(self, x):
        return slow(x)[-1] * self.k + len(self.kept)
    def run(self, xs):
        for x in xs:
            y = self.cost(x)
            self.total += y
            print(x, y)
        for x in xs:
            y = self.cost(x)
            self.k = y
            print(x, y)
        for x in xs:
            y = self.cost(x)
            self.kept.append(y)
            print(x, y)
        return self.total
print(Model().run([1, 2, 3, 4, 5]))
""",
        CHANGED,
    ),
    "a value of a function's closure": (
        """
def make():
    count = [0]
    def cost(x):
        return slow(x)[-1] + count[0]
    def note(x):
        count[0] += x
    for x in range(6):
        y = cost(x)
        note(x)
        print(y)
    for x in range(6):
        y = cost(x)
        print(y)
        if y > 90:
            break
make()
""",
        CHANGED,
    ),
    "a default value": ("def f(x, seen=[]):\n    return slow(x), len(seen)\nmine = f.__defaults__[0]\nfor x in range(6):\n    y = f(x)\n    mine.insert(0, x)\n    print(y)\n", CHANGED),
    "a function reads what the loop binds": ("y = 0\ndef f(x):\n    return slow(x)[-1] + y\nfor x in range(6):\n    y = f(x)\n    if y > 99:\n        break\nprint(y)\n", KEPT),
    "begins behind what stays": ("log = []\nfor x in range(6):\n    log.append(x)\n    print('before', len(log))\n    y = slow(x)\n    print(y)\nprint(log, y)\n", HANDED),
    "begins behind what it prints": ("log = []\nfor x in range(6):\n    log.append(x)\n    print('before', len(log))\n    print('head', x)\n    y = slow(x)\n    log.append(y)\nprint(log)\n", HANDED),
    "a name goes round": ("y = 0\nfor x in range(6):\n    print('last', y)\n    z = [y]\n    y = slow(x)\nprint(y, z)\n", HANDED),
    "the item is changed before": ("seen = []\nfor x in [[1], [2], [3], [4], [5], [6]]:\n    seen.insert(0, x)\n    seen[0].append(len(seen))\n    y = slow(x[-1])\n    print(y, x)\n", CHANGED),
    "the item's name is bound before": ("seen = []\nfor x in range(6):\n    x = x + len(seen)\n    seen.insert(0, x)\n    y = slow(x)\n    print(y, x)\n", KEPT),
    "what heads read is changed before": ("for x in range(6):\n    T.append(x)\n    print(len(T))\n    y = slow(x)\n    print(y)\n", KEPT),
    "what heads read is changed before, sometimes": ("for x in range(8):\n    if x == 5:\n        T.insert(0, x)\n    print(len(T))\n    y = slow(x)\n    print(y)\n", CHANGED),
    "goes on with the next before": (
        "seen = []\nfor x in range(8):\n    seen.insert(0, x)\n    if len(seen) % 3 == 1:\n        seen.insert(0, 0)\n        continue\n    y = slow(x)\n    print(y, len(seen))\n",
        KEPT,
    ),
    "is left before": (
        "seen = []\ndef first(limit):\n    for x in range(8):\n        seen.insert(0, x)\n        if len(seen) > limit:\n            return x\n"
        "        y = slow(x)\n        print(y, len(seen))\nprint(first(5), first(99))\n",
        HANDED,
    ),
    "fails before": ("seen = []\ntry:\n    for x in range(8):\n        seen.insert(0, 6 // (x - 5))\n        y = slow(x)\n        print(y, seen)\nfinally:\n    print(x, y)\n", HANDED),
    "two that could be heads": ("seen = []\nfor x in range(6):\n    seen.insert(0, x)\n    y = slow(x)\n    seen.insert(0, y)\n    z = slow(-y[-1] * -1)\n    print(y, z)\n", HANDED),
    "an argument": ("log = []\nfor x in range(6):\n    log.insert(0, slow(x))\nprint(log, x)\n", HANDED),
    "an argument behind what stays": ("log = []\nfor x in range(6):\n    log.insert(0, x)\n    log.insert(len(log), slow(x))\n    print(len(log))\nprint(log)\n", HANDED),
    "an argument over several lines": ("log = []\nfor x in range(6):\n    log.insert(\n        len(log),\n        [\n            slow(x),\n            x,\n        ],\n    )\nprint(log)\n", HANDED),
    "a test": ("for x in range(20):\n    if slow(x)[-1] > 4:\n        break\nelse:\n    print('none')\nprint(x)\n", HANDED),
    "a test that is asked twice": ("log = []\nfor x in range(6):\n    if len(log) < 3 and slow(x)[-1] > 1:\n        log.insert(0, x)\nprint(log)\n", KEPT),
    "what is gone through": ("log = []\nfor x in range(6):\n    for z in slow(x):\n        log.insert(0, z)\nshown(*log)\n", HANDED),
    "what is put under a key": ("d = {}\nfor x in range(6):\n    d[len(d)] = slow(x)[-1]\nprint(sorted(d.items()))\n", HANDED),
    "what is added under a key": ("d = {'n': 0}\nfor x in range(6):\n    d['n'] += slow(x)[-1]\n    d[x] = d['n']\nprint(sorted(d.items(), key=str))\n", HANDED),
    "what is returned": ("def last():\n    log = []\n    for x in range(8):\n        log.insert(0, x)\n        if len(log) > 4:\n            return slow(x)\n        print(slow(x))\nprint(last())\n", HANDED),
    "an argument in a branch": ("log = []\nfor x in range(6):\n    log.insert(0, slow(x) if len(log) else x)\n    log.insert(0, len(log) > 3 and slow(x))\nprint(log)\n", KEPT),
    "an argument that reads what is changed": ("for x in range(6):\n    T.insert(0, slow(x)[-1])\nprint(T)\n", KEPT),
    "an argument that prints": ("def f(x):\n    print('at', x)\n    return slow(x)[-1]\nlog = []\nfor x in range(6):\n    print('before', len(log))\n    log.insert(0, f(x))\nprint(log)\n", HANDED),
    "an argument that fails": (
        "def f(x):\n    print('at', x)\n    return 12 // (slow(x)[-1] - 3)\nlog = []\ntry:\n    for x in range(9):\n        log.insert(len(log), f(x))\n"
        "except ZeroDivisionError as error:\n    print(error, x, log)\n",
        HANDED,
    ),
    "an argument that fails, and nobody handles that": ("def f(x):\n    return 12 // (slow(x)[-1] - 3)\nlog = []\nfor x in range(9):\n    log.insert(\n        len(log),\n        f(x))\n", HANDED),
    "an argument of a name that is bound": ("log = []\nfor x in range(6):\n    x = slow(x)[-1] + len(log)\n    log.insert(0, x)\nprint(log)\n", KEPT),
    "an argument of a name that goes round": ("log, y = [], 0\nfor x in range(6):\n    log.insert(0, slow(y))\n    y = x + len(log)\nprint(log)\n", KEPT),
    "a comprehension": ("log = []\nfor x in range(6):\n    log.insert(0, {z: slow(z)[-1] for z in range(x)})\nprint(log)\n", HANDED),
    "a sum of a generator": ("log = []\nfor x in range(6):\n    log.insert(0, sum(slow(z)[-1] for z in range(x)))\nprint(log)\n", HANDED),
    "an iterator": ("log = []\nfor x in range(6):\n    log.insert(0, list(zip(slow(x), slow(x + 1))))\nprint(len(log), log[0][-1])\n", HANDED),
    "what is given is the program's own": ("def same(x):\n    return slow(0) and x\nxs = [[x] for x in range(6)]\nlog = []\nfor x in xs:\n    log.insert(0, same(x))\n    log[0].append(len(log))\nprint(xs, log)\n", CHANGED),
    "the item's name is bound again by a function": (
        "def other():\n    global x\n    x = x + 10\nseen = []\nfor x in range(6):\n    other()\n    seen.insert(0, 1)\n    y = slow(x)\n    print(y, len(seen))\n",
        CHANGED,
    ),
    "the item's name is bound again by a function, sometimes": (
        "def other():\n    global x\n    if x == 4:\n        x = 40\nseen = []\nfor i, x in enumerate([5, 3, 4, 7, 1, 2]):\n    other()\n    seen.insert(0, slow(x))\nprint(seen, i, x)\n",
        CHANGED,
    ),
    "the item's name is bound again by a text": ("seen = []\nfor x in range(6):\n    exec('x = x + 10')\n    seen.insert(0, slow(x))\nprint(seen)\n", CHANGED),
    "the item's name is bound again as it was": ("seen = []\nfor x in range(6):\n    exec('x = x + 0')\n    seen.insert(0, slow(x))\nprint(seen)\n", HANDED),
    "pairs behind what stays": ("seen = []\nfor i, x in [(1, 5), (2, 3), (3, 4), (4, 7)]:\n    seen.insert(0, i)\n    print(len(seen))\n    y = slow(x)\n    print(y, i)\n", HANDED),
    "pairs that are shorter when their head comes": ("seen = []\npairs = [[1, 5], [2, 3], [3, 4], [4, 7], [5, 2]]\nfor i, x in pairs:\n    seen.insert(0, i)\n    if i == 3:\n        del pairs[2][1]\n    y = slow(x)\n    print(y, i, len(seen))\n", CHANGED),
    "pairs of pairs behind what stays": ("seen = []\nfor i, (x, z) in [(1, (5, 6)), (2, (3, 4)), (3, (4, 5)), (4, (7, 8))]:\n    seen.insert(0, i)\n    print(len(seen))\n    y = slow(x)\n    print(y, i, z)\n", KEPT),
    "a head that fails": (
        """
def f(x):
    print("at", x)
    return 12 // (slow(x)[-1] - 3)
try:
    for x in range(9):
        y = f(x)
        if y > 99:
            break
        print(x, y)
except ZeroDivisionError as error:
    print(error, x, y)
""",
        HANDED,
    ),
    "a rest that fails": ("try:\n    for x in range(9):\n        y = slow(x)\n        if x == 5:\n            raise KeyError(x)\nfinally:\n    print(x, y)\n", HANDED),
    "names that are deleted": ("for x in range(6):\n    y, z = slow(x)[-1], x\n    if z == 9:\n        break\n    del y\nprint(x, z, 'y' in globals())\n", HANDED),
    "heads within heads": (
        """
def inner(x):
    for z in range(6):
        w = slow(z)
        if w[-1] > x:
            break
    return w[-1]
for x in range(6):
    y = inner(x)
    for z in range(4):
        v = slow(z + y)
        if v[-1] > 6:
            break
    print(x, y, z, v[-1])
""",
        HANDED,
    ),
    "it calls itself": ("def walk(n):\n    for x in range(n):\n        y = slow(x)\n        if x == 3:\n            print(walk(n - 3))\n        if y[-1] == 7:\n            return n, x\n    return n\nprint(walk(10))\n", HANDED),
    "what comes back is the program's own": ("def same(x):\n    return slow(0) and x\nxs = [[x] for x in range(6)]\nfor x in xs:\n    y = slow(x[0])\n    z = same(x)\n    [z][0].append(9)\n    print(y, z is x)\nprint(xs)\n", CHANGED),
    "the output is replaced": (
        "class Out(object):\n    def write(self, text):\n        sys.__stdout__.write(text.upper())\n    def flush(self):\n        pass\ndef f(x):\n    print('at', x)\n    return slow(x)[-1]\nfor x in range(8):\n    y = f(x)\n    if y == 3:\n        sys.stdout = Out()\n",
        CHANGED,
    ),
    "objects that notice when they go": (
        "class Noted(object):\n    def __init__(self, x):\n        self.x = x\n    def __del__(self):\n        T.append(self.x)\nlast = None\nfor x in range(6):\n    y = slow(x)\n    last = Noted(x)\n    print(y)\nlast = None\n",
        CHANGED,
    ),
    "files that are written": ("with open('out.txt', 'w') as file:\n    for x in range(6):\n        y = slow(x)\n        file.write('%s %s\\n' % (x, y[-1]))\nprint(open('out.txt').read())\n", HANDED),
    "numbers that are drawn": ("import random\nrandom.seed(3)\nfor x in range(6):\n    y = slow(x)\n    print(y[-1], random.random())\n", HANDED),
    "counts under keys": ("counts, low = {}, {}\nfor x in [3, 1, 4, 1, 5, 9, 2, 6]:\n    y = slow(x)[-1]\n    counts[y] = counts.get(y, 0) + 1\n    low[y % 2] = min(low.get(y % 2, 99), y)\nprint(sorted(counts.items()), sorted(low.items()))\n", HANDED),
    "a list that is asked": ("seen = []\nfor x in [3, 1, 4, 1, 5, 3, 2, 6]:\n    y = slow(x)[-1]\n    if y not in seen:\n        seen.append(y)\nprint(seen)\n", HANDED),
    "it yields": ("def each(xs):\n    for x in xs:\n        y = slow(x)\n        yield y[-1]\nfor y in each([1, 2, 3, 4]):\n    T.append(y)\n    print(y, T)\n", KEPT),
    "the line says keep": ("for x in range(6):  # marx: keep\n    y = slow(x)\n    if y[-1] > 9:\n        break\nprint(y)\n", KEPT),
    "a head of nothing but the item": ("for x in range(6):\n    y = x\n    T.append(y)\nprint(T)\n", KEPT),
    "items of a dictionary": ("d = dict((x, [x]) for x in range(6))\nfor k, v in d.items():\n    y = slow(k + v[0])\n    d[k] = y[-1]\nprint(sorted(d.items()))\n", HANDED),
}
