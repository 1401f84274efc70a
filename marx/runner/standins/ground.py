"""What a pool, an executor or a backend of joblib stands on: the lab through the portal, or processes at home."""

from __future__ import absolute_import

from marx.runner.failures import shown
from marx.runner.portal import PortalClosed
from marx.runner.standins.callsite import said
from marx.runner.standins.outgoing import outgoing
from marx.runner.standins.pickling import culprit
from marx.runner.standins.portions import Feed, Home


class Unsendable(Exception):
    """Why an item could not be sent, in words."""


class Ground(object):
    """``arrived(batch)`` takes lists of (token, outcome), in any thread. ``origin``, of `origins`, must be there before the first item.

    Feeds are made in any thread, the rest is for their portions.
    """

    def __init__(self, portal, arrived):
        self.arrived = arrived
        self.origin = None
        self._portal = portal
        self._feeds = []
        self._stays = None

    @property
    def slots(self):
        """How many the lab promises."""
        return self._portal.slots

    def feed(self, is_shared=False):
        """A `Feed` for a call of the program, or for many that share portions."""
        self._portal.listen()
        outgoing().begin()
        feed = Feed(self, is_shared)
        self._feeds = [other for other in self._feeds if not other.is_done] + [feed]
        return feed

    def initialize(self):
        """Have processes start and end, unless there was anything for them to do: what they call first may show somewhere."""
        if not self._feeds:
            self.origin.home().begin_and_end()

    def close(self, is_finished):
        """Nothing is wanted any more; ``is_finished``: all outcomes that are wanted have come."""
        for feed in self._feeds:
            feed.drop()
        outgoing().wake_last(_Closing(self.origin, is_finished))

    # In the sending thread

    def state_of(self, function, record):
        """What the item must see: a state's number, None for nothing, or `Home`."""
        return self._stays or self.origin.state_of(function, record)

    def home(self):
        """Where items are computed that stay."""
        return self.origin.home()

    def refused(self, state, reason):
        """This state could not be put up elsewhere."""
        self.origin.refused(state, reason)

    def stay(self, reason):
        """From now on everything stays."""
        self._stays = Home(reason)

    def open(self, call, state, listener, place="lab", reason=""):
        """A new portion's number. Raises `PortalClosed` unless it stays home."""
        with outgoing().speaking:
            try:
                return self._portal.open(call, state, listener, place, reason).portion
            except PortalClosed:
                if place == "lab":
                    raise
                return None

    def send(self, portion, records, final=False):
        """Give items to a portion. Raises `PortalClosed`."""
        with outgoing().speaking:
            self._portal.send(portion, records, final)

    def drop(self, portion):
        """Nobody wants more results of a portion. Raises `PortalClosed`."""
        with outgoing().speaking:
            self._portal.drop(portion)

    def files_changed(self):
        """Whether the program has changed files since it was last looked. Raises `PortalClosed`."""
        with outgoing().speaking:
            return self._portal.files_changed()

    def explain(self, error, call, function, args, kwargs):
        """Say which value cannot be pickled, in the task's log and beside the exception: that must stay, since programs may look at it."""
        text = u"an item of %s cannot be sent: %s: %s" % (said(call), culprit(function, args, kwargs), shown(error))
        if getattr(error, "__cause__", None) is None:
            error.__cause__ = Unsendable(text)
        try:
            self._portal.note(text)
        except PortalClosed:
            pass


class _Closing(object):
    """The end of an origin, in the sending thread, behind everything that was sent before."""

    def __init__(self, origin, is_finished):
        self._origin = origin
        self._is_finished = is_finished

    def send_waiting(self):
        if self._origin is not None:
            self._origin.close(self._is_finished)

    def stay(self, reason):
        """It was closed as far as it could be."""
