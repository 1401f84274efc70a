"""Making join codes, and using them: each rule of the server's side, without a network."""

import stat
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.logger import capturedLogs

from marx.addresses import Address
from marx.certificates import certificate_from_pem, fingerprint, new_key, peer_in, signing_request
from marx.join_code import JoinCode
from marx.server.authority import Authority
from marx.server.enrolment import Enrolment
from marx.server.identity import Identity
from marx.wire.calls import BadRequest
from marx.wire.enrol import CodeRefused
from tests.fakes.identity_records import MemoryRecords

AUTHORITY = Authority.new(1_800_000_000.0)
ADDRESSES = [Address("lab.example.org", 1848)]
WEEK = 7 * 86400.0


class Desk:
    """An enrolment with its parts, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.records = MemoryRecords()
        self.identity = Identity(self.records, lambda: self.now)
        self.enrolment = Enrolment(AUTHORITY, self.identity, lambda: ADDRESSES, lambda: self.now)

    async def join(self, code: JoinCode, hint: str = "lab7", role: str | None = None) -> str:
        certificate, name = await self.enrolment.enrol(role or code.role, code.secret, signing_request(new_key()), hint)
        assert peer_in(certificate_from_pem(certificate)).name == name
        return name


@pytest_twisted.ensureDeferred
async def test_a_code_says_where_the_server_is_and_how_to_know_it() -> None:
    code = await Desk().enrolment.make_code("worker", None, 5, WEEK)
    assert (code.role, code.single_use, code.addresses) == ("worker", False, tuple(ADDRESSES))
    assert code.fingerprint == fingerprint(AUTHORITY.certificate)


@pytest_twisted.ensureDeferred
async def test_workers_of_one_code_get_names_of_their_own_until_it_is_used_up() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("worker", None, 2, WEEK)
    assert [await desk.join(code), await desk.join(code)] == ["lab7", "lab7-2"]
    with pytest.raises(CodeRefused, match="used already 2 times"):
        await desk.join(code)


@pytest_twisted.ensureDeferred
async def test_a_users_name_comes_from_the_code_and_never_from_the_joiner() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("tasker", "anna", 1, WEEK)
    assert await desk.join(code, hint="root") == "anna"
    assert not desk.identity.is_operator("anna")


@pytest_twisted.ensureDeferred
async def test_an_admins_code_makes_an_operator_who_is_a_tasker_on_the_wire() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("admin", "anna", 1, WEEK)
    assert code.role == "tasker"
    await desk.join(code)
    assert desk.identity.is_operator("anna")


@pytest_twisted.ensureDeferred
async def test_two_joiners_at_the_same_time_cannot_share_the_last_use() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("worker", None, 1, WEEK)
    slow: Deferred[None] = Deferred()
    saved = desk.records.save

    async def save(*changes: object) -> None:
        await slow
        await saved(*changes)

    desk.records.save = save
    both = gatherResults([ensureDeferred(desk.join(code)), ensureDeferred(desk.join(code))], consumeErrors=True)
    slow.callback(None)
    with pytest.raises(Exception, match="used already"):
        await both
    assert desk.identity.names("worker") == {"lab7"}


@pytest_twisted.ensureDeferred
async def test_wrong_expired_revoked_and_foreign_codes_are_refused_and_use_nothing() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("worker", None, 1, WEEK)
    other = JoinCode.new("worker", True, ADDRESSES, code.fingerprint)
    with pytest.raises(CodeRefused, match="does not know this join code"):
        await desk.join(other)
    with pytest.raises(CodeRefused, match="a tasker cannot use it"):
        await desk.join(code, role="tasker")
    desk.now += WEEK
    with pytest.raises(CodeRefused, match="expired"):
        await desk.join(code)
    desk.now -= 1
    await desk.join(code)


@pytest_twisted.ensureDeferred
async def test_a_revoked_code_is_refused() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("tasker", "anna", 1, WEEK)
    await desk.identity.revoke("user", "anna")
    with pytest.raises(CodeRefused, match="was revoked"):
        await desk.join(code)


@pytest_twisted.ensureDeferred
async def test_a_request_that_makes_no_sense_uses_nothing() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("worker", None, 1, WEEK)
    with pytest.raises(BadRequest, match="signing request makes no sense"):
        await desk.enrolment.enrol("worker", code.secret, b"-----BEGIN NONSENSE-----", "lab7")
    await desk.join(code)


@pytest_twisted.ensureDeferred
async def test_when_the_store_fails_the_use_does_not_count() -> None:
    desk = Desk()
    code = await desk.enrolment.make_code("worker", None, 1, WEEK)
    desk.records.trouble = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        await desk.join(code)
    desk.records.trouble = None
    await desk.join(code)


@pytest.mark.parametrize(
    ("role", "name", "uses", "seconds", "words"),
    [
        ("server", "x", 1, WEEK, "nobody joins as 'server'"),
        ("worker", "lab7", 1, WEEK, "a worker's code has no name"),
        ("tasker", None, 1, WEEK, "needs one"),
        ("tasker", "a b", 1, WEEK, "'a b' is not a name"),
        ("worker", None, 0, WEEK, "at least once"),
        ("worker", None, 1, 0.0, "for some time"),
        ("worker", None, 1, float("nan"), "for some time"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_codes_that_make_no_sense_are_not_made(role: str, name: str | None, uses: int, seconds: float, words: str) -> None:
    desk = Desk()
    with pytest.raises(BadRequest, match=words):
        await desk.enrolment.make_code(role, name, uses, seconds)
    assert not desk.identity.codes()


@pytest_twisted.ensureDeferred
async def test_the_first_start_leaves_two_codes_that_work_and_that_only_the_owner_reads(tmp_path: Path) -> None:
    desk = Desk()
    paths = await desk.enrolment.write_first_codes(tmp_path, "anna", 100, WEEK)
    assert [path.name for path in paths] == ["join-worker.code", "join-tasker.code"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    worker, tasker = (JoinCode.parse(path.read_text()) for path in paths)
    assert (worker.single_use, tasker.single_use) == (False, True)
    assert [await desk.join(worker), await desk.join(tasker)] == ["lab7", "anna"]
    assert desk.identity.is_operator("anna")


@pytest_twisted.ensureDeferred
async def test_later_starts_make_no_more_codes(tmp_path: Path) -> None:
    desk = Desk()
    for path in await desk.enrolment.write_first_codes(tmp_path, "anna", 100, WEEK):
        path.unlink()
    assert await desk.enrolment.write_first_codes(tmp_path, "anna", 100, WEEK) == []
    assert not list(tmp_path.iterdir())


@pytest_twisted.ensureDeferred
async def test_no_secret_is_stored_or_logged() -> None:
    desk = Desk()
    with capturedLogs() as captured:
        code = await desk.enrolment.make_code("worker", None, 1, WEEK)
        await desk.join(code)
    assert code.secret not in repr(captured)
    assert code.secret not in repr(await desk.records.load())
