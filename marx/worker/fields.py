"""
The fields of a frame's header, each looked at before anything is made of it: the runner's process belongs to a user's program.
"""

from __future__ import annotations

from typing import Any, Callable

from marx.worker.pipe import Frame, FrameError

#: Larger numbers are nonsense in any field: counts of seconds, bytes, items.
LARGEST = 1 << 62
#: Characters of a text that are kept: a traceback of a deep recursion is cut, not refused.
LONGEST_TEXT = 20_000


class Fields:
    """Takes typed fields out of a frame's header; every miss is a :class:`FrameError` that names the field."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._header = frame.header

    def text(self, name: str) -> str:
        value = self._header.get(name)
        if type(value) is not str:
            raise self._wrong(name)
        return value[:LONGEST_TEXT]

    def flag(self, name: str) -> bool:
        return bool(self._header.get(name))

    def count(self, name: str) -> int:
        value = self._header.get(name)
        if type(value) is not int or not 0 <= value < LARGEST:
            raise self._wrong(name)
        return value

    def number(self, name: str) -> float:
        value = self._header.get(name)
        # The comparison also keeps out NaN, which JSON as Python reads it may hold.
        if type(value) not in (float, int) or not 0 <= value < LARGEST:
            raise self._wrong(name)
        return float(value)

    def indices(self, name: str) -> tuple[int, ...]:
        value = self._header.get(name, ())
        if type(value) not in (list, tuple) or not all(type(index) is int for index in value):
            raise self._wrong(name)
        return tuple(value)

    def optional(self, read: Callable[[str], Any], name: str) -> Any:
        return None if self._header.get(name) is None else read(name)

    def inner(self, name: str) -> Fields:
        value = self._header.get(name)
        if type(value) is not dict:
            raise self._wrong(name)
        return Fields(Frame(self._frame.kind, value))

    def place(self, name: str) -> tuple[int, str]:
        value = self._header.get(name)
        if type(value) is not list or len(value) != 2 or type(value[0]) is not int or type(value[1]) is not str:
            raise self._wrong(name)
        return value[0], value[1]

    def _wrong(self, name: str) -> FrameError:
        return FrameError(f"a frame {self._frame.kind!r} whose {name!r} is {str(self._header.get(name))[:40]!r}")
