"""
A folder that programs write to, changed from outside without ever leaving it.

A program may have put a link wherever this worker, which may be root, is about to write. So every step down opens one folder without
following links, from the folder above it, and files are made anew where nothing stands. All of this waits for the disk.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

from marx.worker.recipes import TaskFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_COPY_BYTES = 1 << 20


class Stamp(NamedTuple):
    """
    What tells that something was written since one looked. The clocks of file systems are coarse, so a file that is to be recognised is
    made to look older than it is: see :meth:`Tree.date`.
    """

    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """From what stat says."""
        return cls(status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Tree:
    """The folder ``root``, which this worker made itself. ``owner``: the user that must own what is made, None for this one."""

    def __init__(self, root: Path, owner: int | None) -> None:
        self._root = root
        self._owner = owner

    def walk(self) -> Iterator[tuple[str, Stamp]]:
        """Everything in it: relative path and stamp, a folder before what lies in it."""
        with self._opened("") as folder:
            yield from self._walk(folder, "")

    def date(self, path: str, mtime_ns: int | None) -> Stamp:
        """
        Let a file look as if it was written then, None: a second before it was, so that writing it again now shows; its stamp. Raises OSError.
        """
        above, name = os.path.split(path)
        with self._opened(above) as folder:
            return _dated(name, folder, mtime_ns)

    def link(self, path: str) -> str:
        """Where a link leads. Raises OSError."""
        above, name = os.path.split(path)
        with self._opened(above) as folder:
            return os.readlink(name, dir_fd=folder)

    def read(self, path: str) -> Iterator[bytes]:
        """A file's content. Raises OSError, also for what is no file any more."""
        above, name = os.path.split(path)
        with self._opened(above) as folder:
            file = os.open(name, _READ, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise OSError(f"{path} is no file")
                while part := os.read(file, _COPY_BYTES):
                    yield part
            finally:
                os.close(file)

    def remove(self, path: str) -> None:
        """Remove what stands there, a folder with all that is in it. It may be gone already."""
        above, name = os.path.split(path)
        try:
            with self._opened(above) as folder:
                _remove(name, folder)
        except (FileNotFoundError, NotADirectoryError):
            return

    def put(self, file: TaskFile, source: Callable[[str], Path]) -> Stamp:
        """Let ``file`` stand there, whatever stood there before; ``source``: where the content with a digest lies. Raises OSError."""
        above, name = os.path.split(file.path)
        with self._opened(above, make=True) as folder:
            if file.link is not None:
                _remove(name, folder)
                os.symlink(file.link, name, dir_fd=folder)
                self._give(name, folder)
            elif file.digest is not None:
                _remove(name, folder)
                self._copy(source(file.digest), name, folder, mode_of(file))
                return _dated(name, folder, file.mtime_ns)
            else:
                self._make_folder(name, folder, mode_of(file))
            return _stamp(name, folder)

    def _walk(self, folder: int, above: str) -> Iterator[tuple[str, Stamp]]:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        for name, status in found:
            path = f"{above}{name}"
            yield path, Stamp.of(status)
            if stat.S_ISDIR(status.st_mode):
                with _below(folder, name) as inner:
                    yield from self._walk(inner, path + "/")

    @contextmanager
    def _opened(self, path: str, make: bool = False) -> Iterator[int]:
        """The folder at ``path``; with ``make``, every part of it that is no folder gives way to one."""
        folder = _entered(str(self._root), None)
        try:
            for name in path.split("/") if path else ():
                if make:
                    self._make_folder(name, folder, None)
                inner = _entered(name, folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)

    def _make_folder(self, name: str, folder: int, mode: int | None) -> None:
        try:
            is_folder = stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            is_folder = False
        else:
            if not is_folder:
                os.unlink(name, dir_fd=folder)
        if not is_folder:
            os.mkdir(name, 0o755, dir_fd=folder)
            self._give(name, folder)
        if mode is not None:
            with _below(folder, name) as inner:
                os.fchmod(inner, mode)

    def _copy(self, source: Path, name: str, folder: int, mode: int) -> None:
        fresh = os.open(name, _FRESH, 0o600, dir_fd=folder)
        try:
            with open(source, "rb", buffering=0) as content, open(fresh, "wb", buffering=0, closefd=False) as copy:
                shutil.copyfileobj(content, copy, _COPY_BYTES)
            if self._owner is not None:
                os.fchown(fresh, self._owner, self._owner)
            os.fchmod(fresh, mode)
        finally:
            os.close(fresh)

    def _give(self, name: str, folder: int) -> None:
        if self._owner is not None:
            os.chown(name, self._owner, self._owner, dir_fd=folder, follow_symlinks=False)


def mode_of(file: TaskFile) -> int:
    """The permissions that it gets: the runner must be able to read its files, and to enter its folders."""
    return file.mode | (stat.S_IRUSR if file.digest is not None else stat.S_IRWXU)


def _stamp(name: str, folder: int) -> Stamp:
    return Stamp.of(os.stat(name, dir_fd=folder, follow_symlinks=False))


def _dated(name: str, folder: int, mtime_ns: int | None) -> Stamp:
    written_ns = mtime_ns if mtime_ns is not None else _stamp(name, folder).mtime_ns - 1_000_000_000
    os.utime(name, ns=(written_ns, written_ns), dir_fd=folder, follow_symlinks=False)
    return _stamp(name, folder)


@contextmanager
def _below(folder: int, name: str) -> Iterator[int]:
    inner = _entered(name, folder)
    try:
        yield inner
    finally:
        os.close(inner)


def _entered(name: str, folder: int | None) -> int:
    """A folder, opened; one that a program closed to its owner, which may be us, is open again."""
    try:
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        place = os.open(name, _PLACE, dir_fd=folder)
        try:
            os.chmod(f"/proc/self/fd/{place}", stat.S_IRWXU)
        finally:
            os.close(place)
        inner = os.open(name, _FOLDER, dir_fd=folder)
    mode = os.fstat(inner).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(inner, stat.S_IMODE(mode) | stat.S_IRWXU)
    return inner


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=folder)
