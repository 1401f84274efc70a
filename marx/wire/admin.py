"""
What ``marx-admin`` and a daemon say to each other over the Unix socket in the daemon's state folder.

Only who may enter that folder (mode 0700) can connect, and the daemon asks the kernel who it is: its own user or root.
"""

from __future__ import annotations

from marx.wire.arguments import Boolean, Float, Integer, Json, Unicode
from marx.wire.calls import MarxCommand


class MakeCode(MarxCommand):
    """A join code: ``role`` worker, tasker or admin (an operator's tasker); ``seconds`` until it expires. The code is shown once."""

    arguments = [(b"role", Unicode()), (b"name", Unicode(optional=True)), (b"uses", Integer()), (b"seconds", Float())]
    response = [(b"code", Unicode())]


class ListUsers(MarxCommand):
    """Every user that ever joined."""

    response = [(b"users", Json())]


class ListPool(MarxCommand):
    """Every worker, as ``tasker workers`` shows them."""

    response = [(b"workers", Json())]


class DrainWorker(MarxCommand):
    """Give a worker nothing new (``draining``), or again."""

    arguments = [(b"worker", Unicode()), (b"draining", Boolean())]
    response = []


class Revoke(MarxCommand):
    """Take back the certificates of a user or worker, or a code: ``kind`` user, worker or code. Links are dropped at once."""

    arguments = [(b"kind", Unicode()), (b"name", Unicode())]
    response = [(b"revoked", Integer())]


class ReadAudit(MarxCommand):
    """
    Lines of the audit behind row ``after_row``, the oldest first: of what ``user`` did (None: of everybody), not before ``since_utc``.

    ``lines``: {"row", "at_utc", "who", "role", "place", "did", "subject", "detail"}; none: there are no more.
    """

    arguments = [(b"user", Unicode(optional=True)), (b"since_utc", Float()), (b"after_row", Integer())]
    response = [(b"lines", Json())]


class TellStory(MarxCommand):
    """Every event that touched ``subject`` (a task's id, ``TASK:ITEM``)."""

    arguments = [(b"subject", Unicode())]
    response = [(b"lines", Json())]


class MakeBackup(MarxCommand):
    """
    Write an archive of the state into the file ``path``, mode 0600; ``overwrite``: one that is there is replaced.

    Answers its size, how many files and large values of tasks it has, and whether the database is in it: one on a server is not.
    """

    arguments = [(b"path", Unicode()), (b"overwrite", Boolean())]
    response = [(b"size", Integer()), (b"blobs", Integer()), (b"database", Boolean())]


class WorkerStatus(MarxCommand):
    """What a worker does now, for its owner."""

    response = [(b"status", Json())]


class PauseWorker(MarxCommand):
    """Take nothing new for ``seconds`` (None: until resumed); what runs goes on."""

    arguments = [(b"seconds", Float(optional=True))]
    response = []


class ResumeWorker(MarxCommand):
    """End a pause."""

    response = []
