"""The authority's files, and what it signs."""

import re
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from marx.certificates import certificate_from_pem, new_key, peer_in, signing_request
from marx.server.authority import CLIENT_DAYS, SERVER_DAYS, SERVER_RENEWAL_DAYS, Authority, BrokenAuthority

NOW = 1_800_000_000.0
DAY = 86400


def server_certificate(folder: Path) -> x509.Certificate:
    return certificate_from_pem((folder / "server.pem").read_bytes())


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    first = Authority.open(tmp_path / "state", NOW)
    again = Authority.open(tmp_path / "state", NOW + DAY)
    assert first.certificate == again.certificate
    assert (first.is_new, again.is_new) == (True, False)


def test_nobody_else_can_read_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Authority.open(folder, NOW).connections(folder, NOW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {"authority.pem": 0o600, "server.pem": 0o600}


@pytest.mark.parametrize(("role", "usage"), [("worker", ExtendedKeyUsageOID.CLIENT_AUTH), ("server", ExtendedKeyUsageOID.SERVER_AUTH)])
def test_a_certificate_says_who_it_is_for_and_what_it_may_be_used_for(role: str, usage: x509.ObjectIdentifier) -> None:
    authority, key = Authority.new(NOW), new_key()
    signed = authority.sign(signing_request(key), role, "lab7", NOW)
    signed.verify_directly_issued_by(authority.certificate)
    assert signed.public_key() == key.public_key()
    assert (peer_in(signed).role, peer_in(signed).name) == (role, "lab7")
    assert list(signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_clock_a_day_behind_does_not_matter_and_years_pass_before_it_ends() -> None:
    signed = Authority.new(NOW).sign(signing_request(new_key()), "worker", "lab7", NOW)
    assert signed.not_valid_before_utc.timestamp() == NOW - DAY
    assert signed.not_valid_after_utc.timestamp() == NOW + CLIENT_DAYS * DAY


def test_a_request_cannot_ask_for_anything_but_its_key() -> None:
    authority, key = Authority.new(NOW), new_key()
    wished = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "server"), x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(wished)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    request = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("marx-server")]), critical=False)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    signed = authority.sign(request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), "worker", "lab7", NOW)
    assert peer_in(signed).role == "worker"
    assert not signed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        signed.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_serial_numbers_and_authorities_names_are_never_the_same() -> None:
    authority = Authority.new(NOW)
    request = signing_request(new_key())
    assert authority.sign(request, "worker", "a", NOW).serial_number != authority.sign(request, "worker", "a", NOW).serial_number
    assert authority.certificate.subject != Authority.new(NOW).certificate.subject


def test_the_servers_certificate_is_kept_until_it_is_old(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, NOW)
    authority.connections(tmp_path, NOW)
    first = server_certificate(tmp_path)
    authority.connections(tmp_path, NOW + DAY)
    assert server_certificate(tmp_path) == first
    authority.connections(tmp_path, NOW + (SERVER_DAYS - SERVER_RENEWAL_DAYS) * DAY)
    assert server_certificate(tmp_path) != first


def test_a_server_that_runs_for_years_shows_the_new_one_to_who_comes_then(tmp_path: Path) -> None:
    def shown() -> x509.Certificate:
        return connections.serverConnectionForTLS(None).get_certificate(as_cryptography=True)

    authority = Authority.open(tmp_path, NOW)
    connections = authority.connections(tmp_path, NOW)
    first = shown()
    authority.renew(connections, tmp_path, NOW + DAY)
    assert shown() == first
    authority.renew(connections, tmp_path, NOW + (SERVER_DAYS - SERVER_RENEWAL_DAYS) * DAY)
    assert shown() == server_certificate(tmp_path) != first


def test_a_server_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    Authority.new(NOW).connections(tmp_path, NOW)
    foreign = server_certificate(tmp_path)
    ours = Authority.new(NOW)
    ours.connections(tmp_path, NOW)
    assert server_certificate(tmp_path).issuer == ours.certificate.subject != foreign.issuer


def test_a_lost_authority_is_not_replaced_silently(tmp_path: Path) -> None:
    Authority.open(tmp_path, NOW).connections(tmp_path, NOW)
    (tmp_path / "authority.pem").unlink()
    with pytest.raises(BrokenAuthority, match="authority.pem is gone: bring it back from a backup"):
        Authority.open(tmp_path, NOW)
    assert not (tmp_path / "authority.pem").exists()


@pytest.mark.parametrize("keep", [0, 30, 400])
def test_a_damaged_authority_is_named_and_left_alone(tmp_path: Path, keep: int) -> None:
    Authority.open(tmp_path, NOW)
    path = tmp_path / "authority.pem"
    damaged = path.read_bytes()[:keep]
    path.write_bytes(damaged)
    with pytest.raises(BrokenAuthority, match=re.escape(f"{path} is damaged")):
        Authority.open(tmp_path, NOW)
    assert path.read_bytes() == damaged


def test_no_key_shows_in_a_repr() -> None:
    assert "PRIVATE" not in repr(Authority.new(NOW)) and "PRIVATE" not in str(vars(Authority.new(NOW)))
