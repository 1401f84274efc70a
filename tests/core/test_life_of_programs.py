"""Programs in a house in which everything happens: they open portions, add items, drop, are lost and started again, held."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from marx.core.actions import Action, RefusePortion
from marx.core.events import (
    ChunkEnded,
    Event,
    HoldAsked,
    ItemsAdded,
    ItemsReported,
    PortionDropped,
    PortionOpened,
    ReleaseAsked,
    TaskSubmitted,
    WorkerChanged,
)
from marx.core.model import Lease, TaskTerms
from tests.core.house import House, all_terms, names, rarely, small, wild
from tests.core.world import Laborer, Report

SEATS = {"alpha": 2, "beta": 1, "gamma": 0}
SPEAKERS = st.sampled_from(["mallory", "nobody", *SEATS])


class Theatre(House):
    """A house whose workers lend seats. What an attempt of a program has said so far is remembered by its fence."""

    def __init__(self) -> None:
        super().__init__()
        for name, seats in SEATS.items():
            laborer = self.laborers[name]
            laborer.offer = replace(laborer.offer, seats=seats)
        self.said: dict[int, dict[int, int]] = {}
        self.refused: set[tuple[str, int]] = set()

    # -- programs

    @initialize(terms=all_terms)
    def open_house(self, terms: TaskTerms) -> None:
        super().open_house()
        self.submit_program(terms)

    @precondition(lambda self: self.submitted < 6)
    @rule(terms=all_terms)
    def submit_program(self, terms: TaskTerms) -> None:
        self.submitted += 1
        terms = replace(terms, id=f"task-{self.submitted}", arrival=self.submitted, kind="run")
        self.happen(TaskSubmitted(terms, terms))
        self.happen(ItemsAdded(terms.id, 0, 0, 1, True, receipt="items"))

    @rule(name=names, seat=small, count=st.integers(0, 12), final=st.booleans(), home=rarely, is_said=st.booleans())
    def open_portion(self, name: str, seat: int, count: int, final: bool, home: bool, is_said: bool) -> None:
        """Attempts count their portions from 1: those of an earlier attempt are opened again, with as many items or others."""
        laborer, lease = self.laborers[name], self.some_program(name, seat)
        if lease is None:
            return
        said = self.said.setdefault(lease.fence, {})
        number = len(said) + 1
        said[number] = count
        minor = "2.7" if self.store.rows[lease.task].terms.python == "2.7" else "3.11"
        cargo = (minor if is_said else "", "home" if home else "open")
        laborer.program_says(lease.slot, PortionOpened, number, cargo[0], "home" if home else "lab", cargo=cargo)
        laborer.program_says(lease.slot, ItemsAdded, number, 0, count, final)
        self.deliver(laborer)

    @rule(name=names, seat=small, which=small, count=st.integers(0, 12), final=st.booleans())
    def add_to_portion(self, name: str, seat: int, which: int, count: int, final: bool) -> None:
        laborer, lease = self.laborers[name], self.some_program(name, seat)
        said = self.said.get(lease.fence) if lease is not None else None
        if lease is not None and said:
            number = which % len(said) + 1
            laborer.program_says(lease.slot, ItemsAdded, number, said[number], count, final)
            said[number] += count
            self.deliver(laborer)

    @rule(name=names, seat=small, which=small)
    def drop_portion(self, name: str, seat: int, which: int) -> None:
        laborer, lease = self.laborers[name], self.some_program(name, seat)
        said = self.said.get(lease.fence) if lease is not None else None
        if lease is not None and said:
            laborer.program_says(lease.slot, PortionDropped, which % len(said) + 1)
            self.deliver(laborer)

    @rule(name=names, seat=small, failing=rarely, really=rarely)
    def end_program(self, name: str, seat: int, failing: bool, really: bool) -> None:
        laborer, lease = self.laborers[name], self.some_program(name, seat)
        if lease is not None and really:
            laborer.report(lease.slot, 1, int(failing), 1.0)
            laborer.end(lease.slot, "succeeded")
            self.deliver(laborer)

    @rule(name=names, seat=small, outcome=st.sampled_from(["died", "refused", "cancelled", "succeeded"]), seen=rarely, fatal=rarely)
    def end_program_badly(self, name: str, seat: int, outcome: str, seen: bool, fatal: bool) -> None:
        laborer, lease = self.laborers[name], self.some_program(name, seat)
        if lease is not None:
            item = 0 if seen else None
            laborer.end(lease.slot, outcome, item=item, reason="a reason", fatal=fatal and outcome == "refused")
            self.deliver(laborer)

    @rule(name=names)
    def refuse_a_chunk_of_a_portion(self, name: str) -> None:
        laborer = self.laborers[name]
        for slot in laborer.busy_slots():
            if laborer.queues[slot][0].lease.portion > 0:
                laborer.end(slot, "refused", reason="its state cannot be loaded", fatal=True)
                self.deliver(laborer)
                return

    @rule(name=names, seats=st.integers(0, 2))
    def change_seats(self, name: str, seats: int) -> None:
        laborer = self.laborers[name]
        if laborer.connected:
            laborer.offer = replace(laborer.offer, seats=seats)
            self.happen(WorkerChanged(laborer.offer))
            self.deliver(laborer)

    # -- people

    @precondition(lambda self: self.store.rows)
    @rule(which=small, release=st.booleans())
    def hold_or_release(self, which: int, release: bool) -> None:
        task, _ = self.some_row(which)
        self.happen(ReleaseAsked(task, "ada") if release else HoldAsked(task, "ada"))

    # -- lies

    @rule(speaker=SPEAKERS, which=small, fence=wild, portion=wild, first=wild, count=wild, kind=st.integers(0, 2))
    def lie_about_portions(self, speaker: str, which: int, fence: int, portion: int, first: int, count: int, kind: int) -> None:
        """Under a fence of another's, or of a chunk that is no program, or one that nobody gave."""
        if self.leases and fence % 2:
            lease = self.leases[fence % len(self.leases)]
            fence = lease.fence if (lease.worker, lease.slot < 0) != (speaker, True) else -1
        task = f"task-{which}"
        lies: tuple[Report, ...] = (
            PortionOpened(speaker, fence, task, portion, "9.9", receipt="lie"),
            PortionDropped(speaker, fence, task, portion, receipt="lie"),
            ItemsAdded(task, portion, first, count, True, receipt="lie", worker=speaker, fence=fence),
        )
        assert [answer.verdict for answer in self.answers(self.happen(lies[kind]))] == ["not yours"]

    # -- what must always hold

    @invariant()
    def no_program_is_left_running_for_nobody(self) -> None:
        """Of a worker that hears everything each program has a live lease, or has been asked to end."""
        for laborer in self.laborers.values():
            for seat in laborer.busy_seats() if laborer.connected and not laborer.outbox else ():
                fence = laborer.queues[seat][0].lease.fence
                assert self.scheduler.is_live(fence), f"{laborer.offer.name} runs a program under {fence}, which is dead"

    @invariant()
    def refusals_are_remembered_as_long_as_they_matter(self) -> None:
        for task, portion in self.refused:
            if self.remembered(task):
                dropped = self.store.rows[task].opened[portion][1] == "dropped"
                assert (portion in self.scheduler.refusals(task)) != dropped

    def start_server(self) -> None:
        super().start_server()
        self.refused.clear()  # that is not stored: it is found out once more

    def teardown(self) -> None:
        if self.epoch:
            for task, row in self.store.rows.items():
                if row.held and not row.ended:
                    self.happen(ReleaseAsked(task, "ada"))
        super().teardown()

    # -- what surrounds them

    def happen(self, event: Event, lost: tuple[str, ...] = ()) -> list[Action]:
        actions = super().happen(event, lost)
        self.refused |= {(action.task, action.portion) for action in actions if isinstance(action, RefusePortion)}
        return actions

    def was_fair(self, event: Report, verdict: str) -> None:
        """Whoever runs a program is believed; the only other reason to forget what it said is that it was lost or has ended."""
        super().was_fair(event, verdict)
        if isinstance(event, (ItemsReported, ChunkEnded)):
            return
        main = self.scheduler.main_lease(event.task)
        if verdict == "not yours":
            assert main is None or main.fence != event.fence or self.store.rows[event.task].state in ("stopping", "done", "failed")
        elif isinstance(event, PortionOpened):
            assert event.portion in self.store.rows[event.task].opened
        elif isinstance(event, ItemsAdded) and verdict == "accepted":
            assert self.store.rows[event.task].totals[event.portion][0] >= event.first + event.count

    def some_program(self, name: str, which: int) -> Lease | None:
        """A program that runs on a worker, and has not ended yet."""
        laborer: Laborer = self.laborers[name]
        running = [seat for seat in laborer.busy_seats() if not laborer.queues[seat][0].complete]
        return laborer.queues[running[which % len(running)]][0].lease if running else None


Theatre.TestCase.settings = settings(
    max_examples=100, stateful_step_count=60, suppress_health_check=list(HealthCheck), deadline=None
)
TestTheatre = Theatre.TestCase
