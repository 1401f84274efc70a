"""
Secrets of programs (``--secret NAME=@FILE``), for as long as their task is open.

Each task's are one file, sealed with a key that is another file of the same folder, so no copy of the database has either, and no copy of one
file says anything. They outlive a restart of the server, are given to workers that hold a lease of the task, and go when the task has
ended: to run it again they must be given again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from marx.private_files import make_private_folder, write_private
from marx.wire.calls import BadRequest, NotFound

log = Logger()

KEY_FILE = "key"
_NONCE_BYTES = 12
#: Bytes of all secrets of one task: together with the rest of an environment they must fit what a process can be given.
MOST_BYTES = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_secrets(named: list[str], values: Any) -> None:
    """Raise :class:`BadRequest` unless ``values`` has a text for each of ``named``, and nothing else."""
    if not isinstance(values, dict) or sorted(values) != sorted(named):
        raise BadRequest(f"the secrets {', '.join(map(repr, named)) or 'of a task that has none'} were not sent as they are named")
    if not all(_NAME.fullmatch(name) and type(value) is str and "\0" not in value for name, value in values.items()):
        raise BadRequest("a secret is a text without NUL, under the name of an environment variable")
    if sum(len(value.encode("utf-8", "surrogatepass")) for value in values.values()) > MOST_BYTES:
        raise BadRequest(f"the secrets of a task may have {MOST_BYTES:,} bytes together")


class Secrets:
    """``folder`` is made when the first secret comes. ``reactor`` has threads, since a disk takes its time."""

    def __init__(self, folder: Path, reactor: Any) -> None:
        self._folder = folder
        self._reactor = reactor

    def keep(self, task: str, values: Mapping[str, str]) -> Deferred[None]:
        """Fires when they are durable."""
        return self._in_thread(self._keep, task, values)

    def of(self, task: str) -> Deferred[dict[str, str]]:
        """What was kept for a task. Fails with :class:`NotFound` where it cannot be read any more."""
        return self._in_thread(self._of, task)

    def forget(self, task: str) -> None:
        """The task has ended."""
        (self._folder / task).unlink(missing_ok=True)

    def sweep(self, open_tasks: Container[str]) -> None:
        """At a start: what was left of tasks that have ended, or that never came to be."""
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name != KEY_FILE and path.name not in open_tasks:
                path.unlink()

    def _in_thread(self, work: Any, *arguments: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)

    def _keep(self, task: str, values: Mapping[str, str]) -> None:
        make_private_folder(self._folder)
        if not (self._folder / KEY_FILE).exists():
            write_private(self._folder / KEY_FILE, AESGCM.generate_key(256))
        nonce = os.urandom(_NONCE_BYTES)
        write_private(self._folder / task, nonce + self._box().encrypt(nonce, json.dumps(values).encode(), task.encode()))

    def _of(self, task: str) -> dict[str, str]:
        try:
            sealed = (self._folder / task).read_bytes()
            return json.loads(self._box().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], task.encode()))
        except (OSError, InvalidTag, ValueError) as error:
            log.error("the secrets of task {task} cannot be read: {why}", task=task, why=str(error) or "they were sealed with another key")
            raise NotFound(f"the secrets of task {task} cannot be read any more: submit it again") from None

    def _box(self) -> AESGCM:
        return AESGCM((self._folder / KEY_FILE).read_bytes())
