"""Which files the source names where it opens them, and where it reads standard input. Paths are made from constants, never from running."""

from __future__ import absolute_import

import os
from collections import namedtuple

from marx.runner.compat import path_text
from marx.runner.divide import libraries, syntax
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind

#: ``name``: as the source has it, with what is constant put in. ``writes``: whether it may make or change the file.
Opened = namedtuple("Opened", "module line name writes")

Reading = namedtuple("Reading", "module line")

#: A path is made in so many steps at the most.
DEEPEST = 20

_SAME_PLACE = frozenset(["os.path.abspath", "os.path.realpath", "os.path.normpath", "str", "os.fspath", "os.path.expanduser"])
_PATHS = frozenset(["pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath", "os.path.join"])
_HERE = frozenset(["os.getcwd", "os.getcwdu", "pathlib.Path.cwd"])


class Folding(object):
    """Puts together the paths that are made of constants, ``__file__`` and the working directory ``folder``."""

    def __init__(self, resolver, folder):
        self._resolver = resolver
        self._folder = folder

    def path(self, node, scope, depth=0):
        """The path that an expression gives, None where the source does not show it."""
        text = syntax.text_of(node)
        if text is not None or depth > DEEPEST:
            return text
        rule = getattr(self, "_of_" + kind(node), None)
        return rule(node, scope, depth + 1) if rule else None

    def _of_Name(self, node, scope, depth):
        owner = owner_of(scope, node.id)
        if owner is None:
            return path_text(os.path.abspath(scope.module.path)) if node.id == "__file__" else None
        bindings = owner.bindings[node.id]
        if len(bindings) != 1 or bindings[0].kind != "value":
            return None
        return self.path(bindings[0].value, bindings[0].scope, depth)

    def _of_BinOp(self, node, scope, depth):
        left, right = self.path(node.left, scope, depth), self.path(node.right, scope, depth)
        if left is None or right is None:
            return None
        if kind(node.op) == "Add":
            return left + right
        return os.path.join(left, right) if kind(node.op) == "Div" else None

    def _of_Call(self, node, scope, depth):
        names = self._resolver.names(node.func, scope)
        given = [self.path(each, scope, depth) for each in node.args]
        if names & _HERE:
            return self._folder
        if kind(node.func) == "Attribute" and node.func.attr in ("resolve", "absolute", "joinpath") and not names & _PATHS:
            given.insert(0, self.path(node.func.value, scope, depth))
        elif "os.path.dirname" in names:
            return os.path.dirname(given[0]) if given and given[0] is not None else None
        elif not names & (_SAME_PLACE | _PATHS):
            return None
        return os.path.join(*given) if given and None not in given else None

    def _of_Attribute(self, node, scope, depth):
        before = self.path(node.value, scope, depth) if node.attr == "parent" else None
        return None if before is None else os.path.dirname(before)

    def _of_JoinedStr(self, node, scope, depth):
        parts = [self.path(each, scope, depth) for each in node.values]
        return u"".join(parts) if None not in parts else None

    def _of_FormattedValue(self, node, scope, depth):
        return self.path(node.value, scope, depth) if node.format_spec is None and node.conversion == -1 else None


def opened(resolver, folding):
    """Each `Opened` that the source shows."""
    for call in resolver.calls:
        path, how = _opening(call, resolver, folding)
        if path:
            yield Opened(call.scope.module, call.node.lineno, path, _writes(call.node, how))


def _opening(call, resolver, folding):
    """(path or None, how it is opened)"""
    for name in sorted(resolver.names(call.node.func, call.scope)):
        how = libraries.OPENERS.get(name)
        first = syntax.argument(call.node, 0, "file", "filename", "name", "path", "fname") if how else None
        if first is not None:
            return folding.path(first, call.scope), how
    function = call.node.func
    if kind(function) == "Attribute" and function.attr in libraries.PATH_METHODS:
        how = libraries.PATH_METHODS[function.attr]
        return folding.path(function.value, call.scope), "path mode" if how == "mode" else how
    return None, None


def _writes(call, how):
    if how not in ("mode", "path mode"):
        return how == "writes"
    mode = syntax.argument(call, 1 if how == "mode" else 0, "mode")
    text = syntax.text_of(mode) if mode is not None else ""
    return text is not None and any(letter in text for letter in "wax+")


def readings(resolver, program):
    """Each `Reading` of standard input."""
    for call in resolver.calls:
        if resolver.names(call.node.func, call.scope) & libraries.READS_STDIN:
            yield Reading(call.scope.module, call.node.lineno)
    for module in program.modules:
        for scope in module.top.below():
            for node in scope.attributes + scope.loads:
                if "sys.stdin" in resolver.names(node, scope):
                    yield Reading(module, node.lineno)
