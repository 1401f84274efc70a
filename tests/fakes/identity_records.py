"""A store of codes and certificates in memory; the tests of tests/server/identity_records.py hold it to the contract of the real one."""

from collections.abc import Sequence

from marx.server.codes import CertificateRecord, CodeRecord


class MemoryRecords:
    """What was saved, by digest and serial. `trouble`: an exception that every save raises from now on, as a full disk would."""

    def __init__(self) -> None:
        self._codes: dict[str, CodeRecord] = {}
        self._certificates: dict[str, CertificateRecord] = {}
        self.trouble: Exception | None = None

    async def load(self) -> tuple[Sequence[CodeRecord], Sequence[CertificateRecord]]:
        return list(self._codes.values()), list(self._certificates.values())

    async def save(self, codes: Sequence[CodeRecord], certificates: Sequence[CertificateRecord]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self._codes.update((code.digest, code) for code in codes)
        self._certificates.update((certificate.serial, certificate) for certificate in certificates)
