"""What a test may leave behind: nothing. Errors that were logged, and timers, descriptors and children still there.

conftest.py applies both to every test; trial does the same for its own tests. Comparing with what was there before
lets a fixture of wider scope keep a house running over many tests.
"""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.logger import LogEvent, LogLevel, LogPublisher, formatEvent

Reactor = Any  # IReactorTime and IReactorFDSet together, which no annotation can say


class LoggedErrors:
    """Observes a publisher from the start of a test to its end; keeps what was logged as error or critical."""

    def __init__(self, publisher: LogPublisher) -> None:
        self._publisher = publisher
        self._events: list[LogEvent] = []

    def __enter__(self) -> Self:
        self._publisher.addObserver(self._observe)
        return self

    def __exit__(self, *_: object) -> None:
        self._publisher.removeObserver(self._observe)

    def flush(self, *types: type[BaseException]) -> list[BaseException | str]:
        """Take out and return the errors whose exception is of one of `types`; without types, all of them.

        An error that was logged without an exception comes as its text, and only when no types are given.
        """
        gc.collect()  # a Deferred reports the failure that nobody took when it is collected, not before
        # What is alive now is kept from later collections: with 1,500 tests behind it each took half a second.
        gc.freeze()
        taken = [event for event in self._events if not types or _is_about(event, types)]
        self._events = [event for event in self._events if event not in taken]
        return [_exception(event) or formatEvent(event) for event in taken]

    def seen(self) -> list[BaseException | str]:
        """What was logged so far; a failure that nobody took may still come."""
        return [_exception(event) or formatEvent(event) for event in self._events]

    def _observe(self, event: LogEvent) -> None:
        if event.get("log_level", LogLevel.info) >= LogLevel.error and not _is_headline(event):
            self._events.append(event)


def _is_headline(event: LogEvent) -> bool:
    """A Deferred logs an unhandled failure twice: a headline of its own, then the failure."""
    return event.get("log_namespace") == "twisted.internet.defer" and "log_failure" not in event


def _exception(event: LogEvent) -> BaseException | None:
    failure = event.get("log_failure")
    return failure and failure.value


def _is_about(event: LogEvent, types: tuple[type[BaseException], ...]) -> bool:
    return isinstance(_exception(event), types)


@dataclass(frozen=True)
class Standing:
    """What the reactor and this process hold at one moment."""

    calls: tuple[Any, ...]
    descriptors: frozenset[Any]
    children: frozenset[int]

    @classmethod
    def now(cls, reactor: Reactor) -> Self:
        """Look at `reactor` and at the children of this process."""
        assert IReactorTime.providedBy(reactor) and IReactorFDSet.providedBy(reactor)
        descriptors = frozenset([*reactor.getReaders(), *reactor.getWriters()])
        return cls(tuple(reactor.getDelayedCalls()), descriptors, _children())

    def beyond(self, before: "Standing") -> list[str]:
        """What stands here and did not stand `before`, one line each.

        A timer counts as the same if it calls the same: a LoopingCall makes a new one at every turn.
        """
        known = [call.func for call in before.calls]
        return [
            *("timer: %s" % call for call in self.calls if call.func not in known),
            *("descriptor: %r" % descriptor for descriptor in self.descriptors - before.descriptors),
            *("child process: %s" % _describe(pid) for pid in sorted(self.children - before.children)),
        ]

    def cancel_timers(self, before: "Standing") -> None:
        """Cancel the timers that `beyond` names, so that they cannot fire in a later test and be blamed on it."""
        known = [call.func for call in before.calls]
        for call in self.calls:
            if call.active() and call.func not in known:
                call.cancel()


def left_over(reactor: Reactor, before: Standing, turn: Callable[[], None]) -> list[str]:
    """What is there now and was not `before`, after as many turns of the reactor as closing takes; then timers are cancelled.

    `turn` lets the reactor go round once.
    """
    for _ in range(TURNS):
        now = Standing.now(reactor)
        left = now.beyond(before)
        if not left:
            return []
        turn()
    now.cancel_timers(before)
    return left


TURNS = 10
"""A closed TLS connection is gone after four turns at both ends; nothing here waits for time to pass."""


def _children() -> frozenset[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # no children at all: the common case, and much cheaper than reading /proc
        return frozenset()
    listed = _listed()
    while (again := _listed()) != listed:  # the kernel may leave one out while another ends
        listed = again
    return listed


def _listed() -> frozenset[int]:
    """As the kernel has them for each thread; where it has no such file psutil reads of every process there is, which takes a hundred times as long."""
    try:
        lists = [file.read_text() for file in Path("/proc/self/task").glob("*/children")]
    except OSError:  # a thread has ended meanwhile
        lists = []
    return frozenset(map(int, " ".join(lists).split()) if lists else (child.pid for child in psutil.Process().children()))


def _describe(pid: int) -> str:
    try:
        return "%d %s" % (pid, " ".join(psutil.Process(pid).cmdline()) or "(zombie)")
    except psutil.Error:
        return "%d (just gone)" % pid
