"""
Somebody with a good certificate tries everything of everybody else's, over AMP as it comes.

The commands are taken from the modules of `marx.wire`, and what is tried for each argument from `tries_of`: a new command is tried as it
is, a new argument fails the test until somebody has said what a trespasser would put there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import pytest
import pytest_twisted

from marx.server.permits import PERMITS
from marx.tls import client_context_factory
from marx.wire import admin, blobs, enrol, hello, tasker, worker
from marx.wire.calls import BadRequest, InternalError, MarxCommand, NotFound, NotPermitted, TooLarge, WireError, WrongVersion
from marx.wire.packs import STDOUT, Segment, pack_output
from marx.wire.reports import (
    ArtifactReport,
    DropReport,
    EndReport,
    ItemsReport,
    NoteReport,
    OutputReport,
    PortionReport,
    Report,
    RestReport,
    ResultsReport,
    as_list,
)
from tests.server.guarded_room import LAB, GuardedRoom
from tests.server.room import RUN, SPEC, Played, PlayedTasker, PlayedWorker
from tests.server.test_permits import commands_of

MODULES = (hello, blobs, tasker, worker, enrol, admin)
COMMANDS = sorted({command for module in MODULES for command in commands_of(module)}, key=lambda command: command.__name__)
#: What anybody may call, and what is looked at instead: the answers.
ANSWERED_TO_ALL = {hello.Greet, hello.Beat, blobs.AskBlobs, blobs.PutBlob, tasker.ListTasks, tasker.ListWorkers, tasker.WhoAmI}
#: Calls whose answer says for each part that it was refused.
ANSWERED_BY_VERDICTS = {worker.ReportItems}
#: These change what the caller itself is: a worker's offer, a goodbye.
OF_THE_CALLER = {worker.OfferSlots, hello.SayGoodbye}
REFUSALS = (NotPermitted, NotFound, BadRequest, TooLarge, WrongVersion)
#: Stands in all that is Ada's, so that no answer may have it.
MARK = "adas-own"


@dataclass
class World:
    """What Ada has. ``tasks``: a map at work, a program at work, a task that has ended."""

    room: GuardedRoom
    ada: PlayedTasker
    lab: PlayedWorker
    tasks: list[str] = field(default_factory=list)
    blobs: list[str] = field(default_factory=list)
    fences: list[int] = field(default_factory=list)
    watches: list[int] = field(default_factory=list)

    async def said_of_it(self) -> Any:
        """What Ada sees of her tasks; why one waits is about who is there to take it."""
        shown = [(await self.ada.ask(tasker.ShowTask, task=task))["shown"] for task in self.tasks]
        return [{**one, "why_waiting": ""} for one in shown]


@pytest_twisted.async_yield_fixture
async def room(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    room = GuardedRoom(tmp_path, reactor)
    await room.begin()
    yield room
    await room.end()


@pytest_twisted.async_yield_fixture
async def world(room: GuardedRoom) -> World:
    """Ada's tasks, worked on by lab-1, which only works for her."""
    lab = await room.worker("lab-1", slots=2, seats=1, users=["ada"], labels={"of": "ada"})
    ada = await room.tasker("ada")
    world = World(room, ada, lab)
    world.blobs = [await ada.put_blob(f"{MARK} {what}".encode()) for what in ("items", "file")]
    manifest = await ada.put_blob(b'[[0, "%s.txt", 420, 13, "%s", null]]' % (MARK.encode(), world.blobs[1].encode()))
    world.blobs.append(manifest)
    await _map(world, manifest)
    await _program(world)
    await _ended(world)
    yield world


async def _map(world: World, manifest: str) -> None:
    task = (await world.ada.ask(tasker.SubmitTask, spec={**SPEC, "name": MARK, "manifest": manifest, "chunk_items": 1}, key="her key"))["task"]
    world.tasks.append(task)
    items = {"portion": 0, "codec": "json", "args": []}
    await world.ada.ask(tasker.AddItems, task=task, first=0, count=1, payload=None, blob=world.blobs[0], final=False, **items)
    await world.ada.ask(tasker.AddItems, task=task, first=1, count=5, payload=b"1\n2\n3\n4\n5", final=False, **items)
    await world.lab.until(lambda: world.lab.grants)
    [fence, _, _, first, count, *_] = world.lab.grants[0]
    blob = await world.lab.put_blob(f"{MARK} result".encode(), task)
    file = await world.lab.put_blob(f"{MARK} artifact".encode(), task)
    world.blobs += [blob, file]
    printed = pack_output([Segment(first, STDOUT, 0, MARK.encode())], first)
    reports = (
        OutputReport(fence, task, 0, first, first, 0.0, len(printed)),
        ArtifactReport(fence, task, 0, first, 0, f"{MARK}.out", 0o644, 17, 0.0, file, False, None),
        ResultsReport(fence, task, 0, first, count, "values", (), 0.1, 0, blob),
    )
    assert await world.lab.report(*reports, payload=printed) == ["", "", ""]
    world.fences.append(fence)
    world.watches.append(await world.ada.watch(task))


async def _program(world: World) -> None:
    task = await world.ada.run(name=MARK, stdin="stream")
    world.tasks.append(task)
    await world.ada.ask(tasker.PutInput, task=task, offset=0, part=MARK.encode(), final=False)
    await world.lab.until(lambda: any(grant[1] == task for grant in world.lab.grants))
    [fence] = [grant[0] for grant in world.lab.grants if grant[1] == task]
    state = await world.lab.put_blob(f"{MARK} state".encode(), task)
    opened = PortionReport(fence, task, 1, f'{{"file": "{MARK}.py"}}', "lab", "", "3.11", state, None)
    added = ItemsReport(fence, task, 1, 0, 1, "pickles", "0" * 64, False, 4)
    assert await world.lab.report(opened, added, payload=b"item") == ["", ""]
    world.blobs.append(state)
    world.fences.append(fence)


async def _ended(world: World) -> None:
    task = await world.ada.submit(name=MARK)
    world.tasks.append(task)
    await world.ada.until_complete(await world.ada.watch(task))


def tries_of(world: World) -> dict[str, list[Any]]:
    """What a trespasser puts in each argument of any command."""
    whole, digest = world.tasks, world.blobs
    specs = [{**SPEC, "manifest": one} for one in digest] + [{**RUN, "stdin": one} for one in digest]
    return {
        "task": [*whole, whole[0][:6], "", "%"],
        "digest": digest,
        "digests": [digest],
        "blob": [digest[0]],
        "offset": [0],
        "total": [13],
        "part": [b"", b"another text."],
        "spec": specs,
        "key": ["her key"],
        "portion": [0, 1],
        "first": [0, 1, 6],
        "count": [0, 1],
        "codec": ["json"],
        "args": [[]],
        "payload": [b""],
        "final": [True],
        "signal": [9],
        "limit": [500],
        "before": [1 << 40],
        "everyone": [True],
        "after": [[0, ""]],
        "watch": [1],
        "results": ["ordered"],
        "first_item": [0],
        "output": [True],
        "after_output": [0],
        "tail_bytes": [1],
        "live": [True],
        "fence": [*world.fences, 0, -1, 1 << 62],
        "fences": [world.fences],
        "result_row": [0],
        "file_row": [0],
        "row": [0],
        "pack_first": [0],
        "failed": [[]],
        "change": [{}],
        "reason": ["because"],
        "gently": [False],
        "grants": [[[world.fences[0], whole[0], 0, 1, 1, 0, 1]]],
        "copies": [[world.fences[0]]],
        "wanted": [[[world.fences[0], 1]]],
        "packs": [[[whole[0], 0, 0]]],
        "reports": [[as_list(report)] for report in forged(world)],
        "offer": [{"slots": 4, "seats": 4, "interpreters": [], "sandbox": "bwrap"}],
        "held": [held(world)],
        "tasks": [whole],
        "oldest": [1],
        "newest": [1],
        "software": ["a trespasser"],
        "boot": ["boot-1"],
        "role": ["worker", "tasker", "admin"],
        "secrets": [{}],
        "key": ["a key of hers"],
        "secret": ["", "a" * 32],
        "request": [b"", b"-----BEGIN CERTIFICATE REQUEST-----"],
        "hint": ["lab-1"],
        "name": ["ada"],
        "user": ["ada"],
        "since_utc": [0.0],
        "after_row": [0],
        "uses": [1],
        "path": ["backup.tar"],
        "overwrite": [True],
        "seconds": [1.0],
        "worker": ["lab-1"],
        "draining": [True],
        "kind": ["user", "worker", "code"],
        "subject": whole,
        "complete": [True],
        "at_utc": [0.0],
    }


def held(world: World) -> list[list[Any]]:
    """Leases that somebody says to hold: those of another, and such as were never given."""
    places = [(world.tasks[0], 0, 0, 6), (world.tasks[0], 0, 1, 1), (world.tasks[1], 0, 0, 1), (world.tasks[1], 1, 0, 1)]
    return [[fence, *place, slot] for fence in (*world.fences, 1, 1 << 31, 1 << 40) for place in places for slot in (0, -1)]


def forged(world: World) -> Iterator[Any]:
    """Every kind of report, about all that Ada has, under fences of others and of nobody."""
    own = world.blobs[-1]
    for task, portion, fence in itertools.product(world.tasks, (0, 1), (*world.fences, 0, -1, 1 << 31, 1 << 62)):
        place = fence, task, portion
        yield ResultsReport(*place, 1, 1, "values", (), 0.1, 0)
        yield ResultsReport(*place, 1, 1, "values", (), 0.1, 0, own)
        yield EndReport(*place, "died", 1, "it was forged", 1, None, 0.0, 0, fatal=True)
        yield OutputReport(*place, 0, 0, 0.0, 0)
        yield ArtifactReport(*place, 0, 0, "forged", 0o644, 1, 0.0, own, False, None)
        yield NoteReport(*place, "forged")
        yield PortionReport(*place, "{}", "lab", "", "3.11", own, own)
        yield PortionReport(fence, task, 2, "{}", "lab", "", "3.11", own, own)
        yield ItemsReport(*place, 1, 1, "pickles", "0" * 64, True, 0, own)
        yield DropReport(*place)
        yield RestReport(*place, 1)


def under(fence: int, task: str, portion: int, first: int) -> Iterator[Any]:
    """Reports under a lease that is good for something else."""
    yield ResultsReport(fence, task, portion, first, 1, "values", (), 0.1, 2)
    yield OutputReport(fence, task, portion, first, first, 0.0, 0)
    yield NoteReport(fence, task, portion, "forged")
    yield EndReport(fence, task, portion, "succeeded", None, "", 0, None, 0.0, 0)
    yield RestReport(fence, task, portion, first)


def calls(command: type[MarxCommand], world: World) -> Iterator[dict[str, Any]]:
    """All that is tried of a command."""
    tries = tries_of(world)
    names = {name.decode(): kind.optional for name, kind in command.arguments}
    missing = [name for name in names if name not in tries]
    assert not missing, f"{command.__name__}: nobody said what a trespasser puts in {missing}"
    for values in itertools.product(*([*tries[name], *([None] if optional else [])] for name, optional in names.items())):
        yield dict(zip(names, values))


async def outcome(peer: Played, command: type[MarxCommand], arguments: dict[str, Any]) -> Any:
    """The answer, or the refusal."""
    try:
        return await peer.ask(command, **arguments)
    except WireError as error:
        return error


def assert_harmless(command: type[MarxCommand], arguments: dict[str, Any], said: Any) -> None:
    """A refusal, or an answer in which nothing of Ada's is."""
    what = f"{command.__name__}({arguments}): {said!r}"
    assert not isinstance(said, InternalError), what
    if isinstance(said, REFUSALS) or not command.requiresAnswer:
        return
    assert isinstance(said, dict), what
    if command in ANSWERED_BY_VERDICTS:
        assert set(said["verdicts"]) <= {"not yours", "known"}, what
    elif command is blobs.AskBlobs:
        assert said["missing"] == arguments["digests"], what
    else:
        assert command in ANSWERED_TO_ALL | OF_THE_CALLER, what
    assert MARK not in repr(said), what


async def trespass(world: World, peer: Played) -> None:
    """Try everything, and see that nothing came of it."""
    before, seen = world.room.stored(), await world.said_of_it()
    results = sum(map(len, world.ada.results.values()))
    for command in COMMANDS:
        for arguments in calls(command, world):
            assert_harmless(command, arguments, await outcome(peer, command, arguments))
    await world.lab.ask(hello.Beat)
    assert world.room.stored() == before
    assert await world.said_of_it() == seen
    assert sum(map(len, world.ada.results.values())) == results
    assert not world.lab.revoked and not world.lab.signals


@pytest.mark.parametrize("name", ["bob", "lab-1"])
@pytest_twisted.ensureDeferred
async def test_a_user_gets_nothing_of_anothers_nor_of_a_workers(world: World, name: str) -> None:
    await trespass(world, await world.room.tasker(name))


@pytest.mark.parametrize("name", ["lab-2", "ada"])
@pytest_twisted.ensureDeferred
async def test_a_worker_that_runs_nothing_of_a_task_gets_nothing_of_it_nor_of_its_user(world: World, name: str) -> None:
    await trespass(world, await world.room.worker(name, users=["bob"]))


@pytest.mark.parametrize("command", [tasker.ShowTask, worker.DescribeTask, blobs.GetBlob], ids=lambda command: command.__name__)
@pytest_twisted.ensureDeferred
async def test_a_permit_that_forgets_to_ask_whose_task_it_is_would_be_found(world: World, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PERMITS, command, replace(PERMITS[command], task=False))
    peer = await world.room.tasker("bob") if command is tasker.ShowTask else await world.room.worker("lab-2", users=["bob"])
    with pytest.raises(AssertionError, match=command.__name__):
        await trespass(world, peer)


@pytest_twisted.ensureDeferred
async def test_every_kind_of_report_is_forged(world: World) -> None:
    assert {type(report) for report in forged(world)} == set(get_args(Report))


@pytest_twisted.ensureDeferred
async def test_a_lease_is_worth_nothing_for_other_items_portions_and_tasks(world: World) -> None:
    lab = await world.room.worker("lab-3", users=["ada"])
    await lab.until(lambda: lab.grants)
    fence, task, portion, first, count, *_ = lab.grants[0]
    assert task == world.tasks[0]
    before = world.room.stored()
    for report in forged(world):
        assert_harmless(worker.ReportItems, {"report": report}, await outcome(lab, worker.ReportItems, {"reports": [as_list(report)], "payload": b""}))
    for elsewhere in (world.tasks[1], world.tasks[2], "nothing"):
        for report in under(fence, elsewhere, portion, first):
            assert await lab.report(report, payload=b"{}"[: report.size]) == ["not yours"], report
    for place in ((portion, first + 1), (1, first), (2, 0), (-1, 0)):
        assert await lab.report(ResultsReport(fence, task, *place, 1, "values", (), 0.1, 1), payload=b"1") == ["not yours"], report
    for report in (PortionReport(fence, task, 2, "{}", "lab", "", "3.11", None, None), DropReport(fence, task, 0)):
        assert await lab.report(report) == ["not yours"], report
    assert world.room.stored() == before


@pytest_twisted.ensureDeferred
async def test_no_report_makes_a_blob_the_tasks_that_its_worker_did_not_send(world: World) -> None:
    bob = await world.room.tasker("bob")
    secret = await bob.put_blob(b"bobs own")
    await bob.submit(1, manifest=await bob.put_blob(b'[[0, "f", 420, 8, "%s", null]]' % secret.encode()))
    lab = await world.room.worker("lab-3", users=["ada"])
    await lab.until(lambda: lab.grants)
    fence, task, portion, first, *_ = lab.grants[0]
    for report in (
        ArtifactReport(fence, task, portion, first, 0, "stolen", 0o644, 8, 0.0, secret, False, None),
        ResultsReport(fence, task, portion, first, 1, "values", (), 0.1, 0, secret),
    ):
        assert await lab.report(report) == ["not yours"], report
        assert isinstance(await outcome(world.ada, blobs.GetBlob, {"digest": secret, "offset": 0, "task": task}), NotFound)
    main = world.fences[1]
    opened = PortionReport(main, world.tasks[1], 5, "{}", "lab", "", "3.11", secret, None)
    added = ItemsReport(main, world.tasks[1], 1, 1, 1, "pickles", "0" * 64, True, 0, secret)
    assert await world.lab.report(opened, added) == ["not yours", "not yours"]
    assert isinstance(await outcome(world.ada, blobs.GetBlob, {"digest": secret, "offset": 0, "task": world.tasks[1]}), NotFound)
    assert await lab.report(ResultsReport(fence, task, portion, first, 1, "values", (), 0.1, 1), payload=b"1") == [""]


@pytest_twisted.ensureDeferred
async def test_a_worker_is_not_believed_about_tasks_that_may_not_run_there_after_a_restart_either(world: World) -> None:
    await world.room.restart()
    world.ada, world.lab = await world.room.tasker("ada"), await world.room.worker("lab-1", slots=0, seats=0, users=["ada"])
    await trespass(world, await world.room.worker("lab-2", users=["bob"]))


@pytest_twisted.ensureDeferred
async def test_who_has_no_certificate_or_a_revoked_one_may_join_at_the_most(world: World) -> None:
    mallory = await world.room.certificate("tasker", "mallory", operator=True)
    await world.room.identity.revoke("user", "mallory")
    before = world.room.stored()
    for context in (client_context_factory(LAB.certificate), mallory):
        for command in COMMANDS:
            if not command.requiresAnswer:
                continue
            stranger = await world.room.dial(Played(world.room.reactor), context)
            said = await outcome(stranger, command, next(calls(command, world)))
            expected = (enrol.CodeRefused, NotPermitted) if command is enrol.Enrol else NotPermitted
            assert isinstance(said, expected), f"{command.__name__}: {said!r}"
            stranger.transport.abortConnection()
            await stranger.until(lambda: not stranger.up)
    assert world.room.stored() == before


@pytest_twisted.ensureDeferred
async def test_nothing_is_answered_before_the_greeting(world: World) -> None:
    bob = await world.room.connect(PlayedTasker(world.room.reactor), "tasker", "bob")
    for command in COMMANDS:
        if command is not hello.Greet and command.requiresAnswer:
            said = await outcome(bob, command, next(calls(command, world)))
            assert isinstance(said, (NotPermitted, WrongVersion)), f"{command.__name__}: {said!r}"


@pytest_twisted.ensureDeferred
async def test_an_operator_sees_and_steers_everybodys_tasks_but_adds_nothing_to_them(world: World) -> None:
    root = await world.room.dial(PlayedTasker(world.room.reactor), await world.room.certificate("tasker", "root", operator=True))
    await root.greet()
    everybodys = (await root.ask(tasker.ListTasks, limit=10, everyone=True))["tasks"]
    assert {task["id"] for task in everybodys} == set(world.tasks)
    assert (await root.ask(tasker.HoldTask, task=world.tasks[0]))["state"] == "running"
    assert (await root.ask(tasker.ReleaseTask, task=world.tasks[0]))["state"] == "running"
