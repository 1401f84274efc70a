"""`tasker map`, whole, against a server in memory: what is printed where, and with which exit code it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import Person, until


def values(text: str) -> list[Any]:
    """The values of result lines, which must be numbered from 0."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["index"] for line in lines] == list(range(len(lines)))
    return [line.get("value", line) for line in lines]


def odd_ones_fail(item: int) -> int:
    if item % 2:
        raise ValueError(f"{item} is odd")
    return item * item


@pytest_twisted.ensureDeferred
async def test_arguments_are_string_items_and_results_come_in_order(person: Person) -> None:
    assert await person.types("map", "prog.py:f", "a", "b", "--c") == 0
    assert person.out == '{"index": 0, "value": "a"}\n{"index": 1, "value": "b"}\n{"index": 2, "value": "--c"}\n'
    assert person.err == ""


@pytest_twisted.ensureDeferred
async def test_items_come_from_json_lines_of_a_file_and_of_standard_input(person: Person) -> None:
    (person.folder / "items.jsonl").write_text('{"a": 1}\n\n[2, 3]\n"x"')
    assert await person.types("map", "--items", "items.jsonl", "prog.py:f") == 0
    person.stdin = io.BytesIO(b"1\n2\n")
    assert await person.types("map", "--items", "-", "prog.py:f") == 0
    assert person.out.splitlines()[:3] == ['{"index": 0, "value": {"a": 1}}', '{"index": 1, "value": [2, 3]}', '{"index": 2, "value": "x"}']
    assert values("\n".join(person.out.splitlines()[3:])) == [1, 2]


@pytest_twisted.ensureDeferred
async def test_a_range_sends_no_items_at_all(person: Person, server: FakeServer) -> None:
    assert await person.types("map", "--range", "10:0:-3", "prog.py:f") == 0
    assert values(person.out) == [10, 7, 4, 1]
    assert (server.task.spec["codec"], server.task.spec["args"], server.task.spec["total"]) == ("range", [10, -3], 4)


@pytest_twisted.ensureDeferred
async def test_rows_of_a_table_and_names_of_files_are_items_too(person: Person) -> None:
    (person.folder / "table.csv").write_text("name,age\nada,36\n")
    (person.folder / "b.txt").touch()
    (person.folder / "a.txt").touch()
    assert await person.types("map", "--csv", "table.csv", "prog.py:f") == 0
    assert await person.types("map", "--glob", "*.txt", "prog.py:f") == 0
    lines = person.out.splitlines()
    assert json.loads(lines[0])["value"] == {"name": "ada", "age": "36"}
    assert values("\n".join(lines[1:])) == ["a.txt", "b.txt"]


@pytest_twisted.ensureDeferred
async def test_a_failed_item_is_an_error_line_and_exit_code_1(person: Person, server: FakeServer) -> None:
    server.function = odd_ones_fail
    assert await person.types("map", "--range", "0:3", "prog.py:f") == 1
    assert values(person.out)[1]["error"] == {"type": "ValueError", "message": "1 is odd", "traceback": ""}
    assert person.err == "tasker: 1 of 3 items failed\n"


@pytest_twisted.ensureDeferred
async def test_no_items_at_all_is_a_task_that_is_done(person: Person, server: FakeServer) -> None:
    assert await person.types("map", "prog.py:f") == 0
    assert (person.out, server.task.final) == ("", True)


@pytest_twisted.ensureDeferred
async def test_results_go_to_a_file_where_one_is_named(person: Person) -> None:
    assert await person.types("map", "-o", "out.jsonl", "prog.py:f", "a") == 0
    assert (person.out, (person.folder / "out.jsonl").read_text()) == ("", '{"index": 0, "value": "a"}\n')


@pytest_twisted.ensureDeferred
async def test_what_items_print_goes_to_standard_error(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "prog.py:f", "a", "b")
    await until(server, lambda: server.tasks and server.task.final)
    server.say(server.task, 1, b"half")
    server.say(server.task, 0, b"whole\n")
    server.say(server.task, 1, b" and half\nno end", offset=4)
    await until(server, lambda: "and half" in person.err)
    server.finish(server.task)
    assert await ended == 0
    assert person.err == "whole\nhalf and half\nno end"


@pytest_twisted.ensureDeferred
async def test_results_come_as_they_are_ready_where_order_does_not_matter(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--unordered", "--range", "0:4", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    server.finish(server.task, 2, 4)
    await until(server, lambda: person.out.count("\n") == 2)
    server.finish(server.task)
    assert await ended == 0
    assert [json.loads(line)["index"] for line in person.out.splitlines()] == [2, 3, 0, 1]


@pytest_twisted.ensureDeferred
async def test_ordered_results_wait_for_those_before_them(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--range", "0:4", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    server.finish(server.task, 2, 4)
    await deferLater(server.reactor, 0.01)
    assert person.out == ""
    server.finish(server.task)
    assert await ended == 0
    assert values(person.out) == [0, 1, 2, 3]


@pytest_twisted.ensureDeferred
async def test_a_value_of_megabytes_is_printed_whole(person: Person, server: FakeServer) -> None:
    server.function = lambda item: "x" * 3_000_000 if item == 1 else item
    server.pack_items = 1
    assert await person.types("map", "--range", "0:3", "prog.py:f") == 0
    assert [len(str(value)) for value in values(person.out)] == [1, 3_000_000, 1]


@pytest_twisted.ensureDeferred
async def test_an_item_of_megabytes_travels_as_a_blob(person: Person, server: FakeServer) -> None:
    person.stdin = io.BytesIO(b'1\n"%s"\n2\n' % (b"y" * 1_500_000))
    server.function = lambda item: len(item) if isinstance(item, str) else item
    assert await person.types("map", "--items", "-", "prog.py:f") == 0
    assert values(person.out) == [1, 1_500_000, 2]


@pytest_twisted.ensureDeferred
async def test_detach_prints_the_id_alone_once_all_items_are_there(person: Person, server: FakeServer) -> None:
    server.held = True
    assert await person.types("map", "--detach", "prog.py:f", "a", "b") == 0
    assert (person.out, person.err) == ("task0abc\n", "")
    assert (server.task.items, server.task.final, server.task.state) == (["a", "b"], True, "queued")


@pytest_twisted.ensureDeferred
async def test_a_broken_line_is_named_before_anything_is_sent(person: Person, server: FakeServer) -> None:
    (person.folder / "items.jsonl").write_text("1\n2\n{oops\n4\n")
    assert await person.types("map", "--items", "items.jsonl", "prog.py:f") == 2
    assert person.err == "tasker: items.jsonl, line 3 is not a JSON value: Expecting property name enclosed in double quotes at column 2\n"
    assert server.tasks == {}


@pytest_twisted.ensureDeferred
async def test_a_broken_line_far_down_cancels_what_was_started_and_is_named(person: Person, server: FakeServer) -> None:
    long_line = '"%s"' % ("x" * 40_000)
    (person.folder / "items.jsonl").write_text("\n".join([long_line] * 200 + ["nope"]))
    server.held = True
    assert await person.types("map", "--items", "items.jsonl", "prog.py:f") == 2
    assert "line 201 is not a JSON value" in person.err
    assert server.task.state == "cancelled"


@pytest_twisted.ensureDeferred
async def test_a_lost_connection_is_made_anew_and_nothing_is_printed_twice(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--range", "0:6", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    server.finish(server.task, 0, 3)
    server.say(server.task, 0, b"hello\n")
    await until(server, lambda: person.out.count("\n") == 3 and "hello" in person.err)
    server.cut()
    await until(server, lambda: server.links)
    server.finish(server.task)
    assert await ended == 0
    assert values(person.out) == [0, 1, 2, 3, 4, 5]
    assert person.err == "hello\n"


@pytest_twisted.ensureDeferred
async def test_a_submission_whose_answer_was_lost_is_the_same_task_the_next_time(person: Person, server: FakeServer) -> None:
    server.cuts_at_submission = 2
    assert await person.types("map", "--range", "0:6", "prog.py:f") == 0
    assert values(person.out) == [0, 1, 2, 3, 4, 5] and person.err == ""
    assert len(server.tasks) == 1


@pytest_twisted.ensureDeferred
async def test_unordered_results_are_not_printed_twice_after_a_lost_connection(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--unordered", "--range", "0:6", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    server.finish(server.task, 2, 4)
    await until(server, lambda: person.out.count("\n") == 2)
    server.cut()
    await until(server, lambda: server.links)
    server.finish(server.task)
    assert await ended == 0
    assert [json.loads(line)["index"] for line in person.out.splitlines()] == [2, 3, 0, 1, 4, 5]


@pytest_twisted.ensureDeferred
async def test_items_that_were_under_way_in_a_lost_connection_are_added_once(person: Person, server: FakeServer) -> None:
    (person.folder / "items.jsonl").write_text("\n".join(str(number) for number in range(100_000)))
    server.held = True
    ended = person.types("map", "--items", "items.jsonl", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.items)
    server.cut()
    await until(server, lambda: server.task.final)
    assert server.task.items == list(range(100_000))
    server.finish(server.task)
    assert await ended == 0


@pytest_twisted.ensureDeferred
async def test_ctrl_c_cancels_the_task(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--range", "0:6", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    person.interrupts.fire()
    assert await ended == 130
    assert server.task.state == "cancelled"


@pytest_twisted.ensureDeferred
async def test_ctrl_c_while_the_server_is_away_says_that_the_task_still_runs(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--range", "0:6", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    server.away = True
    server.cut()
    await deferLater(server.reactor, 0.01)
    person.interrupts.fire()
    assert await ended == 130
    assert person.err == "tasker: the server is away; task task0abc still runs (tasker cancel task0abc)\n"
    assert server.task.state == "queued"


@pytest_twisted.ensureDeferred
async def test_ctrl_c_before_anything_was_submitted_just_ends(person: Person, server: FakeServer) -> None:
    ended = person.types("map", "--range", "0:6", "prog.py:f")
    person.interrupts.fire()
    assert await ended == 130
    assert server.tasks == {}


@pytest_twisted.ensureDeferred
async def test_a_reader_that_leaves_cancels_the_task_quietly(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--range", "0:6", "prog.py:f")
    await until(server, lambda: server.tasks and server.task.final)
    person.reader_leaves()
    server.finish(server.task, 0, 1)
    assert await ended == 141
    assert (person.err, server.task.state) == ("", "cancelled")


@pytest_twisted.ensureDeferred
async def test_a_task_that_nothing_took_in_time_is_exit_code_75(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--start-within", "2m", "prog.py:f", "a")
    await until(server, lambda: server.tasks and server.task.final)
    assert server.task.spec["start_within"] == 120.0
    server.end(server.task, "failed", "nothing took it within 120 s")
    assert await ended == 75
    assert person.err == "tasker: task task0abc failed: nothing took it within 120 s\n"


@pytest_twisted.ensureDeferred
async def test_a_program_that_does_not_load_is_one_sentence_and_exit_code_1(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "prog.py:nix", "a")
    await until(server, lambda: server.tasks and server.task.final)
    server.end(server.task, "failed", "prog.py has no function 'nix'")
    assert await ended == 1
    assert person.err == "tasker: task task0abc failed: prog.py has no function 'nix'\n"


@pytest_twisted.ensureDeferred
async def test_files_that_the_task_made_land_where_a_plain_loop_would_have_put_them(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "prog.py:f", "a")
    await until(server, lambda: server.tasks and server.task.final)
    digest = server.add_blob(b"picture")
    entry = {"root": 0, "path": "out/a.png", "mode": 0o100644, "length": 7, "mtime": 1.0, "blob": digest, "deleted": False, "link": None, "item": 0}
    server.task.artifacts = [entry, {**entry, "path": "out/b.png"}, {**entry, "path": "c.png"}]
    server.finish(server.task)
    assert await ended == 0
    assert sorted(str(path.relative_to(person.folder)) for path in person.folder.rglob("*.png")) == ["c.png", "out/a.png", "out/b.png"]
    assert (person.folder / "c.png").read_bytes() == b"picture"


@pytest_twisted.ensureDeferred
async def test_the_files_beside_the_program_go_along_once(person: Person, server: FakeServer) -> None:
    (person.folder / "sibling.py").write_text("x = 1\n")
    (person.folder / ".secret").write_text("stays")
    assert await person.types("map", "prog.py:f", "a") == 0
    manifest = json.loads(server.blobs[server.task.spec["manifest"]])
    assert [row[1] for row in manifest] == ["prog.py", "sibling.py"]
    assert [server.blobs[row[4]] for row in manifest] == [b"def f(x):\n    return x\n", b"x = 1\n"]
    sent = len(server.put)
    assert await person.types("map", "prog.py:f", "b") == 0
    assert len(server.put) == sent


@pytest_twisted.ensureDeferred
async def test_the_specification_says_what_was_typed(person: Person, server: FakeServer) -> None:
    person.environ = {"LANG": "de_DE.UTF-8", "LC_TIME": "C", "PATH": "/bin", "TOKEN": "x", "PYTHONHASHSEED": "7"}
    options = "--name run -j 3 --python 2.7 --retries 2 --on-error stop --label gpu=yes --worker lab7 --sandbox bwrap --network".split()
    more = "--env TOKEN --env A=b=c --priority 5 --chunk-size 9".split()
    assert await person.types("map", *options, *more, "prog.py:pack.f", "x") == 0
    spec = server.task.spec
    folder = str(person.folder)
    assert {name: spec[name] for name in ("name", "max_slots", "python", "retries", "stop_on_error", "labels", "workers", "sandbox", "network", "priority")} == {
        "name": "run",
        "max_slots": 3,
        "python": "2.7",
        "retries": 2,
        "stop_on_error": True,
        "labels": {"gpu": "yes"},
        "workers": ["lab7"],
        "sandbox": "bwrap",
        "network": True,
        "priority": 5,
    }
    assert spec["env"] == {"LANG": "de_DE.UTF-8", "LC_TIME": "C", "TOKEN": "x", "A": "b=c", "PYTHONHASHSEED": "7"}
    assert (spec["chunk_items"], spec["function"], spec["program"], spec["module"]) == (9, "pack.f", f"{folder}/prog.py", None)
    assert (spec["cwd"], spec["roots"], spec["argv"], spec["hash_seed"]) == (folder, [folder], ["prog.py"], 7)


@pytest_twisted.ensureDeferred
async def test_the_hash_seed_of_a_task_is_the_one_that_was_typed(person: Person, server: FakeServer) -> None:
    person.environ = {"PYTHONHASHSEED": "7"}
    assert await person.types("map", "--env", "PYTHONHASHSEED=8", "prog.py:pack.f", "x") == 0
    assert (server.task.spec["hash_seed"], server.task.spec["env"]["PYTHONHASHSEED"]) == (8, "8")


@pytest_twisted.ensureDeferred
async def test_a_module_is_named_with_m(person: Person, server: FakeServer) -> None:
    (person.folder / "pack").mkdir()
    (person.folder / "pack" / "__init__.py").touch()
    (person.folder / "pack" / "mod.py").write_text("def f(x): return x\n")
    assert await person.types("map", "-m", "pack.mod:f", "--name") == 0
    assert (server.task.spec["module"], server.task.spec["program"], server.task.items) == ("pack.mod", None, ["--name"])


@pytest_twisted.ensureDeferred
async def test_local_asks_for_the_python_on_the_path_and_ends_its_server(person: Person, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    person.environ = {"PATH": str(tmp_path / "bin")}
    person.reach.is_logged_in = False
    assert await person.types("map", "--local=2", "prog.py:f", "a") == 0
    assert person.reach.asked == (2, str(python), None)
    assert person.reach.embedded is not None and person.reach.embedded.stopped
    assert person.err == ""


@pytest_twisted.ensureDeferred
async def test_local_says_where_the_sandbox_is_less_than_full(person: Person) -> None:
    person.reach.level = "landlock"
    assert await person.types("map", "--local=1", "--python", "/usr/bin/python3", "prog.py:f", "a") == 0
    assert person.err == "tasker: the program runs in a landlock sandbox; bubblewrap (apt install bubblewrap) gives a full one\n"


WRONG = [
    (["map", "nix.py:f", "a"], 66, "nix.py: no such file"),
    (["map", "prog.py", "a"], 2, "'prog.py': expected PROGRAM:FUNCTION, such as prog.py:function"),
    (["map", ".:f", "a"], 66, ".: a folder, not a program"),
    (["map", "--items", "nix.jsonl", "prog.py:f"], 66, "nix.jsonl: no such file"),
    (["map", "--csv", "nix.csv", "prog.py:f"], 66, "nix.csv: no such file"),
    (["map", "--glob", "*.nix", "prog.py:f"], 66, "--glob *.nix: no such file"),
    (["map", "--range", "7", "prog.py:f"], 2, "--range 7: expected START:STOP, such as 0:7"),
    (["map", "--range", "a:b", "prog.py:f"], 2, "--range a:b: expected START:STOP or START:STOP:STEP in whole numbers, such as 0:1000"),
    (["map", "--range", "0:9:0", "prog.py:f"], 2, "--range 0:9:0: expected START:STOP or START:STOP:STEP in whole numbers, such as 0:1000"),
    (["map", "--range", "0:9", "prog.py:f", "a"], 2, "give items as arguments or by one of --items, --range, --csv and --glob, not by several"),
    (["map", "--file", "nix.dat", "prog.py:f"], 66, "--file nix.dat: no such file"),
    (["map", "--env", "NIX", "prog.py:f"], 2, "--env NIX: NIX is not set here; give its value with --env NAME=VALUE"),
    (["map", "--label", "gpu", "prog.py:f"], 2, "--label gpu: expected KEY=VALUE"),
    (["map", "--local", "--detach", "prog.py:f"], 2, "--detach needs a server that stays; --local ends with this command"),
    (["map", "--local", "prog.py:f"], 66, "no python3 on the PATH; install it or name one with --python"),
    (["map", "-o", "nix/out", "prog.py:f"], 66, "{folder}/nix/out: No such file or directory"),
    (["show", "nix"], 66, "there is no task 'nix'"),
    (["shell"], 2, "tasker shell needs a terminal; scripts use the other commands, or import marx"),
]


@pytest.mark.parametrize(("argv", "code", "sentence"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
@pytest_twisted.ensureDeferred
async def test_what_is_wrong_is_one_sentence_and_its_exit_code(person: Person, server: FakeServer, argv: list[str], code: int, sentence: str) -> None:
    person.environ = {"PATH": str(person.folder)}
    assert await person.types(*argv) == code
    assert person.err == f"tasker: {sentence.format(folder=person.folder)}\n"
    assert (person.out, server.tasks) == ("", {})


USAGE = [
    ["map"],
    ["map", "--nix", "prog.py:f"],
    ["map", "--divide", "none", "prog.py:f"],
    ["map", "-j", "0", "prog.py:f"],
    ["map", "--start-within", "soon", "prog.py:f"],
    ["map", "--local"],
    ["map", "--local=none", "prog.py:f"],
    ["map", "--stdin", "in.txt", "prog.py:f"],
    ["replay", "abc", "0"],
    ["wait"],
    [],
]


@pytest.mark.parametrize("argv", USAGE, ids=" ".join)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_typed_is_exit_code_2(person: Person, argv: list[str]) -> None:
    assert await person.types(*argv) == 2
    assert "Usage: tasker" in person.err


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_not_there_is_exit_code_69(person: Person, server: FakeServer) -> None:
    server.away = True
    assert await person.types("map", "prog.py:f", "a") == 69
    assert person.err.startswith("tasker: no connection: 127.0.0.1:1848: nothing listens there")


@pytest_twisted.ensureDeferred
async def test_without_a_login_it_is_exit_code_78(person: Person) -> None:
    person.reach.is_logged_in = False
    assert await person.types("map", "prog.py:f", "a") == 78
    assert person.err == "tasker: not logged in\n"


@pytest_twisted.ensureDeferred
async def test_a_task_whose_time_was_over_is_exit_code_124(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("map", "--timeout", "2m", "prog.py:f", "a")
    await until(server, lambda: server.tasks and server.task.final)
    assert server.task.spec["timeout"] == 120.0
    server.end(server.task, "failed", "its time limit of 120 s is over (--timeout)")
    assert await ended == 124
    assert person.err == "tasker: task task0abc failed: its time limit of 120 s is over (--timeout)\n"
