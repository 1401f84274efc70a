"""What becomes of a site whose first items took long: divided, or computed in place, and why."""

from __future__ import absolute_import

import gc
import itertools
import sys
import threading

from marx.runner import portal as portals
from marx.runner.carry.errors import CannotCarry
from marx.runner.compat import elapsed, monotonic, path_text
from marx.runner.divide.syntax import kind
from marx.runner.found import calls, serving
from marx.runner.found.conditions import OF_RESULTS, Settling, Unknown
from marx.runner.found.depth import more, used
from marx.runner.found.division import Division
from marx.runner.found.functions import local_classes
from marx.runner.found.handing import Handing, Sent
from marx.runner.found.looking import ATOMS, Looked, Strange, is_alike
from marx.runner.found.numbering import Numbering
from marx.runner.found.reaching import reached, shared
from marx.runner.found.recording import kind_of
from marx.runner.found.sending import Portion, named_in, state_of
from marx.runner.found.sites import unpacked
from marx.runner.found.sizes import size_of
from marx.runner.found.work import Unworkable, again, collected, work_of
from marx.runner.found.worth import ENDLESS, MOST_BYTES, MOST_ITEMS, is_worth_it
from marx.runner.portal import PortalClosed

#: How a site's kind is called.
CALLED = {"for": "for loop", "head": "for loop", "list": "list comprehension", "set": "set comprehension", "dict": "dict comprehension"}
CALLED.update(generator="generator expression", map="map", starmap="starmap")

_DRAWS = "an item draws from the generator that all of `%s` shares, and so the order of draws would be another one: give what draws a seed of its own"
_SMALL = "what of each turn can be computed elsewhere takes little of its time"
_NO_GAIN = "sending its items would take longer than computing them"


class Stays(Exception):
    """Why a site is computed in place. ``for_good``: it will be the next time, too."""

    def __init__(self, reason, for_good=False):
        Exception.__init__(self, reason)
        self.for_good = for_good


def decided(sampling, frame, iterator, seconds):
    """(`Division`, nothing), or (None, all items that are left in ``iterator``) where a site stays."""
    items = []

    def divide(found, portal):
        _refuse_shared(found, frame)
        items.extend(itertools.islice(iterator, MOST_ITEMS + 1))
        _refuse_many(len(items))
        return Deciding(sampling, found, frame, items, portal).division(seconds)

    division = tried(divide, sampling, seconds)
    return division, () if division is not None else itertools.chain(items, iterator)


def handing(heading, values, seconds):
    """A `Handing` for a loop with heads, the last of which gave ``values``; None where it stays."""

    def divide(found, portal):
        items = heading.ahead()
        if items is None:
            raise Stays("what it goes over cannot be looked at without taking from it")
        return Deciding(heading, found, heading.frame, items, portal).handing(values, seconds)

    return tried(divide, heading, seconds)


def tried(divide, sampling, seconds, found=None):
    """What ``divide(found, portal)`` gives; None where the site stays: then it is told why. ``seconds``: of an item in place; ``found``: where the
    source does not have the site.
    """
    site = sampling.site
    found, portal = found or unpacked(site.packed), portals.current()
    try:
        if portal is None:
            raise Stays("", True)
        _refuse_drawn(found, sampling)
        _refuse_early(found, sampling.iterables)
        _refuse_by_number(sampling, seconds, portal.slots)
        return divide(found, portal)
    except Stays as why:
        if why.for_good:
            site.stay()
        site.stay_once()
        if str(why) and portal is not None:
            tell(portal, site, found, str(why))
    except Exception as error:  # a fault of ours: nothing is lost, and it is said
        site.stay()
        if portal is not None:
            tell(portal, site, found, "Marx failed: %s: %s" % (type(error).__name__, error))
    return None


def tell(portal, site, found, reason):
    """Have it known why a site stays, once for each site."""
    if site.number in calls.told:
        return
    calls.told.add(site.number)
    try:
        portal.open(call_of(found), None, _Nobody(), "home", u"%s" % reason)
    except PortalClosed:
        pass


def tell_small(site):
    """Have it known that a loop took long, and not by its heads."""
    portal = portals.current()
    if portal is not None:
        tell(portal, site, unpacked(site.packed), _SMALL)


def call_of(found):
    """The ``call`` of a portion."""
    return {"file": path_text(found.module.path), "line": found.line, "kind": CALLED[found.kind], "function": path_text(found.function or "")}


def _mean_size(records):
    return sum(map(len, records)) / float(len(records))


def _is_same_thing(one, other):
    return one[0] == other[0] and one[1] is other[1]


class _Nobody(object):
    def refused(self, reason):
        """Nothing was sent."""


def _refuse_drawn(found, sampling):
    """Raises `Stays` where it was seen that items draw, though no source that is known says so: libraries do, which nobody told not to."""
    drew = sampling.drew() if found.pragma != "divide" else []
    if drew:
        raise Stays(_DRAWS % drew[-1], True)


def _refuse_early(found, iterables):
    """Raises `Stays` for what can be told before an item is taken."""
    for iterable, node in zip(iterables, _gone_over(found.node)):
        if type(iterable) not in calls.CONTAINERS and not _is_made_there(node, iterable):
            raise Stays("what it goes over is an iterator that others may hold")
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        raise Stays("the program has replaced its output")
    if threading.active_count() > 1:
        raise Stays("other threads are at work")


def _refuse_by_number(sampling, seconds, slots):
    """The same for how many items there are: a range may have more than memory holds."""
    count = calls.number_of(sampling.iterables)
    if not sampling.site.is_forced and not is_worth_it(ENDLESS if count is None else count, seconds, 0, 0.0, slots, len(sys.modules)):
        raise Stays(_NO_GAIN)
    _refuse_many(count or 0)


def _refuse_many(count):
    if count > MOST_ITEMS:
        raise Stays("it goes over more than %d items" % MOST_ITEMS)


def _refuse_shared(found, frame):
    """The same for what a loop collects in: if its items come from that, each turn decides about the next."""
    settling = Settling(found, frame, ())
    for condition in found.conditions:
        reason = settling.why_not(condition) if condition.kind == "sole" else None
        if reason is not None:
            raise Stays("line %s: %s" % (condition.line, reason))


def _gone_over(node):
    """The expressions of what a site goes over; none of a library's, which goes over containers."""
    if node is None:
        return []
    return node.args[1:] if kind(node) == "Call" else [(node.generators[0] if hasattr(node, "generators") else node).iter]


def _is_made_there(node, iterable):
    """Whether an iterator is made by the site itself, of nothing but containers: ``enumerate(xs)``."""
    waiting = [iterable]
    while waiting:
        something = waiting.pop()
        if type(something) in calls.ITERATORS:
            waiting.extend(gc.get_referents(something))
        elif type(something) not in calls.CONTAINERS and type(something) not in ATOMS and something not in calls.ITERATORS:
            return False
    return kind(node) == "Call"


class Deciding(object):
    """One decision. ``items``: all that are left."""

    def __init__(self, sampling, found, frame, items, portal):
        self._sampling = sampling
        self._found = found
        self._frame = frame
        self._items = items
        self._portal = portal

    def division(self, seconds):
        """A `Division` that is at work. Raises `Stays`."""
        self._ask_worth(seconds, 0, 0.0)
        self._ask_conditions()
        collects = self._collects()
        portion = self._opened(self._work(), collects, self._prepared(self._sampling.sample, seconds), seconds)
        self._tell_doubt()
        return Division(self._found, self._items, portion, dict(self._values), self._sampling.before, self._in_place(seconds), self._problem)

    def handing(self, values, seconds):
        """A `Handing` that is at work. Raises `Stays`."""
        self._ask_worth(seconds, 0, 0.0)
        self._ask_conditions()
        work, records = self._work(), self._prepared(self._sampling.item, seconds)
        portion = self._opened(work, [], records, seconds)
        is_unchanged = None if self._is_calm() else lambda: self._is_unchanged(work)
        sent = Sent(self._items, records[1:], self._numbering, self._found.head.reads if self._found.head else ())
        return Handing(portion, sent, values, is_unchanged, self._in_place(seconds), self._problem)

    def _ask_conditions(self):
        if len(self._items) < 2:
            raise Stays("")
        settling = self._settling(self._items)
        reason = settling.unsettled()
        self._things = settling.things
        if reason is not None:
            raise Stays(reason)

    def _settling(self, items):
        return Settling(self._found, self._frame, items)

    def _work(self):
        try:
            return work_of(self._found, self._frame)
        except (Unworkable, SyntaxError) as error:
            raise Stays(str(error), True)

    def _again(self, work):
        """The work of `_work` in the state of this moment."""
        return again(work, self._frame)

    def _depth(self):
        """How deep the calls of an item begin."""
        node = self._found.node
        is_spread = self._found.kind == "starmap" or self._found.kind == "map" and len(node.args) > 2
        return used(self._frame) + more(self._found.kind, is_spread)

    def _prepared(self, sample, seconds):
        """Pickles of what is sent. The first is one that was computed in place: what comes back must be the same."""
        return self._records([sample] + self._items[:-1], seconds)

    def _in_place(self, seconds):
        """What an item takes in place, None where it is to be divided whatever that is."""
        return None if self._sampling.site.is_forced else seconds

    def _is_calm(self):
        """Whether the rest of a turn changes nothing that a head can come to, wherever it stands."""
        rest = self._found.head.rest
        if rest is None:
            return False
        settling = Settling(self._found._replace(conditions=rest.conditions), self._frame, self._items)
        if settling.unsettled() is not None:
            return False
        try:
            read = [value for root in self._found.reads for value in settling.values(root)]
            changed = [each for root in rest.changes for value in settling.values(root) for each in shared(value)]
            return reached(read + self._items + self._sampling.containers()).isdisjoint(changed)
        except (Strange, Unknown):
            return False

    def _is_unchanged(self, work):
        """Whether all that heads read is what it was when they were sent."""
        settling = self._settling(())
        if settling.unsettled() is not None or not all(map(_is_same_thing, settling.things, self._things)):
            return False
        self._about = (self._again(work),) + self._about[1:]
        try:
            return state_of(serving.begin, self._about, self._named) == self._content
        except CannotCarry:
            return False

    def _collects(self):
        """(name, kind) of what a loop collects in; their values are kept."""
        names = collected(self._found)
        inner = self._frame.f_locals
        self._values = [(name, inner[name] if name in inner else self._frame.f_globals.get(name)) for name in names]
        hows = dict((name, set(each.how for each in self._found.collects if each.root[-1] == name)) for name in names)
        kinds = [(name, kind_of(value, hows[name])) for name, value in self._values]
        for name, what in kinds:
            if what is None:
                raise Stays("`%s` is no plain list, set, dictionary, number or text, and no array that holds numbers itself" % name)
        return kinds

    def _records(self, items, seconds):
        """The bytes of each item. Large ones are not all pickled to see that sending them is no gain, or that memory does not hold them twice."""
        classes, ordered = set(), []
        try:
            for item in items:
                inside = Looked().add(item)
                classes |= inside.classes
                ordered.append(bool(inside.ordered))
        except Strange as error:
            raise Stays("an item holds %s" % error)
        self._numbering = Numbering(local_classes(classes, self._found, self._frame))
        records, size, look = [], 0, 1
        for item, has_order in zip(items, ordered):
            records.append(self._record(item, has_order))
            size += len(records[-1])
            if size > MOST_BYTES:
                raise Stays("its items are larger than %d MB together" % (MOST_BYTES >> 20))
            if len(records) == look:
                self._ask_worth(seconds, size / float(look), 0.0)
                look *= 2
        self._ask_worth(seconds, _mean_size(records), 0.0)
        return records

    def _record(self, item, has_order):
        try:
            record = self._numbering.dumps(item)
            is_as_good = not has_order or is_alike(item, self._numbering.loads(record))
        except Exception as error:
            raise Stays("an item cannot be sent: %s" % error)
        if not is_as_good:
            raise Stays("a set in an item would have another order elsewhere")
        return record

    def _ask_worth(self, seconds, size, state_seconds):
        """``size``: bytes of an item; 0 where that is not known yet, since pickling a million of them takes seconds."""
        is_worth = is_worth_it(len(self._items), seconds, size, state_seconds, self._portal.slots, len(sys.modules))
        if not is_worth and not self._sampling.site.is_forced:
            raise Stays(_NO_GAIN)

    def _tell_doubt(self):
        """What the person has vouched for is said."""
        if getattr(self._found, "doubt", ""):
            self._note(self._found.doubt)

    def _opened(self, work, collects, records, seconds):
        self._refuse_large()
        began_at = monotonic()
        out = (getattr(sys.stdout, "encoding", None), getattr(sys.stdout, "errors", None))
        portion = Portion(self._portal, self._numbering.loads)
        try:
            wanted = frozenset(each.kind for each in self._found.conditions if each.root == OF_RESULTS)
            about = (work, self._found.kind, collects, out, self._depth(), wanted, self._found.pragma == "divide", self._numbering.classes)
            self._about, self._named = about, named_in(records)
            self._content = state_of(serving.begin, self._about, self._named)
            self._ask_worth(seconds, _mean_size(records), elapsed(began_at))
            portion.open(call_of(self._found), self._content, records)
        except CannotCarry as error:
            raise Stays("%s%s" % (error.reason, " (%s)" % error.hint if error.hint else ""))
        except PortalClosed:
            raise Stays("", True)
        return portion

    def _refuse_large(self):
        """Raises `Stays` where the state would be so large that the program should not have it twice."""
        settling, size = self._settling(()), 0
        for root in self._found.reads:
            try:
                size += sum(map(size_of, settling.values(root)))
            except (Strange, Unknown):
                continue  # who carries it will say
        if size > MOST_BYTES:
            raise Stays("what its items read is larger than %d MB" % (MOST_BYTES >> 20))

    def _problem(self, text, is_wrong):
        """Something did not come out as the proof says: a note shows that. What is no gain shows only in the task's portions, as all that stays."""
        self._sampling.site.stay()
        said = "the rest is computed in place, since %s" % text
        if is_wrong:
            self._note(said)
        else:
            tell(self._portal, self._sampling.site, self._found, said)

    def _note(self, text):
        try:
            self._portal.note(u"%s, line %d: %s" % (path_text(self._found.module.path), self._found.line, text))
        except PortalClosed:
            pass
