"""What a link reads from a peer that is wrong or malicious costs that peer an answer or its connection, and nobody anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AmpBox, StartTLS, parseString

from marx.wire.arguments import BULK_LIMIT, Bulk, Integer, Json, Unicode
from marx.wire.boxes import BOX_BYTES, PAIR_BYTES, SENTENCE
from marx.wire.calls import BadRequest, GuardedLink, InternalError, MarxCommand, NotFound, Unavailable


class Weigh(MarxCommand):
    arguments = [(b"number", Integer()), (b"name", Unicode()), (b"load", Bulk(optional=True)), (b"more", Json(optional=True))]
    response = [(b"sum", Integer())]


class Note(MarxCommand):
    arguments = [(b"number", Integer())]
    response = []
    requiresAnswer = False


class Server(GuardedLink):
    @Weigh.responder
    def on_weigh(self, number: int, name: str, **more: Any) -> dict[str, int]:
        if name:
            raise NotFound(f"there is no {name!r}")
        return {"sum": number}

    @Note.responder
    def on_note(self, number: int) -> None:
        pass

    def amp_SECRET(self, box: AmpBox) -> AmpBox:
        return box


class Transport(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()


class Raw:
    """A link, and somebody at its other end who writes what they like."""

    def __init__(self) -> None:
        self.link = Server(Clock())
        self.transport = Transport()
        self.link.makeConnection(self.transport)

    def send(self, *boxes: dict[bytes, bytes]) -> list[AmpBox]:
        """What these boxes are answered with."""
        self.write(b"".join(AmpBox(box).serialize() for box in boxes))
        return self.answers()

    def write(self, data: bytes) -> None:
        self.link.dataReceived(data)

    def answers(self) -> list[AmpBox]:
        said = parseString(self.transport.value())
        self.transport.clear()
        return said

    def call(self, command: bytes = b"Weigh", **arguments: bytes) -> AmpBox:
        [answer] = self.send({b"_command": command, b"_ask": b"1", **{key.encode(): value for key, value in arguments.items()}})
        return answer

    @property
    def is_open(self) -> bool:
        return not self.transport.aborted and not self.transport.disconnecting


@pytest.fixture
def raw() -> Raw:
    return Raw()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"number": b"x", "name": b""},
        {"number": b"9" * 5000, "name": b""},
        {"number": b"9223372036854775808", "name": b""},
        {"number": b"1", "name": b"\xff"},
        {"number": b"1", "name": b"", "more": b"{"},
        {"number": b"1", "name": b"", "more": b"[" * 60_000},
    ],
    ids=["none", "no number", "5,000 digits", "65 bits", "no UTF-8", "no JSON", "60,000 lists"],
)
def test_arguments_that_cannot_be_read_are_a_refusal_and_keep_the_connection(raw: Raw, arguments: dict[str, bytes]) -> None:
    refused = raw.call(**arguments)
    assert refused[b"_error_code"] == MarxCommand.errors[BadRequest] == b"BAD_REQUEST"
    assert b"arguments of Weigh" in refused[b"_error_description"] and b"Traceback" not in refused[b"_error_description"]
    assert raw.call(number=b"7", name=b"")[b"sum"] == b"7" and raw.is_open


@pytest.mark.parametrize("name", [StartTLS.commandName, b"SECRET", b"secret", b"", b"\xff\xfe", b"x" * 60_000], ids=repr)
def test_a_command_that_is_none_of_ours_is_unknown_whatever_twisted_knows(raw: Raw, name: bytes) -> None:
    refused = raw.call(name)
    assert refused[b"_error_code"] == b"UNHANDLED" and len(refused[b"_error_description"]) < 1000
    assert raw.is_open


def test_a_refusal_that_repeats_what_was_asked_stays_short(raw: Raw) -> None:
    refused = raw.call(number=b"1", name=b"\x00" * 60_000)
    assert refused[b"_error_code"] == b"NOT_FOUND" and len(refused[b"_error_description"]) <= SENTENCE + 3
    assert raw.is_open


def test_what_nobody_waits_for_is_forgotten(raw: Raw) -> None:
    boxes = [{b"_command": b"Note", b"number": b"x"}, {b"_command": b"Nothing"}, {b"_command": b"Weigh"}]
    boxes.append({b"_command": b"Weigh", b"number": b"1", b"name": b"x"})
    assert raw.send(*boxes) == []
    assert raw.is_open


@pytest.mark.parametrize(
    "box",
    [{b"a": b"b"}, {b"_answer": b"1"}, {b"_error": b"1"}, {b"_answer": b"\xff" * 300}],
    ids=["neither question nor answer", "answer to nothing", "error to nothing", "no number"],
)
def test_a_box_that_is_no_question_and_no_answer_ends_the_connection(raw: Raw, box: dict[bytes, bytes]) -> None:
    assert raw.send(box, {b"_command": b"Weigh", b"_ask": b"1", b"number": b"1", b"name": b""}) == []
    assert not raw.is_open


def test_noise_ends_the_connection(raw: Raw) -> None:
    raw.write(b"GET / HTTP/1.0\r\n\r\n")
    assert not raw.is_open


def test_a_box_has_a_limit_in_bytes_and_in_keys(raw: Raw) -> None:
    raw.write(b"".join(b"\x00\x02%c%c\xff\xff" % (first, 1) + b"x" * 0xFFFF for first in range(60)))
    assert raw.is_open
    raw.write(b"".join(b"\x00\x02%c%c\xff\xff" % (first, 2) + b"x" * 0xFFFF for first in range(60)))
    assert not raw.is_open
    many = Raw()
    keys = (number.to_bytes(3, "big") for number in range(BOX_BYTES // PAIR_BYTES + 1))
    many.write(b"".join(b"\x00\x03" + key + b"\x00\x00" for key in keys))
    assert not many.is_open


def test_two_of_the_largest_arguments_fit_a_box_and_a_larger_one_is_refused(raw: Raw) -> None:
    def spread(name: bytes, size: int) -> dict[str, bytes]:
        parts = [b"1" * min(65_000, size - start) for start in range(0, size, 65_000)]
        return {(name + (b"~%d" % place if place else b"")).decode(): part for place, part in enumerate(parts)}

    largest = {**spread(b"load", BULK_LIMIT), **spread(b"other", BULK_LIMIT)}
    assert raw.call(number=b"7", name=b"", **largest)[b"sum"] == b"7"
    assert b"an argument may have" in raw.call(number=b"7", name=b"", **spread(b"load", BULK_LIMIT + 1))[b"_error_description"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [({b"sum": b"x"}, InternalError), ({}, InternalError), ({b"_error": b"1"}, InternalError), ({b"_error": b"1", b"_error_code": b"\xff"}, InternalError)],
    ids=["no number", "nothing", "no code", "a code of noise"],
)
def test_an_answer_that_cannot_be_read_is_a_fault_of_the_other_side(raw: Raw, answer: dict[bytes, bytes], error: type) -> None:
    asked = raw.link.ask(Weigh, number=1, name="")
    outcome: list[Any] = []
    asked.addErrback(lambda failure: outcome.append(failure.value))
    raw.send({**answer} if b"_error" in answer else {b"_answer": b"1", **answer})
    [failed] = outcome
    assert isinstance(failed, error) and "Traceback" not in str(failed)


def test_nobody_waits_for_ever_for_an_answer_that_went_to_somebody_else(raw: Raw) -> None:
    asked = raw.link.ask(Weigh, number=1, name="")
    raw.send({b"_answer": b"77"})
    assert not raw.is_open
    outcome: list[Any] = []
    asked.addErrback(lambda failure: outcome.append(failure.value))
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    raw.link.connectionLost(Failure(ConnectionDone()))
    assert isinstance(outcome[0], Unavailable)


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_whatever_comes_in_whatever_parts_no_exception_leaves_a_link(parts: list[bytes]) -> None:
    raw = Raw()
    for part in parts:
        raw.write(part)
