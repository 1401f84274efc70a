"""
Functions typed at the shell's prompt, as the source of a small program.

What can be carried: plain functions with a ``def``, and of what they name: other such functions and classes with methods, modules (as imports), and
values that Python can write down (numbers, texts, tuples, lists, dictionaries of these). Not carried: lambdas, closures, anything else;
what is missing is said before anything is sent.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import CodeType, FunctionType, ModuleType
from typing import Any, Iterator, Mapping


class NotCarried(Exception):
    """A function that cannot be sent; the text says why."""


def source_of(function: Any, namespace: Mapping[str, Any]) -> str:
    """A program with ``function`` and what it names of ``namespace``. Raises :class:`NotCarried`."""
    parts: dict[str, str] = {}
    _carry(function, namespace, parts)
    return "\n".join(parts.values())


def _carry(thing: Any, namespace: Mapping[str, Any], parts: dict[str, str]) -> None:
    text = _text_of(thing)
    parts[thing.__name__] = ""  # a function may name itself
    for name in sorted(_names_in(thing)):
        if name in namespace and name not in parts:
            _carry_named(name, namespace, parts)
    del parts[thing.__name__]
    parts[thing.__name__] = text


def _carry_named(name: str, namespace: Mapping[str, Any], parts: dict[str, str]) -> None:
    value = namespace[name]
    if isinstance(value, ModuleType):
        parts[name] = f"import {value.__name__} as {name}\n" if value.__name__ != name else f"import {name}\n"
    elif isinstance(value, (FunctionType, type)) and value.__module__ == namespace.get("__name__"):
        _carry(value, namespace, parts)
    elif hasattr(value, "__module__") and hasattr(value, "__qualname__") and value.__module__:
        parts[name] = f"from {value.__module__} import {value.__qualname__} as {name}\n"
    else:
        parts[name] = f"{name} = {_written(name, value)}\n"


def _written(name: str, value: Any) -> str:
    text = repr(value)
    try:
        if ast.literal_eval(text) == value:
            return text
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    raise NotCarried(f"it uses {name}, a {type(value).__name__}, which cannot be written as source; pass it in the items")


def _text_of(thing: Any) -> str:
    if not isinstance(thing, (FunctionType, type)) or thing.__name__ == "<lambda>":
        raise NotCarried(f"{getattr(thing, '__name__', thing)!s} is not a function made with def")
    if getattr(thing, "__closure__", None):
        raise NotCarried(f"{thing.__name__} uses variables of a function around it")
    try:
        return textwrap.dedent(inspect.getsource(thing)) if isinstance(thing, FunctionType) else _class_text(thing)
    except (OSError, StopIteration) as error:
        raise NotCarried(f"the source of {thing.__name__} is not known") from error


def _class_text(thing: type) -> str:
    """``inspect`` finds classes by their module's file only, which a prompt has not; a method knows where it was typed."""
    method = next(each for each in vars(thing).values() if isinstance(each, FunctionType) and each.__module__ == thing.__module__)
    lines, _ = inspect.findsource(method)
    tree = ast.parse("".join(lines))
    node = next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == thing.__name__)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "".join(lines[first - 1 : node.end_lineno]) + "\n"


def _names_in(thing: Any) -> set[str]:
    """Global names that a function, or the methods of a class, may look up; those of its own line (decorators, defaults) too."""
    tree = ast.parse(_text_of(thing))
    written = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return written | (set(_looked_up(thing.__code__)) if isinstance(thing, FunctionType) else set())


def _looked_up(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _looked_up(inner)
