"""What the store promises of keeping and forgetting on every database: a forgotten task is gone at once, and its rows bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import gatherResults

from marx.server import schema
from marx.server.keeping_records import (
    ClearRows,
    DropMemories,
    EndedRecord,
    ForgetTask,
    ForgottenRecord,
    GiveBackPages,
    TaskCleared,
    TaskSize,
)
from marx.server.program_records import NewInput, NewPortion
from marx.server.records import BlobUse, NewArtifact, NewAttempt, NewItems, NewNote, NewOutput, NewResults, NewTask, TaskState, WriteRefused
from marx.server.store import Store
from marx.server.store_keeping import CLEAR_BYTES, CLEAR_ROWS, KEPT
from tests.server.store_contract import MUCH

LATE = 1e12


def everything(id: str, user: str = "anna", rows: int = 1, payload: bytes = b"x") -> list[Any]:
    """A task that has something in every table, not ended."""
    writes: list[Any] = [NewTask(id, user, f"name of {id}", "run", b"{}", 1.0)]
    for n in range(rows):
        writes += [
            NewItems(id, 1, n, 1, "pickles", ("",), payload, None, False),
            NewResults(id, 1, n, 1, n, "values", (), payload, None, "lab7", 1, 1),
            NewOutput(id, 1, n, n, "lab7", 2.0, payload),
            NewInput(id, n * len(payload), False, payload),
            NewArtifact(id, 1, n, 0, f"file{n}", 0o644, 3, 1.5, None, False, None),
            NewPortion(id, n + 1, "lab", "", "3.11", None, None, "{}"),
            NewAttempt(id, 1, n, 1, "lab7", 1, "died", n, "killed", None, 9, 0.5, 2048, 3.0),
            NewNote(id, "lab7", "a note"),
            BlobUse(id, f"{n:064x}"),
        ]
    return writes


def end(id: str, at_utc: float = 10.0) -> TaskState:
    return TaskState(id, "done", "", 0, at_utc)


async def clear(store: Store, task: str) -> list[ClearRows]:
    """Delete all that is left of a forgotten task; in which steps."""
    steps = []
    while step := await store.rows_to_clear(task):
        await store.write(step)
        steps.append(step)
    await store.write(TaskCleared(task))
    return steps


class KeepingContract:
    """Subclass it as `Test...` with a fixture `url` of an empty database."""

    @pytest.fixture
    def store(self, url: Any) -> Iterator[Store]:
        """A store that is open while the test runs."""
        from twisted.internet import reactor

        store = Store.open(url, reactor)
        yield store
        pytest_twisted.blockon(store.close())

    @pytest_twisted.ensureDeferred
    async def test_a_forgotten_task_is_gone_at_once_and_remembered_as_such(self, store: Store) -> None:
        await store.write(*everything("abcd"), end("abcd"), *everything("abce", "ben"), end("abce"))
        await store.write(ForgetTask("abcd", "by anna", 20.5))
        assert await store.task("abcd") is None and await store.ids_by_prefix("abc", None) == ["abce"]
        assert [record.id for record in await store.tasks(None, 9)] == ["abce"]
        remembered = ForgottenRecord("abcd", "anna", "name of abcd", "by anna", 20.5)
        assert await store.forgotten_by_prefix("ab", None) == await store.forgotten_by_prefix("abcd", "anna") == [remembered]
        assert await store.forgotten_by_prefix("abcd", "ben") == await store.forgotten_by_prefix("b", None) == []

    @pytest_twisted.ensureDeferred
    async def test_nothing_of_a_cleared_task_is_left_and_everything_of_the_others(self, store: Store) -> None:
        await store.write(*everything("gone"), end("gone"), *everything("kept"), end("kept"))
        await store.write(ForgetTask("gone", "by anna", 20.0))
        assert {step.table for step in await clear(store, "gone")} == set(KEPT)
        assert await store.rows_to_clear("gone") is None
        assert {table for table in KEPT if await _has_rows(store, table, "kept")} == set(KEPT)

    def test_every_table_with_rows_of_tasks_is_cleared(self) -> None:
        of_tasks = {table.name for table in schema.metadata.tables.values() if "task" in table.c}
        assert of_tasks - {"forgotten"} == set(KEPT)

    @pytest_twisted.ensureDeferred
    async def test_what_is_deleted_at_once_is_bounded_in_rows_and_in_bytes(self, store: Store) -> None:
        many = [NewNote("many", "lab7", "a note") for _ in range(2 * CLEAR_ROWS + 1)]
        large = [NewOutput("many", 0, n, n, "lab7", 2.0, b"x" * (CLEAR_BYTES // 2 + 1)) for n in range(5)]
        await store.write(NewTask("many", "anna", None, "map", b"{}", 1.0), *many, *large, end("many"))
        await store.write(ForgetTask("many", "by anna", 20.0))
        steps = await clear(store, "many")
        assert [len(step.keys) for step in steps if step.table == "notes"] == [CLEAR_ROWS, CLEAR_ROWS, 1]
        assert [len(step.keys) for step in steps if step.table == "outputs"] == [2, 2, 1]

    @pytest.mark.parametrize("state", [None, "running", "stopping"])
    @pytest_twisted.ensureDeferred
    async def test_only_what_has_ended_can_be_forgotten(self, store: Store, state: str | None) -> None:
        await store.write(*everything("open"), *([TaskState("open", state, "", None, 5.0)] if state else []))
        with pytest.raises(WriteRefused, match="no task 'open' that has ended"):
            await store.write(ForgetTask("open", "by anna", 20.0))
        assert (await store.task("open")).state == (state or "queued") and await store.forgotten_by_prefix("open", None) == []

    @pytest_twisted.ensureDeferred
    async def test_a_task_is_forgotten_once(self, store: Store) -> None:
        await store.write(*everything("once"), end("once"))
        both = [store.write(ForgetTask("once", f"by {who}", 20.0)).addErrback(lambda failure: failure.value) for who in ("anna", "ben")]
        outcomes = await gatherResults(both)
        assert outcomes[0] is None and isinstance(outcomes[1], WriteRefused)
        assert [record.reason for record in await store.forgotten_by_prefix("once", None)] == ["by anna"]

    @pytest_twisted.ensureDeferred
    async def test_an_id_that_comes_again_is_forgotten_again(self, store: Store) -> None:
        for number in (1, 2):
            await store.write(NewTask("again", "anna", None, "map", b"{}", 1.0), end("again"))
            await store.write(ForgetTask("again", f"time {number}", 20.0))
        assert [record.reason for record in await store.forgotten_by_prefix("again", None)] == ["time 2"]

    @pytest_twisted.ensureDeferred
    async def test_what_is_not_cleared_is_known_oldest_first_and_so_after_a_restart(self, store: Store) -> None:
        for place, id in enumerate(("first", "second", "third")):
            await store.write(NewTask(id, "anna", None, "map", b"{}", 1.0), end(id), ForgetTask(id, "by anna", 20.0 + place))
        await store.write(TaskCleared("first"))
        assert await store.uncleared(LATE) == ["second", "third"] and await store.uncleared(21.5) == ["second"]

    @pytest_twisted.ensureDeferred
    async def test_even_the_memory_of_a_task_goes_but_not_before_it_is_cleared(self, store: Store) -> None:
        for id in ("clear", "unclear", "young"):
            await store.write(NewTask(id, "anna", None, "map", b"{}", 1.0), end(id), ForgetTask(id, "by anna", 90.0 if id == "young" else 20.0))
        await store.write(TaskCleared("clear"), TaskCleared("young"), DropMemories(50.0))
        assert {record.task for record in await store.forgotten_by_prefix("", None)} == {"unclear", "young"}

    # Blobs

    @pytest_twisted.ensureDeferred
    async def test_a_forgotten_task_names_no_blob_even_before_it_is_cleared(self, store: Store) -> None:
        await store.write(*everything("gone"), BlobUse("gone", "aa"), end("gone"), *everything("kept"))
        await store.write(ForgetTask("gone", "by anna", 20.0))
        assert await store.blobs_used() == {f"{0:064x}"} and await store.blobs_owned(["aa"], "anna") == set()

    @pytest_twisted.ensureDeferred
    async def test_a_tasks_own_blobs_are_those_that_no_other_task_names(self, store: Store) -> None:
        await store.write(NewTask("one", "anna", None, "map", b"{}", 1.0), NewTask("two", "ben", None, "map", b"{}", 1.0), end("two"))
        await store.write(*(BlobUse("one", digest) for digest in ("aa", "bb", "cc")), BlobUse("two", "bb"), BlobUse("gone", "cc"))
        assert sorted(await store.own_blobs("one")) == ["aa", "cc"] and await store.own_blobs("two") == []
        await store.write(ForgetTask("two", "by ben", 20.0))
        assert sorted(await store.own_blobs("one")) == ["aa", "bb", "cc"]

    # Space

    @pytest_twisted.ensureDeferred
    async def test_giving_pages_back_leaves_what_is_kept_and_nothing_that_could_be_given_back(self, store: Store) -> None:
        await store.write(*everything("gone", rows=50, payload=b"x" * 50_000), end("gone"), *everything("kept", rows=5), end("kept"))
        await store.write(ForgetTask("gone", "by anna", 20.0))
        await clear(store, "gone")
        while free := (await store.pages()).free:
            await store.write(GiveBackPages(free))
        assert len(await store.results_after("kept", 0, MUCH)) == 5

    # Age and size

    @pytest_twisted.ensureDeferred
    async def test_what_ended_first_comes_first_and_what_is_open_never(self, store: Store) -> None:
        for id, at_utc in (("b", 30.0), ("open", None), ("a", 20.0), ("c", 40.0)):
            await store.write(NewTask(id, "anna", None, "map", b"{}", 1.0), *([] if at_utc is None else [end(id, at_utc)]))
        await store.write(TaskSize("a", 7))
        assert await store.ended_first(None, 2) == [EndedRecord("a", "anna", 20.0, 7), EndedRecord("b", "anna", 30.0, None)]
        assert [record.id for record in await store.ended_first(40.0, 9)] == ["a", "b"]

    @pytest_twisted.ensureDeferred
    async def test_the_size_of_a_task_is_about_what_it_takes_of_all_tables(self, store: Store) -> None:
        await store.write(*everything("small"), end("small"), *everything("large", rows=10, payload=b"x" * 10_000), end("large"))
        small, large = await store.task_bytes("small"), await store.task_bytes("large")
        assert 1_000 < small < 3_000 and 400_000 < large < 430_000
        assert set(await store.unmeasured(9)) == {"small", "large"} and await store.kept_bytes() == 0
        await store.write(TaskSize("small", small), TaskSize("large", large))
        assert await store.unmeasured(9) == [] and await store.kept_bytes() == small + large
        await store.write(ForgetTask("large", "by anna", 20.0))
        assert await store.kept_bytes() == small

    @pytest_twisted.ensureDeferred
    async def test_of_nothing_there_is_nothing_to_measure_or_to_clear(self, store: Store) -> None:
        assert await store.kept_bytes() == 0 and await store.unmeasured(9) == await store.ended_first(None, 9) == await store.uncleared(LATE) == []
        assert await store.rows_to_clear("nobody") is None and await store.own_blobs("nobody") == []


async def _has_rows(store: Store, table: str, task: str) -> bool:
    """Whether a table still has what was put there of a task."""
    reads = {
        "items": lambda: store.item_firsts(task, 1),
        "results": lambda: store.results_after(task, 0, MUCH),
        "outputs": lambda: store.output_after(task, 0, MUCH),
        "inputs": lambda: store.input_end(task).addCallback(lambda end: end[0]),
        "artifacts": lambda: store.artifacts(task, None, 9),
        "portions": lambda: store.portions(task),
        "attempts": lambda: store.attempts(task, 9),
        "notes": lambda: store.notes(task),
        "blob_uses": lambda: store.blobs_used(),
    }
    return bool(await reads[table]())
