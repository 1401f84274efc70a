"""From a submission to its results: each sentence of the protocol, over real links and a real store."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from marx.wire import blobs, tasker, worker
from marx.wire.calls import BadRequest, NotFound, NotPermitted, Unavailable, WrongVersion
from marx.wire.hello import Greet, SayGoodbye
from marx.wire.packs import STDOUT, Segment, pack_output, result_lines, unpack_output
from marx.wire.reports import ArtifactReport, EndReport, OutputReport, ResultsReport
from tests.server.room import SPEC


def results(grant: list[Any], first: int, *values: Any, failed: tuple[int, ...] = ()) -> tuple[ResultsReport, bytes]:
    fence, task, portion = grant[:3]
    payload = b"\n".join(json.dumps(value).encode() for value in values)
    return ResultsReport(fence, task, portion, first, len(values), "values", failed, 0.01, len(payload)), payload


def ended(grant: list[Any], outcome: str = "succeeded", **more: Any) -> EndReport:
    terms = {"item": None, "reason": "", "exit_code": 0, "signal": None, "cpu_seconds": 0.0, "max_rss_kb": 1, **more}
    return EndReport(grant[0], grant[1], grant[2], outcome, **terms)


async def run_all(peer: Any, task: str) -> None:
    """Answer every grant of a task with item squared, until the worker is told to forget the task."""
    done = 0
    while task not in peer.forgotten:
        await peer.until(lambda: len(peer.grants) > done or task in peer.forgotten)
        while done < len(peer.grants):
            grant = peer.grants[done]
            done += 1
            items = range(grant[3], grant[3] + grant[4])
            report, payload = results(grant, grant[3], *(item * item for item in items))
            await peer.report(report, ended(grant), payload=payload)


def printed(carried: list[dict[str, Any]]) -> list[Any]:
    """What a watch's results print."""
    return [json.loads(line) for pack in carried for line in result_lines(*(pack[key] for key in ("codec", "payload", "pack_first", "first", "count")))]


@pytest_twisted.ensureDeferred
async def test_items_go_to_a_worker_and_their_results_come_back_in_order(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(100))
    watch = await ada.watch(task)
    await run_all(lab, task)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": i, "value": i * i} for i in range(100)]
    assert ada.changes[watch][-1][0]["state"] == "done"


@pytest_twisted.ensureDeferred
async def test_a_grant_never_names_items_that_the_worker_was_not_sent(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit("a", "b", "c")
    (grant,) = (await lab.until(lambda: lab.grants))[:1]
    assert lab.items[task, 0]["payload"] == b'"a"\n"b"\n"c"' and grant[1] == task


@pytest_twisted.ensureDeferred
async def test_whoever_watches_later_or_again_sees_the_same(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(10))
    await run_all(lab, task)
    await room.restart()
    again = await room.tasker()
    for kind in ("ordered", "unordered"):
        watch = await again.watch(task[:6], results=kind)
        await again.until_complete(watch)
        assert sorted(printed(again.results[watch]), key=lambda line: line["index"]) == [{"index": i, "value": i * i} for i in range(10)]


@pytest_twisted.ensureDeferred
async def test_output_is_relayed_while_the_item_runs(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(1)
    watch = await ada.watch(task)
    grant = (await lab.until(lambda: lab.grants))[0]
    pack = pack_output([Segment(0, STDOUT, 0, b"hello\n")], 0)
    assert await lab.report(OutputReport(grant[0], task, 0, 0, 0, 5.0, len(pack)), payload=pack) == [""]
    (carried,) = await ada.until(lambda: ada.output[watch])
    assert list(unpack_output(carried["payload"], carried["first"])) == [Segment(0, STDOUT, 0, b"hello\n")]
    assert carried["worker"] == "lab-1"


@pytest_twisted.ensureDeferred
async def test_output_that_makes_no_sense_is_refused_before_anybody_has_to_read_it(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(1)
    grant = (await lab.until(lambda: lab.grants))[0]
    good = pack_output([Segment(0, STDOUT, 0, b"hello\n")], 0)
    for pack in (good[:5], good[:-1], good + b"x", pack_output([Segment(1, STDOUT, 0, b"not its own\n")], 0), pack_output([Segment(0, 3, 0, b"?")], 0)):
        with pytest.raises(BadRequest, match="output that makes no sense"):
            await lab.report(OutputReport(grant[0], task, 0, 0, 0, 5.0, len(pack)), payload=pack)
    assert await lab.report(OutputReport(grant[0], task, 0, 0, 0, 5.0, len(good)), payload=good) == [""]


@pytest_twisted.ensureDeferred
async def test_a_result_counts_once_and_a_stranger_to_the_fence_is_told_so(room) -> None:
    ada, lab, other = await room.tasker(), await room.worker(), await room.worker("lab-2", slots=0)
    task = await ada.submit(1, 2)
    grant = (await lab.until(lambda: lab.grants))[0]
    report, payload = results(grant, grant[3], "mine")
    assert await other.report(report, payload=payload) == ["not yours"]
    assert await lab.report(report, payload=payload) == [""]
    assert await lab.report(report, payload=payload) == ["known"]
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": 0, "value": "mine"}]


@pytest_twisted.ensureDeferred
async def test_a_restarted_server_goes_on_and_believes_what_workers_hold(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(4), chunk_items=2)
    await lab.until(lambda: len(lab.grants) >= 1)
    grant = lab.grants[0]
    await room.restart()
    ada, lab = await room.tasker(), await room.worker(held=[grant[:5]])
    report, payload = results(grant, 0, 0, 1)
    assert await lab.report(report, ended(grant), payload=payload) == ["", ""]
    watch = await ada.watch(task)
    await run_all(lab, task)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": i, "value": i * i} for i in range(4)]


@pytest_twisted.ensureDeferred
async def test_what_a_restarted_worker_had_not_told_is_taken_whole_by_a_restarted_server(room) -> None:
    """Its outbox outlived it, its leases did not: output and files are believed as results are, or they would be missing for good."""
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(2), chunk_items=2)
    grant = (await lab.until(lambda: lab.grants))[0]
    await room.restart()
    ada, lab = await room.tasker(), await room.worker(boot="boot-2")
    digest = await lab.put_blob(b"made", task)
    printed_pack = pack_output([Segment(0, STDOUT, 0, b"hello\n")], 0)
    report, payload = results(grant, 0, 0, 1)
    said = [
        OutputReport(grant[0], task, 0, 0, 0, 5.0, len(printed_pack)),
        ArtifactReport(grant[0], task, 0, 0, 0, "made.txt", 0o100644, 4, 0.0, digest, False, None),
        report,
    ]
    assert await lab.report(*said, ended(grant), payload=printed_pack + payload) == ["", "", "", "known"]
    watch = await ada.watch(task)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": i, "value": i * i} for i in range(2)]
    assert [list(unpack_output(row["payload"], row["first"])) for row in ada.output[watch]] == [[Segment(0, STDOUT, 0, b"hello\n")]]
    assert [file["path"] for file in (await ada.ask(tasker.ListArtifacts, task=task))["artifacts"]] == ["made.txt"]


@pytest_twisted.ensureDeferred
async def test_a_worker_that_was_away_is_told_which_tasks_ended_meanwhile_and_of_the_others_later(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    first = await ada.submit(1)
    await run_all(lab, first)
    second = await ada.submit(2)
    grant = (await lab.until(lambda: [one for one in lab.grants if one[1] == second]))[0]
    await room.restart()
    lab = await room.worker(held=[grant[:5]], tasks=[first, second, "unheard"])
    assert sorted(await lab.until(lambda: lab.forgotten if len(lab.forgotten) == 2 else [])) == sorted([first, "unheard"])
    report, payload = results(grant, 0, 4)
    await lab.report(report, ended(grant), payload=payload)
    assert (await lab.until(lambda: lab.forgotten if len(lab.forgotten) == 3 else []))[-1] == second


@pytest_twisted.ensureDeferred
async def test_two_attempts_that_tell_the_same_output_at_the_same_time_are_shown_once(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(2), chunk_items=2)
    grant = (await lab.until(lambda: lab.grants))[0]
    await room.restart()
    ada, workers = await room.tasker(), [await room.worker(f"lab-{number}", boot="boot-2") for number in (1, 2, 3)]
    pack = pack_output([Segment(0, STDOUT, 0, b"hello\n"), Segment(1, STDOUT, 0, b"again\n")], 0)
    said = OutputReport(grant[0], task, 0, 0, 1, 5.0, len(pack))
    assert await gatherResults([Deferred.fromCoroutine(lab.report(said, payload=pack)) for lab in workers]) == [[""]] * 3
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    assert len(ada.output[watch]) == 1


@pytest_twisted.ensureDeferred
async def test_two_attempts_that_one_worker_tells_of_in_one_breath_are_shown_once(room) -> None:
    """It had ended a chunk when the server was restarted, and was given its items again before what it had to tell had come."""
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(2), chunk_items=2)
    grant = (await lab.until(lambda: lab.grants))[0]
    await room.restart()
    ada, lab = await room.tasker(), await room.worker(boot="boot-2")
    again = (await lab.until(lambda: lab.grants))[0]
    pack = pack_output([Segment(0, STDOUT, 0, b"hello\n"), Segment(1, STDOUT, 0, b"again\n")], 0)
    said = [OutputReport(one[0], task, 0, 0, 1, 5.0, len(pack)) for one in (grant, again)]
    assert await lab.report(*said, payload=pack * 2) == ["", ""]
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    assert len(ada.output[watch]) == 1


@pytest.mark.parametrize("end", ["died", "cancelled"])
@pytest_twisted.ensureDeferred
async def test_what_a_chunk_printed_whose_end_overtook_that_of_the_one_before_is_shown_once(room, end: str) -> None:
    """A file of the first is still on its way, and holds up what is said of that chunk alone."""
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(50), chunk_items=1, retries=1)
    first = (await lab.until(lambda: lab.grants))[0]
    report, payload = results(first, first[3], 0)
    await lab.report(report, ended(first), payload=payload)
    _, _, behind = (await lab.until(lambda: lab.grants[2:] and lab.grants))[:3]
    place, item = (behind[0], task, 0), behind[3]
    pack = pack_output([Segment(item, STDOUT, 0, b"hello\n")], item)
    await lab.report(OutputReport(*place, item, item, 5.0, len(pack)), ended(behind, end, item=item if end == "died" else None), payload=pack)
    other = await room.worker("lab-2")
    [again] = await other.until(lambda: [grant for grant in other.grants if grant[3] == item])
    await other.report(OutputReport(again[0], task, 0, item, item, 6.0, len(pack)), payload=pack)
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    assert len(ada.output[watch]) == 1


@pytest_twisted.ensureDeferred
async def test_a_task_that_is_submitted_twice_under_one_key_is_one(room) -> None:
    ada, bob = await room.tasker("ada"), await room.tasker("bob")
    both = [ada.ask(tasker.SubmitTask, spec=SPEC, key="key") for _ in range(2)]
    first, second = [answer["task"] for answer in await gatherResults(both)]
    assert first == second
    assert (await bob.ask(tasker.SubmitTask, spec=SPEC, key="key"))["task"] != first
    assert (await ada.ask(tasker.SubmitTask, spec=SPEC, key="other"))["task"] != first
    await room.restart()
    ada = await room.tasker("ada")
    assert (await ada.ask(tasker.SubmitTask, spec=SPEC, key="key"))["task"] == first
    assert len((await ada.ask(tasker.ListTasks, limit=10))["tasks"]) == 2


@pytest_twisted.ensureDeferred
async def test_items_as_large_as_a_blob_may_be_added_again_after_a_restart(room) -> None:
    """Their bytes went to the earlier server; the question whether they are there lets the new one know whose they are."""
    ada = await room.tasker()
    task = await ada.submit(final=False)
    digest = await ada.put_blob(b'"a long item"', task)
    await room.restart()
    ada = await room.tasker()
    assert (await ada.ask(blobs.AskBlobs, digests=[digest]))["missing"] == []
    added = {"task": task, "portion": 0, "first": 0, "count": 1, "codec": "json", "args": []}
    await ada.ask(tasker.AddItems, **added, payload=None, blob=digest, final=True)


@pytest_twisted.ensureDeferred
async def test_what_a_worker_left_behind_goes_to_another(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(3))
    await lab.until(lambda: lab.grants)
    other = await room.worker("lab-2")
    await lab.ask(SayGoodbye, reason="the test wants it")
    await run_all(other, task)
    assert sum(grant[4] for grant in other.grants) >= 3


@pytest_twisted.ensureDeferred
async def test_cancelling_revokes_and_says_how_many_processes_went(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(3), chunk_items=3)
    grant = (await lab.until(lambda: lab.grants))[0]
    cancelled = ada.ask(tasker.CancelTask, task=task)
    assert await lab.until(lambda: lab.revoked) == [grant[0]]
    await lab.report(ended(grant, "cancelled"))
    assert await cancelled == {"processes": 1, "unreachable": [], "state": "cancelled"}
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["state"] == "cancelled"


@pytest_twisted.ensureDeferred
async def test_a_user_sees_their_own_tasks_alone_and_an_operator_all(room) -> None:
    ada, bob, root = await room.tasker("ada"), await room.tasker("bob"), await room.tasker("root")
    room.operators.add("root")
    task = await ada.submit(1)
    for command, more in [
        (tasker.ShowTask, {}),
        (tasker.CancelTask, {}),
        (tasker.ListArtifacts, {}),
        (tasker.WatchTask, {"watch": 1, "results": "ordered", "output": True, "live": True}),
        (tasker.AddItems, {"portion": 0, "first": 1, "count": 0, "codec": "json", "args": [], "final": True}),
        (blobs.GetBlob, {"digest": "00" * 32, "offset": 0}),
    ]:
        for name in (task, task[:-1]):
            with pytest.raises(NotFound, match="there is no task"):
                await bob.ask(command, task=name, **more)
    assert (await bob.ask(tasker.ListTasks, limit=10))["tasks"] == []
    with pytest.raises(NotPermitted):
        await bob.ask(tasker.ListTasks, limit=10, everyone=True)
    assert (await root.ask(tasker.ShowTask, task=task))["shown"]["user"] == "ada"
    assert [shown["id"] for shown in (await root.ask(tasker.ListTasks, limit=10, everyone=True))["tasks"]] == [task]


@pytest_twisted.ensureDeferred
async def test_a_blob_is_given_to_those_whose_task_names_it(room) -> None:
    ada, bob, lab = await room.tasker("ada"), await room.tasker("bob"), await room.worker()
    content = bytes(range(256)) * 4000
    digest = await ada.put_blob(content)
    manifest = await ada.put_blob(json.dumps([[0, "data.bin", 0o644, len(content), digest, None]]).encode())
    assert (await bob.ask(blobs.AskBlobs, digests=[digest]))["missing"] == [digest]
    assert (await ada.ask(blobs.AskBlobs, digests=[digest, "00" * 32]))["missing"] == ["00" * 32]
    with pytest.raises(BadRequest, match="not sent"):
        await bob.submit(1, manifest=manifest)
    task = await ada.submit(1, manifest=manifest)
    await lab.until(lambda: lab.grants)
    fetched = b""
    while len(fetched) < len(content):
        answer = await lab.ask(blobs.GetBlob, digest=digest, offset=len(fetched), task=task)
        fetched += answer["part"]
    assert fetched == content and answer["total"] == len(content)
    stranger = await room.worker("lab-2", slots=0)
    with pytest.raises(NotFound):
        await stranger.ask(blobs.GetBlob, digest=digest, offset=0, task=task)
    with pytest.raises(NotFound):
        await stranger.ask(worker.DescribeTask, task=task)


@pytest_twisted.ensureDeferred
async def test_items_too_large_for_a_box_travel_as_blobs_of_their_task(room) -> None:
    ada, bob, lab = await room.tasker("ada"), await room.tasker("bob"), await room.worker()
    content = json.dumps("x" * 3_000_000).encode()
    task = await ada.submit(final=False)
    pack = {"portion": 0, "first": 0, "count": 1, "codec": "json", "args": [], "final": True}
    digest = await bob.put_blob(content)
    with pytest.raises(BadRequest, match="not sent"):
        await ada.ask(tasker.AddItems, task=task, blob=digest, **pack)
    await ada.put_blob(content)
    await ada.ask(tasker.AddItems, task=task, blob=digest, **pack)
    await lab.until(lambda: lab.grants)
    assert lab.items[task, 0]["blob"] == digest
    assert (await lab.ask(blobs.GetBlob, digest=digest, offset=0, task=task))["total"] == len(content)


@pytest_twisted.ensureDeferred
async def test_files_that_items_made_are_listed_and_fetched(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(1)
    grant = (await lab.until(lambda: lab.grants))[0]
    digest = await lab.put_blob(b"picture", task)
    made = ArtifactReport(grant[0], task, 0, 0, 0, "out/a.png", 0o644, 7, 5.0, digest, False, None)
    report, payload = results(grant, 0, 1)
    assert await lab.report(made, report, ended(grant), payload=payload) == ["", "", ""]
    (listed,) = (await ada.ask(tasker.ListArtifacts, task=task))["artifacts"]
    assert (listed["path"], listed["blob"], listed["item"]) == ("out/a.png", digest, 0)
    assert (await ada.ask(blobs.GetBlob, digest=digest, offset=0, task=task))["part"] == b"picture"


@pytest_twisted.ensureDeferred
async def test_nonsense_is_refused_and_the_link_lives(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    with pytest.raises(BadRequest, match="function is missing"):
        await ada.ask(tasker.SubmitTask, spec={"kind": "map"})
    with pytest.raises(BadRequest):
        await lab.ask(worker.ReportItems, reports=[["results", 1]], payload=b"")
    with pytest.raises(BadRequest):
        await lab.ask(worker.OfferSlots, offer={"slots": "many"}, held=[])
    with pytest.raises(WrongVersion):
        await lab.ask(tasker.ListTasks, limit=1)
    with pytest.raises(BadRequest, match="the next item is 1"):
        task = await ada.submit(1, final=False)
        await ada.add(task, 5, "a gap")
    assert (await ada.ask(tasker.WhoAmI))["me"] == {"name": "ada", "role": "tasker", "operator": False}


@pytest_twisted.ensureDeferred
async def test_versions_are_compared_and_a_link_begins_with_its_greeting(room) -> None:
    stranger = await room.connect(type(await room.tasker())(room.reactor), "tasker", "ada")
    with pytest.raises(NotPermitted, match="greeting"):
        await stranger.ask(tasker.WhoAmI)
    with pytest.raises(WrongVersion, match="90 to 99"):
        await stranger.ask(Greet, oldest=90, newest=99, software="Marx 9")
    await stranger.greet()
    assert (await stranger.ask(tasker.WhoAmI))["me"]["name"] == "ada"


@pytest_twisted.ensureDeferred
async def test_a_revoked_certificate_may_nothing_from_then_on(room) -> None:
    ada = await room.tasker()
    room.revoked.add("serial-ada")
    with pytest.raises(NotPermitted, match="revoked"):
        await ada.ask(tasker.WhoAmI)
    room.parts.hang_up(frozenset({"serial-ada"}))
    await ada.until(lambda: not ada.up)


@pytest_twisted.ensureDeferred
async def test_when_a_commit_fails_nothing_is_answered_and_the_server_recovers(room, logged_failures) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(1)
    grant = (await lab.until(lambda: lab.grants))[0]
    break_store(room)
    report, payload = results(grant, 0, 1)
    with pytest.raises(Unavailable):
        await lab.report(report, payload=payload)
    await lab.until(lambda: not lab.up)
    with pytest.raises(Unavailable):
        await ada.ask(tasker.ShowTask, task=task)
    mend_store(room)
    await room.parts.service.reopen()
    lab = await room.worker(held=[grant[:5]])
    assert await lab.report(report, payload=payload) == [""]
    assert logged_failures.flush()


def break_store(room: Any) -> None:
    """From now on every commit of results fails, as with a full disk."""
    run_sql(room, "CREATE TRIGGER broken BEFORE INSERT ON results BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")


def mend_store(room: Any) -> None:
    """The disk has room again."""
    run_sql(room, "DROP TRIGGER broken")


def run_sql(room: Any, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(room.folder / "marx.sqlite") as connection:
        connection.execute(statement)
    connection.close()
