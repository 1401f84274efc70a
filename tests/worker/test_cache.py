"""The server's blobs on this machine: fetched once for all, checked, bounded, and never taken from under who holds them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock

from marx.wire.blobs import PART_BYTES, WINDOW
from marx.wire.calls import GuardedLink, NotFound
from marx.worker.cache import BlobCache, WrongBlob
from marx.worker.uplink import Uplink
from tests.fakes.servers import FakeEndpoint, FakeServer, Shop, digest_of


class Store:
    """A cache, and the played server behind it."""

    def __init__(self, folder: Path, limit: int = 1 << 30) -> None:
        self.folder = folder / "blobs"
        self.clock, self.shop = Clock(), Shop()
        self.uplink = Uplink(self.clock)
        self.cache = BlobCache(self.folder, limit, self.uplink)
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.clock, self.shop))
        self.connect()

    def connect(self) -> None:
        factory = type("Factory", (), {"buildProtocol": lambda _, address: GuardedLink(self.clock)})()
        self.endpoint.connect(factory).addCallback(self.uplink.connected)

    def fetch(self, digest: str) -> list[Any]:
        outcome: list[Any] = []
        self.cache.fetch(digest, "a").addBoth(outcome.append)
        self.endpoint.flush()
        return outcome

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, PART_BYTES * (WINDOW + 3)])
def test_a_blob_of_any_size_arrives_whole_under_its_digest(store: Store, size: int) -> None:
    content = os.urandom(size)
    digest = store.shop.put(content)
    [path] = store.fetch(digest)
    assert path.read_bytes() == content and path.name == digest and digest in store.cache


def test_what_is_here_is_not_asked_for_again_and_one_download_serves_all(store: Store) -> None:
    digest = store.shop.put(b"content")
    first: list[Any] = []
    for _ in range(3):
        store.cache.fetch(digest, "a").addCallback(first.append)
    store.endpoint.flush()
    assert len(first) == 3 and store.shop.calls == ["GetBlob"]
    assert store.fetch(digest) == [store.cache.path(digest)] and store.shop.calls == ["GetBlob"]


def test_the_parts_that_are_asked_for_ahead_are_bounded(store: Store) -> None:
    digest = store.shop.put(bytes(PART_BYTES * 40))
    store.cache.fetch(digest, "a")
    most = 0
    for _ in range(400):
        most = max(most, len(store.uplink.link._deadlines))
        store.endpoint.pump.pump()
    assert WINDOW - 1 <= most <= WINDOW and digest in store.cache


def test_a_download_goes_on_after_a_cut(store: Store) -> None:
    content = os.urandom(PART_BYTES * 20)
    digest = store.shop.put(content)
    fetched: list[Any] = []
    store.cache.fetch(digest, "a").addBoth(fetched.append)
    for _ in range(4):
        store.endpoint.pump.pump()
    store.uplink.cut()
    store.endpoint.cut()
    assert fetched == []
    store.connect()
    store.endpoint.flush()
    assert fetched[0].read_bytes() == content


def test_what_is_not_what_it_is_called_is_thrown_away(store: Store) -> None:
    digest = digest_of(b"wanted")
    store.shop.blobs[digest] = b"something else"
    [failure] = store.fetch(digest)
    assert failure.check(WrongBlob) and store.names == set()


@pytest.mark.parametrize("name", ["../../etc/passwd", "short", "A" * 64, ""])
def test_what_is_no_digest_never_becomes_a_path(store: Store, name: str) -> None:
    [failure] = store.fetch(name)
    assert failure.check(WrongBlob) and store.shop.calls == []


def test_a_blob_that_the_server_does_not_give_is_said(store: Store) -> None:
    [failure] = store.fetch("0" * 64)
    assert failure.check(NotFound) and store.names == set()


def test_several_fail_with_the_first_that_does_and_the_others_are_given_up(store: Store) -> None:
    good = store.shop.put(bytes(PART_BYTES * 30))
    outcome: list[Any] = []
    ensureDeferred(store.cache.fetch_all("a", [good, "0" * 64])).addBoth(outcome.append)
    store.endpoint.flush()
    assert outcome[0].check(NotFound) and store.names == set()
    ensureDeferred(store.cache.fetch_all("a", [good])).addBoth(outcome.append)
    store.endpoint.flush()
    assert outcome[1] is None and good in store.cache


def test_the_least_recently_used_goes_when_there_is_no_room(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=250)
    old, used, new = (store.shop.put(bytes([number]) * 100) for number in range(3))
    store.fetch(old)
    store.fetch(used)
    store.fetch(old)
    store.fetch(new)
    assert store.names == {old, new}


def test_what_is_held_stays_until_it_is_let_go(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=150)
    one, two = (store.shop.put(bytes([number]) * 100) for number in range(2))
    with store.cache.holding(one, two):
        store.fetch(one)
        store.fetch(two)
        assert store.names == {one, two}
    assert len(store.names) == 1


def test_one_that_is_larger_than_the_cache_is_there_for_who_fetched_it(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=10)
    [path] = store.fetch(store.shop.put(bytes(100)))
    assert path.exists()


def test_a_new_daemon_finds_what_the_last_one_kept_and_clears_what_it_left_unfinished(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=250)
    digests = [store.shop.put(bytes([number]) * 100) for number in range(2)]
    for age, digest in enumerate(digests):
        store.fetch(digest)
        os.utime(store.cache.path(digest), (1000 + age, 1000 + age))
    (store.folder / "unfinished-x").write_bytes(b"half")
    again = Store(tmp_path, limit=150)
    assert again.names == {digests[1]} and digests[1] in again.cache


def test_a_download_that_nobody_waits_for_ends_and_leaves_nothing(store: Store) -> None:
    digest = store.shop.put(bytes(PART_BYTES * 30))
    outcome: list[Any] = []
    fetching: Deferred[Any] = store.cache.fetch(digest, "a").addErrback(outcome.append)
    store.endpoint.pump.pump()
    fetching.cancel()
    store.endpoint.flush()
    assert outcome[0].check(CancelledError) and store.names == set() and digest not in store.cache


def test_stopping_ends_every_download(store: Store) -> None:
    outcome: list[Any] = []
    store.cache.fetch(store.shop.put(bytes(PART_BYTES * 3)), "a").addErrback(outcome.append)
    store.cache.stop()
    assert outcome[0].check(CancelledError) and store.names == set()
