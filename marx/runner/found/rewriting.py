"""Code in which each site asks first: made from a module's tree, with nothing else in it changed. Pure.

What a site becomes. N is its number; FIRST is the loop, comprehension or call of the source over ``__marx_each__(N, ITER)`` in the place of
ITER, and REST the same over ``__marx_rest__(N)``:

  a loop                                the loop over __marx_each__(N, ITER) if __marx_asks__[N]() else ITER
  one that sums up in ``n``             FIRST, where each turn begins with: if __marx_due__: n = __marx_summed__(N, "n", n)
  one with a head, that gives a and b   FIRST, where the head stands in: if __marx_heads__ and __marx_takes__(N, x): a, b = __marx_taken__(N)
                                        (x is what it reads of what the target binds, if anything stands in front of it that could bind it again)
                                        else: ...; and at its end: if __marx_heads__: __marx_headed__(N, a, b)
  one whose head is an expression       FIRST, with __marx_taken__(N)[0] if __marx_heads__ and __marx_takes__(N) else __marx_headed__(N, ...) in its place
  what makes a list, set or dict        __marx_join__(N, __marx_open__(N, FIRST), REST) if __marx_asks__[N]() else the source's own
  what makes an iterator                __marx_chain__(N, FIRST, REST) if __marx_asks__[N]() else the source's own

Of a map of several iterables FIRST is map(f, *__marx_together__(N, ITER, ITER)), and REST map(f, *__marx_apart__(N, 2)).

Code of libraries is rewritten where it calls what may be a map (`asking` says why so), and the program's where it goes over one later: CALLED(f, ITER) becomes
``__marx_mapper__(N, TAKER, CALLED)(*__marx_mapped__(N, f, ITER))``; TAKER is the name of what takes all of it at once, or "".

What is computed in place is so by the program's own code in the program's own frame: exceptions come from there, and the last turn of a
loop leaves its names there. A site that stays costs no more than that it asks. All copies have the lines and columns of the source, and of a
function that is defined in them Python makes one and the same code. (Statements are not copied: to 2.7 the lines of a code never go back. What
stands on several lines is therefore not copied there to be asked first, and asks in any case.)
"""

from __future__ import absolute_import

import ast
import copy

from marx.runner.compat import IS_2
from marx.runner.divide.found import SUMMING, TAKERS
from marx.runner.divide.syntax import has_more_arguments, kind, text_of
from marx.runner.found.calls import (
    APART,
    ASKS,
    CHAIN,
    DUE,
    EACH,
    HEADED,
    HEADS,
    JOIN,
    LAZY,
    OPEN,
    REST,
    SKIPS,
    SUMMED,
    TAKEN,
    TAKES,
    TOGETHER,
)
from marx.runner.found.mapping import MAPPED, MAPPER

#: These change nothing in the code of what they decorate.
_PLAIN_DECORATORS = frozenset(["staticmethod", "classmethod", "property"])

_MARK = "_marx_site"
_PART = "_marx_part"


def rewritten(tree, sites, prelude=None):
    """A copy of a module's tree. ``sites``: {number: `Found` of this module}. ``prelude``: what to evaluate before the first statement."""
    for number, found in sites.items():
        setattr(found.node, _MARK, (number, found.kind if found.asked is None else "asked", summed_names(found) or found.head or found.asked))
    parts = dict((number, found.head) for number, found in sites.items() if found.head and found.head.expression is not None)
    for number, head in parts.items():
        setattr(head.expression, _PART, (number, head.reads))
    try:
        made = copy.deepcopy(tree)
    finally:
        for found in sites.values():
            delattr(found.node, _MARK)
        for head in parts.values():
            delattr(head.expression, _PART)
    made = _Rewriting().visit(made)
    if prelude is not None:
        _begin_with(made, prelude)
    return made


def asking_of_maps(content, path, may_map):
    """(tree of a library's module, how many of its calls ask first). ``may_map(name)``: whether what is called so may be a map."""
    tree = ast.parse(content, path)
    asking = _Asking(may_map)
    return asking.visit(tree), asking.count


def is_rewritable(found):
    """Whether there is a form for a site: a call must show one iterable, and be evaluated twice without doing anything twice."""
    if found.kind in ("list", "map") and found.asked is None and not _may_stand_twice(found.node):
        return False  # in the second copy all lines would be the last one
    if found.kind not in ("map", "starmap"):
        return True
    call = found.node
    is_shown = (len(call.args) == 2 or found.kind == "map") and not call.keywords and not has_more_arguments(call)
    if found.asked is not None:
        return is_shown
    return is_shown and _is_chain_of_names(call.func) and (kind(call.args[0]) == "Lambda" or _is_chain_of_names(call.args[0]))


def summed_names(found):
    """The names that a loop sums up in, each once, in the order of the source."""
    names = [collect.root[-1] for collect in found.collects if collect.how in SUMMING]
    return [name for place, name in enumerate(names) if name not in names[:place]]


def _is_chain_of_names(node):
    while kind(node) == "Attribute":
        node = node.value
    return kind(node) == "Name"


class _Rewriting(ast.NodeTransformer):
    """Inner sites first: what is copied holds them already."""

    def generic_visit(self, node):
        part = getattr(node, _PART, None)
        if part is None:
            return self._visited(node)
        delattr(node, _PART)
        number, names = part
        return _call(node, "%s(%d)[0] if %s and %s else %s(%d, HOLE)" % (TAKEN, number, HEADS, _takes(number, names), HEADED, number), self._visited(node))

    def _visited(self, node):
        node = ast.NodeTransformer.generic_visit(self, node)
        mark = getattr(node, _MARK, None)
        if mark is None:
            return node
        delattr(node, _MARK)
        number, what, more = mark
        if what == "for":
            return _loop(node, number, more)
        if what == "head":
            return _headed(node, number, more)
        if what == "asked":
            return _asking(node, number, more)
        return _iterator(node, number) if what in LAZY else _collection(node, number)


class _Asking(ast.NodeTransformer):
    """Functions with decorators are left alone: these may look at code."""

    def __init__(self, may_map):
        self.count = 0
        self._may_map = may_map

    def visit_FunctionDef(self, node):
        names = [getattr(each, "id", None) for each in node.decorator_list]
        return self.generic_visit(node) if _PLAIN_DECORATORS.issuperset(names) else node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_Call(self, node):
        is_taken = getattr(node.func, "id", None) in TAKERS and len(node.args) == 1 and not node.keywords
        if is_taken and self._is_map(node.args[0]):
            node.args[0] = self._asking(node.args[0], node.func.id)
            return node
        return self._asking(node, "") if self._is_map(node) else self.generic_visit(node)

    def _is_map(self, node):
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "") if kind(node) == "Call" else ""
        return self._may_map(name) and len(node.args) > 1 and not node.keywords and not has_more_arguments(node)

    def _asking(self, node, taker):
        self.count += 1
        number = self.count
        return _asking(self.generic_visit(node), number, taker)


def _asking(node, number, taker):
    text = "%s(%d, %r, HOLE)(*%s(%d, %s))" % (MAPPER, number, taker, MAPPED, number, ", ".join(["HOLE"] * len(node.args)))
    return _call(node, text, node.func, *node.args)


def _loop(node, number, summed):
    if summed:
        assignments = "; ".join("%s = %s(%d, %r, %s)" % (name, SUMMED, number, name, name) for name in summed)
        asking = ast.parse("if %s: %s" % (DUE, assignments)).body[0]
        for part in ast.walk(asking):
            _place(part, node)
        node.body.insert(0, asking)
    return _asked_over(node, number, "%s[%d]()" % (ASKS, number))


def _headed(node, number, head):
    asking = "%s[%d]() or %s" % (ASKS, number, HEADS)
    if head.expression is not None:
        return _asked_over(node, number, asking)
    before, statements, rest = node.body[: head.start], node.body[head.start : head.stop], node.body[head.stop :]
    names = "".join(name + ", " for name in head.names)
    taking = "if %s and %s:\n" % (HEADS, _takes(number, head.reads))
    taking += " if %s(%d): continue\n" % (SKIPS, number) if head.skips else ""
    taking += " %s%s(%d)\n" % (names and names + "= ", TAKEN, number)
    made = _statements(taking + "else: pass", statements[0].lineno, statements[0])
    [last] = _statements("if %s: %s(%d, %s)" % (HEADS, HEADED, number, names), max(_lines(statements[-1])), statements[-1])
    made[0].orelse = statements + [last]
    node.body = before + made + rest
    return _asked_over(node, number, asking)


def _takes(number, reads):
    return "%s(%d%s)" % (TAKES, number, "".join(", " + name for name, _ in reads))


def _statements(text, line, like):
    """New statements on a line: those of a code must not go back in 2.7."""
    made = ast.parse(text).body
    for statement in made:
        for part in ast.walk(statement):
            _place(part, like)
            if hasattr(part, "lineno"):
                part.lineno = line
                if hasattr(part, "end_lineno"):
                    part.end_lineno, part.end_col_offset = line, part.col_offset
    return made


def _lines(node):
    return [part.lineno for part in ast.walk(node) if hasattr(part, "lineno")]


def _collection(node, number):
    return _asked(node, number, "%s(%d, %s(%d, HOLE), HOLE)" % (JOIN, number, OPEN, number))


def _iterator(node, number):
    return _asked(node, number, "%s(%d, HOLE, HOLE)" % (CHAIN, number))


def _asked(node, number, text):
    if not _may_stand_twice(node):
        return _call(node, text, *_both(node, number))
    own = copy.deepcopy(node)
    return _call(node, "%s if %s[%d]() else HOLE" % (text, ASKS, number), *_both(node, number) + (own,))


def _asked_over(node, number, asking):
    over = "%s(%d, HOLE)" % (EACH, number)
    if not _may_stand_twice(node.iter):
        return _over(node, over)
    own = copy.deepcopy(node.iter)
    node.iter = _call(node.iter, "%s if %s else HOLE" % (over, asking), node.iter, own)
    return node


def _may_stand_twice(node):
    """Whether the lines of a second copy are right: those of a code never go back in 2.7."""
    return not IS_2 or len(set(part.lineno for part in ast.walk(node) if hasattr(part, "lineno"))) <= 1


def _both(node, number):
    if kind(node) == "Call" and len(node.args) > 2:
        return _of_several(node, number)
    rest = _over(copy.deepcopy(node), "%s(%d)" % (REST, number))
    return _over(node, "%s(%d, HOLE)" % (EACH, number)), rest


def _of_several(node, number):
    count = len(node.args) - 1
    again = copy.deepcopy(node)
    first = "HOLE(HOLE, *%s(%d, %s))" % (TOGETHER, number, ", ".join(["HOLE"] * count))
    rest = "HOLE(HOLE, *%s(%d, %d))" % (APART, number, count)
    return _call(node, first, node.func, *node.args), _call(node, rest, again.func, again.args[0])


def _over(node, text):
    """The same node with another iterable, in which HOLE stands for the one that it has."""
    if kind(node) == "Call":
        node.args[1] = _call(node.args[1], text, node.args[1])
    else:
        looping = node.generators[0] if hasattr(node, "generators") else node
        looping.iter = _call(looping.iter, text, looping.iter)
    return node


def _call(place, text, *parts):
    """An expression with ``parts`` in the places of HOLE, standing where ``place`` does."""
    made = ast.parse(text, mode="eval").body
    for part in ast.walk(made):
        _place(part, place)
    return _Filling(parts).visit(made)


class _Filling(ast.NodeTransformer):
    def __init__(self, parts):
        self._parts = iter(parts)

    def visit_Name(self, node):
        return next(self._parts) if node.id == "HOLE" else node


def _place(node, like):
    if hasattr(node, "lineno"):
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(like, name):
                setattr(node, name, getattr(like, name))


def _begin_with(tree, prelude):
    """Behind the docstring and what must stand first."""
    position = 0
    while position < len(tree.body) and _stands_first(tree.body[position], position):
        position += 1
    statement = ast.parse(prelude).body[0]
    for part in ast.walk(statement):
        _place(part, tree.body[min(position, len(tree.body) - 1)])
    tree.body.insert(position, statement)


def _stands_first(statement, position):
    if kind(statement) == "ImportFrom" and statement.module == "__future__":
        return True
    return position == 0 and kind(statement) == "Expr" and text_of(statement.value) is not None
