"""Joining from end to end: a real server's gate, real TLS, both roles, and each way in which it can fail."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs

from marx.addresses import Address
from marx.certificates import certificate_as_pem, new_key, signing_request
from marx.credentials import Credentials
from marx.join_code import JoinCode
from marx.joining import JoinError, enrol
from marx.server.authority import Authority
from marx.server.enrolment import Enrolment
from marx.server.gate import Gate
from marx.server.identity import Identity
from marx.tls import server_context_factory
from marx.wire import hello
from tests.fakes.audits import RecordingAudit
from tests.fakes.identity_records import MemoryRecords
from tests.lab import PeerLinks, Recorder, certified, hang_up, listening, server_of

LAB, OTHER_LAB = Authority.new(time.time()), Authority.new(time.time())
DAY = 86400.0


class Server:
    """A server as far as joining goes; `address` is where it listens."""

    def __init__(self, authority: Authority = LAB) -> None:
        from twisted.internet import reactor

        self.authority = authority
        self.records = MemoryRecords()
        self.identity = Identity(self.records, time.time)
        self.enrolment = Enrolment(authority, self.identity, lambda: [self.address], time.time)
        self.links = {"worker": PeerLinks(), "tasker": PeerLinks()}
        self.gate = Gate(self.identity, self.enrolment, self.links, reactor, RecordingAudit())
        self.address = Address("127.0.0.1", 1)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Server"]:
        """It listens."""
        async with listening(server_of(self.authority), self.gate) as self.address:
            yield self

    async def code(self, role: str = "worker", name: str | None = None, uses: int = 1) -> JoinCode:
        return await self.enrolment.make_code(role, name, uses, DAY)


async def join(code: JoinCode, hint: str = "lab7") -> Credentials:
    from twisted.internet import reactor

    return await enrol(reactor, code, hint)


async def failure_of(code: JoinCode) -> JoinError:
    with pytest.raises(JoinError) as raised:
        await join(code)
    assert code.secret not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(("role", "name", "joined"), [("worker", None, "lab7"), ("tasker", "anna", "anna")])
@pytest_twisted.ensureDeferred
async def test_who_joined_keeps_credentials_with_which_it_is_let_in(role: str, name: str | None, joined: str, tmp_path: Path) -> None:
    from twisted.internet import reactor

    async with Server().open() as server:
        (await join(await server.code(role, name))).save(tmp_path)
        credentials = Credentials.load(tmp_path)
        assert (credentials.role, credentials.name, credentials.addresses) == (role, joined, (server.address,))
        link = await credentials.connector(reactor).connect(Factory.forProtocol(Recorder))
        peer, servers_end = await server.links[role].came
        assert (peer.role, peer.name) == (role, joined)
        await hang_up(link, servers_end)


@pytest_twisted.ensureDeferred
async def test_two_machines_of_one_name_become_two_workers() -> None:
    async with Server().open() as server:
        code = await server.code(uses=2)
        assert [(await join(code)).name, (await join(code)).name] == ["lab7", "lab7-2"]


@pytest_twisted.ensureDeferred
async def test_the_address_that_answered_comes_first_afterwards() -> None:
    async with Server().open() as server:
        dead = Address("127.0.0.1", 1)
        code = replace(await server.code(), addresses=(dead, server.address))
        assert (await join(code)).addresses == (server.address, dead)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("used", "was used already"),
        ("revoked", "was revoked"),
        ("expired", "expired on"),
        ("unknown", "does not know this join code"),
        ("role", "a worker's join code: a tasker cannot use it"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_code_that_is_no_good_is_told_in_one_sentence(spoil: str, words: str) -> None:
    async with Server().open() as server:
        code = await server.code()
        record = server.identity.codes()[0]
        if spoil == "used":
            await join(code)
        elif spoil == "revoked":
            await server.identity.save(codes=[replace(record, revoked=True)])
        elif spoil == "expired":
            await server.identity.save(codes=[replace(record, expires_utc=time.time() - 1)])
        elif spoil == "unknown":
            code = JoinCode.new("worker", True, code.addresses, code.fingerprint)
        else:
            code = replace(code, role="tasker")
        error = await failure_of(code)
        assert words in str(error) and error.exit_code == 77


@pytest_twisted.ensureDeferred
async def test_the_secret_does_not_go_to_another_server() -> None:
    async with Server(OTHER_LAB).open() as impostor:
        heard: list[Any] = []
        impostor.enrolment.enrol = lambda *wishes: heard.append(wishes)
        code = JoinCode.new("worker", True, [impostor.address], (await Server().code()).fingerprint)
        error = await failure_of(code)
        assert "is not the server that made this code" in str(error) and error.exit_code == 77
        assert not heard


@pytest_twisted.ensureDeferred
async def test_the_secret_does_not_go_to_one_who_only_shows_the_right_authority() -> None:
    """The authority's certificate is no secret: an impostor can send it along with a chain that it does not sign."""
    key = new_key()
    own = OTHER_LAB.sign(signing_request(key), "server", "marx-server", time.time())
    heard: list[bytes] = []

    class Eavesdropper(Protocol):
        def dataReceived(self, data: bytes) -> None:
            heard.append(data)

    factory = Factory.forProtocol(Eavesdropper)
    factory.noisy = False
    async with listening(server_context_factory(key, own, LAB.certificate), factory) as address:
        code = replace(await Server().code(), addresses=(address,))
        error = await failure_of(code)
    assert "another authority" in str(error) and error.exit_code == 77
    assert not heard


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request: certified(LAB)[1], "the certificate is for another key"),
        (lambda request: OTHER_LAB.sign(request, "worker", "lab7", time.time()), "not of that authority"),
        (lambda request: LAB.sign(request, "tasker", "lab7", time.time()), "it is a tasker's"),
    ],
    ids=["another key", "another authority", "another role"],
)
@pytest_twisted.ensureDeferred
async def test_an_answer_that_makes_no_sense_is_not_taken(answer: Any, words: str) -> None:
    async with Server().open() as server:
        code = await server.code()
        server.enrolment.enrol = lambda role, secret, request, hint: succeed((certificate_as_pem(answer(request)), "lab7"))
        error = await failure_of(code)
        assert words in str(error) and error.exit_code == 70


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    server = Server()
    error = await failure_of(await server.code())
    assert f"{server.address}: nothing listens there" in str(error) and error.exit_code == 69


@pytest_twisted.ensureDeferred
async def test_a_server_of_another_version_is_told_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    from marx import joining

    monkeypatch.setattr(joining, "OLDEST_VERSION", hello.NEWEST_VERSION + 1)
    monkeypatch.setattr(joining, "NEWEST_VERSION", hello.NEWEST_VERSION + 1)
    async with Server().open() as server:
        error = await failure_of(await server.code())
        assert "speaks versions" in str(error) and error.exit_code == 69
        assert server.identity.codes()[0].used == 0


@pytest_twisted.ensureDeferred
async def test_a_server_that_cannot_commit_is_told_as_its_fault_and_the_code_stays_good(logged_failures: Any) -> None:
    async with Server().open() as server:
        code = await server.code()
        server.records.trouble = OSError("disk full")
        error = await failure_of(code)
        assert "did not let this machine join" in str(error) and error.exit_code == 70
        logged_failures.flush(OSError)
        server.records.trouble = None
        await join(code)


@pytest_twisted.ensureDeferred
async def test_nothing_of_a_secret_or_key_is_logged_on_either_side() -> None:
    with capturedLogs() as captured:
        async with Server().open() as server:
            code = await server.code()
            credentials = await join(code)
    seen = repr(captured)
    assert code.secret not in seen and "PRIVATE" not in seen and credentials.key[40:90] not in seen
