"""
The loops, comprehensions and maps that an item's work is put into. A trap is one that must stay, or that is easily done wrongly.

CALL is the item's expression of ``x``, ITEMS what is gone over, N the number of the site. A line that ends in ``@`` is the site.
"""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """``text``: statements that bind ``got``. ``after``: more that is printed. ``trap``: it must not be divided as it stands."""

    name: str
    text: str
    trap: bool = False
    three: bool = False
    after: str = ""


FORMS = (
    Form("list comprehension", "got = [CALL for x in ITEMS]@"),
    Form("filtered comprehension", "got = [CALL for x in ITEMS if x % 3]@"),
    Form("nested comprehension", "got = [(y, CALL) for x in ITEMS for y in range(x % 3)]@"),
    Form("comprehension in a comprehension", "got = [[CALL, y] for y in range(3) for x in ITEMS]@"),
    Form("set comprehension", "got = sorted(set([repr(CALL) for x in ITEMS]))@"),
    Form("dict comprehension", "got = sorted({x: CALL for x in ITEMS}.items())@"),
    Form("sum of a generator", "got = sum(len(repr(CALL)) for x in ITEMS)@"),
    Form("sorted generator", "got = sorted(repr(CALL) for x in ITEMS)@"),
    Form("joined generator", "got = ','.join(repr(CALL) for x in ITEMS)@"),
    Form("list of a generator", "got = list(CALL for x in ITEMS)@"),
    Form("tuple of a generator", "got = tuple(CALL for x in ITEMS if x != 1)@"),
    Form("map", "def mN(x):\n    return CALL\ngot = list(map(mN, ITEMS))@"),
    Form("map of a lambda", "got = list(map(lambda x: CALL, ITEMS))@"),
    Form("starmap", "import itertools\ndef mN(x, y):\n    return CALL, y\ngot = list(itertools.starmap(mN, [(x, x + 1) for x in ITEMS]))@"),
    Form("appending loop", "got = []\nfor x in ITEMS:@\n    got.append(CALL)"),
    Form("filtering loop", "got = []\nfor x in ITEMS:@\n    if x % 2:\n        continue\n    y = CALL\n    got.append((x, y))"),
    Form("filling loop", "got = {}\nfor x in ITEMS:@\n    got[x] = CALL\ngot = sorted(got.items())"),
    Form("adding loop", "got = set()\nfor x in ITEMS:@\n    got.add(repr(CALL))\ngot = sorted(got)"),
    Form("summing loop", "got = 0\nfor x in ITEMS:@\n    got += len(repr(CALL)) / 3.0"),
    Form("counting loop", "got = 0\nfor x in ITEMS:@\n    if len(repr(CALL)) > 1:\n        got += 1"),
    Form("collecting loop", "got, allN, sumN = [], {}, 0.5\nfor x in ITEMS:@\n    v = CALL\n    got.append(v)\n    allN[x] = repr(v)\n    sumN += x / 7.0\nprint((sorted(allN.items()), sumN))"),
    Form("loop that prints", "got = []\nfor x in ITEMS:@\n    print('%d: %r' % (x, CALL))\n    got.append(x)"),
    Form("loop that prints alone", "got = 0\nfor x in ITEMS:@\n    print(repr(CALL))"),
    Form("loop with an else", "got = []\nfor x in ITEMS:@\n    got.append(CALL)\nelse:\n    print('through')"),
    Form("loop over pairs", "got = []\nfor k, x in enumerate(ITEMS):@\n    got.append((k, CALL))"),
    Form("loop over a dict", "got = []\ndN = dict((x, x) for x in ITEMS)\nfor x in sorted(dN):@\n    got.append((dN[x], CALL))"),
    Form("nested loop", "got = []\nfor x in ITEMS:@\n    row = []\n    for y in range(3):\n        row.append(y * x)\n    got.append((row, CALL))"),
    Form("loop with try", "got = []\nfor x in ITEMS:@\n    try:\n        got.append(CALL)\n    except ValueError as e:\n        got.append(str(e))"),
    Form("last turn used", "got = []\nfor x in ITEMS:@\n    v = CALL\n    got.append(1)\nprint((x, repr(v)))"),
    Form("extending loop", "got = []\nfor x in ITEMS:@\n    got.extend([x, CALL])"),
    Form("largest", "got = -1\nfor x in ITEMS:@\n    got = max(got, len(repr(CALL)))"),
    Form("largest by if", "got = -1\nfor x in ITEMS:@\n    v = len(repr(CALL))\n    if v > got:\n        got = v", True),
    Form("read accumulator", "got = []\nfor x in ITEMS:@\n    got.append((len(got), CALL))", True),
    Form("accumulator by another name", "got = []\notherN = got\nfor x in ITEMS:@\n    got.append((len(otherN), CALL))", True),
    Form("accumulator read by a function", "got = []\ndef lookN():\n    return len(got)\nfor x in ITEMS:@\n    got.append((lookN(), CALL))", True),
    Form("carried variable", "got, prev = [], 0\nfor x in ITEMS:@\n    got.append((prev, CALL))\n    prev = x", True),
    Form("break", "got = []\nfor x in ITEMS:@\n    if x == 4:\n        break\n    got.append(CALL)\nelse:\n    print('never')", True),
    Form("conditional variable used after", "got = []\nfor x in ITEMS:@\n    if x == 2:\n        seenN = x\n    got.append(CALL)\nprint(seenN)", True),
    Form("changed iterable", "got = []\nitemsN = list(ITEMS)\nfor x in itemsN:@\n    got.append(CALL)\n    if len(itemsN) < 9:\n        itemsN.append(x)", True),
    Form("changed item", "got = []\nlistsN = [[x] for x in ITEMS]\nfor lN in listsN:@\n    x = lN[0]\n    lN.append(CALL)\n    got.append(x)\nprint(listsN)", True),
    Form("item given back", "listsN = [[x] for x in ITEMS]\ngot = [(lN, CALL) for lN in listsN for x in lN]@\nlistsN[0].append('late')", True),
    Form("item compared by identity", "listsN = [[x] for x in ITEMS]\nfirstN = listsN[0]\ngot = [(lN is firstN, CALL) for lN in listsN for x in lN]@", True),
    Form("generator consumed by parts", "itN = (CALL for x in ITEMS)@\ngot = [next(itN), next(itN)]\nprint('between')\ngot += list(itN)", True),
    Form("any", "got = any(len(repr(CALL)) > 1 for x in ITEMS)@", True),
    Form("zip of a map", "got = [(a, b) for a, b in zip(ITEMS, map(lambda x: CALL, ITEMS))]@", True),
    Form("lazy map", "mN = map(lambda x: CALL, ITEMS)@\nprint('made')\ngot = list(mN)", True),
    Form("items from a generator", "def genN():\n    for q in ITEMS:\n        print('taken %d' % q)\n        yield q\ngot = [CALL for x in genN()]@", True),
    Form("items from an iterator", "itN = iter(ITEMS)\nprint(next(itN))\ngot = [CALL for x in itN]@\nprint(list(itN))", True),
    Form("sets as items", "got = [(sum(sN), CALL) for sN in [set([x * 8 / 7.0, 0.1, x / 3.0, 64.5]) for x in ITEMS] for x in [int(max(sN)) % 5]]@"),
    Form("caught outside", "got = []\ntry:\n    for x in ITEMS:@\n        got.append(1)\n        got.append(CALL)\nexcept Exception as e:\n    print('caught %r' % (e.args,))"),
    Form("caught comprehension", "got = None\ntry:\n    got = [CALL for x in ITEMS]@\nexcept Exception as e:\n    print('caught %r' % (e.args,))"),
    Form("sum in a global dict", "got = {'n': 0}\nfor x in ITEMS:@\n    got['n'] += len(repr(CALL))", True),
    Form("grouping", "got = {}\nfor x in ITEMS:@\n    got.setdefault(x % 2, []).append(CALL)", True),
    Form("del in the body", "got = dict((x, 1) for x in ITEMS)\nfor x in list(got):@\n    del got[x]\n    CALL", True),
    Form("replaced output", "import io, sys\nclass TeeN(object):\n    def __init__(self):\n        self.n = 0\n    def write(self, s):\n        self.n += len(s)\n    def flush(self):\n        pass\noldN, sys.stdout = sys.stdout, TeeN()\nteeN = sys.stdout\ngot = []\nfor x in ITEMS:@\n    print('at')\n    got.append(CALL)\nsys.stdout = oldN\nprint(teeN.n)", True),
    Form("while", "got, x = [], 0\nwhile x < 5:@\n    got.append(CALL)\n    x += 1", True),
    Form("own map", "def map_N(f, xs):\n    return [f(x) for x in xs]@\ngot = map_N(lambda x: CALL, ITEMS)"),
    Form("walrus", "got = [(yN := CALL) for x in ITEMS]@\nprint(repr(yN))", True, three=True),
    Form("loop over a global that is rebound", "itemsN = list(ITEMS)\ngot = []\nfor x in itemsN:@\n    itemsN = None\n    got.append(CALL)", True),
)

ITEMS = (
    "range(7)",
    "[0, 1, 2, 3, 4, 5]",
    "(5, 4, 3, 2, 1)",
    "list(range(8))",
    "[3, 3, 3, 1]",
    "range(0)",
    "[2]",
    "sorted({4: 1, 2: 2, 7: 3, 5: 1})",
)
