"""What a joined machine keeps."""

import json
import stat
import time
from pathlib import Path

import pytest

from marx.addresses import Address
from marx.certificates import certificate_as_pem, key_as_pem, new_key
from marx.credentials import FILE_NAME, Credentials, DamagedCredentials
from marx.server.authority import Authority
from tests.lab import certified

LAB, OTHER_LAB = Authority.new(time.time()), Authority.new(time.time())
ADDRESSES = [Address("lab.example.org", 1848), Address("2001:db8::1", 1849)]


def credentials(authority: Authority = LAB, role: str = "worker") -> Credentials:
    key, certificate = certified(authority, role=role)
    pems = (key_as_pem(key), certificate_as_pem(certificate), certificate_as_pem(authority.certificate))
    return Credentials.of(*(pem.decode() for pem in pems), ADDRESSES)


def test_they_are_found_again_as_they_were_saved(tmp_path: Path) -> None:
    saved = credentials()
    saved.save(tmp_path / "state")
    assert Credentials.load(tmp_path / "state") == saved
    assert (saved.role, saved.name, saved.addresses) == ("worker", "lab7", tuple(ADDRESSES))


def test_only_the_owner_can_read_them_and_new_ones_replace_the_old(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    credentials().save(folder)
    newer = credentials(OTHER_LAB)
    newer.save(folder)
    assert Credentials.load(folder) == newer
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


def test_what_others_may_read_is_not_used_and_the_sentence_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    credentials().save(folder)
    (folder / FILE_NAME).chmod(0o644)
    with pytest.raises(DamagedCredentials, match="others may read .* chmod 600 "):
        Credentials.load(folder)
    (folder / FILE_NAME).chmod(0o600)
    assert Credentials.load(folder)


def test_where_nobody_joined_there_are_none(tmp_path: Path) -> None:
    assert Credentials.load(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: {**content, "key": key_as_pem(new_key()).decode()},
        lambda content: {**content, "key": "x"},
        lambda content: {**content, "authority": certificate_as_pem(OTHER_LAB.certificate).decode()},
        lambda content: {**content, "addresses": ["no address"]},
        lambda content: {**content, "certificate": None},
        lambda content: {"role": "worker"},
        lambda content: [],
    ],
    ids=["another key", "no key", "another authority", "no address", "no certificate", "nearly empty", "a list"],
)
def test_a_damaged_file_is_named(tmp_path: Path, spoil: object) -> None:
    credentials().save(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(DamagedCredentials, match=f"{FILE_NAME} is damaged .*: join again"):
        Credentials.load(tmp_path)


def test_a_half_written_file_is_damaged(tmp_path: Path) -> None:
    credentials().save(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DamagedCredentials):
        Credentials.load(tmp_path)


def test_no_key_shows_in_a_repr() -> None:
    assert "PRIVATE" not in repr(credentials())
