"""
Join codes and certificates as the server keeps them, and the rules about them. Pure: values in, values out.

Of a code's secret only the SHA-256 is kept. A slow or salted hash would add nothing: the secret is 160 random bits, so neither a table of
likely ones nor any number of guesses gets anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timezone

from marx.certificates import PLAIN_NAME


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """
    A join code. ``digest``: SHA-256 of its secret, hexadecimal; the first eight characters are its name among people.

    ``role``: worker or tasker. ``name``: the user it is for, None for workers, who get names of their own. ``operator``: whether that user
    becomes an operator. ``made_utc`` and ``expires_utc``: seconds since 1970.
    """

    digest: str
    role: str
    name: str | None
    operator: bool
    uses: int
    used: int
    made_utc: float
    expires_utc: float
    revoked: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return self.digest[:8]


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate that was signed; ``serial`` hexadecimal, ``code``: the digest of the code that it was given for."""

    serial: str
    role: str
    name: str
    operator: bool
    code: str
    issued_utc: float
    revoked_utc: float | None = None


def digest_of(secret: str) -> str:
    """Under which a code with this secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def why_refused(code: CodeRecord | None, role: str, now_utc: float) -> str | None:
    """Why a joiner as ``role`` cannot use ``code`` (None: no such code) at this time, in one sentence; None: it can."""
    if code is None:
        return "the server does not know this join code"
    if code.revoked:
        return "this join code was revoked: ask an operator for a new one"
    if code.expires_utc <= now_utc:
        moment = datetime.fromtimestamp(code.expires_utc, timezone.utc)
        return f"this join code expired on {moment:%Y-%m-%d %H:%M} UTC: ask an operator for a new one"
    if code.used >= code.uses:
        return "this join code was used already" + (f" {code.uses} times" if code.uses > 1 else "") + ": ask an operator for a new one"
    if code.role != role:
        return f"this is a {code.role}'s join code: a {role} cannot use it"
    return None


def plain_name(text: str, fallback: str) -> str:
    """``text`` made into a name that fits everywhere: its other characters become hyphens, 50 are kept."""
    name = re.sub(r"[^A-Za-z0-9._@-]+", "-", text).strip("-._@")[:50]
    return name if PLAIN_NAME.fullmatch(name) else fallback


def free_name(hint: str, taken: Container[str]) -> str:
    """A worker's name, from what its machine is called: ``lab7``, or ``lab7-2`` where that is taken."""
    name = plain_name(hint.lower(), "worker")
    number = 1
    while name in taken:
        number += 1
        name = f"{plain_name(hint.lower(), 'worker')}-{number}"
    return name
