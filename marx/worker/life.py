"""
The states of a runner's process, as a machine that knows neither Twisted nor pipes.

    starting -> loading -> ready <-> busy -> stopping -> leaving -> gone

A child has two ends. It *exits*, and then its pipes close; a grandchild that kept one open would delay the second for as long as it
lives. So the exit decides: in ``leaving`` output gets a short grace, then the pipes are closed from this side.
"""

from __future__ import annotations

from typing import Callable, Protocol

from automat import TypeMachineBuilder
from twisted.python.failure import Failure

from marx.worker.assignments import Chunk
from marx.worker.launch import Launch
from marx.worker.messages import LoadFailed, Loaded
from marx.worker.orders import TaskOrder
from marx.worker.output import Tokens
from marx.worker.stopping import Rung


class Life(Protocol):
    """What can happen to a runner."""

    def start(self, launch: Launch, order: TaskOrder) -> None:
        """Its slot wants it; comes once and first."""

    def not_started(self, fault: str) -> None:
        """The operating system would not start it."""

    def loaded(self, said: Loaded) -> None:
        """It has its program."""

    def load_failed(self, said: LoadFailed) -> None:
        """It could not load its program, and is about to exit."""

    def run_chunk(self, chunk: Chunk, tokens: Tokens) -> None:
        """A chunk for it, behind those that it has."""

    def idle(self) -> None:
        """The last chunk that it had is over."""

    def quit(self) -> None:
        """It is not needed any more."""

    def kill(self, fault: str) -> None:
        """It is to end now; ``fault`` says why if it did something wrong."""

    def exited(self, reason: Failure) -> None:
        """The process was reaped."""

    def left(self) -> None:
        """Its pipes are closed, or their time is up."""


class Body(Protocol):
    """What the machine does to the process."""

    def spawn(self, launch: Launch, order: TaskOrder) -> str:
        """Start it; "" or why it could not be."""

    def tell_loaded(self, said: Loaded) -> None:
        """Tell the slot."""

    def tell_load_failed(self, said: LoadFailed) -> None:
        """Tell the slot."""

    def hand_over(self, chunk: Chunk, tokens: Tokens) -> None:
        """Write a chunk to its pipe."""

    def turn_away(self, chunk: Chunk) -> None:
        """Remember a chunk that came too late; it is among those that the slot gets back."""

    def stop(self, rung: Rung, fault: str) -> None:
        """Climb the ladder from ``rung`` on."""

    def wait_for_output(self, reason: Failure) -> None:
        """Read what is left in its pipes, for so long as the grace lasts."""

    def finish(self, fault: str) -> None:
        """Close what is open and tell the slot; nothing comes after this."""


def _make_machine() -> Callable[[Body], Life]:
    machine = TypeMachineBuilder(Life, Body)

    starting = machine.state("starting")
    loading = machine.state("loading")
    ready = machine.state("ready")
    busy = machine.state("busy")
    stopping = machine.state("stopping")
    leaving = machine.state("leaving")
    gone = machine.state("gone")
    alive = (loading, ready, busy)

    # What comes too late, or twice, and changes nothing
    busy.upon(Life.idle).to(ready).returns(None)
    stopping.upon(Life.load_failed).loop().returns(None)
    gone.upon(Life.left).loop().returns(None)
    for state in (stopping, leaving, gone):
        for late in (Life.idle, Life.loaded, Life.quit):
            state.upon(late).loop().returns(None)
    for state in (leaving, gone):
        state.upon(Life.load_failed).loop().returns(None)
        state.upon(Life.kill).loop().returns(None)

    @starting.upon(Life.start).to(loading)
    def spawn(life: Life, body: Body, launch: Launch, order: TaskOrder) -> None:
        fault = body.spawn(launch, order)
        if fault:
            life.not_started(fault)

    @loading.upon(Life.loaded).to(ready)
    def program_is_there(life: Life, body: Body, said: Loaded) -> None:
        body.tell_loaded(said)

    @loading.upon(Life.load_failed).to(stopping)
    def program_is_not_there(life: Life, body: Body, said: LoadFailed) -> None:
        body.tell_load_failed(said)
        body.stop(Rung.ASK, "")

    def hand_over(life: Life, body: Body, chunk: Chunk, tokens: Tokens) -> None:
        body.hand_over(chunk, tokens)

    def turn_away(life: Life, body: Body, chunk: Chunk, tokens: Tokens) -> None:
        body.turn_away(chunk)

    def ask_to_quit(life: Life, body: Body) -> None:
        body.stop(Rung.ASK, "")

    def end_now(life: Life, body: Body, fault: str) -> None:
        body.stop(Rung.KILL, fault)

    def wait_for_output(life: Life, body: Body, reason: Failure) -> None:
        body.wait_for_output(reason)

    ready.upon(Life.run_chunk).to(busy)(hand_over)
    busy.upon(Life.run_chunk).loop()(hand_over)
    stopping.upon(Life.run_chunk).loop()(turn_away)
    leaving.upon(Life.run_chunk).loop()(turn_away)
    stopping.upon(Life.kill).loop()(end_now)
    stopping.upon(Life.exited).to(leaving)(wait_for_output)
    for state in alive:
        state.upon(Life.quit).to(stopping)(ask_to_quit)
        state.upon(Life.kill).to(stopping)(end_now)
        state.upon(Life.exited).to(leaving)(wait_for_output)

    def load_twice(life: Life, body: Body, said: Loaded | LoadFailed) -> None:
        body.stop(Rung.KILL, "it broke the protocol: it loaded its program twice")

    for state in (ready, busy):
        state.upon(Life.loaded).to(stopping)(load_twice)
        state.upon(Life.load_failed).to(stopping)(load_twice)

    @loading.upon(Life.not_started).to(gone)
    def there_was_never_one(life: Life, body: Body, fault: str) -> None:
        body.finish(fault)

    @leaving.upon(Life.left).to(gone)
    def nothing_is_left(life: Life, body: Body) -> None:
        body.finish("")

    return machine.build()


life_of = _make_machine()
