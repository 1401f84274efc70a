"""
Feeding a runner's pipe: frames in their order, long ones only as fast as the runner takes them.

An item of a hundred megabytes is read from disk a part at a time, while what follows it waits its turn.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Iterator, Union

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

Course = Union[bytes, Iterator[bytes]]


@implementer(IPullProducer)
class Feed:
    """Writes to ``pipe``: one of a process transport's, which is a consumer and an IWriteDescriptor."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._courses: deque[Course] = deque()

    def put(self, course: Course) -> None:
        """Bytes go at once if nothing waits; an iterator is asked for its next bytes whenever the pipe has taken the last."""
        if not self._courses and isinstance(course, bytes):
            self._pipe.write(course)
            # Now and not when the reactor comes round: a chunk waits for it, and a turn of the reactor costs as much again.
            self._pipe.doWrite()
            return
        self._courses.append(course)
        if len(self._courses) == 1:
            self._pipe.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """The pipe is empty."""
        while self._courses:
            course = self._courses[0]
            if isinstance(course, bytes):
                del self._courses[0]
                self._pipe.write(course)
            elif (part := next(course, None)) is not None:
                self._pipe.write(part)
                return
            else:
                del self._courses[0]
        self._pipe.unregisterProducer()

    def stopProducing(self) -> None:
        """The pipe is closed."""
        self._courses.clear()

    def stop(self) -> None:
        """Nobody will take the rest: the pipe, which may be closed only without a producer, may be closed."""
        if self._courses:
            self._courses.clear()
            self._pipe.unregisterProducer()
