"""The commands that look at tasks and steer them."""

from __future__ import annotations

import json

import pytest
import pytest_twisted

from tests.fakes.server_link import FakeServer, FakeTask, value_of
from tests.tasker.conftest import Person, until


@pytest.fixture
def task(server: FakeServer, person: Person) -> FakeTask:
    """A task that is done, with results, output and a file."""
    origin = {"host": "desk", "folder": str(person.folder), "roots": [str(person.folder)], "utc": 1000.0}
    task = FakeTask("k3vd7q2m", {"kind": "map", "name": "tiles", "function": "f", "submitted_from": origin}, "done", final=True)
    task.items = [1, 2, 3]
    task.entries = {index: value_of(lambda item: item * 2, item) for index, item in enumerate(task.items)}
    server.tasks[task.id] = task
    for item in range(3):
        server.say(task, item, b"line %d\nmore %d\n" % (item, item))
    digest = server.add_blob(b"picture")
    kept = {"mode": 0o100644, "length": 7, "mtime": 1.0, "blob": digest, "deleted": False, "link": None, "item": 0}
    task.artifacts = [{"root": 0, "path": "a.png", **kept}]
    return task


@pytest_twisted.ensureDeferred
async def test_list_shows_tasks_newest_first_page_by_page(person: Person, server: FakeServer, task: FakeTask) -> None:
    for number in range(250):
        server.tasks[f"t{number}"] = FakeTask(f"t{number}", {})
    assert await person.types("list", "-n", "220", "--json") == 0
    assert [shown["id"] for shown in json.loads(person.out)] == [f"t{number}" for number in range(249, 29, -1)]


@pytest_twisted.ensureDeferred
async def test_list_is_a_table_for_people(person: Person, task: FakeTask) -> None:
    person.wall = lambda: 1060.0
    assert await person.types("list") == 0
    assert person.out == (
        "TASK      NAME   KIND  STATE  DONE  ITEMS  FAILED  EXIT    AGE\n"
        "k3vd7q2m  tiles  map   done      3      3                1 min\n"
    )


@pytest_twisted.ensureDeferred
async def test_show_takes_the_beginning_of_an_id(person: Person, task: FakeTask) -> None:
    assert await person.types("show", "k3", "--json") == 0
    assert json.loads(person.out)["id"] == "k3vd7q2m"
    assert await person.types("show", "k3") == 0
    assert "items        3 of 3 done, 0 failed" in person.out or "items      3 of 3 done" in person.out


@pytest_twisted.ensureDeferred
async def test_results_prints_what_map_printed(person: Person, task: FakeTask) -> None:
    assert await person.types("results", "k3vd7q2m") == 0
    assert person.out == '{"index": 0, "value": 2}\n{"index": 1, "value": 4}\n{"index": 2, "value": 6}\n'


@pytest_twisted.ensureDeferred
async def test_results_of_a_task_with_a_failed_item_is_exit_code_1(person: Person, task: FakeTask) -> None:
    task.entries[1] = b'{"error": {"type": "E", "message": "", "traceback": ""}}'
    assert await person.types("results", "k3vd7q2m") == 1


@pytest_twisted.ensureDeferred
async def test_results_of_a_running_task_are_those_that_are_there_in_order(person: Person, task: FakeTask) -> None:
    task.state = "running"
    del task.entries[1]
    assert await person.types("results", "k3vd7q2m") == 0
    assert person.out == '{"index": 0, "value": 2}\n'


LINES = [f"{word} {item}\n" for item in range(3) for word in ("line", "more")]


@pytest.mark.parametrize("tail", [None, 0, 1, 4, 100])
@pytest_twisted.ensureDeferred
async def test_logs_prints_all_or_the_last_lines(person: Person, task: FakeTask, tail: int | None) -> None:
    assert await person.types("logs", *([] if tail is None else ["--tail", str(tail)]), "k3") == 0
    assert person.out == "".join(LINES if tail is None else LINES[len(LINES) - tail :] if 0 < tail < len(LINES) else [] if not tail else LINES)


@pytest.mark.parametrize("tail", [[], ["--tail", "1"]])
@pytest_twisted.ensureDeferred
async def test_logs_f_goes_on_until_the_task_ends(person: Person, server: FakeServer, task: FakeTask, tail: list[str]) -> None:
    task.state = "running"
    ended = person.types("logs", "-f", *tail, "k3")
    await until(server, lambda: "more 2" in person.out)
    server.say(task, 2, b"late\nno end")
    await until(server, lambda: "late" in person.out)
    server.end(task, "done")
    assert await ended == 0
    assert person.out == "".join(LINES[-1:] if tail else LINES) + "late\nno end"


@pytest_twisted.ensureDeferred
async def test_ctrl_c_at_logs_only_stops_watching(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state = "running"
    ended = person.types("logs", "-f", "k3")
    await until(server, lambda: "more 2" in person.out)
    person.interrupts.fire()
    assert await ended == 130
    assert task.state == "running"


@pytest_twisted.ensureDeferred
async def test_attach_shows_what_map_would_have_shown_from_the_start(person: Person, server: FakeServer, task: FakeTask) -> None:
    assert await person.types("attach", "k3") == 0
    assert person.out == '{"index": 0, "value": 2}\n{"index": 1, "value": 4}\n{"index": 2, "value": 6}\n'
    assert person.err == "".join(LINES)
    assert (person.folder / "a.png").read_bytes() == b"picture"


@pytest_twisted.ensureDeferred
async def test_attach_elsewhere_writes_no_files_unless_a_folder_is_named(person: Person, task: FakeTask) -> None:
    person.host = "laptop"
    assert await person.types("attach", "k3") == 0
    assert not (person.folder / "a.png").exists()
    assert await person.types("attach", "--artifacts", "out", "k3") == 0
    assert (person.folder / "out" / "a.png").read_bytes() == b"picture"


@pytest_twisted.ensureDeferred
async def test_ctrl_c_at_attach_leaves_the_task_running(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state = "running"
    ended = person.types("attach", "k3")
    await until(server, lambda: person.out)
    person.interrupts.fire()
    assert await ended == 130
    assert task.state == "running"
    assert person.err.endswith("tasker: task k3vd7q2m goes on; see it again with: tasker attach k3vd7q2m\n")


@pytest_twisted.ensureDeferred
async def test_artifacts_are_listed_or_saved(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.artifacts = [{**task.artifacts[0], "path": f"{number}.png"} for number in range(5)]
    assert await person.types("artifacts", "k3", "--json") == 0
    assert [entry["path"] for entry in json.loads(person.out)] == [f"{number}.png" for number in range(5)]
    assert await person.types("artifacts", "k3", "--artifacts", "there") == 0
    assert len(list((person.folder / "there").iterdir())) == 5


@pytest_twisted.ensureDeferred
async def test_wait_returns_when_all_have_ended_with_the_worst_exit_code(person: Person, server: FakeServer, task: FakeTask) -> None:
    other = server.tasks["zzz"] = FakeTask("zzz", {}, "running")
    ended = person.types("wait", "k3", "zzz")
    await until(server, lambda: any(link.watches for link in server.links))
    assert not ended.called
    server.end(other, "failed", "the first failed item ends it")
    assert await ended == 1
    assert person.err == "tasker: zzz: task zzz failed: the first failed item ends it\n"


@pytest_twisted.ensureDeferred
async def test_cancel_says_how_many_processes_are_gone(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state, server.processes = "running", 1
    assert await person.types("cancel", "k3") == 0
    assert await person.types("cancel", "k3") == 0
    assert person.err == "tasker: task k3 is cancelled; 1 process ended\ntasker: task k3 had ended before\n"


@pytest_twisted.ensureDeferred
async def test_cancel_names_the_workers_that_it_could_not_reach(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state, server.unreachable = "running", ["lab7", "lab8"]
    assert await person.types("cancel", "k3") == 75
    assert person.err == "tasker: task k3 may still run on lab7, lab8, which could not be reached\n"


@pytest_twisted.ensureDeferred
async def test_workers_and_whoami(person: Person, server: FakeServer) -> None:
    server.workers = [{"name": "lab7", "state": "ready", "busy": 0, "slots": 4, "pythons": ["3.11.7"], "sandbox": "bwrap", "labels": {}}]
    assert await person.types("workers") == 0
    assert person.out.splitlines()[1] == "lab7    ready     0      4  3.11    bwrap"
    assert await person.types("whoami") == 0
    assert person.out.endswith("ada (tasker, operator)\n")
    assert await person.types("whoami", "--json") == 0


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest_twisted.ensureDeferred
async def test_completion_prints_a_script(person: Person, shell: str) -> None:
    assert await person.types("completion", shell) == 0
    assert "_TASKER_COMPLETE" in person.out


@pytest_twisted.ensureDeferred
async def test_help_and_version_need_no_server(person: Person) -> None:
    assert await person.types("--help") == 0
    assert await person.types("map", "-h") == 0
    assert await person.types("--version") == 0
    assert "map" in person.out and "--local" in person.out and person.err == ""
