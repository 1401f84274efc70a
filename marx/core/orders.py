"""The actions of one event, gathered in the order in which they may be carried out."""

from __future__ import annotations

from marx.core.actions import Action, Answer, SaveAttempt, Tell
from marx.core.model import Lease, Range


class Orders:
    """What one call of ``Scheduler.handle`` asks for: saves first, then what goes to workers, answers last."""

    def __init__(self) -> None:
        self._saves: list[Action] = []
        self._sends: list[Action] = []
        self._answers: list[Action] = []
        self._told: dict[str, None] = {}

    def save(self, action: Action) -> None:
        """Something must become durable."""
        self._saves.append(action)

    def send(self, action: Action) -> None:
        """Something goes out that promises nobody that anything is durable."""
        self._sends.append(action)

    def answer(self, worker: str | None, receipt: object, verdict: str, reason: str = "") -> None:
        """Somebody waits for a verdict; without a receipt nobody does."""
        if receipt is not None:
            self._answers.append(Answer(worker, receipt, verdict, reason))

    def tell(self, task: str) -> None:
        """Those who watch the task should look; however often this is said, they look once."""
        self._told[task] = None

    def save_attempt(
        self, lease: Lease, part: Range, outcome: str, item: int | None, reason: str, cargo: object = None
    ) -> None:
        """An attempt did not succeed, as far as this part of its items goes."""
        first, count = part[0], part[1] - part[0]
        self._saves.append(
            SaveAttempt(
                lease.task, lease.portion, first, count, lease.worker, lease.attempt, outcome, item, reason, cargo
            )
        )

    def take(self) -> list[Action]:
        """Everything gathered since the last call."""
        taken = self._saves + self._sends + self._answers + [Tell(task) for task in self._told]
        self._saves, self._sends, self._answers, self._told = [], [], [], {}
        return taken
