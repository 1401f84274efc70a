"""What is said of portions that no pool asks for, as rows of the answer: see `answer`."""

from __future__ import absolute_import

from marx.runner.compat import path_text
from marx.runner.divide import syntax
from marx.runner.divide.reasons import called_in_toolbox, noun
from marx.runner.divide.roots import FUNCTION, ITEM, RESULT, base
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.travelling import Need, Needs

CONSTRUCTS = {
    "map": "map",
    "starmap": "itertools.starmap",
    "list": "list comprehension",
    "set": "set comprehension",
    "dict": "dict comprehension",
    "generator": "generator expression",
    "for": "for loop",
    "head": "for loop",
    "while": "while loop",
}

#: What a condition asks for, as it is said behind "if"; {} is what is looked at. Conditions on what names stand for are not worth a word each.
_ASKS = (
    ("known", "{} hold plain data or objects of the program's classes only"),
    ("plain", "{} hold plain data only"),
    ("alike", "of {} only one holds objects that equal nothing but themselves"),
    ("arrays", "{} hold numbers or arrays only"),
    ("immutable", "{} cannot be changed in place"),
    ("scalar", "{} are numbers or texts"),
    ("container", "{} is a list, or as good as one"),
    ("function", "{} has no effects"),
    ("registered", "{} is what the source registers"),
    ("unshared", "results share nothing with {} that can be changed"),
    ("sole", "nothing else holds {}"),
    ("stdout", "{} is not replaced by the program"),
    ("file", "files that are read are the same everywhere"),
)


def row(one, resolver):
    """The row of a `Found`: of what is divided with ``travels``, ``conditions`` and what it prints, else with ``reason``.

    ``rest``: why not more than the head of each turn is divided, "" where all of it is.
    """
    at = {"file": path_text(one.module.path), "line": one.line, "end": one.end}
    if one.reason is not None:
        return dict(at, construct=CONSTRUCTS[one.kind], reason=one.reason, hint=one.hint)
    collects = sorted(set(each.root[-1] for each in one.collects))
    return dict(
        at,
        kind=CONSTRUCTS[one.kind],
        function=one.function,
        travels=_travels(one, resolver),
        conditions=list(conditions([each for each in one.conditions if not _is_certain(each.root, one, resolver)])) + _meanwhile(one),
        collects=collects,
        prints=one.prints,
        doubt=one.doubt,
        rest=one.head.why if one.head else "",
    )


def _meanwhile(one):
    return ["nothing that they read changes until the results are used"] if one.asked == "" else []


def _is_certain(root, one, resolver):
    """Whether it is a number or text, as far as the source says: then that it must be one is not worth a word, though it is looked at."""
    below = base(root)
    if below == ITEM:
        return _counts(one)
    if below[0] != "global":
        return False
    top = next(module.top for module in resolver.modules if module.path == below[1])
    if below[2] not in top.bindings or resolver.is_rebound(top, below[2]):
        return False
    [binding] = top.bindings[below[2]]
    return binding.kind == "value" and syntax.constant(binding.value) is not syntax.MISSING


def _counts(one):
    """Whether the items are those of Python's own range."""
    nodes = [each.iter for each in getattr(one.node, "generators", ())[:1]] + [getattr(one.node, "iter", None)]
    names = [each.func.id for each in nodes if kind(each) == "Call" and kind(each.func) == "Name"]
    return any(name in ("range", "xrange") and owner_of(one.scope, name) is None for name in names)


def conditions(several):
    """What must show when it runs, a sentence for each kind."""
    for kind, words in _ASKS:
        nouns = []
        for each in several:
            said = _noun(each.kind, each.root) if each.kind == kind else None
            if said is not None and said not in nouns:
                nouns.append(said)
        if nouns:
            yield words.format(", ".join(nouns[:-2] + [" and ".join(nouns[-2:])]))


def _noun(kind, root):
    if kind == "registered":
        return called_in_toolbox(root)
    if root == ITEM or base(root) == ITEM:
        return "the items"
    if root == RESULT:
        return "the results"
    if root == ("iterable",):
        return "what the items come from"
    return "the mapped function" if root == FUNCTION else noun(base(root))


def _travels(one, resolver):
    needs, local = Needs(resolver), []
    for root in one.reads:
        if root[0] == "global":
            needs.add_global(root[1], root[2])
        elif root[0] == "enclosing" and root[-1] not in [each.name for each in local]:
            local.append(Need(root[-1], root[1], one.line, "undecided"))
    rows = [each for each in needs.needs if each.rule != "module"] + local
    return [{"name": each.name, "file": each.path and path_text(each.path), "line": each.line, "rule": each.rule} for each in rows]
