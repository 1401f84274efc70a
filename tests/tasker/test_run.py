"""`tasker run`, whole, against a server in memory: the streams, the exit code, the files, and what is sent."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from marx.wire.packs import STDERR, STDOUT, Segment
from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import Person, until


async def started(person: Person, server: FakeServer, *argv: str) -> Deferred[int]:
    """Type `tasker run ...`; its program runs, and waits for the test."""
    server.held = True
    ended = person.types("run", *(argv or ("prog.py",)))
    await until(server, lambda: server.tasks and any(link.watches for link in server.links))
    server.start(server.task)
    return ended


async def shown(person: Person, server: FakeServer, text: str) -> None:
    """Until `text` was shown on either stream."""
    await until(server, lambda: text in person.out + person.err)


@pytest_twisted.ensureDeferred
async def test_each_stream_is_where_a_plain_run_has_it_byte_for_byte_in_the_stored_order(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.say_all(server.task, [Segment(0, STDOUT, 0, b"a\xff\r\n\0b"), Segment(0, STDERR, 0, b"oh"), Segment(0, STDOUT, 5, b"c")])
    server.say(server.task, 7, b"from an item\n", portion=2)
    server.say(server.task, 0, b" no\n", STDERR, offset=2)
    server.say(server.task, 0, b"no end", offset=6)
    server.exit(server.task, 0)
    assert await ended == 0
    assert person.stdout.getvalue() == b"a\xff\r\n\0bcfrom an item\nno end"
    assert person.stderr.getvalue() == b"oh no\n"


@pytest_twisted.ensureDeferred
async def test_what_a_program_prints_is_shown_at_once_without_the_end_of_its_line(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.say(server.task, 0, b"Name? ")
    await until(server, lambda: person.out == "Name? ")
    server.exit(server.task, 0)
    assert await ended == 0


@pytest.mark.parametrize("code", [0, 1, 3, 120, 139, 255])
@pytest_twisted.ensureDeferred
async def test_the_exit_code_is_the_programs_own(person: Person, server: FakeServer, code: int) -> None:
    server.exit_code = code
    assert await person.types("run", "prog.py") == code
    assert (person.out, person.err) == ("", "")


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("failed", "its program could not be kept running: 20 workers were lost", 70),
        ("failed", "nothing took it within 120 s", 75),
        ("cancelled", "cancelled by bea", 1),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_not_the_programs_fault_is_one_sentence(person: Person, server: FakeServer, state: str, reason: str, code: int) -> None:
    ended = await started(person, server)
    server.end(server.task, state, reason)
    assert await ended == code
    assert (person.out, person.err) == ("", f"tasker: task task0abc {'was ' if state == 'cancelled' else ''}{state}: {reason}\n")


@pytest_twisted.ensureDeferred
async def test_what_the_task_has_to_say_is_said_once_at_the_end_unless_quiet(person: Person, server: FakeServer) -> None:
    for quiet, said in (([], "tasker: prog.py asked for HOME\\x07\n"), (["-q"], "")):
        ended = await started(person, server, *quiet, "prog.py")
        server.task.notes = ["prog.py asked for HOME\x07"]
        server.exit(server.task, 0)
        assert await ended == 0
        assert person.err == said
        server.tasks.clear()
        person.stderr = io.BytesIO()


@pytest_twisted.ensureDeferred
async def test_everything_behind_the_program_is_its_own(person: Person, server: FakeServer) -> None:
    arguments = ["--name", "-h", "--", "--version", "-q", "", "--local", "ü", "-"]
    assert await person.types("run", "--name", "sum", "prog.py", *arguments) == 0
    assert (server.task.spec["argv"], server.task.spec["name"]) == (["prog.py", *arguments], "sum")


@pytest_twisted.ensureDeferred
async def test_the_specification_says_what_was_typed(person: Person, server: FakeServer) -> None:
    person.environ = {"LANG": "de_DE.UTF-8", "LC_ALL": "C", "TZ": "UTC", "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error", "COLUMNS": "90"}
    surroundings = dict(person.environ)
    person.environ |= {"PATH": "/bin", "HOME": "/home/ada", "TOKEN": "x"}
    options = "--divide none -j 3 --python 3.9 --retries 2 --label gpu=yes --worker lab7 --sandbox bwrap --env TOKEN --env A=b".split()
    assert await person.types("run", *options, "--priority", "5", "--start-within", "2m", "./prog.py", "x") == 0
    spec = server.task.spec
    folder = str(person.folder)
    assert {name: spec[name] for name in ("kind", "divide", "max_slots", "python", "retries", "labels", "workers", "sandbox")} == {
        "kind": "run",
        "divide": "none",
        "max_slots": 3,
        "python": "3.9",
        "retries": 2,
        "labels": {"gpu": "yes"},
        "workers": ["lab7"],
        "sandbox": "bwrap",
    }
    assert (spec["priority"], spec["start_within"], spec["env"]) == (5, 120.0, {**surroundings, "TOKEN": "x", "A": "b"})
    assert (spec["program"], spec["module"], spec["argv"]) == (f"{folder}/prog.py", None, ["./prog.py", "x"])
    assert (spec["cwd"], spec["roots"], "function" in spec) == (folder, [folder], False)


@pytest_twisted.ensureDeferred
async def test_unless_it_is_said_otherwise_portions_are_found_and_nothing_is_demanded(person: Person, server: FakeServer) -> None:
    assert await person.types("run", "prog.py") == 0
    spec = server.task.spec
    assert (spec["divide"], spec["retries"], spec["max_slots"], spec["python"], spec["workers"]) == ("found", 0, None, "3", [])


@pytest_twisted.ensureDeferred
async def test_a_task_without_a_name_is_called_as_it_was_typed(person: Person, server: FakeServer) -> None:
    (person.folder / "pack").mkdir()
    (person.folder / "pack" / "__main__.py").touch()
    for argv in (["run", "./prog.py"], ["run", "-m", "pack"], ["run", "pack/"], ["map", "./prog.py:f"]):
        assert await person.types(*argv) == 0
    assert [task.spec["name"] for task in server.tasks.values()] == ["prog.py", "pack", "pack", "prog.py:f"]


@pytest_twisted.ensureDeferred
async def test_a_module_is_run_with_its_package(person: Person, server: FakeServer) -> None:
    (person.folder / "pack" / "inner").mkdir(parents=True)
    for name in ("pack/__init__.py", "pack/inner/__init__.py", "pack/inner/__main__.py"):
        (person.folder / name).touch()
    assert await person.types("run", "-m", "pack.inner", "-m", "x") == 0
    spec = server.task.spec
    assert (spec["module"], spec["program"], spec["argv"]) == ("pack.inner", None, ["pack.inner", "-m", "x"])


@pytest_twisted.ensureDeferred
async def test_a_folder_with_a_main_file_is_a_program(person: Person, server: FakeServer) -> None:
    (person.folder / "app").mkdir()
    (person.folder / "app" / "__main__.py").write_text("print 'old'\n")
    assert await person.types("run", "app") == 0
    assert (server.task.spec["program"], server.task.spec["python"]) == (f"{person.folder}/app", "2.7")


@pytest_twisted.ensureDeferred
async def test_files_travel_and_come_home_before_the_exit(person: Person, server: FakeServer) -> None:
    (person.folder / "data.csv").write_text("1\n")
    ended = await started(person, server)
    manifest = json.loads(server.blobs[server.task.spec["manifest"]])
    assert [row[1] for row in manifest] == ["data.csv", "prog.py"]
    entry = {"root": 0, "mode": 0o100644, "length": 7, "mtime": 1.0, "deleted": False, "link": None, "item": None}
    picture = {**entry, "path": "out/a.png", "blob": server.add_blob(b"picture")}
    server.task.artifacts = [picture, {**entry, "path": "data.csv", "deleted": True, "blob": None}]
    person.wall = lambda: 1e10
    server.exit(server.task, 3)
    assert await ended == 3
    assert (person.folder / "out" / "a.png").read_bytes() == b"picture"
    assert not (person.folder / "data.csv").exists()


@pytest_twisted.ensureDeferred
async def test_a_file_that_changed_at_home_meanwhile_is_kept_and_the_tasks_saved_beside_it(person: Person, server: FakeServer) -> None:
    person.wall = lambda: 1000.0
    ended = await started(person, server)
    (person.folder / "out.txt").write_text("mine")
    entry = {"root": 0, "mode": 0o100644, "length": 6, "mtime": 1.0, "deleted": False, "link": None, "item": None}
    server.task.artifacts = [{**entry, "path": "out.txt", "blob": server.add_blob(b"theirs")}]
    server.exit(server.task, 0)
    assert await ended == 0
    assert ((person.folder / "out.txt").read_text(), (person.folder / "out.txt.marx-task0abc").read_text()) == ("mine", "theirs")
    assert person.err == "tasker: out.txt changed here meanwhile; the task's is out.txt.marx-task0abc\n"


@pytest_twisted.ensureDeferred
async def test_files_land_in_a_folder_that_is_named(person: Person, server: FakeServer) -> None:
    ended = await started(person, server, "--artifacts", "there", "prog.py")
    entry = {"root": 0, "mode": 0o100644, "length": 1, "mtime": 1.0, "deleted": False, "link": None, "item": 4}
    server.task.artifacts = [{**entry, "path": "a.txt", "blob": server.add_blob(b"x")}]
    server.exit(server.task, 0)
    assert await ended == 0
    assert (person.folder / "there" / "a.txt").exists() and not (person.folder / "a.txt").exists()


@pytest_twisted.ensureDeferred
async def test_what_the_source_names_elsewhere_is_told_and_what_an_argument_names_goes_along(person: Person, server: FakeServer) -> None:
    (person.folder / "work").mkdir()
    (person.folder / "data").mkdir()
    for name in ("data/in.csv", "data/other.csv"):
        (person.folder / name).write_text("1\n")
    (person.folder / "work" / "prog.py").write_text("open('../data/other.csv')\nopen('../data/nix')\nopen('/etc/passwd')\nx = '../'\n")
    outside = person.folder
    person.folder = outside / "work"
    assert await person.types("run", "prog.py", "../data/in.csv") == 0
    assert person.err == ""
    assert server.task.spec["roots"] == [f"{outside}/work", f"{outside}/data"]
    assert await person.types("run", "prog.py") == 0
    assert person.err == f"tasker: ../data/other.csv lies outside of {outside}/work and stays at home; --file ../data/other.csv takes it along\n"


@pytest_twisted.ensureDeferred
async def test_detach_prints_the_id_alone_and_sends_no_standard_input(person: Person, server: FakeServer) -> None:
    server.held = True
    person.stdin = io.BytesIO(b"unread")
    assert await person.types("run", "--detach", "prog.py") == 0
    assert (person.out, person.err) == ("task0abc\n", "")
    assert (server.task.state, server.task.spec["stdin"], server.task.has_all_input) == ("queued", None, False)
    assert person.stdin.read() == b"unread"


@pytest_twisted.ensureDeferred
async def test_local_needs_no_login_and_ends_its_server(person: Person, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    person.environ = {"PATH": str(tmp_path / "bin")}
    person.reach.is_logged_in = False
    assert await person.types("run", "--local=2", "prog.py", "--local=9") == 0
    assert person.reach.asked == (2, str(python), None)
    assert person.reach.embedded is not None and person.reach.embedded.stopped
    assert (person.out, person.err) == ("", "")


@pytest_twisted.ensureDeferred
async def test_a_lost_connection_is_made_anew_and_nothing_is_printed_twice(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.say(server.task, 0, b"one\n")
    await shown(person, server, "one")
    server.cut()
    await until(server, lambda: server.links)
    server.say(server.task, 0, b"two\n", offset=4)
    server.exit(server.task, 4)
    assert await ended == 4
    assert (person.out, person.err) == ("one\ntwo\n", "")


@pytest_twisted.ensureDeferred
async def test_a_reader_that_leaves_ends_the_task_quietly_as_a_signal_would(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.reader_leaves()
    server.say(server.task, 0, b"more\n")
    assert await ended == 141
    assert (person.err, server.task.state) == ("", "cancelled")


@pytest.mark.parametrize(
    ("log_format", "out", "err"),
    [
        ("tagged", ":41.000 0.0 lab7 out| a\n:43.000 3.17 lab7 out| b c\n", ":41.000 0.0 lab7 err| oh\n"),
        (
            "json",
            '{"time_utc": 1001.0, "portion": 0, "item": 0, "worker": "lab7", "stream": "stdout", "line": "a"}\n'
            '{"time_utc": 1003.0, "portion": 3, "item": 17, "worker": "lab7", "stream": "stdout", "line": "b c"}\n',
            '{"time_utc": 1001.0, "portion": 0, "item": 0, "worker": "lab7", "stream": "stderr", "line": "oh"}\n',
        ),
    ],
)
@pytest_twisted.ensureDeferred
async def test_lines_can_be_dressed_each_on_its_own_stream(person: Person, server: FakeServer, log_format: str, out: str, err: str) -> None:
    ended = await started(person, server, "--log-format", log_format, "prog.py")
    server.say_all(server.task, [Segment(0, STDOUT, 0, b"a\n"), Segment(0, STDERR, 0, b"oh\n")])
    server.say(server.task, 17, b"b ", portion=3)
    server.say(server.task, 17, b"c\n", portion=3, offset=2)
    server.exit(server.task, 0)
    assert await ended == 0
    hour_and_minute = 5 if log_format == "tagged" else 0
    assert ["".join(line[hour_and_minute:] for line in text.splitlines(True)) for text in (person.out, person.err)] == [out, err]


class Terminal(io.BytesIO):
    """A terminal that keeps all that was written to it."""

    def isatty(self) -> bool:
        return True


@pytest_twisted.ensureDeferred
async def test_on_a_terminal_a_live_line_stands_below_and_never_in_a_line_of_the_program(person: Person, server: FakeServer) -> None:
    terminal = person.stdout = person.stderr = Terminal()
    person.environ = {"TERM": "xterm", "NO_COLOR": "1"}
    ended = await started(person, server)
    server.task.items, server.task.slots = [1, 2, 3], 2
    server.changed()
    await shown(person, server, "0/3 · 2 slots at work")
    server.say(server.task, 0, b"half")
    server.task.entries[0] = b"{}"
    server.changed()
    await until(server, lambda: person.out.endswith("\r\x1b[Khalf"))
    server.say(server.task, 0, b" a line\n", offset=4)
    await until(server, lambda: "half a line\n1/3" in person.out)
    server.exit(server.task, 0)
    assert await ended == 0
    assert terminal.getvalue().endswith(b"\r\x1b[K")


@pytest.mark.parametrize("options", [["--progress", "off"], ["-q"]])
@pytest_twisted.ensureDeferred
async def test_nothing_of_ours_is_shown_where_nobody_wants_it(person: Person, server: FakeServer, options: list[str]) -> None:
    terminal = person.stdout = person.stderr = Terminal()
    person.environ = {"TERM": "xterm"}
    ended = await started(person, server, *options, "prog.py")
    server.say(server.task, 0, b"only this")
    server.exit(server.task, 0)
    assert await ended == 0
    assert terminal.getvalue() == b"only this"


WRONG = [
    (["nix.py"], 66, "nix.py: no such file"),
    (["."], 66, ".: a folder, not a program"),
    (["-m", "a-b"], 2, "-m a-b: expected a module's name, such as package.module"),
    (["--stdin", "nix", "prog.py"], 66, "--stdin nix: no such file"),
    (["--stdin", ".", "prog.py"], 2, "--stdin .: not a file that can be sent whole; let tasker read it as its own standard input instead"),
    (["--file", "nix.dat", "prog.py"], 66, "--file nix.dat: no such file"),
    (["--env", "NIX", "prog.py"], 2, "--env NIX: NIX is not set here; give its value with --env NAME=VALUE"),
    (["--local", "--detach", "prog.py"], 2, "--detach needs a server that stays; --local ends with this command"),
    (["--local", "prog.py"], 66, "no python3 on the PATH; install it or name one with --python"),
]


@pytest.mark.parametrize(("argv", "code", "sentence"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
@pytest_twisted.ensureDeferred
async def test_what_is_wrong_is_one_sentence_and_its_exit_code(person: Person, server: FakeServer, argv: list[str], code: int, sentence: str) -> None:
    person.environ = {"PATH": str(person.folder)}
    assert await person.types("run", *argv) == code
    assert (person.out, person.err, server.tasks) == ("", f"tasker: {sentence}\n", {})


@pytest.mark.parametrize("argv", [[], ["--nix", "prog.py"], ["--divide", "some", "prog.py"], ["--items", "x", "prog.py"], ["-m"]], ids=" ".join)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_typed_is_exit_code_2(person: Person, argv: list[str]) -> None:
    assert await person.types("run", *argv) == 2
    assert "Usage: tasker run" in person.err


@pytest_twisted.ensureDeferred
async def test_a_dry_run_is_shown_and_nothing_is_sent(person: Person, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def dry_run(request: Any, around: Any) -> int:
        asked.append(request.target)
        return 0

    monkeypatch.setitem(sys.modules, "marx.tasker.divide", SimpleNamespace(dry_run=dry_run))
    assert await person.types("run", "--dry-run", "prog.py", "x") == 0
    assert await person.types("map", "--dry-run", "prog.py:f", "x") == 0
    assert (asked, server.tasks) == (["prog.py", "prog.py:f"], {})
