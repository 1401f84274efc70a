"""Workers that are not like the others: one gets no further, on one everything goes wrong, some are asked to test themselves."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from marx.core.actions import Action
from marx.core.events import Event, WorkerTested
from tests.core.world import Laborer

small = st.integers(0, 12)
names = st.sampled_from(["alpha", "beta", "gamma"])


class Uneven(RuleBasedStateMachine):
    """A part of ``House``. asked: the workers that have not answered yet."""

    def __init__(self) -> None:
        super().__init__()
        self.laborers: dict[str, Laborer] = {}
        self.asked: set[str] = set()

    def happen(self, event: Event, lost: tuple[str, ...] = ()) -> list[Action]:
        raise NotImplementedError

    def deliver(self, laborer: Laborer) -> None:
        raise NotImplementedError

    def let_time_pass(self, seconds: float, heard: bool) -> None:
        raise NotImplementedError

    @rule(name=names, slot=small)
    def lag(self, name: str, slot: int) -> None:
        """One slot gets no further, while all others finish whatever they can get."""
        busy = self.laborers[name].busy_slots()
        slow = (name, busy[slot % len(busy)]) if busy else None
        for _ in range(4):
            for other in self.laborers.values():
                for at_work in other.busy_slots():
                    if other.connected and (other.offer.name, at_work) != slow:
                        chunk = other.queues[at_work][0]
                        if not chunk.complete:
                            other.report(at_work, chunk.lease.count, 0, 0.05)
                        other.end(at_work, "succeeded")
                self.deliver(other)
        self.let_time_pass(7.0, True)

    @rule(name=names, outcome=st.sampled_from(["died", "refused", "failed"]))
    def spoil(self, name: str, outcome: str) -> None:
        """On one worker everything goes wrong, while the others get on."""
        for _ in range(6):
            for laborer in [self.laborers[name], *self.laborers.values()]:
                is_bad = laborer is self.laborers[name]
                for slot in laborer.busy_slots() if laborer.connected else ():
                    chunk = laborer.queues[slot][0]
                    if not chunk.complete and (not is_bad or outcome == "failed"):
                        laborer.report(slot, 2, 2 if is_bad else 0, 0.05)
                    if not is_bad and not chunk.complete:
                        laborer.report(slot, chunk.lease.count, 0, 0.05)
                    laborer.end(slot, outcome if is_bad and outcome != "failed" else "succeeded", reason="all is lost")
                self.deliver(laborer)
            self.let_time_pass(1.0, True)

    @rule(passed=st.sampled_from([True, False, None]))
    def answer_tests(self, passed: bool | None) -> None:
        asked, self.asked = self.asked, set()
        for name in asked:
            self.happen(WorkerTested(name, passed, "a reason"))
