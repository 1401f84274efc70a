"""
``marx-admin backup``: one archive with everything that a server must not lose, made while it runs.

The database is copied first, then the blobs that this copy names; none of them is swept meanwhile, and blobs never change. The archive is an
ordinary tar file of what stands in the state folder, so that a restore is ``tar -xf`` into an empty one.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from twisted.internet.threads import deferToThreadPool

from marx.private_files import write_private
from marx.server.blob_upload import sync
from marx.server.blobs import Blobs
from marx.server.store import Store
from marx.wire.calls import BadRequest, Unavailable

#: Bytes that are read of a file at a time.
COPIED_BYTES = 1 << 20
DATABASE, BLOBS, SECRETS_FOLDER = "marx.sqlite", "blobs", "secrets"


class _Stopped(Exception):
    """The server ends before the archive is whole."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is in an archive: its size, how many blobs, and whether the database is (one on a server is not)."""

    size_bytes: int
    blobs: int
    database: bool


class Backup:
    """``folder``: the state, which has ``blobs`` and the keys of the authority; ``reactor`` has threads."""

    def __init__(self, folder: Path, store: Store, blobs: Blobs, reactor: Any) -> None:
        self._folder = folder
        self._store = store
        self._blobs = blobs
        self._reactor = reactor
        self._stopping = Event()

    def stop(self) -> None:
        """Give up what is being made: the server ends."""
        self._stopping.set()

    async def make(self, path: Path, overwrite: bool) -> BackedUp:
        """
        Write the archive ``path``, mode 0600, whole or not at all.

        Raises :class:`BadRequest` for a place where it cannot be, :class:`Unavailable` where writing fails.
        """
        self._check(path, overwrite)
        try:
            # Beside the archive, so that there is room for both on the same disk.
            with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as name:
                async with self._blobs.sweeping:
                    return await self._write(Path(name), path)
        except _Stopped as error:
            raise Unavailable("the server is stopping: there is no backup") from error
        except OSError as error:
            raise Unavailable(f"the backup cannot be written: {error}") from error

    def _check(self, path: Path, overwrite: bool) -> None:
        if not path.is_absolute() or not path.parent.is_dir():
            raise BadRequest(f"{path} cannot be written: there is no folder {path.parent}")
        if path.is_dir() or (path.exists() and not overwrite):
            raise BadRequest(f"{path} is there already: give another name, or --force to replace it")
        if path.resolve().is_relative_to((self._folder / BLOBS).resolve()):
            raise BadRequest(f"{path} is among the server's own files: give another folder, best on another disk")

    async def _write(self, beside: Path, path: Path) -> BackedUp:
        threads = self._reactor.getThreadPool()
        # Before the database for tasks that end meanwhile, and behind it for those that come.
        await deferToThreadPool(self._reactor, threads, self._copy_secrets, beside / SECRETS_FOLDER)
        has_database, named = await self._store.copy_database(beside / DATABASE)
        await deferToThreadPool(self._reactor, threads, self._copy_secrets, beside / SECRETS_FOLDER)
        files = [(self._folder / BLOBS / digest[:2] / digest, f"{BLOBS}/{digest[:2]}/{digest}") for digest in sorted(named)]
        files = [(path, f"{SECRETS_FOLDER}/{path.name}") for path in sorted((beside / SECRETS_FOLDER).iterdir())] + files
        files = [(key, key.name) for key in sorted(self._folder.glob("*.pem"))] + files
        if has_database:
            files.insert(0, (beside / DATABASE, DATABASE))
        size = await deferToThreadPool(self._reactor, threads, self._archive, files, beside / "archive", path)
        return BackedUp(size, len(named), has_database)

    def _copy_secrets(self, target: Path) -> None:
        """Those of open tasks, sealed as they are, with their key."""
        target.mkdir(mode=0o700, exist_ok=True)
        folder = self._folder / SECRETS_FOLDER
        for path in folder.iterdir() if folder.is_dir() else ():
            # Fresh files begin with a dot until they are whole.
            if not path.name.startswith(".") and not (target / path.name).exists():
                with suppress(FileNotFoundError):  # its task has ended
                    write_private(target / path.name, path.read_bytes())

    def _archive(self, files: list[tuple[Path, str]], unfinished: Path, path: Path) -> int:
        """In a thread; the archive's size."""
        with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, copybufsize=COPIED_BYTES) as archive:
                for source, name in files:
                    if self._stopping.is_set():
                        raise _Stopped
                    _add(archive, source, name)
        sync(unfinished)
        os.replace(unfinished, path)
        sync(path.parent)
        return path.stat().st_size


def _add(archive: tarfile.TarFile, source: Path, name: str) -> None:
    """Whoever unpacks it owns the files, and nobody else reads them."""
    with open(source, "rb") as content:
        entry = archive.gettarinfo(arcname=name, fileobj=content)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o600
        archive.addfile(entry, content)
