"""What exchanged code calls: whether a site is computed in place, and what stands in its place where it is not.

All of these are in builtins while the program runs. Where a site is known to stay each gives back what it was given. Else the first
items are computed in place by the program's own code, while the clock is read after the 1st, 2nd, 4th, ...; only where that takes long
`deciding` is imported, and asked.

A site within one that is not decided yet stays: nothing is divided inside of what may be divided.
"""

from __future__ import absolute_import

import itertools
import operator
import os
import sys
import time

from marx.runner.found import draws
from marx.runner.found.depth import ENDED, is_near_end
from marx.runner.found.timing import verdict_of
from marx.runner.found.verdicts import Site, always

EACH, REST, OPEN, JOIN, CHAIN, DUE, SUMMED = tuple("__marx_%s__" % word for word in "each rest open join chain due summed".split())
HEADS, TAKES, SKIPS, TAKEN, HEADED = tuple("__marx_%s__" % word for word in "heads takes skips taken headed".split())
TOGETHER, APART, ASKS = "__marx_together__", "__marx_apart__", "__marx_asks__"

builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]
_monotonic = getattr(time, "perf_counter", time.time)

#: Exactly these are gone over without running code of the program's. Iterators may stand for themselves only where they are made.
CONTAINERS = frozenset([list, tuple, dict, set, frozenset, str, bytes, type(u""), type(range(0))])
CONTAINERS |= frozenset([type({}.keys()), type({}.values()), type({}.items())])
ITERATORS = frozenset([type(iter(kind)) for kind in ([], (), {}, set(), "", range(0), {}.items(), {}.values())])
ITERATORS |= frozenset([enumerate, reversed, type(reversed([])), itertools.chain])
ITERATORS |= frozenset(kind for kind in (zip, itertools.product, itertools.combinations, itertools.permutations) if isinstance(kind, type))
if str is bytes:
    CONTAINERS |= frozenset([xrange])  # noqa: F821  novm
    ITERATORS |= frozenset([type(iter(xrange(0)))])  # noqa: F821  novm

#: What a map of several iterables takes from them at once, what is taken of that for each, and how many: as they were before the program.
zipped, mapped, _total_of = (itertools.izip_longest, itertools.imap, max) if str is bytes else (zip, map, min)  # novm

#: What Python itself has in builtins.
own = {}
_sites = {}
_running = {}
_undecided = None
_pid = None
#: The numbers of sites of which it was said why they stay.
told = set()


def install(sites=(), forced=False):
    """Give the program's code what it calls. ``sites``: {number: (kind of `Found`, the names that it sums up in, itself packed, its pragma)}.

    ``forced``: all are divided that may be, worth it or not.
    """
    global _pid
    own.update(vars(builtins))
    _pid = os.getpid()
    sites = dict(sites)
    asks = dict.fromkeys(sites, always)
    _sites.update((number, Site(number, forced, *site, asks=asks)) for number, site in sites.items())
    setattr(builtins, ASKS, asks)
    for name, function in CALLED.items():
        setattr(builtins, name, function)


def each(number, iterable):
    """What the first copy of a site goes over."""
    frame = sys._getframe(1)
    if _running:
        _running.pop((number, id(frame)), None)
    try:
        sampling = _begun(number, (iterable,), frame)
    except ENDED:  # calls have come to their end with one of ours, and not with the program's
        return iterable
    return iterable if sampling is None else sampling.items()


def together(number, *iterables):
    """The same of a map of several: what it is given in the places of ``iterables``."""
    frame = sys._getframe(1)
    if _running:
        _running.pop((number, id(frame)), None)
    try:
        sampling = _begun(number, iterables, frame)
    except ENDED:
        return iterables
    return iterables if sampling is None else _parted(sampling.items(), len(iterables))


def _parted(items, count):
    """An iterator for each part of items that are tuples."""
    return [mapped(operator.itemgetter(place), copy) for place, copy in enumerate(itertools.tee(items, count))]


def _begun(number, iterables, frame):
    """A new `Sampling`; None where a site stays."""
    site = _sites.get(number)
    if site is None or not site.is_asked() or is_near_end():
        return None
    if not may_begin(iterables):
        if type(iterables[0]) in CONTAINERS and has_few(iterables[0]):
            site.has_few()
        return None
    if site.kind == "head":
        return _heading(site, iterables[0], frame)
    sampling = Sampling(site, iterables, frame)
    if site.kind in LAZY:
        _running[number, id(frame)] = sampling
    return sampling


#: Kinds of sites that make an iterator; `rewriting` has a form for these, and one for all others.
LAZY = frozenset(["generator", "starmap"] + ([] if str is bytes else ["map"]))


def may_begin(iterables):
    """Whether a site may be divided here and now that goes over these."""
    return _undecided is None and all([_may_be_divided(iterable) for iterable in iterables])


def is_here():
    """Whether this is the program's process, and no child of it."""
    return os.getpid() == _pid


def _may_be_divided(iterable):
    kind = type(iterable)
    if kind not in CONTAINERS and kind not in ITERATORS or sys.gettrace() is not None or sys.getprofile() is not None:
        return False
    return is_here() and not (kind in CONTAINERS and has_few(iterable))


def has_few(container):
    """Whether it has so few items that nothing is divided, or so many that nobody goes through it to its end."""
    try:
        return len(container) < 3
    except OverflowError:
        return True


def number_of(iterables):
    """How many items these give, one of each at a time; None where nobody can tell."""
    lengths = [len(each) for each in iterables if hasattr(each, "__len__")]
    return _total_of(lengths) if len(lengths) == len(iterables) else None


class Sampling(object):
    """
    One going over of a site. ``division``: what became of it, None as long as, or where, it is computed in place. ``drawn``: of `draws.states`
    before its first item, None where it was asked before.

    ``iterables``: what is gone over, of a map perhaps several: then items are tuples of what is taken at once.
    """

    def __init__(self, site, iterables, frame):
        self.site = site
        self.division = None
        self.copies = self.sample = self.before = self.made = self.drawn = None
        self._more = ()
        self.iterables = iterables
        self._frame = frame

    def items(self):
        """Items to be computed in place: all of them, or where the rest is divided only the first; of a loop also the last.

        Nothing but C stands between those that come behind the first ones and the program.
        """
        return itertools.chain.from_iterable(self._parts())

    def _parts(self):
        yield self._first()
        more, self._more = self._more, ()
        yield more

    def _first(self):
        global _undecided
        count, look = 0, 1
        iterator = iter(self.iterables[0]) if len(self.iterables) == 1 else zipped(*self.iterables)
        total = number_of(self.iterables)
        _undecided = self
        try:
            began_at = looked_at = _monotonic()
            for item in iterator:
                if count + 1 == look:
                    self._prepare(item)
                yield item
                count += 1
                if count < look:
                    continue
                now = _monotonic()
                seconds = (now - looked_at) / (count - look // 2)
                looked_at, look = now, look * 2
                verdict = verdict_of(self.site, count, seconds, now - began_at, total)
                if verdict is not None:
                    break
            else:
                if count:  # it has ended before it took long
                    self.site.stay_once()
                return
            more = self._divided(iterator, seconds) if verdict else iterator
        finally:
            _undecided = None
            frame, self._frame, self.iterables = self._frame, None, None
        if not verdict:
            self.site.stay_once()
        if self.division is None:
            self.copies = None
            self._more = more
        else:
            self._more = self._place(frame)

    def _prepare(self, item):
        """This item may be the last before the decision: keep it, and what the numbers are that the loop sums up in."""
        self.sample = item
        if self.drawn is None and self.site.is_new():
            self.drawn = draws.states()
        names = self.site.sums
        if names:
            inner, outer = self._frame.f_locals, self._frame.f_globals
            self.before = dict((name, inner[name] if name in inner else outer.get(name)) for name in names)

    def _divided(self, iterator, seconds):
        """Have it decided; what is left to be computed in place if it stays."""
        answer = asked(lambda deciding: deciding.decided(self, self._frame, iterator, seconds), self.site)
        self.division, left = answer or (None, iterator)
        return left

    def _place(self, frame):
        """What a loop, or the first copy, goes over behind its first items."""
        if self.site.kind == "for":
            tail = self.division.done(frame)
            if self.division.sums:
                self.site.keep_asking()
                _running[self.site.number, id(frame)] = self.division
                setattr(builtins, DUE, True)
            return tail
        if self.site.kind not in LAZY:
            _running[self.site.number, id(frame)] = self
        return ()

    def drew(self):
        """The modules from whose shared generators its items drew, as far as that was looked at."""
        return draws.since(self.drawn) if self.drawn is not None else []

    def kept(self):
        """What came from elsewhere, for an iterator."""
        copies, self.copies = self.copies, None
        if self.division is not None:
            for given in self.division.given(copies):
                yield given

    def tail(self):
        """What the second copy goes over."""
        if self.division is not None:
            for item in self.division.tail:
                yield item


def asked(decide, site):
    """What ``decide`` says, which is given `deciding`; None where that cannot be had, for good, or where calls have come near their limit."""
    if is_near_end():
        site.stay_once()
        return None
    try:
        from marx.runner.found import deciding
    except Exception:  # modules of the program stand in the places of those that it needs
        site.stay()
        return None
    return decide(deciding)


def rest(number):
    """What the second copy of a site goes over."""
    return _left(number, sys._getframe(1)) if _running else ()


def apart(number, count):
    """The same of a map of ``count`` iterables."""
    left = _left(number, sys._getframe(1)) if _running else ()
    return _parted(left, count) if left else ((),) * count


def _left(number, frame):
    sampling = _running.get((number, id(frame)))
    return () if sampling is None else sampling.tail()


def opened(number, first):
    """``first``: what the first copy has made."""
    sampling = _running.get((number, id(sys._getframe(1)))) if _running else None
    if sampling is not None:
        sampling.made = first, list(sampling.division.given(first))
    return first


def joined(number, first, more):
    """What a site is as a whole."""
    sampling = _running.pop((number, id(sys._getframe(1))), None) if _running else None
    if sampling is None:
        return first
    _, kept = sampling.made
    if type(first) is list:
        first += kept
        first += more
    elif type(first) is set:
        for element in itertools.chain(kept, more):
            first.add(element)
    else:
        for key, value in itertools.chain(kept, getattr(more, "iteritems", more.items)()):
            first[key] = value
    return first


def chained(number, first, more):
    """The same for iterators."""
    sampling = _running.pop((number, id(sys._getframe(1))), None) if _running else None
    if sampling is None:
        return first
    first, sampling.copies = itertools.tee(first)
    return itertools.chain(first, sampling.kept(), more)


def summed(number, name, value):
    """What a name means now, which meant ``value``."""
    setattr(builtins, DUE, False)
    division = _running.get((number, id(sys._getframe(1)))) if _running else None
    return value if division is None else division.sum_of(name, value)


def _heading(site, iterable, frame):
    """A new `Heading`; None where it cannot be had."""
    try:
        from marx.runner.found.heads import Heading
    except Exception:  # as above
        site.stay()
        return None
    heading = _running[site.number, id(frame)] = Heading(site, iterable, frame)
    setattr(builtins, HEADS, getattr(builtins, HEADS) + 1)
    return heading


def end_heading(heading):
    """A loop with heads is left, or stays."""
    undecide(None, heading)
    for key in [key for key, each in _running.items() if each is heading]:
        del _running[key]
        setattr(builtins, HEADS, getattr(builtins, HEADS) - 1)


def undecide(something, instead_of=None):
    """From now on nothing is divided within ``something``; None: no more. ``instead_of``: only if that is what it was."""
    global _undecided
    if instead_of is None or _undecided is instead_of:
        _undecided = something


def takes(number, *values):
    """Whether what the head of a turn gives is there. ``values``: of the names that ``reads`` of a `divide.heads.Head` are."""
    heading = _running.get((number, id(sys._getframe(1))))
    return heading is not None and heading.takes(values)


def skips(number):
    """Whether that goes on with the next turn."""
    return _running[number, id(sys._getframe(1))].division.values is None


def taken(number):
    """What it gives, for the names that the head binds."""
    return _running[number, id(sys._getframe(1))].division.values


def headed(number, *values):
    """The head of a turn was computed in place. Gives the last of what it gives."""
    heading = _running.get((number, id(sys._getframe(1)))) if _running else None
    if heading is not None:
        heading.headed(list(values))
    return values[-1] if values else None


CALLED = {EACH: each, REST: rest, OPEN: opened, JOIN: joined, CHAIN: chained, DUE: False, SUMMED: summed, TOGETHER: together, APART: apart}
CALLED.update({HEADS: 0, TAKES: takes, SKIPS: skips, TAKEN: taken, HEADED: headed})
