"""Where a contract about processes is played: on a `Clock` with fake children, or on the real reactor with real ones."""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred

from marx.worker.grip import Grip, TreeGrip
from tests.fakes.processes import FakeProcesses

#: Seconds that a real child may take for what a test waits for.
DEADLINE = 60.0


class FakeStage:
    """Time passes when somebody waits."""

    def __init__(self) -> None:
        self.reactor = FakeProcesses()

    def grip(self, pid: int) -> Grip:
        return self.reactor.grip(pid)

    async def until(self, happened: Callable[[], Any]) -> None:
        for _ in range(int(DEADLINE / 0.05)):
            self.reactor.turn(5)
            if happened():
                return
            self.reactor.advance(0.05)
        raise AssertionError("it did not happen in time")

    async def settle(self) -> None:
        """Let everything happen that is about to."""
        self.reactor.turn(50)


class RealStage:
    """The global reactor; looks again and again until a deadline."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor

    def grip(self, pid: int) -> Grip:
        return TreeGrip(pid)

    async def until(self, happened: Callable[[], Any]) -> None:
        deadline = self.reactor.seconds() + DEADLINE
        while not happened():
            if self.reactor.seconds() > deadline:
                raise AssertionError("it did not happen in time")
            await self._turn(0.002)

    async def settle(self) -> None:
        for _ in range(50):
            await self._turn(0.002)

    def _turn(self, seconds: float) -> Deferred[None]:
        turned: Deferred[None] = Deferred()
        self.reactor.callLater(seconds, turned.callback, None)
        return turned


STAGES = {"fake": FakeStage, "real": RealStage}
