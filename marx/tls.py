"""
TLS between server, worker and tasker: 1.3 alone, with certificates from the lab's one authority on both sides.

OpenSSL checks what a certificate may be used for (extended key usage): a worker's certificate cannot play the server, nor the server's a
client. The name in a server's certificate is checked with service-identity. A client without a certificate gets through the server's
handshake, and then no further than the gate's strangers.

The contexts are made here and not by Twisted's ``CertificateOptions`` because those lose the reason of a refusal (all that is left is
"certificate verify failed") and take objects that pyOpenSSL has deprecated.
"""

from __future__ import annotations

from typing import Any, Callable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from zope.interface import implementer

from marx.certificates import SERVER_NAME, Peer, peer_in
from marx.trouble import PeerRefused, explain, refusal_in_words

__all__ = ["Peer", "client_context_factory", "explain", "peer_of", "server_context_factory", "set_no_delay", "untrusting_context_factory"]


@implementer(IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator)
class _Connections:
    """Makes the OpenSSL connections of one side: all that Twisted wants to know of a context."""

    _context: SSL.Context

    def __init__(self, context: SSL.Context | None = None) -> None:
        if context is not None:
            self._context = context

    def clientConnectionForTLS(self, tls: Any) -> SSL.Connection:
        return SSL.Connection(self._context)

    serverConnectionForTLS = clientConnectionForTLS


class ServerConnections(_Connections):
    """
    The server's side, for ``wrapServerTLS``: asks for a client certificate, takes none for an answer, refuses a foreign one.

    The authority's certificate is sent along, so that joiners, who know only its fingerprint, can pick it from the chain.
    """

    def show(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, authority: x509.Certificate) -> None:
        """The certificate of connections that are made from now on; called before the first."""
        context = _context(key, certificate)
        context.add_extra_chain_cert(authority)
        _trust(context, authority, _judge_client)
        self._context = context


def server_context_factory(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, authority: x509.Certificate
) -> IOpenSSLServerConnectionCreator:
    """The server's side with one certificate for ever."""
    connections = ServerConnections()
    connections.show(key, certificate, authority)
    return connections


def client_context_factory(
    authority: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None, certificate: x509.Certificate | None = None
) -> IOpenSSLClientConnectionCreator:
    """A dialler's side: trusts ``authority`` alone. Without ``key`` and ``certificate`` it remains a stranger, who may only join."""
    context = _context(key, certificate)
    _trust(context, authority, _judge_server)
    return _Connections(context)


def untrusting_context_factory() -> IOpenSSLClientConnectionCreator:
    """The side of a joiner that wants to see the server's chain, and will neither believe it nor say anything over it."""
    return _Connections(_context(None, None))


def _context(key: ec.EllipticCurvePrivateKey | None, certificate: x509.Certificate | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    # An idle link gives its buffers back; a thousand workers then cost 60 kB each.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    # No resumption: every connection shows its certificate and has it checked.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    if key is not None and certificate is not None:
        context.use_certificate(certificate)
        context.use_privatekey(key)
    return context


def _trust(context: SSL.Context, authority: x509.Certificate, judge: Callable[..., bool]) -> None:
    context.get_cert_store().add_cert(X509.from_cryptography(authority))
    # Without FAIL_IF_NO_PEER_CERT, which means something to a server only: strangers may come in to join.
    context.set_verify(SSL.VERIFY_PEER, judge)


def _judge_client(connection: SSL.Connection, certificate: X509, code: int, depth: int, verified: int) -> bool:
    """OpenSSL asks this for each certificate of a client's chain."""
    if not verified:
        _refuse(connection, refusal_in_words("the certificate that it showed", certificate, code))
    return bool(verified)


def _judge_server(connection: SSL.Connection, certificate: X509, code: int, depth: int, verified: int) -> bool:
    """OpenSSL asks this for each certificate of a server's chain; depth 0 is the server's own."""
    why = None
    if not verified:
        why = refusal_in_words("the server's certificate", certificate, code)
    elif depth == 0:
        why = _name_refusal(certificate.to_cryptography())
    if why:
        _refuse(connection, why)
    return not why


def _name_refusal(certificate: x509.Certificate) -> str | None:
    try:
        verify_certificate_hostname(certificate, SERVER_NAME)
    except (VerificationError, CertificateError):
        return f"the server's certificate does not carry the name {SERVER_NAME}: what answers is not a Marx server"
    return None


def _refuse(connection: SSL.Connection, why: str) -> None:
    """Keep the reason in the :class:`~marx.doorway.Doorway`; what OpenSSL raises afterwards does not have it."""
    connection.get_app_data().wrappedProtocol.refuse(PeerRefused(why))


def peer_of(transport: Any) -> Peer | None:
    """Who is at the other end of a TLS connection whose handshake is over; None: it showed no certificate. Raises ValueError."""
    certificate = transport.getHandle().get_peer_certificate(as_cryptography=True)
    return None if certificate is None else peer_in(certificate)


def chain_of(transport: Any) -> list[x509.Certificate]:
    """The certificates that the other end of a TLS connection sent, its own first, as they came: nothing of them is verified."""
    return transport.getHandle().get_peer_cert_chain(as_cryptography=True) or []


def set_no_delay(transport: Any) -> None:
    """
    Send small boxes at once: waiting to fill a segment (Nagle), against delayed acknowledgements, made a chunk take 43 ms instead of 3.

    Every connection passes through here, at both ends.
    """
    transport.setTcpNoDelay(True)
