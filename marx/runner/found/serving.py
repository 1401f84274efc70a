"""In the runner of a found portion: one item computed, and what it did, to be taken over by the program or not.

An item's outcome is ("done", payload, texts, seconds), or ("stays", reason): then the program computes it in place. ``payload``: the list of what
it gives, None of a head that goes on with the next turn, or for a loop of (name, how, arguments), what it does to what the loop collects in. ``texts``: what it printed, piece by piece.

An item stays if it raises, writes to standard error, leaves anything changed that it found, or gives something that is not as good as a
copy, or that the program holds elsewhere.
"""

from __future__ import absolute_import

import functools
import os
import sys
import threading

from marx.runner.carry import restoring
from marx.runner.carry.pickles import Nowhere, new_pickler
from marx.runner.carry.pieces import taken
from marx.runner.carry.reducing import registered
from marx.runner.changes import Snapshot
from marx.runner.compat import IS_2, elapsed, monotonic
from marx.runner.found import draws
from marx.runner.found.creator import is_created
from marx.runner.found.depth import asked
from marx.runner.found.looking import ATOMS, Looked, Strange, is_alike, looked
from marx.runner.found.numbering import Numbering
from marx.runner.found.recording import needs_numpy, recorder
from marx.runner.standins.pickling import dumps

#: What `begin` was given in this process.
_given = None


class Given(object):
    """What a runner must know of a found portion.

    ``kind``: of `Found`. ``collects``: (name, kind for `recorder`) of each that the loop collects in. ``out``: (encoding, errors) of standard
    output. ``depth``: of `depth.used`, where the site stands and `work` would. ``wanted``: kinds of conditions that results
    must meet. ``may_draw``: whether random numbers may be drawn. ``classes``: for a `Numbering`.
    """

    def __init__(self, kind, collects, out, depth, wanted, may_draw, classes):
        self.kind = kind
        self.collects = collects
        self.out = out
        self.depth = depth
        self.wanted = wanted
        self.may_draw = may_draw
        self.numbering = Numbering(classes)


def begin(work, *about):
    """Called last when the state is put up, as the initializer of a pool is. ``about``: a `Given`."""
    global _given
    _given = work, Given(*about)
    if needs_numpy(kind for _, kind in _given[1].collects):
        __import__("numpy")


class Serving(object):
    """Called with an item's pickle; returns (True, pickle of (True, outcome)).

    ``loaded``: of `restoring`, the state that items see. ``order``: the task's, for the folders below which no item may change anything.
    """

    keeps_files = True

    def __init__(self, loaded, order):
        self._loaded = loaded
        self._roots, self._with_folders = order.get("roots"), bool(order.get("folders"))
        self._snapshot = self._pid = None
        self._work, self._given = _given
        self._held = _held_by(loaded)
        for bound in bound_by(self._work):
            self._held.ids |= looked_into(bound)

    def __call__(self, record):
        try:
            return True, self._given.numbering.dumps((True, self._outcome(record)))
        except _Stays as error:
            reason = str(error)
        except Exception as error:
            reason = "%s: %s" % (type(error).__name__, error)
        return True, dumps((True, ("stays", reason)))

    def _outcome(self, record):
        item = self._given.numbering.loads(record)
        self._look_at_files()
        began_at = monotonic()
        printing = Printing(*self._given.out)
        before = _surroundings(self._given.may_draw)
        payload = self._computed(item, printing)
        seconds = elapsed(began_at)
        if _surroundings(self._given.may_draw) != before:
            raise _Stays("it changes the process that it runs in")
        if self._snapshot is not None and self._snapshot.update():
            raise _Stays("it changes files")
        changed = restoring.changed(self._loaded)
        if changed:
            raise _Stays("it changes what the program has: %s" % changed)
        if printing.why_not:
            raise _Stays(printing.why_not)
        self._check(item, payload)
        return "done", payload, printing.texts, seconds

    def _look_at_files(self):
        """Once in each process: between two chunks the worker may change files."""
        if self._roots and self._pid != os.getpid():
            self._pid = os.getpid()
            self._snapshot = Snapshot.of_texts(self._roots, self._with_folders)

    def _computed(self, item, printing):
        payload = []
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = printing, _Refusing(printing)
        limit = sys.getrecursionlimit()
        try:
            recorders = [_recorder(name, kind, payload) for name, kind in self._given.collects]
            allowed = limit + asked(item, *recorders) - self._given.depth
            sys.setrecursionlimit(allowed)
            given = self._work(item, *recorders)
        except BaseException as error:
            raise _Stays("it raises %s" % type(error).__name__)
        finally:
            if sys.stdout is not printing:
                printing.why_not = "it replaces sys.stdout"
            if sys.getrecursionlimit() != allowed:
                printing.why_not = "it changes the recursion limit"
            sys.stdout, sys.stderr = streams
            sys.setrecursionlimit(limit)
        return payload if self._given.kind == "for" else given

    def _check(self, item, payload):
        """Raises `_Stays`, and whatever hashing and looking at values raises."""
        for given in payload if self._given.kind in ("set", "dict") else ():
            hash(given if self._given.kind == "set" else given[0])
        inside = Looked()
        try:
            for given in payload or ():
                inside.add(given)
        except Strange as error:
            raise _Stays("it gives %s" % error)
        if any(is_created(each) for each in inside.classes.difference(self._given.numbering.classes)):
            raise _Stays("it gives an object of a class of deap's that no item has")
        if inside.classes and not self._given.wanted.isdisjoint(("plain", "arrays", "immutable", "scalar")):
            raise _Stays("it gives objects")
        if "immutable" in self._given.wanted and inside.changeable:
            raise _Stays("it gives what can be changed")
        if inside.changeable & (self._held.ids | looked_into(item)):
            raise _Stays("what it gives is held by the program elsewhere")
        if inside.ordered and not is_alike(payload, self._copy(payload)):
            raise _Stays("what it gives would have another order")

    def _copy(self, payload):
        return self._given.numbering.loads(self._given.numbering.dumps(payload))


class _Stays(Exception):
    """Why an item must be computed in place."""


def bound_by(work):
    """What a library's function was bound to, see `behalf.one`: the program holds it as well."""
    if type(work) is not functools.partial:
        return ()
    _, given, named, _ = work.args
    return given + tuple(named.values())


def looked_into(item):
    """The ids of what can be changed in an item. Raises `Strange`."""
    return looked(item).changeable


def _recorder(name, kind, payload):
    return recorder(kind, lambda how, arguments: payload.append((name, how, arguments)))


class _Held(object):
    """``ids``: of everything that the state consists of."""

    def __init__(self):
        self.ids = set()
        self._objects = []

    def add(self, something):
        self.ids.add(id(something))
        self._objects.append(something)


def _held_by(loaded):
    held, table = _Held(), loaded.table

    def number_of(something):
        if type(something) not in ATOMS:
            held.add(something)
        return table.number_of(something)

    with registered():
        for owner, name in loaded.pieces:
            table.begin()
            value = taken(owner, name, table.kinds, table.objects)
            held.add(value)
            pickler = new_pickler(Nowhere(), number_of)
            pickler.dump(value)
            held.add(pickler)
    return held


def _surroundings(may_draw):
    """What an item could change of its process; compared before and after."""
    return (
        os.getcwd(),
        dict(os.environ),
        threading.active_count(),
        list(sys.path),
        list(sys.argv),
        None if may_draw else draws.states(),
    )


class Printing(object):
    """What an item prints to: keeps the pieces, and takes what the program's own standard output would take.

    ``why_not``: why its text cannot be shown later as if it were printed now; None as long as it can.
    """

    softspace = 0

    def __init__(self, encoding, errors):
        self.encoding = encoding
        self.errors = errors
        self.texts = []
        self._why_not = None

    @property
    def why_not(self):
        """See the class."""
        return self._why_not or ("it leaves a line that the next print goes on with" if self.softspace else None)

    @why_not.setter
    def why_not(self, reason):
        self._why_not = self._why_not or reason

    def write(self, text):
        """Keep a piece. Raises TypeError, UnicodeEncodeError as the real one does."""
        if IS_2:
            if type(text) is not str:
                text = text.encode("ascii")
            self.softspace = 0  # as a file does; `print` sets it behind what it writes
        elif type(text) is not str:
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        else:
            text.encode(self.encoding, self.errors)
        self.texts.append(text)
        return None if IS_2 else len(text)

    def flush(self):
        """All of it is written in one go."""


class _Refusing(object):
    """Standard error of an item."""

    softspace = 0

    def __init__(self, printing):
        self._printing = printing

    def write(self, text):
        """An item that says something here is computed in place."""
        self._printing.why_not = "it writes to standard error"
        return len(text)

    def flush(self):
        """Nothing is kept."""
