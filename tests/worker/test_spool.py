"""Large values are whole on disk under their digest, as long as a report names them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from marx.worker.spool import SpoolFolder

PARTS = [b"part one, ", b"", b"part two"]
DIGEST = hashlib.sha256(b"".join(PARTS)).hexdigest()


def spooled(folder: SpoolFolder) -> str:
    spool = folder.begin()
    for part in PARTS:
        spool.write(part)
    assert spool.size == 18
    return spool.finish()


def test_what_was_written_in_parts_is_found_by_its_digest(tmp_path: Path) -> None:
    folder = SpoolFolder(tmp_path / "outgoing")
    assert spooled(folder) == DIGEST
    assert folder.path(DIGEST).read_bytes() == b"part one, part two"


def test_a_file_goes_with_the_last_report_that_names_it(tmp_path: Path) -> None:
    folder = SpoolFolder(tmp_path)
    for _ in range(2):
        folder.want(spooled(folder))
    folder.unwant(DIGEST)
    assert folder.path(DIGEST).exists()
    folder.unwant(DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_finishes_leaves_nothing(tmp_path: Path) -> None:
    spool = SpoolFolder(tmp_path).begin()
    spool.write(b"half")
    spool.abandon()
    assert list(tmp_path.iterdir()) == []


def test_at_start_only_what_reports_name_stays(tmp_path: Path) -> None:
    first = SpoolFolder(tmp_path)
    spooled(first)
    unfinished = first.begin()
    unfinished.write(b"half")
    (tmp_path / "stray").write_bytes(b"")
    SpoolFolder(tmp_path).sweep([DIGEST])
    assert [path.name for path in tmp_path.iterdir()] == [DIGEST]
    unfinished.abandon()
