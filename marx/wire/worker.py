"""
What server and worker say to each other.

After its greeting a worker offers its slots with the leases it still holds. The server grants chunks, having carried the item packs
that they need before them on the same link, so a grant never names items that the worker has not been sent. The worker reports results,
output, artifacts and ends in the order in which they happened, and forgets a report only after its answer, which comes after the commit.
"""

from __future__ import annotations

from marx.wire.arguments import Boolean, Bulk, Integer, Json, Unicode
from marx.wire.calls import MarxCommand


class OfferSlots(MarxCommand):
    """
    Worker to server, after the greeting and whenever anything of it changes.

    ``offer``: {"slots": n, "seats": n, "interpreters": [{"version", "path"}], "labels": {k: v}, "sandbox": level, "users": [..]|null,
    "paused": bool, "draining": bool, "machine": {...}}. ``held``: [[fence, task, portion, first, count], ...], what it works on or has
    not reported, in the order in which it will run; those that it should drop are revoked.
    """

    arguments = [(b"offer", Json()), (b"held", Json())]
    response = []


class CarryItems(MarxCommand):
    """
    Server to worker: an item pack that a following grant needs.

    The worker keeps it until :class:`DropItems` or :class:`ForgetTask` names it; the server bounds how much it leaves with a worker. After
    the link was lost the server carries anew what later grants need.
    """

    arguments = [
        (b"task", Unicode()),
        (b"portion", Integer()),
        (b"first", Integer()),
        (b"count", Integer()),
        (b"codec", Unicode()),
        (b"args", Json()),
        (b"payload", Bulk(optional=True)),
        (b"blob", Unicode(optional=True)),
    ]
    response = []
    requiresAnswer = False


class DropItems(MarxCommand):
    """Server to worker: no later grant needs these packs; each may go once no lease that is held touches it. ``packs`` = [[task, portion, first], ...]."""

    arguments = [(b"packs", Json())]
    response = []
    requiresAnswer = False


class GrantChunks(MarxCommand):
    """Server to worker: ``grants`` = [[fence, task, portion, first, count, slot, attempt], ...], to be run in this order on each slot."""

    arguments = [(b"grants", Json())]
    response = []
    requiresAnswer = False


class RevokeChunks(MarxCommand):
    """
    Server to worker: stop these, whether they wait or run: ``fences``; ``gently``: only those that have not begun.

    Each fence that the worker holds, and stops, is ended by an end report (outcome ``cancelled``), sent when its processes are gone. The
    answer comes then, too, and says how many processes were ended.
    """

    arguments = [(b"fences", Json()), (b"reason", Unicode()), (b"gently", Boolean(optional=True))]
    response = [(b"processes", Integer())]


class DescribeTask(MarxCommand):
    """Worker to server: how to run a task of which it holds a lease. The answer is the task's specification as it was submitted."""

    arguments = [(b"task", Unicode())]
    response = [(b"spec", Json())]


class ForgetTask(MarxCommand):
    """Server to worker: nothing more of this task will come; its runners, files and packs may go."""

    arguments = [(b"task", Unicode())]
    response = []
    requiresAnswer = False


class ReportItems(MarxCommand):
    """
    Worker to server: ``reports`` (see :mod:`marx.wire.reports`), whose payloads stand one behind the other in ``payload``.

    Answered after what was accepted is committed. ``verdicts`` has one word for each report: "" accepted, "known" (done before, by this
    worker or another), "not yours" (the fence is old, or was never given to this worker).
    """

    arguments = [(b"reports", Json()), (b"payload", Bulk())]
    response = [(b"verdicts", Json())]
