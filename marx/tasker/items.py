"""
Where a map's items come from: arguments, JSON lines, a range, the rows of a CSV file, the names that a pattern finds.

Every source is read as it is needed and checked as it is read, so that a file of any size, or a pipe that never ends, takes the memory of
a few packs.
"""

from __future__ import annotations

import csv
import glob
import json
from dataclasses import dataclass
from typing import Any, AsyncIterator, Iterable, Iterator, Sequence

from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.streams import Inlet
from marx.wire.packs import PACK_AIM, ItemPack, pack_json_items

_read_value = json.JSONDecoder().raw_decode


class BrokenLine(Trouble):
    """A line of an items file that is not JSON. ``number`` counts from 1."""

    def __init__(self, source: str, number: int, why: str) -> None:
        super().__init__(f"{source}, line {number} is not a JSON value: {why}", USAGE)
        self.number = number


@dataclass(frozen=True, slots=True)
class Items:
    """
    A source of items. ``codec``, ``args`` and ``total`` go into the specification; ``packs`` is read once.

    ``total``: how many there are, where that is known without reading; None otherwise.
    """

    codec: str
    packs: AsyncIterator[ItemPack]
    args: tuple[int, ...] = ()
    total: int | None = None


class JsonLines:
    """
    Cuts a stream of JSON lines into packs and checks each value. Empty lines are no items.

    A pack is cut from the stream as it stands; only one with an empty or a broken line is looked at line by line.
    """

    def __init__(self, source: str, aim: int = PACK_AIM) -> None:
        self._source = source
        self._aim = aim
        self._rest: list[bytes] = []
        self._items = 0
        self._lines = 0

    def feed(self, content: bytes) -> Iterator[ItemPack]:
        """The packs of all lines that are complete with ``content``. Raises :class:`BrokenLine`; packs before it were yielded."""
        if not self._lines and not self._rest:
            content = content.removeprefix(b"\xef\xbb\xbf")
        complete, newline, rest = content.rpartition(b"\n")
        if not newline:
            self._rest.append(content)
            return
        whole = b"".join([*self._rest, complete])
        self._rest = [rest] if rest else []
        yield from self._packs(whole)

    def finish(self) -> Iterator[ItemPack]:
        """The pack of a last line that has no newline."""
        whole = b"".join(self._rest)
        self._rest = []
        if whole:
            yield from self._packs(whole)

    def _packs(self, whole: bytes) -> Iterator[ItemPack]:
        start = 0
        while start <= len(whole):
            stop = self._cut(whole, start)
            pack = self._pack(whole[start:stop])
            if pack.count:
                yield pack
            start = stop + 1

    def _cut(self, whole: bytes, start: int) -> int:
        """Where the pack that begins at ``start`` ends: at the last newline within the aim, else at the next one."""
        if len(whole) - start <= self._aim:
            return len(whole)
        stop = whole.rfind(b"\n", start, start + self._aim)
        if stop < 0:
            stop = whole.find(b"\n", start + self._aim)
        return len(whole) if stop < 0 else stop

    def _pack(self, payload: bytes) -> ItemPack:
        lines = payload.count(b"\n") + 1
        if not _all_are_values(payload):
            payload = b"\n".join(self._checked(payload.split(b"\n")))
        count = payload.count(b"\n") + 1 if payload else 0
        pack = ItemPack(self._items, count, "json", payload)
        self._items += count
        self._lines += lines
        return pack

    def _checked(self, lines: list[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines, self._lines + 1):
            line = line.strip(b" \t\r")
            if line:
                self._check(line, number)
                yield line

    def _check(self, line: bytes, number: int) -> None:
        try:
            json.loads(line.decode("utf-8"))
        except json.JSONDecodeError as error:
            raise BrokenLine(self._source, number, f"{error.msg} at column {error.colno}") from error
        except UnicodeDecodeError as error:
            raise BrokenLine(self._source, number, f"byte {error.start + 1} is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            raise BrokenLine(self._source, number, str(error)) from error


def _all_are_values(payload: bytes) -> bool:
    """Whether each line is one JSON value and nothing beside it: a third of a microsecond each."""
    try:
        lines = payload.decode("utf-8").split("\n")
        return [_read_value(line)[1] for line in lines] == list(map(len, lines))
    except (ValueError, RecursionError):
        return False


async def _json_line_packs(source: str, inlet: Inlet) -> AsyncIterator[ItemPack]:
    lines = JsonLines(source)
    try:
        while content := await inlet.read():
            for pack in lines.feed(content):
                yield pack
        for pack in lines.finish():
            yield pack
    finally:
        inlet.close()


async def _as_they_come(packs: Iterable[ItemPack]) -> AsyncIterator[ItemPack]:
    for pack in packs:
        yield pack


def items_of_json_lines(source: str, inlet: Inlet) -> Items:
    """One JSON value a line; ``source`` is what messages call it."""
    return Items("json", _json_line_packs(source, inlet))


def items_of_strings(strings: Sequence[str]) -> Items:
    """Each string is an item."""
    return Items("json", _as_they_come(pack_json_items(map(_as_json, strings))), total=len(strings))


def items_of_values(values: Iterable[Any]) -> Items:
    """Values that JSON can hold. Raises TypeError, as it is read, at one that it cannot."""
    return Items("json", _as_they_come(pack_json_items(map(_as_json, values))))


def items_of_range(text: str) -> Items:
    """``START:STOP[:STEP]``, as Python's ``range``; any size, since only its ends travel."""
    try:
        wanted = range(*(int(part) for part in text.split(":")))
    except (TypeError, ValueError):
        raise Trouble(f"--range {text}: expected START:STOP or START:STOP:STEP in whole numbers, such as 0:1000", USAGE) from None
    if ":" not in text:
        raise Trouble(f"--range {text}: expected START:STOP, such as 0:{text}", USAGE)
    total = max(0, -((wanted.start - wanted.stop) // wanted.step))
    return Items("range", _as_they_come(()), (wanted.start, wanted.step), total)


def items_of_csv(path: str) -> Items:
    """The rows of a CSV file as objects, its first row naming the fields; all values are strings."""
    return Items("json", _as_they_come(pack_json_items(_csv_rows(path))))


def _csv_rows(path: str) -> Iterator[bytes]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, strict=True)
        try:
            for row in rows:
                if None in row:
                    raise Trouble(f"{path}, line {rows.line_num}: more fields than the first row names", USAGE)
                yield _as_json(row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise Trouble(f"{path}, line {rows.line_num + 1} cannot be read as CSV: {error}", USAGE) from error


def items_of_glob(pattern: str, folder: str) -> Items:
    """The sorted names that ``pattern`` finds from ``folder``, ``**`` included. Raises Trouble where there are none."""
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    if not names:
        raise Trouble(f"--glob {pattern}: no such file", NO_FILE)
    return items_of_strings(names)


def _as_json(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")
