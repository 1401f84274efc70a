"""However items on many machines append to one file, and whenever their folders are brought to other lists, each line is there once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marx.runner.changes import Snapshot
from marx.runner.keeper_files import Arrivals

LOG = "log.txt"


class Lab:
    """A program's folder, and those of slots; one file in all of them, to which everybody appends."""

    def __init__(self, folder: Path, content: bytes | None) -> None:
        self.file = folder / LOG
        if content is not None:
            self.file.write_bytes(content)
        self.notes: list[str] = []
        self.rows: list[int] = []
        self._snapshot = Snapshot([bytes(folder)])
        self._arrivals = Arrivals(self._snapshot, self.notes.append, self._placed)
        self._lists: list[bytes | None] = []
        self._slots: dict[int, tuple[int, str, bytes | None, bytes]] = {}
        self._turn = 0
        self.under_way: list[tuple[dict[str, Any], bytes]] = []
        self._grounds = 0
        self.open()

    def _placed(self, row: int, stands: bool) -> None:
        if stands:
            self.rows.append(row)

    def open(self) -> None:
        """The program opens a portion, whose items find the file as it is."""
        self._snapshot.update()
        self._lists.append(self.file.read_bytes() if self.file.exists() else None)
        self._arrivals.opened()

    def bring(self, slot: int, portion: int) -> None:
        """A slot's folder is brought to the list of a portion."""
        self._grounds += 1
        base = self._lists[portion]
        self._slots[slot] = (portion, f"lab/{slot}/{self._grounds}", base, base or b"")

    def append(self, slot: int, item: int, line: bytes) -> None:
        """An item on a slot appends, and its file is on its way to the program."""
        if slot not in self._slots:
            self.bring(slot, len(self._lists) - 1)
        portion, source, base, content = self._slots[slot]
        content += line
        self._slots[slot] = (portion, source, base, content)
        header: dict[str, Any] = {"portion": portion + 1, "item": item, "source": source, "root": 0, "path": LOG, "mode": 0o644, "mtime": 1e9}
        header |= {"deleted": False, "link": None, "row": item, "length": len(content), "grown_from": len(base or b""), "offset": 0}
        self.under_way.append((header | {"turn": self._turn}, content))
        self._turn += 1

    def arrive(self, which: int) -> None:
        """One of those that are on their way comes, for the first time or again."""
        self._arrivals.take(*self.under_way[which])

    @property
    def portions(self) -> int:
        """How many are open."""
        return len(self._lists)

    def newest_of_each_source(self) -> set[int]:
        """Rows."""
        return set({header["source"]: header["row"] for header, _ in self.under_way}.values())

    def write(self, line: bytes) -> None:
        """The program appends, too."""
        with open(self.file, "ab") as log:
            log.write(line)


SLOTS = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("append"), SLOTS),
    st.tuples(st.just("append"), SLOTS),
    st.tuples(st.just("bring"), SLOTS),
    st.tuples(st.just("arrive"), st.integers(0, 99)),
    st.tuples(st.just("arrive"), st.integers(0, 99)),
    st.tuples(st.sampled_from(["open", "write"])),
)


@given(st.none() | st.just(b"") | st.just(b"first\n"), st.lists(STEPS, max_size=30), st.randoms(use_true_random=False))
def test_no_line_is_lost_and_none_comes_twice_in_whatever_order_the_files_arrive(
    content: bytes | None, steps: list[tuple[Any, ...]], chance: Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab, expected = Lab(Path(folder), content), [b"first"] if content else []
        for number, (kind, *slot) in enumerate(steps):
            line = b"line %d" % number
            if kind == "append":
                lab.append(slot[0], number, line + b"\n")
                expected.append(line)
            elif kind == "write":
                lab.write(line + b"\n")
                expected.append(line)
            elif kind == "bring":
                lab.bring(slot[0], lab.portions - 1)
            elif kind == "arrive":
                if lab.under_way:
                    lab.arrive(slot[0] % len(lab.under_way))
            else:
                lab.open()
        for which in chance.sample(range(len(lab.under_way)), len(lab.under_way)):
            lab.arrive(which)
        lines = lab.file.read_bytes().splitlines() if lab.file.exists() else []
        assert sorted(lines) == sorted(expected)
        assert not [note for note in lab.notes if "wrote different contents" in note]
        assert lab.newest_of_each_source() <= set(lab.rows) and len(lab.rows) == len(set(lab.rows))


def test_items_of_one_portion_stand_in_their_order_whoever_is_heard_first(tmp_path: Path) -> None:
    lab = Lab(tmp_path, b"head\n")
    for slot, item in ((2, 4), (0, 0), (1, 2), (2, 5), (0, 1), (1, 3)):
        lab.append(slot, item, b"%d\n" % item)
        lab.arrive(-1)
    assert lab.file.read_bytes() == b"head\n0\n1\n2\n3\n4\n5\n"


def test_what_is_appended_to_an_older_list_goes_behind_what_has_come_since(tmp_path: Path) -> None:
    lab = Lab(tmp_path, b"head\n")
    lab.append(0, 0, b"a\n")
    lab.arrive(-1)
    lab.open()
    lab.append(1, 0, b"b\n")
    lab.arrive(-1)
    lab.append(0, 1, b"late\n")
    lab.arrive(-1)
    assert lab.file.read_bytes() == b"head\na\nlate\nb\n"


def test_a_large_file_to_which_little_is_appended_is_put_together(tmp_path: Path) -> None:
    lab = Lab(tmp_path, b"x" * 3_000_000 + b"\n")
    for slot in (1, 0):
        lab.append(slot, slot, b"%d\n" % slot)
        lab.arrive(-1)
    assert lab.file.read_bytes()[3_000_000:] == b"\n0\n1\n"
