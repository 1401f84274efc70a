"""Calls of Python's and of libraries' functions and methods: only what `pure` knows is let through."""

from __future__ import absolute_import

from marx.runner.divide import libraries, pure, roots, sciences, syntax
from marx.runner.divide.arguments import unknown_arguments
from marx.runner.divide.calling import Calling
from marx.runner.divide.does import SELF
from marx.runner.divide.roots import EMPTY, FRESH, INSTANCE, MADE, NONE, RUNNING

_STREAMS = frozenset(["sys.stdout", "sys.stderr"])
_READING = frozenset(["r", "rb", "rt", "rU", "U"])


_MAKING = frozenset(["__init__", "__new__", "__setattr__"])

#: Types whose methods are called by their names: ``str.strip``.
_TYPES = frozenset(["str", "unicode", "bytes", "list", "dict", "set", "frozenset", "tuple"])


class Asking(Calling):
    """Adds libraries to a frame."""

    def call_library(self, name, arguments, line):
        """A function of a library or of Python is called."""
        for root in [("library", name)] if "." in name else []:
            self.look_up(root, line)
        special = getattr(self, "_ask_" + name.replace(".", "_").replace("()", "_"), None)
        if special is not None:
            return special(arguments, line)
        owner, _, method = name.rpartition(".")
        if owner in pure.CALM_BASES and method in _MAKING and arguments.found:
            return self._make(method, arguments, line)
        if owner in _TYPES and method in pure.METHODS and name not in pure.FUNCTIONS and arguments.rest is None and arguments.found:
            return self.call_method(arguments.found[0], method, arguments.without(1), line)
        if name.endswith(("Warning", "Error")) and name not in pure.FUNCTIONS and "." not in name:
            return self._gives("holds", arguments.all(), NONE, line)
        does = pure.FUNCTIONS.get(name)
        if does is None:
            return self._beyond(name, arguments, line)
        return self._does(does, name, arguments, line)

    def _make(self, method, arguments, line):
        """``ValueError.__init__(self, x)``, ``object.__new__(cls)``: a class of the program on one of Python's."""
        self.hold(arguments.all() | self.spread(arguments.all()) | INSTANCE)
        if method == "__new__":
            return INSTANCE
        self.change(arguments.found[0], line, arguments.all() | self.spread(arguments.all()), None)
        return NONE

    def _beyond(self, name, arguments, line):
        """A function that is not on the list. A person may allow that it draws: then it gives numbers, or parts of what it is given."""
        kind_of_effect = pure.doing(name)
        self.effect(kind_of_effect, ("library", name), line)
        if kind_of_effect != "draws":
            return frozenset([roots.UNKNOWN])
        if name.endswith("shuffle"):
            self.change(arguments.all(), line)
        return arguments.all() | self.members(arguments.all()) | EMPTY

    def _does(self, does, name, arguments, line):
        together = self._plain_arguments(does, arguments)
        library = name.partition(".")[0]
        if library in pure.FOR_NUMBERS:
            self._count(library, name, does, together, arguments, line)
        else:
            together |= self.show(together, line) if name in pure.SHOWING else self.operate(together, line, deep=True)
        if name in pure.COMPARING or name.startswith(pure.COMPARING_MODULES):
            self.compare(together, line)
        given = self._function_arguments(does, together, arguments, line)
        if does.most is not None:
            self._written(arguments.found[does.most :], line)
        self._written([found for keyword, (_, found) in arguments.names.items() if keyword == "out"], line)
        for place in does.changes:
            if arguments.rest is not None or place >= len(arguments.found):
                self.change(together, line, together | self.spread(together))
            else:
                self.change(arguments.found[place], line, self._stored(place, together, arguments))
        given |= arguments.rest or NONE
        for keyword, (_, found) in arguments.names.items():
            given |= found if keyword not in pure.CALLING_KEYWORDS else NONE
        return self._gives(does.gives, together, given, line) | (NONE if does.gives == "value" else together - arguments.all())

    def _count(self, library, name, does, together, arguments, line):
        """A function of a library for numbers: what it does beyond giving a result only if it is told to, it is not told."""
        self.numbers(together, line, library)
        is_told = arguments.rest is not None or any(keyword.startswith("overwrite") for keyword in arguments.names)
        if library != "numpy":
            if any(root[0] == "code" or self.index.is_definition(root) for root in together):
                self.effect("calls", ("library", name), line)  # a function that it would keep, and call
            is_told = is_told or does.most is not None and len(arguments.found) > does.most
            self._told(name, arguments, line)
        if is_told:
            self.effect("library", ("library", name), line)

    def _told(self, name, arguments, line):
        """Keywords by which functions of scipy and scikit-learn print, write or draw."""
        values = dict((keyword, syntax.constant(node)) for keyword, (node, _) in arguments.names.items())
        options = arguments.names.get("options", (None, NONE))[0]
        inner = set(key and syntax.text_of(key) for key in options.keys) if syntax.kind(options) == "Dict" else set()
        is_open = options is not None and (syntax.kind(options) != "Dict" or None in inner)
        if is_open or sciences.LOUD & inner or any(values.get(keyword) for keyword in sciences.LOUD):
            self.effect("prints", ("library", name), line)
        if not all(values.get(keyword, True) is True for keyword in sciences.SPARING) or values.get("memory") is not None:
            self.effect("library", ("library", name), line)
        if name in sciences.DRAWING and all(values.get(keyword) is None for keyword in sciences.SEEDS):
            self.effect("draws", ("library", name), line)
        if name in sciences.PRINTING:
            self.prints_to("sys.stdout", line)
        self._written([found for keyword, (_, found) in arguments.names.items() if keyword == "output"], line)

    def _stored(self, place, together, arguments):
        """What the argument there may hold from now on: all that is given. A generator that is asked for more does not hold itself."""
        others = [found for number, found in enumerate(arguments.found) if number != place]
        others += [found for _, found in arguments.names.values()]
        return (together | self.spread(together)) - RUNNING.difference(*others)

    def _written(self, several, line):
        for found in several:
            self.change(found, line)

    def _plain_arguments(self, does, arguments):
        """The roots of what is given, but for functions that are called and forgotten."""
        called = set(id(arguments.nodes[place]) for place in does.calls if place < len(arguments.nodes))
        called.update(id(node) for keyword, (node, _) in arguments.names.items() if keyword in pure.CALLING_KEYWORDS)
        pairs = list(zip(arguments.nodes, arguments.found)) + list(arguments.names.values())
        found = [each for node, each in pairs if node is None or id(node) not in called]
        return frozenset(arguments.rest or ()).union(*found)

    def _function_arguments(self, does, together, arguments, line):
        """What the functions give that a library's function or method is given to call, on parts of ``together``."""
        nodes = [arguments.nodes[place] for place in does.calls if place < len(arguments.nodes)]
        nodes += [node for keyword, (node, _) in arguments.names.items() if keyword in pure.CALLING_KEYWORDS]
        if does.calls and arguments.rest is not None:
            self.effect("calls", roots.UNKNOWN, line)
        given = unknown_arguments(together | self.spread(together))
        found = NONE
        for node in nodes:
            if node is None:
                self.effect("calls", roots.UNKNOWN, line)
            elif syntax.constant(node) is syntax.MISSING:
                given = unknown_arguments(given.all() | found)
                found |= self.call_value(node, arguments.scope, given, line)
        return found

    def library_method(self, several, name, receiver, arguments, line):
        """A method of a type that is known: whatever any of these types does. ``several``: a `Does` for each."""
        together = arguments.all()
        found = self.operate(receiver | together, line, deep=True)
        if name in pure.COMPARING_METHODS:
            self.compare(receiver | together, line)
        if name in pure.COPYING:
            found |= self.copied(receiver)
        for does in several:
            given = self._function_arguments(does, self._plain_arguments(does, arguments) | receiver | found, arguments, line)
            for place in does.changes:
                if place == SELF:
                    self.change(receiver, line, together | self.spread(together) if name in pure.SPREADING else together)
                elif place < len(arguments.found):
                    self.change(arguments.found[place], line)
            if any(keyword == "out" for keyword in arguments.names):
                self.effect("method", ("method", "out="), line)
            found |= receiver if does.gives == "itself" else NONE
            found |= self._gives(does.gives, receiver | self._plain_arguments(does, arguments) | found, given, line)
        return found

    def copied(self, found):
        """A copy of an object: another one of its class, which holds the same."""
        self.hold(found | self.within(found))
        return frozenset([FRESH, MADE])

    def _gives(self, how, together, given, line):
        """The roots of a result, see `pure.Does`. ``given``: what the result holds in any case: what functions gave, and keywords."""
        if how in ("value", "itself"):
            return NONE
        if how == "new":
            return EMPTY
        if how == "sum":
            return self.contain(self.members(self.members(together)) | given)
        if how == "copy":
            self.hold([FRESH, MADE])
            return frozenset([FRESH, MADE])
        inner = (self.within(together) if how == "holds" else self.spread(together)) | given
        together -= RUNNING
        if how == "part":
            return together | inner | (EMPTY if together else NONE)
        held = inner if how == "elements" else inner | together
        return self.contain(held)

    # Python's own that are more than functions.

    def special_call(self, node, arguments, scope):
        """What is told apart by how it is written; None for all other calls."""
        names = self.analysis.targets.names(node.func, scope) or frozenset()
        if names == frozenset(["type"]) and len(node.args) == 1:
            self.look_up(("builtin", scope.module.path, "type"), node.lineno)
            return frozenset([("library", "type()")])
        if names == frozenset(["print"]):
            return self._print(arguments, node.lineno)
        if names and names <= frozenset(["sys.stdout.write", "sys.stderr.write", "sys.stdout.flush", "sys.stderr.flush"]):
            self.operate(arguments.all(), node.lineno, deep=True)
            return self.prints_to(sorted(names)[0].rpartition(".")[0], node.lineno)
        if names and names <= frozenset(["open", "file", "codecs.open"]):
            return self._open(arguments, node.lineno)
        return None

    def prints_to(self, stream, line):
        """Text is written to one of Python's streams."""
        self.outcome.prints = True
        self.outcome.conditions.setdefault(("stdout", ("library", stream)), line)
        return NONE

    def _print(self, arguments, line):
        self.show(arguments.all(), line)
        self.look_up(("builtin", self.scope.module.path, "print"), line)
        node, _ = arguments.names.get("file", (None, None))
        if node is None and arguments.rest is None or node is not None and syntax.constant(node) is None:
            return self.prints_to("sys.stdout", line)
        names = self.analysis.targets.names(node, arguments.scope) if node is not None else None
        if names and names <= _STREAMS:
            return self.prints_to(sorted(names)[0], line)
        self.effect("prints", ("library", "print"), line)
        return NONE

    def _open(self, arguments, line):
        """A file that is read, and nothing else, may be the same everywhere."""
        self.look_up(("builtin", self.scope.module.path, "open"), line)
        mode = arguments.names.get("mode") or (arguments.nodes[1:2] + [None])[:1]
        text = syntax.text_of(mode[0]) if mode[0] is not None else u"r"
        if arguments.rest is not None or text not in _READING or not arguments.found:
            self.effect("writes", ("library", "open"), line)
        path = syntax.text_of(arguments.nodes[0]) if arguments.nodes else None
        found = arguments.found[0] if arguments.found else NONE
        for root in [("path", path)] if path is not None else [roots.base(root) for root in found - roots.OWN] or [roots.UNKNOWN]:
            self.outcome.conditions.setdefault(("file", root), line)
        return EMPTY

    def _ask_copy_copy(self, arguments, line):
        return self.operate(arguments.all(), line, deep=True) | self.copied(arguments.all())

    def _ask_sum(self, arguments, line):
        """What it begins with may be all that it gives."""
        begin = frozenset().union(*arguments.found[1:])
        return self._does(pure.FUNCTIONS["sum"], "sum", arguments, line) | begin

    def _ask_isinstance(self, arguments, line):
        self.operate(arguments.found[0] if arguments.found else NONE, line)
        return NONE

    _ask_issubclass = _ask_isinstance

    def _ask_functools_partial(self, arguments, line):
        self.hold(arguments.all())
        return RUNNING

    _ask_operator_itemgetter = _ask_operator_attrgetter = _ask_operator_methodcaller = _ask_functools_partial

    def _ask_operator_itemgetter_(self, arguments, line):
        return self.operate(arguments.all(), line) | self.members(arguments.all())

    def _ask_super(self, arguments, line):
        self.effect("reflects", ("library", "super"), line)
        return NONE

    def _ask_iter(self, arguments, line):
        if len(arguments.found) != 1 or arguments.rest is not None:
            self.effect("calls", roots.UNKNOWN, line)
        return self._does(pure.FUNCTIONS["iter"], "iter", arguments, line)

    def _ask_random_Random(self, arguments, line):
        """A generator of one's own is free if its seed is given."""
        first = arguments.nodes[0] if arguments.nodes else None
        if first is None or syntax.constant(first) is None:
            self.effect("draws", ("library", "random"), line)
        self.operate(arguments.all(), line, deep=True)
        return EMPTY

    _ask_numpy_random_RandomState = _ask_numpy_random_default_rng = _ask_random_Random

    def _ask_getattr(self, arguments, line):
        return self._named(arguments, line, self.attribute_of, arguments.found[2:3])

    def _ask_hasattr(self, arguments, line):
        self._named(arguments, line, self.attribute_of, [])
        return NONE

    def _ask_setattr(self, arguments, line):
        stored = arguments.found[2] if len(arguments.found) > 2 else NONE
        self._named(arguments, line, lambda found, name, line: self.store_attribute(found, name, stored, line), [])
        return NONE

    def _named(self, arguments, line, rule, more):
        """``getattr`` and its like, with a name that the source shows."""
        name = syntax.text_of(arguments.nodes[1]) if len(arguments.nodes) > 1 and arguments.rest is None else None
        if name is None:
            self.effect("reflects", ("library", "getattr"), line)
            return frozenset([roots.UNKNOWN])
        return frozenset(rule(arguments.found[0], str(name), line) or ()).union(*more)

    def is_unheard(self, name):
        """Whether nothing at all is known of a library's name: as a value, it is one like any other."""
        return name not in pure.FUNCTIONS and name not in pure.CONSTANTS and name not in pure.CARRIED and pure.doing(name) == "library"

    def library_value(self, names, line):
        """A name of a library is looked at, not called."""
        found = set()
        for name in names:
            does = pure.FUNCTIONS.get(name)
            if name in pure.CARRIED:
                found.add(("library", name))
            elif does is not None and (does.calls or does.changes or does.most is not None):
                found.add(roots.UNKNOWN)
            elif does is None and name not in pure.CONSTANTS and not _is_type(name):
                self.effect(pure.doing(name), ("library", name), line)
                found.add(roots.UNKNOWN)
            if "." in name:
                self.look_up(("library", name), line)
        return frozenset(found)


def _is_type(name):
    return name in ("object", "type", "NotImplemented", "Ellipsis", "None", "True", "False", "__name__", "__debug__", "__file__", "__doc__") or (
        name in libraries.BUILTINS and name.endswith(("Error", "Warning", "Exception", "Exit", "Interrupt"))
    )
