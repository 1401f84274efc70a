"""
The last lines of what items print, kept to be told when one dies.
"""

from __future__ import annotations

from collections import deque
from typing import Iterable

from marx.wire.packs import Segment

#: Pieces of output that are kept of each chunk, bytes of each, and what is told of them.
PIECES = 16
PIECE_BYTES = 400
LINES = 3
LINE_CHARACTERS = 120


class LastWords:
    """Of the chunks of one runner, by their fences."""

    def __init__(self) -> None:
        self._said: dict[int, deque[tuple[int, bytes]]] = {}

    def hear(self, fence: int, segments: Iterable[Segment]) -> None:
        """Items printed something."""
        said = self._said.setdefault(fence, deque(maxlen=PIECES))
        said.extend((segment.item, segment.content[-PIECE_BYTES:]) for segment in segments)

    def of(self, fence: int, item: int | None) -> list[str]:
        """The last lines of an item, both of its streams together as they came; of the one that spoke last where the item is not known."""
        said = self._said.get(fence, ())
        item = said[-1][0] if item is None and said else item
        content = b"".join(piece for each, piece in said if each == item)
        lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
        return [line[:LINE_CHARACTERS] for line in lines if line][-LINES:]

    def forget(self, fence: int) -> None:
        """The chunk is over."""
        self._said.pop(fence, None)
