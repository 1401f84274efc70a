"""What all functions of a program do: each is looked into when one asks for it, and again while those that it calls find more."""

from __future__ import absolute_import

from marx.runner.divide.arguments import places
from marx.runner.divide.index import Index
from marx.runner.divide.outcome import Outcome
from marx.runner.divide.roots import RUNNING, TOGETHER, parameter
from marx.runner.divide.syntax import kind
from marx.runner.divide.targets import Targets
from marx.runner.divide.turns import Uses
from marx.runner.divide.walking import Walking

#: A frame that still finds more after so many turns belongs to a program that is not understood.
MOST_TURNS = 60

#: What nothing does.
NOTHING = Outcome()

_ENUMS = frozenset(["enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "enum.StrEnum"])


class FunctionFrame(Walking):
    """A function of the program, when it is called."""

    def step(self):
        """Walk it once."""
        node = self.scope.node
        for name, found in places(self.scope):
            self.bind(self.scope, name, found)
        if kind(node) == "Lambda":
            self.outcome.results.update(self.of(node.body, self.scope))
        else:
            self.do_all(node.body, self.scope)


class SpecialFrame(Walking):
    """Special methods of all classes of the program, of which any may be called: on its parameter 0, with its parameter 1."""

    def __init__(self, analysis, functions, others):
        Walking.__init__(self, analysis, functions[0], None)
        self._functions = functions
        self._others = frozenset([parameter(others)])

    def step(self):
        """Call each once."""
        first = frozenset([parameter(0)])
        for each in self._functions:
            found = self.apply(each, lambda place: self._others if place else first, each.line)
            if each.name == "__iter__" and self.analysis.outcome_of(each, self).is_generator:
                found = found - RUNNING | TOGETHER  # only its elements are seen
            self.outcome.results.update(found)


class Summaries(object):
    """
    ``index`` and ``targets`` are of the program. Frames that are to be settled are given to `add`; `settle` walks them, and all that they call.
    """

    def __init__(self, program, resolver):
        self._resolver = resolver
        self.index = Index(program, resolver)
        self.targets = Targets(program, resolver, self.index)
        self._frames = {}  # Scope of a function, or a word -> its frame
        self._callers, self._asked = {}, set()  # what was asked for -> the frames that asked
        self._waiting, self._marked, self._turns = [], set(), {}
        self._families, self._related, self._uses = {}, {}, {}
        self._doubting = []
        self._nobody = Walking(self, program.main.top, None)
        self._nobody.step = lambda: None

    def add(self, frame):
        """Have a frame walked by the next `settle`. It has a method ``step``."""
        if frame not in self._marked:
            self._marked.add(frame)
            self._waiting.append(frame)

    def settle(self):
        """Walk all frames that wait, until nothing new is found anywhere. Doubts count where nothing more is found about an object."""
        while self._waiting:
            self._settle()
            for frame in self._doubting:
                if frame.doubts and not frame.outcome.is_hopeless:
                    frame.walk(frame.resolve_doubts)
                    self._ask_again(frame)
            self._doubting = []

    def _settle(self):
        while self._waiting:
            frame = self._waiting.pop()
            self._marked.discard(frame)
            before = frame.outcome.size()
            turns = self._turns[frame] = self._turns.get(frame, 0) + 1
            frame.walk(frame.step)
            if turns > MOST_TURNS:
                frame.walk(frame.give_up)
            if frame.doubts:
                self._doubting.append(frame)
            if frame.outcome.size() != before:
                self._ask_again(frame)

    def _ask_again(self, frame):
        """Those that asked what a frame does are walked again."""
        for each in self._callers.get(frame.answers, ()):
            if not each.outcome.is_hopeless:
                self.add(each)

    def outcome_of(self, function, frame):
        """What is known so far of the function of a scope. ``frame`` asks, and is walked again when more is known."""
        return self._outcome(function, lambda: FunctionFrame(self, function, function.qualified), frame)

    def specials(self, frame):
        """The same of what Python's own operators may call, of whatever is given."""
        functions = self.index.reading
        return self._outcome("reading", lambda: SpecialFrame(self, functions, 0), frame) if functions else NOTHING

    def storing(self, frame):
        """The same of what statements call that change an object."""
        functions = self.index.storing
        return self._outcome("storing", lambda: SpecialFrame(self, functions, 1), frame) if functions else NOTHING

    def _outcome(self, what, make, frame):
        if (what, frame) not in self._asked:
            self._asked.add((what, frame))
            self._callers.setdefault(what, []).append(frame)
        if what not in self._frames:
            made = self._frames[what] = make()
            made.answers = what
            self.add(made)
        return self._frames[what].outcome

    def settled(self, function):
        """The outcome of a function, after all that it calls has been looked into."""
        if function not in self._frames:
            self.outcome_of(function, self._nobody)
        self.settle()
        return self._frames[function].outcome

    def given_by(self, function):
        """The roots of what a settled function gives, with all that this holds."""
        frame = self._frames[function]
        return frame.reachable(frame.outcome.results)

    def family(self, scope):
        """A class of the program with its bases of the program."""
        if scope not in self._families:
            self._families[scope] = self._resolver.attributes.family(scope)
        return self._families[scope]

    def uses(self, scope):
        """Where the names of a scope are read, see `Uses`."""
        if scope not in self._uses:
            self._uses[scope] = Uses(scope)
        return self._uses[scope]

    def related(self, scope):
        """All classes of the program that may stand beside a class in the order in which methods are looked for."""
        if scope not in self._related:
            families = [self.family(each) for each in self.index.scopes.values() if each.kind == "class"]
            self._related[scope] = set(other for family in families if scope in family for other in family)
        return self._related[scope]

    def is_enum(self, node, scope):
        """Whether an expression stands for an enumeration of the program."""
        found = self.targets.of(node, scope) or ()
        return bool(found) and all(target.kind == "class" and self._has_enum(target.what) for target in found)

    def _has_enum(self, scope):
        bases = [(base, each) for each in self.family(scope) for base in each.node.bases]
        return any((self.targets.names(base, each.parent) or frozenset()) & _ENUMS for base, each in bases)
