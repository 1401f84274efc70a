"""
Joining: what a connection without a certificate may say, once; and what one with a certificate asks when that grows old.

The joiner has made sure by the authority's fingerprint, which stands in its join code, that it talks to the server of that code.
"""

from __future__ import annotations

from marx.wire.arguments import Integer, String, Unicode
from marx.wire.calls import MarxCommand, WireError


class CodeRefused(WireError):
    """The join code is not known, used up, expired, revoked or for another role; the sentence says which (exit code 77)."""


class Enrol(MarxCommand):
    """
    Joiner to server, as the only command of its connection.

    ``oldest`` and ``newest``: protocol versions, as in the greeting. ``role``: worker or tasker. ``secret``: of the join code.
    ``request``: a certificate signing request (PEM), of which only the public key is used. ``hint``: how the worker's machine is called;
    a user's name is in the server's record of the code.

    When it answers, the use of the code and the certificate are committed. ``certificate``: PEM. ``name``: the worker's or user's own.
    Errors: CodeRefused, WrongVersion, BadRequest (the request makes no sense).
    """

    arguments = [
        (b"oldest", Integer()),
        (b"newest", Integer()),
        (b"role", Unicode()),
        (b"secret", Unicode()),
        (b"request", String()),
        (b"hint", Unicode(optional=True)),
    ]
    response = [(b"certificate", String()), (b"name", Unicode())]
    errors = {CodeRefused: b"CODE_REFUSED"}


class Renew(MarxCommand):
    """
    Worker or tasker to server: ``certificate`` (PEM) for another key, under the caller's own role and name.

    ``request`` is as in :class:`Enrol`. The old certificate stays good until it ends. Errors: BadRequest (it makes no sense, or it is too early).
    """

    arguments = [(b"request", String())]
    response = [(b"certificate", String())]
