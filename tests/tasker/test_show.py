"""Snapshots as text: what a person reads, letter by letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marx.tasker.progress import Progress
from marx.tasker.show import artifact_table, as_json, duration, identity_lines, render, run_results, size, task_page, task_table, worker_table

TASK = {
    "id": "k3vd7q2m",
    "user": "ada",
    "name": "tiles",
    "kind": "map",
    "state": "running",
    "reason": "",
    "submitted_utc": 1000.0,
    "ended_utc": None,
    "total": 12000,
    "final": True,
    "done": 4321,
    "failed": 2,
    "leased": 16,
    "waiting": 7663,
    "slots": 4,
    "why_waiting": "",
    "exit": None,
    "held": False,
}
RUN = {**TASK, "id": "b5x2aaaa", "name": "fit.py", "kind": "run", "state": "done", "exit": 3, "ended_utc": 1012.0, "failed": 0, "done": 12000}
PORTION = {
    "number": 1,
    "call": {"file": "/home/ada/work/fit.py", "line": 31, "kind": "Pool.map", "function": "fit.score"},
    "place": "lab",
    "reason": "",
    "known": 12000,
    "done": 4321,
    "failed": 2,
}


def text(renderable: Any, width: int = 100) -> str:
    return render(renderable, width, colour=False)


def test_the_list_of_tasks() -> None:
    queued = {**TASK, "id": "c7y3aaaa", "name": None, "state": "queued", "total": 100, "final": False, "done": 0, "failed": 0, "held": True}
    assert text(task_table([TASK, RUN, queued], 1090.0)) == (
        "TASK      NAME    KIND  STATE           DONE   ITEMS  FAILED  EXIT         AGE\n"
        "k3vd7q2m  tiles   map   running        4,321  12,000       2        1 min 30 s\n"
        "b5x2aaaa  fit.py  run   done          12,000  12,000             3  1 min 30 s\n"
        "c7y3aaaa          map   queued, held       0    100+                1 min 30 s\n"
    )


def test_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = {"first": 7, "count": 1, "attempt": 2, "worker": "lab7", "outcome": "died"}
    attempt |= {"reason": 'was killed by signal 9; its last lines were "\x1b[2Jx"', "max_rss_kb": 4_000_000, "cpu_seconds": 2.5}
    terms = {"program": "/home/ada/work/prog.py", "function": "f", "python": "2.7", "labels": {"gpu": "yes"}}
    shown = {**TASK, "state": "failed", "reason": "stopped", "ended_utc": 1012.0, "attempts": [attempt], "notes": ["a\x1b[31mnote"], "terms": terms}
    lines = text(task_page(shown, 1090.0)).splitlines()
    submitted = next(line for line in lines if line.startswith("submitted"))
    assert [line for line in lines if line != submitted] == [
        "task       k3vd7q2m",
        "name       tiles",
        "kind       map",
        "of         ada",
        "state      failed",
        "because    stopped",
        "items      4,321 of 12,000 done, 2 failed, 16 at work on 4 slots",
        "took       12 s",
        "program    /home/ada/work/prog.py",
        "function   f",
        "python     2.7",
        "labels     gpu=yes",
        "",
        "attempts that failed",
        "ITEMS  TRY  WORKER  OUTCOME  MEMORY    CPU  REASON",
        "7        2  lab7    died     4.1 GB  2.5 s  was killed by signal 9; its last lines were \"\\x1b[2Jx\"",
        "",
        "notes",
        "a\\x1b[31mnote",
    ]


def test_one_run_with_the_portions_that_it_asked_for() -> None:
    call = {**PORTION["call"], "file": "lib\x1b/deep.py", "line": 7, "kind": "joblib.Parallel", "function": "deep"}
    reason = "deep holds an open file; open it in the function"
    home = {"number": 2, "call": call, "place": "home", "reason": reason, "known": 5, "done": 0, "failed": 0}
    terms = {"program": "/home/ada/work/fit.py", "argv": ["fit.py", "--all", "a b"], "divide": "found"}
    lines = text(task_page({**RUN, "held": True, "terms": terms, "portions": [PORTION, home]}, 1090.0)).splitlines()
    assert {"kind       run", "state      done", "exit code  3", "arguments  --all 'a b'", "divide     found"} <= set(lines)
    assert lines[lines.index("portions") :] == [
        "portions",
        "NO.  LINE       KIND             FUNCTION   PLACE          DONE  FAILED  REASON",
        "  1  fit.py:31  Pool.map         fit.score  lab    4,321/12,000       2",
        "  2  deep.py:7  joblib.Parallel  deep       home            0/5          deep holds an open file;",
        "                                                                         open it in the function",
    ]


SIGNALS = [(None, None), (0, None), (1, None), (128, None), (130, 2), (137, 9), (192, 64), (193, None), (255, None)]


@pytest.mark.parametrize(("code", "signal"), SIGNALS)
def test_how_a_run_went(code: int | None, signal: int | None) -> None:
    entry = {"path": "a.png"}
    assert run_results({**RUN, "exit": code, "portions": [PORTION]}, [entry]) == {
        "task": "b5x2aaaa",
        "state": "done",
        "reason": "",
        "exit": code,
        "signal": signal,
        "portions": 1,
        "items": {"total": 12000, "done": 12000, "failed": 0},
        "artifacts": [entry],
    }


def test_workers() -> None:
    worker = {"name": "lab7", "state": "ready", "busy": 1, "slots": 4, "pythons": ["2.7.18", "3.11.7"], "sandbox": "bwrap", "labels": {"gpu": "no"}}
    assert text(worker_table([worker, {**worker, "name": "lab8", "state": "gone", "busy": 0, "labels": {}}])) == (
        "WORKER  STATE  BUSY  SLOTS  PYTHON     SANDBOX  LABELS\n"
        "lab7    ready     1      4  2.7, 3.11  bwrap    gpu=no\n"
        "lab8    gone      0      4  2.7, 3.11  bwrap\n"
    )


def test_a_worker_that_was_set_aside_says_why_and_since_when() -> None:
    worker = {"name": "lab7", "state": "ready", "busy": 1, "slots": 4, "pythons": ["3.11.7"], "sandbox": "bwrap", "labels": {}, "reason": ""}
    bad = {**worker, "name": "lab8", "state": "set aside", "busy": 0, "reason": "no space left", "aside_seconds": 150.0}
    assert text(worker_table([worker, bad])) == (
        "WORKER  STATE                     BUSY  SLOTS  PYTHON  SANDBOX  LABELS  BECAUSE\n"
        "lab7    ready                        1      4  3.11    bwrap\n"
        "lab8    set aside for 2 min 30 s     0      4  3.11    bwrap            no space left\n"
    )


def test_a_worker_says_how_many_of_its_slots_are_broken() -> None:
    worker = {"name": "lab7", "state": "ready", "busy": 1, "slots": 4, "broken": 1}
    assert "lab7    ready, 1 broken     1      4" in text(worker_table([worker]))


def test_artifacts_with_names_that_a_program_chose() -> None:
    entry = {"root": 0, "path": "out/a.png", "length": 1_400_000, "blob": "x", "deleted": False, "link": None, "item": 3}
    link = {**entry, "path": "\x1b[2J\udcff", "blob": None, "link": "a", "item": None}
    rest = [{**entry, "path": "d", "blob": None}, {**entry, "path": "e", "deleted": True}]
    assert text(artifact_table([entry, link, *rest])) == (
        "ITEM     SIZE  PATH\n"
        "   3   1.4 MB  out/a.png\n"
        "         link  \\x1b[2J\\udcff\n"
        "   3   folder  d\n"
        "   3  deleted  e\n"
    )


def test_json_is_one_document_and_loses_nothing() -> None:
    assert json.loads(as_json([TASK])) == [TASK]


def test_who_i_am() -> None:
    assert identity_lines({"name": "ada", "role": "tasker", "operator": True}) == "ada (tasker, operator)\n"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (18_120, "5 h 2 min"), (273_600, "3 d 4 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("length", "said"),
    [(0, "0 B"), (999, "999 B"), (1400, "1.4 kB"), (23_000_000, "23 MB"), (999_600, "1.0 MB"), (5_000_000_000_000, "5000 GB")],
)
def test_sizes(length: int, said: str) -> None:
    assert size(length) == said


def test_the_live_line_says_how_far_it_is() -> None:
    progress = Progress(colour=False)
    assert progress.line(TASK, 10.0, 80).decode() == "4,321/12,000 · 2 failed · 4 slots at work"
    assert progress.line({**TASK, "done": 4421, "failed": 0}, 12.0, 80).decode() == "4,421/12,000 · 4 slots at work · 50 items/s"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    progress = Progress(colour=False)
    for second in range(30):
        line = progress.line({**TASK, "failed": 0, "done": 100 * second if second < 15 else 1500 + second}, float(second), 80)
    assert line.decode().endswith("· 1.0 items/s")


def test_the_live_line_says_why_nothing_runs_and_never_wraps() -> None:
    waiting = {**TASK, "done": 0, "failed": 0, "slots": 0, "final": False, "why_waiting": "no worker has Python 2.7"}
    assert Progress(False).line(waiting, 0.0, 80).decode() == "0/12,000+ · 0 slots at work · no worker has Python 2.7"
    assert Progress(False).line(waiting, 0.0, 20).decode() == "0/12,000+ · 0 slot…"


def test_a_program_that_runs_and_has_asked_for_nothing_yet_has_no_live_line() -> None:
    run = {**RUN, "state": "running", "total": 0, "done": 0}
    assert Progress(True).line(run, 0.0, 80) == b""
    assert Progress(False).line({**run, "state": "queued", "why_waiting": "no seat is free"}, 0.0, 80).decode() == "queued · no seat is free"
    assert Progress(False).line({**run, "total": 4}, 0.0, 80).decode() == "0/4 · 4 slots at work"


def test_colour_is_only_for_who_wants_it() -> None:
    line = Progress(True).line(TASK, 0.0, 80).decode()
    assert line == "\x1b[1m4,321/12,000\x1b[0m\x1b[2m · \x1b[31m2 failed\x1b[0m\x1b[2m · 4 slots at work\x1b[0m"
