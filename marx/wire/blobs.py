"""
Large immutable bytes, named by their SHA-256, in parts that fit a box.

The sender keeps a window of parts unanswered; each answer means that the part is taken, the last one that the blob is durable. Naming a
hash gives nothing: the server answers for blobs of the caller's own tasks only (a worker's: of tasks of which it holds a lease).
"""

from __future__ import annotations

from marx.wire.arguments import Bulk, Integer, Unicode, Words
from marx.wire.calls import MarxCommand

#: Bytes in one part; with a window of :data:`WINDOW` parts a link is kept busy and memory stays small.
PART_BYTES = 256_000
WINDOW = 8


class AskBlobs(MarxCommand):
    """
    Which of these the caller must still send: ``digests`` in, ``missing`` out.

    ``task``: a worker names the task that they are for, which then has those that are not missing, as if they had been sent.
    """

    arguments = [(b"digests", Words()), (b"task", Unicode(optional=True))]
    response = [(b"missing", Words())]


class PutBlob(MarxCommand):
    """A part of a blob of ``total`` bytes at ``offset``; parts come in order. ``task``: the one that it is for, where there is one already."""

    arguments = [(b"digest", Unicode()), (b"offset", Integer()), (b"total", Integer()), (b"part", Bulk()), (b"task", Unicode(optional=True))]
    response = []


class GetBlob(MarxCommand):
    """At most :data:`PART_BYTES` of a blob from ``offset`` on, for ``task``; the answer says how large it is as a whole."""

    arguments = [(b"digest", Unicode()), (b"offset", Integer()), (b"task", Unicode())]
    response = [(b"total", Integer()), (b"part", Bulk())]
