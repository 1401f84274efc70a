"""Roots of the analysis where a program runs: as who calls a function knows them, and as a person would call them."""

from __future__ import absolute_import

from marx.runner.divide.reasons import called_in_toolbox
from marx.runner.divide.roots import CODE, MADE, OWN, UNKNOWN, base, inside

#: By the first word of a root.
_SAID = dict(item="an item", result="a result", iterable="what is gone over", function="the mapped function", bound="what that is bound to")


def as_given(root, function, given):
    """What ``function`` knows as ``root``, as who calls it with the roots ``given`` does."""
    below = base(root)
    if below[0] == "parameter":
        return [inside(each) if root[0] == "inside" else each for each in sorted(given, key=repr)]
    if below[0] in ("enclosing", "default"):
        held = ("held", id(function), below)
    elif below[0] == "given" and below[1][0] == "enclosing":
        held = ("given", ("held", id(function), below[1]))
    else:
        return [root]
    return [inside(held) if root[0] == "inside" else held]


def is_met_by(kind, root):
    """Whether what a function has made meets a condition of this kind."""
    if kind in ("known", "alike"):
        return root != CODE
    return kind in ("plain", "arrays") and root not in (CODE, MADE)


def said(root):
    """A root as a person would call it."""
    if root[0] in _SAID:
        return _SAID[root[0]]
    if root in OWN or root == UNKNOWN:
        return "what an item makes"
    if root[0] in ("inside", "given"):
        return "what %s %s" % (said(root[1]), "holds" if root[0] == "inside" else "gives")
    if root[0] == "held":
        return said(root[2])
    if root[0] == "registered":
        return called_in_toolbox(root)
    return "`%s`" % root[-1]
