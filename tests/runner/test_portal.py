"""The program's side of the portal, with a test at the other end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.pipe import FrameError
from marx.runner.portal import Portal, PortalClosed, outcomes_of
from marx.runner.records import split_records
from marx.worker.pipe import Frame, FrameReader, encode
from tests.runner.keeping import framed

CALL = {"file": "prog.py", "line": 31, "kind": "Pool.map", "function": "f"}


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.outcomes: dict[int, tuple[str, Any]] = {}
        self.reasons: list[str] = []
        self._heard = threading.Semaphore(0)

    def returned(self, first: int, outcomes: list[tuple[str, Any]]) -> None:
        for place, outcome in enumerate(outcomes):
            assert first + place not in self.outcomes
            self.outcomes[first + place] = outcome
        self._heard.release()

    def refused(self, reason: str) -> None:
        self.reasons.append(reason)
        self._heard.release()

    def wait_heard(self, calls: int = 1) -> None:
        """Until it was called so often."""
        for _ in range(calls):
            assert self._heard.acquire(timeout=20)


class Keeper:
    """The other end of a portal: answers O and S at once, keeps everything."""

    def __init__(self) -> None:
        self.ours, its = socket.socketpair()
        self.portal = Portal(its.detach(), 5)
        self.heard: list[Frame] = []
        self._frames = FrameReader()
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        while received := self.ours.recv(1 << 16):
            for frame in self._frames.feed(received):
                self.heard.append(frame)
                if frame.kind == "O":
                    self.say(b"o", {"portion": frame.header["portion"]})
                elif frame.kind == "S":
                    self.say(b"s", {"changed": True})

    def say(self, kind: bytes, header: dict[str, Any], payload: bytes = b"") -> None:
        self.ours.sendall(encode(kind, header, payload))

    def give(self, portion: int, first: int, pickles: list[bytes], **more: Any) -> None:
        payload = framed(pickles)
        header = {"portion": portion, "first": first, "count": len(pickles), "codec": "pickles", "total": len(payload), **more}
        self.say(b"G", header, payload)

    def close(self) -> None:
        """Go away."""
        self.ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.ours.close()


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper()
    yield made
    made.close()
    os.close(made.portal._descriptor)


def test_numbers_are_drawn_in_the_order_of_opening(keeper: Keeper) -> None:
    portal = keeper.portal
    opened = [portal.open(CALL, None, Listener()).portion for _ in range(3)]
    assert opened == [1, 2, 3] and portal.slots == 5
    assert [frame.header["portion"] for frame in keeper.heard] == [1, 2, 3]
    assert portal.files_changed() is True


def test_results_in_parts_and_known_ones(keeper: Keeper) -> None:
    listener = Listener()
    keeper.portal.open(CALL, None, listener)
    payload = framed([b"a", b"b", b"c", b"d"])
    header = {"portion": 1, "first": 10, "count": 4, "codec": "pickles", "total": len(payload), "known": [[10, 1], [12, 1]]}
    for offset in range(len(payload)):
        keeper.say(b"G", {**header, "offset": offset}, payload[offset : offset + 1])
    listener.wait_heard(2)
    assert listener.outcomes == {11: ("pickles", b"b"), 13: ("pickles", b"d")}


def test_a_result_that_was_given_up_half_way_leaves_nothing(keeper: Keeper) -> None:
    listener = Listener()
    keeper.portal.open(CALL, None, listener)
    keeper.give(1, 0, [b"lost"], total=100, offset=0)
    keeper.give(1, 0, [b"new"], offset=0)
    listener.wait_heard()
    assert listener.outcomes == {0: ("pickles", b"new")}


def test_a_portion_whose_results_are_all_there_is_forgotten(keeper: Keeper) -> None:
    listener = Listener()
    portal = keeper.portal
    portal.open(CALL, None, listener)
    portal.send(1, [b"a", b"b"])
    portal.send(1, [], final=True)
    keeper.give(1, 0, [b"A", b"B"])
    listener.wait_heard()
    portal.files_changed()  # the reader is through with what came before
    assert not portal._portions
    keeper.give(1, 0, [b"again"])
    portal.files_changed()
    assert listener.outcomes == {0: ("pickles", b"A"), 1: ("pickles", b"B")}


def test_results_for_what_was_dropped_go_nowhere(keeper: Keeper) -> None:
    listener = Listener()
    keeper.portal.open(CALL, None, listener)
    keeper.portal.drop(1)
    keeper.give(1, 0, [b"A"])
    keeper.portal.files_changed()
    assert not listener.outcomes


def test_a_listener_that_raises_does_not_stop_the_others(keeper: Keeper, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(Listener):
        def returned(self, first: int, outcomes: list[tuple[str, Any]]) -> None:
            raise ZeroDivisionError

    listener = Listener()
    keeper.portal.open(CALL, None, Broken())
    keeper.portal.open(CALL, None, listener)
    keeper.give(1, 0, [b"A"])
    keeper.give(2, 0, [b"B"])
    listener.wait_heard()
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_large_sendings_of_several_threads_do_not_mix(keeper: Keeper) -> None:
    portal = keeper.portal
    for _ in range(4):
        portal.open(CALL, None, Listener())
    threads = [threading.Thread(target=portal.send, args=[number, [bytes([number]) * 3_000_000]]) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    portal.files_changed()
    parts = [frame for frame in keeper.heard if frame.kind == "I"]
    assert [parts[begin].header["offset"] for begin in range(0, 12, 3)] == [0] * 4
    for begin in range(0, 12, 3):
        [record] = split_records(b"".join(frame.payload for frame in parts[begin : begin + 3]))
        assert record == bytes([parts[begin].header["portion"]]) * 3_000_000


@pytest.mark.parametrize(
    "last_words",
    [b"", b"\xff" * 30, encode(b"G", {}), encode(b"G", {"portion": 1, "first": 0, "codec": "pickles"}, b"cut")],
)
def test_when_the_keeper_goes_away_everybody_is_told(last_words: bytes) -> None:
    keeper, listener = Keeper(), Listener()
    keeper.portal.open(CALL, None, listener)
    if last_words:
        keeper.ours.sendall(last_words)
    else:
        keeper.close()
    listener.wait_heard()
    assert listener.reasons == ["the keeper is gone"] and keeper.portal.closed
    with pytest.raises(PortalClosed):
        keeper.portal.send(1, [b"x"])
    with pytest.raises(PortalClosed):
        keeper.portal.open(CALL, None, listener)
    if last_words:
        keeper.close()
    os.close(keeper.portal._descriptor)


@given(st.lists(st.binary(max_size=50)), st.data())
def test_outcomes_are_what_they_were_or_refused(records: list[bytes], data: st.DataObject) -> None:
    assert outcomes_of("pickles", framed(records)) == [("pickles", record) for record in records]
    if records:
        with pytest.raises(FrameError):
            outcomes_of("pickles", framed(records)[: -data.draw(st.integers(1, len(records[-1]) + 3))])
