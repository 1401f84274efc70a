"""A function of the program is called: what its `Outcome` means for the frame that calls it."""

from __future__ import absolute_import

from marx.runner.divide import roots
from marx.runner.divide.arguments import Arguments
from marx.runner.divide.frame import Frame
from marx.runner.divide.roots import FLAT, NONE, OWN, base, in_order


#: Conditions on what names stand for, not on where objects come from.
OF_NAMES = frozenset(["definition", "imported", "registered", "builtin", "library", "stdout"])


class Applying(Frame):
    """Adds `apply` to a frame."""

    def apply(self, function, given, line, node_of=None):
        """
        The function of the scope ``function`` is called on ``line``; the roots of what it gives.

        ``given(place)``: the roots of a parameter. ``node_of(place)``: the expression behind it, see `Binding.node`.
        """
        return self.apply_outcome(self.analysis.outcome_of(function, self), given, line, node_of)

    def apply_outcome(self, outcome, given, line, node_of=None):
        """The same of an `Outcome`."""
        return _Translation(self, outcome, given, node_of, line).run()

    def call_value(self, node, scope, arguments, line):
        """The value of an expression is called: see `calling`."""
        raise NotImplementedError

    def call_name(self, owner, name, arguments, line):
        """The value of a variable is called: see `calling`."""
        raise NotImplementedError


def _first(effect):
    """Effects that count whoever calls come first."""
    (kind, root), where = effect
    return base(root)[0] in ("parameter", "enclosing", "given"), where.here, repr(root)


class _Translation(object):
    """From the roots of the function that is called to those of the frame that calls it."""

    def __init__(self, frame, outcome, given, node_of, line):
        self._frame = frame
        self._outcome = outcome
        self._given = given
        self._node_of = node_of
        self._line = line
        self._known = {}
        self._results = {}

    def run(self):
        """Add it all to the frame; the roots of what the call gives."""
        frame, outcome = self._frame, self._outcome
        if outcome.is_hopeless:
            for (kind, root), where in sorted(outcome.effects.items(), key=_first):
                frame.effect(kind, root, self._line, where)
        for (root, arguments), _ in sorted(outcome.calls.items(), key=repr):
            found = self._call(root, [self.all(each) for each in arguments])
            self._results[root] = self._results.get(root, NONE) | found
        self._known.clear()
        if self._reaches_out():
            for name, found in outcome.holds.items():
                frame.hold(self.all(found), name)
        for (kind, root), where in sorted(outcome.effects.items(), key=repr):
            self._effect(kind, root, where)
        for kind, root in sorted(outcome.conditions, key=repr):
            self._condition(kind, root)
        for root in sorted(outcome.reads, key=repr):
            if frame.own_name(root) is None:
                frame.read(root, self._line)
        frame.outcome.prints = frame.outcome.prints or outcome.prints
        frame.outcome.raises = frame.outcome.raises or outcome.raises
        frame.outcome.fills = frame.outcome.fills or outcome.fills
        return self.all(outcome.results)

    def _reaches_out(self):
        """Whether anything that the call made can be seen by who called."""
        outcome = self._outcome
        return bool(OWN.difference([FLAT]).intersection(outcome.results) or outcome.effects or outcome.raises or outcome.is_generator or outcome.fills)

    def all(self, found):
        """The roots here of several there."""
        return frozenset(each for root in found for each in self.root(root))

    def _everything(self):
        return frozenset().union(*[self.all(found) for found in self._outcome.holds.values()])

    def root(self, root):
        """The roots here of one there."""
        if root not in self._known:
            self._known[root] = self._root(root)
        return self._known[root]

    def _root(self, root):
        what = root[0]
        if what == "parameter":
            return frozenset(self._given(root[1]))
        if what == "inside":
            return self._frame.within(self.root(root[1]))
        if what == "part":
            return self._frame.attribute(self.root(root[1]), root[2])
        if what == "given":
            return self._results.get(root[1], frozenset([roots.UNKNOWN]))
        own = self._frame.own_name(root)
        return self._frame.variable(*own) if own is not None else frozenset([root])

    def _condition(self, kind, root):
        if kind in OF_NAMES:
            if self._frame.own_name(root[1] if kind in ("imported", "registered") else root) is None:
                self._frame.outcome.conditions.setdefault((kind, root), self._line)
        elif kind == "file":
            for each in self.root(root):
                self._frame.outcome.conditions.setdefault((kind, each), self._line)
        else:
            self._frame.condition(kind, self.root(root), self._line)

    def _effect(self, kind, root, where):
        frame = self._frame
        if kind == "changes":
            frame.changed(self.root(root), self._line, where)
        elif kind == "rebinds" and frame.own_name(root) is not None:
            frame.bind(*frame.own_name(root) + (self._everything(),))
        else:
            for each in in_order(self.root(root)) if kind == "identity" else [root]:
                frame.effect(kind, each, self._line, where)

    def _call(self, root, arguments):
        """A function that the callee did not know is called by it; what it gives."""
        frame = self._frame
        given = Arguments([None] * len(arguments), arguments)
        node, scope = self._node_of(root[1]) if root[0] == "parameter" and self._node_of else (None, None)
        if node is not None and scope is not None:
            return frame.call_value(node, scope, given, self._line)
        own = frame.own_name(root)
        if own is not None:
            return frame.call_name(own[0], own[1], given, self._line)
        together = NONE
        for each in in_order(self.root(root)):
            together |= frame.pending(each, arguments, self._line)
        return together
