"""
Yesterday's peers and today's: the commands as they were when protocol 1 was young are in `kept/protocol-1.json`, a "?" for what is optional.

What was added since must be optional on both sides, so that each side may be the older one; what would be misread raises the version.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from marx.wire import calls, hello

KEPT: dict[str, Any] = json.loads(Path(__file__).with_name("kept").joinpath("protocol-1.json").read_text())


def today(name: str) -> type[calls.MarxCommand]:
    module, _, command = name.partition(".")
    return getattr(importlib.import_module(f"marx.wire.{module}"), command)


#: Types that came later and write what an older one wrote; they only look closer at what they read.
SAME_FORM = {"Words": "Json"}


def said_today(fields: Any) -> dict[str, str]:
    def form(kind: Any) -> str:
        return SAME_FORM.get(type(kind).__name__, type(kind).__name__) + "?" * bool(kind.optional)

    return {name.decode(): form(kind) for name, kind in fields}


def misread(kept: dict[str, str], now: dict[str, str]) -> list[str]:
    """What one of the two sides would not understand of the other."""
    lost = [f"{name} is gone" for name in kept if name not in now]
    changed = [f"{name} was {kept[name]} and is {now[name]}" for name in kept if now.get(name, kept[name]).rstrip("?") != kept[name].rstrip("?")]
    asked = [f"{name} is needed now" for name, kind in now.items() if not kind.endswith("?") and kept.get(name, "?").endswith("?")]
    lacking = [f"{name} was needed and may lack now" for name, kind in kept.items() if not kind.endswith("?") and now.get(name, "").endswith("?")]
    return lost + changed + asked + lacking


def test_the_rule_sees_what_would_be_misread() -> None:
    kept = {"task": "Unicode", "count": "Integer?"}
    assert misread(kept, {**kept, "new": "Json?"}) == []
    assert misread(kept, {**kept, "new": "Json"}) == ["new is needed now"]
    assert misread(kept, {"task": "Unicode"}) == ["count is gone"]
    assert misread(kept, {**kept, "count": "Float?"}) == ["count was Integer? and is Float?"]
    assert misread(kept, {**kept, "count": "Integer"}) == ["count is needed now"]
    assert misread(kept, {**kept, "task": "Unicode?"}) == ["task was needed and may lack now"]


@pytest.mark.skipif(hello.OLDEST_VERSION > 1, reason="protocol 1 is not spoken any more")
@pytest.mark.parametrize("name", sorted(KEPT))
def test_who_speaks_protocol_1_is_understood_and_understands(name: str) -> None:
    command = today(name)
    assert misread(KEPT[name]["arguments"], said_today(command.arguments)) == []
    assert misread(KEPT[name]["response"], said_today(command.response)) == []
