"""Whether a site may be divided: puts together what its item does, what it collects and what is used behind it, as one `Found`."""

from __future__ import absolute_import

import sys

from marx.runner.divide import reasons, roots, syntax
from marx.runner.divide.collecting import Collecting
from marx.runner.divide.found import Found
from marx.runner.divide.heads import HeadItem, WholeTurn, expressions_of, heads_of
from marx.runner.divide.items import item_of
from marx.runner.divide.iterables import ITERABLE, containers_of, lazily_from
from marx.runner.divide.outcome import conditions_of
from marx.runner.divide.portions import label_of
from marx.runner.divide.roots import OWN, base, name_of, place_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.sites import may_be_asked
from marx.runner.divide.syntax import kind
from marx.runner.divide.turns import Turn, leaving, targets_in

#: Builtins through which a block's names are reached without being spelled.
_LOOKING = frozenset(["locals", "vars", "eval", "exec", "execfile", "globals", "dir"])
#: What a value can be asked for at the call.
_SETTLED = frozenset(["item", "result", "function", "iterable", "global", "default", "imported", "builtin", "library", "path"])
#: With what the value travels that a root stands for.
_SIDES = {"item": "items", "global": "state", "enclosing": "state", "default": "state"}
#: What may be unknown all the same: then only results that nobody can change are taken.
_ALIAS = "unshared"

#: Whether what C calls counts towards the limit of recursion: a map that is asked for each result calls by one call more.
COUNTS_CALLS_OF_C = sys.version_info < (3, 12)

_CONSTRUCTS = {"for": "the loop", "while": "the loop"}


class Proof(object):
    """
    Of one `Site`: made before the frames are settled, asked for its `Found` afterwards.

    ``item``: its frame, None where its form alone keeps it.
    """

    def __init__(self, site, summaries):
        self._site = site
        self._summaries = summaries
        self.pragma = _pragma(site)
        self._may_have_head = False
        self._unasked = None
        self._head = None
        self.reason, self.hint = self._by_form()
        self._collecting = Collecting(site, summaries.index, summaries.targets) if site.kind == "for" and self.reason is None else None
        self.item = item_of(site, summaries, self._collecting) if self.reason is None else None
        self._within = None
        self._turn = self._turn_of() if self._collecting else None

    # By its form.

    def _by_form(self):
        """(reason, hint) that no look at the item changes; (None, "") for none."""
        site, node = self._site, self._site.node
        if self.pragma == "keep":
            return reasons.KEEP, ""
        if site.kind == "while":
            return reasons.WHILE, reasons.WHILE_HINT
        if kind(node) == "AsyncFor" or any(getattr(one, "is_async", False) for one in getattr(node, "generators", ())):
            return reasons.ASYNC, ""
        if site.scope.kind == "class":
            return reasons.IN_CLASS, "put it into a function"
        private = _private_name(site)
        if private is not None:
            return reasons.PRIVATE % private, "put it into a method of its own, and call that"
        first = self._first_iterable()
        lazy = lazily_from(first, site.scope, self._summaries.targets) if first is not None else None
        if lazy is not None:
            return reasons.FROM_LAZY % lazy, reasons.LAZILY_HINT
        if site.kind in ("map", "starmap", "generator"):
            return self._by_consumer()
        found = self._by_surroundings()
        left = leaving(node.body + node.orelse) if site.kind == "for" and found == (None, "") else None
        self._may_have_head = site.kind == "for" and found == (None, "") and self.pragma is None
        return found if left is None else reasons.of_leaving(*left)

    def _first_iterable(self):
        """What a loop or comprehension goes through; None of a map."""
        node = self._site.node
        return node.generators[0].iter if hasattr(node, "generators") else getattr(node, "iter", None)

    def _by_consumer(self):
        if self._site.taken == "lazily" and not may_be_asked(self._site, self._summaries.targets):
            return reasons.LAZILY, reasons.LAZILY_HINT
        if self._site.taken == "stops":
            return reasons.STOPS, ""
        if self._site.kind != "generator":
            if syntax.has_more_arguments(self._site.node) or self._site.node.keywords:
                return reasons.STARRED, ""
            if syntax.constant(self._site.node.args[0]) is not syntax.MISSING:
                return reasons.UNDEFINED, ""
        return self._by_surroundings()

    def _by_surroundings(self):
        """Whether something may look at the names of the block without spelling them."""
        scope = self._site.scope
        while scope.kind == "comprehension":
            scope = scope.parent
        for each in scope.below() if scope.kind == "function" else ():
            for load in each.loads:
                if load.id in _LOOKING and owner_of(each, load.id) is None:
                    return reasons.REFLECTS % (load.id, load.lineno), ""
            stars = [imported for imported in each.imports if imported.name == "*"]
            if stars or any(kind(node) == "Exec" for node in syntax.walk(scope.node)):
                return reasons.REFLECTS % ("import *" if stars else "exec", scope.line), ""
        return None, ""

    def _turn_of(self):
        node = self._site.node
        return Turn(node.body, self.item.binds, targets_in(node.target), self._inner_names)

    def _inner_names(self, node):
        """The names of a function's or class's own scope."""
        scopes = self._summaries.index.scopes
        return scopes[id(node)].bindings if id(node) in scopes else ()

    # What the item does.

    def look_further(self, lengths, returning):
        """When all frames are settled, and the loop stays as a whole: have its head walked by the next `settle`. Of a map see why it is not asked."""
        if self._site.asked is not None and self.pragma is None:
            function, scope = self._site.node.args[0], self._site.scope
            if not lengths.may_be_called_long(function, scope):
                self._unasked = reasons.QUICK
            elif COUNTS_CALLS_OF_C and returning.may_return(function, scope):
                self._unasked = reasons.DEEP
        if self._may_have_head and self.found().reason is not None:
            heads = heads_of(self._site, self._inner_names, self._is_used_elsewhere)
            expressions = expressions_of(self._site, self._inner_names, lengths, self._summaries.targets)
            self._head = HeadItem(self._summaries, self._site, heads, expressions, lengths)
            if self._head.is_there:
                self._turned = WholeTurn(self._summaries, self._site, self._inner_names)
                self._summaries.add(self._head)
                self._summaries.add(self._turned)

    def found(self):
        """The `Found`, when all frames are settled."""
        found = self._found_whole()
        head = self._head.head(found.reason, self._turned.rest()) if self._head is not None and self._head.is_there else None
        if head is None or self._by_binding(self._head, self._head.binds) or self._by_item(self._head)[0] or self._head.reads_what_changes():
            return found
        outcome = self._head.outcome
        return found._replace(
            kind="head",
            end=end_of(head.expression or self._site.node.body[head.stop - 1]),
            reason=None,
            hint="",
            conditions=self._conditions(self._head, None),
            reads=tuple(sorted(outcome.reads, key=repr)),
            collects=(),
            prints=outcome.prints,
            draws=False,
            head=head,
        )

    def _found_whole(self):
        conditions = ()
        if self.item is not None:
            self.reason, self.hint = self._by_names()
            doubt, hint = (None, "") if self.reason else self._by_item(self.item)
            if doubt and (self.pragma != "divide" or self._site.asked is not None):
                self.reason, self.hint = doubt, hint
            if self._unasked is not None and self.reason is None:
                self.reason, self.hint = self._unasked, reasons.LAZILY_HINT
            conditions = () if self.reason else self._conditions(self.item, doubt)
        else:
            doubt = None
        site, outcome = self._site, self.item and self.item.outcome
        is_forced = doubt is not None and self.reason is None
        return Found(
            kind=site.kind,
            module=site.module,
            line=site.line,
            column=site.node.col_offset,
            end=end_of(site.node),
            node=site.node,
            scope=site.scope,
            function=self._label(),
            reason=self.reason,
            hint=self.hint if self.reason else "",
            conditions=conditions,
            reads=tuple(sorted(outcome.reads, key=repr)) if outcome else (),
            collects=tuple(sorted(self._collecting.found.values(), key=_order)) if self._collecting else (),
            last_turn=self._last_turn() if self._collecting and not self.reason else (),
            prints=bool(outcome) and outcome.prints,
            draws=bool(outcome) and any(each == "draws" for each, _ in outcome.effects),
            pragma=self.pragma,
            doubt=reasons.DOUBT % doubt if is_forced else "",
            head=None,
            asked=self._site.asked,
        )

    def _by_names(self):
        """(reason, hint) of names that turns hand on to each other, or to what is behind them."""
        collecting, turn = self._collecting, self._turn
        binds = self.item.binds | (collecting.names if collecting else frozenset())
        if collecting and collecting.refused:
            return reasons.of_refused(*collecting.refused)
        if turn and turn.carried:
            return reasons.of_carried(*turn.carried)
        return self._by_binding(self.item, binds) or (self._by_last_turn() if turn else None) or (None, "")

    def _by_binding(self, item, binds):
        """Functions that know the names that an item binds: elsewhere the item has such names for itself."""
        reads = item.outcome.reads
        for name in sorted(binds):
            owner = owner_of(self._site.scope, name)
            root = name_of(owner, name) if owner is not None else None
            if root in reads and owner.kind != "comprehension":
                return reasons.of_seen(name, reads[root])
        return self._by_closures(item)

    def _by_closures(self, item):
        scope, within = self._site.scope, set(id(node) for node in syntax.walk(self._site.node))
        for each in scope.below() if scope.kind == "function" else ():
            if each.kind == "function" and each is not scope and id(each.node) not in within:
                for inner in each.below():
                    for name, line in _named_in(inner):
                        if name in item.binds and owner_of(inner, name) is scope:
                            return reasons.of_seen(name, line)
        return None

    def _by_last_turn(self):
        """Names that are used behind the loop: with the value of the last turn, or of the one before if an item fails and that is handled."""
        first = targets_in(self._site.node.target)
        for name in sorted(self.item.binds):
            if name not in self._turn.sure and self._is_used_elsewhere(name):
                return reasons.of_unsure(name)
            if name not in first and self._is_handled() and self._is_used_elsewhere(name):
                return reasons.of_handled(name)
        return None

    def _is_handled(self):
        """Whether what an item raises may be handled in the scope of the loop."""
        around = [kind(node) for _, node in self._site.blocks()]
        return any(name in ("Try", "TryExcept", "TryFinally", "TryStar", "With", "AsyncWith") for name in around)

    def _by_item(self, item):
        """(reason, hint) of what an item does."""
        site, outcome = self._site, item.outcome
        effects = sorted(outcome.effects.items(), key=lambda pair: (pair[1].here, repr(pair)))
        if effects:
            (what, root), where = effects[0]
            return reasons.of_effect(what, root, where, site.module, self._construct()), reasons.hint_of_effect(what, root)
        if roots.CODE in item.reachable(outcome.results):
            return reasons.GIVES_CODE, ""
        for (what, root), line in sorted(outcome.conditions.items(), key=repr):
            if not self._is_settled(root):
                return reasons.of_condition(what, root, line, self._construct()), ""
        for (root, _), line in sorted(outcome.calls.items(), key=repr):
            if not self._is_settled(root):
                return reasons.of_condition("function", root, line, self._construct()), ""
        return None, ""

    def _is_settled(self, root):
        """Whether the value that a root stands for can be looked at when the site is reached."""
        whole = base(root)
        if whole[0] in ("given", "registered"):
            return self._is_settled(whole[1])
        if whole[0] == "enclosing":
            scope = self._site.scope
            while scope is not None and place_of(scope) != whole[1:-1]:
                scope = scope.parent
            return scope is not None
        return whole[0] in _SETTLED

    def _conditions(self, item, doubt):
        """All that the values must show, each once; where the person vouches for it, what they can show."""
        site, outcome = self._site, item.outcome
        found = dict(((what, root if what == "alike" else roots.told(root)), line) for (what, root), line in outcome.conditions.items())
        sides = set(_SIDES.get(base(root)[0]) for what, root in found if what == "alike")
        if sides in (set(["items"]), set(["state"])):  # what is copied together is compared as it was
            found = dict(((what, root), line) for (what, root), line in found.items() if what != "alike")
        for root in item.reachable(outcome.results) - OWN:
            found.setdefault((_ALIAS, roots.told(root)), site.line)
        for root in self._containers():
            found.setdefault(("container", root), site.line)
        for root in self._collecting.shared if self._collecting and item is self.item else ():
            found.setdefault(("sole", root), site.line)
        return tuple(each for each in conditions_of(found, outcome.calls) if not doubt or self._is_settled(each.root))

    def _containers(self):
        node, scope, targets = self._site.node, self._site.scope, self._summaries.targets
        if self._site.kind in ("map", "starmap"):
            found = [root for each in node.args[1:] for root in containers_of(each, scope, targets)]
        else:
            found = containers_of(self._first_iterable(), scope, targets)
        return [root if self._is_settled(root) else ITERABLE for root in found]

    def _last_turn(self):
        return tuple(sorted(name for name in self.item.binds if self._is_used_elsewhere(name)))

    def _is_used_elsewhere(self, name):
        """Whether a name that the loop binds may be read outside of its body."""
        scope = self._site.scope
        uses = self._summaries.uses(scope)
        if scope.kind == "module" and (self._summaries.index.may_be_asked(scope, name) or uses.reads_any(_LOOKING)):
            return True
        if self._within is None:
            self._within = set(id(node) for part in self._site.node.body for node in syntax.walk(part))
        around = set(id(node) for node in self._site.above + (self._site.node,))
        for load in uses.loads.get(name, ()):
            if id(load) not in self._within and not uses.is_bound_anew(load, around):
                return True
        return scope.kind == "module" and scope.module.name != "__main__"

    # Words.

    def _construct(self):
        if self._site.kind in ("map", "starmap"):
            return "the mapped function"
        return _CONSTRUCTS.get(self._site.kind, "the comprehension")

    def _label(self):
        site = self._site
        if site.kind in ("for", "while"):
            return "<the loop's body>"
        node = site.node.args[0] if site.kind in ("map", "starmap") else getattr(site.node, "elt", None)
        node = node.func if site.kind not in ("map", "starmap") and kind(node) == "Call" else node
        targets = self._summaries.targets.of(node, site.scope) if node is not None else None
        if targets and targets[0].kind in ("function", "class"):
            return label_of(targets[0].what)
        return syntax.dotted(node) or "<the comprehension's element>" if node is not None else "<the comprehension's element>"


def end_of(node):
    """The last line of a node; before Python 3.8 the last on which anything of it begins."""
    return getattr(node, "end_lineno", None) or max(getattr(each, "lineno", 1) for each in syntax.walk(node))


def _private_name(site):
    """A name in the item that means what it means only within the class around: ``__name``, ``super``. None where there is none."""
    scope = site.scope
    while scope is not None and scope.kind != "class":
        scope = scope.parent
    for node in syntax.walk(site.node) if scope is not None else ():
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if isinstance(name, str) and (name == "super" or name.startswith("__") and not name.endswith("__")):
            return name
    return None


def _pragma(site):
    return site.module.pragmas.get(site.line)


def _named_in(scope):
    """(name, line) of each that is read, or bound in another scope, within a function."""
    return [(load.id, load.lineno) for load in scope.loads] + [(name, scope.line) for name in scope.elsewhere]


def _order(collect):
    return collect.node.lineno, collect.node.col_offset

