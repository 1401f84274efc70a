"""A server for each test that asks for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest_twisted

from tests.server.room import Room


@pytest_twisted.async_yield_fixture
async def room(tmp_path: Path) -> Any:
    """A running server in a folder of its own."""
    from twisted.internet import reactor

    room = Room(tmp_path, reactor)
    await room.begin()
    yield room
    await room.end()
