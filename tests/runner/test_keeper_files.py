"""Files that items made elsewhere come into the program's working directory: whole, once, and put together where items append."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runner.conftest import Keep
from tests.runner.keeping import Ending, KeeperDriver
from tests.runner.spawning import appears
from tests.runner.test_keeper_portal import BEGINNING

PROGRAM = (
    BEGINNING
    + """
ours.open(CALL, None, listener)
ours.send(1, [b"x"], final=True)
listener.wait(1)
changed = ours.files_changed()
print(changed)
for text in sys.argv[1:]:
    print(repr(eval(text)))
"""
)

Give = Callable[[KeeperDriver], None]


def run(keep: Keep, place: Path, give: Give, *shown: str, joint: tuple[str, ...] = (), **more: object) -> tuple[list[bytes], Ending]:
    """
    A portion of one item; ``give`` gives files before its result. What the program then sees, and what was said.

    ``joint``: files that came of several items, which nobody else has so: they are told of as the program's own.
    """
    keeper = keep(PROGRAM, *shown, divide="found", roots=[str(place)], **more)
    keeper.begin()
    keeper.hear_items(1)
    give(keeper)
    keeper.give_results(1, 0, [b"r"])
    ending = keeper.end()
    assert ending.outcome["exit"] == 0, keeper.printed(2)
    assert [told.header["path"][1] for told in ending.of("A")] == list(joint)
    lines = keeper.printed().splitlines()
    assert lines[0] == str(bool(joint)).encode(), "what was put there as it came is not the program's own"
    return lines[1:], ending


def test_a_file_is_there_before_the_result(keep: Keep, place: Path) -> None:
    content = os.urandom(3_000_000)

    def give(keeper: KeeperDriver) -> None:
        keeper.give_file("deep/new.bin", content, mode=0o640, mtime=1.5e9)
        keeper.give_file("empty")

    lines, _ = run(keep, place, give, "os.path.getsize('deep/new.bin')", "sorted(os.listdir('.'))", "int(os.path.getmtime('deep/new.bin'))")
    assert lines == [b"3000000", b"['deep', 'empty', 'prog.py']", b"1500000000"]
    assert (place / "deep" / "new.bin").read_bytes() == content
    assert stat.S_IMODE((place / "deep" / "new.bin").stat().st_mode) == 0o640


def test_links_folders_and_deletions_come_too(keep: Keep, place: Path) -> None:
    (place / "gone").write_text("x")
    (place / "dir").mkdir()
    (place / "full").mkdir()
    (place / "full" / "file").write_text("x")

    def give(keeper: KeeperDriver) -> None:
        keeper.give_file("link", link="nowhere/at all")
        keeper.give_file("gone", deleted=True)
        keeper.give_file("never was", deleted=True)
        keeper.give_file("folder/inner", folder=True, mode=0o755)
        keeper.give_file("dir", deleted=True, folder=True)
        keeper.give_file("full", deleted=True, folder=True)

    lines, ending = run(keep, place, give, "sorted(os.listdir('.'))", "os.readlink('link')", "os.path.isdir('folder/inner')", folders=True)
    assert lines == [b"['folder', 'full', 'link', 'prog.py']", b"'nowhere/at all'", b"True"]
    assert not ending.notes


@pytest.mark.parametrize("name", ["caf\u00e9", "odd\udcff", "new\nline"])
def test_names_are_bytes(keep: Keep, place: Path, name: str) -> None:
    run(keep, place, lambda keeper: keeper.give_file(name, b"x"))
    assert (place / name).read_bytes() == b"x"


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "a/../../out", ""])
def test_a_path_that_leads_out_ends_the_keeper(keep_some: Keep, place: Path, path: str) -> None:
    keeper = keep_some(PROGRAM, divide="found", roots=[str(place)])
    keeper.begin()
    keeper.hear_items(1)
    keeper.give_file(path, b"x")
    assert keeper.process.wait() == 4
    assert not (place.parent / "out").exists()


def test_what_cannot_be_put_there_is_a_note(keep_some: Keep, place: Path) -> None:
    (place / "full").mkdir()
    (place / "full" / "file").write_text("x")

    def give(keeper: KeeperDriver) -> None:
        keeper.give_file("full", b"a file now", item=5)
        keeper.give_file("prog.py/below", b"x", item=6)

    _, ending = run(keep_some, place, give)
    assert len(ending.notes) == 2
    assert "full, a file that item 5 wrote, could not be put" in ending.notes[0]


class Sources:
    """Gives what the folders of three machines hold, all of which began with ``base``."""

    def __init__(self, keeper: KeeperDriver, base: bytes = b"base\n", path: str = "log.txt") -> None:
        self._keeper = keeper
        self._path = path
        self._base = base
        self._content = {source: base for source in (1, 2, 3)}

    def append(self, source: int, item: int, text: bytes) -> None:
        """An item in one of them appended."""
        self._content[source] += text
        self._keeper.give_file(self._path, self._content[source], item=item, source=source, grown_from=len(self._base))


def test_what_items_append_is_put_together_in_their_order(keep: Keep, place: Path) -> None:
    (place / "log.txt").write_bytes(b"base\n")

    def give(keeper: KeeperDriver) -> None:
        sources = Sources(keeper)
        sources.append(2, 4, b"4\n")
        sources.append(1, 0, b"0\n")
        sources.append(2, 5, b"5\n")
        sources.append(3, 8, b"8\n")
        sources.append(1, 1, b"1\n")
        sources.append(1, 1, b"")

    _, ending = run(keep, place, give, joint=("log.txt",))
    assert (place / "log.txt").read_bytes() == b"base\n0\n1\n4\n5\n8\n"
    assert ending.notes == ["log.txt: what several items wrote at its end was put together in the order of the items"]


def test_a_new_file_of_whole_lines_is_appended_to(keep_some: Keep, place: Path) -> None:
    def give(keeper: KeeperDriver) -> None:
        sources = Sources(keeper, b"")
        sources.append(2, 4, b"four\n")
        sources.append(1, 0, b"zero\n")
        sources.append(2, 5, b"five\n")

    run(keep_some, place, give, joint=("log.txt",))
    assert (place / "log.txt").read_bytes() == b"zero\nfour\nfive\n"


def test_a_file_that_the_program_holds_open_to_append_stays_the_same_file(keep_some: Keep, place: Path) -> None:
    (place / "log.txt").write_bytes(b"base\n")

    def give(keeper: KeeperDriver) -> None:
        sources = Sources(keeper)
        sources.append(1, 0, b"0\n")
        sources.append(2, 1, b"1\n")

    keeper = keep_some("log = open('log.txt', 'a')\n" + PROGRAM + "\nlog.write('end\\n')", divide="found", roots=[str(place)])
    keeper.begin()
    keeper.hear_items(1)
    give(keeper)
    keeper.give_results(1, 0, [b"r"])
    assert keeper.end().files == {"log.txt": b"base\n0\n1\nend\n"}


def test_what_the_program_appends_meanwhile_stays(keep_some: Keep, place: Path) -> None:
    (place / "log.txt").write_bytes(b"base\n")
    keeper = keep_some(
        BEGINNING
        + """
ours.open(CALL, None, listener)
ours.send(1, [b"x"] * 2, final=True)
with open("log.txt", "a") as log: log.write("mine\\n")
open("go", "w").close()
listener.wait(1)
with open("log.txt", "a") as log: log.write("mine again\\n")
open("on", "w").close()
listener.wait(2)
""",
        divide="found",
        roots=[str(place)],
    )
    keeper.begin()
    keeper.hear_items(1)
    appears(place / "go")
    sources = Sources(keeper)
    sources.append(1, 0, b"0\n")
    keeper.give_results(1, 0, [b"r"])
    appears(place / "on")
    sources.append(2, 1, b"1\n")
    keeper.give_results(1, 1, [b"r"])
    keeper.end()
    assert (place / "log.txt").read_bytes() == b"base\nmine\n0\nmine again\n1\n"


def test_the_next_portion_appends_to_what_the_first_one_left(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(
        BEGINNING
        + """
for number in (1, 2):
    ours.open(CALL, None, listener)
    ours.send(number, [b"x"] * 3, final=True)
    listener.wait(2)
listener.wait(6)
""",
        divide="found",
        roots=[str(place)],
    )
    keeper.begin()
    first = Sources(keeper, b"")
    keeper.hear_items(1)
    first.append(1, 0, b"a\n")
    first.append(2, 1, b"b\n")
    keeper.give_results(1, 0, [b"r"] * 2)
    keeper.hear_items(2)
    keeper.give_file("log.txt", b"a\nb\nc\n", portion=2, item=0, source=7, grown_from=4)
    keeper.give_file("log.txt", b"a\nb\nd\n", portion=2, item=1, source=8, grown_from=4)
    keeper.give_file("log.txt", b"a\nlate\n", portion=1, item=2, source=1)
    keeper.give_results(1, 2, [b"r"])
    keeper.give_results(2, 0, [b"r"] * 3)
    assert keeper.end().outcome["exit"] == 0
    assert (place / "log.txt").read_bytes() == b"a\nb\nlate\nc\nd\n"


def test_of_different_contents_that_of_the_last_item_stays(keep: Keep, place: Path) -> None:
    (place / "out.txt").write_text("before")

    def give(keeper: KeeperDriver) -> None:
        keeper.give_file("out.txt", b"of 7", item=7, source=1, grown_from=None)
        keeper.give_file("out.txt", b"of 3", item=3, source=2, grown_from=None)
        keeper.give_file("one", b"first", item=3, source=1)
        keeper.give_file("one", b"second", item=4, source=1)
        keeper.give_file("fresh", b'{"a": 1}', item=3, source=1)
        keeper.give_file("fresh", b'{"a": 2}', item=4, source=2)
        keeper.give_file("alike", b"same", item=3, source=1)
        keeper.give_file("alike", b"same", item=4, source=2)
        keeper.give_file("gone", b"", deleted=True, item=3, source=1)
        keeper.give_file("gone", b"", deleted=True, item=4, source=2)

    _, ending = run(keep, place, give, joint=("out.txt",))
    assert {name: (place / name).read_bytes() for name in ("out.txt", "one", "fresh", "alike")} == {
        "out.txt": b"of 7",
        "one": b"second",
        "fresh": b'{"a": 2}',
        "alike": b"same",
    }
    assert ending.notes == [
        "out.txt: items 7 and 3 wrote different contents, and that of item 7 was kept",
        "fresh: items 3 and 4 wrote different contents, and that of item 4 was kept",
    ]


def test_a_later_portion_replaces_without_a_word(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(
        BEGINNING
        + """
for number in (1, 2):
    ours.open(CALL, None, listener)
    ours.send(number, [b"x"], final=True)
    listener.wait(number)
print(open("out.txt").read())
""",
        divide="found",
        roots=[str(place)],
    )
    keeper.begin()
    for portion in (1, 2):
        keeper.hear_items(portion)
        keeper.give_file("out.txt", b"of %d" % portion, portion=portion, item=9 - portion, source=portion)
        keeper.give_results(portion, 0, [b"r"])
    assert not keeper.end().notes
    assert keeper.printed() == b"of 2\n"


def test_files_wait_for_the_items_of_a_replay(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(
        BEGINNING
        + """
assert not os.path.exists("made")
ours.open(CALL, None, listener)
time.sleep(0.1)
assert not os.path.exists("made")
ours.send(1, [b"x"], final=True)
listener.wait(1)
print(open("made").read() + open("unnamed").read())
""",
        divide="found",
        roots=[str(place)],
    )
    keeper.record(1, {"file": "prog.py", "line": 31, "kind": "Pool.map", "function": "f"}, [[b"x"]])
    keeper.begin()
    keeper.give_file("made", b"item's")
    keeper.give_file("unnamed", b" nobody's", item=None)
    keeper.give_results(1, 0, [b"r"])
    assert keeper.end().outcome["exit"] == 0, keeper.printed(2)
    assert keeper.printed() == b"item's nobody's\n"
