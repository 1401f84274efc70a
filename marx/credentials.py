"""
What a worker or tasker has after joining: its key and certificate, the authority that it trusts, where the server is.

One file, ``identity.json``, mode 0600, in a folder of mode 0700: replaced as a whole, so key and certificate always belong together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from marx.addresses import Address
from marx.certificates import certificate_from_pem, key_from_pem, peer_in
from marx.doorway import Connector
from marx.private_files import make_private_folder, why_not_private, write_private
from marx.tls import client_context_factory

FILE_NAME = "identity.json"


class DamagedCredentials(Exception):
    """The file cannot be used (exit code 78). The text is one sentence."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """``role`` and ``name`` are those in the certificate. Key and certificates are PEM texts."""

    role: str
    name: str
    addresses: tuple[Address, ...]
    key: str = field(repr=False)
    certificate: str = field(repr=False)
    authority: str = field(repr=False)

    @classmethod
    def of(cls, key: str, certificate: str, authority: str, addresses: Sequence[Address]) -> Credentials:
        """Credentials of what the certificate says. Raises ValueError for texts that make no sense or do not belong together."""
        certified = certificate_from_pem(certificate.encode())
        if certified.public_key() != key_from_pem(key.encode()).public_key():
            raise ValueError("the certificate is for another key")
        _must_be_issued_by(authority, certified)
        peer = peer_in(certified)
        return cls(peer.role, peer.name, tuple(addresses), key, certificate, authority)

    @property
    def begins_utc(self) -> float:
        """From when on the certificate is good, in seconds since 1970."""
        return certificate_from_pem(self.certificate.encode()).not_valid_before_utc.timestamp()

    @property
    def ends_utc(self) -> float:
        """Until when it is good."""
        return certificate_from_pem(self.certificate.encode()).not_valid_after_utc.timestamp()

    def is_half_over(self, now_utc: float) -> bool:
        """Whether it is time to renew it."""
        return now_utc > (self.begins_utc + self.ends_utc) / 2

    def save(self, folder: Path) -> None:
        """Keep them in ``folder``, durably, in place of any that are there. Raises OSError."""
        make_private_folder(folder)
        texts = {"key": self.key, "certificate": self.certificate, "authority": self.authority}
        content = {"role": self.role, "name": self.name, "addresses": [str(address) for address in self.addresses], **texts}
        write_private(folder / FILE_NAME, json.dumps(content, indent=1).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Credentials | None:
        """Those kept in ``folder``; None where there are none. Raises :class:`DamagedCredentials`, and OSError."""
        path = folder / FILE_NAME
        try:
            wrong = why_not_private(folder, [FILE_NAME])
            if wrong is not None:
                raise DamagedCredentials(wrong)
            content = json.loads(path.read_bytes())
            addresses = [Address.parse(text) for text in content["addresses"]]
            return cls.of(content["key"], content["certificate"], content["authority"], addresses)
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise DamagedCredentials(f"{path} is damaged ({error}): join again with a new code") from None

    def connector(self, reactor: Any) -> Connector:
        """The endpoint for ``ClientService``: dials the server's addresses, and shows and checks certificates."""
        authority, certificate = certificate_from_pem(self.authority.encode()), certificate_from_pem(self.certificate.encode())
        return Connector(reactor, self.addresses, client_context_factory(authority, key_from_pem(self.key.encode()), certificate))


def _must_be_issued_by(authority: str, certificate: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(certificate_from_pem(authority.encode()))
    except (InvalidSignature, TypeError, ValueError) as error:
        raise ValueError("the certificate is not of that authority") from error
