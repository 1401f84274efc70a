"""
Snapshots of tasks, workers and artifacts as text for people; JSON is for programs. Pure: no clock, no terminal.
"""

from __future__ import annotations

import io
import json
import os
import shlex
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from rich.console import RenderableType

Snapshot = Mapping[str, Any]

#: What a shell adds to a signal's number, and Linux's last one.
SIGNALLED, LAST_SIGNAL = 128, 64

_STATE_STYLES = {"done": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "queued": "", "stopping": "yellow"}
#: What is shown of a task's terms, in this order, with what people call it.
_TERMS = (
    ("program", "program"),
    ("module", "module"),
    ("function", "function"),
    ("divide", "divide"),
    ("python", "python"),
    ("retries", "retries"),
    ("max_slots", "slots at most"),
    ("chunk_items", "items in a chunk"),
    ("priority", "priority"),
    ("labels", "labels"),
    ("workers", "only on"),
    ("sandbox", "sandbox"),
    ("secrets", "secrets"),
)
_TIMES = (("start_within", "to start within"), ("timeout", "time limit"), ("item_timeout", "time limit of an item"), ("silence", "silent for at most"))


def as_json(value: Any) -> str:
    """For ``--json``: one document."""
    return json.dumps(value, indent=2) + "\n"


def duration(seconds: float) -> str:
    """How long, in two units at most: ``0.4 s``, ``3 min 20 s``, ``5 h 2 min``, ``3 d 4 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError("60 seconds are a minute")


def moment(utc: float | None) -> str:
    """A wall-clock time in the person's time zone."""
    return "" if utc is None else f"{datetime.fromtimestamp(utc, timezone.utc).astimezone():%Y-%m-%d %H:%M:%S}"


def size(length: int) -> str:
    """Bytes in three figures: ``812 B``, ``1.4 kB``, ``23 MB``."""
    number = float(length)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" or number >= 9.95 else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError("the last unit takes everything")


def render(renderable: RenderableType, width: int, colour: bool) -> str:
    """``renderable`` as text of ``width`` columns at the most."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, force_terminal=colour, no_color=not colour, highlight=False, markup=False, emoji=False)
    console.print(renderable, soft_wrap=False)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def _table(columns: Sequence[tuple[str, str]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in columns:
        is_long = side == "long"
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold" if is_long else "ellipsis", no_wrap=not is_long)
    return table


def _state(task: Snapshot) -> Any:
    from rich.text import Text

    held = ", held" if task.get("held") and task["ended_utc"] is None else ""
    return Text(task["state"] + held, style=_STATE_STYLES.get(task["state"], ""))


def _exit(task: Snapshot) -> str:
    """A run's exit code; empty while it has none."""
    return "" if task.get("exit") is None else str(task["exit"])


def task_table(tasks: Sequence[Snapshot], now_utc: float) -> Any:
    """The table of ``tasker list``."""
    counts = [(name, "right") for name in ("DONE", "ITEMS", "FAILED", "EXIT", "AGE")]
    table = _table([("TASK", ""), ("NAME", "long"), ("KIND", ""), ("STATE", ""), *counts])
    for task in tasks:
        total = f"{task['total']:,}" + ("" if task["final"] else "+")
        failed = f"{task['failed']:,}" if task["failed"] else ""
        age = duration(max(0.0, now_utc - task["submitted_utc"]))
        table.add_row(task["id"], task.get("name") or "", task["kind"], _state(task), f"{task['done']:,}", total, failed, _exit(task), age)
    return table


def task_page(task: Snapshot, now_utc: float) -> Any:
    """Everything of one task, for ``tasker show``."""
    from rich.console import Group
    from rich.text import Text

    facts = _table([("", ""), ("", "long")])
    facts.show_header = False
    for name, value in _facts(task):
        facts.add_row(Text(name, style="bold"), value)
    parts: list[Any] = [facts]
    if task.get("portions"):
        parts += [Text("\nportions", style="bold"), portion_table(task["portions"])]
    if task.get("attempts"):
        parts += [Text("\nattempts that failed", style="bold"), _attempts_table(task["attempts"])]
    if task.get("notes"):
        parts += [Text("\nnotes", style="bold"), *(Text(printable(note)) for note in task["notes"])]
    return Group(*parts)


def _facts(task: Snapshot) -> list[tuple[str, Any]]:
    ended = task.get("ended_utc")
    facts = [("task", task["id"]), ("name", task.get("name") or ""), ("kind", task["kind"]), ("of", task.get("user") or "")]
    facts += [("state", _state(task)), ("exit code", _exit(task))]
    facts += [("because", task.get("reason") or ""), ("waits since", task.get("why_waiting") or "")]
    total = f"{task['total']:,}" + ("" if task["final"] else " so far")
    facts.append(("items", f"{task['done']:,} of {total} done, {task['failed']:,} failed, {task['leased']:,} at work on {task['slots']} slots"))
    facts.append(("submitted", moment(task["submitted_utc"])))
    facts.append(("took", duration(max(0.0, ended - task["submitted_utc"])) if ended else ""))
    terms = task.get("terms") or {}
    facts.append(("arguments", shlex.join(terms.get("argv", ())[1:])))
    facts += [(said, _plainly(terms[name])) for name, said in _TERMS if terms.get(name)]
    facts += [(said, duration(terms[name])) for name, said in _TIMES if terms.get(name)]
    facts += [("memory at most", f"{terms['memory'] / (1 << 30):.3g} GB")] if terms.get("memory") else []
    return [(name, value) for name, value in facts if value != ""]


def _plainly(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def portion_table(portions: Sequence[Snapshot]) -> Any:
    """What a program asked for, and why what stayed beside it did."""
    named = [(name, "") for name in ("LINE", "KIND", "FUNCTION", "PLACE")]
    table = _table([("NO.", "right"), *named, ("DONE", "right"), ("FAILED", "right"), ("REASON", "long")])
    for each in portions:
        call = each["call"]
        line = f"{os.path.basename(call['file'])}:{call['line']}"
        failed = f"{each['failed']:,}" if each["failed"] else ""
        done = f"{each['done']:,}/{each['known']:,}"
        words = [printable(text) for text in (line, call["kind"], call["function"])]
        table.add_row(str(each["number"]), *words, each["place"], done, failed, printable(each["reason"] or ""))
    return table


def run_results(task: Snapshot, artifacts: Sequence[Snapshot]) -> dict[str, Any]:
    """
    How a run went, for ``tasker results``.

    ``exit`` is its exit code, None while it has none; ``signal`` the signal that a shell would take it for: 15 of 143.
    """
    code = task["exit"]
    return {
        "task": task["id"],
        "state": task["state"],
        "reason": task.get("reason") or "",
        "exit": code,
        "signal": code - SIGNALLED if code is not None and SIGNALLED < code <= SIGNALLED + LAST_SIGNAL else None,
        "portions": len(task.get("portions") or ()),
        "items": {name: task[name] for name in ("total", "done", "failed")},
        "artifacts": list(artifacts),
    }


def _attempts_table(attempts: Sequence[Snapshot]) -> Any:
    table = _table([("ITEMS", ""), ("TRY", "right"), ("WORKER", ""), ("OUTCOME", ""), ("MEMORY", "right"), ("CPU", "right"), ("REASON", "long")])
    for each in attempts:
        first, last = each["first"], each["first"] + each["count"] - 1
        items = str(first) if first == last else f"{first} to {last}"
        used = each.get("max_rss_kb") or 0
        usage = (size(used << 10), duration(each["cpu_seconds"])) if used else ("", "")
        table.add_row(items, str(each["attempt"]), each["worker"], each["outcome"], *usage, "\n".join(map(printable, (each.get("reason") or "").splitlines())))
    return table


def worker_table(workers: Sequence[Snapshot]) -> Any:
    """The table of ``tasker workers``."""
    columns = [("WORKER", ""), ("STATE", ""), ("BUSY", "right"), ("SLOTS", "right"), ("PYTHON", "long"), ("SANDBOX", ""), ("LABELS", "long")]
    has_reasons = any(worker.get("reason") for worker in workers)
    table = _table(columns + [("BECAUSE", "long")] * has_reasons)
    for worker in workers:
        pythons = ", ".join(dict.fromkeys(map(_minor, worker.get("pythons") or ())))
        labels = _plainly(dict(worker.get("labels") or {}))
        cells = [worker["name"], _worker_state(worker), str(worker["busy"]), str(worker["slots"]), pythons, worker.get("sandbox") or "", labels]
        table.add_row(*cells, *[worker.get("reason") or ""] * has_reasons)
    return table


def _worker_state(worker: Snapshot) -> str:
    since = f" for {duration(worker['aside_seconds'])}" if worker.get("reason") else ""
    broken = f", {worker['broken']} broken" if worker.get("broken") else ""
    return worker["state"] + since + broken


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def artifact_table(artifacts: Sequence[Snapshot]) -> Any:
    """The table of ``tasker artifacts``."""
    table = _table([("ITEM", "right"), ("SIZE", "right"), ("PATH", "long")])
    for each in artifacts:
        item = "" if each.get("item") is None else str(each["item"])
        what = "deleted" if each["deleted"] else "link" if each.get("link") is not None else size(each["length"]) if each.get("blob") else "folder"
        table.add_row(item, what, printable(each["path"]))
    return table


def printable(path: str) -> str:
    """A name chosen by a program, safe for a terminal: control characters and stray bytes are shown as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode("ascii") for each in path)


def identity_lines(me: Snapshot) -> str:
    """What ``tasker whoami`` says."""
    standing = ", operator" if me.get("operator") else ""
    return f"{me['name']} ({me['role']}{standing})\n"
