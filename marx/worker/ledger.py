"""
Which leases this worker holds, for when it must say so after a reconnection: pure.

A lease is held from its grant until the answer to its end report. What of it is still open shrinks as results are answered, so that the
server, whose memory may be new, learns exactly what it would otherwise give to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from marx.wire.reports import EndReport, Report, RestReport, ResultsReport
from marx.worker.assignments import Chunk


@dataclass(slots=True)
class _Holding:
    chunk: Chunk
    open_from: int


class Ledger:
    """In the order of the grants, which is the order in which each slot runs them."""

    def __init__(self) -> None:
        self._held: dict[int, _Holding] = {}

    def granted(self, chunk: Chunk) -> None:
        """The server lent this chunk."""
        self._held[chunk.fence] = _Holding(chunk, chunk.first)

    def answered(self, report: Report) -> None:
        """The server has committed, or refused for good, this report."""
        if isinstance(report, EndReport):
            self._held.pop(report.fence, None)
        elif isinstance(report, RestReport):
            holding = self._held.get(report.fence)
            if holding is not None:
                holding.chunk = replace(holding.chunk, count=report.stop - holding.chunk.first)
        elif isinstance(report, ResultsReport):
            holding = self._held.get(report.fence)
            if holding is not None and report.first <= holding.open_from:
                holding.open_from = max(holding.open_from, report.first + report.count)

    def forget(self, task: str) -> None:
        """The server has forgotten this task, and awaits no end of its chunks."""
        for fence in [fence for fence, holding in self._held.items() if holding.chunk.task == task]:
            del self._held[fence]

    def held(self) -> list[list[int | str]]:
        """As ``OfferSlots`` says it: [fence, task, portion, first, count, slot] of each."""
        return [
            [chunk.fence, chunk.task, chunk.portion, holding.open_from, chunk.stop - holding.open_from, chunk.slot]
            for chunk, holding in ((holding.chunk, holding) for holding in self._held.values())
        ]

    def __len__(self) -> int:
        return len(self._held)
