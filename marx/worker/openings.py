"""
What one main program has asked for so far, and whether what its keeper says now can follow it: pure.

A keeper speaks for the one chunk that its runner was given, and for portions of that task alone. Portions that an earlier attempt opened
are known from the record; their items go on where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from marx.worker.assignments import Assignments, Chunk
from marx.worker.pipe import FrameError
from marx.worker.program_messages import Asked, Dropped, ItemsPart, Opened, Placed, StatePart
from marx.worker.program_orders import Record
from marx.worker.records import count_of, is_one

#: The largest number of a portion: what a database's column takes.
LARGEST_PORTION = (1 << 31) - 1
#: Bytes that one state or item may have. The server has limits of its own; what passes them stays with the program, see :mod:`marx.worker.outbox`.
LARGEST = 64 << 30


@dataclass(slots=True)
class _Opening:
    """``next``: its first item that was not sent. ``open``: whether items may follow."""

    next: int = 0
    open: bool = True


class ProgramAssignments(Assignments):
    """Those of a keeper, whose only chunk is its program; its result is how that exited."""

    by_line = False

    def __init__(self, roots: int, max_value: int) -> None:
        super().__init__(roots, max_value, codecs=("values",))
        self._portions: dict[int, _Opening] = {}
        self._opened: set[int] = set()
        self._states: set[int] = set()
        self._arriving: StatePart | ItemsPart | None = None

    def remember(self, record: Record) -> None:
        """What earlier attempts asked for."""
        for portion, _, _, final, packs in record:
            self._portions[portion] = _Opening(sum(count for _, count, _ in packs), not final)

    def asked(self, said: Asked) -> Chunk:
        chunk = self._at(said.chunk, 0).chunk
        if isinstance(said, Placed):
            return chunk  # said at once, and in between whatever else is
        if self._arriving is not None and type(said) is not type(self._arriving):
            raise FrameError("something else in the middle of a state or of items")
        if isinstance(said, StatePart):
            self._state_part(said)
        elif isinstance(said, Opened):
            self._open(said)
        elif isinstance(said, ItemsPart):
            self._items_part(said)
        else:
            self._drop(said)
        return chunk

    def _state_part(self, said: StatePart) -> None:
        before = self._arriving
        if isinstance(before, StatePart):
            awaited = (before.state, before.offset + len(before.part), before.total)
            if (said.state, said.offset, said.total) != awaited or not said.part:
                raise FrameError(f"a part of state {said.state} at {said.offset} that nothing comes before")
        elif said.offset or said.state in self._states or said.total > LARGEST:
            raise FrameError(f"state {said.state} of {said.total} bytes begins at {said.offset}, or came before")
        self._arriving = said if _goes_on(said) else None
        self._states.add(said.state)

    def _open(self, said: Opened) -> None:
        if not 1 <= said.portion <= LARGEST_PORTION or said.portion in self._opened:
            raise FrameError(f"portion {said.portion} was opened before, or cannot be")
        if said.state is not None and said.state not in self._states:
            raise FrameError(f"portion {said.portion} needs state {said.state}, which was never sent")
        self._opened.add(said.portion)
        self._portions.setdefault(said.portion, _Opening())

    def _items_part(self, said: ItemsPart) -> None:
        before = self._arriving
        opening = self._opening(said.portion)
        if isinstance(before, ItemsPart):
            awaited = (before.portion, before.first, before.count, before.total, before.offset + len(before.part))
            if (said.portion, said.first, said.count, said.total, said.offset) != awaited or not said.part:
                raise FrameError(f"a part of items of portion {said.portion} at {said.offset} that nothing comes before")
        elif said.offset or said.first != opening.next or not (said.count or said.final) or said.total > LARGEST:
            raise FrameError(f"{said.count} items of portion {said.portion} from {said.first} on where {opening.next} is awaited")
        self._check_records(said)
        self._arriving = said if _goes_on(said) else None
        if self._arriving is None:
            opening.next += said.count
            opening.open = not said.final

    def _check_records(self, said: ItemsPart) -> None:
        """A pack that travels in one frame is counted; a longer one is a single item, as its first bytes say."""
        try:
            if said.offset:
                return
            fits = count_of(said.part) == said.count if said.last else said.count == 1 and is_one(said.part, said.total)
        except ValueError as error:
            raise FrameError(f"items of portion {said.portion} that make no sense: {error}") from None
        if not fits:
            raise FrameError(f"{said.count} items of portion {said.portion} that are not as many records")

    def _drop(self, said: Dropped) -> None:
        """Also one that has all of its items, whose results nobody wants any more."""
        if said.portion not in self._portions:
            raise FrameError(f"portion {said.portion} is dropped, and was never opened")
        self._portions[said.portion].open = False

    def _opening(self, portion: int) -> _Opening:
        opening = self._portions.get(portion)
        if opening is None or not opening.open:
            raise FrameError(f"portion {portion} was never opened, or has all of its items")
        return opening


def _goes_on(said: StatePart | ItemsPart) -> bool:
    """Whether more parts must follow. Raises FrameError for one that is longer than it said."""
    stop = said.offset + len(said.part)
    if stop > said.total:
        raise FrameError(f"a part that ends at {stop} of {said.total}")
    return stop < said.total
