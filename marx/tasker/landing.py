"""
Files that a task made, put where a plain loop would have put them.

The paths come from programs, so each is walked name by name from the root's descriptor, and no link is followed on the way. A file at
home that changed after the task was submitted is kept, and ours is saved beside it.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, AsyncIterator, Awaitable, Callable, Iterator, Mapping

#: By root number and path, when each file that was sent had been written, in ns since 1970.
Dates = Mapping[tuple[int, str], int]

#: What a file that comes back may have of its mode: never set-user-id and its like.
MODE_BITS = 0o777


class Misplaced(Exception):
    """A file cannot be put where it wants to be; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One entry of :class:`marx.wire.tasker.ListArtifacts`."""

    root: int
    path: str
    mode: int
    length: int
    mtime: float
    blob: str | None
    deleted: bool
    link: str | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Artifact:
        """From its JSON form; fields that a newer server added are ignored."""
        return cls(**{name: entry.get(name) for name in cls.__slots__})


class Landing:
    """
    Puts artifacts below ``roots``, one folder for each root number.

    ``submitted_utc``: when the task left home, by this machine's clock; what changed there since is not touched. That clock may have been
    set back since, so what was sent must also have the date that it had: ``sent`` gives those. ``task`` names what is saved beside.
    ``fetch`` gives the parts of a blob.
    """

    def __init__(
        self,
        roots: list[str],
        task: str,
        submitted_utc: float,
        wall: Callable[[], float],
        fetch: Callable[[str], AsyncIterator[bytes]],
        sent: Callable[[], Awaitable[Dates]],
    ) -> None:
        self._roots = roots
        self._task = task
        self._submitted_utc = submitted_utc
        self._wall = wall
        self._fetch = fetch
        self._sent = sent

    async def land(self, artifact: Artifact) -> str | None:
        """Put one in its place; a sentence where something is to be said. Raises :class:`Misplaced`."""
        names = self._names(artifact)
        root = self._roots[artifact.root]
        os.makedirs(root, exist_ok=True)
        try:
            with _folder(root, names[:-1], make=not artifact.deleted) as folder:
                return await self._put(artifact, folder, names[-1])
        except FileNotFoundError:
            if artifact.deleted:
                return None
            raise
        except OSError as error:
            raise Misplaced(f"{artifact.path} was not saved: {error.strerror}") from error

    def _names(self, artifact: Artifact) -> list[str]:
        names = artifact.path.split("/")
        if not 0 <= artifact.root < len(self._roots) or any(name in ("", ".", "..") or "\0" in name for name in names):
            raise Misplaced(f"{artifact.path!r} was not saved: it is not a path below the task's folders")
        return names

    async def _put(self, artifact: Artifact, folder: int, name: str) -> str | None:
        if artifact.deleted:
            return await self._remove(artifact, folder, name)
        if artifact.link is None and artifact.blob is None:
            _make_folder(folder, name, artifact.mode)
            return None
        fresh = f".{name[:100]}.{self._task}.part"
        try:
            await self._write(artifact, folder, fresh)
            place = await self._place_for(artifact, folder, name, fresh)
            os.rename(fresh, place, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            _unlink_if_there(folder, fresh)
        beside = os.path.join(os.path.dirname(artifact.path), place)
        return None if place == name else f"{artifact.path} changed here meanwhile; the task's is {beside}"

    async def _write(self, artifact: Artifact, folder: int, fresh: str) -> None:
        _unlink_if_there(folder, fresh)
        if artifact.link is not None:
            os.symlink(artifact.link, fresh, dir_fd=folder)
            return
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
        with open(descriptor, "wb") as file:
            async for part in self._fetch(str(artifact.blob)):
                file.write(part)
            file.flush()
            os.fchmod(descriptor, artifact.mode & MODE_BITS)
            # A worker's clock that is ahead must not make the file look newer than what this person does next.
            written = min(artifact.mtime, self._wall())
            os.utime(descriptor, (written, written))

    async def _place_for(self, artifact: Artifact, folder: int, name: str, fresh: str) -> str:
        """The name to save under: beside what changed at home since, unless that is the same."""
        there = _stat(folder, name)
        if there is None or not await self._changed_meanwhile(artifact, there) or _are_equal(folder, name, fresh):
            return name
        return f"{name}.marx-{self._task}"

    async def _remove(self, artifact: Artifact, folder: int, name: str) -> str | None:
        there = _stat(folder, name)
        if there is None:
            return None
        if stat.S_ISDIR(there.st_mode):
            _remove_folder(folder, name)
        elif await self._changed_meanwhile(artifact, there):
            return f"{artifact.path} was deleted by the task, but changed here meanwhile; it is kept"
        else:
            os.unlink(name, dir_fd=folder)
        return None

    async def _changed_meanwhile(self, artifact: Artifact, there: os.stat_result) -> bool:
        if there.st_mtime > self._submitted_utc:
            return True
        return (await self._sent()).get((artifact.root, artifact.path), there.st_mtime_ns) != there.st_mtime_ns


@contextmanager
def _folder(root: str, names: list[str], make: bool) -> Iterator[int]:
    """A descriptor of the folder ``names`` below ``root``, made where it is missing; links below the root are refused."""
    current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            if make and _stat(current, name) is None:
                os.mkdir(name, dir_fd=current)
            deeper = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = deeper
        yield current
    finally:
        os.close(current)


def _make_folder(folder: int, name: str, mode: int) -> None:
    if _stat(folder, name) is None:
        os.mkdir(name, mode & MODE_BITS, dir_fd=folder)


def _remove_folder(folder: int, name: str) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:
        pass  # something of the person's own lies in it


def _stat(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _unlink_if_there(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass


def _are_equal(folder: int, one: str, other: str) -> bool:
    """Whether two names are files of the same bytes."""
    if not all(stat.S_ISREG(found.st_mode) for name in (one, other) if (found := _stat(folder, name))):
        return False
    with _opened(folder, one) as first, _opened(folder, other) as second:
        while True:
            left, right = first.read(1 << 20), second.read(1 << 20)
            if left != right:
                return False
            if not left:
                return True


def _opened(folder: int, name: str) -> Any:
    return open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "rb")
