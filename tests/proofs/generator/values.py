"""
What items and results are: everything that pickles, and some of what hardly does.
"""

from tests.proofs.generator.aspects import Aspect

_POINT = """class Point_N(object):
    def __init__(self, x):
        self.x = x

    def __repr__(self):
        return 'Point_N(%r)' % self.x

    def __eq__(self, other):
        return type(other) is Point_N and other.x == self.x

    def __hash__(self):
        return hash(self.x)"""

_SLOTS = """class Slots_N(object):
    __slots__ = ('x', 'y')

    def __init__(self, x):
        self.x = x

    def __getstate__(self):
        return self.x

    def __setstate__(self, x):
        self.x = x

    def __repr__(self):
        return 'Slots_N(%r)' % self.x"""

_REDUCED = """def rebuild_N(x):
    return Reduced_N(x)


class Reduced_N(object):
    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return rebuild_N, (self.x,)"""

_ENUM = "class Color_N(enum.Enum):\n    RED = 0\n    GREEN = 1\n    BLUE = 2"
_DATACLASS = "@dataclasses.dataclass(frozen=True)\nclass Record_N:\n    x: int\n    tags: tuple = ()"

VALUES = (
    Aspect(
        "items of a class of the program",
        top=_POINT,
        wrap="Point_N(i)",
        unwrap="item.x",
        body="out.append((item, item == Point_N(x), isinstance(item, Point_N)))",
    ),
    Aspect("class with slots and state", top=_SLOTS, wrap="Slots_N(i)", unwrap="item.x", body="out.append(item)"),
    Aspect("class with __reduce__", top=_REDUCED, wrap="Reduced_N(i)", unwrap="item.x", body="out.append(type(item).__name__)"),
    Aspect(
        "subclass of list",
        top="class Row_N(list):\n    name = 'row'",
        wrap="Row_N([i, i + 1])",
        unwrap="item[0]",
        body="item.append('x')\nout.append((item, item.name))",
    ),
    Aspect(
        "namedtuple",
        imports=("collections",),
        top="Pair_N = collections.namedtuple('Pair_N', 'first second')",
        wrap="Pair_N(i, 'b')",
        unwrap="item.first",
        body="out.append(item._replace(second='c'))",
    ),
    Aspect(
        "enum",
        imports=("enum",),
        since=(3, 6),
        top=_ENUM,
        wrap="(i, Color_N(i % 3))",
        unwrap="item[0]",
        body="out.append((item[1], item[1] is Color_N.RED))",
    ),
    Aspect(
        "dataclass",
        imports=("dataclasses",),
        since=(3, 7),
        top=_DATACLASS,
        wrap="Record_N(i, ('t',))",
        unwrap="item.x",
        body="out.append(dataclasses.replace(item, tags=()))",
    ),
    Aspect(
        "old-style instance",
        until=(2, 7),
        top="class Plain_N:\n    def __init__(self, x):\n        self.x = x",
        wrap="Plain_N(i)",
        unwrap="item.x",
        body="out.append(item.__class__.__name__)",
    ),
    Aspect("tuple of mixed values", wrap="(i, None, 2.5, 'text', b'bytes', [1, {'k': (2,)}], True, 1j)", unwrap="item[0]", body="out.append(item)"),
    Aspect("one object twice in an item", wrap="[i] + [[i]] * 2", unwrap="item[0]", body="out.append(item[1] is item[2])"),
    Aspect(
        "item that holds itself",
        top="def loop_N(i):\n    made = [i]\n    made.append(made)\n    return made",
        wrap="loop_N(i)",
        unwrap="item[0]",
        body="out.append(item[1] is item)",
    ),
    Aspect(
        "objects shared between items",
        top="COMMON_N = {'n': 0}",
        wrap="(i, COMMON_N)",
        unwrap="item[0]",
        body="item[1]['n'] += 1\nout.append(item[1]['n'] > 0)",
    ),
    Aspect(
        "large item and result",
        wrap="(i, 'v' * 150000)",
        unwrap="item[0]",
        body="out.append((len(item[1]), 'r' * 70000))",
        after="got = [len(repr(one)) for one in got]",
    ),
    Aspect("item beyond a megabyte", wrap="(i, b'w' * 1200000)", unwrap="item[0]", body="out.append(len(item[1]))"),
    Aspect("text beyond ASCII", wrap="(i, b'\\xc3\\xa9'.decode('utf-8'))", unwrap="item[0]", body="out.append(item[1] + u'\\u2603')"),
    Aspect(
        "sets and dicts",
        wrap="(i, set([i, i + 10, i + 20]), frozenset([1]), {i: 'v'})",
        unwrap="item[0]",
        body="out.append((sorted(item[1]), item[3]))",
    ),
    Aspect("numbers at their ends", wrap="(i, float('inf'), 1e-320, -0.0, 2 ** 70, 0.1)", unwrap="item[0]", body="out.append(item[1:])"),
    Aspect(
        "decimals, fractions, dates",
        imports=("datetime", "decimal", "fractions"),
        wrap="(i, decimal.Decimal('0.10'), fractions.Fraction(1, 3), datetime.date(2001, 2, 3))",
        unwrap="item[0]",
        body="out.append(item[1:])",
    ),
    Aspect(
        "collections",
        imports=("array", "collections"),
        wrap="(i, collections.deque([1], 3), collections.OrderedDict([('b', 1), ('a', 2)]), collections.defaultdict(list), array.array('d', [0.5]))",
        unwrap="item[0]",
        body="item[3]['k'].append(x)\nout.append(item[1:])",
    ),
    Aspect(
        "functions and classes as items",
        imports=("operator",),
        top="def given_N(v):\n    return v + 1000",
        wrap="(i, given_N, operator.neg, int, len)",
        unwrap="item[0]",
        body="out.append((item[1](x), item[2](x), item[3] is int, item[4].__name__))",
    ),
    Aspect(
        "exceptions as items and results",
        wrap="(i, ValueError('v', i))",
        unwrap="item[0]",
        body="out.append((type(item[1]).__name__, item[1].args))",
    ),
    Aspect("sentinel by identity", top="NOTHING_N = object()", wrap="(i, NOTHING_N)", unwrap="item[0]", body="out.append(item[1] is NOTHING_N)"),
    Aspect(
        "iterators as items",
        since=(3, 6),
        until=(3, 13),
        imports=("itertools",),
        wrap="(i, iter([1, 2, 3]), range(i))",
        unwrap="item[0]",
        body="out.append((next(item[1]), list(item[2])))",
    ),
    Aspect("compiled pattern", imports=("re",), wrap="(i, re.compile('[0-9]+'))", unwrap="item[0]", body="out.append(item[1].findall('a%d' % x))"),
    Aspect(
        "partial objects as items",
        imports=("functools", "operator"),
        wrap="(i, functools.partial(operator.add, 5))",
        unwrap="item[0]",
        body="out.append(item[1](x))",
    ),
    Aspect("None as item's partner", wrap="(i, None)", unwrap="item[0]", body="out.append(item[1] is None)"),
)
