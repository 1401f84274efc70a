"""
Keys, names and certificates as Marx writes them. Pure: no network, no files, no clock.

Every key is on the curve P-256 (a TLS 1.3 handshake with it costs the server about 0.6 ms). A certificate's subject says who it is for:
O=marx, OU=the role, CN=the name. All server certificates carry the one DNS name :data:`SERVER_NAME`, which clients check in place of the
address that they dialled, so a server may move and have several addresses.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

#: The DNS name in every server's certificate. It is never looked up.
SERVER_NAME = "marx-server"
#: What may stand in a name: it is shown on terminals and used in file names, so no spaces, slashes or control characters.
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: ``role`` worker, tasker or server, ``name``, and the certificate's ``serial`` (lower-case hexadecimal)."""

    role: str
    name: str
    serial: str


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_as_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key, not encrypted: the mode of its file is what protects it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_from_pem(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key in ``pem``. Raises ValueError for anything but a key on P-256."""
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a key on the curve P-256")
    return key


def certificate_as_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as text."""
    return certificate.public_bytes(Encoding.PEM)


def certificate_from_pem(pem: bytes) -> x509.Certificate:
    """The first certificate in ``pem``; what stands around it is ignored. Raises ValueError."""
    return x509.load_pem_x509_certificate(pem)


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the whole certificate."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def subject(role: str, name: str) -> x509.Name:
    """The subject of a certificate for ``name`` in ``role``. Raises ValueError where the name is empty or above 64 characters."""
    fields = ((NameOID.ORGANIZATION_NAME, "marx"), (NameOID.ORGANIZATIONAL_UNIT_NAME, role), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(field, text) for field, text in fields])


def peer_in(certificate: x509.Certificate) -> Peer:
    """Who a certificate is for. It must have been verified: this only reads it. Raises ValueError where it is not one of Marx."""
    fields = {attribute.oid: str(attribute.value) for attribute in certificate.subject}
    try:
        return Peer(fields[NameOID.ORGANIZATIONAL_UNIT_NAME], fields[NameOID.COMMON_NAME], serial_of(certificate))
    except KeyError as error:
        raise ValueError("the certificate's subject names no role") from error


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number as records and :class:`Peer` have it."""
    return f"{certificate.serial_number:x}"


def signing_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """
    A request (PEM) that proves possession of ``key``.

    Its subject is empty on purpose: who the certificate is for is decided by the join code, and the signer uses the public key alone.
    """
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a signing request whose own signature holds. Raises ValueError, also for keys on other curves."""
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        holds = parsed.is_signature_valid
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise ValueError("the request's signature does not hold") from error
    if not holds or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a request for a key on the curve P-256")
    return key
