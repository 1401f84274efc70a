"""
What a start finds in the store: every task that has not ended, for the directory, the item shelf and the scheduler.
"""

from __future__ import annotations

import json

from marx.core.events import TaskRestored
from marx.core.model import Finished, Tried
from marx.server.directory import Directory, LiveTask, terms_of
from marx.server.items import ItemShelf
from marx.server.program_records import PortionRecord
from marx.server.store import Store


async def restore(store: Store, shelf: ItemShelf, directory: Directory) -> list[TaskRestored]:
    """
    Fill ``directory`` and ``shelf``; the events for the scheduler, oldest task first.

    After a failed commit the directory has tasks already: whoever watched one goes on, and hears of its end if it is not open any more.
    """
    before, directory.tasks = directory.tasks, {}
    restored = []
    for task in await store.load_unfinished():
        spec = json.loads(task.record.spec_json)
        live = LiveTask(task.record.id, task.record.user, task.record.name, spec, task.record.submitted_utc, stored=True)
        live.output_bytes = task.output_bytes
        if live.id in before:
            live.watches = before.pop(live.id).watches
        directory.tasks[live.id] = live
        weights = {}
        for portion in task.portions:
            shelf.restore(live.id, portion.portion, await store.item_firsts(live.id, portion.portion))
            weights[portion.portion] = await store.item_weights(live.id, portion.portion)
        restored.append(
            TaskRestored(
                terms_of(live.id, live.user, spec, arrival=int(live.submitted_utc * 1000)),
                task.state,
                {portion.portion: (portion.known, portion.final) for portion in task.portions},
                tuple(Finished(portion.portion, portion.done, portion.failed) for portion in task.portions),
                tried=tuple(Tried(a.portion, a.first, a.count, a.worker, a.outcome, a.item, a.reason) for a in task.attempts),
                failures=len(task.attempts),
                held=task.held,
                portions={one.portion: (one.python, state_of(one)) for one in task.opened},
                spent_seconds=task.spent_seconds,
                weights=weights,
            )
        )
    for task in before.values():
        for watch in list(task.watches):
            watch.ended()
    return restored


def state_of(opened: PortionRecord) -> str:
    """The state of a portion that a program opened, as the scheduler has it."""
    if opened.place == "home":
        return "home"
    return "dropped" if opened.dropped else "open"
