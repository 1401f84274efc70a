"""
The tasker's end of a connection, and one connection that is made anew whenever it was lost.

What the server pushes goes to the watcher of its number. Errors of the wire become :class:`Trouble` with the exit code that INTERFACE
gives them.
"""

from __future__ import annotations

from random import random
from typing import Any, Awaitable, Callable, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.protocols.amp import Command
from twisted.python.failure import Failure

import marx
from marx.tasker.exits import FAULT, NO_FILE, NOT_PERMITTED, UNREACHABLE, USAGE, Trouble
from marx.tasker.surroundings import Connect
from marx.trouble import NotReachable, PeerRefused
from marx.wire import hello, tasker
from marx.wire.calls import BadRequest, GuardedLink, InternalError, NotFound, NotPermitted, TooLarge, Unavailable, WireError, WrongVersion

T = TypeVar("T")

#: The exit code of each error, the more special first.
CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotPermitted, NOT_PERMITTED),
    (PeerRefused, NOT_PERMITTED),
    (NotFound, NO_FILE),
    (BadRequest, USAGE),
    (TooLarge, USAGE),
    (WrongVersion, UNREACHABLE),
    (Unavailable, UNREACHABLE),
    (NotReachable, UNREACHABLE),
    (InternalError, FAULT),
)
#: Seconds before the second try to reconnect, growing to the second number; each is shortened at random by up to a half.
BACK_OFF = (0.5, 30.0)
#: Seconds without a server before the person is told.
NOTICE_SECONDS = 3.0
#: Seconds that closing may take before the connection is dropped.
CLOSE_SECONDS = 1.0


def trouble_of(error: Exception) -> Trouble | None:
    """The Trouble that an error of the wire or of connecting means; None for what is neither."""
    for kind, code in CODES:
        if isinstance(error, kind):
            return Trouble(str(error), code)
    return Trouble(str(error), FAULT) if isinstance(error, WireError) else None


class Watcher(Protocol):
    """Takes what the server pushes for one watch; a box is answered when the coroutine is over."""

    async def on_results(self, **pack: Any) -> None:
        """The arguments of :class:`marx.wire.tasker.CarryResults` but ``watch``."""

    async def on_output(self, **pack: Any) -> None:
        """The arguments of :class:`marx.wire.tasker.CarryOutput` but ``watch``."""

    def on_change(self, task: dict[str, Any], complete: bool) -> None:
        """The task's counts or state."""


class TaskerLink(GuardedLink):
    """One connection, from greeting to loss."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.watchers: dict[int, Watcher] = {}
        self._waiting: list[Deferred[None]] = []
        self._beating: Any = None

    async def greet(self) -> None:
        """Say who we are; everything else comes after it."""
        answer = await self.ask(hello.Greet, oldest=hello.OLDEST_VERSION, newest=hello.NEWEST_VERSION, software=f"Marx {marx.__version__}")
        self._beat(float(answer["settings"]["heartbeat"]))

    def wait_lost(self) -> Deferred[None]:
        """Fires when the connection is gone; at once where it is."""
        lost: Deferred[None] = Deferred()
        if self.up:
            self._waiting.append(lost)
        else:
            lost.callback(None)
        return lost

    def lost(self, reason: Failure) -> None:
        if self._beating is not None and self._beating.active():
            self._beating.cancel()
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def _beat(self, seconds: float) -> None:
        """The server drops who is silent; and a server that is silent is noticed here."""
        if self.up:
            self.tell(hello.Beat, within_seconds=seconds)
            self._beating = self.clock.callLater(seconds, self._beat, seconds)

    @hello.Beat.responder
    def on_beat(self) -> None:
        """The server asks whether we are there."""

    @hello.SayGoodbye.responder
    def on_say_goodbye(self, reason: str) -> None:
        """The server stops; the lost connection says the rest."""

    @tasker.CarryResults.responder
    async def on_carry_results(self, watch: int, **pack: Any) -> None:
        if watch in self.watchers:
            await self.watchers[watch].on_results(**pack)

    @tasker.CarryOutput.responder
    async def on_carry_output(self, watch: int, **pack: Any) -> None:
        if watch in self.watchers:
            await self.watchers[watch].on_output(**pack)

    @tasker.TaskChanged.responder
    def on_task_changed(self, watch: int, task: dict[str, Any], complete: bool) -> None:
        if watch in self.watchers:
            self.watchers[watch].on_change(task, complete)


class _LinkFactory(Factory):
    noisy = False

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def buildProtocol(self, address: IAddress | None) -> TaskerLink:
        return TaskerLink(self._clock)


class Connection:
    """
    The way to one server for the life of a command.

    The first connection must succeed, or the command ends; one that is lost later is made anew for as long as it takes.
    ``notice``: told one sentence when the server has been away for a few seconds, and one when it is back.
    """

    def __init__(
        self, connect: Connect, clock: IReactorTime, notice: Callable[[str], None] = lambda text: None, jitter: Callable[[], float] = random
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._notice = notice
        self._jitter = jitter
        self._link: TaskerLink | None = None
        self._waiting: list[Deferred[TaskerLink]] = []
        self._reconnecting: Deferred[None] | None = None
        self._watches = 0

    @property
    def is_up(self) -> bool:
        """Whether the server can be asked now."""
        return self._link is not None and self._link.up

    async def open(self) -> None:
        """The first connection. Raises :class:`Trouble`."""
        try:
            self._link = await self._dial()
        except Exception as error:
            raise trouble_of(error) or error from error

    async def link(self) -> TaskerLink:
        """The connection, as soon as there is one. Raises :class:`Trouble` where the server is there and refuses us."""
        if self._link is not None and self._link.up:
            return self._link
        waiting: Deferred[TaskerLink] = Deferred()
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            self._reconnecting = Deferred.fromCoroutine(self._reconnect())
            self._reconnecting.addErrback(self._failed)
        return await waiting

    async def ask(self, command: type[Command], **arguments: Any) -> dict[str, Any]:
        """Ask once. Raises :class:`Trouble`."""
        try:
            return await (await self.link()).ask(command, **arguments)
        except WireError as error:
            raise trouble_of(error) or error from error

    async def ask_until_answered(self, command: type[Command], **arguments: Any) -> dict[str, Any]:
        """Ask again on a new connection where one was lost before the answer; for what may be asked twice. Raises :class:`Trouble`."""
        return await self.over_one_link(lambda link: link.ask(command, **arguments))

    async def over_one_link(self, work: Callable[[TaskerLink], Awaitable[T]]) -> T:
        """What ``work`` comes to, which begins again on a new connection where one was lost in the middle of it. Raises :class:`Trouble`."""
        while True:
            link = await self.link()
            try:
                return await work(link)
            except WireError as error:
                if link.up:
                    raise trouble_of(error) or error from error

    def pause(self) -> Deferred[None]:
        """Fires after a moment, for who was told to come again."""
        return deferLater(self._clock, BACK_OFF[0], lambda: None)

    def next_watch(self) -> int:
        """A number for a watch, of its own."""
        self._watches += 1
        return self._watches

    async def close(self) -> None:
        """Hang up, giving what was sent a moment to arrive; nobody waits for a new connection any more."""
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        link, self._link = self._link, None
        if link is not None and link.up:
            link.transport.loseConnection()
            give_up = self._clock.callLater(CLOSE_SECONDS, link.hang_up)
            await link.wait_lost()
            if give_up.active():
                give_up.cancel()

    async def _dial(self) -> TaskerLink:
        link = await self._connect(_LinkFactory(self._clock))
        assert isinstance(link, TaskerLink)
        try:
            await link.greet()
        except BaseException:
            link.hang_up()
            raise
        return link

    async def _reconnect(self) -> None:
        """Give everyone who waits the new link."""
        lost_at, told = self._clock.seconds(), False
        pause = BACK_OFF[0]
        while True:
            try:
                self._link = await self._dial()
                break
            except (NotReachable, Unavailable) as error:
                if not told and self._clock.seconds() - lost_at >= NOTICE_SECONDS:
                    told = True
                    self._notice(f"the server is away ({error}); trying again")
            await deferLater(self._clock, pause * (1 - self._jitter() / 2), lambda: None)
            pause = min(2 * pause, BACK_OFF[1])
        if told:
            self._notice("the server is back")
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self._link)

    def _failed(self, failure: Failure) -> None:
        waiting, self._waiting = self._waiting, []
        trouble = trouble_of(failure.value) or failure.value
        for each in waiting:
            each.errback(trouble)
