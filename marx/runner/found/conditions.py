"""What the proof of a site leaves to the values of the moment: settled where it is called, an allow-list throughout."""

from __future__ import absolute_import

import sys
import types

from marx.runner.carry.own import is_library_path, is_own_name
from marx.runner.compat import IS_2
from marx.runner.divide.found import Condition
from marx.runner.divide.roots import OWN, UNKNOWN, base, inside
from marx.runner.found import calls, toolbox
from marx.runner.found.functions import CACHED, CLASSES, Functions, Held, called_in, is_definition, is_local, is_lonely, modules_by_path, place_in_source
from marx.runner.found.functions import is_one_of, summary_of, values_around, why_changed, why_not_alone, why_not_told_apart
from marx.runner.found.holding import why_shared
from marx.runner.found.looking import ATOMS, Looked, Strange, looked
from marx.runner.found.recording import SCALARS
from marx.runner.found.rooted import as_given, is_met_by, said
from marx.runner.found.versions import why_unknown

#: What an item gives is looked at where it is computed, see `serving`.
OF_RESULTS = ("result",)


class Unknown(Exception):
    """It cannot be told what a root is, in words."""


class Settling(object):
    """
    Of one site at one moment.

    What a function that runs then asks of names around it, and of its default values, is asked of what this very function holds: such a root is
    ("held", number, root), and the number is of a `Held`. ``_calls``: {root of a function: all that it is called with}.

    ``found``: a `Found`. ``items``: those that are to be sent. ``things``: (name, object) of what was looked up in libraries.
    """

    def __init__(self, found, frame, items):
        self._found = found
        self._frame = frame
        self._items = items
        self._modules = modules_by_path()
        self._functions = None
        self._asked = set()
        self._held, self._calls = {}, {}
        self.things = []
        self._lonely = {}
        self._note_calls(found.conditions)

    def unsettled(self):
        """Why a condition does not hold, as a sentence; None if all do."""
        for condition in self._found.conditions:
            reason = self.why_not(condition)
            if reason is not None:
                return "line %s: %s" % (condition.line, reason)
        return None

    def why_not(self, condition):
        """None if it holds."""
        settle = _SETTLED.get(condition.kind)
        if settle is None and condition.kind != "function":
            return "whether it is %s cannot be told" % condition.kind
        try:
            if base(condition.root)[0] == "given":
                return self._given(condition)
            return self._function(condition) if settle is None else settle(self, condition.root)
        except Unknown as error:
            return str(error)
        except Strange as error:
            return "%s is %s" % (said(condition.root), error)

    def values(self, root):
        """The objects that a root may mean now. Raises `Unknown`."""
        kind = root[0]
        if kind == "item":
            return self._items
        if kind == "inside":
            return self.values(root[1])
        if kind == "part":
            return [_attribute(value, root[2]) for value in self.values(root[1])]
        if kind == "registered":
            return [each for value in self.values(root[1]) for each in toolbox.held(value, root[-1])]
        if kind == "global":
            return self._global(root[1], root[2])
        if kind == "enclosing":
            return self._enclosing(root)
        if kind in ("default", "held"):
            found = self._reachable().defaults(root) if kind == "default" else self._held[root[1]].values(root[2])
            if found:
                return found
        raise Unknown("what %s is cannot be told" % said(root))

    def _global(self, path, name):
        """What a name of a module means; nothing if it is not bound yet: whoever asks for it fails, here and elsewhere."""
        names = self._modules.get(path)
        if names is None or name not in names and name in calls.own:
            raise Unknown("`%s` is not there" % name)
        return [names[name]] if name in names else []

    def _enclosing(self, root):
        """Of the frame's own name, or of one that it sees; what closures hold under it where it may be that of another function."""
        code, name, found = self._frame.f_code, root[-1], []
        if name in code.co_varnames + code.co_cellvars + code.co_freevars and name in self._frame.f_locals:
            found.append(self._frame.f_locals[name])
            if place_in_source(code, name) == root[1:-1]:
                return found
            if place_in_source(code) is not None:
                found = []
        found += self._reachable().enclosed(root)
        if not found:
            raise Unknown("what `%s` is cannot be told" % name)
        return found

    def _reachable(self):
        if self._functions is None:
            names = [root for root in self._found.reads if root[0] == "global"]
            values = [self._modules[root[1]][root[2]] for root in names if root[2] in self._modules.get(root[1], ())]
            self._functions = Functions(values + values_around(self._frame))
        return self._functions

    # One of each kind

    def _known(self, root):
        inside = Looked()
        for value in self.values(root):
            inside.add(value)
        reasons = [(why_no_own_class if _is_own(kind) else why_not_told_apart)(kind) for kind in inside.classes]
        return next((reason for reason in reasons if reason), None)

    def _plain(self, root, are_harmless=lambda classes: not classes):
        if root == OF_RESULTS:
            return None
        inside = Looked()
        for value in self.values(root):
            inside.add(value)
        return None if are_harmless(inside.classes) else "%s holds objects" % said(root)

    def _alike(self, root):
        """Whether there is no object that equals itself alone on both sides: in items, and in what is carried apart from them."""
        side = base(root)[0] == "item"
        for value in self.values(root):
            lonely = sorted(each.__name__ for each in looked(value).classes if is_lonely(each))
            if lonely:
                self._lonely[side] = lonely[0]
        if len(self._lonely) == 2:
            return "an object of class `%s` equals itself alone, and a copy of it is another one" % self._lonely[True]
        return None

    def _arrays(self, root):
        return self._plain(root, lambda classes: not any(map(_is_own, classes)))

    def _immutable(self, root):
        if root == OF_RESULTS:
            return None
        for value in self.values(root):
            looked(value)
            for each in _elements(value) if root[0] == "inside" else [value]:
                if looked(each).changeable:
                    return "%s can be changed" % said(root)
        return None

    def _scalar(self, root):
        if root == OF_RESULTS:
            return None
        return None if all(type(value) in SCALARS for value in self.values(root)) else "%s is no number or text" % said(root)

    def _container(self, root):
        if root[0] == "iterable":
            return None  # asked before anything else
        return None if all(type(value) in calls.CONTAINERS for value in self.values(root)) else "%s is no plain container" % said(root)

    def _definition(self, root):
        if any(each.kind == "function" and each.root == root for each in self._found.conditions):
            return None  # which asks for more
        for value in self.values(root):
            if type(value) is CACHED:
                value = value.__wrapped__
            if type(value) is types.FunctionType and value.__code__.co_name == "<lambda>":
                return self._function(Condition("function", root, 0, frozenset([UNKNOWN])))
            if not self._is_defined(value, root[2] if root[0] == "held" else root):
                return "%s is not what the program defines under this name" % said(root)
        return None

    def _is_defined(self, value, root):
        if isinstance(value, types.ModuleType):
            return sys.modules.get(value.__name__) is value
        return is_definition(value, root) and not (isinstance(value, CLASSES) and is_own_name(value.__module__) and why_no_own_class(value))

    def _function(self, called):
        for value in self.values(called.root):
            function, given = self._called(value, called.root, called.arguments)
            summary = summary_of(function)
            if summary is None:
                return "%s is no function that the program's source shows" % said(called.root)
            if summary.reason is not None:
                return summary.reason
            for each in self._as_called(summary, function, given):
                if each not in self._asked:
                    self._asked.add(each)
                    reason = self.why_not(each)
                    if reason is not None:
                        return reason
        return None

    def _called(self, value, root, given):
        """(what runs when a value is called, the roots of all that it is called with). Raises `Unknown`."""
        function, is_method = called_in(value)
        if is_method:
            reason = self._known(root)
            if reason is not None:
                raise Unknown(reason)
            given = given | frozenset([root])
        return function, given

    def _as_called(self, summary, function, given):
        """What a function asks, as conditions on what it is called with, all of ``given``, and on what it holds. Raises `Unknown`."""
        if id(function) not in self._held:
            names = [root for root in summary.reads if root[0] == "global"]
            others = [self._modules[root[1]][root[2]] for root in names if root[2] in self._modules.get(root[1], ())]
            self._held[id(function)] = Held(function, others)
        called = set(each.root for each in summary.conditions if each.kind == "function")
        found = []
        for condition in summary.conditions:
            if base(condition.root)[0] == "parameter" and any(type(each) not in ATOMS for each in _defaults_of(function)):
                raise Unknown("`%s` has default values" % function.__name__)
            if condition.kind == "definition" and condition.root in called:
                continue  # more is asked of it
            inner = frozenset(each for root in condition.arguments for each in as_given(root, function, given))
            found += [condition._replace(root=root, arguments=inner) for root in as_given(condition.root, function, given)]
        self._note_calls(found)
        return found

    def _note_calls(self, conditions):
        for each in conditions:
            if each.kind == "function":
                self._calls[each.root] = self._calls.get(each.root, frozenset()) | each.arguments

    def _given(self, condition):
        """What is asked of that which a function gives, asked of all that this may be."""
        called = base(condition.root)[1]
        if condition.kind == "unshared":
            return None
        for value in self.values(called):
            function, given = self._called(value, called, self._calls.get(called, frozenset([UNKNOWN])))
            summary = summary_of(function)
            if summary is None or summary.reason is not None:
                return "%s is no function that the program's source shows" % said(called)
            self._as_called(summary, function, given)
            for result in sorted(summary.results, key=repr):
                if result in OWN and not is_met_by(condition.kind, result):
                    return "what `%s` gives may be what is not known" % function.__name__
                for root in as_given(result, function, given) if result not in OWN and result[0] not in ("library", "builtin") else ():
                    asked = condition._replace(root=inside(root) if condition.root[0] == "inside" else root)
                    if asked not in self._asked:
                        self._asked.add(asked)
                        reason = self.why_not(asked)
                        if reason is not None:
                            return reason
        return None

    def _builtin(self, root):
        name = root[-1].split(".")[0]
        spaces = list(self._modules.values()) + [vars(calls.builtins)]
        if any(space.get(name, calls.own.get(name)) is not calls.own.get(name, space) for space in spaces):
            return "`%s` is not Python's own any more" % name
        return None

    def _imported(self, root):
        things = [_dotted(name) for name in root[2:]]
        if None not in things and all(any(value is thing for thing in things) for value in self.values(root[1])):
            return next((reason for reason in map(self._library, [("library", name) for name in root[2:]]) if reason), None)
        return "%s is not the library's own any more" % said(root[1])

    def _registered(self, root):
        for value in self.values(root[1]):
            called = toolbox.called(value, root[-1])
            if called is None or not is_one_of(called.func, root[2]) or not root[3] and (called.args or called.keywords):
                return "%s is not what the source registers" % said(root)
        return None

    def _library(self, root):
        parts = root[-1].split(".")
        something = _dotted(root[-1])
        self.things.append((root[-1], something))
        module = getattr(something, "__module__", None)
        code = getattr(something, "__code__", None)
        is_others = not _is_librarys(code.co_filename) if code is not None else something is None or isinstance(module, str) and is_own_name(module)
        is_others = is_others or _is_exchanged(something, _dotted(root[-1].rpartition(".")[0]), parts[-1])
        return "`%s` is not the library's own any more" % root[-1] if is_others else why_unknown(parts[0])

    def _sole(self, root):
        return why_shared(self._frame, root[-1], set(each.how for each in self._found.collects if each.root == root))

    def _stdout(self, root):
        return None if sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__ else "the program has replaced its output"

    def _nothing(self, root):
        """What holds for results wherever they are computed."""
        return None


_SETTLED = {
    "known": Settling._known,
    "plain": Settling._plain,
    "alike": Settling._alike,
    "arrays": Settling._arrays,
    "immutable": Settling._immutable,
    "scalar": Settling._scalar,
    "container": Settling._container,
    "definition": Settling._definition,
    "imported": Settling._imported,
    "registered": Settling._registered,
    "builtin": Settling._builtin,
    "library": Settling._library,
    "stdout": Settling._stdout,
    "sole": Settling._sole,
    "unshared": Settling._nothing,
}


def _is_librarys(path):
    """Whether code of this path came with the interpreter or an installer; from 3.11 on, some of it is frozen into the interpreter."""
    return is_library_path(path) or path.startswith("<frozen ")


def _is_exchanged(function, module, name):
    """Whether a module that is written in C has a function under another name than its own, or one of another module: then somebody put it there."""
    if type(function) is not types.BuiltinFunctionType or str(getattr(module, "__file__", "")).endswith((".py", ".pyc")):
        return False
    return function.__name__ != name or isinstance(function.__self__, types.ModuleType) and function.__self__ is not module


def _dotted(name):
    """What a dotted name means now; None if nothing."""
    parts = name.split(".")
    something = sys.modules.get(parts[0]) or calls.own.get(parts[0])
    for part in parts[1:]:
        something = getattr(something, part, None)
    return something


def _defaults_of(function):
    return list(function.__defaults__ or ()) + list((getattr(function, "__kwdefaults__", None) or {}).values())


def _is_own(kind):
    """Whether a class of instances that `Looked` lets through is the program's: of libraries it knows estimators only."""
    return is_own_name(kind.__module__)


def why_no_own_class(kind):
    """Why a class is not what a class statement of the program made; None if it is."""
    if type(kind) is not type and not (IS_2 and type(kind) is types.ClassType):  # novm
        return "class `%s` has a metaclass" % kind.__name__
    if getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind:
        return why_changed(kind)
    if not is_local(kind):
        return "class `%s` does not stand under its name in its module" % kind.__name__
    return why_not_alone(kind) or why_changed(kind)


def _attribute(value, name):
    """What an object itself has under a name; the object where it has nothing there."""
    looked(value)
    return vars(value).get(name, value) if hasattr(value, "__dict__") else value


def _elements(value):
    """What is directly in a value; itself where it may hold anything in ways that are not known."""
    if type(value) is dict:
        return list(value) + list(value.values())
    if type(value) in (list, tuple, set, frozenset):
        return list(value)
    return list(vars(value).values()) if hasattr(value, "__dict__") and not isinstance(value, (tuple, type)) else [value]
