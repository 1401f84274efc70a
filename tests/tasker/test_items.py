"""Items from every source: nothing lost, nothing changed, however the bytes are cut; what is broken is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.items import BrokenLine, Items, JsonLines, items_of_csv, items_of_glob, items_of_range, items_of_strings, items_of_values
from marx.wire.packs import ItemPack

#: Text that UTF-8 can hold.
encodable = st.text(st.characters(codec="utf-8"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | encodable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(encodable, inner, max_size=3),
    max_leaves=5,
)


def packs_of(content: bytes, cuts: list[int] = [], aim: int = 48_000) -> list[ItemPack]:
    """The packs of `content`, fed in pieces cut at `cuts`."""
    lines = JsonLines("items.jsonl", aim)
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    packs = [pack for start, stop in zip(edges, edges[1:]) for pack in lines.feed(content[start:stop])]
    return [*packs, *lines.finish()]


def read(items: Items) -> list[Any]:
    """All values of a source that needs no reactor."""
    packs = []

    async def collect() -> None:
        async for pack in items.packs:
            packs.append(pack)

    with pytest.raises(StopIteration):
        collect().send(None)
    return values_of(packs)


def values_of(packs: list[ItemPack]) -> list[Any]:
    """The values in packs, which must follow each other without gaps."""
    values: list[Any] = []
    for pack in packs:
        assert (pack.first, pack.codec) == (len(values), "json")
        values += [json.loads(line) for line in pack.payload.split(b"\n")]
        assert len(values) == pack.first + pack.count
    return values


@given(st.lists(json_values), st.lists(st.integers(min_value=0)), st.integers(1, 60), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_value_comes_out_as_it_went_in_however_the_stream_is_cut(
    values: list[Any], cuts: list[int], aim: int, newline: str, ends: bool
) -> None:
    text = newline.join(json.dumps(value, ensure_ascii=False) for value in values) + (newline if ends else "")
    assert values_of(packs_of(text.encode(), cuts, aim)) == values


@given(st.lists(st.sampled_from([b"1", b'"a b"', b"", b"  ", b"[1, 2]"])), st.integers(1, 30))
def test_empty_lines_are_no_items(lines: list[bytes], aim: int) -> None:
    assert values_of(packs_of(b"\n".join(lines), aim=aim)) == [json.loads(line) for line in lines if line.strip()]


@given(
    st.lists(st.sampled_from([b"1", b"", b'{"a": "b"}']), max_size=20),
    st.sampled_from([b"{", b"1 2", b"\xff", b"nul", b'"\t"', b"1,"]),
    st.integers(1, 30),
)
def test_a_broken_line_is_named_by_its_number_after_all_before_it_were_read(before: list[bytes], broken: bytes, aim: int) -> None:
    lines = JsonLines("items.jsonl", aim)
    content = b"\n".join([*before, broken, b"1"])
    with pytest.raises(BrokenLine) as caught:
        list(lines.feed(content))
        list(lines.finish())
    assert caught.value.number == len(before) + 1
    assert str(caught.value).startswith(f"items.jsonl, line {len(before) + 1} is not a JSON value: ")
    assert caught.value.code == USAGE


def test_lines_that_are_json_only_together_are_broken() -> None:
    with pytest.raises(BrokenLine, match="line 1 "):
        packs_of(b"[[3\n4]]\n1],[2\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{oops", "Expecting property name enclosed in double quotes at column 2"),
        (b'"caf\xe9"', "byte 5 is not UTF-8"),
        (b"[" * 100_000, "maximum recursion depth exceeded"),
        (b"1 2", "Extra data at column 3"),
    ],
    ids=["syntax", "encoding", "depth", "rest"],
)
def test_a_broken_line_says_what_is_wrong_with_it(line: bytes, why: str) -> None:
    with pytest.raises(BrokenLine) as caught:
        packs_of(b"1\n" + line)
    assert why in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_item() -> None:
    assert values_of(packs_of(b"\xef\xbb\xbf1\n2")) == [1, 2]


def test_packs_aim_at_their_size_and_a_large_item_gets_its_own() -> None:
    content = b"\n".join([b"1"] * 30 + [b'"%s"' % (b"x" * 50)] + [b"2"] * 30)
    packs = packs_of(content, aim=20)
    assert max(len(pack.payload) for pack in packs) == 52
    assert sum(pack.count for pack in packs) == 61


@given(st.lists(st.text()))
def test_strings_are_items_as_they_are(strings: list[str]) -> None:
    items = items_of_strings(strings)
    assert (read(items), items.total) == (strings, len(strings))


def test_bytes_that_are_no_text_travel_as_surrogates() -> None:
    assert read(items_of_strings(["\udcff"])) == ["\udcff"]


@given(st.integers(), st.integers(), st.integers().filter(bool))
def test_a_range_knows_its_size_without_being_counted(start: int, stop: int, step: int) -> None:
    items = items_of_range(f"{start}:{stop}:{step}")
    wanted = range(start, stop, step)
    count = items.total
    assert items.args == (start, step)
    assert (count == 0 and not wanted) or (start + step * (count - 1) in wanted and start + step * count not in wanted)


@pytest.mark.parametrize("text", ["", "7", "a:b", "1:2:0", "1:2:3:4", "1.5:2"])
def test_what_is_no_range_is_said_so(text: str) -> None:
    with pytest.raises(Trouble) as caught:
        items_of_range(text)
    assert (caught.value.code, str(caught.value).startswith(f"--range {text}: expected START:STOP")) == (USAGE, True)


def test_rows_of_a_table_are_objects_of_strings(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes('\ufeffname,note\nada,"two\nlines"\nbob,\ncy\n'.encode())
    assert read(items_of_csv(str(table))) == [{"name": "ada", "note": "two\nlines"}, {"name": "bob", "note": ""}, {"name": "cy", "note": None}]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (b"a,b\n1,2,3\n", "line 2: more fields than the first row names"),
        (b'a,b\n1,"2\n', "line 2 cannot be read as CSV: unexpected end of data"),
        (b"a,b\n1,\xff\n", "cannot be read as CSV: 'utf-8' codec can't decode"),
    ],
    ids=["long", "quote", "encoding"],
)
def test_a_broken_row_is_named(tmp_path: Path, rows: bytes, why: str) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(rows)
    packs = items_of_csv(str(table)).packs.__anext__()
    with pytest.raises(Trouble) as caught:
        packs.send(None)
    assert why in str(caught.value) and caught.value.code == USAGE


def test_a_pattern_finds_sorted_names_in_folders_too(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/er/c.txt"):
        (tmp_path / name).touch()
    assert read(items_of_glob("**/*.txt", str(tmp_path))) == ["a.txt", "b.txt", "deep/er/c.txt"]
    with pytest.raises(Trouble) as caught:
        items_of_glob("*.nix", str(tmp_path))
    assert caught.value.code == NO_FILE


def test_values_are_made_json_as_they_are_read() -> None:
    assert read(items_of_values(iter([1, {"a": None}, "é"]))) == [1, {"a": None}, "é"]
