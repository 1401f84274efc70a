"""How far ahead the items of a found portion are sent, with a portal that is played."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from marx.runner.found import sending
from marx.runner.portal import Opened, PortalClosed


class Portal:
    """Gives an outcome of so many bytes for each item at once, but none before ``needed`` items have come."""

    slots = 2

    def __init__(self, size: int = 10, needed: int = 0) -> None:
        self._outcome = "pickles", pickle.dumps((True, b"x" * size))
        self._needed = needed
        self._answered = 0
        self.sent: list[bytes] = []
        self.finals: list[bool] = []

    def send_state(self, content: bytes) -> int:
        return 1

    def open(self, call: dict[str, Any], state: int, listener: sending.Portion) -> Opened:
        self._listener = listener
        return Opened(1)

    def send(self, number: int, records: list[bytes], final: bool = False) -> None:
        self.sent += records
        self.finals.append(final)
        if len(self.sent) >= self._needed:
            count, self._answered = len(self.sent) - self._answered, len(self.sent)
            self._listener.returned(self._answered - count, [self._outcome] * count)


def opened(portal: Any, count: int) -> sending.Portion:
    portion = sending.Portion(portal, pickle.loads)
    portion.open({}, b"state", [str(number).encode() for number in range(count)])
    return portion


def taken(portal: Portal, portion: sending.Portion, count: int) -> int:
    """Take all outcomes; how many items were out at most whose outcomes nobody had taken."""
    most = 0
    for index in range(count):
        assert portion.outcome(index)
        most = max(most, len(portal.sent) - index - 1)
    return most


@pytest.mark.parametrize("count", [1, 31, 32, 33, 5000])
def test_every_item_is_sent_once_and_the_last_is_final(count: int) -> None:
    portal = Portal()
    taken(portal, opened(portal, count), count)
    assert portal.sent == [str(number).encode() for number in range(count)]
    assert portal.finals == [False] * (len(portal.finals) - 1) + [True]


def test_small_outcomes_let_all_items_go() -> None:
    portal = Portal()
    assert taken(portal, opened(portal, 5000), 5000) > 4900


def test_large_outcomes_let_few_items_go() -> None:
    portal = Portal(size=20 << 20)
    assert taken(portal, opened(portal, 80), 80) <= sending.FIRST_ITEMS


def test_more_are_sent_where_nothing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that holds outcomes back until it has seen again what stood in one pack."""
    monkeypatch.setattr(sending, "STARVING_SECONDS", 0.01)
    portal = Portal(needed=100)
    assert taken(portal, opened(portal, 300), 300)


def test_a_portal_that_closes_ends_the_portion() -> None:
    class Closing(Portal):
        def send(self, number: int, records: list[bytes], final: bool = False) -> None:
            if self.sent:
                raise PortalClosed("the keeper is gone")
            super().send(number, records, final)

    portion = opened(Closing(), 5000)
    assert portion.outcome(0)
    assert portion.outcome(40) is None
    assert portion.refusal == "the keeper is gone"
