"""
The greeting, and the signs of life.

Whoever dialled greets first. A link carries nothing else before its greeting was answered.
"""

from __future__ import annotations

from marx.wire.arguments import Integer, Json, Unicode
from marx.wire.calls import MarxCommand

#: The protocol versions that this Marx speaks, both included. New arguments are optional and raise nothing; a change that an old peer
#: would misread raises the second number, and the first when the old form goes.
OLDEST_VERSION = 1
NEWEST_VERSION = 1


class Greet(MarxCommand):
    """
    Dialler to server, once. ``boot``: a worker's boot id, new at each start of its daemon.

    The answer names the version both will speak, the server's software version, the peer's own name and ``settings`` (seconds:
    ``heartbeat``, ``lease``; bytes: ``item``, ``result``, ``file``, the largest of each). Errors: WrongVersion, NotPermitted (revoked).
    """

    arguments = [(b"oldest", Integer()), (b"newest", Integer()), (b"software", Unicode()), (b"boot", Unicode(optional=True))]
    response = [(b"version", Integer()), (b"software", Unicode()), (b"name", Unicode()), (b"settings", Json())]


class Beat(MarxCommand):
    """Either side, when it has said nothing for the heartbeat's time. The answer says that the other is alive as well."""

    response = []


class SayGoodbye(MarxCommand):
    """Either side, before it closes on purpose. A worker that says it has ended all it held; the server answers and forgets it at once."""

    arguments = [(b"reason", Unicode())]
    response = []
