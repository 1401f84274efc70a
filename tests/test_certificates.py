"""Keys, requests and names, as values."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from marx.certificates import PLAIN_NAME, key_as_pem, key_from_pem, new_key, peer_in, requested_key, signing_request
from marx.server.authority import Authority
from marx.tls import Peer

P384 = ec.generate_private_key(ec.SECP384R1())


def test_a_key_survives_its_file() -> None:
    key = new_key()
    assert key_from_pem(key_as_pem(key)).private_numbers() == key.private_numbers()


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        P384.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
    ],
    ids=["nothing", "garbage", "another curve", "encrypted"],
)
def test_other_keys_are_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        key_from_pem(pem)


def test_a_request_proves_its_key_and_says_nothing_else() -> None:
    key = new_key()
    request = signing_request(key)
    assert requested_key(request) == key.public_key()
    assert not list(x509.load_pem_x509_csr(request).subject)


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _with_another_signature() -> bytes:
    der = bytearray(x509.load_pem_x509_csr(signing_request(new_key())).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: b"",
        lambda: b"\xff\0",
        lambda: _request(P384),
        lambda: _request(rsa.generate_private_key(65537, 2048)),
        _with_another_signature,
    ],
    ids=["nothing", "bytes", "another curve", "RSA", "not signed by its key"],
)
def test_other_requests_are_refused(request_of: object) -> None:
    with pytest.raises(ValueError, match="."):
        requested_key(request_of())


def test_a_certificate_that_names_no_role_is_not_ours() -> None:
    authority = Authority.new(1_800_000_000.0).certificate
    assert peer_in(authority).role == "authority"
    span = authority.not_valid_before_utc, authority.not_valid_after_utc
    unnamed = x509.CertificateBuilder(authority.issuer, x509.Name([]), authority.public_key(), 7, *span)
    with pytest.raises(ValueError, match="names no role"):
        peer_in(unnamed.sign(new_key(), hashes.SHA256()))


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a\n", "é", "a" * 64, "\x1b[2J"])
def test_names_that_could_harm_a_terminal_or_a_path_are_not_plain(name: str) -> None:
    assert not PLAIN_NAME.fullmatch(name)


def test_a_peer_is_a_value() -> None:
    assert Peer("worker", "lab7", "1f") == Peer("worker", "lab7", "1f")
