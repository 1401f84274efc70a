"""Who belongs to the lab: what is known after a restart, and what a revocation does."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred

from marx.certificates import Peer
from marx.server.identity import Identity, Member
from marx.wire.calls import BadRequest, NotFound
from tests.fakes.identity_records import MemoryRecords
from tests.server.identity_records import CERTIFICATE, CODE, WORKER_CODE, IdentityRecordsContract

NOW = 1_800_000_100.0
ANNA = Peer("tasker", "anna", CERTIFICATE.serial)
LAPTOP = replace(CERTIFICATE, serial="22", operator=False, issued_utc=NOW)
WORKER = replace(CERTIFICATE, serial="33", role="worker", name="lab7", operator=False, code=WORKER_CODE.digest)
NAMESAKE = replace(WORKER, serial="44", name="anna")


class TestMemoryRecords(IdentityRecordsContract):
    @pytest.fixture
    def records(self) -> MemoryRecords:
        return MemoryRecords()


async def opened() -> tuple[Identity, MemoryRecords]:
    records = MemoryRecords()
    await records.save([CODE, WORKER_CODE], [CERTIFICATE, LAPTOP, WORKER, NAMESAKE])
    identity = Identity(records, lambda: NOW)
    await identity.open()
    return identity, records


@pytest_twisted.ensureDeferred
async def test_it_knows_after_a_restart_whom_it_knew_before() -> None:
    identity, _ = await opened()
    assert identity.why_not(ANNA) is None and not identity.is_revoked(ANNA.serial)
    assert identity.codes() == [CODE, WORKER_CODE]
    assert identity.names("worker") == {"lab7", "anna"}
    assert identity.members("tasker") == [Member("anna", operator=True, certificates=2, joined_utc=CERTIFICATE.issued_utc)]
    assert identity.good_names("tasker") == {"anna"}


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_is_not_on_record_counts_as_revoked() -> None:
    identity, _ = await opened()
    assert identity.is_revoked("99")
    assert "not on the server's record" in identity.why_not(Peer("worker", "lab7", "99"))


@pytest_twisted.ensureDeferred
async def test_revoking_a_user_takes_all_their_certificates_and_unused_codes_and_nobody_elses() -> None:
    identity, records = await opened()
    dropped: list[Any] = []
    identity.when_revoked(dropped.append)
    assert await identity.revoke("user", "anna") == 3
    assert [{certificate.serial for certificate in some} for some in dropped] == [{CERTIFICATE.serial, LAPTOP.serial}]
    assert "was revoked" in identity.why_not(ANNA) and identity.is_revoked(ANNA.serial)
    assert not identity.is_revoked(NAMESAKE.serial), "a worker of the same name is someone else"
    assert not identity.is_operator("anna")
    assert identity.code(CODE.digest).revoked and not identity.code(WORKER_CODE.digest).revoked
    assert identity.members("tasker") == [Member("anna", operator=False, certificates=0, joined_utc=CERTIFICATE.issued_utc)]
    assert identity.names("tasker") == {"anna"} and identity.good_names("tasker") == set()
    afterwards = Identity(records, lambda: NOW)
    await afterwards.open()
    assert afterwards.is_revoked(ANNA.serial) and afterwards.code(CODE.digest).revoked


@pytest_twisted.ensureDeferred
async def test_revoking_a_worker_leaves_the_code_that_others_use() -> None:
    identity, _ = await opened()
    assert await identity.revoke("worker", "lab7") == 1
    assert identity.is_revoked(WORKER.serial) and not identity.code(WORKER_CODE.digest).revoked


@pytest_twisted.ensureDeferred
async def test_a_code_is_revoked_by_the_beginning_of_its_label_and_its_certificates_stay() -> None:
    identity, _ = await opened()
    assert await identity.revoke("code", WORKER_CODE.label) == 1
    assert identity.code(WORKER_CODE.digest).revoked and not identity.is_revoked(WORKER.serial)


@pytest.mark.parametrize(("kind", "name"), [("user", "lab7"), ("worker", "nobody"), ("code", "feed"), ("code", "bee"), ("code", "")])
@pytest_twisted.ensureDeferred
async def test_revoking_what_is_not_there_says_so(kind: str, name: str) -> None:
    identity, _ = await opened()
    with pytest.raises(NotFound, match=f"there is no {kind} {name}"):
        await identity.revoke(kind, name)


@pytest_twisted.ensureDeferred
async def test_revoking_twice_says_that_there_is_nothing_left() -> None:
    identity, _ = await opened()
    await identity.revoke("worker", "lab7")
    with pytest.raises(NotFound):
        await identity.revoke("worker", "lab7")
    with pytest.raises(BadRequest, match="'server' cannot be revoked"):
        await identity.revoke("server", "lab7")


@pytest_twisted.ensureDeferred
async def test_a_revocation_that_could_not_be_stored_did_not_happen_and_can_be_repeated() -> None:
    identity, records = await opened()
    dropped: list[Any] = []
    identity.when_revoked(dropped.append)
    records.trouble = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        await identity.revoke("worker", "lab7")
    assert not identity.is_revoked(WORKER.serial) and not dropped
    records.trouble = None
    assert await identity.revoke("worker", "lab7") == 1


@pytest_twisted.ensureDeferred
async def test_a_revocation_waits_for_the_change_before_it() -> None:
    identity, _ = await opened()
    first: Deferred[None] = Deferred()

    async def change() -> None:
        async with identity.changing:
            await first
            await identity.save(certificates=[replace(LAPTOP, serial="55")])

    changing, revoking = ensureDeferred(change()), ensureDeferred(identity.revoke("user", "anna"))
    assert not revoking.called
    first.callback(None)
    await changing
    assert await revoking == 4
    assert identity.is_revoked("55"), "what was just being signed is revoked too"
