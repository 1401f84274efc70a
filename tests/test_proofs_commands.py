"""The proofs' commands themselves, on a real lab, shortened; and what stands in the project's records."""

import json

import pytest
from click.testing import CliRunner

from tests.proofs.chaos import chaos
from tests.proofs.differential import differential
from tests.proofs.foreign.__main__ import foreign
from tests.proofs.fresh_debian import fresh_debian
from tests.proofs.fuzzing import fuzzing
from tests.proofs.killing import killing
from tests.proofs.kills import kills
from tests.proofs.real_programs import real_programs
from tests.source import CHECKOUT

RECORDS = CHECKOUT / "docs" / "proofs"


def test_plain_python_agrees_with_itself_about_a_few_generated_programs(tmp_path) -> None:
    ran = CliRunner().invoke(differential, ["--plain", "--programs", "8", "--seed", "1", "--cases", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "8 programs" in ran.output and "0 different, 0 without one outcome" in ran.output


@pytest.mark.slow
def test_whatever_is_killed_every_result_and_line_of_a_map_is_right() -> None:
    """One per cent of the proof."""
    ran = CliRunner().invoke(kills, ["--items", "2000", "--seed", "1848"])
    assert ran.exit_code == 0, ran.output


@pytest.mark.parametrize("command", [chaos, differential, foreign, fresh_debian, fuzzing, killing, kills, real_programs])
def test_a_command_says_what_it_does(command) -> None:
    ran = CliRunner().invoke(command, ["--help"])
    assert ran.exit_code == 0 and "Usage" in ran.output


@pytest.mark.parametrize("name", sorted(record.stem for record in RECORDS.glob("*.json")))
def test_a_record_for_programs_has_its_page_for_people(name: str) -> None:
    record = json.loads((RECORDS / f"{name}.json").read_text())
    assert record["circumstances"]["commit"] in (RECORDS / f"{name}.rst").read_text()
