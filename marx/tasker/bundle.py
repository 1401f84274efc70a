"""
Which files go along with a program.

The caller's current folder and the program's folder travel whole while they are small; of a larger one, what the program imports and
what its strings and arguments name. Hidden files, virtual environments and what ``.gitignore`` names stay at home. From a home or system
folder only named files travel. Files elsewhere travel where an argument or ``--file`` names them; those that only the source names are
found, so that a person can be told. Files stand in the sandbox at the caller's own paths, below a *root*.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field, replace
from typing import Collection, Container, Iterable, Iterator, Sequence

from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.ignores import Rule, is_ignored, rules_of
from marx.tasker.imports import Named, local_modules, module_files
from marx.tasker.target import Target

#: Up to so many files and bytes a folder travels whole (DESIGN, "Files").
WHOLE_FILES = 1_000
WHOLE_BYTES = 100_000_000

_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr")
_SHARED = ("/", "/home", "/media", "/mnt", "/opt", "/srv", "/tmp", "/var", "/var/lib", "/var/tmp", "/root")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that travels: a file, a link (``link`` is its target) or an empty folder. ``mode``: as in ``st_mode``, kind included."""

    path: str
    mode: int
    size: int
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    ``roots``: absolute folders, none below another. ``entries``: sorted by path, each below one root. ``left``: folders not taken whole.

    ``outside``: what is named in the source, is there, lies below no root, and so stays at home.
    """

    roots: tuple[str, ...]
    entries: tuple[Entry, ...]
    left: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    def without(self, files: Collection[str]) -> Bundle:
        """The same, but for these files, under whatever name they would have travelled."""
        kept_back = {(found.st_dev, found.st_ino) for found in map(os.stat, files)}
        return replace(self, entries=tuple(entry for entry in self.entries if not _is_one_of(entry.path, kept_back)))

    def root_of(self, path: str) -> int:
        """The number of the root that ``path`` lies below."""
        return next(number for number, root in enumerate(self.roots) if is_below(path, root))


def _is_one_of(path: str, files: Container[tuple[int, int]]) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) in files


@dataclass(slots=True)
class _Gathered:
    """Paths that travel, while they are being found."""

    paths: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)


def is_below(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it; both absolute and normal."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_system(folder: str) -> bool:
    """A folder of the machine, that a sandbox has from elsewhere and that cannot be a root."""
    return folder in ("/", "/home") or any(is_below(folder, place) for place in _SYSTEM)


def travels_whole(folder: str, home: str) -> bool:
    """Whether a folder is somebody's work, and not a home or a place that everything lies in."""
    return not is_system(folder) and folder not in _SHARED and folder != home and os.path.dirname(folder) != "/home"


def gather(target: Target, folder: str, home: str, arguments: Sequence[str] = (), named: Sequence[str] = ()) -> Bundle:
    """
    What travels with ``target`` from the caller's ``folder``.

    ``arguments``: strings that may name files of the folder. ``named``: by --file, which travel whatever they are. Raises Trouble where
    one of these is missing or lies where nothing can be put at the worker's.
    """
    places = [folder] if target.path is None else [folder, os.path.dirname(target.path)]
    extra = [_named_path(name, folder) for name in named] + list(_given_elsewhere(arguments, places))
    roots = _roots([place for place in places if not is_system(place)], extra)
    if target.path is not None and not any(is_below(target.path, root) for root in roots):
        raise Trouble(f"{target.name} lies in a system folder; copy it to a folder of your own", USAGE)
    gathered = _Gathered()
    for place in dict.fromkeys(places):
        if travels_whole(place, home):
            _take_whole(place, gathered)
    strings = _take_named(target, places, arguments, gathered)
    for path in extra:
        gathered.paths.update([path] if not os.path.isdir(path) else _everything(path))
    entries = [_entry(path, roots) for path in sorted(gathered.paths) if any(is_below(path, root) for root in roots)]
    outside = sorted(name for name in {*strings, *arguments} if _means_outside(name, folder, home, roots))
    return Bundle(tuple(roots), tuple(entry for entry in entries if entry), tuple(gathered.left), tuple(outside))


def _given_elsewhere(arguments: Sequence[str], places: Sequence[str]) -> Iterator[str]:
    """Files that an argument names outside of ``places``, as a person names them who knows that they are needed."""
    for argument in arguments:
        path = _path_of(argument, places[0])
        if path and os.path.isfile(path) and not is_system(os.path.dirname(path)) and not any(is_below(path, place) for place in places):
            yield path


def _path_of(name: str, folder: str) -> str | None:
    """The path that ``name`` means from ``folder``; None for what names nothing or, without a slash, nothing elsewhere."""
    return os.path.normpath(os.path.join(folder, name)) if os.sep in name and "\0" not in name else None


def _means_outside(name: str, folder: str, home: str, roots: Sequence[str]) -> bool:
    """Whether ``name`` is something of the person's that does not go along; not the places that everything lies in."""
    path = _path_of(name, folder)
    if path is None or path in (*_SHARED, home) or is_system(path) or not os.path.exists(path):
        return False
    return not any(is_below(path, root) or is_below(root, path) for root in roots)


def _named_path(name: str, folder: str) -> str:
    path = os.path.abspath(os.path.join(folder, name))
    if not os.path.lexists(path):
        raise Trouble(f"--file {name}: no such file", NO_FILE)
    if is_system(path if os.path.isdir(path) else os.path.dirname(path)):
        raise Trouble(f"--file {name} lies in a system folder; copy it to a folder of your own", USAGE)
    return path


def _roots(places: Iterable[str], extra: Iterable[str]) -> list[str]:
    """The outermost of these folders, in their order; a file stands for its folder."""
    wanted = [*places, *(path if os.path.isdir(path) else os.path.dirname(path) for path in extra)]
    return [place for place in dict.fromkeys(wanted) if not any(place != other and is_below(place, other) for other in wanted)]


def _take_whole(place: str, gathered: _Gathered) -> None:
    taken: list[str] = []
    size = 0
    for path, length in walk(place):
        taken.append(path)
        size += length
        if len(taken) > WHOLE_FILES or size > WHOLE_BYTES:
            gathered.left.append(place)
            return
    gathered.paths.update(taken)


def _take_named(target: Target, places: Sequence[str], arguments: Sequence[str], gathered: _Gathered) -> set[str]:
    """The program, its local modules, and files that arguments and (of a folder left because of its size) strings name; those strings."""
    gathered.paths.update(_files_named(arguments, places[0]))
    packages = module_files(places[0], target.module.split(".")) if target.module else ()
    modules: dict[str, Named] = {}
    for start in (target.path, *packages):
        if start is not None and start not in modules:
            modules.update(local_modules(start, places[::-1]))
    gathered.paths.update(modules)
    strings = {string for named in modules.values() for string in named.strings}
    for place in gathered.left:
        gathered.paths.update(_files_named(strings, place))
    return strings


def _files_named(strings: Iterable[str], place: str) -> Iterator[str]:
    """Regular files, and what lies in folders, that one of ``strings`` names from ``place``, and that lie in it."""
    for string in strings:
        path = os.path.normpath(os.path.join(place, string))
        if path != place and is_below(path, place) and "\0" not in path:
            if os.path.isfile(path):
                yield path


def walk(place: str) -> Iterator[tuple[str, int]]:
    """Everything below ``place`` that is not hidden, ignored or a virtual environment: (path, bytes); folders only where empty."""
    return _walk(place, _ignore_files_above(place))


Ignores = tuple[tuple[str, Sequence[Rule]], ...]
"""(folder, the rules of its .gitignore), outermost first."""


def _walk(folder: str, ignores: Ignores) -> Iterator[tuple[str, int]]:
    ignores = (*ignores, *_ignore_file(folder))
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(".") or entry.name == "__pycache__" or _stays(entry.path, is_folder, ignores):
            continue
        if not is_folder:
            yield entry.path, entry.stat(follow_symlinks=False).st_size
        elif not is_environment(entry.path):
            yield from _walk_inner(entry.path, ignores)


def _walk_inner(folder: str, ignores: Ignores) -> Iterator[tuple[str, int]]:
    if not os.access(folder, os.R_OK | os.X_OK):
        return
    if not os.listdir(folder):
        yield folder, 0
    yield from _walk(folder, ignores)


def is_environment(folder: str) -> bool:
    """Whether a folder is a virtual environment of any kind."""
    return any(os.path.exists(os.path.join(folder, mark)) for mark in ("pyvenv.cfg", "conda-meta", "bin/activate_this.py"))


def _stays(path: str, is_folder: bool, ignores: Ignores) -> bool:
    for folder, rules in reversed(ignores):
        said = is_ignored(os.path.relpath(path, folder), is_folder, rules)
        if said is not None:
            return said
    return False


def _ignore_file(folder: str) -> Ignores:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            return ((folder, rules_of(file.read())),)
    except OSError:
        return ()


def _ignore_files_above(place: str) -> Ignores:
    """Those of the folders above ``place``, up to the top of its git checkout; none where it is in no checkout."""
    above: list[str] = []
    folder = place
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ()
        above.append(parent)
        folder = parent
    return tuple(each for parent in reversed(above) for each in _ignore_file(parent))


def _everything(folder: str) -> Iterator[str]:
    """All of a folder that was named, hidden files too; folders only where empty."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        yield from (os.path.join(place, name) for name in [*files, *links])
        if not folders and not files:
            yield place


def _entry(path: str, roots: Sequence[str]) -> Entry | None:
    """None for what cannot travel: sockets, devices, what just vanished, what must not be read."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return _link_entry(path, found.st_mode, roots)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return Entry(path, found.st_mode, 0)
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
        return None
    return Entry(path, found.st_mode, found.st_size)


def _link_entry(path: str, mode: int, roots: Sequence[str]) -> Entry:
    """A link stays one where what it means travels as well; a link out of the roots to a file travels as that file."""
    aim = os.path.realpath(path)
    if not any(is_below(aim, os.path.realpath(root)) for root in roots) and os.path.isfile(aim):
        found = os.stat(path)
        return Entry(path, found.st_mode, found.st_size)
    return Entry(path, mode, 0, os.readlink(path))
