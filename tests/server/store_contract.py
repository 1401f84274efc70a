"""What the store promises on every database: one class, which a test module subclasses for each of them and says where it is."""

from __future__ import annotations

import abc
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import count
from typing import Any

import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import gatherResults

from marx.server.codes import CertificateRecord, CodeRecord
from marx.server.records import (
    BlobUse,
    Counts,
    KeepCertificate,
    KeepCode,
    NewArtifact,
    NewAttempt,
    NewEpoch,
    NewItems,
    NewNote,
    NewOutput,
    NewResults,
    NewTask,
    StoredPortion,
    StoreFailed,
    TaskState,
    WriteRefused,
)
from marx.server.store import Store
from marx.wire.packs import ItemPack

T = "abcdefgh"
MUCH = 1_000_000
CODE = CodeRecord("c0de" * 16, "tasker", "anna", False, 2, 0, 1000.0, 2000.0)
CERTIFICATE = CertificateRecord("7b1d" * 10, "tasker", "anna", False, CODE.digest, 1002.5)


def task(id: str = T, user: str = "anna", name: str | None = "a map", at_utc: float = 1_800_000_000.25) -> NewTask:
    return NewTask(id, user, name, "map", b'{"function": "f"}', at_utc)


def items(first: int, count: int, final: bool = False, task: str = T, portion: int = 0) -> NewItems:
    payload = b"\n".join(b"%d" % item for item in range(first, first + count))
    return NewItems(task, portion, first, count, "json", (), payload, None, final)


def results(
    first: int, stop: int, task: str = T, portion: int = 0, failed: tuple[int, ...] = (), payload: bytes = b"1", fence: int | None = None
) -> NewResults:
    return NewResults(task, portion, first, stop - first, first, "values", failed, payload, None, "lab7", 1, stop - first, fence)


def output(first: int, last: int, payload: bytes = b"hello", task: str = T, portion: int = 0) -> NewOutput:
    return NewOutput(task, portion, first, last, "lab7", 1_800_000_001.5, payload)


def artifact(path: str, item: int | None, portion: int = 0, **changes: Any) -> NewArtifact:
    fields = {"root": 0, "mode": 0o644, "length": 3, "mtime": 1.5, "blob": None, "deleted": False, "link": None, **changes}
    return NewArtifact(T, portion, item, path=path, **fields)


def attempt(reason: str = "killed by signal 9", attempt: int = 1) -> NewAttempt:
    return NewAttempt(T, 0, 5, 3, "lab7", attempt, "died", 6, reason, None, 9, 0.5, 2048, 1_800_000_002.0)


def ranges_of(rows: list[Any]) -> list[tuple[int, int]]:
    return [(row.first, row.first + row.count) for row in rows]


class StoreContract(abc.ABC):
    """Subclass it as `Test...` with a fixture `url` of an empty database."""

    @pytest.fixture
    def store(self, url: Any) -> Iterator[Store]:
        """A store that is open while the test runs."""
        from twisted.internet import reactor

        store = Store.open(url, reactor)
        yield store
        pytest_twisted.blockon(store.close())

    # Tasks

    @pytest_twisted.ensureDeferred
    async def test_a_task_is_read_back_as_it_was_written_and_is_queued(self, store: Store) -> None:
        await store.write(task())
        record = await store.task(T)
        assert (record.id, record.user, record.name, record.kind) == (T, "anna", "a map", "map")
        assert (record.submitted_utc, record.state, record.reason) == (1_800_000_000.25, "queued", "")
        assert record.exit_code is record.started_utc is record.ended_utc is record.counts is None
        assert await store.spec(T) == {"function": "f"}

    @pytest_twisted.ensureDeferred
    async def test_of_a_task_that_is_not_there_nothing_is_read(self, store: Store) -> None:
        assert await store.task(T) is None and await store.spec(T) is None
        assert await store.results_after(T, 0, MUCH) == await store.output_after(T, 0, MUCH) == []

    @pytest_twisted.ensureDeferred
    async def test_a_task_remembers_when_it_began_and_ended_and_how_far_it_came(self, store: Store) -> None:
        await store.write(task(), items(0, 10), items(10, 5), items(15, 0, final=True))
        await store.write(TaskState(T, "running", "", None, 10.0), results(0, 4, failed=(1, 3)))
        await store.write(TaskState(T, "stopping", "stopped", None, 11.0), results(9, 12, failed=(9,)))
        assert (await store.task(T)).counts is None
        await store.write(TaskState(T, "failed", "item 9 failed", 1, 12.0))
        record = await store.task(T)
        assert (record.state, record.reason, record.exit_code) == ("failed", "item 9 failed", 1)
        assert (record.started_utc, record.ended_utc, record.counts) == (10.0, 12.0, Counts(15, True, 7, 3))

    @pytest_twisted.ensureDeferred
    async def test_a_task_without_items_ends_with_counts_of_nought(self, store: Store) -> None:
        await store.write(task(), TaskState(T, "cancelled", "", None, 12.0))
        assert (await store.task(T)).counts == Counts(0, False, 0, 0)

    @pytest_twisted.ensureDeferred
    async def test_tasks_are_listed_newest_first_by_user_and_in_pages(self, store: Store) -> None:
        for number in range(6):
            await store.write(task(f"task{number}", "anna" if number % 2 else "ben"))
        everybody = await store.tasks(None, 4)
        assert [record.id for record in everybody] == ["task5", "task4", "task3", "task2"]
        assert [record.id for record in await store.tasks(None, 4, everybody[-1].row)] == ["task1", "task0"]
        assert [record.id for record in await store.tasks("anna", 9)] == ["task5", "task3", "task1"]
        assert await store.tasks("nobody", 9) == []

    @pytest_twisted.ensureDeferred
    async def test_a_prefix_finds_the_users_tasks_and_a_whole_id_itself(self, store: Store) -> None:
        await store.write(task("abcd"), task("abce"), task("abcdefg2"), task("xbcd", "ben"), task("ABCD"))
        assert await store.ids_by_prefix("abc", "anna") == ["abcdefg2", "abce", "abcd"]
        assert await store.ids_by_prefix("abcd", None) == ["abcd"]
        assert await store.ids_by_prefix("x", "anna") == [] and await store.ids_by_prefix("x", None) == ["xbcd"]
        assert len(await store.ids_by_prefix("", None)) == 5
        assert await store.ids_by_prefix("%", None) == await store.ids_by_prefix("____", None) == []

    # All or nothing, and order

    @pytest_twisted.ensureDeferred
    async def test_a_refused_call_leaves_nothing_and_the_others_of_its_group_are_stored(self, store: Store) -> None:
        calls = [
            store.write(task("first")),
            store.write(task("half"), TaskState("nobody", "done", "", 0, 1.0)),
            store.write(task("first")),
            store.write(task("last"), results(0, 1, "last"), TaskState("last", "running", "", None, 1.0)),
        ]
        outcomes = await gatherResults([call.addErrback(lambda failure: failure.value) for call in calls])
        assert [type(outcome) for outcome in outcomes] == [type(None), WriteRefused, WriteRefused, type(None)]
        assert [record.id for record in await store.tasks(None, 9)] == ["last", "first"]
        assert "no task 'nobody'" in str(outcomes[1])

    @pytest.mark.parametrize("wrong", [{}, "\ud800", None], ids=["another type", "a lone surrogate", "nothing"])
    @pytest_twisted.ensureDeferred
    async def test_a_value_that_no_column_holds_is_refused_and_harms_nobody(self, store: Store, wrong: Any) -> None:
        bad = store.write(task("bad"), NewResults(T, 0, 0, 1, 0, wrong, (), b"", None, "lab7", 1))
        good = store.write(task("good"))
        with pytest.raises(WriteRefused):
            await bad
        await good
        assert [record.id for record in await store.tasks(None, 9)] == ["good"]

    @pytest_twisted.ensureDeferred
    async def test_what_stands_before_a_wrong_value_in_its_call_is_not_stored_either(self, store: Store) -> None:
        bad = store.write(task("bad"), replace(output(0, 0), payload=None))
        good = store.write(task("good"))
        with pytest.raises(WriteRefused):
            await bad
        await good
        assert [record.id for record in await store.tasks(None, 9)] == ["good"]

    @pytest_twisted.ensureDeferred
    async def test_a_number_that_is_too_large_is_refused(self, store: Store) -> None:
        with pytest.raises(WriteRefused):
            await store.write(results(2**70, 2**70 + 1))

    @pytest_twisted.ensureDeferred
    async def test_calls_are_answered_and_stored_in_their_order(self, store: Store) -> None:
        answered: list[int] = []
        numbers = random.Random(1).sample(range(600), 600)
        await gatherResults([store.write(results(n, n + 1), output(n, n)).addCallback(lambda _, n=n: answered.append(n)) for n in numbers])
        assert answered == numbers
        assert [row.first for row in await store.results_after(T, 0, MUCH)] == numbers
        assert [row.first for row in await store.output_after(T, 0, MUCH)] == numbers

    @pytest_twisted.ensureDeferred
    async def test_a_call_without_writes_waits_for_those_before_it(self, store: Store) -> None:
        answered: list[str] = []
        store.write(task()).addCallback(lambda _: answered.append("task"))
        await store.write()
        assert answered == ["task"]

    @pytest_twisted.ensureDeferred
    async def test_a_closed_store_says_so(self, url: Any) -> None:
        from twisted.internet import reactor

        store = Store.open(url, reactor)
        last = store.write(task())
        await store.close()
        await last
        await store.close()
        for call in (store.write(task("late")), store.reopen(), store.task(T)):
            with pytest.raises(StoreFailed, match="closed"):
                await call

    # Items

    @pytest_twisted.ensureDeferred
    async def test_item_packs_are_read_one_by_one_from_where_they_begin(self, store: Store) -> None:
        blob = NewItems(T, 0, 12, 1, "json", (), None, "b10b" * 16, False)
        await store.write(items(0, 10), items(10, 2), blob, items(13, 0, final=True))
        await store.write(NewItems(T, 1, 0, 10**12, "range", (5, -2), None, None, True))
        assert await store.item_firsts(T, 0) == [0, 10, 12] and await store.item_firsts(T, 1) == [0]
        assert await store.item_weights(T, 0) == [(0, len(b"0\n1\n2\n3\n4\n5\n6\n7\n8\n9")), (10, 5)] and await store.item_weights(T, 1) == []
        assert await store.item_pack(T, 0, 10) == ItemPack(10, 2, "json", b"10\n11")
        assert await store.item_pack(T, 0, 12) == ItemPack(12, 1, "json", b"", (), "b10b" * 16)
        assert await store.item_pack(T, 1, 0) == ItemPack(0, 10**12, "range", b"", (5, -2))
        assert await store.item_pack(T, 0, 13) is None and await store.item_pack(T, 0, 5) is None

    # Results

    @pytest_twisted.ensureDeferred
    async def test_a_result_row_is_read_with_all_it_needs(self, store: Store) -> None:
        await store.write(NewResults(T, 2, 7, 2, 5, "entries", (8,), b"a\nb\nc\nd", None, "lab7", 3, 4))
        await store.write(NewResults(T, 2, 9, 1, 9, "values", (), None, "b10b" * 16, "lab7", 1, 1))
        part, large = await store.results_after(T, 0, MUCH)
        assert (part.portion, part.first, part.count, part.pack_first, part.pack_count) == (2, 7, 2, 5, 4)
        assert (part.codec, part.payload, part.blob, part.whole) == ("entries", b"a\nb\nc\nd", None, False)
        assert (large.payload, large.blob, large.whole) == (None, "b10b" * 16, True)
        assert await store.results_after(T, part.row, MUCH) == [large]

    @pytest_twisted.ensureDeferred
    async def test_a_pack_whose_size_is_not_known_is_not_called_whole(self, store: Store) -> None:
        await store.write(NewResults(T, 0, 5, 1, 5, "entries", (5,), b"{}", None, "lab7", 1))
        [row] = await store.results_in_order(T, 0, 5, MUCH)
        assert not row.whole

    @pytest_twisted.ensureDeferred
    async def test_reading_in_order_may_begin_inside_a_row_and_ends_at_a_gap(self, store: Store) -> None:
        await store.write(results(10, 20), results(0, 10), results(25, 30), results(0, 99, portion=1), results(20, 21))
        rows = await store.results_in_order(T, 0, 4, MUCH)
        assert ranges_of(rows) == [(4, 10), (10, 20), (20, 21)]
        assert rows[0].pack_first == 0 and not rows[0].whole and rows[1].whole
        assert await store.results_in_order(T, 0, 21, MUCH) == await store.results_in_order(T, 0, 24, MUCH) == []
        assert ranges_of(await store.results_in_order(T, 0, 25, MUCH)) == [(25, 30)]
        assert await store.results_in_order(T, 0, 30, MUCH) == []

    @pytest_twisted.ensureDeferred
    async def test_reading_stops_at_a_number_of_bytes_but_gives_one_row_at_least(self, store: Store) -> None:
        await store.write(*(results(n, n + 1, payload=b"x" * 10_000) for n in range(9)), *(output(n, n, b"y" * 10_000) for n in range(9)))
        for read in (store.results_after, store.output_after):
            assert len(await read(T, 0, 25_000)) == 3 and len(await read(T, 0, 1)) == 1
        assert ranges_of(await store.results_in_order(T, 0, 5, 15_000)) == [(5, 6), (6, 7)]

    @pytest_twisted.ensureDeferred
    async def test_rows_without_a_payload_count_some_bytes(self, store: Store) -> None:
        await store.write(*(results(n, n + 1, payload=b"") for n in range(50)))
        assert 5 <= len(await store.results_after(T, 0, 1000)) <= 20

    example = count()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
    @given(drawn=st.data())
    @pytest_twisted.ensureDeferred
    async def test_in_order_comes_every_item_up_to_the_first_that_has_no_result(self, store: Store, drawn: st.DataObject) -> None:
        id = f"task{next(self.example)}"
        cuts = sorted(drawn.draw(st.sets(st.integers(0, 60), min_size=2, max_size=20)))
        done = drawn.draw(st.permutations(list(zip(cuts, cuts[1:]))))
        done = done[: drawn.draw(st.integers(0, len(done)))]
        await gatherResults([store.write(results(first, stop, id)) for first, stop in done])
        at = begin = drawn.draw(st.integers(0, 60))
        limit = drawn.draw(st.integers(1, 500))
        while rows := await store.results_in_order(id, 0, at, limit):
            for row in rows:
                assert row.first == at and row.pack_first <= at
                at += row.count
        covered = {item for first, stop in done for item in range(first, stop)}
        assert covered.issuperset(range(begin, at)) and at not in covered

    # Output

    @pytest_twisted.ensureDeferred
    async def test_output_is_read_back_behind_a_row(self, store: Store) -> None:
        await store.write(output(0, 3, b"one"), output(0, 0, b"elsewhere", task="another"), output(2, 5, b"two"))
        one, two = await store.output_after(T, 0, MUCH)
        assert (one.portion, one.first, one.last, one.worker, one.at_utc, one.payload) == (0, 0, 3, "lab7", 1_800_000_001.5, b"one")
        assert await store.output_after(T, one.row, MUCH) == [two] and await store.output_after(T, two.row, MUCH) == []

    @pytest_twisted.ensureDeferred
    async def test_the_tail_of_output_is_what_stands_behind_a_row(self, store: Store) -> None:
        await store.write(*(output(n, n, b"x" * 100) for n in range(10)))
        rows = await store.output_after(T, 0, MUCH)
        assert await store.output_tail(T, 250) == rows[6].row
        assert await store.output_tail(T, 300) == rows[6].row
        assert await store.output_tail(T, 0) == rows[9].row
        assert await store.output_tail(T, 5000) == await store.output_tail("nobody", 10) == 0

    @pytest_twisted.ensureDeferred
    async def test_output_of_items_is_what_touches_them(self, store: Store) -> None:
        spans = [(0, 9), (4, 4), (5, 7), (8, 20), (21, 22)]
        await store.write(*(output(first, last) for first, last in spans), output(5, 5, portion=1))
        found = await store.output_of_items(T, 0, 5, 7)
        assert [(row.first, row.last) for row in found] == [(0, 9), (5, 7)]
        assert await store.output_size_of_items(T, 0, 5, 7) == sum(len(row.payload) for row in found)
        assert await store.output_size_of_items(T, 0, 30, 40) == await store.output_size_of_items("nobody", 0, 5, 7) == 0
        assert [(row.first, row.last) for row in await store.output_of_items(T, 0, 9, 21)] == [(0, 9), (8, 20), (21, 22)]

    # Attempts, notes, artifacts

    @pytest_twisted.ensureDeferred
    async def test_the_latest_attempts_are_read_oldest_first(self, store: Store) -> None:
        await store.write(*(attempt(attempt=number) for number in range(1, 6)))
        found = await store.attempts(T, 3)
        assert [one.attempt for one in found] == [3, 4, 5]
        assert found[0].as_json() == {
            "portion": 0,
            "first": 5,
            "count": 3,
            "worker": "lab7",
            "attempt": 3,
            "outcome": "died",
            "item": 6,
            "reason": "killed by signal 9",
            "exit_code": None,
            "signal": 9,
            "cpu_seconds": 0.5,
            "max_rss_kb": 2048,
            "at_utc": 1_800_000_002.0,
        }

    @pytest_twisted.ensureDeferred
    async def test_texts_for_people_are_stored_whatever_a_worker_put_in_them(self, store: Store) -> None:
        await store.write(task(name="na\0me\ud800"), attempt("a\0b\udcffc"), NewNote(T, "lab7", "é\0\ud800"))
        await store.write(NewNote(T, "lab8", "second"))
        assert (await store.task(T)).name == "na\\0me\\ud800"
        assert [one.reason for one in await store.attempts(T, 9)] == ["a\\0b\\udcffc"]
        assert [(note.worker, note.text) for note in await store.notes(T)] == [("lab7", "é\\0\\ud800"), ("lab8", "second")]

    @pytest_twisted.ensureDeferred
    async def test_of_each_path_the_last_item_that_touched_it_counts(self, store: Store) -> None:
        await store.write(
            artifact("b", 7, length=7),
            artifact("b", 2, length=2),
            artifact("b", None, length=0),
            artifact("a", 1, length=1),
            artifact("a", 1, deleted=True),
            artifact("c", 9, length=9),
            artifact("c", 0, portion=1, length=10),
        )
        found = {entry.path: entry for entry in await store.artifacts(T, None, 9)}
        assert list(found) == ["a", "b", "c"]
        assert found["a"].deleted and found["b"].length == 7 and (found["c"].portion, found["c"].length) == (1, 10)

    @pytest_twisted.ensureDeferred
    async def test_of_an_item_that_was_run_twice_the_files_of_the_attempt_count_whose_result_stands(self, store: Store) -> None:
        await store.write(
            artifact("both", 7, length=1, fence=21),
            artifact("mine", 7, fence=21),
            artifact("both", 7, length=2, fence=22),
            artifact("theirs", 7, fence=22),
            artifact("before", 6, fence=22),
            artifact("behind", 8, fence=22),
            artifact("nobodys", None, fence=22),
            results(0, 5, fence=3),
            results(7, 8, fence=21),
        )
        found = {entry.path: entry for entry in await store.artifacts(T, None, 9)}
        assert list(found) == ["before", "behind", "both", "mine", "nobodys"] and found["both"].length == 1

    @pytest_twisted.ensureDeferred
    async def test_artifacts_come_in_pages_by_root_and_path(self, store: Store) -> None:
        places = [(root, f"{name}/é\udcff") for root in (0, 1) for name in "abc"]
        await store.write(*(artifact(path, item, root=root) for item in (1, 2) for root, path in reversed(places)))
        pages, after = [], None
        while page := await store.artifacts(T, after, 4):
            pages.append([(entry.root, entry.path) for entry in page])
            after = pages[-1][-1]
        assert pages == [places[:4], places[4:]]

    @pytest_twisted.ensureDeferred
    async def test_an_artifact_is_shown_with_what_the_wire_says_of_it(self, store: Store) -> None:
        await store.write(artifact("a", None, blob="b10b" * 16), artifact("l", 3, link="../\udcff", mode=0o777))
        file, link = [entry.as_json() for entry in await store.artifacts(T, None, 9)]
        assert file == {
            "item": None,
            "root": 0,
            "path": "a",
            "mode": 0o644,
            "length": 3,
            "mtime": 1.5,
            "blob": "b10b" * 16,
            "deleted": False,
            "link": None,
        }
        assert link["link"] == "../\udcff" and link["deleted"] is False

    # Blobs, epochs, codes

    @pytest_twisted.ensureDeferred
    async def test_a_blob_is_owned_by_the_users_whose_tasks_name_it(self, store: Store) -> None:
        await store.write(task(), BlobUse(T, "aa"), task("of-ben", "ben"), BlobUse("of-ben", "bb"))
        await store.write(BlobUse(T, "aa"), BlobUse(T, "cc"))
        assert await store.blobs_owned(["aa", "zz"], "anna") == {"aa"} and await store.blobs_owned(["aa"], "ben") == set()
        assert await store.blobs_owned([], "anna") == set()
        assert await store.blobs_owned([*map(str, range(2000)), "aa"], "anna") == {"aa"}
        assert await store.blob_used_by("bb", "of-ben") and not await store.blob_used_by("bb", T)
        assert await store.blobs_used() == {"aa", "bb", "cc"}

    @pytest_twisted.ensureDeferred
    async def test_an_epoch_is_given_once(self, store: Store) -> None:
        assert await store.last_epoch() == 0
        await store.write(NewEpoch(1, 1000.0))
        await store.write(NewEpoch(2, 1001.0))
        with pytest.raises(WriteRefused):
            await store.write(NewEpoch(2, 1002.0))
        assert await store.last_epoch() == 2

    @pytest_twisted.ensureDeferred
    async def test_the_last_use_of_a_code_is_given_once(self, store: Store) -> None:
        await store.write(KeepCode(CODE))
        await store.write(KeepCode(replace(CODE, used=1)))
        last = replace(CODE, used=2)
        both = [store.write(KeepCode(last)), store.write(KeepCode(last), task("of-the-second"))]
        outcomes = await gatherResults([call.addErrback(lambda failure: failure.value) for call in both])
        assert outcomes[0] is None and isinstance(outcomes[1], WriteRefused)
        assert await store.task("of-the-second") is None
        with pytest.raises(WriteRefused):
            await store.write(KeepCode(replace(CODE, used=3)))

    @pytest.mark.parametrize("later", [{"used": 1}, {"used": 2}, {"revoked": True}], ids=["used", "used up", "revoked twice"])
    @pytest_twisted.ensureDeferred
    async def test_a_revoked_code_cannot_be_used(self, store: Store, later: dict[str, Any]) -> None:
        revoked = replace(CODE, revoked=True)
        await store.write(KeepCode(CODE))
        await store.write(KeepCode(revoked))
        with pytest.raises(WriteRefused):
            await store.write(KeepCode(replace(CODE, **later)))
        codes, _ = await store.load_identity()
        assert codes == [asdict(revoked)]

    @pytest_twisted.ensureDeferred
    async def test_a_certificate_is_not_kept_for_a_use_that_was_given_before(self, store: Store) -> None:
        used = KeepCode(replace(CODE, used=1))
        await store.write(KeepCode(CODE))
        await store.write(used, KeepCertificate(CERTIFICATE))
        with pytest.raises(WriteRefused):
            await store.write(KeepCertificate(replace(CERTIFICATE, serial="5e" * 20)), used)
        _, certificates = await store.load_identity()
        assert certificates == [asdict(CERTIFICATE)]

    @pytest_twisted.ensureDeferred
    async def test_a_revoked_certificate_stays_revoked_since_when_it_was(self, store: Store) -> None:
        revoked = replace(CERTIFICATE, revoked_utc=1003.75)
        for state in (CERTIFICATE, revoked, replace(revoked, revoked_utc=1004.0), CERTIFICATE):
            await store.write(KeepCertificate(state))
        _, certificates = await store.load_identity()
        assert certificates == [asdict(revoked)]

    # A start

    @pytest_twisted.ensureDeferred
    async def test_a_start_finds_what_has_not_ended_and_how_far_it_came(self, store: Store) -> None:
        await store.write(task("ended"), TaskState("ended", "done", "", 0, 5.0), results(0, 1, "ended"))
        await store.write(task("half", "ben"), items(0, 30, task="half"), items(30, 10, task="half"), items(40, 0, True, "half"))
        await store.write(items(0, 5, task="half", portion=3), TaskState("half", "running", "", None, 6.0))
        await store.write(results(5, 9, "half", failed=(8, 5)), results(0, 5, "half"), results(20, 22, "half"), results(9, 10, "half", failed=(9,)))
        await store.write(output(0, 0, b"12345", "half"), output(0, 0, b"678", "half"), task("fresh"))
        half, fresh = await store.load_unfinished()
        assert (half.record, half.state, half.output_bytes) == (task("half", "ben"), "running", 8)
        assert half.portions == (
            StoredPortion(0, 40, True, ((0, 10), (20, 22)), ((5, 6), (8, 10))),
            StoredPortion(3, 5, False, (), ()),
        )
        assert (fresh.record, fresh.state, fresh.portions, fresh.attempts, fresh.output_bytes) == (task("fresh"), "queued", (), (), 0)

    @pytest_twisted.ensureDeferred
    async def test_a_start_finds_the_attempts_that_failed(self, store: Store) -> None:
        await store.write(task(), attempt(attempt=1), attempt(attempt=2))
        [open_task] = await store.load_unfinished()
        assert [one.attempt for one in open_task.attempts] == [1, 2]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
    @given(done=st.sets(st.integers(0, 40)), failing=st.sets(st.integers(0, 40)), seed=st.randoms(use_true_random=False))
    @pytest_twisted.ensureDeferred
    async def test_the_ranges_of_a_start_hold_exactly_the_items_with_results(
        self, store: Store, done: set[int], failing: set[int], seed: random.Random
    ) -> None:
        id = f"task{next(self.example)}"
        order = seed.sample(sorted(done), len(done))
        writes = [results(item, item + 1, id, failed=(item,) if item in failing else ()) for item in order]
        await store.write(task(id), items(0, 41, True, id), *writes)
        [portion] = (await store.load_unfinished())[-1].portions
        assert {item for first, stop in portion.done for item in range(first, stop)} == done
        assert {item for first, stop in portion.failed for item in range(first, stop)} == done & failing
        for ranges in (portion.done, portion.failed):
            assert all(stop < first for (_, stop), (first, _) in zip(ranges, ranges[1:]))
