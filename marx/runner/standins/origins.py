"""What the items of one pool must see: the state of the program at one moment, as a number that portions are opened with, or why it stays here.

An origin's methods are called in the sending thread, but for `close`.
"""

from __future__ import absolute_import

import hashlib
import re

from marx.runner.carry import brought, spawned
from marx.runner.carry.errors import CannotCarry
from marx.runner.carry.references import references
from marx.runner.compat import IS_2
from marx.runner.failures import shown
from marx.runner.standins.callsite import beneath
from marx.runner.standins.home import home_in_thread
from marx.runner.standins.inplace import Here
from marx.runner.standins.pickling import dumps
from marx.runner.standins.portions import Home
from marx.runner.standins.zygote import Zygote

#: Names of globals in a pickle as they look when nothing is read into them: quick, and now and then one too many.
_NAMES = re.compile(br"c([\w.]+\n[\w.]+)\n" if IS_2 else br"(?s)\x8c.([^\x94]*?)\x94\x93")

#: The number of each content that the portal has, by its digest.
_numbers = {}


class Forked(object):
    """For the fork start method: the moment is now, when this is made. ``recipe``: see `workplaces.Recipe`."""

    def __init__(self, portal, recipe):
        self._portal = portal
        self._zygote = Zygote(recipe)
        self._places = {}
        self._functions = []
        self._names = frozenset()
        self._seen = set()
        self._wanted = set()

    def state_of(self, function, record):
        """The state's number, or `Home`. What a partial or a method is bound to is not kept: the program may wait for its end."""
        inner = beneath(function)
        known = self._places.get(id(inner))
        if known is None or not self._seen.issuperset(_NAMES.findall(record)):
            known = self._look(inner, known, function, record)
        return known[1]

    def _look(self, inner, known, function, record):
        """The slow way: a function or a name that was not there before."""
        named = references(record)
        if known is None or not named <= self._names:
            known = self._places[id(inner)] = (inner, self._captured(function, named))
        self._seen.update(_NAMES.findall(record))
        return known

    def _captured(self, function, named):
        """One state for everything that was asked for until now; where that does not work, this function stays."""
        functions, wanted = self._functions + [dumps(function)], self._wanted | named
        try:
            content, self._names = self._zygote.capture(functions, wanted)
        except CannotCarry as why:
            return Home(_words(why))
        self._functions, self._wanted = functions, wanted
        return number_of(self._portal, content)

    def home(self):
        """Processes that were forked from the state itself."""
        return self._zygote.home

    def refused(self, place, reason):
        """This state could not be put up elsewhere."""
        self._places = {key: (function, Home(reason) if known == place else known) for key, (function, known) in self._places.items()}

    def close(self, is_finished):
        """End what was forked; ``is_finished``: nothing is wanted any more that is not there yet."""
        self._zygote.close(is_finished)


class Spawned(object):
    """For spawn and forkserver: items see the program imported anew, in the surroundings of this moment."""

    def __init__(self, portal, recipe):
        self._portal = portal
        self._recipe = recipe
        self._content = self._place = self._home = None
        try:
            self._content = spawned.spawn_state(recipe.initializer, recipe.initargs, recipe.style, recipe.method).content
        except CannotCarry as why:
            self._place = Home(_words(why))

    def state_of(self, function, record):
        """The state's number, or `Home`."""
        if self._place is None:
            self._place = number_of(self._portal, self._content)
        return self._place

    def home(self):
        """Processes of the library that are started as it would start them."""
        if self._home is None:
            self._home = home_in_thread(self._recipe)
        return self._home

    def refused(self, place, reason):
        """It could not be put up elsewhere."""
        self._place = Home(reason)

    def close(self, is_finished):
        """End the processes, if there are any."""
        if self._home is not None:
            self._home.close(is_finished)


class Brought(object):
    """Items bring everything along: joblib sends functions by value. What they find is the surroundings of the first one's moment."""

    def __init__(self, portal):
        self._portal = portal
        self._place = self._home = None

    def state_of(self, function, record):
        """The state's number, or `Home`."""
        if self._place is None:
            try:
                self._place = number_of(self._portal, brought.brought_state("joblib").content)
            except CannotCarry as why:
                self._place = Home(_words(why))
        return self._place

    def home(self):
        """This process, one item after the other."""
        if self._home is None:
            self._home = Here()
        return self._home

    def refused(self, place, reason):
        """They cannot be loaded elsewhere."""
        self._place = Home(reason)

    def close(self, is_finished):
        """End the thread, if there is one."""
        if self._home is not None:
            self._home.close(is_finished)


def number_of(portal, content):
    """The number of a state, which is sent once."""
    digest = hashlib.sha256(content).digest()
    if digest not in _numbers:
        _numbers[digest] = portal.send_state(content)
    return _numbers[digest]


def _words(why):
    reason, hint = getattr(why, "reason", None) or shown(why), getattr(why, "hint", "")
    return u"%s (%s)" % (reason, hint) if hint else reason
