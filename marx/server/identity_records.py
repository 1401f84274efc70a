"""
Join codes and certificates in the store: what :class:`marx.server.identity.Identity` asks for.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from marx.server.codes import CertificateRecord, CodeRecord
from marx.server.records import KeepCertificate, KeepCode
from marx.server.store import Store


class IdentityRecords:
    """Reads and writes them in a store that others use as well."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> tuple[list[CodeRecord], list[CertificateRecord]]:
        """The latest state of everything that was ever saved."""
        codes, certificates = await self._store.load_identity()
        return [CodeRecord(**code) for code in codes], [CertificateRecord(**certificate) for certificate in certificates]

    def save(self, codes: Sequence[CodeRecord], certificates: Sequence[CertificateRecord]) -> Deferred[None]:
        """
        Insert, or replace what has the same digest or serial; durable, all or nothing.

        Fails with :class:`marx.server.records.WriteRefused` where a code is further on than this already.
        """
        return self._store.write(*map(KeepCode, codes), *map(KeepCertificate, certificates))
