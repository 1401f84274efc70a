"""
What tasker and server say to each other.

A task is submitted by its specification, then its items are added, pack by pack, until the last is marked final; each is answered when
it is durable. Files are blobs and go before the submission that names them. Watching gives what is there already and then what comes:
each box is answered by the tasker when it has taken it, and the server keeps a window of unanswered bytes open, never more.
Where a task is named, a unique prefix of its id is enough.
"""

from __future__ import annotations

from marx.wire.arguments import Boolean, Bulk, Float, Integer, Json, Unicode
from marx.wire.calls import MarxCommand


class SubmitTask(MarxCommand):
    """
    ``spec`` (see ``marx.wire.spec``): what to run and how. The answer is the task's id, and comes when it is durable.

    ``key``: drawn by the caller. Where the answer was lost, the same key again gives the same task. ``secrets``: the value of each name in
    the specification's ``secrets``; they go to the workers that run the task, and nowhere else.
    """

    arguments = [(b"spec", Json()), (b"key", Unicode(optional=True)), (b"secrets", Json(optional=True))]
    response = [(b"task", Unicode())]


class AddItems(MarxCommand):
    """Items of a task that is not final yet, in order. ``final``: no more come; a call with count 0 may say only that."""

    arguments = [
        (b"task", Unicode()),
        (b"portion", Integer()),
        (b"first", Integer()),
        (b"count", Integer()),
        (b"codec", Unicode()),
        (b"args", Json()),
        (b"payload", Bulk(optional=True)),
        (b"blob", Unicode(optional=True)),
        (b"final", Boolean()),
    ]
    response = []


class PutInput(MarxCommand):
    """
    The next bytes of a program's standard input, from byte ``offset`` on; ``final``: nothing follows. Answered when they are durable.

    No bytes, and not final: we are there to send them. NotFound: nothing will be read any more.
    """

    arguments = [(b"task", Unicode()), (b"offset", Integer()), (b"part", Bulk()), (b"final", Boolean())]
    response = []


class InterruptTask(MarxCommand):
    """Send a task's main program a signal. ``delivered``: whether it runs."""

    arguments = [(b"task", Unicode()), (b"signal", Integer())]
    response = [(b"delivered", Boolean())]


class HoldTask(MarxCommand):
    """Begin nothing new of a task until :class:`ReleaseTask`; what runs goes on."""

    arguments = [(b"task", Unicode())]
    response = [(b"state", Unicode())]


class ReleaseTask(MarxCommand):
    """Go on with a task that was held."""

    arguments = [(b"task", Unicode())]
    response = [(b"state", Unicode())]


class RerunTask(MarxCommand):
    """
    Submit a task again as it was: program, arguments, files, items, standard input. The answer is the new task's id.

    ``key``: as :class:`SubmitTask` has it.
    """

    arguments = [(b"task", Unicode()), (b"key", Unicode(optional=True))]
    response = [(b"task", Unicode())]


class ListTasks(MarxCommand):
    """The caller's tasks, newest first; ``everyone``: all users' (operators only). ``before``: go on below this place of the last page."""

    arguments = [(b"limit", Integer()), (b"before", Integer(optional=True)), (b"everyone", Boolean(optional=True))]
    response = [(b"tasks", Json()), (b"before", Integer(optional=True))]


class ShowTask(MarxCommand):
    """Everything known of one task: its record, counts, why it waits, failed attempts."""

    arguments = [(b"task", Unicode())]
    response = [(b"shown", Json())]


class CancelTask(MarxCommand):
    """Stop a task. Answered when its processes are gone, or after 30 s with the workers that were not reached."""

    arguments = [(b"task", Unicode())]
    response = [(b"processes", Integer()), (b"unreachable", Json()), (b"state", Unicode())]


class ForgetEndedTask(MarxCommand):
    """Delete a task that has ended, with all that it left: output, results, files. BadRequest where it has not ended."""

    arguments = [(b"task", Unicode())]
    response = []


class WatchTask(MarxCommand):
    """
    Be sent what a task makes, under a number that the caller chose: ``watch``.

    ``results``: "ordered", "unordered" or "" (none), from item ``first_item`` on (ordered). ``output``: output packs from row
    ``after_output`` on; ``tail_bytes``: only about the last so many that are there now. ``live``: go on until the task ends; else
    what is there now. The end is a :class:`TaskChanged` with ``complete``.
    """

    arguments = [
        (b"task", Unicode()),
        (b"watch", Integer()),
        (b"results", Unicode()),
        (b"first_item", Integer(optional=True)),
        (b"output", Boolean()),
        (b"after_output", Integer(optional=True)),
        (b"tail_bytes", Integer(optional=True)),
        (b"live", Boolean()),
    ]
    response = [(b"task", Json())]


class StopWatching(MarxCommand):
    """No more of this watch; unanswered boxes may still come."""

    arguments = [(b"watch", Integer())]
    response = []


class CarryResults(MarxCommand):
    """Server to tasker: results of items ``first`` to ``first + count``, a part of the pack that starts at ``pack_first``, or its blob."""

    arguments = [
        (b"watch", Integer()),
        (b"portion", Integer()),
        (b"first", Integer()),
        (b"count", Integer()),
        (b"pack_first", Integer()),
        (b"codec", Unicode()),
        (b"payload", Bulk(optional=True)),
        (b"blob", Unicode(optional=True)),
    ]
    response = []


class CarryOutput(MarxCommand):
    """Server to tasker: an output pack; ``row`` is where to go on after a pause."""

    arguments = [
        (b"watch", Integer()),
        (b"row", Integer()),
        (b"portion", Integer()),
        (b"first", Integer()),
        (b"worker", Unicode()),
        (b"at_utc", Float()),
        (b"payload", Bulk()),
    ]
    response = []


class TaskChanged(MarxCommand):
    """Server to tasker: the watched task's counts or state. ``complete``: all that this watch asked for has been sent and answered."""

    arguments = [(b"watch", Integer()), (b"task", Json()), (b"complete", Boolean())]
    response = []
    requiresAnswer = False


class ListArtifacts(MarxCommand):
    """
    Files that a task made, one entry for each path, the last item's where several wrote it; ``after``: the last page's last path.

    Entries: {"root", "path", "mode", "length", "mtime", "blob"|null, "deleted", "link"|null, "item"|null}.
    """

    arguments = [(b"task", Unicode()), (b"after", Json(optional=True))]
    response = [(b"artifacts", Json()), (b"after", Json(optional=True))]


class ListWorkers(MarxCommand):
    """Every worker that the server knows, with what it offers and what it does."""

    response = [(b"workers", Json())]


class WhoAmI(MarxCommand):
    """The caller's name, role and standing, and the server's name and version."""

    response = [(b"me", Json())]
