"""Items of the program's calls, portion by portion, to the lab or to processes at home.

Any thread puts items into a `Feed`; all the rest happens in the sending thread, but for outcomes, which the portal's reader brings.
"""

from __future__ import absolute_import

import itertools
from collections import deque, namedtuple

from marx.runner.standins.outgoing import outgoing
from marx.runner.standins.pickling import bound_here

#: One item on its way. ``token``: what its outcome is told with. ``record``: its pickle. ``function``: what it calls. ``call``: who asked for it.
Item = namedtuple("Item", "token record function call")

#: Why items stay here, in the place of a state's number.
Home = namedtuple("Home", "reason")


class Feed(object):
    """The items of one call of the program; or of single calls one after the other, if it ``is_shared``.

    Each state that its items must see makes a portion of its own; where it is shared, so does each change of the program's files.
    """

    def __init__(self, ground, is_shared=False):
        self._ground = ground
        self._is_shared = is_shared
        self._waiting = deque()
        self._is_awake = self._is_sending = False
        self._is_ended = False
        self._is_dropped = False
        self._stays = False
        self._open = {}
        self._finished = []

    # Any thread

    def put(self, item):
        """Take an item."""
        self._waiting.append(item)
        self._wake()

    def end(self):
        """There are no more."""
        self._is_ended = True
        self._wake()

    def drop(self):
        """Nobody wants what has not come."""
        self._is_dropped = True
        self._wake()

    def _wake(self):
        if not self._is_awake:
            self._is_awake = True
            outgoing().wake(self)

    @property
    def is_done(self):
        """Whether nothing of it is open. What is taken and not yet in a portion is on its way."""
        is_under_way = self._is_awake or self._is_sending
        is_over = (self._is_ended or self._is_dropped) and not is_under_way and not self._waiting and not self._open
        return is_over and not any(portion.is_out for portion in self._finished)

    # The sending thread

    def send_waiting(self):
        """Send what there is. Raises `PortalClosed`."""
        self._is_sending = True
        self._is_awake = False
        try:
            self._send_all(self._is_ended, self._is_dropped)
        finally:
            self._is_sending = False

    def _send_all(self, is_ended, is_dropped):
        if is_dropped:
            self._waiting.clear()
            return self._drop_all()
        if self._waiting and self._is_shared and self._is_in_lab() and self._ground.files_changed():
            self._finish_all()
        self._send(self._taken())
        if is_ended:
            self._finish_all()

    def stay(self, reason):
        """`send_waiting` failed: whatever is open, and what still comes, is served at home; if even that fails, not at all."""
        if self._stays:
            self._ground.arrived([(item.token, ("entries", {"message": reason})) for item in self._taken()])
            return
        self._stays = True
        self._ground.stay(reason)
        for portion in list(self._open.values()):
            portion.refused(reason)
        self._wake()

    def _send(self, items):
        try:
            while items:
                place = self._place_of(items[0])
                group = list(itertools.takewhile(lambda item: self._place_of(item) == place, items))
                portion = self._portion(place, items[0].call)
                items = items[len(group) :]
                portion.send(group)
        except BaseException:
            self._waiting.extendleft(reversed(items))
            raise

    def _is_in_lab(self):
        return any(isinstance(portion, PortionInLab) for portion in self._open.values())

    def _taken(self):
        items = []
        while self._waiting:
            items.append(self._waiting.popleft())
        return items

    def _place_of(self, item):
        bound = bound_here(item.record)
        if bound:
            return Home(u"an item holds something of multiprocessing.%s, which other machines cannot use" % bound)
        return self._ground.state_of(item.function, item.record)

    def _portion(self, place, call):
        if place not in self._open:
            kind = PortionAtHome if isinstance(place, Home) else PortionInLab
            self._open[place] = kind(self._ground, call, place)
        return self._open[place]

    def _finish_all(self):
        self._finished = [portion for portion in self._finished if portion.is_out]
        while self._open:
            self._finished.append(self._open.popitem()[1])
            self._finished[-1].finish()

    def _drop_all(self):
        portions, self._open, self._finished = list(self._open.values()) + self._finished, {}, []
        for portion in portions:
            portion.drop()


class _Portion(object):
    """What was sent and has not come back."""

    def __init__(self, ground):
        self._ground = ground
        self._out = {}
        self._sent = 0

    @property
    def is_out(self):
        """Whether something is out."""
        return bool(self._out)

    def returned(self, first, outcomes):
        """From the item ``first`` on there are outcomes; one for which there was another one before is left out. In any thread."""
        numbered = [(self._out.pop(first + place, None), outcome) for place, outcome in enumerate(outcomes)]
        self._ground.arrived([(item.token, outcome) for item, outcome in numbered if item is not None])

    def _number(self, items):
        first = self._sent
        for item in items:
            self._out[self._sent] = item
            self._sent += 1
        return first

    def _serve_at_home(self, first):
        """Have those from ``first`` on that are still out computed on this machine."""
        for index in range(first, self._sent):
            item = self._out.get(index)
            if item is not None:
                self._ground.home().put(self, index, item.record)


class PortionInLab(_Portion):
    """An open portion, and the portal's listener for it. All but `returned` and `refused` in the sending thread."""

    def __init__(self, ground, call, state):
        _Portion.__init__(self, ground)
        self._state = state
        self._reason = None
        self._is_home = self._is_finished = False
        self._portion = ground.open(call, state, self)

    def send(self, items):
        """Give it more items."""
        first = self._number(items)
        if self._is_home:
            self._serve_at_home(first)
        elif self._reason is None:
            self._ground.send(self._portion, [item.record for item in items])

    def finish(self):
        """There are no more."""
        if self._reason is None and not self._is_finished:
            self._is_finished = True
            self._ground.send(self._portion, [], final=True)

    def drop(self):
        """Nobody wants what is still out."""
        if not self._out:
            self.finish()
        elif self._reason is None:
            self._ground.drop(self._portion)
        self._out.clear()

    def refused(self, reason):
        """Its state could not be put up where it ran. In any thread."""
        self._reason = reason
        outgoing().wake(self)

    def send_waiting(self):
        """In the sending thread after `refused`."""
        self._is_home = True
        self._ground.refused(self._state, self._reason)
        self._serve_at_home(0)

    def stay(self, reason):
        """`send_waiting` failed."""
        self._ground.arrived([(self._out.pop(index).token, ("entries", {"message": reason})) for index in sorted(self._out)])


class PortionAtHome(_Portion):
    """One whose items are computed by processes on this machine; the lab is only told of it."""

    def __init__(self, ground, call, place):
        _Portion.__init__(self, ground)
        ground.open(call, None, self, "home", place.reason)

    def send(self, items):
        """Compute more items."""
        self._serve_at_home(self._number(items))

    def finish(self):
        """There are no more."""

    def drop(self):
        """Nobody wants what is still out."""
        self._out.clear()

    def refused(self, reason):
        """Nothing can be: it is home."""
