"""
Who may call what: the one table, and the one place that asks it.

Every command that the server answers stands in :data:`PERMITS`; one that does not is refused. A command with an argument ``task`` says
whose task it may be: the caller's own (taskers; operators may look at and steer everybody's) or one of which the caller holds a lease
(workers; what they made they may bring although the lease was lost, since it counts all the same). A test compares the table with the commands of ``marx.wire``.
"""

from __future__ import annotations

from dataclasses import dataclass

from twisted.protocols.amp import Command

from marx.wire import blobs, enrol, hello, tasker, worker
from marx.wire.calls import NotPermitted

TASKER, WORKER = "tasker", "worker"


@dataclass(frozen=True, slots=True)
class Permit:
    """
    ``roles`` that may call; ``task``: whether its task must be the caller's; ``late``: whether a worker's lease of it may have been lost.

    ``before_greeting``: allowed on a link that did not greet.
    """

    roles: frozenset[str]
    task: bool = False
    late: bool = False
    before_greeting: bool = False


def _permit(*roles: str, task: bool = False, late: bool = False, before_greeting: bool = False) -> Permit:
    return Permit(frozenset(roles), task, late, before_greeting)


PERMITS: dict[type[Command], Permit] = {
    hello.Greet: _permit(TASKER, WORKER, before_greeting=True),
    hello.Beat: _permit(TASKER, WORKER),
    hello.SayGoodbye: _permit(TASKER, WORKER),
    enrol.Renew: _permit(TASKER, WORKER),
    blobs.AskBlobs: _permit(TASKER, WORKER, task=True, late=True),
    blobs.PutBlob: _permit(TASKER, WORKER, task=True, late=True),
    blobs.GetBlob: _permit(TASKER, WORKER, task=True),
    tasker.SubmitTask: _permit(TASKER),
    tasker.AddItems: _permit(TASKER, task=True),
    tasker.PutInput: _permit(TASKER, task=True),
    tasker.InterruptTask: _permit(TASKER, task=True),
    tasker.HoldTask: _permit(TASKER, task=True),
    tasker.ReleaseTask: _permit(TASKER, task=True),
    tasker.RerunTask: _permit(TASKER, task=True),
    tasker.ListTasks: _permit(TASKER),
    tasker.ShowTask: _permit(TASKER, task=True),
    tasker.CancelTask: _permit(TASKER, task=True),
    tasker.ForgetEndedTask: _permit(TASKER, task=True),
    tasker.WatchTask: _permit(TASKER, task=True),
    tasker.StopWatching: _permit(TASKER),
    tasker.ListArtifacts: _permit(TASKER, task=True),
    tasker.ListWorkers: _permit(TASKER),
    tasker.WhoAmI: _permit(TASKER),
    worker.OfferSlots: _permit(WORKER),
    worker.ReportItems: _permit(WORKER),
    worker.DescribeTask: _permit(WORKER, task=True),
    worker.DescribePortion: _permit(WORKER, task=True),
    worker.DescribeRecord: _permit(WORKER, task=True),
    worker.WatchReturns: _permit(WORKER, task=True),
    worker.ReadInput: _permit(WORKER, task=True),
}


def permit_for(command: type[Command], role: str, greeted: bool) -> Permit:
    """The permit under which a peer of ``role`` may call ``command``. Raises :class:`NotPermitted`."""
    permit = PERMITS.get(command)
    if permit is None or role not in permit.roles:
        raise NotPermitted(f"a {role} may not call {command.__name__}")
    if not greeted and not permit.before_greeting:
        raise NotPermitted("a link begins with a greeting")
    return permit
