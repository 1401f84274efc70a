"""What every store of codes and certificates promises (IIdentityRecords): one class for the double and the real one."""

from dataclasses import replace

import pytest_twisted

from marx.server.codes import CertificateRecord, CodeRecord
from marx.server.identity import IIdentityRecords

CODE = CodeRecord("c0de" * 16, "tasker", "anna", True, 1, 0, 1_800_000_000.25, 1_800_604_800.5)
WORKER_CODE = CodeRecord("beef" * 16, "worker", None, False, 100, 3, 1_800_000_001.0, 1_800_604_801.0)
CERTIFICATE = CertificateRecord("7b1dd01dcdced49ec799050a576c09e393a66042", "tasker", "anna", True, CODE.digest, 1_800_000_002.5)


class IdentityRecordsContract:
    """Subclass it as `Test...` with a fixture `records` that gives an empty one."""

    @pytest_twisted.ensureDeferred
    async def test_an_empty_one_has_nothing(self, records: IIdentityRecords) -> None:
        codes, certificates = await records.load()
        assert (list(codes), list(certificates)) == ([], [])

    @pytest_twisted.ensureDeferred
    async def test_what_was_saved_is_loaded_with_every_field_as_it_was(self, records: IIdentityRecords) -> None:
        await records.save([CODE, WORKER_CODE], [])
        await records.save([], [CERTIFICATE])
        codes, certificates = await records.load()
        assert sorted(codes, key=lambda code: code.made_utc) == [CODE, WORKER_CODE]
        assert list(certificates) == [CERTIFICATE]

    @pytest_twisted.ensureDeferred
    async def test_saving_again_replaces_by_digest_and_by_serial(self, records: IIdentityRecords) -> None:
        await records.save([CODE], [CERTIFICATE])
        used, revoked = replace(CODE, used=1, revoked=True), replace(CERTIFICATE, revoked_utc=1_800_000_003.75)
        await records.save([used], [revoked])
        codes, certificates = await records.load()
        assert (list(codes), list(certificates)) == ([used], [revoked])
