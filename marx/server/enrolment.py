"""
Joining, the server's side: making codes, signing a certificate for who brings one, and another for who shows an old one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Callable, Sequence

from cryptography import x509
from twisted.logger import Logger

from marx.addresses import Address
from marx.certificates import PLAIN_NAME, Peer, certificate_as_pem, fingerprint, serial_of
from marx.join_code import JoinCode
from marx.private_files import write_private
from marx.server.authority import CLIENT_DAYS, Authority
from marx.server.codes import CertificateRecord, CodeRecord, digest_of, free_name, plain_name, why_refused
from marx.server.identity import Identity
from marx.wire.calls import BadRequest, NotPermitted
from marx.wire.enrol import CodeRefused

log = Logger()

#: A certificate's age from which it can be renewed. Who holds it asks when half of its life is over, by a clock that may be off.
RENEWAL_SECONDS = CLIENT_DAYS * 86400.0 / 4
#: Seconds until the same certificate can be renewed again: the answer may have been lost, and each costs a row for ever.
AGAIN_SECONDS = 3600.0
WORKER_CODE_FILE, TASKER_CODE_FILE = "join-worker.code", "join-tasker.code"


class CodeUnknown(CodeRefused):
    """Nobody ever made such a code: a guess, or a code of another server. To the joiner it is refused like any other."""


class Enrolment:
    """
    ``addresses``: where this server can be reached, asked for when a code is made (a free port is known only then). ``wall`` gives seconds
    since 1970: codes expire, certificates begin.
    """

    def __init__(
        self, authority: Authority, identity: Identity, addresses: Callable[[], Sequence[Address]], wall: Callable[[], float]
    ) -> None:
        self._authority = authority
        self._identity = identity
        self._addresses = addresses
        self._wall = wall
        self._renewed: dict[str, float] = {}

    async def make_code(self, role: str, name: str | None, uses: int, seconds: float, file: Path | None = None) -> JoinCode:
        """
        A new code for ``role``: worker, tasker, or admin (an operator's tasker); for the user ``name`` in the latter two.

        It can be used ``uses`` times for ``seconds``. It is also written to ``file``, mode 0600, before it counts. Raises
        :class:`BadRequest`, and OSError for the file.
        """
        _check_terms(role, name, uses, seconds)
        authority = fingerprint(self._authority.certificate)
        code = JoinCode.new("worker" if role == "worker" else "tasker", uses == 1, self._addresses(), authority)
        if file is not None:
            write_private(file, code.format().encode() + b"\n")
        now = self._wall()
        record = CodeRecord(digest_of(code.secret), code.role, name, role == "admin", uses, 0, now, now + seconds)
        async with self._identity.changing:
            await self._identity.save(codes=[record])
        log.info("{role} code {code} was made for {name}", role=role, code=record.label, name=name or "any machine")
        return code

    async def enrol(self, role: str, secret: str, request: bytes, hint: str) -> tuple[bytes, str]:
        """
        Use a code: the certificate (PEM) and the name that it is for, once both are durable.

        Raises :class:`CodeRefused`, or :class:`BadRequest`, which uses nothing.
        """
        async with self._identity.changing:
            now = self._wall()
            code = self._usable(secret, role, now)
            name = code.name or free_name(hint, self._identity.names(role))
            certificate = self._signed(request, role, name, now)
            issued = CertificateRecord(serial_of(certificate), role, name, code.operator, code.digest, now)
            await self._identity.save(codes=[replace(code, used=code.used + 1)], certificates=[issued])
        log.info("{role} {name} joined with code {code}", role=role, name=name, code=code.label)
        return certificate_as_pem(certificate), name

    async def renew(self, peer: Peer, request: bytes) -> bytes:
        """
        A certificate (PEM) for another key of ``peer``, once it is durable; the one that it shows stays good until it ends.

        Raises :class:`BadRequest`: the request makes no sense, or it is too early.
        """
        async with self._identity.changing:
            now = self._wall()
            known = self._identity.certificate(peer.serial)
            if known is None or known.revoked_utc is not None:
                raise NotPermitted(f"the certificate of {peer.role} {peer.name} was revoked")
            if known.issued_utc > now - RENEWAL_SECONDS or self._renewed.get(peer.serial, -math.inf) > now - AGAIN_SECONDS:
                raise BadRequest(f"the certificate of {peer.role} {peer.name} is young, or was renewed just now")
            certificate = self._signed(request, peer.role, peer.name, now)
            await self._identity.save(certificates=[replace(known, serial=serial_of(certificate), issued_utc=now)])
            self._renewed[peer.serial] = now
        log.info("the certificate of {role} {name} was renewed", role=peer.role, name=peer.name)
        return certificate_as_pem(certificate)

    def _signed(self, request: bytes, role: str, name: str, now_utc: float) -> x509.Certificate:
        try:
            return self._authority.sign(request, role, name, now_utc)
        except ValueError as error:
            raise BadRequest(f"the certificate signing request makes no sense: {error}") from error

    def _usable(self, secret: str, role: str, now_utc: float) -> CodeRecord:
        code = self._identity.code(digest_of(secret))
        refusal = why_refused(code, role, now_utc)
        if code is None:
            raise CodeUnknown(refusal)
        if refusal is not None:
            raise CodeRefused(refusal)
        return code

    async def write_first_codes(self, folder: Path, user: str, uses: int, seconds: float) -> list[Path]:
        """
        The two codes of a first start, as files in ``folder``: for ``uses`` workers, and once for ``user``, the first operator.

        The files' paths; none where any code was made before. Raises OSError.
        """
        if self._identity.codes():
            return []
        worker, tasker = folder / WORKER_CODE_FILE, folder / TASKER_CODE_FILE
        await self.make_code("worker", None, uses, seconds, worker)
        await self.make_code("admin", plain_name(user, "operator"), 1, seconds, tasker)
        return [worker, tasker]


def _check_terms(role: str, name: str | None, uses: int, seconds: float) -> None:
    if role not in ("worker", "tasker", "admin"):
        raise BadRequest(f"nobody joins as {role!r}: it is worker, tasker or admin")
    if (name is None) != (role == "worker"):
        raise BadRequest("a worker's code has no name, and a user's needs one")
    if name is not None and not PLAIN_NAME.fullmatch(name):
        raise BadRequest(f"{name!r} is not a name: letters, digits and . _ @ - up to 63, a letter or digit first")
    if uses < 1 or not seconds > 0:
        raise BadRequest("a join code must be usable at least once, and for some time")
