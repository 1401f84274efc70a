"""One function at work: where each of its variables may come from, and what it does to objects. One heap stands for all that it makes."""

from __future__ import absolute_import

from marx.runner.divide import roots
from marx.runner.divide.outcome import Outcome, Where
from marx.runner.divide.roots import ADDED, CODE, EMPTY, FLAT, FRESH, ITEM, MADE, MEMBER, NEW, NONE, OWN, PLAIN, SUM, TOGETHER, UNKNOWN
from marx.runner.divide.roots import base, in_order, inside, part
from marx.runner.divide.scopes import owner_of

#: The order of statements does not count, so they are walked until nothing new is found; what is not settled by then is not known.
MOST_WALKS = 12

_LIBRARY_ROOTS = ("library", "builtin")

#: Effects that depend on what a function is called with, or that a person may allow.
_BEARABLE = frozenset(["changes", "rebinds", "identity", "draws"])
#: What can be looked at where the site is reached.
_LOOKED_AT = frozenset(["item", "parameter"])
_BEYOND = frozenset(["global", "default", "unknown", "library", "item", "function"])


class Hopeless(Exception):
    """The frame does what must not happen elsewhere, whoever calls it."""


class Frame(object):
    """
    ``scope``: whose names the statements are in. ``analysis``: `Summaries`, asked for what other functions do. ``label``: for people.

    ``bound``: names of the scope that are variables of this frame; None for all of them (a function). Of a loop's body: those that it binds.
    """

    def __init__(self, analysis, scope, label, bound=None):
        self.analysis = analysis
        self.index = analysis.index
        self.scope = scope
        self.label = label
        self.outcome = Outcome()
        self.heap = set()
        self.answers = None  # what `Summaries` keeps its outcome under; None for an item, of which nobody asks
        self.is_mixed = False  # whether a flat container may hold anything else by now
        self._bound = bound
        self._variables = {}
        self._changed = set()
        self._operated = {}
        self.doubts = {}  # (name, line) -> an effect that is one if the roots of an object stay as few as they are
        self._inner = {}  # place -> scope
        self.enter(scope)

    # Names.

    def enter(self, scope):
        """A comprehension's scope is walked as part of the frame that it stands in."""
        self._inner[roots.place_of(scope)] = scope

    def is_variable(self, owner, name):
        """Whether a name that ``owner`` binds lives in this frame."""
        if self._inner.get(roots.place_of(owner)) is not owner:
            return False
        return owner is not self.scope or self._bound is None or name in self._bound

    def variable(self, owner, name):
        """The roots of one of the frame's own names."""
        return frozenset(self._variables.get((owner, name), ()))

    def bind(self, owner, name, found):
        """A variable may also come from ``found``."""
        self._variables.setdefault((owner, name), set()).update(found)

    def store_name(self, name, scope, found, line):
        """``name = ...``"""
        owner = owner_of(scope, name)
        if owner is None or self.is_variable(owner, name):
            self.bind(owner, name, found)
        else:
            self.hold(found)
            self.effect("rebinds", roots.name_of(owner, name), line)

    def read(self, root, line):
        """A name from outside is read."""
        self.outcome.reads.setdefault(root, line)

    def own_name(self, root):
        """(scope, name) of an enclosing function's name that is a variable of this very frame; None for all others."""
        if root[0] != "enclosing":
            return None
        scope = self._inner.get(root[1:-1])
        return (scope, root[-1]) if scope is not None and self.is_variable(scope, root[-1]) else None

    # Objects.

    def within(self, found):
        """All that the objects of ``found`` hold, however deep."""
        answer = set()
        for root in found:
            answer.update(self._within(root, inside(root), NONE))
        if any(map(self._may_hold, found)):
            answer.update(self.heap)
        return frozenset(answer)

    def members(self, found):
        """The elements of containers."""
        return self.attribute(found, MEMBER)

    def spread(self, found):
        """The elements of containers and of what stands in these: of pairs that become a dict, of lists that are chained."""
        members = self.members(found)
        return members | self.members(members)

    def attribute(self, found, name):
        """What the objects of ``found`` have under ``name``. Those of libraries may show all that they hold under any."""
        holds = self.outcome.holds
        stored = frozenset(holds.get(name, ())).union(holds.get(None, ()))
        if self.index.has_containers:
            stored = stored.union(holds.get(MEMBER, ()))
        answer = set()
        for root in found:
            held = stored
            if root in PLAIN and name != MEMBER:
                held = self.heap
            elif root in (SUM, CODE):
                held = stored.union(holds.get(ADDED, ()), [SUM])
            answer.update(self._within(root, part(root, name), held))
        return frozenset(answer)

    def _within(self, root, below, held):
        """``below``: what it is called that an object from outside has there. ``held``: what objects of this frame have there."""
        if root == FLAT and not self.is_mixed:
            return NONE
        if root in OWN:
            return frozenset(held).union([FRESH])
        if root[0] in _LIBRARY_ROOTS:
            return NONE
        return frozenset([below]).union(held if self._may_hold(root) else NONE)

    def _may_hold(self, root):
        """Whether objects of this frame may stand in an object."""
        if root in OWN:
            return root != FLAT or self.is_mixed
        return root[0] not in _LIBRARY_ROOTS and base(root) in self._changed

    def reachable(self, found):
        """``found`` and, of what is made here, all that it holds."""
        return frozenset(found).union(self.heap) if OWN.intersection(found) else frozenset(found)

    def hold(self, found, name=None):
        """Something that is made here, or was given, holds ``found`` under ``name``; None: somewhere."""
        self.outcome.holds.setdefault(name, set()).update(found)
        self.heap.update(found)
        if name != ADDED and any(root != FLAT for root in found):
            self.is_mixed = True

    def contain(self, found):
        """A new container of ``found``; its roots."""
        is_own = OWN.issuperset(found)
        self.hold(found, MEMBER if is_own else ADDED)
        if not is_own:
            return TOGETHER
        return NEW if any(root != FLAT for root in found) else EMPTY

    def change(self, found, line, stored=NONE, name=MEMBER):
        """Objects of ``found`` are changed, and hold ``stored`` under ``name`` from now on."""
        self.hold(stored, name)
        self.changed(found, line)

    def changed(self, found, line, where=None):
        """
        The same after it was seen what they hold. ``where``: see `effect`.

        What is changed may be made here, and nothing else may be it as long as all else can be changed in no way.
        """
        is_own = not OWN.isdisjoint(found)
        for root in in_order(found):
            if root in OWN:
                continue
            self._changed.add(base(root))  # it holds from now on what is made here
            if is_own and base(root)[0] in _LOOKED_AT and not self.index.is_definition(base(root)):
                self.condition("immutable", [root], line)
                self.outcome.fills = True
            else:
                self.effect("changes", root, line, where)

    # What is noted.

    def effect(self, kind, root, line, where=None):
        """
        Something that must not happen elsewhere. ``where``: in a function that is called on ``line``; None: here.

        Raises `Hopeless` for what no caller can make good: nothing more of this frame is of interest.
        """
        if (kind, root) not in self.outcome.effects:
            path = self.scope.module.path
            where = where._replace(here=line) if where else Where(path, line, self.label, line)
            self.outcome.effects[kind, root] = where
            if kind not in _BEARABLE or kind != "draws" and base(root)[0] in _BEYOND:
                self.outcome.is_hopeless = True
                raise Hopeless()

    def condition(self, kind, found, line):
        """Something that the values must show."""
        for root in found:
            whole = root if kind in ("immutable", "unshared", "alike") else base(root)
            if root not in OWN and root[0] not in _LIBRARY_ROOTS and not self.index.is_definition(whole):
                self.outcome.conditions.setdefault((kind, whole), line)

    def pending(self, root, arguments, line):
        """A function is called that only the caller knows; what it gives."""
        if root[0] not in ("parameter", "global", "enclosing") and root not in (ITEM, roots.FUNCTION):
            self.effect("calls", root, line)
            return frozenset([UNKNOWN])
        self.outcome.calls.setdefault((root, tuple(arguments)), line)
        return frozenset([roots.given(root)])

    def operate(self, found, line, deep=False):
        """
        Python's own operators, conversions, iteration, and what calls them, at work on objects; what the program's classes make of it.

        ``deep``: on all that they hold as well, as `==` and `str` do.
        """
        closure = self.reachable(found) if deep else frozenset(found)
        others = closure - OWN
        specials = self.analysis.specials(self)
        is_clean = specials.is_clean()
        self.condition("known" if is_clean else "plain", others, line)
        if not self.index.reading or not (MADE in closure or others and is_clean):
            return NONE
        return self._apply_once(specials, self.reachable(closure).union(self.within(closure)), line)

    def show(self, found, line):
        """Objects become text, with all that they hold: of a function or a generator that says where it is in memory."""
        if CODE in self.reachable(found):
            self.effect("addresses", CODE, line)
        return self.operate(found, line, deep=True)

    def attribute_hooks(self, found, name, line):
        """What the program's classes make of any attribute that is looked for: only where one of them does."""
        self.condition("known", found, line)
        hooks = [each for each in ("__getattr__", "__getattribute__", "__get__") if each in self.index.methods]
        return self.operate(found | self.class_attribute(name), line) if hooks else NONE

    def class_attribute(self, name):
        """The roots of what the program's classes themselves have under a name."""
        return frozenset(inside(roots.name_of(each.parent, each.name)) for each in self.index.class_values.get(name, ()))

    def _apply_once(self, specials, given, line):
        """The special methods of the program at work on ``given``; the roots of what they give."""
        question = (given, specials.size(), len(self.heap), len(self._changed), self.is_mixed)
        if question not in self._operated:
            self._operated[question] = self.apply_outcome(specials, lambda place: given, line)
        return self._operated[question]

    def meanwhile(self, line):
        """What an item gives is compared or added before the next item begins: only operators that nobody sees may do so."""
        specials = self.analysis.specials(self)
        if specials.prints or not specials.is_clean():
            self.condition("plain", [roots.RESULT], line)

    def compare(self, found, line):
        """
        Objects are asked whether they are equal, or are looked for in something, with all that they hold: where no class of the program says
        what that is, only one and the same is, and an item and the rest of the program are copied apart.
        """
        self.condition("alike", self.reachable(found) - OWN, line)

    def hash(self, found, line):
        """Keys and elements of sets are hashed, and compared."""
        self.operate(found, line, deep=True)
        self.compare(found, line)

    def numbers(self, found, line, library="numpy"):
        """A library for numbers at work on objects: it must find no object of the program's in them."""
        closure = self.reachable(found)
        if MADE in closure:
            self.effect("calls", ("library", library), line)
        self.condition("arrays", closure - OWN, line)

    def apply_outcome(self, outcome, given, line, node_of=None):
        """What a function of the program does is done here: see `applying`."""
        raise NotImplementedError
