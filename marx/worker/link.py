"""
The worker's end of its connection to the server: grants in, signs of life out. What they mean is the :class:`Duties`' business.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Protocol, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.amp import Command
from twisted.python.failure import Failure

import marx
from marx.wire import hello
from marx.wire import worker as wire
from marx.wire.calls import GuardedLink
from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk
from marx.worker.items import Key
from marx.worker.program_orders import Given

log = Logger()

#: Seconds of silence after which a sign of life is sent, where the server does not say.
HEARTBEAT_SECONDS = 15.0


class Duties(Protocol):
    """What a worker does when its server asks for it, and when the connection comes and goes."""

    def opened(self, link: WorkerLink) -> None:
        """A connection is there; nothing was said yet."""

    def closed(self, link: WorkerLink, why: Failure) -> None:
        """This connection is lost."""

    def carry(self, task: str, portion: int, pack: ItemPack) -> None:
        """Items for grants that follow."""

    def drop(self, keys: Iterable[Key]) -> None:
        """No later grant needs these packs."""

    def grant(self, chunks: Sequence[Chunk]) -> None:
        """Run these, each on its slot."""

    def revoke(self, fences: Sequence[int], gently: bool) -> Deferred[int]:
        """Stop these; fires with how many processes were ended."""

    def shorten(self, wanted: Sequence[Sequence[int]]) -> None:
        """Give back what has not begun of chunks at work; what is given back is reported."""

    def test(self) -> Deferred[str]:
        """See whether this machine works; fires with what does not, "" if all does."""

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""

    def carry_change(self, fence: int, row: int, change: Mapping[str, Any]) -> Deferred[None]:
        """For a main program: a file that an item made; fires when the program was sent it."""

    def carry_returns(self, fence: int, row: int, given: Given, pack_first: int, payload: bytes, blob: str | None) -> Deferred[None]:
        """For a main program: results; fires when the program was sent them."""

    def refuse_portion(self, fence: int, portion: int, reason: str) -> None:
        """A main program must serve a portion's missing items itself."""

    def signal(self, fence: int, number: int) -> bool:
        """Send a main program a signal; whether it runs."""


class WorkerLink(GuardedLink):
    """One connection, from when it opens to when it is lost."""

    def __init__(self, clock: IReactorTime, duties: Duties) -> None:
        super().__init__(clock)
        self._duties = duties
        self._spoke_at = clock.seconds()
        self._beat: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._duties.opened(self)

    def lost(self, reason: Failure) -> None:
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        self._duties.closed(self, reason)

    async def greet(self, boot: str) -> dict[str, Any]:
        """Say hello, and from then on that this worker is alive; what the server answered. Raises WireError."""
        answer = await self.ask(
            hello.Greet, oldest=hello.OLDEST_VERSION, newest=hello.NEWEST_VERSION, software=f"Marx {marx.__version__}", boot=boot
        )
        self._beat_when_idle(float(answer["settings"].get("heartbeat", HEARTBEAT_SECONDS)))
        return answer

    def ask(self, command: type[Command], *arguments: Any, **named: Any) -> Deferred[dict[str, Any]]:
        self._spoke_at = self.clock.seconds()
        return super().ask(command, *arguments, **named)

    def _beat_when_idle(self, seconds: float) -> None:
        idle = self.clock.seconds() - self._spoke_at
        if idle >= seconds:
            self.tell(hello.Beat)
            idle = 0.0
        self._beat = self.clock.callLater(seconds - idle, self._beat_when_idle, seconds)

    # What the server calls

    @hello.Beat.responder
    def on_beat(self) -> None:
        """The answer is the sign."""

    @hello.SayGoodbye.responder
    def on_say_goodbye(self, reason: str) -> None:
        log.info("the server leaves: {reason}", reason=reason)

    @wire.CarryItems.responder
    def on_carry_items(
        self, task: str, portion: int, first: int, count: int, codec: str, args: Sequence[int], payload: bytes | None, blob: str | None
    ) -> None:
        self._duties.carry(task, portion, ItemPack(first, count, codec, payload or b"", tuple(args or ()), blob))

    @wire.DropItems.responder
    def on_drop_items(self, packs: Sequence[Sequence[Any]]) -> None:
        self._duties.drop([(task, portion, first) for task, portion, first in packs])

    @wire.GrantChunks.responder
    def on_grant_chunks(self, grants: Sequence[Sequence[Any]], copies: Sequence[int] | None) -> None:
        self._duties.grant([Chunk(*grant, is_copy=grant[0] in (copies or ())) for grant in grants])

    @wire.RevokeChunks.responder
    def on_revoke_chunks(self, fences: Sequence[int], reason: str, gently: bool | None) -> Deferred[dict[str, Any]]:
        log.debug("{count} chunks are taken back: {reason}", count=len(fences), reason=reason)
        return self._duties.revoke(fences, bool(gently)).addCallback(lambda processes: {"processes": processes})

    @wire.ShortenChunks.responder
    def on_shorten_chunks(self, wanted: Sequence[Sequence[int]]) -> None:
        self._duties.shorten(wanted)

    @wire.TestYourself.responder
    def on_test_yourself(self) -> Deferred[dict[str, Any]]:
        return self._duties.test().addCallback(lambda trouble: {"trouble": trouble})

    @wire.ForgetTask.responder
    def on_forget_task(self, task: str) -> None:
        self._duties.forget(task)

    @wire.CarryChange.responder
    def on_carry_change(self, fence: int, row: int, change: Mapping[str, Any]) -> Deferred[None]:
        return self._duties.carry_change(fence, row, change)

    @wire.CarryReturns.responder
    def on_carry_returns(
        self,
        fence: int,
        row: int,
        portion: int,
        first: int,
        count: int,
        pack_first: int,
        codec: str,
        failed: Sequence[int],
        payload: bytes | None,
        blob: str | None,
    ) -> Deferred[None]:
        given = Given(portion, first, count, codec, failed)
        return self._duties.carry_returns(fence, row, given, pack_first, payload or b"", blob)

    @wire.RefusePortion.responder
    def on_refuse_portion(self, fence: int, portion: int, reason: str) -> None:
        self._duties.refuse_portion(fence, portion, reason)

    @wire.SignalProgram.responder
    def on_signal_program(self, fence: int, signal: int) -> dict[str, Any]:
        return {"delivered": self._duties.signal(fence, signal)}


class WorkerLinkFactory(Factory):
    """Makes the link of each connection."""

    noisy = False

    def __init__(self, clock: IReactorTime, duties: Duties) -> None:
        self._clock = clock
        self._duties = duties

    def buildProtocol(self, address: Any) -> WorkerLink:
        """One for one connection."""
        return WorkerLink(self._clock, self._duties)
