"""A portion that nobody has asked for, through the portal: opened, its items sent, its outcomes waited for in their order."""

from __future__ import absolute_import

import hashlib
import threading

from marx.runner.carry.capturing import capture
from marx.runner.carry.content import FOUND
from marx.runner.carry.references import references
from marx.runner.compat import elapsed, monotonic
from marx.runner.portal import LOOK_SECONDS, PortalClosed

#: Items that are out until it is known how large an outcome is, and at least from then on; bytes of outcomes that may wait.
FIRST_ITEMS, LEAST_ITEMS, BYTES_AHEAD = 32, 16, 128 << 20
#: Seconds without any outcome behind which twice as many are sent. A program that is begun again gets none before it has sent again what stood
#: in one pack with it; and that may have been more, by another version of ours.
STARVING_SECONDS = 2.0

_numbers = {}


def named_in(records):
    """What items that are pickled in ``records`` name."""
    return frozenset().union(*[references(record) for record in records])


def state_of(begin, about, named):
    """The state of this moment, bytes, for items that name ``named``. ``begin(*about)`` is called in runners. Raises `CannotCarry`."""
    return capture((), named, begin, about, FOUND).content


class Portion(object):
    """The listener of one. ``loads``: of a `Numbering`. ``refusal``: why nothing comes any more, None as long as something may. ``slots``: of the lab.

    ``taking_seconds``: how long it took to read the last outcome that was asked for.

    Outcomes wait here until they are asked for, so only so many items are out that they have room.
    """

    def __init__(self, portal, loads):
        self._portal = portal
        self._loads = loads
        self._number = None
        self._records, self._sent = [], 0
        self._outcomes = {}
        self._taken = self._taken_bytes = 0
        self._came = threading.Event()
        self.refusal = None
        self.slots = portal.slots
        self.taking_seconds = 0.0

    def open(self, call, content, records):
        """Send the state, see `state_of`, and the first items. Raises `PortalClosed`."""
        digest = hashlib.sha256(content).digest()
        if digest not in _numbers:
            _numbers[digest] = self._portal.send_state(content)
        self._number = self._portal.open(call, _numbers[digest], self).portion
        self._records = records
        self._send_to(FIRST_ITEMS)

    def _send_to(self, stop):
        stop = min(stop, len(self._records))
        self._portal.send(self._number, self._records[self._sent : stop], final=stop == len(self._records))
        self._sent = stop

    def _send_more(self, index):
        """Send what may be out when the outcome of an item is asked for, several at once."""
        size = self._taken_bytes // (self._taken or 1)
        ahead = max(LEAST_ITEMS, BYTES_AHEAD // (size or 1))
        if self._taken and self._sent < min(len(self._records), index + 1 + ahead // 2):
            self._send_to(index + 1 + ahead)

    def _wait_for(self, index):
        began_at = monotonic()
        while index not in self._outcomes and self.refusal is None:
            self._came.wait(LOOK_SECONDS)
            self._came.clear()
            if not self._outcomes and self._sent < len(self._records) and elapsed(began_at) > STARVING_SECONDS:
                self._send_to(2 * self._sent)
                began_at = monotonic()

    def outcome(self, index):
        """That of an item, waiting for it; None if there will be none. Outcomes are asked for in order."""
        try:
            self._send_more(index)
            self._wait_for(index)
        except PortalClosed as error:
            self.refusal = str(error)
        except BaseException:  # KeyboardInterrupt, most likely
            self.drop()
            raise
        codec, content = self._outcomes.pop(index, ("nothing", None))
        if codec != "pickles":
            self.refusal = self.refusal or content and content["message"]
            return None
        self._taken += 1
        self._taken_bytes += len(content)
        began_at = monotonic()
        try:
            return self._loads(content)[1]
        except Exception:
            return None
        finally:
            self.taking_seconds = elapsed(began_at)

    def drop(self):
        """Nothing more is wanted."""
        try:
            self._portal.drop(self._number)
        except PortalClosed:
            pass

    # Called by the portal's reader

    def returned(self, first, outcomes):
        """See `Portal.open`."""
        for place, outcome in enumerate(outcomes):
            self._outcomes[first + place] = outcome
        self._came.set()

    def refused(self, reason):
        """See `Portal.open`."""
        self.refusal = reason
        self._came.set()
