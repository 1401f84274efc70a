"""Whoever asks the server waits through cuts of the connection, and asks again when the server could not answer just now."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.task import Clock

from marx.wire.calls import GuardedLink, NotFound, Unavailable
from marx.wire.worker import DescribeTask
from marx.worker.uplink import AGAIN_SECONDS, Uplink
from tests.fakes.servers import SPEC, FakeEndpoint, FakeServer, Shop


class Asker:
    """An uplink with a played server, and one question."""

    def __init__(self) -> None:
        self.clock, self.shop = Clock(), Shop()
        self.uplink = Uplink(self.clock)
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.clock, self.shop))
        self.answers: list[Any] = []

    def connect(self) -> None:
        factory = type("Factory", (), {"buildProtocol": lambda _, address: GuardedLink(self.clock)})()
        self.endpoint.connect(factory).addCallback(self.uplink.connected)

    def ask(self, task: str = "a") -> Any:
        asked = ensureDeferred(self.uplink.ask(DescribeTask, task=task))
        asked.addBoth(self.answers.append)
        self.endpoint.flush()
        return asked


@pytest.fixture
def asker() -> Asker:
    return Asker()


def test_a_question_waits_for_the_first_connection(asker: Asker) -> None:
    asker.ask()
    assert asker.answers == []
    asker.connect()
    asker.endpoint.flush()
    assert asker.answers == [{"spec": SPEC, "slots": 2, "secrets": None}]


def test_a_question_that_was_cut_off_is_asked_again_over_the_next_connection(asker: Asker) -> None:
    asker.connect()
    ensureDeferred(asker.uplink.ask(DescribeTask, task="a")).addBoth(asker.answers.append)
    asker.endpoint.cut()
    assert asker.answers == [], "it waits already, although nobody has said yet that the link is lost"
    asker.uplink.cut()
    assert asker.answers == []
    asker.connect()
    asker.endpoint.flush()
    assert asker.answers == [{"spec": SPEC, "slots": 2, "secrets": None}]


def test_a_refusal_is_an_answer(asker: Asker) -> None:
    asker.connect()
    asker.ask("unknown")
    assert asker.answers[0].check(NotFound)


def test_what_the_server_cannot_answer_now_is_asked_again_after_a_moment(asker: Asker) -> None:
    asker.connect()
    asker.shop.refuses["DescribeTask"] = Unavailable("the disk is full")
    asker.ask()
    del asker.shop.refuses["DescribeTask"]
    assert asker.answers == []
    asker.clock.advance(AGAIN_SECONDS)
    asker.endpoint.flush()
    assert asker.answers == [{"spec": SPEC, "slots": 2, "secrets": None}]


def test_who_waits_for_a_connection_may_stop_waiting(asker: Asker) -> None:
    asker.ask().cancel()
    assert asker.answers[0].check(CancelledError)
    asker.connect()
    assert asker.shop.calls == []
