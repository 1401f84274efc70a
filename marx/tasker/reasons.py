"""
Why each file goes along with a program or stays at home, and which files the source opens that lie outside of what travels.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence

from marx.tasker.bundle import WHOLE_BYTES, WHOLE_FILES, Bundle, Entry, is_below, is_environment, is_system, travels_whole
from marx.tasker.imports import local_modules
from marx.tasker.target import Target

#: More than these of one folder are not told one by one.
MOST_STAYING = 100
_WILDCARD = re.compile(r"[*?\[]")
#: What every machine has of its own, and nobody would send.
_EVERYWHERE = ("/dev", "/proc", "/sys")


@dataclass(frozen=True, slots=True)
class Fate:
    """
    What becomes of one file or folder. ``path``: as a person would type it. ``size``: bytes, of what travels.

    ``is_sentence``: the reason says all of it, the path too.
    """

    path: str
    travels: bool
    reason: str
    size: int = 0
    is_sentence: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What the person named: ``files`` by --file, ``arguments`` of the program."""

    files: Sequence[str] = ()
    arguments: Sequence[str] = ()


def fates(target: Target, bundle: Bundle, folder: str, home: str, given: Given, answer: Mapping[str, Any]) -> list[Fate]:
    """All that is to be said of files, in the order in which it is shown. ``answer``: of the analysis, empty where there is none."""
    places = list(dict.fromkeys([folder, *([os.path.dirname(target.path)] if target.path else [])]))
    going = [Fate(short(entry.path, folder), True, why, entry.size) for entry, why in _going(target, bundle, places, home, given, answer)]
    staying = [Fate(short(path, folder), False, why) for place in places for path, why in _staying(place, bundle, home)]
    return [*going, *dict.fromkeys(staying), *dict.fromkeys(_opened(answer, bundle, folder, home)), *_read_from_input(answer, folder)]


def short(path: str, folder: str) -> str:
    """A path from ``folder`` where it lies there, else the whole of it."""
    return os.path.relpath(path, folder) if is_below(path, folder) and path != folder else path


def _going(
    target: Target, bundle: Bundle, places: Sequence[str], home: str, given: Given, answer: Mapping[str, Any]
) -> Iterator[tuple[Entry, str]]:
    modules = dict.fromkeys(local_modules(target.path, places[::-1]) if target.path else (), "a module of the program")
    modules |= {row["file"]: _unreadable(row["line"], row["reason"]) for row in answer.get("unread", ())}
    by_file, by_argument = (_paths(names, places[0]) for names in (given.files, given.arguments))
    whole = [place for place in places if travels_whole(place, home) and place not in bundle.left]
    for entry in bundle.entries:
        if entry.path == target.path:
            yield entry, "the program"
        elif entry.path in modules:
            yield entry, modules[entry.path]
        elif any(is_below(entry.path, path) for path in by_file):
            yield entry, "named by --file"
        elif entry.path in by_argument:
            yield entry, "named by an argument"
        elif any(is_below(entry.path, place) for place in whole):
            yield entry, "in the current folder" if is_below(entry.path, places[0]) else "in the program's folder"
        else:
            yield entry, "named by the source"


def _unreadable(line: int | None, reason: str) -> str:
    return f"a module of the program, but {reason}" if line is None else f"a module of the program, but line {line}: {reason}"


def _paths(names: Iterable[str], folder: str) -> set[str]:
    return {os.path.normpath(os.path.join(folder, name)) for name in names if name}


def _staying(place: str, bundle: Bundle, home: str) -> Iterator[tuple[str, str]]:
    """(path, why) of what lies in ``place`` and does not travel; a folder of which nothing does is told as one."""
    if is_system(place):
        return
    if not travels_whole(place, home):
        yield place, "a home, or a folder that everybody's things lie in: only what is named travels"
    elif place in bundle.left:
        yield place, f"more than {WHOLE_FILES:,} files or {WHOLE_BYTES // 1_000_000} MB: only what the source, an argument or --file names travels"
    else:
        travelling = {entry.path for entry in bundle.entries}
        yield from _left_in(place, travelling | set(_folders_above(travelling)))


def _folders_above(paths: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for path in paths:
        above = os.path.dirname(path)
        while above not in seen and above != "/":
            seen.add(above)
            yield above
            above = os.path.dirname(above)


def _left_in(place: str, travelling: set[str]) -> Iterator[tuple[str, str]]:
    told = 0
    for folder, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            if path not in travelling and name != "__pycache__" and told < MOST_STAYING:
                told += 1
                yield path, _why_left(path, name)
        folders[:] = [name for name in folders if os.path.join(folder, name) in travelling]


def _why_left(path: str, name: str) -> str:
    """By the order in which the bundle looks; whatever else stayed can only have been ignored."""
    if name.startswith("."):
        return "hidden"
    if os.path.isdir(path) and is_environment(path):
        return "a virtual environment"
    if not os.access(path, os.R_OK):
        return "closed to you"
    if not os.path.isfile(path) and not os.path.isdir(path):
        return "neither a file nor a folder"
    return "named by .gitignore"


def _opened(answer: Mapping[str, Any], bundle: Bundle, folder: str, home: str) -> Iterator[Fate]:
    travelling = {entry.path for entry in bundle.entries}
    travelling |= set(_folders_above(travelling))
    for opened in answer.get("opens", ()):
        path = _meant(opened["path"], folder, home)
        if any(is_below(path, place) for place in _EVERYWHERE):
            continue
        where, verb = _line(opened, folder), "writes" if opened["writes"] else "opens"
        why = _why_not_there(path, opened["writes"], bundle, travelling)
        if why:
            yield Fate(opened["path"], False, f"{where}: {verb} {opened['path']}, which {why}", is_sentence=True)


def _meant(name: str, folder: str, home: str) -> str:
    """The path that an opened name means; of a pattern, the folder that it begins in."""
    if name.startswith("~"):
        name = home + name[1:]
    wild = _WILDCARD.search(name)
    if wild:
        name = os.path.dirname(name[: wild.start()])
    return os.path.normpath(os.path.join(folder, name))


def _why_not_there(path: str, writes: bool, bundle: Bundle, travelling: set[str]) -> str | None:
    """What is to be said of a path that the program opens; None where it is as in a plain run."""
    if is_system(path):
        return "is a place of each machine's own; use one in the current folder"
    if not any(is_below(path, root) for root in bundle.roots):
        end = "; name its folder with --file" if writes else "; name it with --file"
        return "lies outside of what travels" + end
    if os.path.exists(path) and path not in travelling and path not in bundle.roots and not writes:
        return "stays at home; name it with --file"
    return None


def _line(row: Mapping[str, Any], folder: str) -> str:
    main = "" if row.get("is_main", True) else f"{short(row['file'], folder)} "
    return f"{main}line {row['line']}"


def _read_from_input(answer: Mapping[str, Any], folder: str) -> Iterator[Fate]:
    for row in answer.get("stdin", ())[:1]:
        yield Fate("-", True, f"{_line(row, folder)}: reads standard input, which is sent as it comes; --stdin FILE sends a file, --detach nothing")
