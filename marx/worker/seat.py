"""
The seat's side of one keeper: the runner that keeps a user's main program for one attempt, and goes with it.
"""

from __future__ import annotations

import signal

from marx.worker import messages
from marx.worker.assignments import Chunk
from marx.worker.deaths import memory
from marx.worker.program_messages import Asked
from marx.worker.programs import MainProgram
from marx.worker.runners import SlotRunner


class SeatRunner(SlotRunner):
    """Is given one chunk in its life, the main program itself, with the record of earlier attempts before it."""

    _program: MainProgram | None = None
    _is_spent = False

    @property
    def has_room(self) -> bool:
        return self.state == "ready" and not self._is_spent

    @property
    def is_spent(self) -> bool:
        return self._is_spent and not self.given

    def begun(self, chunk: Chunk) -> None:
        super().begun(chunk)
        assert self._process is not None and self._known is not None
        self._program = self._tools.programs.begin(chunk, self._known, self._process, self.kill)

    def _end_for(self, chunk: Chunk | None, cause: str) -> None:
        """A keeper knows whether its program is silent or waits for its portions; what took too much memory ends as in a plain run."""
        if chunk is None:
            return  # a keeper loads nothing of its program's
        if cause == "silence":
            super()._end_for(chunk, cause)
            self._scales.guard.excuse()
        elif cause in ("memory", "scratch") and self._program is not None:
            self._scales.was_overfull()
            self._note_end(chunk, cause)
            self._program.signal(signal.SIGKILL)
        elif cause == "stuck":
            super()._end_for(chunk, cause)

    def _blamed(self, chunk: Chunk, ended: messages.Ended) -> messages.Ended:
        if ended.signal == signal.SIGKILL:
            self._note_end(chunk, "memory")
        return ended

    def _note_end(self, chunk: Chunk, cause: str) -> None:
        most = self._scales.bounds.memory_bytes if cause == "memory" else self._scales.bounds.scratch_bytes
        used, allowed, what = memory(self._scales.used_bytes >> 10), memory((most or 0) >> 10), "memory" if cause == "memory" else "disk"
        self._tools.reporter.note(chunk, f"the program was killed for using {used} of the {allowed} of {what} that it may have")

    def asked(self, chunk: Chunk, asked: Asked) -> None:
        program = self._program
        if program is not None:
            self._spool(lambda: program.hear(asked))

    def artifact_part(self, chunk: Chunk, part: messages.ArtifactPart) -> None:
        self._spool(lambda: self._keep_file(chunk, part))

    def finish(self, chunk: Chunk, outcome: str, item: int | None, reason: str, said: messages.Ended | None = None, cause: str = "") -> None:
        self._tools.programs.end(chunk)
        # A keeper says how its program ended; of one that is gone only its group says something, else the program is not to blame.
        super().finish(chunk, outcome, item if said is not None or cause else None, reason, said, cause)

    def _keep_file(self, chunk: Chunk, part: messages.ArtifactPart) -> None:
        report = self._tools.reporter.artifact_part(chunk, part)
        if report is not None and self._program is not None:
            self._program.changed(report)

    def _feed(self, chunk: Chunk) -> None:
        """It needs no items, only to know what was asked for before."""
        assert self._process is not None
        self._is_spent = True
        self._process.remember(self._tools.portions.record(chunk))
