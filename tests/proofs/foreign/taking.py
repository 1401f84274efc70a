"""
Runs a program and takes the time of what it goes through: a script for Python 2.7 and 3, plain or not.

Its arguments: a JSON file, the program, and what is behind the program. The file holds {"sites": [[line, construct, is_proved]], "times": the path
to write to}. The program is compiled from its own tree, in which a clock is started before a site and stopped after it; the code of the
sites is the program's own. What a generator gives is timed item by item, without what its consumer does in between.

Of sites that are gone through within one another the outermost counts, and the outermost of those that are proved. Written are, for each that
counts and was reached, {"seconds", "longest": of one time that it was gone through, "times"}, by "line construct".
"""

from __future__ import absolute_import

import ast
import json
import os
import sys
import time
import types

CONSTRUCTS = {"For": "for loop", "ListComp": "list comprehension", "SetComp": "set comprehension", "DictComp": "dict comprehension"}
CONSTRUCTS.update(GeneratorExp="generator expression")
MAPS = {"map": "map", "starmap": "itertools.starmap"}
ITERATORS = frozenset(["generator expression", "itertools.starmap"] + ([] if sys.version_info[0] == 2 else ["map"]))

now = getattr(time, "perf_counter", time.time)
builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]


class Clock(object):
    """``proved``: for each site, by number, whether it is. ``took``: {number: [seconds in all, of the longest time, how many times]}.

    ``lasts``: {number: the last line of an expression}. An exception may leave an expression without its end, so its frame is kept: where that is
    gone, or is at another line, the expression is over.
    """

    def __init__(self, proved):
        self._proved = proved
        self._running = []
        self.lasts = {}
        self.took = {}

    def begin(self, number):
        """An expression is entered; what `end` wants to know."""
        return self.enter(number, sys._getframe(1), True)

    def enter(self, number, frame, may_be_left=False):
        """A site is entered; what `stop` wants to know."""
        self._forget(number, frame)
        above = [self._proved[each] for each, _, _, _ in self._running]
        counts = not (any(above) if self._proved[number] else above)
        mark = (number if counts else None, len(self._running))
        self._running.append((number, frame if may_be_left else None, frame.f_lineno, now()))
        return mark

    def _forget(self, number, frame):
        while self._running and self._is_over(number, frame, *self._running[-1][:3]):
            self._running.pop()

    def _is_over(self, number, frame, last_number, its, line):
        if its is None:
            return False
        if its is frame and number == last_number:
            return True
        while frame is not None and frame is not its:
            frame = frame.f_back
        return frame is None or not line <= its.f_lineno <= max(line, self.lasts.get(last_number, line))

    def stop(self, mark):
        """It is left, and all within it; the seconds."""
        ended_at = now()
        began_at = self._running[mark[1]][-1]
        del self._running[mark[1] :]
        return ended_at - began_at

    def end(self, mark, value=None):
        """It is left; gives ``value``."""
        self._add(mark[0], self.stop(mark))
        return value

    def each(self, number, iterator):
        """Give what a lazy site gives; only the making of items counts, and all of them are one time."""
        seconds, counted = 0.0, None
        try:
            while True:
                mark = self.enter(number, sys._getframe(1))
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                finally:
                    seconds += self.stop(mark)
                    counted = mark[0]
                yield item
        finally:
            self._add(counted, seconds)

    def around(self, number):
        """For ``with``."""
        return _Around(self, number)

    def _add(self, number, seconds):
        if number is not None:
            total, longest, times = self.took.get(number, (0.0, 0.0, 0))
            self.took[number] = (total + seconds, max(longest, seconds), times + 1)


class _Around(object):
    def __init__(self, clock, number):
        self._clock, self._number = clock, number

    def __enter__(self):
        self._mark = self._clock.enter(self._number, sys._getframe(1))

    def __exit__(self, *_):
        self._clock.end(self._mark)


class Timed(ast.NodeTransformer):
    """``numbers``: {(line, construct): number} of the sites. ``clock``: is told where they end."""

    def __init__(self, numbers, clock):
        self._numbers = numbers
        self._clock = clock

    def generic_visit(self, node):
        """Inner sites first."""
        construct = construct_of(node)
        number = self._numbers.get((getattr(node, "lineno", None), construct))
        last = max([getattr(each, "lineno", 0) for each in ast.walk(node)] if number is not None else [0])
        node = ast.NodeTransformer.generic_visit(self, node)
        if number is None or _gives_away(node):
            return node
        self._clock.lasts[number] = max(last, self._clock.lasts.get(number, 0))
        if construct == "for loop":
            made = ast.parse("with __marx_clock__.around(%d): pass" % number).body[0]
            _place(made, node)
            made.body = [node]
            return made
        text = "__marx_clock__.end(__marx_clock__.begin(%d), HOLE)"
        if construct in ITERATORS:
            text = "__marx_clock__.each(%d, HOLE)"
        made = ast.parse(text % number, mode="eval").body
        _place(made, node)
        made.args[-1] = node
        return made


def construct_of(node):
    """As the analysis calls it; None for what is no site."""
    if isinstance(node, ast.Call):
        return MAPS.get(getattr(node.func, "id", getattr(node.func, "attr", None)))
    return CONSTRUCTS.get(type(node).__name__)


def _gives_away(node):
    """Whether it stops in the middle, and others run meanwhile."""
    return isinstance(node, ast.For) and any(type(each).__name__ in ("Yield", "YieldFrom", "Await") for each in ast.walk(node))


def _place(made, like):
    for part in ast.walk(made):
        ast.copy_location(part, like)


def main():
    """Run the program as the interpreter would, and write down the times however it ends."""
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    path = os.path.abspath(sys.argv[2]) if sys.version_info >= (3, 9) else sys.argv[2]
    keys = sorted(set((line, construct) for line, construct, _ in plan["sites"]))
    proved = set((line, construct) for line, construct, is_proved in plan["sites"] if is_proved)
    clock = Clock([key in proved for key in keys])
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    tree = Timed(dict((key, number) for number, key in enumerate(keys)), clock).visit(tree)
    code = compile(tree, path, "exec", 0, True)
    module = types.ModuleType("__main__")
    module.__file__, module.__builtins__ = path, builtins
    builtins.__marx_clock__ = clock
    sys.argv[:] = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    sys.modules["__marx_timing__"], sys.modules["__main__"] = sys.modules["__main__"], module
    pid = os.getpid()
    try:
        exec(code, module.__dict__)
    finally:
        if os.getpid() == pid:
            write(plan["times"], keys, clock)


def write(path, keys, clock):
    """The times as JSON."""
    found = {}
    for number, took in clock.took.items():
        found["%d %s" % keys[number]] = dict(zip(("seconds", "longest", "times"), took))
    with open(path, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
