"""Looks for portions that no pool asks for, and says of each whether it is proved: see `found` for what is said."""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import reasons, syntax
from marx.runner.divide.found import Summary
from marx.runner.divide.lengths import Lengths
from marx.runner.divide.outcome import conditions_of
from marx.runner.divide.proving import Proof
from marx.runner.divide.returning import Returning
from marx.runner.divide.roots import base, place_of, told
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.sites import does_work, sites_of
from marx.runner.divide.summaries import Summaries
from marx.runner.divide.targets import defined, first_line


#: What the source shows of a class. methods: {name: the first lines of its code, wherever it is defined}; is_dataclass: whether `dataclass` adds
#: to them; factories: the names of its fields whose values a function makes.
Shown = namedtuple("Shown", "methods is_dataclass factories")


class Finder(object):
    """``program``, ``resolver``: of `modules` and `resolving`. Nothing is looked for before it is asked."""

    def __init__(self, program, resolver):
        self._program = program
        self._summaries = Summaries(program, resolver)
        self._by_line = None

    def found(self):
        """{the path of a module: [each `Found` of it, in the order of the source]}"""
        summaries, proofs = self._summaries, []
        for module in self._program.modules:
            for site in sites_of(module, summaries.index, summaries.targets):
                if does_work(site, summaries.index) or site.line in module.pragmas:
                    proofs.append(Proof(site, summaries))
        for proof in proofs:
            if proof.item is not None:
                summaries.add(proof.item)
        summaries.settle()
        lengths, returning = Lengths(summaries), Returning(summaries)
        for proof in proofs:
            proof.look_further(lengths, returning)
        summaries.settle()
        answer = dict((module.path, []) for module in self._program.modules)
        for proof in proofs:
            one = proof.found()
            answer[one.module.path].append(one)
        for several in answer.values():
            several.sort(key=lambda one: (one.line, one.column))
        return answer

    def known_classes(self):
        """
        {(the path of a module, the qualified name of a class): `Shown`}

        Of classes that do what their source shows, if their bases do and nobody has changed them.
        """
        index = self._summaries.index
        classes = [scope for scope in index.scopes.values() if scope.kind == "class" and scope not in index.strange]
        shown = [(scope, Shown(_methods(scope), index.is_dataclass(scope), frozenset(index.factories(scope)))) for scope in classes]
        return dict(((scope.module.path, scope.qualified), one) for scope, one in shown)

    def method_names(self):
        """What methods of classes of the program are called, but for special ones."""
        scopes = self._summaries.index.scopes.values()
        names = set(name for scope in scopes if scope.kind == "class" for name in _methods(scope))
        return frozenset(name for name in names if not name.startswith("__"))

    def summary_of(self, code):
        """The `Summary` of the function with this code object; None where the program's source does not hold it, or holds several such."""
        scopes = self._scopes_by_line().get((code.co_filename, code.co_firstlineno, code.co_name), ())
        if len(scopes) != 1:
            return None
        return self._summary(scopes[0])

    def definitions_of(self, root):
        """
        What a name of the program may stand for, as (what, place): ("function", (path, first line of its code, name)), ("class", (path, qualified
        name)), ("record", ()) for one that namedtuple makes, ("library", (dotted name,)).
        """
        owner = self._summaries.index.owner(root)
        targets = self._summaries.targets.of_name(owner, root[-1]) if owner is not None and root[-1] in owner.bindings else ()
        return frozenset(defined(target) for target in targets)

    def place_of(self, code, name=None):
        """As roots have it: the place of the function with this code object, or of the one around it that binds ``name``. None if nobody knows."""
        scopes = self._scopes_by_line().get((code.co_filename, code.co_firstlineno, code.co_name), ())
        owner = owner_of(scopes[0], name) if len(scopes) == 1 and name is not None else None
        if name is None and len(scopes) == 1:
            owner = scopes[0]
        return place_of(owner) if owner is not None else None

    def _scopes_by_line(self):
        if self._by_line is None:
            self._by_line = {}
            for scope in self._summaries.index.scopes.values():
                if scope.kind == "function":
                    self._by_line.setdefault((scope.module.path, first_line(scope), scope.name), []).append(scope)
        return self._by_line

    def _summary(self, scope):
        outcome = self._summaries.settled(scope)
        effects = sorted(outcome.effects.items(), key=lambda pair: (pair[1].here, repr(pair)))
        reason = None
        if outcome.is_generator:
            reason = "line %d: `%s` is a generator: what it gives cannot travel" % (scope.line, scope.qualified)
        elif syntax.kind(scope.node) == "AsyncFunctionDef":
            reason = reasons.ASYNC
        elif effects:
            (what, root), where = effects[0]
            reason = reasons.of_effect(what, root, where, scope.module, "`%s`" % scope.qualified)
        found = dict(outcome.conditions)
        found.update((("function", root), line) for (root, _), line in outcome.calls.items())
        for what, root in sorted(found, key=repr) if reason is None else ():
            if not _may_show(base(root)):
                reason = reasons.of_condition(what, root, found[what, root], "`%s`" % scope.qualified)
        conditions = tuple(conditions_of(outcome.conditions, outcome.calls))
        results = frozenset(told(root) for root in self._summaries.given_by(scope))
        return Summary(reason, conditions, tuple(sorted(outcome.reads, key=repr)), outcome.prints, results)


def _may_show(root):
    """Whether a value that a function depends on may be found where it is called."""
    return root[0] != "unknown" and (root[0] != "given" or root[1][0] in ("global", "enclosing"))


def _methods(scope):
    found = {}
    for name, bindings in scope.bindings.items():
        for binding in bindings:
            if binding.kind == "function":
                found.setdefault(name, set()).add(first_line(binding.value))
    return found


def find(program, resolver):
    """See `Finder.found`."""
    return Finder(program, resolver).found()
