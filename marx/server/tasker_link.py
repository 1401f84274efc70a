"""
A tasker's link: submitting, adding items and input, looking, watching, steering, cancelling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.server.forgetting import Forgetting
from marx.server.inputs import Inputs
from marx.server.link import Desk, ServerLink
from marx.server.status import Status
from marx.server.steering import Steering
from marx.server.submitting import Submissions
from marx.server.watching import Watch
from marx.server.watches import Watches
from marx.tls import Peer
from marx.wire import tasker as wire
from marx.wire.calls import BadRequest, NotFound, NotPermitted

log = Logger()

#: Watches that one connection may have open.
WATCHES = 100


@dataclass(frozen=True, slots=True)
class Offices:
    """Who does what people ask for."""

    submissions: Submissions
    steering: Steering
    forgetting: Forgetting
    inputs: Inputs
    status: Status
    watches: Watches


class TaskerProtocol(ServerLink):
    """One connected person's command."""

    def __init__(self, peer: Peer, desk: Desk, offices: Offices) -> None:
        super().__init__(peer, desk)
        self._submissions = offices.submissions
        self._steering = offices.steering
        self._forgetting = offices.forgetting
        self._inputs = offices.inputs
        self._status = offices.status
        self._watches = offices.watches
        self._open: dict[int, Watch] = {}

    def own_task(self, task: str, arguments: dict[str, Any], late: bool) -> Any:
        found = self._status.find(task, self.peer.name)
        if isinstance(found, str):
            return {**arguments, "task": found}
        return found.addCallback(lambda whole: {**arguments, "task": whole})

    @wire.SubmitTask.responder
    async def on_submit_task(self, spec: dict[str, Any], key: str | None, secrets: Any) -> dict[str, Any]:
        return {"task": await self._submissions.submit(self.peer.name, spec, key, secrets)}

    @wire.AddItems.responder
    def on_add_items(self, task: str, portion: int, first: int, count: int, **pack: Any) -> Deferred[None]:
        return self._submissions.add(task, portion, first, count, **pack)

    @wire.CancelTask.responder
    async def on_cancel_task(self, task: str) -> dict[str, Any]:
        return await self._submissions.cancel(task, self.peer.name)

    @wire.PutInput.responder
    async def on_put_input(self, task: str, offset: int, part: bytes, final: bool) -> None:
        await self._inputs.put(self, task, offset, part, final)

    @wire.InterruptTask.responder
    async def on_interrupt_task(self, task: str, signal: int) -> dict[str, Any]:
        return {"delivered": await self._steering.interrupt(task, signal)}

    @wire.HoldTask.responder
    async def on_hold_task(self, task: str) -> dict[str, Any]:
        return {"state": await self._steering.hold(task, self.peer.name)}

    @wire.ReleaseTask.responder
    async def on_release_task(self, task: str) -> dict[str, Any]:
        return {"state": await self._steering.release(task, self.peer.name)}

    @wire.RerunTask.responder
    async def on_rerun_task(self, task: str, key: str | None) -> dict[str, Any]:
        return {"task": await self._steering.rerun(task, self.peer.name, key)}

    @wire.ForgetEndedTask.responder
    async def on_forget_ended_task(self, task: str) -> None:
        await self._forgetting.forget(task, f"by {self.peer.name}")

    @wire.ListTasks.responder
    async def on_list_tasks(self, limit: int, before: int | None, everyone: bool | None) -> dict[str, Any]:
        if everyone and not self._status.is_operator(self.peer.name):
            raise NotPermitted("only operators see everybody's tasks")
        tasks, before = await self._status.list_tasks(None if everyone else self.peer.name, limit, before)
        return {"tasks": tasks, "before": before}

    @wire.ShowTask.responder
    async def on_show_task(self, task: str) -> dict[str, Any]:
        return {"shown": await self._status.show(task)}

    @wire.ListArtifacts.responder
    async def on_list_artifacts(self, task: str, after: Any) -> dict[str, Any]:
        if after is not None and not (type(after) is list and list(map(type, after)) == [int, str] and 0 <= after[0] < 1 << 31):
            raise BadRequest("the last page ended at no such file")
        artifacts, after = await self._status.list_artifacts(task, after)
        return {"artifacts": artifacts, "after": after}

    @wire.ListWorkers.responder
    def on_list_workers(self) -> dict[str, Any]:
        return {"workers": self._status.workers()}

    @wire.WhoAmI.responder
    def on_who_am_i(self) -> dict[str, Any]:
        operator = self._status.is_operator(self.peer.name)
        return {"me": {"name": self.peer.name, "role": self.peer.role, "operator": operator}}

    @wire.WatchTask.responder
    async def on_watch_task(self, task: str, watch: int, **wants: Any) -> dict[str, Any]:
        if watch in self._open or len(self._open) >= WATCHES:
            raise BadRequest(f"watch {watch} is open already" if watch in self._open else f"more than {WATCHES} watches")
        described = await self._status.show(task)
        opened = self._open[watch] = await self._watches.open(self, watch, task, **wants)
        # Its first box must not overtake the answer.
        self.clock.callLater(0, self._begin, watch, opened)
        return {"task": described}

    def _begin(self, number: int, watch: Watch) -> None:
        watch.start().addBoth(lambda _: self._open.pop(number, None))

    @wire.StopWatching.responder
    def on_stop_watching(self, watch: int) -> None:
        if watch not in self._open:
            raise NotFound(f"there is no watch {watch}")
        self._open.pop(watch).stop()

    def lost(self, reason: Failure) -> None:
        for watch in list(self._open.values()):
            watch.stop()
        self._open.clear()
        self._inputs.feeder_left(self)


class TaskerFactory:
    """Builds the protocol of a tasker whose certificate the gate has read."""

    def __init__(self, desk: Desk, offices: Offices) -> None:
        self._desk = desk
        self._offices = offices

    def buildProtocol(self, peer: Peer) -> TaskerProtocol:
        """The protocol for one connection."""
        return TaskerProtocol(peer, self._desk, self._offices)
