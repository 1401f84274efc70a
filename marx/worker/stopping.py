"""The ladder by which a runner is brought to its end: ask, terminate, kill, sweep, and say so if it would not die.

`plan` is the ladder as plain values; `Stopping` climbs it on a clock until it is told that the process has gone. A
process can refuse even SIGKILL for long, asleep in a dead network disk; then the slot is broken and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from marx.worker.grip import Grip


class Rung(IntEnum):
    """What is done, from gentle to harsh."""

    ASK = 1
    TERMINATE = 2
    KILL = 3
    SWEEP = 4
    GIVE_UP = 5


@dataclass(frozen=True)
class Patience:
    """How long each rung is given, in seconds, before the next."""

    ask_seconds: float = 5.0
    terminate_seconds: float = 3.0
    kill_seconds: float = 1.0  # the death of a sandbox takes 4 ms, 30 under load
    sweep_seconds: float = 10.0  # tearing down a large process's memory takes seconds


class Step(NamedTuple):
    """One rung, and when it is due in seconds after the beginning."""

    at_seconds: float
    rung: Rung


def plan(patience: Patience, first: Rung = Rung.ASK) -> tuple[Step, ...]:
    """The rungs from `first` up to giving up; `first` is due at once."""
    waits = (patience.ask_seconds, patience.terminate_seconds, patience.kill_seconds, patience.sweep_seconds)
    steps, at_seconds = [], 0.0
    for rung in Rung:
        if rung < first:
            continue
        steps.append(Step(at_seconds, rung))
        if rung is not Rung.GIVE_UP:
            at_seconds += waits[rung - 1]
    return tuple(steps)


class Stopping:
    """Ends one runner.

    `ask` sends the runner its polite request and may do nothing; `would_not_die` is called at most once, when every
    rung has been tried in vain. `gone` still counts after that.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        grip: Grip,
        ask: Callable[[], None],
        would_not_die: Callable[[], None],
        patience: Patience = Patience(),
    ) -> None:
        self._clock = clock
        self._grip = grip
        self._patience = patience
        self._does = {
            Rung.ASK: ask,
            Rung.TERMINATE: grip.terminate,
            Rung.KILL: grip.kill,
            Rung.SWEEP: grip.sweep,
            Rung.GIVE_UP: would_not_die,
        }
        self._reached: Rung | None = None
        self._due: list[IDelayedCall] = []
        self._gone = False

    @property
    def begun(self) -> bool:
        """Whether the runner's end was asked for, so that its exit is no surprise."""
        return self._reached is not None

    def begin(self, first: Rung = Rung.ASK) -> None:
        """Climb from `first`. Called again it can only hurry: a gentler `first` than what was reached changes nothing."""
        if self._gone or (self._reached is not None and first <= self._reached):
            return
        self._cancel()
        due_now, *later = plan(self._patience, first)
        self._due = [self._clock.callLater(step.at_seconds, self._climb, step.rung) for step in later]
        self._climb(due_now.rung)

    def gone(self) -> None:
        """The process was reaped: nothing more is sent to it, since its number may soon be another's."""
        if not self._gone:
            self._gone = True
            self._cancel()
            self._grip.clear_up()

    def _climb(self, rung: Rung) -> None:
        self._reached = rung
        try:
            self._does[rung]()
        except Exception:
            # The next rung must come: a runner that cannot be asked is terminated.
            self._log.failure("could not {rung} a runner", rung=rung.name.lower())

    def _cancel(self) -> None:
        for call in self._due:
            if call.active():
                call.cancel()
        self._due = []
