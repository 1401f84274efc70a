"""Loops that collect in what others may hold, as far as the source shows: to be run. Each shows plainly what it must show divided.

{what: (statements behind `BEGINNING`, a part of the reason why the last loop stays, "" where it is divided)}.
"""

BEGINNING = """from __future__ import print_function, division

def f(x):
    return x * x / 7

def shown(*values):
    print(*values)
"""

HELD = "held by something else"

PROGRAMS = {
    "used between": ("a = [1]\nshown(len(a), a)\nfor x in range(6):\n    a.append(f(x))\nprint(a)\n", ""),
    "used between, in a function": (
        "def main():\n    a, n = [1], 0.5\n    shown(len(a), n)\n    for x in range(6):\n        a.append(f(x))\n        n += f(x)\n    print(a, n)\nmain()\n",
        "",
    ),
    "known to a function": (
        "def main():\n    a = []\n    def look():\n        return len(a)\n    print(look())\n    for x in range(6):\n        a.append(f(x))\n    print(a, look())\nmain()\n",
        "",
    ),
    "a second name": ("a = []\nb = a\nfor x in range(6):\n    a.append(f(x))\nprint(a, b)\n", HELD),
    "a second name, in a function": ("def main():\n    a = []\n    b = a\n    for x in range(6):\n        a.append(f(x))\n    print(a, b)\nmain()\n", HELD),
    "a second name that items read": ("a = []\nb = a\nfor x in range(6):\n    a.append(f(x) + len(b))\nprint(a)\n", HELD),
    "two names at once": ("a = b = []\nfor x in range(6):\n    a.append(f(x))\nprint(a, b)\n", HELD),
    "held by a list": ("a = []\nb = [a]\nfor x in range(6):\n    a.append(f(x) + len(b[0]))\nprint(a)\n", HELD),
    "held by an object": ("class C(object):\n    pass\nc = C()\na = c.a = []\nfor x in range(6):\n    a.append(f(x) + len(c.a))\nprint(a)\n", HELD),
    "gone through meanwhile": ("a = [1, 2]\nfor y in a:\n    if len(a) > 9:\n        break\n    for x in range(6):\n        a.append(f(x))\nprint(a)\n", HELD),
    "itself": ("a = []\na.append(a)\nfor x in range(6):\n    a.append(f(x))\nprint(len(a))\n", HELD),
    "what the items come from": ("def look():\n    return a\ndef more(x):\n    return x + 1\na = [0] * 5\nfor x in look():\n    a[more(x) % 5] = more(x)\nprint(a)\n", HELD),
    "places of a list": ("a = [0] * 6\nshown(a)\nfor x in range(6):\n    a[x] = f(x)\nprint(a)\n", ""),
    "keys of a dictionary": ("a = {-1: 0}\nshown(a)\nfor x in range(6):\n    a[x] = f(x)\nprint(sorted(a.items()))\n", ""),
    "keys of a dictionary of objects": (
        "class K(object):\n    n = 0\n    def __hash__(self):\n        return 1\n    def __eq__(self, other):\n        K.n += 1\n        return False\n"
        "a = {K(): 0}\nshown(len(a))\nfor x in range(6):\n    a[x] = f(x)\nprint(len(a), K.n)\n",
        "holds objects of the program's already",
    ),
    "elements of a set": ("a = set([-1])\nshown(a)\nfor x in range(6):\n    a.add(f(x))\nprint(sorted(a))\n", ""),
    "places of rows": ("a = [[0] * 6, [1] * 6]\nshown(a)\nfor x in range(6):\n    a[x % 2][x] = f(x)\nprint(a)\n", ""),
    "places of rows that are one": ("a = [[0] * 6] * 2\nshown(a)\nfor x in range(6):\n    a[x % 2][x] = f(x)\nprint(a)\n", HELD),
    "places of rows that have names": ("b = [0] * 6\na = []\na.append(b)\nfor x in range(6):\n    a[0][x] = f(x)\nprint(a)\n", HELD),
    "groups": ("a = {}\na[1] = []\nshown(a)\nfor x in range(6):\n    a.setdefault(x % 2, []).append(f(x))\nprint(sorted(a.items()))\n", ""),
    "groups that somebody has": ("b = []\na = {1: b}\nfor x in range(6):\n    a.setdefault(x % 2, []).append(f(x))\nprint(sorted(a.items()))\n", HELD),
    "a number that was given": ("def main(n):\n    for x in range(6):\n        n += f(x)\n    return n\nprint(main(0.5), main(1))\n", ""),
    "a list that was given is added to": ("def main(n):\n    for x in range(6):\n        n += [f(x)]\n    return n\nprint(main([1]))\n", HELD),
    "the most of all": ("def main(n):\n    for x in range(6):\n        n = max(n, f(x))\n    return n\nprint(main(2))\n", ""),
    "an object that is no container": (
        "class C(object):\n    def __init__(self):\n        self.n = 0\n    def append(self, x):\n        self.n += x\n"
        "def make():\n    return C()\na = make()\nfor x in range(6):\n    a.append(f(x))\nprint(a.n)\n",
        "no plain list",
    ),
}
