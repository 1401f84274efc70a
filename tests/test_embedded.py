"""The embedded lab of --local takes the best sandbox that works on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx import embedded
from marx.worker.bare import Bare
from marx.worker.sandbox import NoSandbox


@pytest.mark.parametrize(("working", "taken"), [({"bwrap", "landlock"}, "bwrap"), ({"landlock"}, "landlock"), (set(), "none")])
def test_the_best_level_that_works_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, working: set[str], taken: str) -> None:
    def choose(level: str, folder: Path) -> Bare:
        if level not in working | {"none"}:
            raise NoSandbox(level)
        chosen = Bare(None)
        chosen.level = level
        return chosen

    monkeypatch.setattr(embedded, "choose", choose)
    assert embedded._best(tmp_path).level == taken
