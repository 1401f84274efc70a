"""The worker's end of a connection: every word of the server reaches its duty, and silence is broken in time."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from marx.wire import hello
from marx.wire import worker as wire
from marx.wire.calls import InternalError, WrongVersion
from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk
from marx.worker.link import WorkerLinkFactory
from marx.worker.program_orders import Given
from tests.fakes.servers import FakeEndpoint, FakeServer, Shop


class RecordingDuties:
    """Remembers what was asked, by name and arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.revoking: Deferred[int] = Deferred()
        self.link: Any = None

    def opened(self, link: Any) -> None:
        self.link = link

    def closed(self, link: Any, why: Any) -> None:
        self.calls.append(("closed", link is self.link))

    def revoke(self, fences: Any, gently: bool) -> Deferred[int]:
        self.calls.append(("revoke", fences, gently))
        return self.revoking

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


class Line:
    """One connection between duties and a played server."""

    def __init__(self) -> None:
        self.clock, self.shop, self.duties = Clock(), Shop(), RecordingDuties()
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.clock, self.shop))
        self.endpoint.connect(WorkerLinkFactory(self.clock, self.duties))
        self.link, self.server = self.duties.link, self.endpoint.server

    def greet(self) -> list[Any]:
        outcome: list[Any] = []
        ensureDeferred(self.link.greet("boot-1")).addBoth(outcome.append)
        self.endpoint.flush()
        return outcome

    def tell(self, command: Any, **arguments: Any) -> list[Any]:
        outcome: list[Any] = []
        self.server.ask(command, **arguments).addBoth(outcome.append)
        self.endpoint.flush()
        return outcome


@pytest.fixture
def line() -> Line:
    return Line()


def test_items_and_grants_arrive_in_the_order_in_which_they_were_sent(line: Line) -> None:
    pack = ItemPack(0, 2, "json", b"1\n2")
    chunks = [Chunk(1 << 40, "a", 0, 0, 2, slot=1, attempt=2), Chunk(1 << 41, "a", 0, 0, 1, slot=2, attempt=3, is_copy=True)]
    line.server.carry("a", pack)
    line.server.grant(*chunks)
    line.endpoint.flush()
    assert line.duties.calls == [("carry", "a", 0, pack), ("grant", chunks)]


def test_a_range_and_a_blob_arrive_as_what_they_are(line: Line) -> None:
    packs = [ItemPack(0, 10**9, "range", args=(5, -2)), ItemPack(7, 1, "json", blob="d" * 64)]
    for pack in packs:
        line.server.carry("a", pack)
    line.endpoint.flush()
    assert [call[3] for call in line.duties.calls] == packs


def test_dropping_and_forgetting(line: Line) -> None:
    line.tell(wire.DropItems, packs=[["a", 0, 10]])
    line.tell(wire.ForgetTask, task="a")
    assert line.duties.calls == [("drop", [("a", 0, 10)]), ("forget", "a")]


def test_revoking_is_answered_when_the_processes_are_gone(line: Line) -> None:
    answer = line.tell(wire.RevokeChunks, fences=[1, 2], reason="cancelled", gently=True)
    assert line.duties.calls == [("revoke", [1, 2], True)] and answer == []
    line.duties.revoking.callback(3)
    line.endpoint.flush()
    assert answer == [{"processes": 3}]
    line.duties.revoking = Deferred()
    line.tell(wire.RevokeChunks, fences=[1], reason="cancelled")
    assert line.duties.calls[1:] == [("revoke", [1], False)]


def test_what_is_for_a_main_program_is_answered_when_the_program_has_it(line: Line) -> None:
    change = {"path": "out.txt", "deleted": True}
    waiting: Deferred[None] = Deferred()
    line.duties.carry_change = lambda *arguments: line.duties.calls.append(("change", *arguments)) or waiting
    line.duties.signal = lambda fence, number: number == 2
    changed = line.tell(wire.CarryChange, fence=9, row=1, change=change)
    returned = line.tell(
        wire.CarryReturns, fence=9, row=2, portion=1, first=4, count=2, pack_first=3, codec="pickles", failed=[5], payload=b"pack", blob=None
    )
    line.tell(wire.RefusePortion, fence=9, portion=1, reason="no such module")
    assert line.duties.calls == [
        ("change", 9, 1, change),
        ("carry_returns", 9, 2, Given(1, 4, 2, "pickles", [5]), 3, b"pack", None),
        ("refuse_portion", 9, 1, "no such module"),
    ]
    assert changed == [] and returned == [{}]
    waiting.callback(None)
    line.endpoint.flush()
    assert changed == [{}]
    assert [line.tell(wire.SignalProgram, fence=9, signal=number) for number in (2, 15)] == [[{"delivered": True}], [{"delivered": False}]]


def test_the_greeting_says_who_this_is_and_brings_the_servers_settings(line: Line) -> None:
    [answer] = line.greet()
    assert answer["name"] == "lab-1" and line.shop.boots == ["boot-1"]


def test_a_server_of_another_version_is_said(line: Line) -> None:
    line.shop.refuses["Greet"] = WrongVersion("this server speaks version 9")
    [failure] = line.greet()
    assert failure.check(WrongVersion)


def test_a_sign_of_life_is_sent_when_nothing_else_was_said(line: Line) -> None:
    line.greet()
    line.clock.advance(10)
    line.endpoint.flush()
    line.link.tell(wire.DescribeTask, task="a")
    line.clock.advance(10)
    line.endpoint.flush()
    assert "Beat" not in line.shop.calls
    for _ in range(20):
        line.clock.advance(5)
        line.endpoint.flush()
    assert 5 <= line.shop.calls.count("Beat") <= 7


def test_the_servers_own_sign_of_life_is_answered(line: Line) -> None:
    assert line.tell(hello.Beat) == [{}]
    assert line.tell(hello.SayGoodbye, reason="it restarts") == [{}]


def test_the_end_of_a_connection_is_told_and_leaves_no_timer(line: Line) -> None:
    line.greet()
    line.endpoint.cut()
    assert line.duties.calls == [("closed", True)] and line.clock.getDelayedCalls() == []


def test_words_that_make_no_sense_cost_neither_the_connection_nor_the_rest(line: Line, logged_failures: Any) -> None:
    line.duties.revoke = None  # type: ignore[assignment,method-assign]
    [failure] = line.tell(wire.RevokeChunks, fences=[1], reason="cancelled")
    assert failure.check(InternalError) and line.link.up
    assert len(logged_failures.flush()) == 1
