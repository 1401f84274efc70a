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
from marx.runner.found.conditions import OF_RESULTS, unsettled
from marx.runner.found.depth import used
from marx.runner.found.division import Division
from marx.runner.found.looking import ATOMS, Looked, Strange, is_alike
from marx.runner.found.recording import kind_of
from marx.runner.found.sending import Portion, state_of
from marx.runner.found.sites import unpacked
from marx.runner.found.work import Unworkable, collected, work_of
from marx.runner.found.worth import is_worth_it
from marx.runner.portal import PortalClosed
from marx.runner.standins.pickling import dumps, loads

#: How a site's kind is called.
CALLED = {"for": "for loop", "list": "list comprehension", "set": "set comprehension", "dict": "dict comprehension"}
CALLED.update(generator="generator expression", map="map", starmap="starmap")


class Stays(Exception):
    """Why a site is computed in place. ``for_good``: it will be the next time, too."""

    def __init__(self, reason, for_good=False):
        Exception.__init__(self, reason)
        self.for_good = for_good


def decided(sampling, frame, iterator, seconds):
    """(`Division`, nothing), or (None, all items that are left in ``iterator``) where a site stays."""
    site = sampling.site
    found = unpacked(site.packed)
    items, portal = [], portals.current()
    try:
        if portal is None:
            raise Stays("", True)
        _refuse_early(found, sampling.iterable)
        items.extend(iterator)
        return _Deciding(sampling, found, frame, items, portal).division(seconds), ()
    except Stays as why:
        if why.for_good:
            site.stays = True
        site.stay_once()
        if str(why) and portal is not None:
            tell(portal, site, found, str(why))
    except Exception as error:  # a fault of ours: nothing is lost, and it is said
        site.stays = True
        if portal is not None:
            tell(portal, site, found, "Marx failed: %s: %s" % (type(error).__name__, error))
    return None, itertools.chain(items, iterator)


def tell(portal, site, found, reason):
    """Have it known why a site stays, once for each site."""
    if site.number in calls.told:
        return
    calls.told.add(site.number)
    try:
        portal.open(call_of(found), None, _Nobody(), "home", u"%s" % reason)
    except PortalClosed:
        pass


def call_of(found):
    """The ``call`` of a portion."""
    return {"file": path_text(found.module.path), "line": found.line, "kind": CALLED[found.kind], "function": path_text(found.function or "")}


class _Nobody(object):
    def refused(self, reason):
        """Nothing was sent."""


def _refuse_early(found, iterable):
    """Raises `Stays` for what can be told before an item is taken."""
    if type(iterable) not in calls.CONTAINERS and not _is_made_there(found, iterable):
        raise Stays("what it goes over is an iterator that others may hold")
    if sys.stdout is not sys.__stdout__ or sys.stderr is not sys.__stderr__:
        raise Stays("the program has replaced its output")
    if threading.active_count() > 1:
        raise Stays("other threads are at work")


def _is_made_there(found, iterable):
    """Whether an iterator is made by the site itself, of nothing but containers: ``enumerate(xs)``."""
    node = found.node
    if kind(node) == "Call":
        node = node.args[1]
    else:
        node = (node.generators[0] if hasattr(node, "generators") else node).iter
    waiting = [iterable]
    while waiting:
        something = waiting.pop()
        if type(something) in calls.ITERATORS:
            waiting.extend(gc.get_referents(something))
        elif type(something) not in calls.CONTAINERS and type(something) not in ATOMS and something not in calls.ITERATORS:
            return False
    return kind(node) == "Call"


class _Deciding(object):
    """One decision. ``items``: all that are left."""

    def __init__(self, sampling, found, frame, items, portal):
        self._sampling = sampling
        self._found = found
        self._frame = frame
        self._items = items
        self._portal = portal

    def division(self, seconds):
        """A `Division` that is at work. Raises `Stays`."""
        if len(self._items) < 2:
            raise Stays("")
        reason = unsettled(self._found, self._frame, self._items)
        if reason is not None:
            raise Stays(reason)
        collects = self._collects()
        # The first is one that was computed in place: what comes back must be the same.
        records = self._records([self._sampling.sample] + self._items[:-1])
        self._ask_worth(seconds, records, 0.0)
        try:
            work = work_of(self._found, self._frame)
        except (Unworkable, SyntaxError) as error:
            raise Stays(str(error), True)
        portion = self._opened(work, collects, records, seconds)
        self._tell_doubt()
        in_place = None if self._sampling.site.is_forced else seconds
        return Division(self._found, self._items, portion, dict(self._values), self._sampling.before, in_place, self._problem)

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

    def _records(self, items):
        records = []
        for item in items:
            try:
                ordered = Looked().add(item).ordered
                records.append(dumps(item))
                if ordered and not is_alike(item, loads(records[-1])):
                    raise Stays("a set in an item would have another order elsewhere")
            except Stays:
                raise
            except Strange as error:
                raise Stays("an item holds %s" % error)
            except Exception as error:
                raise Stays("an item cannot be sent: %s" % error)
        return records

    def _ask_worth(self, seconds, records, state_seconds):
        size = sum(map(len, records)) / float(len(records))
        is_worth = is_worth_it(len(self._items), seconds, size, state_seconds, self._portal.slots)
        if not is_worth and not self._sampling.site.is_forced:
            raise Stays("sending its items would take longer than computing them")

    def _tell_doubt(self):
        """What the person has vouched for is said."""
        if getattr(self._found, "doubt", ""):
            self._note(self._found.doubt)

    def _opened(self, work, collects, records, seconds):
        began_at = monotonic()
        out = (getattr(sys.stdout, "encoding", None), getattr(sys.stdout, "errors", None))
        portion = Portion(self._portal)
        try:
            wanted = frozenset(each.kind for each in self._found.conditions if each.root == OF_RESULTS)
            about = (work, self._found.kind, collects, out, used(self._frame), wanted, self._found.pragma == "divide")
            content = state_of(serving.begin, about, records)
            self._ask_worth(seconds, records, elapsed(began_at))
            portion.open(call_of(self._found), content, records)
        except CannotCarry as error:
            raise Stays("%s%s" % (error.reason, " (%s)" % error.hint if error.hint else ""))
        except PortalClosed:
            raise Stays("", True)
        return portion

    def _problem(self, text, is_wrong):
        """Something did not come out as the proof says: a note shows that. What is no gain shows only in the task's portions, as all that stays."""
        self._sampling.site.stays = True
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
