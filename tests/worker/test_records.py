"""Packs of records are counted and cut without looking into any of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.worker.records import bounds, count_of, is_one, part_of
from tests.fakes.runners import pack_of

RECORDS = st.lists(st.binary(max_size=20), max_size=8)


@given(RECORDS, st.data())
def test_any_part_of_a_pack_is_the_pack_of_those_records(records: list[bytes], data: st.DataObject) -> None:
    skipped = data.draw(st.integers(0, len(records)))
    count = data.draw(st.integers(0, len(records) - skipped))
    pack = pack_of(*records)
    assert count_of(pack) == len(records)
    assert part_of(pack, skipped, count) == pack_of(*records[skipped : skipped + count])


@given(RECORDS.filter(bool), st.data())
def test_a_pack_that_is_cut_off_is_none_or_ends_with_a_record(records: list[bytes], data: st.DataObject) -> None:
    pack = pack_of(*records)
    cut = data.draw(st.integers(1, len(pack)))
    if cut in list(bounds(pack)):
        assert count_of(pack[:cut]) <= len(records)
    else:
        with pytest.raises(ValueError):
            count_of(pack[:cut])


def test_there_must_be_as_many_as_are_wanted() -> None:
    with pytest.raises(ValueError):
        part_of(pack_of(b"a", b"b"), 1, 2)


def test_one_record_fills_its_pack() -> None:
    pack = pack_of(b"abc")
    assert is_one(pack, len(pack)) and is_one(pack[:4], len(pack))
    assert not is_one(pack, len(pack) + 1) and not is_one(b"\0\0", 2)
