"""TLS over real sockets: who is let through, who is refused by which side, and what it says then."""

import time
import warnings
from typing import Any

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL
from twisted.internet.protocol import Factory, Protocol

from marx.certificates import SERVER_NAME, Peer, serial_of
from marx.server.authority import Authority
from marx.tls import client_context_factory, peer_of, server_context_factory, untrusting_context_factory
from marx.trouble import NotReachable, PeerRefused, explain
from tests.lab import Doorkeeper, certified, client_of, dial, hang_up, listening, server_of

LAB, OTHER_LAB = Authority.new(time.time()), Authority.new(time.time())
ROUND_TRIP = b"there and back"


@pytest_twisted.ensureDeferred
async def test_each_side_knows_who_the_other_is() -> None:
    keeper = Doorkeeper()
    key, certificate = certified(LAB, role="tasker", name="anna")
    async with listening(server_of(LAB), keeper) as address:
        client = await dial(client_context_factory(LAB.certificate, key, certificate), address)
        server = await keeper.opened
        assert peer_of(server.transport) == Peer("tasker", "anna", serial_of(certificate))
        assert peer_of(client.transport).role == "server"
        await hang_up(client, server)


@pytest_twisted.ensureDeferred
async def test_both_ends_send_small_boxes_at_once_and_what_is_written_arrives() -> None:
    keeper = Doorkeeper()
    async with listening(server_of(LAB), keeper) as address:
        client = await dial(client_of(LAB), address)
        server = await keeper.opened
        assert client.transport.getTcpNoDelay() and server.transport.getTcpNoDelay()
        client.transport.write(ROUND_TRIP)
        server.transport.write(await server.came)
        assert await client.came == ROUND_TRIP
        await hang_up(client, server)


@pytest_twisted.ensureDeferred
async def test_a_client_without_a_certificate_gets_through_the_handshake_as_nobody() -> None:
    keeper = Doorkeeper()
    async with listening(server_of(LAB), keeper) as address:
        client = await dial(client_context_factory(LAB.certificate), address)
        server = await keeper.opened
        assert peer_of(server.transport) is None
        await hang_up(client, server)


@pytest.mark.parametrize(
    ("client", "server_says", "client_says"),
    [
        (lambda: _foreign_client(), "comes from another authority", "belong to different labs"),
        (lambda: client_of(LAB, days_ago=4000), "has expired on 20", "our certificate has expired"),
        (lambda: client_of(LAB, days_ago=-40), "is valid only from 20", "refuses our certificate"),
        (lambda: client_of(LAB, role="server"), "is not made for that side", "made for another side"),
    ],
    ids=["foreign", "expired", "not valid yet", "the server's own kind"],
)
@pytest_twisted.ensureDeferred
async def test_the_server_refuses_a_client_and_both_sides_know_why(client: Any, server_says: str, client_says: str) -> None:
    keeper = Doorkeeper()
    async with listening(server_of(LAB), keeper) as address:
        refused = await dial(client(), address)  # TLS 1.3: the client is through before the server has looked
        reason = await keeper.failed
        assert isinstance(reason, PeerRefused)
        assert server_says in explain(reason)
        assert client_says in explain(await refused.lost)
    assert not keeper.opened.called


@pytest.mark.parametrize(
    ("server", "client_says"),
    [
        (lambda: server_of(OTHER_LAB), "comes from another authority"),
        (lambda: server_of(LAB, days_ago=4000), "has expired on 20"),
        (lambda: _false_server("worker", usage=ExtendedKeyUsageOID.CLIENT_AUTH), "is not made for that side"),
        (lambda: _false_server(host="www.example.org"), "does not carry the name marx-server"),
    ],
    ids=["foreign", "expired", "a worker's certificate", "another name"],
)
@pytest_twisted.ensureDeferred
async def test_a_client_refuses_a_false_server_before_any_link_exists(server: Any, client_says: str) -> None:
    keeper = Doorkeeper()
    async with listening(server(), keeper) as address:
        with pytest.raises(PeerRefused, match=client_says):
            await dial(client_of(LAB), address)
        await keeper.failed
    assert not keeper.opened.called


@pytest_twisted.ensureDeferred
async def test_false_servers_are_refused_for_nothing_but_what_is_false_about_them() -> None:
    keeper = Doorkeeper()
    async with listening(_false_server(), keeper) as address:
        await hang_up(await dial(client_of(LAB), address), await keeper.opened)


@pytest_twisted.ensureDeferred
async def test_an_older_tls_is_refused() -> None:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    old = untrusting_context_factory()
    old._context = context
    keeper = Doorkeeper()
    async with listening(server_of(LAB), keeper) as address:
        with pytest.raises(NotReachable, match="older TLS than 1.3"):
            await dial(old, address)
        await keeper.failed


@pytest_twisted.ensureDeferred
async def test_a_server_that_does_not_speak_tls_is_told_from_one_that_does() -> None:
    class Plain(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"220 mail.example.org ready\r\n")

    factory = Factory.forProtocol(Plain)
    factory.noisy = False
    async with listening(None, factory) as address:
        with pytest.raises(NotReachable, match="does not speak TLS"):
            await dial(client_of(LAB), address)


@pytest_twisted.ensureDeferred
async def test_nothing_that_pyopenssl_has_deprecated_is_used() -> None:
    keeper = Doorkeeper()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        async with listening(server_of(LAB), keeper) as address:
            client = await dial(client_of(LAB), address)
            server = await keeper.opened
            assert peer_of(server.transport) is not None
            await hang_up(client, server)


def _foreign_client() -> Any:
    """It trusts this lab's server, but its own certificate is another lab's."""
    return client_context_factory(LAB.certificate, *certified(OTHER_LAB))


def _false_server(role: str = "server", host: str = SERVER_NAME, usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH) -> Any:
    """A server with this lab's certificate, in which one thing is wrong."""
    key, certificate = certified(LAB, role=role, name=SERVER_NAME)
    replaced = (x509.SubjectAlternativeName, x509.ExtendedKeyUsage)
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        certificate.public_key(),
        certificate.serial_number,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        [extension for extension in certificate.extensions if not isinstance(extension.value, replaced)],
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return server_context_factory(key, builder.sign(LAB._key, hashes.SHA256()), LAB.certificate)
