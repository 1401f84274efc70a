"""
Taking tasks in: checked at the door, durable before they are answered; and stopping them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout

from marx.core import events
from marx.server.blob_desk import BlobDesk
from marx.server.ceilings import Ceilings, within
from marx.server.directory import Directory, LiveTask, terms_of
from marx.server.ids import keyed_id
from marx.server.items import ItemShelf
from marx.server.records import BlobUse, NewItems, NewTask
from marx.server.secrets import Secrets, check_secrets
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.server.surroundings import Surroundings
from marx.wire.calls import BadRequest, NotFound, TooLarge
from marx.wire.packs import ItemPack
from marx.wire.spec import check_spec

#: Seconds after which a cancel is answered with the workers that were not reached.
CANCEL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user may ask for. ``files`` and ``file_bytes``: of one task; ``items``: of one task, what an index can count."""

    open_tasks: int = 1000
    files: int = 20_000
    file_bytes: int = 10 << 30
    manifest_bytes: int = 16 << 20
    items: int = 1 << 40
    ceilings: Ceilings = Ceilings()


class Submissions:
    """Takes tasks and items, and cancels."""

    def __init__(
        self,
        service: SchedulingService,
        directory: Directory,
        shelf: ItemShelf,
        blobs: BlobDesk,
        store: Store,
        secrets: Secrets,
        limits: Limits,
        around: Surroundings,
    ) -> None:
        self._service = service
        self._directory = directory
        self._shelf = shelf
        self._blobs = blobs
        self._store = store
        self._secrets = secrets
        self._limits = limits
        self._clock = around.clock
        self._wall = around.wall
        self._make_id = around.make_id
        self._arrivals = 0

    async def submit(self, user: str, spec: Any, key: str | None = None, secrets: Any = None) -> str:
        """
        A new task of ``user``, or the one that was submitted under ``key`` before; its id, once it is durable.

        ``secrets``: the value of each that the specification names.
        """
        wrong = check_spec(spec)
        if wrong:
            raise BadRequest("; ".join(wrong))
        check_secrets(spec.get("secrets") or [], secrets or {})
        task = self._make_id() if key is None else keyed_id(user, key)
        if key is not None and await self._store.ids_by_prefix(task, user):
            return task
        spec = within(self._limits.ceilings, spec)
        if sum(1 for _ in self._directory.tasks_of(user)) >= self._limits.open_tasks:
            raise TooLarge(f"{user} has {self._limits.open_tasks} open tasks, which is the limit (open_tasks)")
        digests = await self._files_of(user, spec) + await self._input_of(user, spec)
        if secrets:
            await self._secrets.keep(task, secrets)
        if task in self._directory.tasks:
            # It came over a connection that was lost, and is on its way to the disk.
            await self._service.settled()
            return task
        live = LiveTask(task, user, spec.get("name"), spec, self._wall())
        self._directory.tasks[live.id] = live
        rows = [NewTask(live.id, user, live.name, spec["kind"], json.dumps(spec).encode(), live.submitted_utc)]
        rows += [BlobUse(live.id, digest) for digest in digests]
        terms = terms_of(live.id, user, spec, arrival=self._next_arrival())
        try:
            await self._service.happened(events.TaskSubmitted(terms, cargo=rows), *self._main_program(live.id, spec))
        except Exception:
            self._directory.tasks.pop(live.id, None)
            self._secrets.forget(live.id)
            raise
        live.stored = True
        return live.id

    def _main_program(self, task: str, spec: Any) -> list[events.Event]:
        """A program's own run is the one item of its task's portion 0."""
        if spec["kind"] != "run":
            return []
        pack = ItemPack(0, 1, "range", args=(0, 1))
        self._shelf.put(task, 0, pack)
        rows = [NewItems(task, 0, 0, 1, pack.codec, pack.args, None, None, True)]
        return [events.ItemsAdded(task, 0, 0, 1, True, cargo=rows)]

    def add(self, task: str, portion: int, first: int, count: int, final: bool, **pack: Any) -> Deferred[None]:
        """Items of an open task; fires when they are durable."""
        if task not in self._directory.tasks:
            raise NotFound(f"task {task} has ended and takes no more items")
        if self._directory.tasks[task].spec["kind"] != "map":
            raise BadRequest(f"task {task} is a program, which has no items but its own")
        if portion != 0 or first < 0 or count < 0 or first + count > self._limits.items:
            raise BadRequest(f"items {first} to {first + count} of portion {portion} cannot be")
        items = _checked_pack(first, count, **pack)
        # Asked at once and of memory alone: packs that wait for an answer of the store would overtake each other.
        if items.blob is not None and not self._blobs.was_sent(self._directory.tasks[task].user, items.blob):
            raise BadRequest(f"the blob of items from {first} on was not sent")
        return self.add_pack(task, items, final)

    def add_pack(self, task: str, items: ItemPack, final: bool) -> Deferred[None]:
        """A pack that was checked, of an open map; fires when it is durable."""
        if items.count:
            self._shelf.put(task, 0, items)
        rows: list[Any] = [NewItems(task, 0, items.first, items.count, items.codec, items.args, items.payload, items.blob, final)]
        rows += [BlobUse(task, items.blob)] if items.blob is not None else []
        event = events.ItemsAdded(task, 0, items.first, items.count, final, cargo=rows, receipt="items", weight=len(items.payload))
        added = self._service.happened(event)
        return added.addCallback(_raise_refusal)

    async def cancel(self, task: str, by: str) -> dict[str, Any]:
        """Stop a task; answered when its processes are gone, or with the workers that were not reached in time."""
        live = self._directory.tasks.get(task)
        if live is None:
            return {"processes": 0, "unreachable": [], "state": "ended"}
        end = Gone()
        live.watches.add(end)
        end.gone.addTimeout(CANCEL_SECONDS, self._clock)
        await self._service.happened(events.CancelAsked(task, by))
        try:
            await end.gone
            await DeferredList(live.revoking)
        except DeferredTimeout:
            live.watches.discard(end)
            workers = self._service.scheduler.holders(task)
            return {"processes": live.processes, "unreachable": sorted(workers), "state": "stopping"}
        return {"processes": live.processes, "unreachable": [], "state": "cancelled"}

    def _next_arrival(self) -> int:
        self._arrivals = max(self._arrivals + 1, int(self._wall() * 1000))
        return self._arrivals

    async def _files_of(self, user: str, spec: dict[str, Any]) -> list[str]:
        """The blobs that the manifest names, its own among them. Raises where it names what the user did not send."""
        manifest = spec.get("manifest")
        if manifest is None:
            return []
        digests = {manifest}
        digests.update(entry[4] for entry in await self._manifest(user, manifest) if entry[4])
        missing = await self._blobs.missing(user, sorted(digests))
        if missing:
            raise BadRequest(f"{len(missing)} files of the manifest were not sent, {missing[0][:12]} among them")
        return sorted(digests)

    async def _input_of(self, user: str, spec: dict[str, Any]) -> list[str]:
        """The blob that is the standard input. Raises where the user did not send it."""
        digest = spec.get("stdin")
        if digest in (None, "stream"):
            return []
        if not await self._blobs.has(user, digest):
            raise BadRequest("the standard input was not sent")
        return [digest]

    async def _manifest(self, user: str, digest: str) -> list[Any]:
        if not await self._blobs.has(user, digest):
            raise BadRequest("the manifest was not sent")
        raw = await self._blobs.whole(digest, self._limits.manifest_bytes)
        try:
            entries = json.loads(raw)
            total = sum(_length_of(entry) for entry in entries)
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            raise BadRequest(f"the manifest makes no sense: {str(error)[:200]}") from error
        if len(entries) > self._limits.files:
            raise TooLarge(f"{len(entries):,} files, and a task may have {self._limits.files:,} (task_files)")
        if total > self._limits.file_bytes:
            raise TooLarge(f"the files have {total:,} bytes, and a task's may have {self._limits.file_bytes:,} (task_total)")
        return entries


class Gone:
    """Watches a task until it has ended: ``gone`` fires then."""

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    def moved(self, at_once: bool = False) -> None:
        """Something of it was committed; only the end counts here."""

    def ended(self) -> None:
        """It has ended."""
        if not self.gone.called:
            self.gone.callback(None)


def _length_of(entry: Any) -> int:
    """Bytes of a file in a manifest, whose digest is one if it has any. Raises ValueError, TypeError or IndexError."""
    length, digest = entry[3], entry[4]
    if type(length) is not int or length < 0 or not (digest is None or type(digest) is str and digest.isascii()):
        raise ValueError(f"an entry {str(entry)[:80]}")
    return length


def _checked_pack(first: int, count: int, codec: str, args: Any, payload: bytes | None, blob: str | None) -> ItemPack:
    if codec not in ("json", "range"):
        raise BadRequest(f"items of codec {codec!r} cannot be read")
    if codec == "range" and not (isinstance(args, list) and len(args) == 2 and all(type(arg) is int for arg in args)):
        raise BadRequest("a range has a start and a step")
    return ItemPack(first, count, codec, payload or b"", tuple(args or ()), blob)


def _raise_refusal(answers: dict[Any, Any]) -> None:
    answer = answers.get("items")
    if answer is not None and answer.verdict == "refused":
        raise BadRequest(answer.reason)
