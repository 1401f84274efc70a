"""An item that takes down whatever runs it: in the end it has an error, which tells all that was seen of it, and so does `tasker show`."""

from __future__ import annotations

import pytest_twisted

from marx.wire import tasker
from tests.server.test_straight_line import ended, printed


@pytest_twisted.ensureDeferred
async def test_an_item_that_is_lost_again_and_again_tells_where_and_how(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit("poison", "too", chunk_items=2)
    watch = await ada.watch(task)
    told = {"reason": "its runner was killed by signal 9", "evidence": 'its last lines were "loading poison"'}
    for lost in range(4):
        grant = (await lab.until(lambda lost=lost: lab.grants[lost : lost + 1]))[0]
        await lab.report(ended(grant, "died", **told) if grant[4] > 1 else ended(grant))
    await ada.until_complete(watch)
    for line in printed(ada.results[watch]):
        assert line["error"]["type"] == "ItemLost"
        assert line["error"]["message"].startswith("it was lost 3 times, and is not tried again: on lab-1: its runner was killed by signal 9; ")
        assert 'its last lines were "loading poison"; on lab-1: ' in line["error"]["message"]
    shown = (await ada.ask(tasker.ShowTask, task=task))["shown"]
    assert [(each["worker"], each["outcome"]) for each in shown["attempts"]][0] == ("lab-1", "died")
    assert "loading poison" in shown["attempts"][0]["reason"]
