"""
The lab's certificate authority, made at the server's first start, and the server's own certificate.

Two files in one folder, each a private key with its certificate: ``authority.pem`` and ``server.pem``, mode 0600. Losing the first means
that every worker and tasker must join again, so a folder that has the second without the first is refused, never filled anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from marx.certificates import (
    SERVER_NAME,
    certificate_as_pem,
    certificate_from_pem,
    key_as_pem,
    key_from_pem,
    new_key,
    requested_key,
    subject,
)
from marx.private_files import make_private_folder, write_private
from marx.tls import ServerConnections

#: Renewed with a new key when half of it is over (``marx.renewing``), so whoever comes by once a year never notices. Shorter would protect
#: little, since certificates are looked up at each command and can be revoked at any time; longer, and copies of keys in old backups pile up.
CLIENT_DAYS = 730
#: The server's own is made anew when it has less than the second left, which is looked at each day.
SERVER_DAYS, SERVER_RENEWAL_DAYS = 3650, 365
AUTHORITY_DAYS = 10950
#: A machine whose clock is up to a day behind the server's can join all the same.
SKEW = timedelta(days=1)

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


class BrokenAuthority(Exception):
    """The authority's files cannot be used (exit code 78). The text is one sentence."""


class Authority:
    """
    Signs for workers, taskers and this server. ``certificate`` is what everybody trusts. ``is_new``: it was made just now.

    Times are wall-clock seconds since 1970 (``now_utc``).
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, is_new: bool = False) -> None:
        self._key = key
        self.certificate = certificate
        self.is_new = is_new

    @classmethod
    def new(cls, now_utc: float) -> Authority:
        """A new authority, in memory."""
        key = new_key()
        name = subject("authority", f"Marx authority {x509.random_serial_number():040x}"[:50])
        unsigned = _unsigned(name, name, key.public_key(), key.public_key(), now_utc, AUTHORITY_DAYS)
        unsigned = unsigned.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        unsigned = unsigned.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        return cls(key, unsigned.sign(key, hashes.SHA256()), is_new=True)

    @classmethod
    def open(cls, folder: Path, now_utc: float) -> Authority:
        """The authority kept in ``folder``, made at the first call. Raises :class:`BrokenAuthority`, and OSError."""
        path = folder / "authority.pem"
        if path.exists():
            return cls(*_read(path))
        if (folder / "server.pem").exists():
            raise BrokenAuthority(f"{path} is gone: bring it back from a backup, or remove server.pem too and let everybody join again")
        made = cls.new(now_utc)
        make_private_folder(folder)
        write_private(path, key_as_pem(made._key) + certificate_as_pem(made.certificate))
        return made

    def sign(self, request: bytes, role: str, name: str, now_utc: float) -> x509.Certificate:
        """
        A certificate for ``name`` in ``role`` (worker or tasker), for a connection's dialling side only.

        Nothing of the signing request is used but its public key. Raises ValueError for a request that makes no sense.
        """
        return self._certify(requested_key(request), role, name, now_utc, CLIENT_DAYS)

    def connections(self, folder: Path, now_utc: float) -> ServerConnections:
        """The server's TLS, with the certificate kept in ``folder``: a new one where there is none or it is old. Raises as :meth:`open`."""
        connections = ServerConnections()
        self.renew(connections, folder, now_utc)
        return connections

    def renew(self, connections: ServerConnections, folder: Path, now_utc: float) -> None:
        """From now on they show the certificate kept in ``folder``, a new one where it is old; those that are open go on. Raises as :meth:`open`."""
        path = folder / "server.pem"
        key, certificate = _read(path) if path.exists() else (None, None)
        if key is None or certificate is None or not self._is_good(certificate, now_utc):
            key = new_key()
            certificate = self._certify(key.public_key(), "server", SERVER_NAME, now_utc, SERVER_DAYS)
            write_private(path, key_as_pem(key) + certificate_as_pem(certificate))
        connections.show(key, certificate, self.certificate)

    def _is_good(self, certificate: x509.Certificate, now_utc: float) -> bool:
        soon = _days_after(now_utc, SERVER_RENEWAL_DAYS)
        return certificate.issuer == self.certificate.subject and certificate.not_valid_after_utc > soon

    def _certify(self, key: ec.EllipticCurvePublicKey, role: str, name: str, now_utc: float, days: int) -> x509.Certificate:
        unsigned = _unsigned(subject(role, name), self.certificate.subject, key, self._key.public_key(), now_utc, days)
        unsigned = unsigned.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        unsigned = unsigned.add_extension(_key_usage("digital_signature"), critical=True)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if role == "server" else ExtendedKeyUsageOID.CLIENT_AUTH
        unsigned = unsigned.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        if role == "server":
            unsigned = unsigned.add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVER_NAME)]), critical=False)
        return unsigned.sign(self._key, hashes.SHA256())


def _unsigned(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, issuers_key: ec.EllipticCurvePublicKey, now_utc: float, days: int
) -> x509.CertificateBuilder:
    """What all certificates have; serial numbers are random, 159 bits."""
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_days_after(now_utc, 0) - SKEW)
        .not_valid_after(_days_after(now_utc, days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key), critical=False)
    )


def _key_usage(*granted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in granted for usage in _KEY_USAGES})


def _days_after(now_utc: float, days: int) -> datetime:
    return datetime.fromtimestamp(now_utc, timezone.utc) + timedelta(days=days)


def _read(path: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    content = path.read_bytes()
    try:
        return key_from_pem(content), certificate_from_pem(content)
    except ValueError as error:
        raise BrokenAuthority(f"{path} is damaged ({error}): bring it back from a backup") from error
