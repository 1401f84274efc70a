"""What can be done with a run that is there already: attach, logs, results, wait, rerun, hold, release and forget."""

from __future__ import annotations

import json

import pytest
import pytest_twisted

from marx.wire.packs import STDERR
from tests.fakes.server_link import FakeServer
from tests.fakes.server_tasks import FakeTask, value_of
from tests.tasker.conftest import Person, until


@pytest.fixture
def task(server: FakeServer, person: Person) -> FakeTask:
    """A run that ended with 3, its output and a file."""
    origin = {"host": "desk", "folder": str(person.folder), "roots": [str(person.folder)], "utc": 1000.0}
    spec = {"kind": "run", "name": "fit", "program": "/home/ada/fit.py", "argv": ["fit.py"], "submitted_from": origin}
    task = server.tasks["k3vd7q2m"] = FakeTask("k3vd7q2m", spec, "done", final=True, exit=3)
    server.say(task, 0, b"half")
    server.say(task, 4, b"oh\n", STDERR, portion=1)
    server.say(task, 0, b" a line\nno end", offset=4)
    kept = {"mode": 0o100644, "length": 7, "mtime": 1500.0, "deleted": False, "link": None, "item": None}
    task.artifacts = [{"root": 0, "path": "a.png", "blob": server.add_blob(b"picture"), **kept}]
    return task


@pytest_twisted.ensureDeferred
async def test_attach_shows_what_run_would_have_shown_from_the_start(person: Person, task: FakeTask) -> None:
    assert await person.types("attach", "k3") == 3
    assert (person.out, person.err) == ("half a line\nno end", "oh\n")
    assert (person.folder / "a.png").read_bytes() == b"picture"


@pytest_twisted.ensureDeferred
async def test_attach_elsewhere_writes_no_files_unless_a_folder_is_named(person: Person, task: FakeTask) -> None:
    person.host = "laptop"
    assert await person.types("attach", "k3") == 3
    assert not (person.folder / "a.png").exists()
    assert await person.types("attach", "--artifacts", "out", "k3") == 3
    assert (person.folder / "out" / "a.png").read_bytes() == b"picture"


@pytest_twisted.ensureDeferred
async def test_ctrl_c_at_attach_stops_watching_only(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.exit = None
    server.start(task)
    ended = person.types("attach", "k3")
    await until(server, lambda: "no end" in person.out)
    person.interrupts.fire()
    assert await ended == 130
    assert (task.state, task.signals) == ("running", [])
    assert person.err == "oh\ntasker: task k3vd7q2m goes on; see it again with: tasker attach k3vd7q2m\n"


@pytest_twisted.ensureDeferred
async def test_logs_prints_both_streams_as_they_were_printed(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.exit = None
    server.start(task)
    ended = person.types("logs", "-f", "k3")
    await until(server, lambda: person.out == "halfoh\n a line\nno end")
    person.interrupts.fire()
    assert (await ended, task.state) == (130, "running")


@pytest_twisted.ensureDeferred
async def test_the_last_lines_are_counted_as_whole_lines(person: Person, task: FakeTask) -> None:
    assert await person.types("logs", "--tail", "1", "k3") == 0
    assert person.out == "half a line\nno end"


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (3, 1)])
@pytest_twisted.ensureDeferred
async def test_results_of_a_run_say_how_it_ended_and_what_it_made(person: Person, task: FakeTask, code: int, exit_code: int) -> None:
    task.exit = code
    assert await person.types("results", "k3") == exit_code
    shown = json.loads(person.out)
    assert (shown["task"], shown["exit"], shown["signal"], [each["path"] for each in shown["artifacts"]]) == ("k3vd7q2m", code, None, ["a.png"])


@pytest_twisted.ensureDeferred
async def test_results_of_a_run_that_goes_on_have_no_exit_code_yet(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.exit = None
    server.start(task)
    assert await person.types("results", "k3") == 0
    assert json.loads(person.out)["exit"] is None


@pytest.mark.parametrize("code", [0, 1, 143])
@pytest_twisted.ensureDeferred
async def test_wait_gives_the_programs_exit_code(person: Person, server: FakeServer, task: FakeTask, code: int) -> None:
    task.exit = None
    server.start(task)
    ended = person.types("wait", "k3")
    await until(server, lambda: any(link.watches for link in server.links))
    server.exit(task, code)
    assert (await ended, person.err) == (code, "")


@pytest_twisted.ensureDeferred
async def test_show_and_list_say_how_a_run_ended(person: Person, task: FakeTask) -> None:
    assert await person.types("list", "--json") == 0
    assert [(each["kind"], each["exit"], each["held"]) for each in json.loads(person.out)] == [("run", 3, False)]
    assert await person.types("show", "k3") == 0
    assert "exit code  3" in person.out


@pytest_twisted.ensureDeferred
async def test_rerun_prints_the_new_id_and_shows_it_as_run_does(person: Person, server: FakeServer, task: FakeTask) -> None:
    server.held = True
    ended = person.types("rerun", "k3vd7q2m")
    await until(server, lambda: any(link.watches for link in server.links))
    again = server.task
    assert (again.id, again.spec) == ("k3vd7q2magain", task.spec)
    server.start(again)
    person.interrupts.fire()
    await until(server, lambda: again.signals)
    server.say(again, 0, b"once more\n")
    server.exit(again, 4)
    assert await ended == 4
    assert (person.out, person.err) == ("once more\n", "tasker: task k3vd7q2magain is k3vd7q2m again\n")


@pytest_twisted.ensureDeferred
async def test_rerun_overwrites_what_the_first_run_made(person: Person, server: FakeServer, task: FakeTask) -> None:
    assert await person.types("attach", "k3") == 3
    server.held = True
    ended = person.types("rerun", "k3vd7q2m")
    await until(server, lambda: any(link.watches for link in server.links))
    server.task.artifacts = [{**task.artifacts[0], "blob": server.add_blob(b"new one")}]
    server.exit(server.task, 0)
    assert await ended == 0
    assert [path.name for path in person.folder.glob("a.png*")] == ["a.png"]
    assert (person.folder / "a.png").read_bytes() == b"new one"


@pytest_twisted.ensureDeferred
async def test_rerun_asks_again_under_the_same_key_where_the_connection_is_lost_before_the_answer(
    person: Person, server: FakeServer, task: FakeTask
) -> None:
    server.cuts_at_submission = 2
    assert await person.types("rerun", "--detach", "k3vd7q2m") == 0
    assert person.out == "k3vd7q2magain\n" and list(server.keys.values()) == ["k3vd7q2magain"]


@pytest_twisted.ensureDeferred
async def test_rerun_detached_prints_the_new_id_alone(person: Person, server: FakeServer, task: FakeTask) -> None:
    server.held = True
    assert await person.types("rerun", "--detach", "k3vd7q2m") == 0
    assert (person.out, person.err, server.task.state) == ("k3vd7q2magain\n", "", "queued")


@pytest_twisted.ensureDeferred
async def test_a_map_can_be_run_again_too(person: Person, server: FakeServer) -> None:
    before = server.tasks["m1"] = FakeTask("m1", {"kind": "map"}, "done", items=[1, 2], final=True)
    server.held = True
    ended = person.types("rerun", "m1")
    await until(server, lambda: any(link.watches for link in server.links))
    server.finish(server.task)
    assert (await ended, before.entries) == (0, {})
    assert person.out.encode() == b"".join(b'{"index": %d, %b\n' % (index, value_of(int, index + 1)[1:]) for index in range(2))


@pytest_twisted.ensureDeferred
async def test_hold_and_release(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state = "running"
    assert await person.types("hold", "k3") == 0
    assert task.held
    assert await person.types("list") == 0
    assert "running, held" in person.out
    assert await person.types("release", "k3") == 0
    assert not task.held
    held = "tasker: task k3 is held: what runs goes on, nothing new begins until tasker release k3\n"
    assert person.err == held + "tasker: task k3 goes on\n"


@pytest.mark.parametrize("command", ["hold", "release"])
@pytest_twisted.ensureDeferred
async def test_a_task_that_has_ended_cannot_be_held(person: Person, task: FakeTask, command: str) -> None:
    assert await person.types(command, "k3") == 66
    assert person.err == "tasker: task k3vd7q2m has ended\n"


@pytest_twisted.ensureDeferred
async def test_a_forgotten_task_is_gone(person: Person, server: FakeServer, task: FakeTask) -> None:
    assert await person.types("forget", "k3") == 0
    assert (person.out, person.err) == ("", "tasker: task k3 is forgotten: its output, results and files are gone\n")
    assert not server.tasks


@pytest_twisted.ensureDeferred
async def test_what_has_not_ended_is_not_forgotten_and_the_refusal_says_what_to_do(person: Person, server: FakeServer, task: FakeTask) -> None:
    task.state = "running"
    assert await person.types("forget", "k3") == 2
    assert "tasker: task k3vd7q2m has not ended: end it with tasker cancel k3vd7q2m" in person.err
    assert server.tasks
