"""The pure parts of the keeper: packs, the record, files that grow, what waits outside of memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marx.runner.keeper_growth import Growth
from marx.runner.keeper_packs import GATHER_SECONDS, PACK_BYTES, Cutter, Pack
from marx.runner.keeper_record import Held, Recorded, Replay
from marx.runner.keeper_shelf import MEMORY_BYTES, Backlog, Shelf
from tests.runner.keeping import framed

pickles = st.lists(st.binary(max_size=200) | st.just(b"x" * PACK_BYTES), max_size=40)


@given(pickles, st.lists(st.integers(0, 10)))
def test_packs_hold_the_items_in_their_order_and_are_about_as_large_as_they_may_be(items: list[bytes], cuts: list[int]) -> None:
    cutter, packs, begin = Cutter(3), [], 0
    for count in [*cuts, len(items)]:
        packs += cutter.add(items[begin : begin + count])
        begin += count
    packs += cutter.rest(0.0)
    assert b"".join(pack.payload for pack in packs) == framed(items)
    assert [pack.first for pack in packs] == [3 + sum(pack.count for pack in packs[:place]) for place in range(len(packs))]
    assert all(len(pack.payload) <= PACK_BYTES + 4 * pack.count or pack.count == 1 for pack in packs)
    assert cutter.due_at is None


def test_the_first_items_leave_at_once_and_those_behind_them_are_gathered() -> None:
    cutter = Cutter(0)
    cutter.add([b"a"])
    assert cutter.due_at == 0
    cutter.rest(100.0)
    assert cutter.due_at is None
    cutter.add([b"b"])
    assert cutter.due_at == 100.0 + GATHER_SECONDS


def recorded(packs: list[list[bytes]], is_final: bool) -> Recorded:
    """A portion in the record, of these packs."""
    made, first = [], 0
    for pack in packs:
        one = Pack(first, pack)
        made.append([one.first, one.count, one.digest])
        first = one.stop
    return Recorded({"portion": 1, "call": '{"line": 1}', "place": "lab", "packs": made, "final": is_final})


one_letter = st.sampled_from([b"a", b"b", b"c"])


@given(
    st.lists(st.lists(one_letter, min_size=1, max_size=4), max_size=5),
    st.booleans(),
    st.lists(st.lists(one_letter, max_size=4), max_size=8),
)
def test_a_replay_verifies_what_is_the_same_and_nothing_else(before: list[list[bytes]], was_final: bool, now: list[list[bytes]]) -> None:
    replay, verified = Replay(recorded(before, was_final)), 0
    for place, sent in enumerate(now):
        replay.gather(sent, is_over=place == len(now) - 1)
        while (pack := replay.verified()) is not None:
            verified = pack.stop
    old, new = [item for pack in before for item in pack], [item for sent in now for item in sent]
    assert old[:verified] == new[:verified]
    if new == old and now and was_final:
        assert replay.is_certain and verified == len(old)
    if now and was_final:
        assert replay.differs == (new != old)
    if replay.differs:
        assert new[verified:] == replay.gathered


@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from("WG")), max_size=30), st.integers(0, 21))
def test_what_is_held_back_comes_in_the_order_of_items(entries: list[tuple[int, str]], verified: int) -> None:
    held = Held(Shelf())
    for number, (stop, kind) in enumerate(entries):
        held.keep(stop, kind.encode(), {"number": number}, b"%d" % number)
    released = [(header["number"], payload) for _, header, payload in held.release(verified)]
    expected = sorted((stop, number) for number, (stop, _) in enumerate(entries) if stop <= verified)
    assert released == [(number, b"%d" % number) for _, number in expected]
    assert len(list(held.release_all())) == len(entries) - len(expected)


def test_a_file_of_nobody_goes_with_the_results_behind_it() -> None:
    held = Held(Shelf())
    held.keep(None, b"W", {}, b"file")
    assert not list(held.release(99))
    held.keep(5, b"G", {}, b"results")
    assert not list(held.release(4))
    assert [kind for kind, _, _ in held.release(5)] == [b"W", b"G"]


class Appended:
    """What a file to which sources append must hold: a model of `Growth` that keeps the bytes themselves."""

    def __init__(self) -> None:
        self.folded = b"base"
        self.sources: dict[int, bytes] = {}
        self.movable: list[tuple[tuple[int, int], int, int]] = []

    def content(self) -> bytes:
        return self.folded + b"".join(self.sources[source][begin:] for _, source, begin in sorted(self.movable))


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(min_size=1, max_size=3)) | st.none(), max_size=30))
def test_growth_puts_each_sources_bytes_where_they_belong(steps: list[tuple[int, bytes] | None]) -> None:
    growth, model, file, portion = Growth(4), Appended(), b"base", 0
    begins: dict[int, int] = {}
    for step in steps:
        if step is None:
            growth.fold(len(file))
            portion += 1
            model.folded, model.movable = model.content(), []
            continue
        source, text = step
        begins.setdefault(source, portion)
        held = model.sources.get(source, b"") + text
        if source not in [known for _, known, _ in model.movable]:
            model.movable.append(((begins[source], source), source, len(model.sources.get(source, b""))))
        model.sources[source] = held
        assert growth.seen_of(source)[0] == len(held) - len(text)
        begin, replaced = growth.add(source, (begins[source], source), len(held), 0)
        file = file[:begin] + held[growth.folded_of(source) :] + file[begin + replaced :]
        assert file == model.content() and growth.size == len(file)


@given(st.lists(st.integers(0, 400_000) | st.none(), max_size=40))
def test_a_backlog_gives_back_what_it_got_and_holds_little(steps: list[int | None]) -> None:
    backlog, expected = Backlog(Shelf()), []
    for number, size in enumerate(steps):
        if size is not None:
            content = bytes([number]) * size
            backlog.add(content)
            expected.append(content)
        elif expected:
            assert backlog.take() == expected.pop(0)
        assert len(backlog) == len(expected)
        assert sum(len(raw) for _, raw in backlog._waiting if raw is not None) <= MEMORY_BYTES
    assert [backlog.take() for _ in expected] == expected


def test_a_shelf_that_is_empty_takes_no_room() -> None:
    shelf = Shelf()
    places = [shelf.put(b"x" * 100_000) for _ in range(3)]
    shelf.drop(places[1])
    assert shelf.take(places[2]) == b"x" * 100_000
    assert shelf.read(places[0]) == b"x" * 100_000 == shelf.take(places[0])
    assert shelf.put(b"y") == (0, 1)
    assert shelf.take((0, 1)) == b"y"
