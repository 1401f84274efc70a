"""
One runner against the bounds that have to be watched from outside: silence, memory of all its processes together, and a time that the
runner itself should have kept. Pure: it is given what was measured, and says for what a chunk has to end.
"""

from __future__ import annotations

from marx.worker.bounds import Bounds
from marx.worker.usage import Usage

#: Less than this share of one processor is no use of it: what waits for something often looks now and then whether it has come.
IDLE_SHARE = 0.01
#: Seconds beyond an item's time in which the runner should have ended it by itself.
ITEM_SLACK_SECONDS = 60.0
#: Seconds between two exact looks at the memory of who has less than it seemed, unless it seems to have taken more meanwhile.
WEIGH_SECONDS = 5.0
#: Seconds that a runner has for ending a chunk; it asks its process first.
STUCK_SECONDS = 10.0


class Guard:
    """``judge`` is asked now and then, with the chunk at work."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._fence: int | None = None
        self._printed_bytes = 0
        self._told_at: float | None = None
        self._mark = (0.0, 0.0)
        self._reported_at = 0.0
        self._has_moved = self._has_reported = False
        self._memory = 0
        self._weighed: tuple[float, int] | None = None
        self._scratch = 0
        self._surveyed_at: float | None = None

    def printed(self, so_far: int) -> None:
        """So many bytes came out of it."""
        self._has_moved = self._has_moved or so_far != self._printed_bytes
        self._printed_bytes = so_far

    def reported(self) -> None:
        """An item has a result."""
        self._has_moved = self._has_reported = True

    def must_weigh(self, usage: Usage, now: float) -> bool:
        """
        Whether the exact memory has to be looked at: it seems to be too much, by a sum in which what forked processes share counts for each.
        The answer is told by :meth:`weighed`, after which this may be asked again.
        """
        most = self._bounds.memory_bytes
        if most is None or usage.memory_bytes <= most:
            self._memory, self._weighed = 0, None
            return False
        if self._weighed is not None:
            at, seemed = self._weighed
            if now - at < WEIGH_SECONDS and self._memory + usage.memory_bytes - seemed <= most:
                return False
        self._weighed = (now, usage.memory_bytes)
        return True

    def weighed(self, memory_bytes: int) -> None:
        """So much memory it is."""
        self._memory = memory_bytes

    @property
    def memory_bytes(self) -> int:
        """What was weighed last, since it seemed to be too much."""
        return self._memory

    def must_survey(self, now: float) -> bool:
        """Whether the files have to be looked at; the answer is told by :meth:`surveyed`, after which this may be asked again."""
        if self._bounds.scratch_bytes is None or (self._surveyed_at is not None and now - self._surveyed_at < WEIGH_SECONDS):
            return False
        self._surveyed_at = now
        return True

    def surveyed(self, scratch_bytes: int) -> None:
        """So much of the disk they take."""
        self._scratch = scratch_bytes

    @property
    def scratch_bytes(self) -> int:
        """What was found at the last look."""
        return self._scratch

    def judge(self, fence: int, usage: Usage, now: float) -> str:
        """
        For what the chunk has to end: "memory", "scratch", "silence", "item-timeout", or "stuck" where it was told so and did not; "" where it may go on.
        """
        if fence != self._fence:
            self._begin(fence, usage, now)
        if self._told_at is not None:
            return "stuck" if now - self._told_at > STUCK_SECONDS else ""
        cause = self._cause(usage, now)
        if cause:
            self._told_at = now
        return cause

    def judge_loading(self) -> str:
        """The same where no chunk is at work yet: "memory" or ""."""
        most = self._bounds.memory_bytes
        return "memory" if most is not None and self._memory > most else ""

    def excuse(self) -> None:
        """Whatever was told does not hold; its time counts from now on."""
        self._fence = None

    def _begin(self, fence: int, usage: Usage, now: float) -> None:
        self._fence, self._told_at = fence, None
        self._scratch = 0
        self._memory, self._weighed = 0, None
        self._mark, self._reported_at = (now, usage.cpu_seconds), now

    def _cause(self, usage: Usage, now: float) -> str:
        bounds = self._bounds
        if bounds.memory_bytes is not None and self._memory > bounds.memory_bytes:
            return "memory"
        if bounds.scratch_bytes is not None and self._scratch > bounds.scratch_bytes:
            return "scratch"
        if self._has_reported:
            self._reported_at = now
        since, cpu_seconds = self._mark
        # Fewer processes than before have used less together; that is a move, too.
        used = abs(usage.cpu_seconds - cpu_seconds)
        if self._has_moved or used > IDLE_SHARE * max(1.0, now - since):
            self._mark = (now, usage.cpu_seconds)
        self._has_moved = self._has_reported = False
        if bounds.silence_seconds is not None and now - self._mark[0] >= bounds.silence_seconds:
            return "silence"
        if bounds.item_seconds is not None and now - self._reported_at > bounds.item_seconds + ITEM_SLACK_SECONDS:
            return "item-timeout"
        return ""
