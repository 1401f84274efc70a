"""
Each rule of the analysis and each check at run time, and how the runner's source is without it; what is drawn that must show its absence.

A rule of the analysis is missed where a program comes out differently, or where a check at run time must set it right. A check at run time
is missed where a program comes out differently that has nothing proved and all sites sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """``text`` stands once in ``file`` of the runner, and with ``without`` in its place the rule is off. ``by``: a form or work that shows it.

    ``finding``: "proved", or "numbered" for a check at run time. ``two``: only Python 2.7 has what shows it. ``beside``: (file, text, without) of what
    else is off, since it guards the same.
    """

    name: str
    file: str
    text: str
    without: str
    by: str
    finding: str = "proved"
    two: bool = False
    beside: tuple[tuple[str, str, str], ...] = ()

    @property
    def edits(self) -> tuple[tuple[str, str, str], ...]:
        """All that is exchanged."""
        return ((self.file, self.text, self.without), *self.beside)


_EFFECT = "if (kind, root) not in self.outcome.effects:"
_EFFECTS = {
    "changes": "global list",
    "rebinds": "global counter",
    "draws": "random",
    "clock": "gives the time",
    "process": "runs a command",
    "network": "patience of sockets",
    "threads": "stacks of threads",
    "native": "error number",
    "files": "makes folders",
    "writes": "appends to a file",
    "input": "standard input",
    "reflects": "eval",
    "identity": "item compared by identity",
    "settings": "recursion limit set",
    "logs": "logs",
    "library": "at the end",
    "method": "instance replaced",
    "calls": "changed by a function in a table",
    "prints": "prints to an object",
    "strange": "decorated class",
    "class": "type made in the item",
    "imports": "imports in some items",
    "with": "context by a generator",
}
#: What these do is also an object that is not known, of which nothing holds.
_EFFECTS_OF_UNKNOWN = {"ids": "number of an object", "name": "name that nobody defines"}
_UNKNOWN = (
    ("divide/proving.py", "return whole[0] in _SETTLED", "return True"),
    ("found/conditions.py", "except Unknown as error:\n            return str(error)", "except Unknown:\n            return None"),
)
_EFFECTS_OF_TWO = {"comma": "print with a comma"}

_CONDITION = "settle = _SETTLED.get(condition.kind)"
_CONDITIONS = {
    "known": "loops over an iterator",
    "plain": "counts in __len__",
    "immutable": "item changed in place",
    "alike": "objects that are looked for",
    "definition": "function exchanged later",
    "function": "counting decorator",
    "builtin": "builtin under another name",
    "library": "monkeypatched library",
    "sole": "accumulator by another name",
    "imported": "library's name exchanged",
}

#: What guards the same as some rule: these are never off alone here, but for those that stand among the rules as well.
_SEEN = ("divide/proving.py", 'if root in reads and owner.kind != "comprehension":', "if False:")
_AHEAD = ("found/calls.py", "if kind not in CONTAINERS and kind not in ITERATORS or sys.gettrace()", "if sys.gettrace()")
_KNOWN_TO_OTHERS = ("found/deciding.py", "if type(iterable) not in calls.CONTAINERS and not _is_made_there(node, iterable):", "if False:")

_PROCESS = ("divide/pure.py", '_functions("os.path", "value", "basename', '_functions("os", "value", "getpid")\n_functions("os.path", "value", "basename')
_REPLACED = ("found/deciding.py", "if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:", "if False:")

_Table = dict[str, tuple[Any, ...]]
"""{name: (text, without, by), and behind that what else is off}"""

_PROVING: _Table = {
    "items that are computed when they are asked for": ("lazy = lazily_from(first, site.scope, self._summaries.targets) if first is not None else None", "lazy = None", "items from a generator", (_AHEAD, _KNOWN_TO_OTHERS)),
    "loops that are left early": ('left = leaving(node.body + node.orelse) if site.kind == "for" and found == (None, "") else None', "left = None", "break"),
    "what stands in a class": ('if site.scope.kind == "class":\n            return reasons.IN_CLASS', 'if False:\n            return reasons.IN_CLASS', "comprehension in a class"),
    "private names": ("if private is not None:", "if False:", "comprehension with a private name"),
    "what is consumed one by one": ('if self._site.taken == "lazily" and not may_be_asked(self._site, self._summaries.targets):', "if False:", "consumed while its items change"),
    "names that are looked at without being spelled": ("if load.id in _LOOKING and owner_of(each, load.id) is None:", "if False:", "names that are looked at"),
    "names that are carried": ("if turn and turn.carried:", "if False:", "carried variable"),
    "names that functions read": ('if root in reads and owner.kind != "comprehension":', "if False:", "variable read by a function"),
    "closures that know names of the loop": ("if name in item.binds and owner_of(inner, name) is scope:", "if False:", "variable read by a function"),
    "names that not every turn binds": ("if name not in self._turn.sure and self._is_used_elsewhere(name):", "if False:", "conditional variable used after"),
    "names used after a failure": ("if name not in first and self._is_handled() and self._is_used_elsewhere(name):", "if False:", "variable after a failure"),
    "results that are code": ("if roots.CODE in item.reachable(outcome.results):", "if False:", "gives a function"),
    "all that an item does": ("if effects:\n            (what, root), where = effects[0]\n            return reasons.of_effect(what, root, where, site.module, self._construct())", "if False:\n            (what, root), where = effects[0]\n            return reasons.of_effect(what, root, where, site.module, self._construct())", "global list"),
}

_HEADS: _Table = {
    "what leaves the loop": ("leaving([node]) is not None or kind(node) in (", "kind(node) in (", "loop with a head that is left within"),
    "what gives away": ("if suspends(body):", "if False:", "loop with a head that gives away"),
    "what goes on in front": ("if continues(body[start : start + 1]):", "if False:", "loop with a head behind what goes on"),
    "arguments that are not always there": ('if name == "IfExp":\n        return [node.test]', 'if name == "IfExp":\n        return [node.body]', "loop with an argument that is not always there"),
    "tests that are not always asked": ("return node.values[:1]", "return node.values", "loop with a test that is not always asked"),
    "arguments that go to a later turn": ("if Turn([ast.copy_location(ast.Expr(node), node)], names, first, inner_names).carried is None:", "if True:", "loop with an argument that is handed something"),
    "arguments that bind names": (" and not bound_in([node])", "", "loop with an argument that binds"),
    "names that go to a later turn": ("turn.carried is not None or not statement.reads", "not statement.reads", "loop with a head that is handed something"),
    "names that not every turn binds": ("if turn.end is not None and turn.end.issuperset(given):", "if turn.end is not None:", "loop with a head that binds sometimes"),
    "names that are bound in front": ("targets - _union(each.binds for each in statements[:start]), inner_names)", "targets, inner_names)", "loop that binds its item before its head"),
}

_HEADS_PROVED: _Table = {
    "names that functions know": ("self._by_binding(self._head, self._head.binds) or ", "", "loop with a head that a function knows the item of"),
    "what they give": ("or self._by_item(self._head)[0] ", "", "loop with a head that makes a function"),
}

_HANDING: _Table = {
    "items that the rest changes": ("type(item) in ATOMS or self._sent.numbering.dumps(item) == self._sent.records[place]", "True", "loop with a head whose items to come are changed"),
    "rehearsal": ("if not is_sure:", "if False:", "loop with a head that asks for its process", (_PROCESS,)),
    "what they have read": (" and self._is_unchanged()", "", "loop with a head that reads what the rest may change"),
    "names that something binds again": ("not self._is_read(item, read) or ", "", "loop whose item a function binds again before its head"),
    "the items to come": ("is_it = _is_same(item, sent) or", "is_it = True or", "loop with a head, and other items"),
}

_COLLECTING: _Table = {
    "accumulators that the loop reads": ("if mentions:\n            return None, mentions[0]", "if False:\n            return None, mentions[0]", "read accumulator", (_SEEN,)),
    "accumulators that are used before": ("if _mentions(statement, name, _putting(statement, name, hows)):\n                    return None, statement.lineno", "if False:\n                    return None, statement.lineno", "accumulator by another name"),
    "accumulators that functions know": ("if is_named_within and _calls(statement):", "if False:", "accumulator given away by a function"),
    "what may fail and is handled": ("if any(is_tried and how not in _NEVER_FAILS for _, how, is_tried in several):", "if False:", "loop that handles what cannot be added"),
    "ways that do not go together": ('return None if hows <= fits else "%s %s', 'return None if True else "%s %s', "loop that fills and appends"),
    "accumulators of a loop around": ('if kind(node) in ("For", "While") and _mentions(node, name, collecting):', "if False:", "loop whose list is looked at a turn later"),
    "accumulators that it goes over": ("over = [] if is_asked else [node.iter]", "over = []", "loop over the very list that it fills"),
    "rows by many names": ('and value is not None and _has_new_rows(value):\n            return "table"', 'and value is not None:\n            return "table"', "loop that fills one list by many names"),
    "rows that are put there by many names": (' if how == "append" and _is_new(each.value.args[0]) == "list")', ' if how == "append")', "grouping into one list by many names"),
    "groups that are known elsewhere": ('if "setdefault" in hows and getattr(value, "keys", None):', "if False:", "grouping into what is known elsewhere"),
    "accumulators of another block": ("if owner is self._site.scope:\n            made, line, why", "if True:\n            made, line, why", "accumulator made for others", (_SEEN,)),
}

_HOLDING: _Table = {
    "who else holds it": ("if others > 0:", "if False:", "accumulator by another name"),
    "objects that are in it": ("if type(value) in (set, dict) and Looked().add(list(value)).classes:", "if False:", "loop that adds to a set of objects"),
    "who else holds what is in it": ("if _others(value, place) > 0:", "if False:", "loop that fills lists of a function"),
}

_SERVING: _Table = {
    "files": ("if self._snapshot is not None and self._snapshot.update():", "if False:", "says who made a file"),
    "the arguments": ("list(sys.argv),", "None,", "changes the arguments"),
    "threads": ("threading.active_count(),", "None,", "leaves a thread"),
    "output that is replaced": ("if sys.stdout is not printing:", "if False:", "replaces its output"),
    "results that cannot be hashed": ('for given in payload if self._given.kind in ("set", "dict") else ():', "for given in ():", "set of what can be in none"),
    "what the state consists of": ("if changed:", "if False:", "global list through a helper"),
    "the environment": ("dict(os.environ),", "None,", "environment alone"),
    "the folder": ("os.getcwd(),", "None,", "other folder"),
    "how deep calls may go": ("allowed = limit + asked(item, *recorders) - self._given.depth", "allowed = limit", "how deep it may go"),
    "the recursion limit": ("if sys.getrecursionlimit() != allowed:", "if False:", "recursion limit set"),
    "the search path": ("list(sys.path),", "None,", "search path"),
    "the random state": ("None if may_draw else draws.states(),", "None,", "draws in one item"),
    "standard error": ('self._printing.why_not = "it writes to standard error"', "pass", "standard error"),
    "results that are held": ("if inside.changeable & (", "if set() & (", "gives what is held"),
    "what an item raises": ('raise _Stays("it raises %s" % type(error).__name__)', "return []", "raises"),
    "results that no copy equals": ('raise _Stays("it gives %s" % error)', "pass", "gives a sentinel"),
    "the order of results": ("if inside.ordered and not is_alike(payload, self._copy(payload)):", "if False:", "gives a set with a history"),
}

_DECIDING: _Table = {
    "draws of the first items": ("if drew:", "if False:", "random", (("found/serving.py", "None if may_draw else draws.states(),", "None,"),)),
    "iterators that others hold": ("if type(iterable) not in calls.CONTAINERS and not _is_made_there(node, iterable):", "if False:", "iterator that is left over"),
    "the order of items": ("is_as_good = not has_order or is_alike(item, self._numbering.loads(record))", "is_as_good = True", "sets with a history"),
}


_WITHIN_LINE = "is_within_line(outcome[2])"


def _rules(what: str, file: str, several: _Table, finding: str = "proved", two: bool = False) -> Iterator[Rule]:
    for name, (text, without, by, *beside) in several.items():
        yield Rule(f"{what}: {name}", file, text, without, by, finding, two, beside[0] if beside else ())


RULES = (
    *(Rule(f"effect: {kind}", "divide/frame.py", _EFFECT, f'if kind != "{kind}" and (kind, root) not in self.outcome.effects:', by) for kind, by in _EFFECTS.items()),
    *(Rule(f"effect: {kind}", "divide/frame.py", _EFFECT, f'if kind != "{kind}" and (kind, root) not in self.outcome.effects:', by, two=True) for kind, by in _EFFECTS_OF_TWO.items()),
    *(
        Rule(f"effect: {kind}, and objects that are not known", "divide/frame.py", _EFFECT, f'if kind not in ("{kind}", "method") and base(root) != UNKNOWN and (kind, root) not in self.outcome.effects:', by, beside=_UNKNOWN)
        for kind, by in _EFFECTS_OF_UNKNOWN.items()
    ),
    *_rules("form", "divide/proving.py", _PROVING),
    *_rules("heads", "divide/heads.py", _HEADS),
    *_rules("heads", "divide/proving.py", _HEADS_PROVED),
    *_rules("heads", "found/handing.py", _HANDING),
    Rule("heads: what the rest of a turn changes", "found/deciding.py", ".isdisjoint(changed)", " is not None", "loop with a head that reads what the rest may change"),
    Rule("maps: what changes while they are consumed", "found/behalf.py", "return self._sampling.is_at_once", "return True", "map of what changes"),
    Rule("condition: registered", "found/conditions.py", "if called is None or not is_one_of(called.func, root[2]) or not root[3] and (called.args or called.keywords):", "if False:", "toolbox that was told something else"),
    *_rules("form", "divide/collecting.py", _COLLECTING),
    Rule("form: accumulators that the items come from", "found/deciding.py", "        _refuse_shared(found, frame)\n", "", "loop over what it fills"),
    *(Rule(f"condition: {kind}", "found/conditions.py", _CONDITION, f'if condition.kind == "{kind}":\n            return None\n        {_CONDITION}', by) for kind, by in _CONDITIONS.items()),
    Rule("condition: of defaults", "found/conditions.py", 'if base(condition.root)[0] == "parameter" and any(type(each) not in ATOMS for each in _defaults_of(function)):', "if False:", "default that is an object"),
    Rule("condition: of what is given", "found/conditions.py", "for root in as_given(condition.root, function, given)]", 'for root in as_given(condition.root, function, given) if base(condition.root)[0] != "parameter"]', "item changed by a closure"),
    Rule("condition: container", "found/conditions.py", _CONDITION, f'if condition.kind == "container":\n            return None\n        {_CONDITION}', "iterator that is left over", beside=(_KNOWN_TO_OTHERS,)),
    *_rules("condition: sole", "found/holding.py", _HOLDING),
    Rule("condition: stdout", "found/conditions.py", _CONDITION, f'if condition.kind == "stdout":\n            return None\n        {_CONDITION}', "replaced output", beside=(_REPLACED,)),
    Rule("run time: what is printed within a line", "found/division.py", _WITHIN_LINE, "False", "loop within a line", "numbered", two=True),
    Rule("heads: what is printed within a line", "found/handing.py", _WITHIN_LINE, "False", "loop with a head within a line", two=True),
    *_rules("run time", "found/serving.py", _SERVING, "numbered"),
    Rule("run time: classes that deap makes", "found/serving.py", "any(is_created(each) for each in inside.classes.difference(self._given.numbering.classes))", "False", "clones of what deap made"),
    *_rules("run time", "found/deciding.py", _DECIDING, "numbered"),
    Rule("run time: the end of calls", "found/calls.py", "    if is_near_end():", "    if False:", "comprehension near the end of calls", "numbered", two=True, beside=(("found/calls.py", " or is_near_end()", ""),)),
    Rule("run time: rehearsal", "found/division.py", "not _is_sure(is_rehearsed, outcome[1], self._draws)", "False", "process number", "numbered"),
)
