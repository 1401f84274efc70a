"""
Who belongs to the lab: the codes that were made, the certificates that were signed, and what was taken back.

They are few, so all of them are held in memory, where each command's certificate is looked up. The store is read once, at the start, and
written before memory changes; there is one server, and this is the only one who writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Awaitable, Callable, Protocol, Sequence

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from marx.certificates import Peer
from marx.server.codes import CertificateRecord, CodeRecord
from marx.wire.calls import BadRequest, NotFound

log = Logger()

#: Letters of a code's digest that are enough to name it.
SHORTEST_LABEL = 4


class IIdentityRecords(Protocol):
    """Where codes and certificates are kept."""

    def load(self) -> Awaitable[tuple[Sequence[CodeRecord], Sequence[CertificateRecord]]]:
        """The latest state of everything that was ever saved."""

    def save(self, codes: Sequence[CodeRecord], certificates: Sequence[CertificateRecord]) -> Awaitable[None]:
        """Insert, or replace what has the same ``digest`` or ``serial``; durable, all or nothing, once it fires."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user or worker. ``certificates``: how many of them are good; none: revoked. ``joined_utc``: of the first."""

    name: str
    operator: bool
    certificates: int
    joined_utc: float


class Identity:
    """
    Answers who may be here, and revokes. The gate, the links and ``marx-admin``'s desk ask.

    ``changing`` is held by whoever decides on a change and saves it: two joiners cannot share a code's last use, and a revocation finds
    the certificate that is just being signed. ``wall`` gives seconds since 1970.
    """

    def __init__(self, records: IIdentityRecords, wall: Callable[[], float]) -> None:
        self._records = records
        self._wall = wall
        self._codes: dict[str, CodeRecord] = {}
        self._certificates: dict[str, CertificateRecord] = {}
        self._listeners: list[Callable[[Sequence[CertificateRecord]], object]] = []
        self.changing = DeferredLock()

    async def open(self) -> None:
        """Read what is stored; called once, before anything listens."""
        codes, certificates = await self._records.load()
        self._take_over(codes, certificates)

    async def save(self, codes: Sequence[CodeRecord] = (), certificates: Sequence[CertificateRecord] = ()) -> None:
        """Make new states durable, then hold them; called with ``changing`` held."""
        await self._records.save(codes, certificates)
        self._take_over(codes, certificates)

    def _take_over(self, codes: Sequence[CodeRecord], certificates: Sequence[CertificateRecord]) -> None:
        self._codes.update((code.digest, code) for code in codes)
        self._certificates.update((certificate.serial, certificate) for certificate in certificates)

    # Questions

    def why_not(self, peer: Peer) -> str | None:
        """Why this peer, whose certificate is signed by the authority, may not in, in one sentence; None: it may."""
        known = self._certificates.get(peer.serial)
        if known is None:
            return f"the certificate of {peer.role} {peer.name} is not on the server's record: join again with a new code"
        if known.revoked_utc is not None:
            return f"the certificate of {peer.role} {peer.name} was revoked: ask an operator of the server"
        return None

    def certificate(self, serial: str) -> CertificateRecord | None:
        """The certificate with this serial number."""
        return self._certificates.get(serial)

    def is_revoked(self, serial: str) -> bool:
        """Whether a certificate was revoked, or is not known; asked for each command."""
        known = self._certificates.get(serial)
        return known is None or known.revoked_utc is not None

    def is_operator(self, name: str) -> bool:
        """Whether the user ``name`` has a good certificate that makes an operator."""
        return any(known.operator and known.revoked_utc is None for known in self._certificates_of("tasker", name))

    def code(self, digest: str) -> CodeRecord | None:
        """The code with this digest."""
        return self._codes.get(digest)

    def codes(self) -> list[CodeRecord]:
        """Every code, the oldest first."""
        return sorted(self._codes.values(), key=lambda code: code.made_utc)

    def names(self, role: str) -> set[str]:
        """The names of all who ever joined as ``role``."""
        return {known.name for known in self._certificates.values() if known.role == role}

    def good_names(self, role: str) -> set[str]:
        """The names of all who may be here as ``role``."""
        return {member.name for member in self.members(role) if member.certificates}

    def members(self, role: str) -> list[Member]:
        """All who ever joined as ``role``, by name."""
        return [_member(name, self._certificates_of(role, name)) for name in sorted(self.names(role))]

    def _certificates_of(self, role: str, name: str) -> list[CertificateRecord]:
        return [known for known in self._certificates.values() if (known.role, known.name) == (role, name)]

    # Revocation

    def when_revoked(self, listener: Callable[[Sequence[CertificateRecord]], object]) -> None:
        """Call ``listener`` with the certificates that were just revoked."""
        self._listeners.append(listener)

    async def revoke(self, kind: str, name: str) -> int:
        """
        Take back every certificate and code of a user, every certificate of a worker, or a code: how many that were.

        ``kind``: user, worker or code; a code's ``name`` is the beginning of its label. Raises :class:`NotFound`, :class:`BadRequest`.
        """
        if kind not in ("user", "worker", "code"):
            raise BadRequest(f"{kind!r} cannot be revoked: it is user, worker or code")
        async with self.changing:
            codes = self._codes_to_revoke(kind, name)
            certificates = self._certificates_to_revoke(kind, name)
            if not codes and not certificates:
                raise NotFound(f"there is no {kind} {name} that could be revoked")
            await self.save(codes, certificates)
        log.info("{kind} {name} was revoked", kind=kind, name=name)
        for listener in self._listeners:
            listener(certificates)
        return len(codes) + len(certificates)

    def _codes_to_revoke(self, kind: str, name: str) -> list[CodeRecord]:
        def is_meant(code: CodeRecord) -> bool:
            if kind == "code":
                return len(name) >= SHORTEST_LABEL and code.digest.startswith(name)
            return kind == "user" and code.name == name

        return [replace(code, revoked=True) for code in self._codes.values() if is_meant(code) and not code.revoked]

    def _certificates_to_revoke(self, kind: str, name: str) -> list[CertificateRecord]:
        roles = {"user": "tasker", "worker": "worker"}
        known = self._certificates_of(roles[kind], name) if kind in roles else []
        return [replace(certificate, revoked_utc=self._wall()) for certificate in known if certificate.revoked_utc is None]


def _member(name: str, certificates: Sequence[CertificateRecord]) -> Member:
    good = [certificate for certificate in certificates if certificate.revoked_utc is None]
    operator = any(certificate.operator for certificate in good)
    return Member(name, operator, len(good), min(certificate.issued_utc for certificate in certificates))
