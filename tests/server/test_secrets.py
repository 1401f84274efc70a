"""Secrets of a program: sealed on disk, given to who runs it, shown to nobody, gone with the end of the task."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.server.secrets import KEY_FILE, MOST_BYTES, Secrets, check_secrets
from marx.wire import tasker, worker
from marx.wire.calls import BadRequest, NotFound, WrongVersion
from marx.wire.reports import EndReport, ResultsReport
from tests.server.room import RUN, SPEC, PlayedTasker, PlayedWorker, Room

VALUE = "s3cr3t-of-ada"


def all_bytes(folder: Path) -> bytes:
    """All that stands on the server's disk."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def submitted(ada: PlayedTasker, kind: dict[str, Any] = SPEC, **secrets: str) -> str:
    spec = {**kind, "secrets": sorted(secrets)}
    task = (await ada.ask(tasker.SubmitTask, spec=spec, secrets=secrets))["task"]
    if kind is SPEC:
        await ada.add(task, 0, 1)
    return task


async def end(lab: PlayedWorker) -> None:
    fence, task, portion, first, count, *_ = lab.grants[-1]
    done = ResultsReport(fence, task, portion, first, count, "values", (), 0.1, 1), EndReport(fence, task, portion, "succeeded", None, "", 0, None, 0.1, 1)
    assert await lab.report(*done, payload=b"1") == ["", ""]


@pytest_twisted.ensureDeferred
async def test_only_who_holds_a_lease_is_told_and_the_disk_never_has_them_in_clear(room: Room) -> None:
    lab, other, ada = await room.worker("lab-1", users=["ada"]), await room.worker("lab-2", users=["bob"]), await room.tasker("ada")
    task = await submitted(ada, API_KEY=VALUE)
    await lab.until(lambda: lab.grants)
    described = await lab.ask(worker.DescribeTask, task=task)
    assert described["secrets"] == {"API_KEY": VALUE} and described["spec"]["secrets"] == ["API_KEY"]
    with pytest.raises(NotFound):
        await other.ask(worker.DescribeTask, task=task)
    with pytest.raises(WrongVersion):
        await ada.ask(worker.DescribeTask, task=task)
    shown = (await ada.ask(tasker.ShowTask, task=task))["shown"]
    assert shown["terms"]["secrets"] == ["API_KEY"] and VALUE not in repr(shown)
    assert VALUE not in repr(await ada.ask(tasker.ListTasks, limit=10))
    await room.store.write()
    assert b"API_KEY" in all_bytes(room.folder) and VALUE.encode() not in all_bytes(room.folder)


@pytest.mark.parametrize("kind", [SPEC, RUN], ids=["map", "run"])
@pytest_twisted.ensureDeferred
async def test_they_outlive_a_restart_and_go_when_the_task_has_ended(room: Room, kind: dict[str, Any]) -> None:
    task = await submitted(await room.tasker("ada"), kind, API_KEY=VALUE)
    await room.restart()
    lab, ada = await room.worker("lab-1", seats=1), await room.tasker("ada")
    await lab.until(lambda: lab.grants)
    assert (await lab.ask(worker.DescribeTask, task=task))["secrets"] == {"API_KEY": VALUE}
    assert [path.name for path in (room.folder / "secrets").iterdir() if path.name != KEY_FILE] == [task]
    await finish(lab, ada, task, kind)
    assert [path.name for path in (room.folder / "secrets").iterdir()] == [KEY_FILE]
    with pytest.raises(BadRequest, match="had secrets, .* submit it again with tasker"):
        await ada.ask(tasker.RerunTask, task=task)


async def finish(lab: PlayedWorker, ada: PlayedTasker, task: str, kind: dict[str, Any]) -> None:
    watch = await ada.watch(task)
    if kind is SPEC:
        await end(lab)
    else:
        fence = lab.grants[-1][0]
        ended = EndReport(fence, task, 0, "succeeded", None, "", 0, None, 0.1, 1)
        await lab.report(ResultsReport(fence, task, 0, 0, 1, "values", (), 0.1, 11), ended, payload=b'{"exit": 0}')
    await ada.until_complete(watch)


@pytest_twisted.ensureDeferred
async def test_what_a_crash_left_of_tasks_that_never_came_to_be_is_swept_at_the_next_start(room: Room) -> None:
    await submitted(await room.tasker("ada"), API_KEY=VALUE)
    (room.folder / "secrets" / "nosuchid").write_bytes(b"left behind")
    await room.restart()
    assert len(list((room.folder / "secrets").iterdir())) == 2


@pytest_twisted.ensureDeferred
async def test_secrets_that_are_not_as_they_are_named_are_no_task(room: Room) -> None:
    ada = await room.tasker("ada")
    for named, values in (
        (["A"], None), (["A"], {}), ([], {"A": "x"}), (["A"], {"B": "x"}), (["A"], {"A": 1}), (["A"], {"A": "x\0"}), (["a b"], {"a b": "x"}),
        (["A"], {"A": "x" * (MOST_BYTES + 1)}), (["A"], [["A", "x"]]),
    ):  # fmt: skip
        with pytest.raises(BadRequest) as refused:
            await ada.ask(tasker.SubmitTask, spec={**SPEC, "secrets": named}, secrets=values)
        assert "xxx" not in str(refused.value)
    assert not room.parts.directory.tasks and not (room.folder / "secrets").exists()


def test_names_and_values_that_a_program_can_be_given_pass() -> None:
    check_secrets([], {})
    check_secrets(["B", "A"], {"A": "", "B": "zwei\nZeilen, \u00fc"})


@pytest_twisted.ensureDeferred
async def test_files_are_private_and_another_key_or_another_tasks_file_says_nothing(tmp_path: Path, logged_failures: Any) -> None:
    from twisted.internet import reactor

    secrets = Secrets(tmp_path / "secrets", reactor)
    await secrets.keep("one", {"A": VALUE})
    await secrets.keep("two", {"A": "other"})
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    (tmp_path / "secrets" / "one").replace(tmp_path / "secrets" / "two")
    (tmp_path / "secrets" / KEY_FILE).write_bytes(bytes(32))
    for task in ("one", "two"):
        with pytest.raises(NotFound, match="cannot be read any more: submit it again"):
            await secrets.of(task)
    assert len(logged_failures.flush()) == 2
    assert VALUE not in repr(vars(secrets))
