"""
What a program names: the local modules that it imports, and the files that its strings mean. Found by reading, never by running.

Python 2's syntax is read by a tolerant pattern instead of a parser; it may find a module too many, never one that is not there.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from dataclasses import dataclass
from typing import Iterable, Iterator, Sequence

_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*\(?([\w., \t\n]*)", re.MULTILINE)
_STRING = re.compile(r"""(["'])((?:(?!\1)[^\\\n]|\\.)*)\1""")
#: Longer strings are texts, no file names (Linux ends a path at 4,096 bytes).
LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True)
class Named:
    """``modules``: (dots before it, dotted name) as imported, ``from a import b`` as "a.b"; ``strings``: that could be file names."""

    modules: frozenset[tuple[int, str]]
    strings: frozenset[str]


def names_in(source: bytes) -> Named:
    """What one source names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return _names_by_pattern(source.decode("utf-8", "replace"))
    nodes = list(ast.walk(tree))
    strings = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return Named(frozenset(_imported(nodes)), frozenset(filter(_could_be_a_name, strings)))


def _imported(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node.level, node.module or "", [alias.name for alias in node.names])


def _from(dots: int, module: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """``from a import b``: a itself, and b, which may be a module of it."""
    yield dots, module
    yield from ((dots, f"{module}.{name}".lstrip(".")) for name in names if name != "*")


def _names_by_pattern(text: str) -> Named:
    modules = {(0, name.split()[0]) for found in _IMPORT.finditer(text) for name in found[1].split(",") if name.split()}
    for found in _FROM.finditer(text):
        names = [name.split()[0] for name in found[3].split(",") if name.split()]
        modules.update(_from(len(found[1]), found[2], names))
        if not found[1]:
            # Python 2 looks beside the importing file first.
            modules.update(_from(1, found[2], names))
    return Named(frozenset(modules), frozenset(filter(_could_be_a_name, (found[2] for found in _STRING.finditer(text)))))


def _could_be_a_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and "\n" not in text and "\0" not in text


def local_modules(program: str, folders: Sequence[str]) -> dict[str, Named]:
    """
    ``program`` and the files of all modules below ``folders`` that it imports, directly or through each other, with what each names.

    A package brings its ``__init__.py`` and the modules named of it.
    """
    found: dict[str, Named] = {}
    waiting = [program]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = names_in(_content(path))
            waiting.extend(_files_of(path, found[path].modules, folders))
    return found


def _files_of(importer: str, modules: Iterable[tuple[int, str]], folders: Sequence[str]) -> Iterator[str]:
    for dots, name in modules:
        places = [_upwards(os.path.dirname(importer), dots - 1)] if dots else folders
        for place in places:
            yield from module_files(place, name.split(".") if name else [])


def _upwards(folder: str, steps: int) -> str:
    for _ in range(steps):
        folder = os.path.dirname(folder)
    return folder


def module_files(place: str, parts: Sequence[str]) -> Iterator[str]:
    """The files that importing the dotted name reads below ``place``: each package's, then the module's."""
    for part in parts:
        place = os.path.join(place, part)
        yield from (path for path in (os.path.join(place, "__init__.py"), place + ".py") if os.path.isfile(path))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
