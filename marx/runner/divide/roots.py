"""Where objects come from, as tuples: see `found`. Some more live only within the analysis.

("flat",)        made within this very call: a container that holds nothing that can be changed
("fresh",)       made within this very call: a container of Python's own, or what a library of `pure` made
("sum",)         made within this very call of what comes from outside: by an operator (a number, most times), or a container of such
("made",)        made within this very call: an instance of a class of the program
("code",)        made within this very call: a function, a generator
("given", root)  what calling the function there gives
("part", root, name)
                 the attribute ``name`` of what is there, or with `MEMBER` its elements; what is below that is ("inside", ...) of it

No roots at all stand for numbers, texts and all else that nobody can change.
"""

from __future__ import absolute_import

FLAT = ("flat",)
FRESH = ("fresh",)
SUM = ("sum",)
MADE = ("made",)
CODE = ("code",)
ITEM = ("item",)
RESULT = ("result",)
FUNCTION = ("function",)
UNKNOWN = ("unknown",)

#: Stands for the elements of a container among the names of attributes.
MEMBER = "[]"
#: The same for what is put together of what comes from outside: it is told apart from what containers of one's own hold.
ADDED = "[+]"

NONE = frozenset()
EMPTY = frozenset([FLAT])
NEW = frozenset([FRESH])
TOGETHER = frozenset([SUM])
INSTANCE = frozenset([MADE])
RUNNING = frozenset([CODE])

#: Roots of what this very call has made: it may be changed freely.
OWN = frozenset([FLAT, FRESH, SUM, MADE, CODE])
#: What of it is of no class of the program.
PLAIN = frozenset([FLAT, FRESH, SUM])


def parameter(place):
    """The value of a function's parameter."""
    return ("parameter", place)


def inside(root):
    """All that is reachable from ``root``."""
    return root if root[0] in ("inside", "unknown") else ("inside", root)


def part(root, name):
    """One attribute of ``root``, or its elements."""
    return inside(root) if root[0] in ("inside", "part", "unknown") else ("part", root, name)


def base(root):
    """The root that something is inside of, or is."""
    while root[0] in ("inside", "part"):
        root = root[1]
    return root


def told(root):
    """A root as others than the analysis know them."""
    return inside(base(root)) if root[0] in ("inside", "part") else root


def given(root):
    """What calling ``root`` gives; of anything but a value that stands there itself, nobody knows."""
    return ("given", root) if root[0] in ("parameter", "global", "enclosing") else UNKNOWN


def place_of(scope):
    """The function that a scope is of, as the beginning of roots."""
    return (scope.module.path, scope.line, getattr(scope.node, "col_offset", 0), scope.name)


def name_of(scope, name):
    """The root of a name that ``scope`` binds."""
    if scope.kind == "module":
        return ("global", scope.module.path, name)
    return ("enclosing",) + place_of(scope) + (name,)


def default_of(scope, name):
    """The root of the default value of a parameter."""
    return ("default",) + place_of(scope) + (name,)


_TOLD_FIRST = ("global", "enclosing", "default", "item", "function")


def in_order(found):
    """Roots as they are told to people: names first, and always in the same order."""
    return sorted(found, key=lambda root: (root[0] not in _TOLD_FIRST, base(root)[0] not in _TOLD_FIRST[:3], repr(root)))
