"""What the store promises of programs on every database: their portions, what comes back to them, their standard input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted

from marx.server.program_records import NewInput, NewPortion, PortionDropped, ReturnRow, TaskExit, TaskHeld, TaskSpent
from marx.server.records import Counts, NewItems, NewTask, TaskState
from marx.server.store import Store
from tests.server.store_contract import MUCH, T, artifact, results

CALL = {"file": "p.py", "line": 7, "kind": "Pool.map", "function": "step"}


def program() -> list[Any]:
    return [NewTask(T, "anna", None, "run", b'{"kind": "run"}', 1.0), NewItems(T, 0, 0, 1, "range", (0, 1), None, None, True)]


def opened(portion: int, place: str = "lab", **more: Any) -> NewPortion:
    fields = {"reason": "", "python": "3.11", "state": None, "files": None, "call": json.dumps(CALL), **more}
    return NewPortion(T, portion, place, **fields)


def pickles(portion: int, first: int, count: int, digest: str, final: bool = False) -> NewItems:
    return NewItems(T, portion, first, count, "pickles", (digest,), b"..", None, final)


class ProgramsContract:
    """Subclass it as `Test...` with a fixture `url` of an empty database."""

    @pytest.fixture
    def store(self, url: Any) -> Iterator[Store]:
        """A store with a program in it, open while the test runs."""
        from twisted.internet import reactor

        store = Store.open(url, reactor)
        pytest_twisted.blockon(store.write(*program()))
        yield store
        pytest_twisted.blockon(store.close())

    @pytest_twisted.ensureDeferred
    async def test_a_portion_is_read_back_as_the_program_opened_it(self, store: Store) -> None:
        await store.write(opened(2, "home", reason="`log` is an open file"), opened(1, state="5" * 64, files="f" * 64))
        first, second = await store.portions(T)
        assert (first.portion, first.call, first.place, first.python, first.state, first.files) == (1, CALL, "lab", "3.11", "5" * 64, "f" * 64)
        assert (second.place, second.reason, second.dropped) == ("home", "`log` is an open file", False)
        assert await store.portion(T, 2) == second and await store.portion(T, 3) is None

    @pytest_twisted.ensureDeferred
    async def test_the_first_portions_are_read_without_the_others(self, store: Store) -> None:
        await store.write(*(opened(number) for number in range(1, 6)), *(pickles(number, 0, number, "aa") for number in range(1, 6)))
        await store.write(results(0, 1, portion=2), results(0, 1, portion=4))
        assert [portion.portion for portion in await store.portions(T, 2)] == [1, 2]
        assert await store.portion_counts(T, 2) == {0: (1, 0, 0), 1: (1, 0, 0), 2: (2, 1, 0)}
        assert len(await store.portions(T)) == 5 and len(await store.portion_counts(T)) == 6

    @pytest_twisted.ensureDeferred
    async def test_a_portion_that_is_opened_again_stays_as_it_was(self, store: Store) -> None:
        await store.write(opened(1))
        await store.write(opened(1, python="2.7"))
        assert [portion.python for portion in await store.portions(T)] == ["3.11"]

    @pytest_twisted.ensureDeferred
    async def test_a_dropped_portion_stays_dropped(self, store: Store) -> None:
        await store.write(opened(1), opened(2))
        await store.write(PortionDropped(T, 1))
        assert [portion.dropped for portion in await store.portions(T)] == [True, False]

    @pytest_twisted.ensureDeferred
    async def test_the_record_of_packs_has_their_digests_in_order(self, store: Store) -> None:
        await store.write(pickles(2, 0, 3, "cc", final=True), pickles(1, 5, 5, "bb"), pickles(1, 0, 5, "aa"))
        packs, final = await store.packs(T, 10)
        assert [(pack.portion, pack.first, pack.count, pack.digest) for pack in packs] == [(1, 0, 5, "aa"), (1, 5, 5, "bb"), (2, 0, 3, "cc")]
        assert final == {2}
        assert await store.packs(T, 2) == (packs[:2], final)

    @pytest_twisted.ensureDeferred
    async def test_what_comes_back_to_a_program_is_in_the_order_of_commits_and_not_its_own_end(self, store: Store) -> None:
        await store.write(results(3, 5, portion=1, failed=(4,)))
        await store.write(results(0, 3, portion=1), results(0, 1))
        rows = await store.returns_after(T, 0, MUCH)
        assert [(row.portion, row.first, row.count, row.failed) for row in rows] == [(1, 3, 2, (4,)), (1, 0, 3, ())]
        assert isinstance(rows[0], ReturnRow) and rows[0].payload == b"1"
        assert await store.returns_after(T, rows[0].row, MUCH) == rows[1:]
        assert len(await store.returns_after(T, 0, 1)) == 1

    @pytest_twisted.ensureDeferred
    async def test_files_of_items_come_back_with_where_they_were_made(self, store: Store) -> None:
        made = artifact("out/\udcff", 3, portion=1, source="lab-7/0", grown_from=7, turn=2, blob="b" * 64)
        await store.write(artifact("main.txt", 0), made, results(0, 5, portion=1))
        (row,) = await store.changes_of_results(T, (0, 99), 0, 10)
        assert (row.change["path"], row.change["source"], row.change["item"], row.change["deleted"]) == ("out/\udcff", "lab-7/0", 3, False)
        assert (row.change["grown_from"], row.change["turn"]) == (7, 2)
        assert await store.changes_of_results(T, (0, 99), row.row, 10) == []

    @pytest_twisted.ensureDeferred
    async def test_files_come_with_the_results_of_their_items_and_as_the_attempt_made_them_that_gave_these(self, store: Store) -> None:
        for path, item, fence in (("lost", 0, 7), ("kept", 0, 8), ("other", 5, 8), ("undone", 9, 8), ("old", 1, None)):
            await store.write(artifact(path, item, portion=1, fence=fence))
        await store.write(results(0, 2, portion=1, fence=8), results(5, 6, portion=1, fence=8), results(0, 1, portion=2, fence=7))
        rows = [row.row for row in await store.returns_after(T, 0, MUCH)]

        async def paths(*between: int) -> list[str]:
            first, last = between
            return [found.change["path"] for found in await store.changes_of_results(T, (first, last), 0, 10)]

        assert await paths(0, rows[0]) == ["kept", "old"]
        assert await paths(rows[0], rows[-1]) == ["other"]
        assert await paths(0, rows[-1]) == ["kept", "other", "old"]
        assert len(await store.changes_of_results(T, (0, rows[-1]), 0, 2)) == 2

    @pytest_twisted.ensureDeferred
    async def test_files_of_no_item_are_read_once(self, store: Store) -> None:
        await store.write(artifact("left", None, portion=1), artifact("main", None), artifact("named", 3, portion=1))
        found, last = await store.changes_of_nobody(T, 0)
        assert [change.change["path"] for change in found] == ["left"]
        assert await store.changes_of_nobody(T, last) == ([], last)

    @pytest_twisted.ensureDeferred
    async def test_of_a_programs_file_what_was_stored_last_counts(self, store: Store) -> None:
        await store.write(artifact("a", 9, portion=3, length=1))
        await store.write(artifact("a", 0, portion=0, length=2))
        assert [found.length for found in await store.artifacts(T, None, 10)] == [2]

    @pytest_twisted.ensureDeferred
    async def test_counts_of_an_ended_program_are_those_of_its_portions(self, store: Store) -> None:
        await store.write(pickles(1, 0, 5, "aa"), results(0, 4, portion=1, failed=(2,)), results(0, 1))
        await store.write(TaskExit(T, 3))
        await store.write(TaskState(T, "done", "", None, 9.0))
        record = await store.task(T)
        assert (record.exit_code, record.counts) == (3, Counts(5, True, 4, 1))
        assert await store.portion_counts(T) == {0: (1, 1, 0), 1: (5, 4, 1)}

    @pytest_twisted.ensureDeferred
    async def test_standard_input_is_read_from_any_byte_on(self, store: Store) -> None:
        assert await store.input_end(T) == (0, False) and await store.input_from(T, 0, MUCH) == (b"", False)
        await store.write(NewInput(T, 0, False, b"hello "))
        await store.write(NewInput(T, 6, False, b"world"), NewInput(T, 11, True, b""))
        assert await store.input_end(T) == (11, True)
        assert await store.input_from(T, 0, MUCH) == (b"hello world", True)
        assert await store.input_from(T, 3, 4) == (b"lo w", False)
        assert (await store.input_from(T, 6, 5))[0] == b"world"
        assert await store.input_from(T, 11, MUCH) == (b"", True)
        assert await store.input_from(T, 5, 1) == (b" ", False)
        assert await store.input_from(T, 99, MUCH) == (b"", True)

    @pytest_twisted.ensureDeferred
    async def test_a_start_finds_the_portions_of_open_programs_and_whether_they_are_held(self, store: Store) -> None:
        await store.write(opened(1), pickles(1, 0, 5, "aa", final=True), TaskHeld(T, True))
        (found,) = await store.load_unfinished()
        assert found.held and [portion.portion for portion in found.opened] == [1]
        await store.write(TaskHeld(T, False))
        assert not (await store.load_unfinished())[0].held

    @pytest_twisted.ensureDeferred
    async def test_a_start_finds_how_long_a_task_has_been_in_its_state(self, store: Store) -> None:
        assert (await store.load_unfinished())[0].spent_seconds == 0.0
        await store.write(TaskSpent(T, 10.0))
        await store.write(TaskSpent(T, 20.5))
        assert (await store.load_unfinished())[0].spent_seconds == 20.5
