"""What others may send is refused by who reads it and surprises nobody: a share of the fuzzing, and every input that once did."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proofs import fuzzing as command
from tests.proofs.fuzz.links import Besieged, Surprise, drawn, drawn_reports
from tests.proofs.fuzz.readers import READERS, Reader
from tests.server.guarded_room import GuardedRoom
from tests.source import CHECKOUT

FUZZED = CHECKOUT / "tests" / "fuzzed"
BY_NAME = {reader.name.replace(" ", "-"): reader for reader in READERS}


def kept(kind: str) -> list[Path]:
    return sorted(FUZZED.glob(f"{kind}-*"))


@pytest_twisted.async_yield_fixture
async def besieged(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    room = GuardedRoom(tmp_path, reactor)
    await room.begin()
    besieged = Besieged(room)
    await besieged.begin()
    yield besieged
    await room.end()


@settings(max_examples=100 * len(READERS))
@given(reader=st.sampled_from(READERS), random=st.randoms(use_true_random=False))
def test_whatever_is_drawn_its_reader_refuses_it_or_takes_it(reader: Reader, random: Random) -> None:
    reader.read(reader.draw(random))


@pytest.mark.parametrize("path", [path for name in BY_NAME for path in kept(name) if "under-a-lease" not in path.name], ids=lambda path: path.name)
def test_what_surprised_a_reader_once_does_so_no_more(path: Path) -> None:
    reader = next(reader for name, reader in BY_NAME.items() if path.name.startswith(name))
    reader.read(path.read_bytes())


@pytest_twisted.ensureDeferred
async def test_what_surprised_the_server_once_does_so_no_more(besieged: Besieged) -> None:
    for path in kept("session"):
        role = path.name.split("-")[1].replace("stranger", "")
        await besieged.try_in_memory([(role, path.read_bytes())])
        await besieged.try_over_tls(role, path.read_bytes())
    for path in kept("reports-under-a-lease"):
        await besieged.try_reports(path.read_bytes())


@pytest_twisted.ensureDeferred
async def test_no_session_harms_the_server_or_anybody_else(besieged: Besieged) -> None:
    for first in range(0, 450, 45):
        await besieged.try_in_memory([drawn(1, number) for number in range(first, first + 45)])
    for number in range(12):
        await besieged.try_over_tls(*drawn(2, number))
        await besieged.try_reports(drawn_reports(1, number))


@pytest_twisted.ensureDeferred
async def test_a_server_that_fails_over_a_session_is_found(besieged: Besieged, monkeypatch: pytest.MonkeyPatch, logged_failures: Any) -> None:
    monkeypatch.setattr("marx.server.status.Status.workers", lambda self: [][0])
    with pytest.raises(Surprise, match="IndexError"):
        for first in range(0, 450, 45):
            await besieged.try_in_memory([drawn(1, number) for number in range(first, first + 45)])
    assert logged_failures.flush(IndexError)


def test_a_reader_that_fails_over_an_input_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.proofs.fuzz.readers.check_spec", lambda spec: spec["kind"].upper())
    options = ["--inputs", "500", "--seed", "1", "--only", "specifications", "--cases", str(tmp_path / "cases"), "--record", str(tmp_path)]
    ran = CliRunner().invoke(command.fuzzing, options)
    assert ran.exit_code == 1 and "specifications: " in ran.output
    assert list((tmp_path / "cases").iterdir()) and "specifications: " in (tmp_path / "fuzzing.rst").read_text()
