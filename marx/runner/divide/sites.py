"""Where a program goes through something, one after the other: maps, comprehensions, loops, each with what stands around it."""

from __future__ import absolute_import

from marx.runner.compat import IS_2
from marx.runner.divide import pure, syntax
from marx.runner.divide.found import TAKERS
from marx.runner.divide.libraries import BUILTINS
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.targets import bare

COMPREHENSIONS = {"ListComp": "list", "SetComp": "set", "DictComp": "dict", "GeneratorExp": "generator"}

#: What takes all of an iterator at once, before anything else happens; of those that compare or add meanwhile: "meanwhile".
_TAKING = {"list": "", "tuple": "", "set": "meanwhile", "frozenset": "meanwhile", "dict": "meanwhile", "sorted": "", "sum": "meanwhile"}
_TAKING.update({"min": "meanwhile", "max": "meanwhile"})
_TAKING_METHODS = frozenset(["join", "extend", "extendleft"])
_STOPPING = frozenset(["any", "all", "next"])

#: Kinds of targets that are functions of the program, or may be.
_LOOKED_AT = frozenset(["function", "bound", "value"])

_STARMAPS = frozenset(["itertools.starmap"])


class Site(object):
    """
    One of them. ``kind``: as in `found.Found`, or "while". ``above``: the nodes around it, the module first.

    ``taken``: how a map or generator is consumed: "" (at once), "meanwhile" (at once, while operators of what it gives are called), "lazily",
    "stops" (perhaps not all of it).
    """

    def __init__(self, what, node, scope, above, taken=""):
        self.kind = what
        self.node = node
        self.scope = scope
        self.module = scope.module
        self.above = above
        self.taken = taken
        self.line = node.lineno

    @property
    def asked(self):
        """As `found.Found` has it."""
        if self.kind not in ("map", "starmap") or self.taken != "lazily":
            return None
        parent = self.above[-1]
        is_alone = kind(parent) == "Call" and parent.args == [self.node] and not parent.keywords
        return parent.func.id if is_alone and getattr(parent.func, "id", None) in TAKERS else ""

    def blocks(self):
        """(the block of statements, the node that has it) that it stands in, then the one around that, within its scope."""
        below = self.node
        for node in reversed(self.above):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and any(each is below for each in block):
                    yield block, node
            if kind(node) in syntax.FUNCTIONS or kind(node) == "ClassDef":
                return
            below = node


def sites_of(module, index, targets):
    """Every `Site` of a module that does work, in the order of the source; with a word of the person on its line every one."""
    found = _Finding(index, targets)
    found.visit(module.tree, module.top, ())
    return found.sites


class _Finding(object):
    def __init__(self, index, targets):
        self._index = index
        self._targets = targets
        self.sites = []

    def visit(self, node, scope, above):
        """Look at a node and all below. ``scope``: that it is evaluated in."""
        site = self._site(node, scope, above)
        if site is not None:
            self.sites.append(site)
        inner = self._index.scopes.get(id(node), scope) if node is not scope.node else scope
        outer = self._outer(node) if inner is not scope else ()
        for child in syntax.children(node):
            self.visit_child(child, inner, scope, outer, above + (node,))

    def visit_child(self, child, inner, scope, outer, above):
        """What a function, class or comprehension evaluates where it stands is in the scope around."""
        if kind(child) == "arguments":
            self.visit(child, scope, above)
        elif kind(child) == "comprehension" and any(child.iter is each for each in outer):
            self.visit(child.iter, scope, above)
            for each in [child.target] + child.ifs:
                self.visit(each, inner, above)
        else:
            self.visit(child, scope if any(child is each for each in outer) else inner, above)

    def _outer(self, node):
        if kind(node) in COMPREHENSIONS:
            return [node.generators[0].iter]
        return syntax.outer_expressions(node) if kind(node) in syntax.FUNCTIONS or kind(node) == "ClassDef" else ()

    def _site(self, node, scope, above):
        name = kind(node)
        if name in ("For", "AsyncFor"):
            return Site("for", node, scope, above)
        if name == "While":
            return Site("while", node, scope, above)
        if name in COMPREHENSIONS:
            what = COMPREHENSIONS[name]
            return Site(what, node, scope, above, self._taken(node, scope, above) if what == "generator" else "")
        if name == "Call" and node.args:
            return self._map(node, scope, above)
        return None

    def _map(self, node, scope, above):
        if self._targets.is_registered(node.func, scope, "map") and len(node.args) > 1:
            return Site("map", node, scope, above, "lazily")
        names = self._targets.names(node.func, scope)
        if names == frozenset(["map"]) and len(node.args) > 1:
            return Site("map", node, scope, above, "" if IS_2 else self._taken(node, scope, above))
        if names and names <= _STARMAPS and len(node.args) == 2:
            return Site("starmap", node, scope, above, self._taken(node, scope, above))
        return None

    def _taken(self, node, scope, above):
        """How what an iterator gives is consumed."""
        parent = above[-1]
        if kind(parent) == "For" and parent.iter is node or kind(parent) == "comprehension":
            return "lazily"
        if kind(parent) != "Call" or not parent.args or parent.args[0] is not node:
            return "lazily"
        if kind(parent.func) == "Attribute" and parent.func.attr in _TAKING_METHODS and len(parent.args) == 1:
            return ""
        names = self._targets.names(parent.func, scope) or frozenset()
        if names & _STOPPING:
            return "stops"
        is_alone = len(parent.args) == 1 and not parent.keywords
        for name in names if len(names) == 1 else ():
            if name in _TAKING and (is_alone or not _TAKING[name]):
                return _TAKING[name]
        return "lazily"


def may_be_asked(site, targets):
    """Whether each result of a map that is consumed one by one may be asked for when it is used: of what `found.mapping` can look at."""
    if site.asked is None:
        return False
    several = map(bare, targets.of(site.node.args[0], site.scope) or ())
    return all(target.kind in _LOOKED_AT or target.kind == "library" and pure.counts_only(target.what) for target in several)


def does_work(site, index):
    """Whether an item may take long: it calls more than builtins and methods of Python's types, or goes through something itself."""
    parts = _parts(site)
    if site.kind in ("map", "starmap"):
        return not (kind(parts[0]) == "Name" and parts[0].id in BUILTINS)
    return are_work(parts, site.scope, index)


def are_work(parts, scope, index):
    """The same of statements and expressions."""
    return any(_is_work(node, scope, index) for part in parts for node in syntax.walk(part))


def _parts(site):
    node = site.node
    if site.kind in ("map", "starmap"):
        return node.args[:1]
    if site.kind == "while":
        return node.body + [node.test]
    if site.kind == "for":
        return node.body + node.orelse
    first = node.generators[0]
    return [part for part in [getattr(node, name, None) for name in ("elt", "key", "value")] if part] + first.ifs + node.generators[1:]


def _is_work(node, scope, index):
    name = kind(node)
    if name in ("For", "While", "comprehension"):
        return True
    if name != "Call":
        return False
    if kind(node.func) == "Name":
        return node.func.id not in BUILTINS or node.func.id in ("map", "eval", "execfile", "input", "open")
    if kind(node.func) != "Attribute" or node.func.attr not in pure.METHODS or node.func.attr in index.methods:
        return True
    owner = owner_of(scope, node.func.value.id) if kind(node.func.value) == "Name" else None
    return owner is not None and any(binding.kind == "import" for binding in owner.bindings[node.func.value.id])
