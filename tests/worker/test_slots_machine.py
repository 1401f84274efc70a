"""Grants, revokes and deaths in any order, of maps and of portions: every chunk gets one end, and results come once and in order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twisted.internet.defer import Deferred

from tests.fakes.floors import Floor


class SlotsMachine(RuleBasedStateMachine):
    """Two slots, two maps, one program's portions, and runners that load, work, die and lie idle."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.floor = Floor(Path(self.folder.name), count=2)
        self.floor.connect()
        for task in "ab":
            self.floor.carry(task)
        for portion in range(1, 5):
            self.floor.open(portion, state="%064x" % (portion % 2), files="%064x" % (portion % 3), task="p")
        self.granted: list[int] = []

    def alive(self) -> list[Any]:
        return [runner for runner in self.floor.starter.started if runner.child.status is None]

    def loaded(self) -> list[Any]:
        return [runner for runner in self.alive() if getattr(runner, "loaded", False)]

    @rule(task=st.sampled_from("ab"), slot=st.integers(0, 1), first=st.integers(0, 900), count=st.integers(1, 3))
    def grant(self, task: str, slot: int, first: int, count: int) -> None:
        self.granted += self.floor.grant(first, task=task, slot=slot, count=count)

    @rule(portion=st.integers(1, 5), slot=st.integers(0, 1), first=st.integers(0, 900))
    def grant_portion(self, portion: int, slot: int, first: int) -> None:
        self.granted += self.floor.grant(first, task="p", slot=slot, portion=portion)

    @rule(held=st.booleans())
    def hold_files(self, held: bool) -> None:
        waiting, self.floor.starter.bringing = self.floor.starter.bringing, Deferred() if held else None
        if waiting is not None:
            waiting.callback(None)
            self.floor.settle()

    @rule(pick=st.randoms(), gently=st.booleans())
    def revoke(self, pick: Any, gently: bool) -> None:
        if self.granted:
            self.floor.slots.revoke(pick.sample(self.granted, min(3, len(self.granted))), gently)
            self.floor.reactor.turn()

    @rule(pick=st.randoms(), succeeds=st.booleans())
    def load(self, pick: Any, succeeds: bool) -> None:
        waiting = [runner for runner in self.alive() if not getattr(runner, "loaded", False)]
        if waiting:
            runner = pick.choice(waiting)
            runner.loaded = succeeds
            runner.load() if succeeds else runner.fail_to_load("python")

    @rule(pick=st.randoms(), how=st.sampled_from(["run", "died", "exit", "cancel"]))
    def work(self, pick: Any, how: str) -> None:
        candidates = [(runner, fence) for runner in self.loaded() if (fence := self.next_of(runner)) is not None]
        if not candidates:
            return
        runner, fence = pick.choice(candidates)
        if fence in runner.cancelled:
            runner.ended(fence, "cancelled")
        elif how == "run":
            runner.run(fence)
        elif how == "died":
            runner.begin(fence).end(fence, "died", exit=None, signal=9)
        elif how == "exit":
            runner.begin(fence).exit(number=9)

    def next_of(self, runner: Any) -> int | None:
        ended = {fence for fence, _ in self.floor.sender.ends}
        return next((fence for fence in runner.chunks if fence not in ended), None)

    @precondition(lambda self: self.loaded())
    @rule(pick=st.randoms())
    def die_idle(self, pick: Any) -> None:
        runner = pick.choice(self.loaded())
        runner.exit(number=15)

    @invariant()
    def no_chunk_ends_twice_and_none_is_invented(self) -> None:
        ends = [fence for fence, _ in self.floor.sender.ends]
        assert len(ends) == len(set(ends)) and set(ends) <= set(self.granted)

    @invariant()
    def results_come_in_order_and_once(self) -> None:
        reached: dict[int, int] = {}
        for report in self.floor.sender.of_kind("results"):
            assert reached.get(report.fence, report.first) == report.first
            reached[report.fence] = report.first + report.count

    @invariant()
    def what_runs_does_so_over_the_files_of_its_portion(self) -> None:
        ended = {fence for fence, _ in self.floor.sender.ends}
        for runner in self.alive():
            at_runner = [frame.header for frame in runner.child.heard("C") if frame.header["chunk"] not in ended]
            for chunk in at_runner if runner.task == "p" else ():
                assert self.floor.starter.stands[runner.slot] == "%064x" % (chunk["portion"] % 3)

    def teardown(self) -> None:
        self.hold_files(False)
        for _ in range(500):
            if len(self.floor.sender.ends) == len(self.granted):
                break
            for runner in self.alive():
                if not getattr(runner, "loaded", False):
                    runner.loaded = True
                    runner.load()
                elif (fence := self.next_of(runner)) is not None:
                    runner.ended(fence, "cancelled") if fence in runner.cancelled else runner.run(fence)
            self.floor.reactor.advance(0.1)
        assert {fence for fence, _ in self.floor.sender.ends} == set(self.granted), "every chunk ends"
        self.folder.cleanup()


TestSlotsMachine = SlotsMachine.TestCase
TestSlotsMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
