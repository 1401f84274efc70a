"""docs/security.rst says of every attack what contains it."""

from __future__ import annotations

from tests.attacks import hostile
from tests.attacks.table import PROBES, as_rst, longer_as_rst, resources_as_rst
from tests.source import CHECKOUT


def test_every_attack_of_the_table_is_in_the_documentation() -> None:
    documented = (CHECKOUT / "docs" / "security.rst").read_text()
    assert as_rst() in documented and longer_as_rst() in documented and resources_as_rst() in documented


def test_every_attack_of_the_table_is_a_program_of_its_own() -> None:
    assert [attack.name for attack in PROBES if not callable(getattr(hostile, attack.name, None))] == []
    assert len({attack.name for attack in PROBES}) == len(PROBES)
