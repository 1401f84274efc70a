"""A map that a library goes over on the program's behalf: what its code calls where it may call one, see `asking`.

Python's own map is called in any case, and by the library; what else it is called with makes no difference to what it gives. Of a map that
may be divided that is ``map(next, iterators)``: one iterator for each item, which computes it in place, by C alone, or holds what came from
elsewhere. So the result is a map, or in 2.7 a list; is consumed when it is; takes its items when it does; and what the function raises goes
through the frames of the library and the function only. (Up to 3.11 `next` counts as one call more towards the limit of recursion.)

Who consumes it may do anything in between, as the rest of a turn does whose head is sent, and in the same way nothing is taken over before
it was looked whether anything has changed: see `handing`. Where the map is taken at once, nothing can have.
"""

from __future__ import absolute_import

import functools
import itertools
import sys
import types

from marx.runner.carry.own import is_library_path
from marx.runner.compat import IS_2, elapsed, monotonic
from marx.runner.divide.does import COUNTING
from marx.runner.found import calls
from marx.runner.found.depth import ENDED, is_near_end
from marx.runner.found.draws import Watch
from marx.runner.found.timing import Timing, verdict_of
from marx.runner.found.verdicts import Site

MAPPER, MAPPED = "__marx_mapper__", "__marx_mapped__"

#: These are gone over in the order of their places, and never raise.
_IN_ORDER = frozenset([list, tuple, str, bytes, type(range(0))] + ([xrange] if IS_2 else []))  # noqa: F821  novm

_zipped, filtered = (itertools.izip, itertools.ifilter) if IS_2 else (zip, filter)  # novm
_maps = []
_noted = {}
_sites = {}
_is_forced = False


def install(forced):
    """Give libraries what they call. ``forced``: as of `calls.install`."""
    global _is_forced
    _is_forced = forced
    _maps[:] = [(calls.own["map"], "map"), (itertools.starmap, "starmap")]
    setattr(calls.builtins, MAPPER, mapper)
    setattr(calls.builtins, MAPPED, mapped)


def mapper(number, taker, function):
    """``function``, which is called next; noted if that is a map. ``taker``: the name of what takes all of it at once, or ""."""
    bare = function
    while type(bare) is functools.partial and not bare.args and not bare.keywords:
        bare = bare.func
    for each, kind in _maps:
        if bare is each:
            frame = sys._getframe(1)
            _noted[number, id(frame)] = kind, IS_2 and kind == "map" or _is_own(taker, frame)
            return function
    if _noted:
        _noted.pop((number, id(sys._getframe(1))), None)
    return function


def _is_own(name, frame):
    """Whether a name in a frame stands for what Python has under it."""
    code = frame.f_code
    if not name or name in code.co_varnames + code.co_cellvars + code.co_freevars:
        return False
    return frame.f_globals.get(name, vars(calls.builtins).get(name)) is calls.own[name]


def mapped(number, function, *iterables):
    """What that is called with."""
    noted = _noted.pop((number, id(sys._getframe(1))), None) if _noted else None
    try:
        mapping = None if noted is None else _begun(number, noted, function, iterables, sys._getframe(1))
    except ENDED:  # calls have come to their end with one of ours
        mapping = None
    if mapping is None:
        return (function,) + iterables
    iterators = Iterators.of(mapping)
    return next, iterators if noted[0] == "map" else _zipped(iterators)


def _begun(number, noted, function, iterables, frame):
    """A new `Mapping`; None where it stays."""
    kind, is_at_once = noted
    for each in iterables:
        if type(each) not in _IN_ORDER or calls.has_few(each):
            return None
    if kind == "starmap" and len(iterables) > 1:
        return None
    own = bare_of(function)[0]
    if type(own) is not types.FunctionType or is_library_path(own.__code__.co_filename) and not name_of(own) or not calls.may_begin(iterables):
        return None
    place = frame.f_code.co_filename, frame.f_lineno, number, own.__code__
    site = _sites.get(place)
    if site is None:
        site = _sites[place] = Site(place, _is_forced, kind, (), None, None)
    return Mapping(site, function, iterables, is_at_once) if site.is_asked() and not is_near_end() else None


def bare_of(function):
    """(what runs when ``function`` is called, the arguments that it is bound to, those by name)."""
    given, named = (), {}
    while type(function) is functools.partial:
        given, named = function.args + given, dict(function.keywords or {}, **named)
        function = function.func
    if type(function) is types.MethodType and function.__self__ is not None:
        return function.__func__, (function.__self__,) + given, named
    return function, given, named


def name_of(function):
    """The dotted name of a function of a library of which all is known, as long as it counts numbers; "" of all others."""
    name = "%s.%s" % (function.__module__, function.__name__)
    return name if name.startswith(COUNTING) and _counts_only(name) else ""


def _counts_only(name):
    from marx.runner.divide import pure  # which most programs need not read

    return pure.counts_only(name)


def _handing(mapping, values, seconds):
    from marx.runner.found import behalf  # which imports nothing that `deciding` does not

    return behalf.handing(mapping, values, seconds)


class Iterators(itertools.chain):
    """What is gone over: a `Mapping`, and where it stays what it says of the items that are left, which is gone through by C alone."""

    @classmethod
    def of(cls, mapping):
        """Those of one."""
        made = cls.from_iterable(_parts(mapping))
        made.mapping = mapping
        return made

    def __reduce__(self):
        """As what a map over the rest of the items would be, if anybody copies that."""
        return self.mapping.copied()


def _parts(mapping):
    yield mapping
    rest = mapping.rest()
    if rest is not None:
        yield rest


class Mapping(object):
    """One call: gives an iterator for each item. ``is_spread``: items are tuples, or what starmap takes for one.

    ``is_at_once``: nothing else happens until all is consumed. The rest is as of `heads.Heading`.
    """

    def __init__(self, site, function, iterables, is_at_once):
        self.site = site
        self.function, self.iterables = function, iterables
        self.is_spread = len(iterables) > 1 or site.kind == "starmap"
        self.is_at_once = is_at_once
        self.item = self.frame = self.division = None
        self._iterator = iter(iterables[0]) if len(iterables) == 1 else calls.zipped(*map(iter, iterables))
        self._total = calls.number_of(iterables)
        self._turns = 0
        self._timing, self._watch = Timing(), Watch()
        self._verdict = None
        self._at_work = object()  # stands for it where it must not be kept: if the function raises nobody comes back

    def __iter__(self):
        return self

    def __next__(self):
        if self._verdict is not None and self.division is None:
            raise StopIteration  # `rest` is what is left
        for item in self._iterator:
            break
        else:
            self.end()
            raise StopIteration
        self._turns += 1
        if self._verdict is None:
            return self._sampled(item)
        if self.division is not None and calls.is_here() and self.division.takes(item):
            return iter(self.division.values)
        return self._in_place(item)

    next = __next__

    def rest(self):
        """Iterators for all items that are left, where they stay; None where there are none."""
        if self._verdict is None or self.division is not None:
            return None
        going = itertools.starmap if self.is_spread else calls.mapped
        if IS_2:  # there a map that is a list must not see an iterator end
            return calls.mapped(functools.partial(going, self.function), _zipped(self._iterator))
        return itertools.repeat(going(self.function, self._iterator))

    def _in_place(self, item):
        return itertools.starmap(self.function, (item,)) if self.is_spread else calls.mapped(self.function, (item,))

    def _sampled(self, item):
        calls.undecide(self._at_work)
        if self._turns == 1 and self.site.is_new():
            self._watch.begin()
        return filtered(functools.partial(self._looks, item, monotonic()), self._in_place(item))

    def _looks(self, item, began_at, value):
        """An item was computed in place, and gave ``value``."""
        calls.undecide(None, self._at_work)
        timing, seconds = self._timing, elapsed(began_at)
        self._watch.end()
        if timing.add(seconds) and self._verdict is None:
            self._verdict = verdict_of(self.site, self._turns, timing.recent, timing.seconds, self._total)
            if self._verdict:
                self._divide(item, value, timing.recent, sys._getframe(1))
            if self._verdict is not None and self.division is None:
                self.site.stay_once()
        return True

    def _divide(self, item, value, seconds, frame):
        """``frame``: of who consumes it, where the function is called."""
        self.item, self.frame = item, frame
        self.division = calls.asked(lambda deciding: _handing(self, [value], seconds), self.site)
        self.item = self.frame = None

    def drew(self):
        """See `calls.Sampling.drew`: its first item."""
        return self._watch.drew

    def ahead(self):
        """The items behind the one at work."""
        several = [list(each) for each in self.iterables]
        return (several[0] if len(several) == 1 else list(calls.zipped(*several)))[self._turns :]

    def end(self):
        """There is no further item, or nobody will ask for one."""
        division, self.division = self.division, None
        if division is not None and calls.is_here():
            division.end()
        calls.undecide(None, self._at_work)

    def __del__(self, end=end):
        try:
            end(self)
        except Exception:  # the interpreter is ending
            pass

    def copied(self):
        """See `Iterators.__reduce__`."""
        one = functools.partial(itertools.starmap if self.is_spread else map, self.function)
        return map, (one, _zipped(self._iterator))
