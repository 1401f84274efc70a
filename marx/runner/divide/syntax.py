"""How `ast` differs between Python 2.7 and 3.14: the only file of the analysis that knows.

Nodes are told apart by the names of their classes, since half of these classes are missing in one version or the other.
"""

from __future__ import absolute_import

import ast

from marx.runner.compat import ESCAPE, IS_2

#: Comprehensions that have a scope of their own; in 2.7 the variable of a list comprehension belongs to what is around it.
COMPREHENSIONS = frozenset(["SetComp", "DictComp", "GeneratorExp"] + ([] if IS_2 else ["ListComp"]))

FUNCTIONS = frozenset(["FunctionDef", "AsyncFunctionDef", "Lambda"])

_NAMED_CONSTANTS = {"None": None, "True": True, "False": False}

MISSING = object()


class NoProgram(Exception):
    """A file that this Python cannot read as a program. ``line`` counts from 1, None where Python does not say."""

    def __init__(self, text, line=None):
        Exception.__init__(self, text)
        self.text = text
        self.line = line


def kind(node):
    """The name of a node's class."""
    return type(node).__name__


def parse(content, name):
    """The tree of a source, which is bytes, so that its coding line counts. Raises `NoProgram`."""
    try:
        return ast.parse(content, name)
    except SyntaxError as error:
        raise NoProgram(error.msg or "invalid syntax", error.lineno)
    except (ValueError, TypeError) as error:
        raise NoProgram(str(error))
    except (MemoryError, RuntimeError):
        raise NoProgram("it is nested too deeply")


def constant(node):
    """The value of a literal number, text, None, True or False; `MISSING` for anything else."""
    name = kind(node)
    if name == "Constant":
        return node.value
    if name in ("Str", "Bytes"):
        return node.s
    if name == "Num":
        return node.n
    if name == "NameConstant":
        return node.value
    if name == "Name" and IS_2:
        return _NAMED_CONSTANTS.get(node.id, MISSING)
    return MISSING


def text_of(node):
    """A literal text, as the text type of this Python; None for anything else."""
    value = constant(node)
    if IS_2 and isinstance(value, bytes):
        return value.decode("utf-8", ESCAPE)
    return value if isinstance(value, type(u"")) else None


def parameters(node):
    """(name, default or None) for each positional parameter of a function, then (name, default) for those by keyword only."""
    arguments = node.args
    positional = getattr(arguments, "posonlyargs", []) + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    by_keyword = getattr(arguments, "kwonlyargs", [])
    return (
        [(_parameter(one), default) for one, default in zip(positional, defaults)],
        [(_parameter(one), default) for one, default in zip(by_keyword, getattr(arguments, "kw_defaults", []))],
    )


def _parameter(node):
    """The name of one; None for the tuple that 2.7 unpacks there."""
    return getattr(node, "arg", getattr(node, "id", None))


def other_parameters(node):
    """The names that one may not be called with: ``*args``, ``**kwargs``, and what 2.7's tuple parameters hold."""
    arguments = node.args
    collecting = [_collecting(each) for each in (arguments.vararg, arguments.kwarg) if each is not None]
    unpacked = [each.id for one in arguments.args if kind(one) == "Tuple" for each in ast.walk(one) if kind(each) == "Name"]
    return collecting + unpacked


def _collecting(each):
    return getattr(each, "arg", each)


def outer_expressions(node):
    """What of a function, lambda or class is evaluated where it stands: decorators, defaults, bases, annotations."""
    found = list(getattr(node, "decorator_list", []))
    if kind(node) == "ClassDef":
        return found + node.bases + [each.value for each in getattr(node, "keywords", [])]
    arguments = node.args
    found += [each for each in arguments.defaults + getattr(arguments, "kw_defaults", []) if each is not None]
    annotated = getattr(arguments, "posonlyargs", []) + arguments.args + getattr(arguments, "kwonlyargs", [])
    found += [each.annotation for each in annotated if getattr(each, "annotation", None) is not None]
    return found + [each for each in [getattr(node, "returns", None)] if each is not None]


def body(node):
    """The statements of a function or class; of a lambda its one expression."""
    return [node.body] if kind(node) == "Lambda" else node.body


def argument(call, position, *names):
    """The expression given for a parameter of ``call``, by position (None: never so) or by one of ``names``; None if it is not shown."""
    by_position = call.args[: position + 1] if position is not None else []
    if position is not None and len(by_position) > position and not any(kind(each) == "Starred" for each in by_position):
        return by_position[position]
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    return None


def has_more_arguments(call):
    """Whether a call has arguments that it does not show: ``*args`` or ``**kwargs``."""
    if getattr(call, "starargs", None) is not None or getattr(call, "kwargs", None) is not None:
        return True
    return any(kind(each) == "Starred" for each in call.args) or any(each.arg is None for each in call.keywords)


def context_bindings(node):
    """(context expression, target or None) for each of a ``with`` statement."""
    items = getattr(node, "items", None) or [node]
    return [(each.context_expr, each.optional_vars) for each in items]


def handler_name(handler):
    """The name that an ``except`` binds, None if it binds none that is a plain name."""
    name = handler.name
    return getattr(name, "id", None) if name is not None and not isinstance(name, str) else name


def captured_names(node):
    """The names that a pattern of a ``match`` binds: texts, not nodes."""
    return [each for each in (getattr(node, "name", None), getattr(node, "rest", None)) if isinstance(each, str)]


def dotted(node):
    """``a.b.c`` as it is written; None for what is no chain of plain names."""
    if kind(node) == "Name":
        return node.id
    if kind(node) == "Attribute":
        before = dotted(node.value)
        return before and "%s.%s" % (before, node.attr)
    return None


def is_main_guard(node):
    """Whether a statement is ``if __name__ == "__main__":``, either way round."""
    if kind(node) != "If" or kind(node.test) != "Compare" or len(node.test.ops) != 1 or kind(node.test.ops[0]) != "Eq":
        return False
    sides = [node.test.left] + node.test.comparators
    return sorted(dotted(side) or text_of(side) or "" for side in sides) == ["__main__", "__name__"]


def children(node):
    """The nodes directly below one."""
    return ast.iter_child_nodes(node)


def walk(node):
    """A node and all below it."""
    return ast.walk(node)


def evaluated(node):
    """A statement and all below it that is evaluated when it is reached: no bodies of functions."""
    yield node
    if kind(node) in FUNCTIONS:
        below = outer_expressions(node)
    else:
        below = children(node)
    for child in below:
        for each in evaluated(child):
            yield each


def operands(node):
    """The expressions directly below one: no operators, no contexts."""
    return [child for child in children(node) if isinstance(child, ast.expr)]
