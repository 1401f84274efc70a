"""
What server and worker say to each other.

After its greeting a worker offers its slots with the leases it still holds. The server grants chunks, having carried the item packs
that they need before them on the same link, so a grant never names items that the worker has not been sent. The worker reports results,
output, artifacts and ends in the order in which they happened, and forgets a report only after its answer, which comes after the commit.

Who runs a task's main program, on a seat, also reports the portions that it opens and their items; what comes of these is brought to it:
files first, then the results of the items that made them.
"""

from __future__ import annotations

from marx.wire.arguments import Boolean, Bulk, Integer, Json, Unicode, Words
from marx.wire.calls import MarxCommand

#: Seconds after which :class:`ReadInput` is answered though nothing came: well below a call's time limit.
INPUT_SECONDS = 20.0


class OfferSlots(MarxCommand):
    """
    Worker to server, after the greeting and whenever anything of it changes.

    ``offer``: {"slots": n, "seats": n, "interpreters": [{"version", "path", "names"}], "labels": {k: v}, "sandbox": level, "network": whether, "users": [..]|null,
    "paused": bool, "draining": bool, "machine": {...}}. ``held``: [[fence, task, portion, first, count], ...], what it works on or has
    not reported, in the order in which it will run; those that it should drop are revoked. ``tasks``: ids of all that it has anything of
    (processes, files), of which those that have ended are forgotten.
    """

    arguments = [(b"offer", Json()), (b"held", Json()), (b"tasks", Words(optional=True))]
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
    """
    Server to worker: ``grants`` = [[fence, task, portion, first, count, slot, attempt], ...], to be run in this order on each slot.

    ``copies``: those fences whose items are at work elsewhere, too. What these print is kept back until they have a result.
    """

    arguments = [(b"grants", Json()), (b"copies", Json(optional=True))]
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


class ShortenChunks(MarxCommand):
    """
    Server to worker: give back what has not begun of chunks at work, since slots elsewhere are idle. ``wanted`` = [[fence, stop], ...]: the
    items from ``stop`` on, or from where the chunk is by then. A ``rest`` report says what is given back; nothing comes where nothing is.
    """

    arguments = [(b"wanted", Json())]
    response = []


class TestYourself(MarxCommand):
    """
    Server to worker: see whether this machine works, since nothing else does that is run there: the sandbox, and a small chunk in each
    interpreter. Answered when that is known. ``trouble``: what does not work, "" if all does.
    """

    arguments = []
    response = [(b"trouble", Unicode())]


class DescribeTask(MarxCommand):
    """
    Worker to server: how to run a task of which it holds a lease. The answer is the task's specification as it was submitted.

    ``slots``: how many slots of the lab suit it now, at least 1. ``secrets``: environment variables that nobody else is told of.
    """

    arguments = [(b"task", Unicode())]
    response = [(b"spec", Json()), (b"slots", Integer(optional=True)), (b"secrets", Json(optional=True))]


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


class DescribePortion(MarxCommand):
    """
    Worker to server: what chunks of a portion that a program opened need beside its task's specification.

    ``portion``: {"state": sha256|null, "files": sha256|null, "python": "3.11"|null, "call": {"file", "line", "kind", "function"}}.
    """

    arguments = [(b"task", Unicode()), (b"portion", Integer())]
    response = [(b"portion", Json())]


class DescribeRecord(MarxCommand):
    """
    Worker to server: what earlier attempts of a main program asked for.

    ``portions``: [[number, call, place, final, [[first, count, digest], ...]], ...] in the order of their numbers. Portions behind the first
    that would make the answer too long are left out: the program asks for them as if for the first time.
    """

    arguments = [(b"task", Unicode())]
    response = [(b"portions", Json())]


class WatchReturns(MarxCommand):
    """
    Worker to server, by whoever holds the lease of a main program: be brought what its portions give.

    ``result_row``, ``file_row``: the last rows that came, 0 for none; what follows them comes in its order.
    """

    arguments = [(b"task", Unicode()), (b"fence", Integer()), (b"result_row", Integer()), (b"file_row", Integer())]
    response = []


class CarryChange(MarxCommand):
    """
    Server to worker: a file that an item made, changed or deleted; comes before the item's results. Answered when the program was brought it.

    ``change``: {"portion", "item"|null, "source", "root", "path", "mode", "length", "mtime", "blob"|null, "deleted", "link"|null}; ``source``
    says on which slot of which worker, whose later changes contain its earlier ones.
    """

    arguments = [(b"fence", Integer()), (b"row", Integer()), (b"change", Json())]
    response = []


class CarryReturns(MarxCommand):
    """
    Server to worker: results of items ``first`` to ``first + count``, a part of the pack that starts at ``pack_first``, or its blob.

    ``failed``: those of them whose result is an error. Answered when the program was brought them.
    """

    arguments = [
        (b"fence", Integer()),
        (b"row", Integer()),
        (b"portion", Integer()),
        (b"first", Integer()),
        (b"count", Integer()),
        (b"pack_first", Integer()),
        (b"codec", Unicode()),
        (b"failed", Json()),
        (b"payload", Bulk(optional=True)),
        (b"blob", Unicode(optional=True)),
    ]
    response = []


class RefusePortion(MarxCommand):
    """Server to worker: no worker can load what this portion's items need, so the program must see to those without a result itself."""

    arguments = [(b"fence", Integer()), (b"portion", Integer()), (b"reason", Unicode())]
    response = []
    requiresAnswer = False


class SignalProgram(MarxCommand):
    """Server to worker: send the main program that runs under this lease a signal. ``delivered``: whether it runs."""

    arguments = [(b"fence", Integer()), (b"signal", Integer())]
    response = [(b"delivered", Boolean())]


class ReadInput(MarxCommand):
    """
    Worker to server: a program's standard input from byte ``offset`` on.

    Answered when there is something, or with an empty part after :data:`INPUT_SECONDS`: then ask again. ``final``: nothing follows the part.
    """

    arguments = [(b"task", Unicode()), (b"offset", Integer())]
    response = [(b"part", Bulk()), (b"final", Boolean())]
