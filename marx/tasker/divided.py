"""
What ``tasker divide`` found, as text for people and as the JSON that INTERFACE fixes. Pure: no clock, no terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from marx.tasker.reasons import Fate, short
from marx.tasker.show import printable, size

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Files and folders are listed one by one up to so many; of more, each folder at the top is one line.
MOST_LISTED = 20
#: What travels by each rule of ``marx.runner.divide.travelling``; {} is the main file or the module.
_MODULE_RULES = {
    "main": "{}, imported, and its values as the pool sees them",
    "definitions": "the definitions of {}, and its values as the pool sees them",
    "spawn": "{}, imported again, as this pool's processes do",
    "module": "{}, imported",
    "pickle": "by value, with what it names in {}",
}
_NAME_RULES = {
    "definition": "functions and classes",
    "value": "values",
    "undecided": "values, if they can be pickled",
    "library": "installed at the worker's",
}
LATER = "decided when it runs"
NOTHING_TO_CARRY = "nothing but the items"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A Python. ``version``: "3.11", "2.7", or as it was asked for where it is not here. ``reason``: why this one."""

    version: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Division:
    """
    Everything that is said of one program. ``portions`` and ``kept``: as the analysis gives them. ``folder``: the caller's.

    ``was_read``: whether the source was looked into for portions.
    """

    program: str
    folder: str
    python: Chosen
    files: tuple[Fate, ...]
    portions: tuple[Mapping[str, Any], ...] = ()
    kept: tuple[Mapping[str, Any], ...] = ()
    was_read: bool = True

    def to_json(self) -> dict[str, Any]:
        """As INTERFACE has it."""
        return {
            "program": self.program,
            "python": self.python.version,
            "files": [{"path": each.path, "travels": each.travels, "reason": each.reason} for each in self.files],
            "portions": [{**self._placed(each), "travels": [self._placed(need) for need in each["travels"]]} for each in self.portions],
            "kept": [self._placed(each) for each in self.kept],
        }

    def _placed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        file = row["file"]
        return {**row, "file": file and short(file, self.folder)}


def division_page(division: Division) -> RenderableType:
    """All of it, for a terminal of 80 columns or more."""
    from rich.console import Group
    from rich.text import Text

    python = division.python
    parts: list[RenderableType] = [Text(f"{printable(division.program)} runs under Python {python.version}, {python.reason}")]
    if division.was_read:
        parts += [Text("\nportions", style="bold")]
        parts += [_portions(division)] if division.portions else [Text("  none is shown by the source")]
    if division.kept:
        parts += [Text("\nkept with the main program", style="bold"), _kept_table(division)]
    parts += [Text("\nfiles that go along", style="bold"), *_going(division.files)]
    staying = [each for each in division.files if not each.travels]
    if staying:
        parts += [Text("\nfiles that do not, or need a look", style="bold"), *_staying(staying)]
    return Group(*parts)


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(overflow="fold", justify="right" if name == "right" else "left", ratio=1 if name == "long" else None)
    return table


def _portions(division: Division) -> Any:
    """Calls of the same function that need the same are told together."""
    from rich.text import Text

    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in division.portions:
        needs = tuple(needs_of(each["travels"], division.folder)) or (NOTHING_TO_CARRY,)
        alike.setdefault((called(each), (*needs, *asked(each))), []).append(_place(each, division))
    table = _table("", "long")
    for (title, needs), places in alike.items():
        text = Text(printable(title), style="cyan")
        text.append("".join("\n" + printable(need) for need in needs), style="default")
        table.add_row("\n".join("  " + printable(place) for place in places), text)
    return table


def called(portion: Mapping[str, Any]) -> str:
    """What a portion is called: "Pool.map of f", "for loop that collects results"."""
    if portion.get("rest"):
        return f"{portion['kind']}, the beginning of each turn, to line {portion['end']}"
    if portion["function"].startswith("<"):
        collects = portion.get("collects")
        return portion["kind"] + (f" that collects {', '.join(collects)}" if collects else "")
    return f"{portion['kind']} of {portion['function']}"


def asked(portion: Mapping[str, Any]) -> list[str]:
    """What values must show when it runs, of portions that no pool asks for, and what the source did not prove."""
    conditions = "; ".join(portion.get("conditions", ()))
    lines = [f"{LATER}, and divided if {conditions}"] if conditions else []
    return lines + [line for line in (portion.get("doubt"), rest_of(portion)) if line]


def rest_of(portion: Mapping[str, Any]) -> str:
    """Why not more than the beginning of each turn is divided; "" where all of it is."""
    return f"the rest of a turn stays: {portion['rest']}" if portion.get("rest") else ""


def needs_of(needs: Sequence[Mapping[str, Any]], folder: str) -> Iterable[str]:
    """What goes along, one line for each rule."""
    if any(need["rule"] == "runtime" for need in needs):
        yield LATER
    for need in needs:
        if need["rule"] in _MODULE_RULES:
            yield _MODULE_RULES[need["rule"]].format(short(need["file"], folder))
    for rule, said in _NAME_RULES.items():
        names = [need["name"] for need in needs if need["rule"] == rule]
        if names:
            yield f"{said}: {', '.join(names)}"


def _place(row: Mapping[str, Any], division: Division) -> str:
    file = short(row["file"], division.folder)
    return f"line {row['line']}" if file == division.program else f"{file} line {row['line']}"


def _kept_table(division: Division) -> Any:
    table = _table("", "", "long")
    for each in division.kept:
        reason = each["reason"] + (f" ({each['hint']})" if each.get("hint") else "")
        table.add_row("  " + _place(each, division), printable(each["construct"]), printable(reason))
    return table


def _going(files: Sequence[Fate]) -> list[Any]:
    from rich.text import Text

    going = [each for each in files if each.travels]
    total = sum(each.size for each in going)
    real = [each for each in going if each.path != "-"]
    table = _table("", "right", "long")
    for path, length, reason in _grouped(going):
        table.add_row("  " + printable(path), length, printable(reason))
    return [table, Text(f"  {len(real):,} {'file' if len(real) == 1 else 'files'}, {size(total)}")]


def _grouped(going: Sequence[Fate]) -> list[tuple[str, str, str]]:
    """(path, size, reason) for each; of many, one row for each folder at the top and each reason."""
    if len(going) <= MOST_LISTED:
        return [(each.path, "" if each.path == "-" else size(each.size), each.reason) for each in going]
    groups: dict[tuple[str, str], list[Fate]] = {}
    for each in going:
        groups.setdefault((_top(each.path), each.reason), []).append(each)
    return [(_label(top, members), size(sum(each.size for each in members)), reason) for (top, reason), members in groups.items()]


def _top(path: str) -> str:
    """The folder at the top, "" for files that lie there themselves."""
    return path.rpartition("/")[0] + "/" if path.startswith("/") else path.partition("/")[0] + "/" if "/" in path else ""


def _label(top: str, members: Sequence[Fate]) -> str:
    return members[0].path if len(members) == 1 else f"{top or 'here'}: {len(members):,} files"


def _staying(files: Sequence[Fate]) -> list[Any]:
    from rich.padding import Padding
    from rich.text import Text

    table = _table("", "long")
    for each in files:
        if not each.is_sentence:
            table.add_row("  " + printable(each.path), printable(each.reason))
    sentences = [Text(printable(each.reason), style="yellow") for each in files if each.is_sentence]
    return [*([table] if table.row_count else []), *(Padding(sentence, (0, 0, 0, 2)) for sentence in sentences)]
