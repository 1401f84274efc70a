"""Sending files and items: windows, order, and what happens when the connection is lost or the task ends on the way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed

from marx.tasker.exits import Trouble
from marx.tasker.link import Connection
from marx.tasker.manifest import parts_of_bytes
from marx.tasker.submit import ReadAhead, TaskEnded, add_items
from marx.tasker.transfer import fetch_blob, send_blob
from marx.tasker.window import Window
from marx.wire.blobs import PART_BYTES
from marx.wire.calls import BadRequest
from marx.wire.packs import ItemPack
from tests.fakes.server_link import FakeServer, FakeTask
from tests.tasker.conftest import until


async def packs_of(count: int, broken_at: int | None = None) -> AsyncIterator[ItemPack]:
    """`count` packs of two items each."""
    for number in range(count):
        if number == broken_at:
            raise Trouble("line 7 is broken", 2)
        yield ItemPack(2 * number, 2, "json", b"%d\n%d" % (2 * number, 2 * number + 1))


async def opened(server: FakeServer) -> Connection:
    """A connection to `server`, which has a task "abc"."""
    server.held = True
    server.tasks["abc"] = FakeTask("abc", {})
    connection = Connection(server.connect, server.reactor, jitter=lambda: 1.0)
    await connection.open()
    return connection


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 100])
@pytest_twisted.ensureDeferred
async def test_all_items_arrive_in_order_and_the_last_is_final(server: FakeServer, count: int) -> None:
    connection = await opened(server)
    await add_items(connection, "abc", ReadAhead("json", packs_of(count)))
    assert (server.task.items, server.task.final) == (list(range(2 * count)), True)
    await connection.close()


@pytest.mark.parametrize("read_ahead", [1, 3, 100])
@pytest_twisted.ensureDeferred
async def test_what_was_read_ahead_is_sent_first(server: FakeServer, read_ahead: int) -> None:
    connection = await opened(server)
    ahead = await ReadAhead("json", packs_of(5)).fill(read_ahead)
    await add_items(connection, "abc", ahead)
    assert (server.task.items, server.task.final) == (list(range(10)), True)
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_items_of_a_slow_source_are_sent_as_they_come(server: FakeServer) -> None:
    connection = await opened(server)
    more: list[Deferred[None]] = [Deferred(), Deferred()]

    async def slowly() -> AsyncIterator[ItemPack]:
        for number, go in enumerate(more):
            yield ItemPack(number, 1, "json", b"%d" % number)
            await go

    adding = Deferred.fromCoroutine(add_items(connection, "abc", ReadAhead("json", slowly())))
    await until(server, lambda: server.task.items == [0])
    more[0].callback(None)
    await until(server, lambda: server.task.items == [0, 1])
    assert not server.task.final
    more[1].callback(None)
    await adding
    assert server.task.final
    await connection.close()


@pytest.mark.parametrize("cut_after", [0, 2, 40])
@pytest_twisted.ensureDeferred
async def test_a_lost_connection_loses_and_repeats_no_item(server: FakeServer, cut_after: int) -> None:
    connection = await opened(server)
    adding = Deferred.fromCoroutine(add_items(connection, "abc", ReadAhead("json", packs_of(50))))
    await until(server, lambda: len(server.task.items) >= cut_after)
    server.cut()
    await adding
    assert (server.task.items, server.task.final) == (list(range(100)), True)
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_a_task_that_ended_takes_no_more_and_that_is_no_trouble_of_its_own(server: FakeServer) -> None:
    connection = await opened(server)
    server.task.state = "failed"
    with pytest.raises(TaskEnded):
        await add_items(connection, "abc", ReadAhead("json", packs_of(50)))
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_what_reading_raises_ends_the_sending(server: FakeServer) -> None:
    connection = await opened(server)
    with pytest.raises(Trouble, match="line 7"):
        await add_items(connection, "abc", ReadAhead("json", packs_of(50, broken_at=30)))
    assert not server.task.final
    await connection.close()


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 10 * PART_BYTES + 7])
@pytest_twisted.ensureDeferred
async def test_a_blob_comes_back_as_it_went(server: FakeServer, size: int) -> None:
    connection = await opened(server)
    content = os.urandom(size)
    digest = hashlib.sha256(content).hexdigest()
    await send_blob(await connection.link(), digest, parts_of_bytes(content, PART_BYTES))
    assert server.blobs[digest] == content
    assert b"".join([part async for part in fetch_blob(connection, "abc", digest)]) == content
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_fetching_goes_on_where_a_lost_connection_left_off(server: FakeServer) -> None:
    connection = await opened(server)
    content = os.urandom(20 * PART_BYTES)
    digest = server.add_blob(content)
    parts = []
    async for part in fetch_blob(connection, "abc", digest):
        parts.append(part)
        if len(parts) == 5:
            server.cut()
    assert b"".join(parts) == content
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_bytes_that_changed_on_the_way_are_refused(server: FakeServer) -> None:
    connection = await opened(server)
    with pytest.raises(BadRequest):
        await send_blob(await connection.link(), "0" * 64, parts_of_bytes(b"other bytes", 4))
    await connection.close()


@given(st.integers(1, 5), st.lists(st.integers(0, 9)))
def test_a_window_never_has_more_under_way_than_its_size(size: int, answered: list[int]) -> None:
    window = Window(size)
    under_way: list[Deferred[Any]] = []
    waiting: list[Deferred[None]] = []

    def add() -> None:
        answer: Deferred[Any] = Deferred()
        under_way.append(answer)
        window.add(answer)

    for which in answered:
        waiting.append(Deferred.fromCoroutine(window.wait_for_room()).addCallback(lambda _: add()))
        assert len(under_way) <= size
        if which < len(under_way):
            under_way.pop(which).callback(None)
            assert len(under_way) <= size


@pytest_twisted.ensureDeferred
async def test_a_window_raises_the_first_failure() -> None:
    window = Window(2)
    for answer in (succeed(None), fail(ValueError("first"))):
        await window.wait_for_room()
        window.add(answer)
    for waiting in (window.wait_for_room, window.drain, window.drain):
        with pytest.raises(ValueError, match="first"):
            await waiting()
