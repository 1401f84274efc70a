"""A program's way through a whole server: its seat, its portions, what comes back to it, its input, its end, its second start."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from marx.wire import hello, tasker, worker
from marx.wire.calls import BadRequest, NotFound
from marx.wire.packs import STDOUT, Segment, pack_output
from marx.wire.reports import ArtifactReport, DropReport, EndReport, ItemsReport, NoteReport, OutputReport, PortionReport, ResultsReport

CALL = {"file": "p.py", "line": 7, "kind": "Pool.map", "function": "step"}


def opened(grant: list[Any], portion: int = 1, **more: Any) -> PortionReport:
    fields = {"call": json.dumps(CALL), "place": "lab", "reason": "", "python": "3.11", "state": None, "files": None, **more}
    return PortionReport(grant[0], grant[1], portion, **fields)


def added(grant: list[Any], first: int, count: int, payload: bytes = b"pp", portion: int = 1, final: bool = True) -> ItemsReport:
    digest = hashlib.sha256(payload).hexdigest()
    return ItemsReport(grant[0], grant[1], portion, first, count, "pickles", digest, final, len(payload))


def given(grant: list[Any], payload: bytes = b"rr") -> ResultsReport:
    return ResultsReport(*grant[:5], "pickles", (), 0.1, len(payload))


def finished(grant: list[Any], exit: int | None = 0, signal: int | None = None) -> tuple[ResultsReport, EndReport, bytes]:
    payload = json.dumps({"exit": exit, "signal": signal}).encode()
    results = ResultsReport(*grant[:5], "values", (), 0.1, len(payload))
    return results, EndReport(*grant[:3], "succeeded", None, "", 0, None, 0.0, 0), payload


async def start(room: Any, **offer: Any) -> tuple[Any, Any, str, list[Any]]:
    """A worker, a person, and a program that was granted a seat."""
    lab, ada = await room.worker(**{"slots": 1, "seats": 1, **offer}), await room.tasker()
    task = await ada.run()
    await lab.until(lambda: lab.grants)
    return lab, ada, task, lab.grants[0]


async def end(lab: Any, grant: list[Any], **how: Any) -> None:
    results, over, payload = finished(grant, **how)
    await lab.report(results, over, payload=payload)


@pytest_twisted.ensureDeferred
async def test_a_program_gets_a_seat_and_its_end_ends_the_task_with_its_exit_code(room) -> None:
    lab, ada, task, grant = await start(room)
    assert grant[1:6] == [task, 0, 0, 1, -1]
    watch = await ada.watch(task, results="")
    await end(lab, grant, exit=3)
    await ada.until_complete(watch)
    shown = (await ada.ask(tasker.ShowTask, task=task))["shown"]
    assert (shown["kind"], shown["state"], shown["exit"], shown["total"]) == ("run", "done", 3, 0)


@pytest_twisted.ensureDeferred
async def test_a_program_that_a_signal_ended_exits_as_under_a_shell(room) -> None:
    lab, ada, task, grant = await start(room)
    watch = await ada.watch(task, results="")
    await end(lab, grant, exit=None, signal=11)
    await ada.until_complete(watch)
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["exit"] == 139


@pytest_twisted.ensureDeferred
async def test_an_end_of_a_program_that_makes_no_sense_is_refused(room) -> None:
    lab, _, _, grant = await start(room)
    with pytest.raises(BadRequest):
        await lab.report(ResultsReport(*grant[:5], "values", (), 0.1, 2), payload=b"[]")


@pytest_twisted.ensureDeferred
async def test_items_of_a_portion_go_to_slots_and_come_back_behind_the_files_that_they_made(room) -> None:
    lab, ada, task, grant = await start(room)
    await lab.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=0, file_row=0)
    assert await lab.report(opened(grant), added(grant, 0, 2), payload=b"pp") == ["", ""]
    await lab.until(lambda: sum(one[4] for one in lab.grants[1:]) == 1)
    chunk = lab.grants[1]
    assert chunk[1:3] == [task, 1] and chunk[5] == 0
    assert lab.items[task, 0]["codec"] == "pickles" or lab.items
    made = ArtifactReport(chunk[0], task, 1, 0, 0, "out.txt", 0o100644, 0, 1.5, None, True, None)
    await lab.report(made, given(chunk), EndReport(*chunk[:3], "succeeded", None, "", 0, None, 0.0, 0), payload=b"rr")
    await lab.until(lambda: len(lab.returned) >= 2)
    change, pack = lab.returned[:2]
    assert (change["change"] if "change" in change else change)["path"] == "out.txt"
    assert (pack["portion"], pack["first"], pack["payload"]) == (1, 0, b"rr")
    shown = (await ada.ask(tasker.ShowTask, task=task))["shown"]["portions"]
    assert [(one["number"], one["call"], one["known"], one["done"]) for one in shown] == [(1, CALL, 2, 1)]


@pytest_twisted.ensureDeferred
async def test_what_came_back_already_does_not_come_again_on_the_next_connection(room) -> None:
    lab, _, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, 1), payload=b"pp")
    await lab.until(lambda: len(lab.grants) == 2)
    await lab.report(given(lab.grants[1]), payload=b"rr")
    await lab.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=0, file_row=0)
    await lab.until(lambda: lab.returned)
    row = lab.returned[0]["row"]
    again = await room.connect(type(lab)(room.reactor), "worker", "lab-1")
    await again.greet(boot="boot-1")
    await again.offer(slots=1, seats=1, held=[grant[:5]])
    await again.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=row, file_row=0)
    await end(again, grant)
    await again.until(lambda: again.forgotten)
    assert again.returned == []


@pytest_twisted.ensureDeferred
async def test_only_the_worker_of_a_program_is_heard_about_its_portions(room) -> None:
    lab, ada, task, grant = await start(room)
    other = await room.worker("lab-2", boot="boot-2", slots=1, seats=1)
    assert await other.report(opened(grant), added(grant, 0, 2), payload=b"pp") == ["not yours", "not yours"]
    with pytest.raises(NotFound):
        await other.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=0, file_row=0)
    assert await lab.report(opened([grant[0] + 1, task])) == ["not yours"]
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["portions"] == []


@pytest_twisted.ensureDeferred
async def test_what_a_portion_needs_is_described_to_who_runs_it(room) -> None:
    lab, _, task, grant = await start(room)
    state = await lab.put_blob(b"state", task)
    await lab.report(opened(grant, state=state), added(grant, 0, 1), payload=b"pp")
    described = (await lab.ask(worker.DescribePortion, task=task, portion=1))["portion"]
    assert described == {"state": state, "files": None, "python": "3.11", "call": CALL}
    with pytest.raises(NotFound):
        await lab.ask(worker.DescribePortion, task=task, portion=2)
    assert (await lab.ask(worker.DescribeTask, task=task))["slots"] == 1


@pytest_twisted.ensureDeferred
async def test_a_program_is_told_of_the_slots_that_suit_it_alone(room) -> None:
    lab, ada = await room.worker(slots=2, seats=3, labels={"room": "a"}), await room.tasker()
    await room.worker("lab-2", boot="boot-2", slots=5, seats=1, labels={"room": "b"})
    for spec, slots in (({"labels": {"room": "a"}}, 2), ({"labels": {"room": "a"}, "max_slots": 1}, 1), ({"workers": ["lab-1"]}, 2)):
        task = await ada.run(**spec)
        await lab.until(lambda: any(grant[1] == task for grant in lab.grants))
        assert (await lab.ask(worker.DescribeTask, task=task))["slots"] == slots


@pytest_twisted.ensureDeferred
async def test_a_portion_whose_state_loads_nowhere_goes_back_to_its_program(room) -> None:
    lab, _, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, 2), payload=b"pp")
    await lab.until(lambda: len(lab.grants) == 2)
    chunk = lab.grants[1]
    await lab.report(EndReport(*chunk[:3], "refused", None, "line 3: no such name", None, None, 0.0, 0, True))
    await lab.until(lambda: lab.refused)
    assert lab.refused == {1: "line 3: no such name"}


@pytest_twisted.ensureDeferred
async def test_a_program_whose_worker_is_lost_starts_again_with_a_record_of_what_it_asked_for(room) -> None:
    lab, ada, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, 2), payload=b"pp")
    printed = pack_output([Segment(0, STDOUT, 0, b"begin\n")], 0)
    await lab.report(OutputReport(grant[0], task, 0, 0, 0, 1.0, len(printed)), payload=printed)
    lab.hang_up()
    await lab.until(lambda: not lab.up)
    again = await room.worker("lab-1", boot="boot-2", slots=1, seats=1)
    await again.until(lambda: any(one[2] == 0 for one in again.grants))
    second = next(one for one in again.grants if one[2] == 0)
    assert second[6] == 2
    record = (await again.ask(worker.DescribeRecord, task=task))["portions"]
    assert record == [[1, CALL, "lab", True, [[0, 2, hashlib.sha256(b"pp").hexdigest()]]]]
    repeated = pack_output([Segment(0, STDOUT, 0, b"begin\nend\n")], 0)
    await again.report(OutputReport(second[0], task, 0, 0, 0, 2.0, len(repeated)), payload=repeated)
    watch = await ada.watch(task, results="")
    await ada.until(lambda: len(ada.output[watch]) == 2)
    assert b"".join(pack["payload"] for pack in ada.output[watch]).count(b"begin") == 1


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(("items", "place", "packs"), [(1, "lab", 1), (2, "unknown", 0)])
async def test_a_record_has_the_packs_of_dropped_portions_only_where_nothing_is_missing(room, items: int, place: str, packs: int) -> None:
    lab, _, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, items), payload=b"pp")
    await lab.until(lambda: len(lab.grants) >= 2)
    await lab.report(given(lab.grants[1]), payload=b"rr")
    await lab.report(DropReport(grant[0], task, 1), opened(grant, 2))
    dropped, other = (await lab.ask(worker.DescribeRecord, task=task))["portions"]
    assert (dropped[0], dropped[2], len(dropped[4])) == (1, place, packs)
    assert (other[0], other[2]) == (2, "lab")


@pytest_twisted.ensureDeferred
async def test_standard_input_is_kept_and_read_by_the_worker_as_it_comes(room) -> None:
    lab, ada, task, _ = await start(room)
    await ada.ask(tasker.PutInput, task=task, offset=0, part=b"one\n", final=False)
    assert await lab.ask(worker.ReadInput, task=task, offset=0) == {"part": b"one\n", "final": False}
    waiting = lab.ask(worker.ReadInput, task=task, offset=4)
    await ada.ask(tasker.PutInput, task=task, offset=0, part=b"one\n", final=False)
    await ada.ask(tasker.PutInput, task=task, offset=4, part=b"two\n", final=True)
    assert await waiting == {"part": b"two\n", "final": True}
    with pytest.raises(NotFound):
        await ada.ask(tasker.PutInput, task=task, offset=8, part=b"more", final=True)


@pytest_twisted.ensureDeferred
async def test_a_person_signals_a_program_that_runs(room) -> None:
    lab, ada, task, grant = await start(room)
    assert (await ada.ask(tasker.InterruptTask, task=task, signal=2))["delivered"]
    assert lab.signals == [(grant[0], 2)]
    waiting = await ada.run()
    assert not (await ada.ask(tasker.InterruptTask, task=waiting, signal=2))["delivered"]


@pytest_twisted.ensureDeferred
async def test_a_held_task_waits_also_over_a_restart_until_it_is_released(room) -> None:
    ada = await room.tasker()
    task = await ada.run()
    assert (await ada.ask(tasker.HoldTask, task=task))["state"] == "queued"
    await room.restart()
    ada, lab = await room.tasker(), await room.worker(slots=1, seats=1)
    other = await ada.run()
    await lab.until(lambda: lab.grants)
    assert [grant[1] for grant in lab.grants] == [other]
    shown = (await ada.ask(tasker.ShowTask, task=task))["shown"]
    assert shown["held"] and "held" in shown["why_waiting"]
    await end(lab, lab.grants[0])
    await ada.ask(tasker.ReleaseTask, task=task)
    await lab.until(lambda: len(lab.grants) == 2)
    assert lab.grants[1][1] == task


@pytest_twisted.ensureDeferred
async def test_a_restarted_server_goes_on_with_a_program_and_its_portions(room) -> None:
    lab, ada, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, 2, final=False), payload=b"pp")
    await room.restart()
    lab = await room.worker(slots=1, seats=1, held=[[*grant[:5], -1]])
    await lab.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=0, file_row=0)
    assert await lab.report(added(grant, 2, 1, b"q"), payload=b"q") == [""]
    await lab.until(lambda: lab.grants)
    assert lab.grants[0][1:3] == [task, 1]


@pytest_twisted.ensureDeferred
async def test_a_program_and_a_map_are_run_again_as_they_were(room) -> None:
    lab, ada, task, grant = await start(room)
    await ada.ask(tasker.PutInput, task=task, offset=0, part=b"words", final=True)
    await end(lab, grant)
    again = (await ada.ask(tasker.RerunTask, task=task))["task"]
    await lab.until(lambda: len(lab.grants) == 2)
    assert lab.grants[1][1] == again != task
    mapped = await ada.submit(1, 2, 3)
    twice = (await ada.ask(tasker.RerunTask, task=mapped))["task"]
    shown = (await ada.ask(tasker.ShowTask, task=twice))["shown"]
    assert (shown["total"], shown["final"], shown["kind"]) == (3, True, "map")


async def rerun(ada, task: str, key: str | None = None) -> str:
    return (await ada.ask(tasker.RerunTask, task=task, key=key))["task"]


@pytest_twisted.ensureDeferred
async def test_who_asks_again_for_a_rerun_whose_answer_was_lost_gets_the_same_one(room) -> None:
    ada = await room.tasker()
    program, mapped = await ada.run(stdin="stream"), await ada.submit(1, 2, 3)
    await ada.ask(tasker.PutInput, task=program, offset=0, part=b"words", final=True)
    again = {}
    for task in (program, mapped):
        asked = [ensureDeferred(rerun(ada, task, f"key of {task}")) for _ in range(2)]
        again[task] = await asked[0]
        assert again[task] == await asked[1] == await rerun(ada, task, f"key of {task}") != task
    assert await room.store.input_end(again[program]) == (5, True)
    shown = (await ada.ask(tasker.ShowTask, task=again[mapped]))["shown"]
    assert (shown["total"], shown["final"]) == (3, True)
    assert len({program, mapped, *again.values(), await rerun(ada, mapped, "other"), await rerun(ada, mapped)}) == 6
    with pytest.raises(BadRequest, match="this key is that of task"):
        await rerun(ada, program, "other")


@pytest_twisted.ensureDeferred
async def test_a_rerun_that_a_server_did_not_finish_is_finished_by_who_asks_again(room) -> None:
    _, ada, _, _ = await start(room)
    mapped = await ada.submit(1, 2, 3)
    spec = (await room.store.spec(mapped)) | {"rerun_of": mapped}
    half = (await ada.ask(tasker.SubmitTask, spec=spec, key="key"))["task"]
    await room.restart()
    ada = await room.tasker()
    assert (await ada.ask(tasker.RerunTask, task=mapped, key="key"))["task"] == half
    shown = (await ada.ask(tasker.ShowTask, task=half))["shown"]
    assert (shown["total"], shown["final"]) == (3, True)


@pytest_twisted.ensureDeferred
async def test_what_a_program_wants_no_more_is_not_run(room) -> None:
    lab, ada, task, grant = await start(room)
    await lab.report(opened(grant), added(grant, 0, 2), DropReport(grant[0], task, 1), payload=b"pp")
    await lab.report(NoteReport(grant[0], task, 0, "line 31: it asked for something else"))
    await end(lab, grant)
    await lab.until(lambda: lab.forgotten)
    assert "line 31" in (await ada.ask(tasker.ShowTask, task=task))["shown"]["notes"][0]
    assert all(one[2] == 0 for one in lab.grants) or lab.revoked


@pytest_twisted.ensureDeferred
async def test_nobody_adds_items_to_a_program_from_outside(room) -> None:
    _, ada, task, _ = await start(room)
    with pytest.raises(BadRequest):
        await ada.add(task, 1, 1)


def made(grant: list[Any], path: str, item: int) -> ArtifactReport:
    return ArtifactReport(*grant[:3], item, 0, path, 0o100644, 0, 1.5, None, False, "target", ground=grant[0], turn=0)


@pytest_twisted.ensureDeferred
async def test_files_of_an_attempt_that_was_lost_do_not_reach_the_program(room) -> None:
    main, ada, task, grant = await start(room, slots=0)
    await main.ask(worker.WatchReturns, task=task, fence=grant[0], result_row=0, file_row=0)
    await main.report(opened(grant), added(grant, 0, 1, b"p"), payload=b"p")
    lost = await room.worker("lab-2")
    await lost.until(lambda: lost.grants)
    assert await lost.report(made(lost.grants[0], "lost", 0)) == [""]
    await lost.ask(hello.SayGoodbye, reason="it is switched off")
    other = await room.worker("lab-3")
    await other.until(lambda: other.grants)
    again = other.grants[0]
    await other.report(made(again, "kept", 0), given(again, b"r"), payload=b"r")
    await main.until(lambda: len(main.returned) == 2)
    assert [one.get("path") for one in main.returned] == ["kept", None]
