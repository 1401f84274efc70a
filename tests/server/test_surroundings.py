"""Who runs the server."""

from __future__ import annotations

import getpass
import os

from marx.server.surroundings import own_user


def test_a_user_without_a_name_goes_by_number(monkeypatch) -> None:
    def nobody_knows() -> str:
        raise KeyError("getpwuid(): uid not found: 61001")

    monkeypatch.setattr(getpass, "getuser", nobody_knows)
    assert own_user() == f"uid{os.getuid()}"
