"""Marx's own source, read by `ast`: what test_architecture.py asks its questions of."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parent.parent


class Import(NamedTuple):
    """One name that a module imports, in full: `from twisted.internet import reactor` is twisted.internet.reactor."""

    name: str
    line: int
    lazy: bool  # inside a function: happens when it is called, not when the module is loaded

    def is_of(self, package: str) -> bool:
        """Whether this is `package`, something in it, or something below it."""
        return (self.name + ".").startswith(package + ".")


@dataclass(frozen=True)
class Source:
    """One Python file: `place` is its path below the checkout, as in "marx/core/model.py"."""

    place: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.place)

    @property
    def module(self) -> str:
        """Its dotted name: "marx.core.model", or "marx.core" for an __init__.py."""
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The dotted name that its relative imports start from."""
        return self.module if self.place.endswith("/__init__.py") else self.module.rpartition(".")[0]

    @property
    def floor(self) -> str:
        """The room of the house it stands in, "core", or "" directly under marx."""
        parts = self.place.split("/")
        return parts[1] if len(parts) > 2 else ""

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Everything it imports, lazily or not, type-checking imports included."""
        return tuple(self._imports(self.tree, lazy=False))

    def _imports(self, node: ast.AST, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                origin = self._origin(child)
                yield from (Import("%s.%s" % (origin, alias.name), child.lineno, lazy) for alias in child.names)
            else:
                is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from self._imports(child, lazy or is_function)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.package.split(".")
        base = parts[: len(parts) - (node.level - 1)]
        return ".".join([*base, node.module] if node.module else base)

    def dotted_names(self) -> Iterator[tuple[str, int]]:
        """Each name and attribute chain used, with its line: ("time.time", 12), ("self.reactor.spawnProcess", 40)."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Attribute, ast.Name)):
                yield _dotted(node), node.lineno


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return "%s.%s" % (_dotted(node.value), node.attr)
    return "?"  # the result of a call, an index: a chain may hang on anything


def sources(folder: str) -> list[Source]:
    """Every Python file below `folder` of the checkout, in order."""
    return [
        Source(path.relative_to(CHECKOUT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((CHECKOUT / folder).rglob("*.py"))
    ]
