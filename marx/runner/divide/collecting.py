"""Statements of a loop that collect: what items give to a list, set, dict, array or running value that nobody else looks at meanwhile."""

from __future__ import absolute_import

from marx.runner.divide import pure, syntax
from marx.runner.divide.found import FILLING, SUMMING, Collect
from marx.runner.divide.libraries import BUILTINS
from marx.runner.divide.roots import name_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.turns import bound_in

#: Methods that a new container has, and that give nothing.
_METHODS = {"list": ("append", "extend"), "set": ("add", "update"), "dict": ("update",)}
_MAKERS = {"List": "list", "Set": "set", "Dict": "dict", "ListComp": "list"}
#: numpy's functions that make a new array, of numbers unless objects are asked for.
_ARRAY_MAKERS = frozenset("numpy." + name for name in "zeros ones empty full zeros_like ones_like empty_like full_like".split())
#: What of an array or list cannot change while its places are filled.
_SIZES = frozenset(["shape", "size", "ndim"])
_SLICES = frozenset(["Slice", "ExtSlice"])
#: Which of them each container takes, when nothing else is done to it; "defaultdict" is one of lists.
_FILLS = {"list": frozenset(["setitem"]), "table": frozenset(["setinner", "group"]), "array": FILLING}
_FILLS.update(dict=frozenset(["setdefault"]), defaultdict=frozenset(["group"]))
#: Ways that put something into lists which must be known to nobody else: ``x.setdefault(k, []).append(y)``, ``x[k].append(y)``.
_GROUPING = frozenset(["setdefault", "group"])
#: Ways in which there is one thing at most that a value can be, or whatever it is takes them all the same.
_TOGETHER = [frozenset(["append", "extend"]), frozenset(["add", "update"]), frozenset(["update", "setitem"]), FILLING, frozenset(["setdefault"])]
_TOGETHER += [frozenset([how]) for how in SUMMING]

#: What cannot fail on a value that was computed: the only way of collecting where a handler stands around it.
_NEVER_FAILS = frozenset(["append"])


class Collecting(object):
    """
    Of one loop. ``found``: {id of a statement: `Collect`}. ``refused``: (name, line, why) of the first that would collect but may not.

    ``names``: of the accumulators. ``values``: those that each turn binds anew (sums, counts, min, max, a list that is added to).
    ``makers``: the library's functions that made arrays which are filled. ``shared``: roots of names whose values others may hold,
    as far as the source shows.
    """

    def __init__(self, site, index, targets):
        self._site = site
        self._index = index
        self._targets = targets
        self.refused = None
        self.makers = set()
        self.shared = set()
        several = list(_candidates(site.node.body, False))
        others = bound_in([site.node.target] + site.node.body, set(id(each[0]) for each in several))
        by_name = {}
        for statement, name, how, is_tried in several:
            if name not in others and not self._is_import(name):
                by_name.setdefault(name, []).append((statement, how, is_tried))
        self.found = {}
        self.names, self.values = set(), set()
        for name in sorted(by_name):
            self._judge(name, by_name[name])

    def _is_import(self, name):
        owner = owner_of(self._site.scope, name)
        return owner is None or all(binding.kind == "import" for binding in owner.bindings.get(name, ()))

    def _judge(self, name, several):
        hows = set(how for _, how, _ in several)
        owner = owner_of(self._site.scope, name)
        made, line, why = None, several[0][0].lineno, "it is not a name of this block"
        if owner is self._site.scope:
            made, line, why = self._made_for(name, several, hows)
        if why:
            self.refused = self.refused or (name, line or several[0][0].lineno, why)
            return
        self.names.add(name)
        if hows <= SUMMING and made not in _METHODS or any(kind(statement) == "AugAssign" for statement, _, _ in several):
            self.values.add(name)
        for statement, how, _ in several:
            how = "extend" if how == "iadd" and made == "list" else "fill" if made == "array" else "group" if how in _GROUPING else how
            self.found[id(statement)] = Collect(how, name_of(owner, name), statement)

    def _made_for(self, name, several, hows):
        """(what it is, None where that shows when it runs; a line, why it may not collect)"""
        collecting = set(id(statement) for statement, _, _ in several)
        mentions = self._mentions_within(name, collecting, hows)
        if mentions:
            return None, mentions[0], "the loop reads it"
        if any(is_tried and how not in _NEVER_FAILS for _, how, is_tried in several):
            return None, None, "it may fail, and the loop would handle that"
        made, line, why = self._made(name, collecting, hows)
        if why and any(hows <= each for each in _TOGETHER) and self._may_fit(name, hows):
            self.shared.add(name_of(self._site.scope, name))
            return None, None, None
        return made, line, why or _unfit(made, hows)

    def _mentions_within(self, name, collecting, hows):
        """The lines on which the loop looks at what it collects in; to ask once how large it is does no harm."""
        node = self._site.node
        is_asked = hows <= FILLING and owner_of(self._site.scope, "len") is None and _asks_size_only(node.iter, name)
        over = [] if is_asked else [node.iter]
        return [line for part in [node.target] + over + node.body for line in _mentions(part, name, collecting)]

    def _made(self, name, collecting, hows):
        """(what it is bound to, line, why others may hold it): the nearest binding before the loop, with nobody looking between."""
        is_named_within = self._is_named_within(name)
        if is_named_within and _calls(self._site.node.iter):
            return None, self._site.line, "functions know it"
        below = self._site.node
        for block, node in self._site.blocks():
            for statement in reversed(block[: _place(block, below)]):
                made = self._new(statement, name, hows)
                if made:
                    return made, statement.lineno, None
                if _mentions(statement, name, _putting(statement, name, hows)):
                    return None, statement.lineno, "it is used between where it is made and the loop"
                if is_named_within and _calls(statement):
                    return None, statement.lineno, "functions know it"
            if kind(node) in ("For", "While") and _mentions(node, name, collecting):
                return None, _mentions(node, name, collecting)[0], "the loop around this one uses it"
            if kind(node) not in ("For", "While", "If", "With", "Try", "TryExcept", "TryFinally"):
                break
            below = node
        return None, None, "it is not made new in front of the loop"

    def _may_fit(self, name, hows):
        """Whether a binding of a name leaves it open that it can collect: what a function is given others hold, and what a library makes is no container."""
        for binding in self._site.scope.bindings.get(name, ()):
            if binding.kind == "parameter" and hows.isdisjoint(SUMMING):
                continue
            node = binding.value if binding.kind == "value" else None
            names = self._targets.names(node.func, binding.scope) if kind(node) == "Call" else None
            if binding.kind not in ("import", "function", "class") and (names is None or names <= frozenset(pure.FUNCTIONS)):
                return True
        return False

    def _new(self, statement, name, hows):
        """What a statement makes new and binds to ``name`` alone: as `_is_new` has it, or "array", "defaultdict", or "table" where its rows are
        new, too; None for anything else.
        """
        value = _bound_alone(statement, name)
        if len(hows) == 1 and hows <= _FILLS["table"] and value is not None and _has_new_rows(value):
            return "table"
        if "setdefault" in hows and getattr(value, "keys", None):
            return None
        if value is None or kind(value) != "Call":
            return _is_new(value)
        names = self._targets.names(value.func, self._site.scope)
        if names == frozenset(["collections.defaultdict"]) and [self._is_list(each) for each in value.args] == [True] and not value.keywords:
            return "defaultdict"
        if names is None or not names <= _ARRAY_MAKERS:
            return _is_new(value)
        self.makers |= names
        return "array"

    def _is_list(self, node):
        return kind(node) == "Name" and node.id == "list" and owner_of(self._site.scope, "list") is None

    def _is_named_within(self, name):
        """Whether a function or another module names it as well."""
        scope = self._site.scope
        inner = [each for each in scope.below() if each is not scope and each.kind != "comprehension"]
        if any(load.id == name for each in inner for load in each.loads if owner_of(each, name) is scope):
            return True
        return scope.kind == "module" and self._index.may_be_asked(scope, name)


def _unfit(made, hows):
    """Why a name that was made as ``made`` cannot collect in these ways; None if it can."""
    if hows <= _FILLS.get(made, frozenset()):
        return None
    if made in _METHODS or made in _FILLS:
        fits = set(_METHODS.get(made, ())) | set({"list": ["iadd"], "dict": ["setitem"]}.get(made, []))
        return None if hows <= fits else "%s %s collects otherwise" % ("an" if made == "array" else "a", made)
    return None if len(hows) == 1 and hows <= SUMMING else "it is no container"


def _candidates(statements, is_tried):
    """(statement, name, how, whether a handler stands around it) for each that has the form."""
    for statement in statements:
        found = _form(statement)
        if found is not None:
            yield statement, found[0], found[1], is_tried
        if kind(statement) in syntax.FUNCTIONS or kind(statement) in ("ClassDef", "Exec"):
            continue
        has_handler = kind(statement) in ("Try", "TryExcept", "TryFinally", "TryStar", "With")
        for part in ("body", "orelse", "finalbody"):
            for each in _candidates(getattr(statement, part, None) or [], is_tried or has_handler):
                yield each
        for handler in getattr(statement, "handlers", ()):
            for each in _candidates(handler.body, True):
                yield each


def _form(statement):
    """(name, how) of a statement that collects by its form; None of any other."""
    name = kind(statement)
    if name == "Expr":
        return _method_form(statement.value)
    if name == "AugAssign" and kind(statement.op) == "Add" and kind(statement.target) == "Name":
        return statement.target.id, "iadd"
    if name != "Assign" or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    if kind(target) == "Subscript" and kind(target.value) == "Name":
        return target.value.id, "setslice" if _has_slice(target) else "setitem"
    if kind(target) == "Subscript" and kind(target.value) == "Subscript" and kind(target.value.value) == "Name":
        return None if _has_slice(target.value) else (target.value.value.id, "setinner")
    return _value_form(target.id, value) if kind(target) == "Name" else None


def _method_form(call):
    if kind(call) != "Call" or kind(call.func) != "Attribute" or len(call.args) != 1 or call.keywords or syntax.has_more_arguments(call):
        return None
    how, owner = call.func.attr, call.func.value
    if kind(owner) == "Name":
        return (owner.id, how) if any(how in methods for methods in _METHODS.values()) else None
    return _group_form(owner) if how == "append" else None


def _group_form(group):
    """Of what is appended to: ``name.setdefault(key, [])``, ``name[key]``."""
    if kind(group) == "Subscript" and kind(group.value) == "Name":
        return None if _has_slice(group) else (group.value.id, "group")
    if kind(group) != "Call" or kind(group.func) != "Attribute" or group.func.attr != "setdefault" or kind(group.func.value) != "Name":
        return None
    is_plain = len(group.args) == 2 and not group.keywords and not syntax.has_more_arguments(group)
    return (group.func.value.id, "setdefault") if is_plain and kind(group.args[1]) == "List" and not group.args[1].elts else None


def _value_form(name, value):
    """``total = total + x``, ``best = max(best, x)``"""
    if kind(value) == "BinOp" and kind(value.op) == "Add" and _is_name(value.left, name):
        return name, "iadd"
    if kind(value) == "Call" and getattr(value.func, "id", None) in ("max", "min") and len(value.args) == 2:
        if not value.keywords and not syntax.has_more_arguments(value) and _is_name(value.args[0], name):
            return name, value.func.id
    return None


def _is_name(node, name):
    return kind(node) == "Name" and node.id == name


def given_by(collect):
    """(keys, values): the expressions of a statement that collects which the item computes."""
    node = collect.node
    if kind(node) == "Expr":
        group = node.value.func.value
        keys = [group.slice] if kind(group) == "Subscript" else [group.args[0]] if kind(group) == "Call" else []
        return keys, [node.value.args[0]]
    if kind(node) == "AugAssign":
        return [], [node.value]
    if kind(getattr(node.targets[0], "value", None)) == "Subscript":
        return [node.targets[0].value.slice, node.targets[0].slice], [node.value]
    if kind(node.targets[0]) == "Subscript":
        return [node.targets[0].slice], [node.value]
    return [], [node.value.right if kind(node.value) == "BinOp" else node.value.args[1]]


def _has_slice(subscript):
    return any(kind(part) in _SLICES for part in syntax.walk(subscript.slice))


def _has_new_rows(node):
    """Whether an expression makes a list of nothing but new lists; an empty one counts."""
    if kind(node) == "ListComp":
        return _is_new(node.elt) == "list"
    if kind(node) == "List":
        return all(_is_new(each) == "list" for each in node.elts)
    return kind(node) == "Call" and _is_new(node) == "list"


def _asks_size_only(node, name):
    """Whether an expression that is evaluated once mentions a name only to ask how large it is: ``range(len(name))``."""
    if kind(node) in ("Lambda", "ListComp", "SetComp", "DictComp", "GeneratorExp"):
        return not _mentions(node, name, ())
    if kind(node) == "Call" and getattr(node.func, "id", None) == "len" and [_is_name(each, name) for each in node.args] == [True]:
        return True
    if kind(node) == "Attribute" and _is_name(node.value, name):
        return node.attr in _SIZES
    return not _is_name(node, name) and all(_asks_size_only(child, name) for child in syntax.children(node))


def _putting(statement, name, hows):
    """The ids of the statements, in one that stands in front of the loop, that do no more than put something into what ``name`` names.

    ``hows``: of the loop's own; some want it to stay a container of new lists.
    """
    found = [(each, how) for each, collector, how, _ in _candidates([statement], False) if collector == name]
    if "setdefault" in hows:
        return set(id(each) for each, how in found if how == "setdefault")
    if not hows.isdisjoint(_FILLS["table"]):
        return set(id(each) for each, how in found if how == "append" and _is_new(each.value.args[0]) == "list")
    ways = FILLING.union(*_METHODS.values())
    return set(id(each) for each, how in found if how in ways)


def _bound_alone(statement, name):
    """The expression of what a statement binds to ``name`` and to nothing else; None where it does not, or nobody can tell."""
    if kind(statement) != "Assign" or len(statement.targets) != 1:
        return None
    value = _given_to(name, statement.targets[0], statement.value)
    return None if value is None or _mentions(statement.value, name, ()) else value


def _is_new(value):
    """What an expression makes new: "list", "set", "dict", "number", "text"; None for anything else."""
    if value is None:
        return None
    if kind(value) == "BinOp" and kind(value.op) == "Mult" and "List" in (kind(value.left), kind(value.right)):
        return "list"
    if kind(value) in _MAKERS:
        return _MAKERS[kind(value)]
    if kind(value) == "Call" and not value.args and not value.keywords and getattr(value.func, "id", None) in ("list", "dict", "set"):
        return value.func.id
    number = value.operand if kind(value) == "UnaryOp" else value
    if kind(number) == "Call" and getattr(number.func, "id", None) == "float":
        return "number"
    found = syntax.constant(number)
    if found is syntax.MISSING or found is None:
        return None
    return "text" if isinstance(found, (bytes, type(u""))) else "number"


def _given_to(name, target, value):
    """What an assignment binds a name to, also where it binds several, ``xs, n = [], 0``; None where it does not, or nobody can tell."""
    if _is_name(target, name):
        return value
    if kind(target) not in ("Tuple", "List") or kind(value) not in ("Tuple", "List") or len(target.elts) != len(value.elts):
        return None
    if any(kind(each) == "Starred" for each in target.elts + value.elts):
        return None
    found = [one for each, one in zip(target.elts, value.elts) if _mentions(each, name, ())]
    return found[0] if len(found) == 1 and any(_is_name(each, name) for each in target.elts) else None


def _mentions(node, name, but):
    """The lines on which a name stands below a node, but for the collecting part of the statements with the ids ``but``."""
    if id(node) in but:
        return _mentions_of_collecting(node, name)
    found = [node.lineno] if kind(node) == "Name" and node.id == name else []
    if name in getattr(node, "names", ()) and kind(node) in ("Global", "Nonlocal"):
        found.append(node.lineno)
    for child in syntax.children(node):
        found.extend(_mentions(child, name, but))
    return found


def _mentions_of_collecting(node, name):
    keys, values = given_by(Collect(_form(node)[1], None, node))
    return [line for each in keys + values for line in _mentions(each, name, ())]


def _calls(statement):
    """Whether anything but a builtin is called when a statement runs; a definition calls nothing by itself."""
    calls = [node for node in syntax.evaluated(statement) if kind(node) == "Call"]
    return any(kind(call.func) != "Name" or call.func.id not in BUILTINS for call in calls)


def _place(block, node):
    return next(place for place, each in enumerate(block) if each is node)
