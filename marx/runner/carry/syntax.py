"""Syntax trees of any version: what a statement binds, what stands in it, and names with dots."""

from __future__ import absolute_import

import ast

_CONSTANTS = ("Constant", "Num", "Str", "Bytes", "NameConstant", "Ellipsis")


def _kinds(*names):
    return tuple(getattr(ast, name) for name in names if name in vars(ast))


FUNCTIONS = _kinds("FunctionDef", "AsyncFunctionDef")
DEFINITIONS = FUNCTIONS + (ast.ClassDef,)
IMPORTS = (ast.Import, ast.ImportFrom)
ASSIGNMENTS = _kinds("Assign", "AnnAssign", "AugAssign", "Delete", "TypeAlias")
TRIES = _kinds("Try", "TryExcept", "TryFinally", "TryStar")
PRINTS = _kinds("Print")


def is_constant(node):
    """Whether a node is a literal that is no container."""
    return type(node).__name__ in _CONSTANTS


def dotted(node):
    """("a", "b", "c") of ``a.b.c``; () of anything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return tuple(reversed(names + [node.id])) if isinstance(node, ast.Name) else ()


def branches(statement):
    """The lists of statements directly within one; not those of definitions."""
    if isinstance(statement, DEFINITIONS):
        return []
    found = [getattr(statement, name, None) or [] for name in ("body", "orelse", "finalbody")]
    return found + [part.body for part in getattr(statement, "handlers", None) or getattr(statement, "cases", None) or []]


def flat(statements):
    """These statements and all within them that run when they do."""
    for statement in statements:
        yield statement
        for inner in branches(statement):
            for deeper in flat(inner):
                yield deeper


def at_once(node):
    """The nodes below that are evaluated when the node is: not the bodies of functions and lambdas."""
    if isinstance(node, FUNCTIONS):
        inner = node.decorator_list + list(ast.iter_child_nodes(node.args))
    elif isinstance(node, ast.Lambda):
        inner = list(ast.iter_child_nodes(node.args))
    else:
        inner = list(ast.iter_child_nodes(node))
    for child in inner:
        yield child
        for deeper in at_once(child):
            yield deeper


def bound_by(statement):
    """The names that a statement binds or deletes, with those within it."""
    found = set()
    for one in flat([statement]):
        if isinstance(one, DEFINITIONS):
            found.add(one.name)
        elif isinstance(one, IMPORTS):
            found.update(alias.asname or alias.name.split(".")[0] for alias in one.names)
        else:
            found.update(_stored(one))
    return found


def _stored(statement):
    found = set(node.id for node in at_once(statement) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
    names = [getattr(part, "name", None) for part in getattr(statement, "handlers", None) or []]
    return found | set(name for name in names if isinstance(name, str))


def aliases(tree):
    """What the imports in a source make known: {name: the set of "module" or "module.attribute" that it may stand for}."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                found.setdefault(alias.asname or first, set()).add(alias.name if alias.asname else first)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, set()).add("%s.%s" % (node.module, alias.name))
    return found
