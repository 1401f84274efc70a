"""The program's source, statement by statement: which of them make its state again, elsewhere, without doing anything else."""

from __future__ import absolute_import

import __future__ as future
import ast

from marx.runner.carry.effects import only_makes, sets_up
from marx.runner.carry.syntax import (
    ASSIGNMENTS,
    DEFINITIONS,
    IMPORTS,
    TRIES,
    aliases,
    at_once,
    bound_by,
    branches,
    flat,
    is_constant,
)

#: What to do with a statement: never again; always; only if every other one is harmless, too.
GUARD, LOUD, AGAIN, CALM = "guard", "loud", "again", "calm"


class Source(object):
    """``path``: as tracebacks name it. Raises SyntaxError, ValueError for what this interpreter cannot read.

    ``loudness``: of the whole program, to be set before anything is asked about effects.
    """

    def __init__(self, text, path):
        self.text = text
        self.path = path
        self.tree = ast.parse(text, path)
        self.aliases = aliases(self.tree)
        self.loudness = None

    def verdicts(self, makes_class):
        """One for each statement of the module. ``makes_class(name)``: whether what the program has under this name is a class."""
        return [self._verdict(statement, makes_class) for statement in self.tree.body]

    def chosen(self, makes_class, line=None):
        """The places of the statements to execute again. Guarded programs: all but the guard; else what defines and sets up.

        ``line``: where the program is; None if nobody knows. What begins there or behind it has not been done yet.
        """
        verdicts = self.verdicts(makes_class)
        wanted = (AGAIN,) if LOUD in verdicts else (AGAIN, CALM)
        done = verdicts[: self._begun(line) - 1] if line is not None else verdicts
        return [place for place, verdict in enumerate(done) if verdict in wanted]

    def _begun(self, line):
        """How many statements begin before a line, or on it: the last of them is at work."""
        return max(1, sum(_first_line(statement) <= line for statement in self.tree.body))

    def makes(self, chosen):
        """The names that these statements bind."""
        return set().union(*[bound_by(self.tree.body[place]) for place in chosen])

    def is_made_once(self, name, chosen):
        """Whether one chosen statement binds a name, and nothing else in the whole source."""
        places = [place for place, statement in enumerate(self.tree.body) if name in bound_by(statement)]
        return len(places) == 1 and places[0] in chosen and not self._is_global(name)

    def has_attribute(self, kind, name):
        """Whether a class of this name binds an attribute in its body."""
        bodies = [node.body for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef) and node.name == kind]
        return any(name in bound_by(statement) for body in bodies for statement in body)

    def stores(self, name):
        """Whether an attribute of this name is set or deleted anywhere, or one whose name nobody can tell."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load):
                return True
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("setattr", "delattr"):
                return True
        return False

    def line_of(self, name):
        """Where a name of the module is bound last; None if nothing tells."""
        lines = [statement.lineno for statement in flat(self.tree.body) if not branches_hold(statement) and name in bound_by(statement)]
        lines = lines or [node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.Global) and name in node.names]
        return max(lines) if lines else None

    def world_in(self):
        """(line, what) of the first statement outside of the guard that does more to the world than print or wait; None if none does."""
        for statement in self.tree.body:
            reason = None if is_guard(statement) else self.loudness.of(statement)
            if reason not in (None, "prints", "waits", "shows something"):
                return statement.lineno, reason
        return None

    def _is_global(self, name):
        return any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(self.tree))

    def _verdict(self, statement, makes_class):
        if is_guard(statement):
            return GUARD
        if isinstance(statement, IMPORTS):
            return AGAIN
        if self.loudness.of(statement):
            return LOUD
        if isinstance(statement, DEFINITIONS + (ast.Pass, ast.Global)):
            return AGAIN
        if isinstance(statement, ASSIGNMENTS):
            return self._verdict_of_assignment(statement, makes_class)
        if isinstance(statement, ast.Expr):
            return self._verdict_of_call(statement.value)
        if isinstance(statement, TRIES + (ast.If,)):
            return self._verdict_of_branches(statement, makes_class)
        return CALM if isinstance(statement, ast.Assert) else LOUD

    def _verdict_of_assignment(self, statement, makes_class):
        value = getattr(statement, "value", None)
        if value is None or only_makes(value) or any(makes_class(name) for name in bound_by(statement)):
            return AGAIN
        return CALM

    def _verdict_of_call(self, value):
        if is_constant(value) or (isinstance(value, ast.Call) and sets_up(value, self.aliases)):
            return AGAIN
        return CALM

    def _verdict_of_branches(self, statement, makes_class):
        verdicts = set(self._verdict(inner, makes_class) for branch in branches(statement) for inner in branch)
        if isinstance(statement, ast.If) and not only_makes(statement.test):
            verdicts.add(CALM)
        for worst in (GUARD, LOUD, CALM):
            if worst in verdicts:
                return LOUD if worst is GUARD else worst
        return AGAIN


def is_guard(statement):
    """Whether a statement is ``if __name__ == "__main__"``, in any form."""
    if not isinstance(statement, ast.If):
        return False
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in [statement.test] + list(at_once(statement.test)))


def _first_line(statement):
    return min([statement.lineno] + [decorator.lineno for decorator in getattr(statement, "decorator_list", ())])


def branches_hold(statement):
    """Whether a statement has statements in it, which bind for themselves."""
    return any(branches(statement)) and not getattr(statement, "items", None)


def execute(text, path, chosen, names):
    """Execute these statements of a source, one by one; what fails is left out, since the check afterwards decides."""
    tree = ast.parse(text, path)
    flags = sum(getattr(future, alias.name).compiler_flag for alias in _futures(tree))
    names["__doc__"] = ast.get_docstring(tree, clean=False)
    body = tree.body
    for place in chosen:
        tree.body = [body[place]]
        try:
            exec(compile(tree, path, "exec", flags, True), names)
        except BaseException:
            continue


def _futures(tree):
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                yield alias
