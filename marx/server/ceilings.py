"""
The most that one task may ask for: pure.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Mapping

from marx.wire.calls import TooLarge


@dataclass(frozen=True, slots=True)
class Ceilings:
    """By the field of a specification, in seconds; None: there is no such limit."""

    timeout: float | None = None
    item_timeout: float | None = None
    silence: float | None = None


def within(ceilings: Ceilings, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The specification, with a ceiling where it asks for nothing. Raises TooLarge where it asks for more."""
    limited = dict(spec)
    for name, most in asdict(ceilings).items():
        asked = limited.get(name)
        if most is None:
            continue
        if asked is not None and asked > most:
            option = name.replace("_", "-")
            raise TooLarge(f"--{option} {asked:g}s is more than a task of this server may have: {most:g}s ({name})")
        limited[name] = most if asked is None else asked
    return limited
