"""The names that a loop's body binds: whether one is carried from turn to turn, and which are bound in every turn whatever happens."""

from __future__ import absolute_import

from marx.runner.divide import syntax
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind

_OTHER_SCOPES = syntax.COMPREHENSIONS | syntax.FUNCTIONS | frozenset(["ClassDef"])
_LOOPS = frozenset(["For", "AsyncFor", "While"])


def bound_in(nodes, but=()):
    """The names that statements or targets bind or delete in the scope that they stand in; not those with the ids ``but``."""
    found = set()
    for node in nodes:
        _bound(node, found, False, but)
    return found


def _bound(node, found, is_inner, but):
    name = kind(node)
    if id(node) in but:
        return
    if name in ("FunctionDef", "AsyncFunctionDef", "ClassDef"):
        found.add(node.name)
    if name in syntax.FUNCTIONS or name == "ClassDef":
        return
    if name == "NamedExpr":
        found.add(node.target.id)
    elif name == "Name" and not is_inner and kind(node.ctx) != "Load":
        found.add(node.id)
    elif name in ("Import", "ImportFrom"):
        found.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
    elif name == "ExceptHandler" and syntax.handler_name(node):
        found.add(syntax.handler_name(node))
    elif name.startswith("Match"):
        found.update(syntax.captured_names(node))
    for child in syntax.children(node):
        _bound(child, found, is_inner or name in syntax.COMPREHENSIONS, but)


def leaving(statements):
    """(line, what) of the first statement that leaves the loop whose body these are: "break", "return", "yield"; None if none does."""
    for statement in statements:
        found = _leaving(statement, False)
        if found is not None:
            return found
    return None


def _leaving(node, is_nested):
    name = kind(node)
    if name == "Break" and not is_nested or name == "Return":
        return node.lineno, name.lower()
    if name in ("Yield", "YieldFrom", "Await"):
        return node.lineno, {"Yield": "yield", "YieldFrom": "yield", "Await": "await"}[name]
    if name in syntax.FUNCTIONS or name == "ClassDef":
        return None
    for child in syntax.children(node):
        found = _leaving(child, is_nested or name in _LOOPS)
        if found is not None:
            return found
    return None


def suspends(statements):
    """Whether a function with such statements may be left in the middle of them, and gone on with later."""
    found = [leaving([statement]) for statement in statements]
    return any(each is not None and each[1] in ("yield", "await") for each in found)


def continues(statements):
    """Whether one of the statements of a loop's body may go on with the next turn."""
    return any(_continues(statement) for statement in statements)


def _continues(node):
    name = kind(node)
    if name == "Continue":
        return True
    if name in _LOOPS:
        return continues(node.orelse)
    return name not in syntax.FUNCTIONS and name != "ClassDef" and any(_continues(child) for child in syntax.children(node))


def targets_in(node):
    """The names that the target of a loop binds."""
    return frozenset(each.id for each in syntax.walk(node) if kind(each) == "Name" and kind(each.ctx) != "Load")


class Uses(object):
    """Where the names of one scope are read, functions within it included. ``loads``: {name: nodes}."""

    def __init__(self, scope):
        self.loads = {}
        self._read = set()
        self._anew = {}  # id of a node that reads a name -> ids of the loops around it whose target binds that name
        for each in scope.below():
            for load in each.loads:
                owner = owner_of(each, load.id)
                if owner is scope:
                    self.loads.setdefault(load.id, []).append(load)
                elif owner is None:
                    self._read.add(load.id)
        for node in syntax.walk(scope.node):
            if kind(node) == "For":
                self._note(node, targets_in(node.target))

    def _note(self, loop, names):
        for part in loop.body:
            for node in syntax.walk(part):
                if kind(node) == "Name" and node.id in names:
                    self._anew.setdefault(id(node), []).append(id(loop))

    def is_bound_anew(self, load, around):
        """Whether what is read there is the item of a loop, other than those with the ids ``around``."""
        return any(loop not in around for loop in self._anew.get(id(load), ()))

    def reads_any(self, names):
        """Whether one of these builtins is named."""
        return not self._read.isdisjoint(names)


class Turn(object):
    """
    One turn of a loop. ``names``: what its body binds; ``at_first``: what its target has bound when the body begins.

    ``inner_names(node)``: the names of a function's or class's own scope. ``carried``: (name, line) of the first that is read before the turn
    has bound it, None if none is; ``all_carried``: the names of all such. ``sure``: what each turn binds; ``end``: what one binds that comes to
    the end of ``body``, None if none does.
    """

    def __init__(self, body, names, at_first, inner_names):
        self._names = names
        self._inner_names = inner_names
        self._ends = []
        self.carried = None
        self.all_carried = set()
        self.end = frozenset(at_first)
        self.go_on(body)

    def go_on(self, statements):
        """The turn has these statements, too, behind the others."""
        self.end = self._all(statements, self.end)

    @property
    def sure(self):
        """See the class."""
        ends = self._ends + ([self.end] if self.end is not None else [])
        return frozenset.intersection(*ends) if ends else frozenset(self._names)

    def _all(self, statements, bound, in_loop=False):
        """What is bound behind statements that begin with ``bound``; None where they never come to their end."""
        for statement in statements:
            if bound is None:
                return None
            rule = getattr(self, "_after_" + kind(statement), self._after_simple)
            bound = rule(statement, bound, in_loop)
        return bound

    def _read(self, node, bound):
        """Look for names that are read before they are bound; what the expression binds comes behind."""
        if node is None:
            return bound
        for name, line in self._loads(node):
            if name in self._names and name not in bound:
                self._carry(name, line)
        return bound | bound_in([node])

    def _carry(self, name, line):
        self.all_carried.add(name)
        self.carried = self.carried or (name, line)

    def _loads(self, node):
        """(name, line) of all that is read below, within functions too, but for names that are theirs."""
        if kind(node) == "Name" and kind(node.ctx) == "Load":
            yield node.id, node.lineno
        own = ()
        if hasattr(node, "generators"):
            own = bound_in([one.target for one in node.generators])
        elif kind(node) in _OTHER_SCOPES:
            own = self._inner_names(node)
        for child in syntax.children(node):
            for name, line in self._loads(child):
                if name not in own:
                    yield name, line

    def _after_simple(self, node, bound, in_loop):
        """A statement without statements in it: it reads, then binds."""
        self._read(node, bound)
        if kind(node) == "AugAssign" and kind(node.target) == "Name" and node.target.id in self._names - bound:
            self._carry(node.target.id, node.lineno)
        found = bound_in([node])
        return bound - found if kind(node) == "Delete" else bound | found

    def _after_Continue(self, node, bound, in_loop):
        if not in_loop:
            self._ends.append(bound)
        return None

    def _after_stop(self, node, bound, in_loop):
        self._read(node, bound)
        return None

    _after_Break = _after_Return = _after_Raise = _after_stop

    def _after_If(self, node, bound, in_loop):
        bound = self._read(node.test, bound)
        return _both(self._all(node.body, bound, in_loop), self._all(node.orelse, bound, in_loop))

    def _after_For(self, node, bound, in_loop):
        bound = self._read(node.iter, bound)
        self._read(node.target, bound)
        self._all(node.body, bound | bound_in([node.target]), True)
        self._all(node.orelse, bound, in_loop)
        return bound

    _after_AsyncFor = _after_For

    def _after_While(self, node, bound, in_loop):
        bound = self._read(node.test, bound)
        self._all(node.body, bound, True)
        self._all(node.orelse, bound, in_loop)
        return bound

    def _after_With(self, node, bound, in_loop):
        """A context may end its block early and say nothing."""
        for context, target in syntax.context_bindings(node):
            bound = self._read(context, bound)
            bound |= bound_in([target] if target is not None else [])
        self._all(node.body, bound, in_loop)
        return bound

    _after_AsyncWith = _after_With

    def _after_Try(self, node, bound, in_loop):
        done = self._all(node.body, bound, in_loop)
        done = self._all(getattr(node, "orelse", []), done, in_loop) if done is not None else None
        for handler in getattr(node, "handlers", ()):
            self._read(handler.type, bound)
            named = frozenset([syntax.handler_name(handler)]) - frozenset([None])
            caught = self._all(handler.body, bound | named, in_loop)
            done = _both(done, caught - named if caught is not None else None)
        last = self._all(getattr(node, "finalbody", []), bound, in_loop)
        return None if done is None or last is None else done | last

    _after_TryExcept = _after_TryFinally = _after_TryStar = _after_Try


def _both(one, other):
    """What is bound whichever way was taken; a way that does not come to its end does not count."""
    if one is None or other is None:
        return one if other is None else other
    return one & other
