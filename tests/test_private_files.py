"""Files that hold secrets."""

import os
import stat
from pathlib import Path

import pytest

from marx.private_files import make_private_folder, why_not_private, write_private


@pytest.fixture(autouse=True)
def loose_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_only_the_owner_can_read_them_whatever_the_umask(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "above" / "state")
    write_private(tmp_path / "above" / "state" / "key", b"secret")
    assert stat.S_IMODE((tmp_path / "above" / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "above" / "state" / "key").stat().st_mode) == 0o600


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_private_folder(tmp_path / "shared")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755


def test_the_old_file_is_replaced_whole_with_the_left_over_of_a_crash_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, b"old")
    path.chmod(0o644)
    (tmp_path / ".key.new").write_bytes(b"half writ")
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_when_the_new_one_cannot_be_written_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    write_private(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_link_put_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    (tmp_path / ".key.new").symlink_to(victim)
    write_private(tmp_path / "key", b"secret")
    assert victim.read_bytes() == b"untouched"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_secret_that_others_may_read_is_named_with_what_mends_it(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "my state"
    make_private_folder(state)
    write_private(state / "key", b"secret")
    assert why_not_private(state, ["key", "not there"]) is None
    (state / "key").chmod(mode)
    sentence = why_not_private(state, ["not there", "key"])
    assert sentence == f"others may read {state}/key, which holds secrets (mode {mode:04o}): chmod 600 '{state}/key'"
    os.system(sentence.rpartition(": ")[2])
    assert why_not_private(state, ["key"]) is None


def test_a_folder_into_which_others_may_write_is_named_with_what_mends_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    sentence = why_not_private(state, [])
    assert sentence == f"others may put files into {state}: chmod go-w {state}"
    os.system(sentence.rpartition(": ")[2])
    assert why_not_private(state, []) is None


@pytest.mark.needs_root
def test_a_secret_of_somebody_elses_is_named(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"secret")
    os.chown(tmp_path / "key", 61001, 61001)
    assert "belongs to user 61001: chown 0" in str(why_not_private(tmp_path, ["key"]))
