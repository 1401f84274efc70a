"""A certificate is renewed before it ends, and nobody notices; one that has ended says what to type."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from marx.certificates import Peer, certificate_as_pem, key_as_pem, new_key, serial_of, signing_request
from marx.credentials import FILE_NAME, Credentials
from marx.renewing import DAY_SECONDS, RenewingConnector, daily, why_ended
from marx.server.authority import CLIENT_DAYS
from marx.server.codes import CertificateRecord
from marx.server.enrolment import AGAIN_SECONDS
from marx.trouble import PeerRefused
from marx.wire.calls import BadRequest, NotPermitted
from tests.lab import DAY, certified
from tests.server.guarded_room import LAB, GuardedRoom
from tests.server.room import Played


@pytest_twisted.async_yield_fixture
async def room(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    room = GuardedRoom(tmp_path, reactor)
    await room.begin()
    yield room
    await room.end()


class Member:
    """Somebody who joined ``days_ago``, and connects as daemons and commands do."""

    def __init__(self, room: GuardedRoom, folder: Path, role: str = "worker") -> None:
        self.room = room
        self.folder = folder
        self.role = role
        self.now = time.time()

    async def join(self, days_ago: float) -> Member:
        key, certificate = certified(LAB, role=self.role, name="anna", days_ago=days_ago)
        self.record = CertificateRecord(serial_of(certificate), self.role, "anna", False, "", self.now - days_ago * DAY)
        async with self.room.identity.changing:
            await self.room.identity.save(certificates=[self.record])
        pems = (key_as_pem(key), certificate_as_pem(certificate), certificate_as_pem(LAB.certificate))
        self.first = Credentials.of(*(pem.decode() for pem in pems), [self.room.address])
        self.first.save(self.folder)
        self.connector = RenewingConnector(self.room.reactor, self.first, self.folder, lambda: self.now)
        return self

    async def connect(self) -> Played:
        peer = Played(self.room.reactor)
        await self.connector.connect(Factory.forProtocol(lambda: peer))
        self.room.peers.append(peer)
        assert (await peer.greet())["name"] == "anna"
        return peer

    def kept(self) -> Credentials:
        kept = Credentials.load(self.folder)
        assert kept is not None
        return kept

    def certificates(self) -> list[Any]:
        return self.room.identity._certificates_of(self.role, "anna")


@pytest.mark.parametrize("role", ["worker", "tasker"])
@pytest_twisted.ensureDeferred
async def test_when_half_of_its_life_is_over_a_certificate_is_renewed_with_a_new_key_before_anything_else(room, tmp_path, role) -> None:
    member = await Member(room, tmp_path / "state", role).join(days_ago=CLIENT_DAYS * 0.6)
    await member.connect()
    kept = member.kept()
    assert (kept.role, kept.name, kept.authority) == (role, "anna", member.first.authority)
    assert kept.key != member.first.key and kept.ends_utc > member.first.ends_utc + 300 * DAY
    assert stat.S_IMODE((tmp_path / "state" / FILE_NAME).stat().st_mode) == 0o600
    assert len(member.certificates()) == 2
    assert not room.parts.directory.links, "asking for it is not offering to work"
    await member.connect()
    assert member.kept() == kept and len(member.certificates()) == 2


@pytest_twisted.ensureDeferred
async def test_a_young_certificate_stays(room, tmp_path) -> None:
    member = await Member(room, tmp_path / "state").join(days_ago=CLIENT_DAYS * 0.4)
    await member.connect()
    assert member.kept() == member.first and len(member.certificates()) == 1


@pytest_twisted.ensureDeferred
async def test_a_server_that_will_not_renew_yet_is_served_with_the_old_one(room, tmp_path) -> None:
    member = await Member(room, tmp_path / "state").join(days_ago=10)
    member.now += CLIENT_DAYS * 0.7 * DAY  # by this machine's clock, which is a year ahead
    await member.connect()
    assert member.kept() == member.first


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_cannot_be_kept_is_not_used(room, tmp_path) -> None:
    member = await Member(room, tmp_path / "state").join(days_ago=CLIENT_DAYS * 0.6)
    (tmp_path / "state" / f".{FILE_NAME}.new").mkdir()
    await member.connect()
    assert member.kept() == member.first


@pytest.mark.parametrize(("role", "again"), [("tasker", "tasker login CODE"), ("worker", "twistd marx-worker --join FILE")])
@pytest_twisted.ensureDeferred
async def test_who_was_away_past_its_end_is_told_how_to_join_again(room, tmp_path, role, again) -> None:
    member = await Member(room, tmp_path / "state", role).join(days_ago=CLIENT_DAYS + 1)
    with pytest.raises(PeerRefused, match=f"ended on 20.*clock says 20.*ask an operator.*type: {again}"):
        await member.connect()
    member.now -= 2 * DAY  # a clock that is behind does not see it, and the server's answer is as clear
    connector = member.connector
    with pytest.raises(PeerRefused) as refused:
        peer = Played(room.reactor)
        await connector.connect(Factory.forProtocol(lambda: peer))
        room.peers.append(peer)
        await peer.until(lambda: not peer.up)
        raise peer.reason
    assert "our certificate has expired: join again with a new code" in str(refused.value)


def test_by_which_clock_is_said() -> None:
    key, certificate = certified(LAB, role="tasker", name="anna")
    pems = (key_as_pem(key), certificate_as_pem(certificate), certificate_as_pem(LAB.certificate))
    credentials = Credentials.of(*(pem.decode() for pem in pems), [])
    assert why_ended(credentials, credentials.ends_utc) is None
    assert "clock says 2099-01-01" in str(why_ended(credentials, 4070908800.0))


@pytest_twisted.ensureDeferred
async def test_the_server_renews_what_is_old_enough_good_and_was_not_renewed_just_now(room, tmp_path) -> None:
    member = await Member(room, tmp_path / "state").join(days_ago=0)
    anna, request = Peer("worker", "anna", member.record.serial), signing_request(new_key())
    with pytest.raises(BadRequest, match="young"):
        await room.enrolment.renew(anna, request)
    room.wall = lambda: time.time() + CLIENT_DAYS * DAY / 2
    with pytest.raises(BadRequest, match="makes no sense"):
        await room.enrolment.renew(anna, b"no request")
    assert await room.enrolment.renew(anna, request)
    with pytest.raises(BadRequest, match="renewed just now"):
        await room.enrolment.renew(anna, request)
    room.wall = lambda: time.time() + CLIENT_DAYS * DAY / 2 + AGAIN_SECONDS + 1
    assert await room.enrolment.renew(anna, request)
    assert await room.identity.revoke("worker", "anna") == 3, "revoking takes every one of them"
    with pytest.raises(NotPermitted, match="revoked"):
        await room.enrolment.renew(anna, request)


def test_what_is_done_daily_is_done_the_next_day_whatever_happened(logged_failures) -> None:
    clock, done = Clock(), []

    async def job() -> None:
        done.append(clock.seconds())
        if len(done) == 2:
            raise ZeroDivisionError

    call = daily(clock, job)
    assert not done
    for _ in range(3):
        clock.advance(DAY_SECONDS)
    assert done == [DAY_SECONDS, 2 * DAY_SECONDS, 3 * DAY_SECONDS]
    call.stop()
    assert len(logged_failures.flush(ZeroDivisionError)) == 1
