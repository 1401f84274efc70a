"""
Listing a task's artifacts and bringing them home.
"""

from __future__ import annotations

import json
import os
from typing import Any, AsyncIterator, Callable, Mapping

from marx.tasker.landing import Artifact, Dates, Landing, Misplaced
from marx.tasker.link import Connection
from marx.tasker.session import Session
from marx.tasker.surroundings import Place
from marx.tasker.transfer import fetch_blob
from marx.wire.tasker import ListArtifacts


async def list_artifacts(connection: Connection, task: str) -> AsyncIterator[dict[str, Any]]:
    """Every entry, page by page."""
    after: Any = None
    while True:
        page = await connection.ask_until_answered(ListArtifacts, task=task, after=after)
        for entry in page["artifacts"]:
            yield entry
        after = page["after"]
        if after is None:
            return


def roots_at_home(origin: Mapping[str, Any], artifacts: str | None, place: Place) -> list[str] | None:
    """
    The folders that a task's files go to; None where that is nowhere: it was started on another machine or from another folder.

    ``origin``: its specification's ``submitted_from``. ``artifacts``: the folder that the person named; its further roots, where there are
    any, become folders in it.
    """
    roots = list(origin.get("roots") or [])
    if artifacts is not None:
        target = os.path.join(place.folder, artifacts)
        return [target if number == 0 else os.path.join(target, os.path.basename(root)) for number, root in enumerate(roots)]
    return roots if (origin.get("host"), origin.get("folder")) == (place.host, place.folder) else None


async def bring_home(session: Session, task: str, origin: Mapping[str, Any], artifacts: str | None) -> None:
    """
    Save every file that the task made where :func:`roots_at_home` says, if anywhere.

    What cannot be saved is said, and the rest goes on.
    """
    roots = roots_at_home(origin, artifacts, session.around.place)
    if roots is None:
        return
    connection = session.connection
    # What lies in a folder that the person named is nothing that was sent.
    manifest = origin.get("manifest") if artifacts is None else None
    sent = SentFiles(manifest, lambda digest: fetch_blob(connection, task, digest))
    landing = Landing(roots, task, float(origin.get("utc") or 0.0), session.around.wall, sent.fetch, sent.dates)
    async for entry in list_artifacts(connection, task):
        try:
            sentence = await landing.land(Artifact.of(entry))
        except Misplaced as error:
            sentence = str(error)
        if sentence:
            await session.screen.complain(sentence)


class SentFiles:
    """What went along with a task. ``manifest``: the blob that lists it; None where a file's date then says nothing, as when it is run again."""

    def __init__(self, manifest: str | None, fetch: Callable[[str], AsyncIterator[bytes]]) -> None:
        self.fetch = fetch
        self._manifest = manifest
        self._dates: Dates | None = None

    async def dates(self) -> Dates:
        """When each file had been written; fetched when it is first asked for. Raises Trouble."""
        if self._dates is None:
            raw = b"".join([part async for part in self.fetch(self._manifest)]) if self._manifest else b"[]"
            rows = (row for row in json.loads(raw) if len(row) > 6 and row[6] is not None)
            self._dates = {(row[0], row[1]): row[6] for row in rows}
        return self._dates
