"""Looks for portions that no pool asks for, and says of each whether it is proved: see `found` for what is said."""

from __future__ import absolute_import

from marx.runner.divide import reasons, syntax
from marx.runner.divide.found import Summary
from marx.runner.divide.outcome import conditions_of
from marx.runner.divide.proving import Proof
from marx.runner.divide.roots import base
from marx.runner.divide.sites import does_work, sites_of
from marx.runner.divide.summaries import Summaries


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
        for proof in proofs:
            proof.look_for_head()
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
        {(the path of a module, the qualified name of a class): {the name of a method: the first line of its code}}

        Of classes that do what their source shows, if their bases do and nobody has changed them.
        """
        index = self._summaries.index
        classes = [scope for scope in index.scopes.values() if scope.kind == "class" and scope not in index.strange]
        return dict(((scope.module.path, scope.qualified), dict(_methods(scope))) for scope in classes)

    def summary_of(self, code):
        """The `Summary` of the function with this code object; None where the program's source does not hold it, or holds several such."""
        scopes = self._scopes_by_line().get((code.co_filename, code.co_firstlineno, code.co_name), ())
        if len(scopes) != 1:
            return None
        return self._summary(scopes[0])

    def _scopes_by_line(self):
        if self._by_line is None:
            self._by_line = {}
            for scope in self._summaries.index.scopes.values():
                if scope.kind == "function":
                    self._by_line.setdefault((scope.module.path, _first_line(scope), scope.name), []).append(scope)
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
            if base(root)[0] in ("given", "unknown"):
                reason = reasons.of_condition(what, root, found[what, root], "`%s`" % scope.qualified)
        conditions = tuple(conditions_of(outcome.conditions, outcome.calls))
        return Summary(reason, conditions, tuple(sorted(outcome.reads, key=repr)), outcome.prints)


def _methods(scope):
    for name, bindings in scope.bindings.items():
        for binding in bindings:
            if binding.kind == "function":
                yield name, _first_line(binding.value)


def _first_line(scope):
    """As code objects have it: with the decorators."""
    return min([scope.line] + [each.lineno for each in getattr(scope.node, "decorator_list", ())])


def find(program, resolver):
    """See `Finder.found`."""
    return Finder(program, resolver).found()
