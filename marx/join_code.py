"""
The line that a person carries from the server to a worker or tasker: where the server is, how to know it, and a secret.

    marx1/worker-many/lab.example.org:1848,10.0.0.5:1848/FINGERPRINT/SECRET/CHECKSUM

Fingerprint (SHA-256 of the authority's certificate, 52 characters) and secret (160 random bits, 32 characters) are in base 32, the
checksum (CRC-32 of what stands before it, 8 characters) is hexadecimal: it only tells a typing error from a code that is not valid. Upper
and lower case are the same, and white space anywhere is ignored, so a code may be broken over lines.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence, TextIO

from marx.addresses import Address, in_words

PREFIX = "marx1"
ROLES = ("worker", "tasker")
_FINGERPRINT_BYTES, _SECRET_BYTES = 32, 20
#: Characters read from a file or standard input: more is not a join code, whatever it is.
_LONGEST = 4096

#: Exit codes of INTERFACE for a failed joining.
USAGE, NO_SUCH_FILE, NOT_REACHABLE, FAULT, NOT_PERMITTED = 2, 66, 69, 70, 77


class JoinError(Exception):
    """
    Joining failed. The text is one sentence for a person, and never has the secret in it.

    ``exit_code``: what a command or daemon ends with; :data:`NOT_REACHABLE` means that trying again later may do.
    """

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class JoinCode:
    """``role``: worker or tasker. ``fingerprint``: SHA-256 of the authority's certificate. ``single_use``: it is taken only once."""

    role: str
    single_use: bool
    addresses: tuple[Address, ...]
    fingerprint: bytes
    secret: str = field(repr=False)

    @classmethod
    def new(cls, role: str, single_use: bool, addresses: Sequence[Address], fingerprint: bytes) -> JoinCode:
        """A code with a new secret."""
        return cls(role, single_use, tuple(addresses), fingerprint, _base32(secrets.token_bytes(_SECRET_BYTES)))

    def format(self) -> str:
        """The code as one printable line."""
        kind = f"{self.role}-{'once' if self.single_use else 'many'}"
        places = ",".join(str(address).lower() for address in self.addresses)
        body = "/".join((PREFIX, kind, places, _base32(self.fingerprint), self.secret))
        return f"{body}/{_checksum(body)}"

    @classmethod
    def parse(cls, text: str) -> JoinCode:
        """The code in ``text``. Raises :class:`JoinError`: not a code, of another version, or mistyped."""
        whole = "".join(text.split()).lower()
        prefix = whole.partition("/")[0]
        if prefix != PREFIX and re.fullmatch(r"marx[0-9]+", prefix):
            raise JoinError(f"this join code is of another version of Marx ({prefix}, here {PREFIX})", NOT_REACHABLE)
        body, _, checksum = whole.rpartition("/")
        if prefix != PREFIX or body.count("/") != 4 or not whole.isascii():
            raise JoinError(f"this is not a join code, which begins with {PREFIX}/ and has six parts: was all of it copied?", USAGE)
        if checksum != _checksum(body):
            raise JoinError("this join code has a typing error, or a part of it is missing: copy it again", USAGE)
        return cls._from_parts(*body.split("/")[1:])

    @classmethod
    def _from_parts(cls, kind: str, places: str, fingerprint: str, secret: str) -> JoinCode:
        try:
            role, uses = kind.split("-")
            addresses = tuple(Address.parse(place) for place in places.split(","))
            if role not in ROLES or uses not in ("once", "many"):
                raise ValueError(f"nobody joins as {kind}")
            _bytes_of(secret, _SECRET_BYTES)
            return cls(role, uses == "once", addresses, _bytes_of(fingerprint, _FINGERPRINT_BYTES), secret)
        except ValueError as error:
            # Its checksum holds, so it was made like this, by another version or by hand.
            raise JoinError(f"this join code makes no sense: {error}", USAGE) from None

    def __str__(self) -> str:
        """For logs: without the secret."""
        return f"a {self.role}'s join code for {in_words(self.addresses)}"


def read_code(argument: str, role: str, stdin: TextIO) -> JoinCode:
    """
    The join code that a person named by FILE, ``-`` (standard input) or the CODE itself, for joining as ``role``.

    Raises :class:`JoinError`; also for a CODE that can be used several times, since other users of the machine can see arguments.
    """
    literal = argument.lower().startswith("marx") and argument.count("/") >= 4
    code = JoinCode.parse(argument if literal else _read(argument, stdin))
    if code.role != role:
        raise JoinError(f"this is {code}: a {role} cannot use it", USAGE)
    if literal and not code.single_use:
        raise JoinError("others can see arguments, and this join code can be used again: name a file that holds it, or -", USAGE)
    return code


def _read(argument: str, stdin: TextIO) -> str:
    if argument == "-":
        return stdin.read(_LONGEST)
    try:
        with Path(argument).open(encoding="utf-8") as file:
            return file.read(_LONGEST)
    except UnicodeDecodeError:
        raise JoinError(f"{argument} does not hold a join code", USAGE) from None
    except OSError as error:
        raise JoinError(f"cannot read the join code from {argument}: {error.strerror}", NO_SUCH_FILE) from None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


def _bytes_of(text: str, length: int) -> bytes:
    """Base 32 without its padding. Raises ValueError."""
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if len(raw) != length:
        raise ValueError(f"{len(raw)} bytes in place of {length}")
    return raw


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
