"""What goes into a pack comes out of it, however it is cut and wherever one starts to read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.wire.packs import Segment, entry_of, error_entry, pack_json_items, pack_output, result_lines, unpack_output

values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
segments = st.builds(Segment, item=st.integers(100, 2**32), stream=st.sampled_from([1, 2]), offset=st.integers(0, 2**63), content=st.binary())


@given(st.lists(values), st.integers(1, 200), st.integers(0, 1000))
def test_items_come_out_of_their_packs_in_order(items, aim, first) -> None:
    packs = list(pack_json_items((json.dumps(item).encode() for item in items), first, aim))
    assert [json.loads(line) for pack in packs for line in pack.payload.split(b"\n")] == items
    assert [pack.first for pack in packs] == [first + sum(p.count for p in packs[:i]) for i in range(len(packs))]
    assert all(pack.count == pack.payload.count(b"\n") + 1 for pack in packs)
    assert all(pack.count == 1 or len(pack.payload) <= aim for pack in packs)


@given(st.lists(values, min_size=1), st.data())
def test_any_part_of_a_result_pack_prints_its_own_lines(items, data) -> None:
    start = data.draw(st.integers(0, len(items) - 1))
    count = data.draw(st.integers(1, len(items) - start))
    payload = b"\n".join(json.dumps(item).encode() for item in items)
    printed = [json.loads(line) for line in result_lines("values", payload, 50, 50 + start, count)]
    assert printed == [{"index": 50 + i, "value": items[i]} for i in range(start, start + count)]


def test_entries_print_values_reprs_and_errors() -> None:
    lines = [b'{"value": 1}', b'{"repr": "nan"}', error_entry("Died", "killed by signal 9")]
    printed = [json.loads(line) for line in result_lines("entries", b"\n".join(lines), 7, 7, 3)]
    assert printed == [
        {"index": 7, "value": 1},
        {"index": 8, "repr": "nan"},
        {"index": 9, "error": {"type": "Died", "message": "killed by signal 9", "traceback": ""}},
    ]
    assert entry_of("entries", lines[1]) == {"repr": "nan"}
    assert entry_of("values", b"[1]") == {"value": [1]}


@given(st.lists(segments))
def test_output_comes_out_as_it_went_in(written) -> None:
    assert list(unpack_output(pack_output(written, 100), 100)) == written


@given(st.lists(segments, min_size=1), st.data())
def test_a_pack_that_is_cut_short_is_refused(written, data) -> None:
    payload = pack_output(written, 100)
    whole = {0}
    for segment in written:
        whole.add(max(whole) + 17 + len(segment.content))
    cut = data.draw(st.integers(0, len(payload) - 1))
    if cut in whole:
        return
    with pytest.raises(ValueError):
        list(unpack_output(payload[:cut], 100))
