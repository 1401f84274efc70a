"""What is committed together, in which order, and what happens to everybody when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from threading import Event
from typing import Any

import pytest

from marx.server.commits import GroupCommit
from marx.server.records import StoreFailed, WriteRefused
from tests.leftovers import LoggedErrors

LONG = 10.0
"""Seconds after which a thread that should do something is given up."""


class Reactor:
    """What the thread needs of a reactor: calls are kept until the test lets one happen. Time passes when a write says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: Queue[Callable[[], Any]] = Queue()

    def seconds(self) -> float:
        return self.now

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.calls.put(lambda: function(*arguments))

    def turn(self) -> None:
        """Let the next call of the thread happen."""
        self.calls.get(timeout=LONG)()


class Database:
    """Remembers what its connections committed. A write is a word: some mean trouble, and the commit of "gate" waits until the test opens it."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.committed: list[list[str]] = []
        self.opened = 0
        self.closed = 0
        self.fails_to_open = False
        self.fails_to_commit = False
        self.waits = Event()
        self.gate = Event()

    def connect(self) -> Connection:
        if self.fails_to_open:
            raise StoreFailed("it cannot be opened")
        self.opened += 1
        return Connection(self)


class Connection:
    """One connection to the double above."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._saved: list[str] = []

    def save(self, writes: Sequence[Any]) -> int:
        for word in writes:
            if word == "refused":
                raise WriteRefused("refused")
            if word == "broken":
                raise StoreFailed("the disk is full")
            if word == "a fault":
                raise ZeroDivisionError
            if word == "slow":
                self._database.reactor.now += 0.008
            self._saved.append(word)
        return 100 * len(writes)

    def save_alone(self, writes: Sequence[Any]) -> None:
        if "refused" in writes or "duplicate" in writes:
            raise WriteRefused("refused")
        self.save(writes)

    def commit(self) -> None:
        if "duplicate" in self._saved:
            raise WriteRefused("somebody is refused")
        if self._database.fails_to_commit:
            raise StoreFailed("the disk is full")
        if "gate" in self._saved:
            self._database.waits.set()
            assert self._database.gate.wait(LONG)
        self._database.committed.append(self._saved)
        self._saved = []

    def rollback(self) -> None:
        self._saved = []

    def close(self) -> None:
        self._database.closed += 1


class House:
    """A writer on these doubles. `outcomes`: what came of each call, in the order in which they fired."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.database = Database(self.reactor)
        self.commits = GroupCommit(self.database.connect, self.reactor, 0.02, 1000)
        self.outcomes: list[tuple[str, str]] = []

    def write(self, *words: str) -> None:
        self._note(" ".join(words), self.commits.submit(words))

    def reopen(self) -> None:
        self._note("reopen", self.commits.reopen())

    def behind_a_gate(self, *calls: Sequence[str]) -> None:
        """Make a commit wait, put `calls` behind it, and let it go on: they are what has arrived meanwhile."""
        self.write("gate")
        assert self.database.waits.wait(LONG)
        for words in calls:
            self.write(*words)
        self.database.gate.set()

    def told(self, count: int = 1) -> list[tuple[str, str]]:
        """Let groups be told of until `count` more outcomes came; these."""
        before = len(self.outcomes)
        while len(self.outcomes) < before + count:
            self.reactor.turn()
        return self.outcomes[before:]

    def _note(self, what: str, done: Any) -> None:
        done.addCallbacks(lambda _: self.outcomes.append((what, "")), lambda failure: self.outcomes.append((what, str(failure.value))))


@pytest.fixture
def house() -> Iterator[House]:
    """A house whose thread runs, and has ended when the test has."""
    house = House()
    house.commits.start()
    yield house
    closed = house.commits.close()
    while not closed.called:
        house.reactor.turn()


def test_a_lone_call_is_committed_at_once(house: House) -> None:
    house.write("a", "b")
    assert house.told() == [("a b", "")]
    assert house.database.committed == [["a", "b"]]


def test_what_arrives_during_a_commit_is_the_next_group_and_is_told_of_at_once(house: House) -> None:
    house.behind_a_gate(["a"], ["b", "c"], ["d"])
    assert house.told() == [("gate", "")]
    house.reactor.turn()
    assert house.outcomes[1:] == [("a", ""), ("b c", ""), ("d", "")]
    assert house.database.committed == [["gate"], ["a", "b", "c", "d"]]


def test_a_call_without_writes_keeps_its_place(house: House) -> None:
    house.behind_a_gate(["a"], [], ["b"])
    assert house.told(4) == [("gate", ""), ("a", ""), ("", ""), ("b", "")]


def test_a_group_is_cut_at_its_bytes(house: House) -> None:
    house.behind_a_gate(*[["x"] * 4 for _ in range(7)])
    house.told(8)
    assert [len(group) for group in house.database.committed] == [1, 12, 12, 4]


def test_a_group_is_cut_after_its_time(house: House) -> None:
    house.behind_a_gate(*[["slow"] for _ in range(7)])
    house.told(8)
    assert [len(group) for group in house.database.committed] == [1, 3, 3, 1]


def test_only_the_call_that_is_refused_fails(house: House) -> None:
    house.behind_a_gate(["a"], ["b", "refused", "c"], ["d"], ["refused"])
    assert house.told(5) == [("gate", ""), ("a", ""), ("b refused c", "refused"), ("d", ""), ("refused", "refused")]
    assert house.database.committed == [["gate"], ["a"], ["d"]]


def test_who_is_refused_is_found_out_when_only_the_commit_shows_that_somebody_is(house: House) -> None:
    house.behind_a_gate(["a"], ["b", "duplicate"], ["c"])
    assert house.told(4) == [("gate", ""), ("a", ""), ("b duplicate", "refused"), ("c", "")]
    assert house.database.committed == [["gate"], ["a", "c"]]


FULL = "the disk is full"


def test_what_waits_behind_a_failed_write_fails_as_well_in_its_order(house: House) -> None:
    house.behind_a_gate(["a"], ["broken"], ["b"], ["c"])
    assert house.told(5) == [("gate", ""), ("a", FULL), ("broken", FULL), ("b", FULL), ("c", FULL)]
    assert house.database.committed == [["gate"]]


def test_after_a_failed_commit_nothing_is_tried_until_the_store_is_reopened(house: House) -> None:
    house.database.fails_to_commit = True
    house.write("a")
    assert house.told() == [("a", FULL)]
    house.database.fails_to_commit = False
    house.write("b")
    assert house.told() == [("b", FULL)]
    assert (house.database.opened, house.database.closed) == (1, 1)
    house.reopen()
    house.write("c")
    assert house.told(2) == [("reopen", ""), ("c", "")]
    assert house.database.committed[-1] == ["c"] and house.database.opened == 2


def test_reopening_keeps_its_place_between_calls(house: House) -> None:
    house.behind_a_gate(["broken"], ["a"])
    house.reopen()
    house.write("b")
    assert house.told(5) == [("gate", ""), ("broken", FULL), ("a", FULL), ("reopen", ""), ("b", "")]


def test_reopening_says_why_it_cannot(house: House) -> None:
    house.database.fails_to_open = True
    house.write("a")
    house.reopen()
    house.write("b")
    assert house.told(3) == [(what, "it cannot be opened") for what in ("a", "reopen", "b")]
    house.database.fails_to_open = False
    house.reopen()
    house.write("c")
    assert house.told(2) == [("reopen", ""), ("c", "")]


def test_a_fault_of_ours_is_logged_and_stops_writing_but_not_the_thread(house: House, logged_failures: LoggedErrors) -> None:
    house.write("a fault")
    assert house.told() == [("a fault", "the store cannot be written: ZeroDivisionError()")]
    assert len(logged_failures.flush(ZeroDivisionError)) == 1
    house.reopen()
    house.write("a")
    assert house.told(2) == [("reopen", ""), ("a", "")]


def test_closing_commits_what_waits_and_takes_nothing_more() -> None:
    house = House()
    house.commits.start()
    house.behind_a_gate(["a"], ["b"])
    closed = house.commits.close()
    house.write("late")
    assert house.outcomes == [("late", "the store is closed")]
    while not closed.called:
        house.reactor.turn()
    assert house.outcomes[1:] == [("gate", ""), ("a", ""), ("b", "")]
    assert house.database.closed == 1
