"""The real store of codes and certificates keeps the same contract as the double."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted

from marx.server.identity_records import IdentityRecords
from marx.server.store import Store
from tests.server.identity_records import IdentityRecordsContract


class TestStoredRecords(IdentityRecordsContract):
    @pytest_twisted.async_yield_fixture
    async def records(self, tmp_path: Path) -> AsyncIterator[IdentityRecords]:
        from twisted.internet import reactor

        store = Store.open(f"sqlite:///{tmp_path}/marx.sqlite", reactor)
        yield IdentityRecords(store)
        await store.close()
