"""A house in which everything happens: workers join, die, lie, repeat themselves and come back, the server is restarted.

Held against the store's model: no item gets a second result, none is lost, `check()` holds after each event, and when the
troubles end, every task does. Run by `test_life_of_a_house`, and with programs in it by `test_life_of_programs`.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from marx.core.actions import Action, Answer, AskToTest, Grant, Revoke, Shorten, WakeAt
from marx.core.events import (
    CancelAsked,
    ChunkEnded,
    Event,
    ItemsAdded,
    ItemsReported,
    TaskForgotten,
    TaskSubmitted,
    Ticked,
    WorkerChanged,
    WorkerCut,
    WorkerHeard,
    WorkerJoined,
    WorkerLeft,
)
from marx.core.model import Held, Interpreter, Lease, Policy, TaskTerms
from marx.core.scheduler import Scheduler
from tests.core.builders import PYTHONS, offer
from tests.core.uneven import Uneven, names, small
from tests.core.watchdog import neglected
from tests.core.world import Laborer, Report, Row, Store

POLICY = Policy(lease_seconds=60, program_losses=4, elsewhere_seconds=5, target_seconds=0.5, ended_tasks=3, story_events=50, copy_share=1.0)
ONLY_3 = (Interpreter("3.11.7", "/usr/bin/python3"),)
LABORERS = {"alpha": offer("alpha", 2), "beta": offer("beta", 1, interpreters=ONLY_3), "gamma": offer("gamma", 3)}
NOT_SENT = ("again", "lie")
"""Receipts of what did not come from an outbox."""
LIAR = offer("mallory", 1, users=frozenset({"mallory"}))

wild = st.one_of(small, st.integers(-(2**70), 2**70))
rarely = st.integers(0, 7).map(lambda drawn: drawn == 7)
all_terms = st.builds(
    TaskTerms,
    id=st.just(""),
    user=st.sampled_from(["ada", "bob"]),
    python=st.sampled_from(["", "3", "2.7"]),
    max_slots=st.sampled_from([None, None, 1, 2]),
    priority=st.integers(0, 1),
    retries=st.sampled_from([0, 1, 3]),
    stop_on_error=rarely,
    chunk_items=st.sampled_from([None, None, 1, 4]),
    start_within=st.sampled_from([None, None, None, 300.0]),
    timeout=st.sampled_from([None, None, None, 200.0]),
)


class House(Uneven):
    """The scheduler, its store, three honest workers that have bad luck, and one that lies."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.epoch = 0
        self.now = 0.0
        self.wake_at: float | None = None
        self.leases: list[Lease] = []
        self.laborers = {name: Laborer(lent) for name, lent in LABORERS.items()}
        self.forgotten: set[str] = set()
        self.runs: dict[tuple[str, int, int], set[int]] = {}
        self.boots = 1
        self.submitted = 0

    @initialize()
    def open_house(self) -> None:
        self.start_server()
        for name in LABORERS:
            self.join(name)

    def start_server(self) -> None:
        self.epoch += 1
        self.wake_at = None
        awaited = LABORERS if self.epoch % 2 else ()
        self.scheduler = Scheduler(self.epoch, POLICY, awaited)
        for laborer in self.laborers.values():
            laborer.connected = False
        for row in self.store.rows.values():
            if not row.ended:
                self.happen(row.restored())

    # -- what comes from the taskers

    @precondition(lambda self: self.submitted < 6)
    @rule(terms=all_terms, count=st.integers(0, 30), final=st.booleans())
    def submit(self, terms: TaskTerms, count: int, final: bool) -> None:
        self.submitted += 1
        terms = replace(terms, id=f"task-{self.submitted}", arrival=self.submitted)
        self.happen(TaskSubmitted(terms, terms))
        self.happen(ItemsAdded(terms.id, 0, 0, count, final, receipt="items"))

    @precondition(lambda self: self.store.rows)
    @rule(which=small, first=st.one_of(st.none(), wild), count=st.one_of(small, wild), final=st.booleans())
    def add_items(self, which: int, first: int | None, count: int, final: bool) -> None:
        task, row = self.some_row(which)
        known = row.totals.get(0, (0, False))[0]
        if first is None:
            first, count = known, abs(count) % 13
        elif first == known:
            count = min(count, 13)
        [answer] = self.answers(self.happen(ItemsAdded(task, 0, first, count, final, receipt="items")))
        if answer.verdict == "known":
            assert first + count <= row.totals.get(0, (0, False))[0]

    @precondition(lambda self: self.store.rows)
    @rule(which=small, forget=st.booleans(), really=rarely)
    def cancel(self, which: int, forget: bool, really: bool) -> None:
        task, _ = self.some_row(which)
        if really and forget:
            self.forgotten.add(task)
            self.happen(TaskForgotten(task))
        elif really:
            self.happen(CancelAsked(task, "ada"))

    # -- honest workers

    @rule(name=names)
    def join(self, name: str) -> None:
        laborer = self.laborers[name]
        laborer.connected = True
        self.happen(WorkerJoined(laborer.offer, laborer.held()))
        self.deliver(laborer)

    @rule(name=names, count=st.integers(1, 9), failing=st.sampled_from([0, 0, 0, 1, 2]), slot=small)
    def work(self, name: str, count: int, failing: int, slot: int) -> None:
        laborer = self.laborers[name]
        busy = laborer.busy_slots()
        if busy:
            slot = busy[slot % len(busy)]
            if not laborer.queues[slot][0].complete:
                laborer.report(slot, count, failing, count * 0.05)
            if laborer.queues[slot][0].complete:
                laborer.end(slot, "succeeded")
            self.deliver(laborer)

    @rule(name=names, outcome=st.sampled_from(["died", "died", "refused", "cancelled"]), seen=st.booleans(), fatal=rarely)
    def end_badly(self, name: str, outcome: str, seen: bool, fatal: bool) -> None:
        laborer = self.laborers[name]
        for slot in laborer.busy_slots()[:1]:
            chunk = laborer.queues[slot][0]
            item = chunk.reached if seen and not chunk.complete else None
            laborer.end(slot, outcome, item=item, reason="a reason", fatal=fatal and outcome == "refused")
            self.deliver(laborer)

    @rule(name=names, answered=st.integers(0, 2))
    def break_link(self, name: str, answered: int) -> None:
        """The reports arrive, but only the first of their answers do."""
        laborer = self.laborers[name]
        if laborer.connected:
            for event in list(laborer.pending()):
                answers = self.answers(self.happen(event, lost=(name,)))
                for answer in answers[:answered]:
                    laborer.take(answer)
            laborer.connected = False
            self.happen(WorkerCut(name))

    @rule(name=names)
    def kill_daemon(self, name: str) -> None:
        laborer = self.laborers[name]
        self.boots += 1
        if laborer.connected:
            self.happen(WorkerCut(name))
        laborer.restart(f"boot-{self.boots}")

    @rule(name=names, really=rarely)
    def leave(self, name: str, really: bool) -> None:
        laborer = self.laborers[name]
        if laborer.connected and really:
            self.boots += 1
            laborer.restart(f"boot-{self.boots}")
            self.happen(WorkerLeft(name))

    @rule(name=names, paused=rarely, draining=rarely, slots=st.integers(0, 4))
    def change_offer(self, name: str, paused: bool, draining: bool, slots: int) -> None:
        laborer = self.laborers[name]
        if laborer.connected:
            laborer.offer = replace(laborer.offer, paused=paused, draining=draining, slots=slots)
            self.happen(WorkerChanged(laborer.offer))
            self.deliver(laborer)

    @rule(name=names)
    def repeat_a_report(self, name: str) -> None:
        """The answer takes long, and the worker says it again."""
        laborer = self.laborers[name]
        for event in list(laborer.pending())[:1]:
            if laborer.connected:
                self.happen(replace(event, receipt="again"))

    # -- time, and the server's own troubles

    @rule(seconds=st.sampled_from([0.01, 1.0, 7.0, 40.0, 61.0]), heard=st.booleans())
    def let_time_pass(self, seconds: float, heard: bool) -> None:
        self.now += seconds
        for name, laborer in self.laborers.items():
            if laborer.connected and heard:
                self.happen(WorkerHeard(name))
        self.happen(Ticked())

    @rule(really=rarely)
    def restart_server(self, really: bool) -> None:
        if really:
            self.start_server()

    # -- lies

    @rule(speaker=st.sampled_from(["mallory", "nobody", *LABORERS]), which=small, fence=wild, portion=wild, first=wild, count=wild)
    def lie_about_results(self, speaker: str, which: int, fence: int, portion: int, first: int, count: int) -> None:
        """A fence of somebody else's, or one that nobody gave, for any items."""
        task = f"task-{which}"
        own = any(lease.worker == speaker for lease in self.leases)
        if speaker in LABORERS or own:
            fence = 2**40 * self.epoch + fence % 1000  # one that no server has given
        elif self.leases and fence % 2:
            fence = self.leases[fence % len(self.leases)].fence
        lie = ItemsReported(speaker, fence, task, portion, first, count, (first, -first), float("nan"), "lie")
        [answer] = self.answers(self.happen(lie))
        assert answer.verdict in ("not yours", "known")

    @rule(which=small, fence=wild, item=wild, outcome=st.sampled_from(["succeeded", "died", "refused", "cancelled", "?"]))
    def lie_about_an_end(self, which: int, fence: int, item: int, outcome: str) -> None:
        if self.leases and fence % 2:
            fence = self.leases[fence % len(self.leases)].fence
        lie = ChunkEnded("mallory", fence, f"task-{which}", outcome, item, "a lie", "lie", fatal=True)
        [answer] = self.answers(self.happen(lie))
        assert answer.verdict in ("not yours", "known")

    @rule(held=st.lists(st.builds(Held, wild, st.sampled_from(["task-1", "task-2", "none"]), small, wild, wild, small), max_size=3))
    def lie_about_what_is_held(self, held: list[Held]) -> None:
        """It may not work for anybody here, so it is believed in nothing."""
        before = self.store.rows.keys() & {"task-1", "task-2"}
        taken = [self.scheduler.snapshot(task).leased for task in before if self.remembered(task)]
        self.happen(WorkerJoined(LIAR, tuple(held)))
        assert taken == [self.scheduler.snapshot(task).leased for task in before if self.remembered(task)]
        self.happen(WorkerLeft("mallory"))

    # -- what must always hold

    @invariant()
    def the_store_agrees(self) -> None:
        for task, row in self.store.rows.items():
            if self.remembered(task):
                counts = self.scheduler.snapshot(task)
                assert counts.state == row.state
                assert counts.held == row.held or row.ended
                assert self.scheduler.portions(task) == row.counts()
                assert counts.done == sum(portion.done for portion in row.counts())
                assert counts.failed == sum(portion.failed for portion in row.counts())
                if not row.opened:
                    assert counts.total == sum(portion.known for portion in row.counts())
            else:
                assert row.ended or task in self.forgotten

    @invariant()
    def nobody_waits_forever(self) -> None:
        if self.epoch:
            assert not (found := neglected(self.scheduler, self.now)), "\n".join(found)

    def teardown(self) -> None:
        """The troubles end: links hold, nobody dies, a worker that can do everything is there. Then every task ends."""
        if self.epoch:
            for task, row in list(self.store.rows.items()):
                known, final = row.totals.get(0, (0, False))
                if not (row.ended or final):
                    self.happen(ItemsAdded(task, 0, known, 0, True))
            self.laborers["saint"] = Laborer(offer("saint", 2, interpreters=PYTHONS, seats=2))
            for laborer in self.laborers.values():
                slots, seats = max(1, laborer.offer.slots), max(1, laborer.offer.seats)
                laborer.offer = replace(laborer.offer, paused=False, draining=False, slots=slots, seats=seats)
                laborer.connected = True
                self.happen(WorkerJoined(laborer.offer, laborer.held()))
                self.deliver(laborer)
            self.work_until_nothing_is_open()
        super().teardown()

    def work_until_nothing_is_open(self) -> None:
        for _ in range(2000):
            if all(row.ended for row in self.store.rows.values()):
                return
            self.answer_tests(True)
            for laborer in self.laborers.values():
                self.happen(WorkerHeard(laborer.offer.name))
                for slot in laborer.busy_slots():
                    if not laborer.queues[slot][0].complete:
                        laborer.report(slot, 1000, 0, 0.01)
                    laborer.end(slot, "succeeded")
                self.deliver(laborer)
                self.end_programs_that_have_everything(laborer)
            self.now += 0.1
            if self.wake_at is not None and self.wake_at <= self.now:
                self.wake_at = None
                self.happen(Ticked())
        states = {task: self.scheduler.snapshot(task) for task, row in self.store.rows.items() if not row.ended}
        raise AssertionError(f"never ended: {states}")

    def end_programs_that_have_everything(self, laborer: Laborer) -> None:
        for seat in laborer.busy_seats():
            chunk = laborer.queues[seat][0]
            counts = self.scheduler.snapshot(chunk.lease.task)
            if counts.waiting + counts.leased == 0:
                if not chunk.complete:
                    laborer.report(seat, 1, 0, 1.0)
                laborer.end(seat, "succeeded")
        self.deliver(laborer)

    # -- the service in a dozen lines

    def happen(self, event: Event, lost: tuple[str, ...] = ()) -> list[Action]:
        """The scheduler is told; saves are carried out and messages delivered, except to those whose link breaks."""
        if isinstance(event, ItemsReported) and event.worker in self.laborers and event.receipt not in NOT_SENT:
            self.ran(event)
        said = isinstance(event, ItemsReported)
        may_say_more = said and self.scheduler.lease(event.fence, event.worker, event.task, event.portion) is not None
        actions = self.scheduler.handle(event, self.now)
        self.scheduler.check()
        if said and any(answer.verdict == "accepted" for answer in self.answers(actions)):
            assert may_say_more, "its results are taken, and what its items printed before is not"
        for action in actions:
            self.store.carry_out(action)
            if isinstance(action, Grant):
                self.leases.append(action.lease)
                self.pass_on(action, action.lease.worker, lost)
            elif isinstance(action, Revoke):
                self.pass_on(action, action.worker, lost)
            elif isinstance(action, Shorten):
                self.pass_on(action, action.worker, lost)
            elif isinstance(action, AskToTest) and self.laborers[action.worker].connected:
                self.asked.add(action.worker)
            elif isinstance(action, WakeAt):
                self.wake_at = action.at
        if not isinstance(event, Report) or event.receipt in NOT_SENT or event.worker is None:
            return actions
        for answer in self.answers(actions):
            self.was_fair(event, answer.verdict)
            if event.worker not in lost:
                self.laborers[event.worker].take(answer)
        return actions

    def pass_on(self, action: Grant | Revoke | Shorten, name: str, lost: tuple[str, ...]) -> None:
        laborer = self.laborers.get(name)
        if laborer is not None and laborer.connected and name not in lost:
            laborer.take(action)

    def deliver(self, laborer: Laborer) -> None:
        """Send all reports, and those that answering brings about."""
        while laborer.connected and laborer.outbox:
            self.happen(next(laborer.pending()))

    def was_fair(self, event: Report, verdict: str) -> None:
        """An honest worker forgets a report after any answer, so nothing of it may be missing then."""
        row = self.store.rows.get(event.task)
        if isinstance(event, ItemsReported) and row is not None and not row.ended:
            for item in range(event.first, event.first + event.count):
                if item not in event.failed:
                    assert (event.portion, item) in row.results, f"item {item} was answered {verdict!r} and is missing"

    def ran(self, event: ItemsReported) -> None:
        """Items were run under a fence. If that attempt is said to be alone with them, no other has run them."""
        lease = self.scheduler.lease(event.fence, event.worker, event.task, event.portion)
        alone = lease is not None and self.scheduler.is_alone(lease)
        for item in range(event.first, event.first + event.count):
            fences = self.runs.setdefault((event.task, event.portion, item), set())
            fences.add(event.fence)
            assert not alone or fences == {event.fence}, f"item {item} was run under {fences}"

    def answers(self, actions: list[Action]) -> list[Answer]:
        return [action for action in actions if isinstance(action, Answer)]

    def remembered(self, task: str) -> bool:
        return task in self.scheduler._lives.tasks

    def some_row(self, which: int) -> tuple[str, Row]:
        tasks = sorted(self.store.rows)
        task = tasks[which % len(tasks)]
        return task, self.store.rows[task]

