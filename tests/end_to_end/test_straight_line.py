"""A map goes from the tasker to two workers and back, over TLS, in a sandbox, and is there afterwards for its owner alone."""

from __future__ import annotations

import json
import signal

import pytest

from tests.end_to_end.lab import DEADLINE, Lab, Person

PROGRAM = '''
import os
import sys
import time


def square(x):
    return x * x


def talk(x):
    print("hello from %s" % x)
    sys.stderr.write("error from %s\\n" % x)
    return len(x)


def picky(x):
    if x == 3:
        raise ValueError("not three")
    return x


def write(x):
    with open("out-%d.txt" % x, "w") as file:
        file.write("item %d" % x)
    return sorted(os.listdir("."))[:1]


def double(x):
    return x + x


def slow(x):
    print("begun %d" % x)
    time.sleep(600)


if __name__ == "__main__":
    raise SystemExit("the guard was run")
'''


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Person:
    person = lab.person("ada")
    person.write("prog.py", PROGRAM)
    return person


def test_a_map_gives_one_json_line_for_each_item_in_order(ada) -> None:
    said = ada.tasker("map", "--range", "0:2000", "prog.py:square")
    assert said.lines() == [{"index": i, "value": i * i} for i in range(2000)]


def test_what_items_print_is_relayed_and_stays_readable(ada) -> None:
    said = ada.tasker("map", "prog.py:talk", "ann", "bob")
    assert said.lines() == [{"index": 0, "value": 3}, {"index": 1, "value": 3}]
    for name in ("ann", "bob"):
        assert f"hello from {name}\n" in said.err and f"error from {name}\n" in said.err
    task = json.loads(ada.tasker("list", "--json").out)[0]["id"]
    assert "hello from ann" in (logs := ada.tasker("logs", task)).out.decode() + logs.err


def test_an_item_that_raises_costs_itself_and_the_exit_code(ada) -> None:
    said = ada.tasker("map", "--range", "0:5", "prog.py:picky", expect=1)
    lines = said.lines()
    assert [line.get("value") for line in lines] == [0, 1, 2, None, 4]
    assert lines[3]["error"]["type"] == "ValueError" and lines[3]["error"]["message"] == "not three"
    assert "prog.py" in lines[3]["error"]["traceback"]


def test_files_land_where_a_plain_loop_would_have_put_them(ada) -> None:
    ada.tasker("map", "--range", "0:4", "prog.py:write")
    assert [(ada.work / f"out-{i}.txt").read_text() for i in range(4)] == [f"item {i}" for i in range(4)]


def test_items_and_results_of_megabytes_travel_whole(ada) -> None:
    (ada.work / "large.jsonl").write_text("".join(json.dumps("x" * size) + "\n" for size in (5_000_000, 10, 1_500_000)))
    said = ada.tasker("map", "--items", "large.jsonl", "prog.py:double")
    assert [len(line["value"]) for line in said.lines()] == [10_000_000, 20, 3_000_000]


def test_detach_list_show_results_attach_from_another_login(ada, lab) -> None:
    task = ada.tasker("map", "--detach", "--range", "0:10", "prog.py:square").out.decode().strip()
    assert ada.tasker("wait", task)
    again = lab.home_of("ada-elsewhere")
    code = again / "code"
    code.write_text(lab.admin("join-code", "tasker", "ada"))
    other_login = Person(again)
    other_login.tasker("login", str(code))
    assert other_login.tasker("results", task).lines() == [{"index": i, "value": i * i} for i in range(10)]
    assert other_login.tasker("attach", task).lines() == [{"index": i, "value": i * i} for i in range(10)]
    shown = json.loads(other_login.tasker("show", "--json", task[:6]).out)
    assert (shown["id"], shown["state"], shown["done"]) == (task, "done", 10)
    assert task in other_login.tasker("list").out.decode()


def test_another_user_sees_nothing_of_it(ada, lab) -> None:
    task = json.loads(ada.tasker("list", "--json").out)[0]["id"]
    bob = lab.person("bob")
    assert json.loads(bob.tasker("list", "--json").out) == []
    for command in ("show", "results", "cancel"):  # the others, too, are refused by the server: see test_trespassing.py
        said = bob.tasker(command, task, expect=None)
        assert said.code not in (0, 70) and "there is no task" in said.err, (command, said)


def test_cancel_returns_when_the_processes_are_gone(ada) -> None:
    task = ada.tasker("map", "--detach", "--range", "0:2", "prog.py:slow").out.decode().strip()
    watching = ada.start("attach", task)
    assert watching.stderr is not None and b"begun" in watching.stderr.readline()
    said = ada.tasker("cancel", task)
    watching.communicate(timeout=DEADLINE)
    assert "process" in said.out.decode() + said.err
    assert json.loads(ada.tasker("show", "--json", task).out)["state"] == "cancelled"


def test_the_first_interrupt_of_a_map_cancels_it(ada) -> None:
    process = ada.start("map", "--range", "0:2", "prog.py:slow")
    assert process.stderr is not None and b"begun" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert json.loads(ada.tasker("list", "--json").out)[0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["map", "absent.py:f", "1"], 66, "absent.py"),
        (["map", "prog.py:absent", "1"], 1, "absent"),
        (["map", "prog.py", "1"], 2, "FUNCTION"),
        (["map", "--nonsense", "prog.py:square", "1"], 2, "nonsense"),
        (["map", "broken.py:f", "1"], 1, "broken.py"),
        (["map", "--items", "items.jsonl", "prog.py:square"], 2, "line 2"),
        (["show", "zzzzzzzz"], 66, "zzzzzzzz"),
        (["map", "--python", "2.2", "--start-within", "1s", "prog.py:square", "1"], 75, "2.2"),
    ],
)
def test_bad_input_is_one_sentence_and_its_exit_code(ada, arguments, code, words) -> None:
    ada.write("broken.py", "def f(x:\n")
    ada.write("items.jsonl", "1\n{broken\n3\n")
    said = ada.tasker(*arguments, expect=None)
    assert words in said.err and "Traceback" not in said.err, said.err
    assert said.code == code, said.err


def test_the_daemons_log_no_traceback(lab) -> None:
    """Runs last: whatever was refused above was refused politely."""
    for daemon in lab.daemons:
        assert "Traceback" not in daemon.said(), daemon.said()
