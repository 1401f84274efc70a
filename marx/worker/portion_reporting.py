"""
Turns what the keeper of a main program says of portions into reports: states and long items by way of the spool, the list of files beside.

What it is told leaves in that order, behind everything that the program printed and changed before.
"""

from __future__ import annotations

from marx.wire.packs import BLOB_FROM
from marx.wire.reports import ArtifactReport, DropReport, ItemsReport, PortionReport
from marx.worker.assignments import Chunk
from marx.worker.filestate import FileState
from marx.worker.program_messages import Asked, Dropped, ItemsPart, Opened, StatePart
from marx.worker.recipes import TaskFile
from marx.worker.reporting import Reporter, Sender
from marx.worker.spool import Spool, SpoolFolder

#: Bytes of states that no portion has named yet: a program that only sends states must not fill this machine's disk.
UNNAMED_BYTES = 8 << 30


class PortionReporter:
    """For one attempt of a main program, which is ``chunk``. ``files``: as they were submitted, and are known to the server."""

    def __init__(self, chunk: Chunk, reporter: Reporter, sender: Sender, spools: SpoolFolder, files: FileState) -> None:
        self._chunk = chunk
        self._reporter = reporter
        self._sender = sender
        self._spools = spools
        self._files = files
        self._manifest: str | None = None
        self._states: dict[int, str] = {}
        self._unnamed: dict[str, int] = {}
        self._refused: set[int] = set()
        self._spool: Spool | None = None
        self._items = bytearray()

    def hear(self, said: Asked) -> None:
        """One message, found to make sense. Raises OSError where the disk is full."""
        if isinstance(said, StatePart):
            self._state_part(said)
            return
        self._reporter.flush(self._chunk)
        if isinstance(said, Opened):
            self._open(said)
        elif isinstance(said, ItemsPart):
            self._items_part(said)
        else:
            self._drop(said)

    def changed(self, report: ArtifactReport) -> None:
        """The program changed a file, and that was reported."""
        if report.deleted:
            self._files.remove(report.root, report.path)
        else:
            self._files.put(TaskFile(report.root, report.path, report.mode & 0o7777, report.length, report.blob, report.link))

    def refuse(self, portion: int) -> None:
        """The server cannot have what this portion needs: nothing more of it is reported."""
        self._refused.add(portion)

    def stop(self) -> None:
        """The attempt is over: keep nothing for further portions."""
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None
        for digest in self._unnamed:
            self._spools.unwant(digest)
        self._unnamed.clear()

    def _state_part(self, said: StatePart) -> None:
        if sum(self._unnamed.values()) + said.total > UNNAMED_BYTES:
            raise OSError(f"states of more than {UNNAMED_BYTES:,} bytes that no portion was opened with")
        spool = self._write(said.part)
        if said.offset + len(said.part) == said.total:
            self._states[said.state] = self._finish(spool)

    def _open(self, said: Opened) -> None:
        state = self._states[said.state] if said.state is not None else None
        report = PortionReport(
            fence=self._chunk.fence,
            task=self._chunk.task,
            portion=said.portion,
            call=said.call,
            place=said.place,
            reason=said.reason,
            python=said.python,
            state=state,
            files=self._list_of_files(),
        )
        named = [digest for digest in {report.state, report.files} if digest in self._unnamed]
        self._sender.put(report, spooled=sum([self._unnamed.pop(digest) for digest in named]))
        # From here on the report keeps the files; once it is answered the server has them for good.
        for digest in named:
            self._spools.unwant(digest)

    def _items_part(self, said: ItemsPart) -> None:
        blob = None
        if said.total >= BLOB_FROM:
            spool = self._write(said.part)
            if said.last:
                self._spool, blob = None, spool.finish()
        else:
            self._items += said.part
        if not said.last:
            return
        payload, self._items = bytes(self._items), bytearray()
        spooled = said.total if blob else 0
        fence, task = self._chunk.fence, self._chunk.task
        first, count = said.first, said.count
        report = ItemsReport(fence, task, said.portion, first, count, "pickles", said.digest, said.final, len(payload), blob)
        if said.portion not in self._refused:
            self._sender.put(report, payload, spooled)

    def _drop(self, said: Dropped) -> None:
        if said.portion not in self._refused:
            self._sender.put(DropReport(self._chunk.fence, self._chunk.task, said.portion))

    def _list_of_files(self) -> str | None:
        """The digest of the list as it is now; None as long as nothing has changed since the task was submitted."""
        if self._files.is_changed:
            self._files.is_changed = False
            self._manifest = self._finish(self._write(self._files.manifest()))
        return self._manifest

    def _write(self, part: bytes) -> Spool:
        spool = self._spool
        if spool is None:
            spool = self._spool = self._spools.begin()
        spool.write(part)
        return spool

    def _finish(self, spool: Spool) -> str:
        """Keep what was written until a portion names it."""
        self._spool = None
        digest = spool.finish()
        if digest not in self._unnamed:
            self._spools.want(digest)
            self._unnamed[digest] = spool.size
        return digest
