"""What `tasker show` says of a task of which nothing moves: the true obstacle, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest_twisted

from marx.wire import tasker
from tests.server.test_straight_line import ended


async def why(ada: Any, task: str) -> str:
    return (await ada.ask(tasker.ShowTask, task=task))["shown"]["why_waiting"]


@pytest_twisted.ensureDeferred
async def test_each_obstacle_is_named(room) -> None:
    ada = await room.tasker()
    task = await ada.submit(1, 2, chunk_items=1)
    assert await why(ada, task) == "No worker is connected."
    lab = await room.worker(slots=0)
    assert await why(ada, task) == "lab-1 could run it, but lends no slots."
    await lab.offer(slots=1, paused=True)
    assert await why(ada, task) == "lab-1 could run it, but is paused."
    picky = await ada.submit(1, labels={"gpu": "yes"})
    assert await why(ada, picky) == "The only worker, lab-1, lacks gpu=yes."
    await lab.offer(slots=1)
    grant = (await lab.until(lambda: lab.grants))[0]
    assert await why(ada, task) == "The only slot that can run it now is busy with it."
    await lab.report(ended(grant, "refused", reason="its disk is full"))
    assert (await why(ada, task)).startswith("lab-1 could not run it (its disk is full); it is tried again in ")
    await ada.ask(tasker.HoldTask, task=task)
    assert await why(ada, task) == "It is held by ada."


@pytest_twisted.ensureDeferred
async def test_what_is_with_a_worker_that_is_away_says_until_when(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(1)
    await lab.until(lambda: lab.grants)
    lab.hang_up()
    while not (said := await why(ada, task)):
        assert "lab-1" in room.parts.directory.links, "it is cut off, and nobody is told"
    assert said.startswith("What is not done is with lab-1, which is cut off: it goes to others in ")
