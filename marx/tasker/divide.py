"""
``tasker divide`` and ``--dry-run``: what would go along, what would be cut into portions, and under which Python; nothing of it is run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from tokenize import detect_encoding
from typing import Any, Literal, Mapping

from marx.tasker import show
from marx.tasker.analysis import analyse
from marx.tasker.bundle import Bundle, gather
from marx.tasker.divided import Chosen, Division, division_page
from marx.tasker.divided_html import html_page
from marx.tasker.exits import NO_FILE, OK, Trouble
from marx.tasker.mapping import PreparedMap
from marx.tasker.mapping import prepare as prepare_map
from marx.tasker.reasons import Given, fates
from marx.tasker.request import MapRequest, Request, RunRequest
from marx.tasker.streams import Outlet
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import Target, find_program, find_target, local_python, python_and_reason, read_source

Form = Literal["text", "json", "html"]

#: Columns where the output is no terminal.
WIDE = 80


@dataclass(frozen=True, slots=True)
class Question:
    """What ``divide`` was asked for. ``arguments``: the program's own, which may name files."""

    target: str
    is_module: bool = False
    python: str | None = None
    files: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


async def run_divide(question: Question, around: Surroundings, form: Form) -> int:
    """The whole command; its exit code. Raises Trouble."""
    place = around.place
    target = find_program(question.target, question.is_module, place.folder)
    if target.path is None:
        raise Trouble(f"-m {target.name}: no such module in this folder; what is installed elsewhere is not looked into", NO_FILE)
    bundle = gather(target, place.folder, place.home, question.arguments, question.files)
    chosen = choose_python(target, question.python, around)
    given = Given(question.files, question.arguments)
    division = divided(target, bundle, given, chosen, await analyse(target, chosen.path, around), around)
    if form == "html":
        return await _print(html_page(division, _sources(division)), around)
    return await _print(show.as_json(division.to_json()) if form == "json" else _page(division, around), around)


def _sources(division: Division) -> dict[str, str]:
    """The text of each file that something is said of, as far as it can be read."""
    found = {}
    for path in dict.fromkeys(row["file"] for row in (*division.portions, *division.kept)):
        try:
            with open(path, "rb") as file:
                encoding, _ = detect_encoding(file.readline)
                file.seek(0)
                found[path] = file.read().decode(encoding, "replace")
        except (OSError, SyntaxError, LookupError):
            continue
    return found


async def dry_run(request: Request, around: Surroundings) -> int:
    """``--dry-run`` of ``run`` and ``map``: the same, and what would be sent. Nothing is. Raises Trouble."""
    if isinstance(request, MapRequest):
        return await _dry_map(request, around)
    assert isinstance(request, RunRequest)
    place = around.place
    target = find_program(request.target, request.is_module, place.folder)
    bundle = gather(target, place.folder, place.home, request.arguments, request.files)
    chosen, answer = await _look(target, request, around)
    division = divided(target, bundle, Given(request.files, request.arguments), chosen, answer, around)
    items = "how many items there are shows when it runs; " if division.portions else ""
    return await _print(_page(division, around) + _sent(bundle, f"{items}{_slots(request)}"), around)


async def _look(target: Target, request: RunRequest, around: Surroundings) -> tuple[Chosen, Mapping[str, Any]]:
    """The Python and what it says; nothing where nothing would be cut, or where no such Python is here, as it may be at the worker's."""
    try:
        chosen = choose_python(target, request.terms.python, around)
    except Trouble:
        if request.local is not None:
            raise
        wanted, reason = _wanted(target, request.terms.python)
        return Chosen(wanted, "", f"{reason}; this machine has none to look at the source with"), {}
    if target.path is None or request.divide == "none":
        return chosen, {}
    answer = await analyse(target, chosen.path, around)
    return chosen, answer if request.divide == "found" else _explicit(answer)


def _explicit(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Without the portions that no pool asks for."""
    mine = {"portions": "conditions", "kept": "hint"}
    return {**answer, **{name: [row for row in answer[name] if key not in row] for name, key in mine.items()}}


async def _dry_map(request: MapRequest, around: Surroundings) -> int:
    prepared = await prepare_map(request, around)
    target = find_target(request.target, request.is_module, around.place.folder)
    wanted, reason = _wanted(target, request.terms.python)
    given = Given(request.files, request.items.strings)
    division = divided(target, prepared.bundle, given, Chosen(wanted, "", reason), {}, around)
    portion = f"one portion, {target.function}: {_count(prepared)}, {_chunks(request)}"
    return await _print(_page(division, around) + _sent(prepared.bundle, f"{portion}; {_slots(request)}"), around)


def divided(target: Target, bundle: Bundle, given: Given, python: Chosen, answer: Mapping[str, Any], around: Surroundings) -> Division:
    """What is known of a program, put together. ``answer``: of the analysis, empty where it was not asked."""
    place = around.place
    main = target.path
    shown = {name: [{**row, "is_main": row["file"] == main} for row in answer.get(name, ())] for name in ("opens", "stdin")}
    files = fates(target, bundle, place.folder, place.home, given, {**answer, **shown})
    version = Chosen(answer.get("python", python.version), python.path, python.reason)
    found = (tuple(answer.get(name, ())) for name in ("portions", "kept"))
    return Division(target.name, place.folder, version, tuple(files), *found, was_read=bool(answer))


def choose_python(target: Target, asked: str | None, around: Surroundings) -> Chosen:
    """The interpreter of this machine that ``run --local`` would take. Raises Trouble with 66 where there is none."""
    wanted, reason = _wanted(target, asked)
    path = local_python(wanted, around.environ)
    return Chosen(wanted, path, f"{reason} ({path})")


def _wanted(target: Target, asked: str | None) -> tuple[str, str]:
    if asked:
        return asked, "as --python says"
    version, how = python_and_reason(read_source(target.path)) if target.path else ("3", "as usual")
    return version, how if how == "as usual" else f"which it asks for {how}"


def _count(prepared: PreparedMap) -> str:
    known = sum(pack.count for pack in prepared.ahead.read)
    total = prepared.items.total if prepared.items.total is not None or not prepared.ahead.is_whole else known
    if total is None:
        return f"more than {known:,} items"
    return "1 item" if total == 1 else f"{total:,} items"


def _chunks(request: MapRequest) -> str:
    size = request.terms.chunk_items
    return f"in chunks of {size:,}" if size else "in chunks cut by the measured time of an item"


def _slots(request: Request) -> str:
    if request.local is not None:
        return f"on {min(request.local, request.terms.max_slots or request.local)} slots of this machine"
    return f"on at most {request.terms.max_slots} slots" if request.terms.max_slots else "on all slots that are free"


def _sent(bundle: Bundle, rest: str) -> str:
    total = sum(entry.size for entry in bundle.entries)
    return f"\nwould be sent: {show.size(total)} at most, less what the server has from before; {rest}\n"


def _page(division: Division, around: Surroundings) -> str:
    stdout = around.streams.stdout
    is_terminal = stdout.isatty()
    width = WIDE
    if is_terminal:
        try:
            width = os.get_terminal_size(stdout.fileno()).columns or WIDE
        except OSError:
            pass
    return show.render(division_page(division), width, colour=is_terminal and not around.environ.get("NO_COLOR"))


async def _print(text: str, around: Surroundings) -> int:
    await Outlet(around.streams.stdout, around.reactor).write(text.encode("utf-8", "backslashreplace"))
    return OK
