"""One turn of a site as a function of its item, made from the site's source in the state of the moment.

It reads what the site reads: the names of the module, and those of the function around it, which stand in its closure. What a loop
collects in are its parameters; `recording` has what to give for them.
"""

from __future__ import absolute_import

import ast
import copy
import types

from marx.runner.carry.functions import fill, new_cell
from marx.runner.divide.found import SUMMING
from marx.runner.divide.syntax import kind

ITEM = "__marx_item__"


class Unworkable(Exception):
    """Why there can be no such function: a sentence."""


def work_of(found, frame):
    """The function for a `Found`, of `sites.unpacked`, that runs in ``frame``: called with an item and something for each of `collected`.

    A loop's returns nothing, all others a list of what the item gives; pairs, for a dictionary; of a head what its names stand for, or None if
    it goes on with the next turn. Raises `Unworkable`.
    """
    if found.scope.kind == "class":
        raise Unworkable("it stands in the body of a class")
    node, collects, head = copy.deepcopy((found.node, found.collects, found.head))
    _record(node, collects)
    if head and head.expression is not None:
        node.body = [_located(ast.Return(ast.List([head.expression], ast.Load())), head.expression)]
    elif head:
        node.body = node.body[head.start : head.stop]
        node.body.append(_giving(head.names, node.body[-1]))
    names = set(part.id for part in ast.walk(node) if kind(part) == "Name")
    if not names.isdisjoint(("super", "__class__")):
        raise Unworkable("it asks for the class that it stands in")
    code = frame.f_code
    around = set(code.co_varnames + code.co_cellvars + code.co_freevars) & names
    given = collected(found)
    made = _compiled(found, _turn(found.kind, node), sorted(around - set(given)), given)
    return _function(made, frame, around)


def again(work, frame):
    """The same function in the state of this moment."""
    return _function(work.__code__, frame, work.__code__.co_freevars)


def _giving(names, last):
    """What the head of a turn ends with."""
    return _located(ast.Return(ast.parse("[%s]" % ", ".join(names), mode="eval").body), last)


def collected(found):
    """The names that a loop collects in, each once."""
    names = [collect.root[-1] for collect in found.collects]
    return [name for place, name in enumerate(names) if name not in names[:place]]


def _record(node, collects):
    """Let statements that bind what they collect in tell `recording.Recorder` instead."""
    told = dict((id(each.node), each) for each in collects if kind(each.node) == "Assign" and each.how in SUMMING)
    if told:
        _Recording(told).visit(node)


class _Recording(ast.NodeTransformer):
    def __init__(self, told):
        self._told = told

    def visit_Assign(self, node):
        collect = self._told.get(id(node))
        if collect is None:
            return self.generic_visit(node)
        name = collect.root[-1]
        if collect.how == "iadd":
            made = ast.parse("%s += 0" % name).body[0]
            made.value = node.value.right
        else:
            made = ast.parse("%s.%s()" % (name, collect.how)).body[0]
            made.value.args = [node.value.args[1]]
        return made


def _turn(what, node):
    """The statement for one item."""
    if what in ("for", "head"):
        node.iter = _located(ast.parse("(%s,)" % ITEM, mode="eval").body, node.iter)
        node.orelse = []
        return node
    if what in ("map", "starmap"):
        made = ast.parse("[HOLE(%s%s)]" % ("*" if what == "starmap" or len(node.args) > 2 else "", ITEM), mode="eval").body
        made.elts[0].func = node.args[0]
    else:
        made = ast.parse("[HOLE for HOLE in HOLE]", mode="eval").body
        made.elt, made.generators = _element(node), node.generators
        made.generators[0].iter = ast.parse("(%s,)" % ITEM, mode="eval").body
    statement = ast.Return(made)
    return _located(statement, node)


def _element(node):
    if kind(node) != "DictComp":
        return node.elt
    pair = ast.Tuple([node.key, node.value], ast.Load())
    return _located(pair, node)


def _compiled(found, turn, around, given):
    """The code of the inner function."""
    text = "def outer(%s):\n def work(%s): pass" % (", ".join(around), ", ".join([ITEM] + given))
    outer = ast.parse(text).body[0]
    outer.body[0].body = [turn]
    owner = found.scope.owner
    statement = outer
    if owner is not None:
        statement = ast.parse("class %s: pass" % owner).body[0]
        statement.body = [outer]
    module = ast.parse("")
    module.body = found.module.futures + [statement]
    code = compile(module, found.module.path, "exec", 0, True)
    for name in ([owner] if owner else []) + ["outer", "work"]:
        code = next(each for each in code.co_consts if isinstance(each, types.CodeType) and each.co_name == name)
    return code


def _function(code, frame, around):
    values = frame.f_locals if around else {}
    cells = []
    for name in code.co_freevars:
        cells.append(new_cell())
        if name in values:
            fill(cells[-1], values[name])
    function = types.FunctionType(code, frame.f_globals, code.co_name, None, tuple(cells) or None)
    function.__module__ = frame.f_globals.get("__name__")
    return function


def _located(node, like):
    for part in ast.walk(node):
        if not hasattr(part, "lineno") and ("lineno" in getattr(part, "_attributes", ())):
            ast.copy_location(part, like)
    return node
