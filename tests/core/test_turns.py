"""Whose turn it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.core.model import Policy, WorkerOffer
from marx.core.states import TaskStep
from marx.core.tasks import Task
from marx.core.turns import Order, Turns
from marx.core.workers import Slot, Worker
from tests.core.builders import offer, terms

arrivals = iter(range(1, 10_000))


def slots(count: int, lent: WorkerOffer | None = None) -> list[Slot]:
    worker = Worker(lent or offer("alpha", count))
    worker.lend(worker.offer, 100)
    return worker.slots


def ready(turns: Turns, name: str, user: str = "ada", items: int = 100, at: float = 0.0, **more: object) -> Task:
    """A task with waiting items, offered."""
    task = Task(terms(name, user, arrival=next(arrivals), **more), Policy(), at)
    task.advance(TaskStep.START, "")
    task.portion(0).extend(items, final=True)
    turns.offer(task)
    return task


@pytest.fixture
def turns() -> Turns:
    return Turns(Policy(weights={"root": 3.0}))


def share_out(turns: Turns, free: list[Slot], now: float = 0.0) -> Counter:
    """Give each slot to whoever's turn it is; slots by user."""
    for slot in free:
        turns.hold(slot, turns.pick(slot, now), now)
    return Counter(slot.holder.terms.user for slot in free)


def test_without_tasks_it_is_nobodys_turn(turns):
    assert turns.pick(slots(1)[0], 0.0) is None


def test_users_get_equally_many_slots_however_many_tasks_they_have(turns):
    for number in range(5):
        ready(turns, f"many-{number}", "ada")
    ready(turns, "one", "bob")
    assert share_out(turns, slots(6)) == {"ada": 3, "bob": 3}


def test_a_weight_counts_like_that_many_users(turns):
    ready(turns, "a", "ada")
    ready(turns, "r", "root")
    assert share_out(turns, slots(8)) == {"ada": 2, "root": 6}


def test_with_as_many_slots_who_used_less_lately_comes_first(turns):
    [slot] = slots(1)
    ada, bob = ready(turns, "a", "ada"), ready(turns, "b", "bob")
    turns.hold(slot, ada, 0.0)
    turns.hold(slot, None, 30.0)
    assert turns.pick(slot, 30.0) is bob


def test_a_slot_changes_hands_only_after_a_turn(turns):
    [slot] = slots(1)
    ada, bob = ready(turns, "a", "ada"), ready(turns, "b", "bob")
    turns.hold(slot, ada, 0.0)
    assert turns.pick(slot, 0.9) is ada
    assert turns.pick(slot, 1.1) is bob


def test_a_holder_that_has_nothing_more_for_its_slot_does_not_keep_it(turns):
    [slot] = slots(1)
    ada, bob = ready(turns, "a", "ada", items=1), ready(turns, "b", "bob")
    turns.hold(slot, ada, 0.0)
    ada.portion(0).claim(0, 1)
    turns.offer(ada)
    assert turns.pick(slot, 0.0) is bob
    turns.withdraw(bob)
    assert turns.pick(slot, 0.0) is None


def test_in_the_long_run_users_of_one_slot_get_equal_time(turns):
    [slot] = slots(1)
    for user in ("ada", "bob", "cy"):
        ready(turns, user, user)
    used, now = Counter(), 0.0
    for _ in range(3000):
        task = turns.pick(slot, now)
        turns.hold(slot, task, now)
        used[task.terms.user] += 0.05
        now += 0.05
    assert max(used.values()) - min(used.values()) < 3.0


def test_what_was_used_is_forgotten_with_time():
    turns = Turns(Policy(usage_half_life=100.0))
    [slot] = slots(1)
    ada = ready(turns, "a", "ada")
    turns.hold(slot, ada, 0.0)
    turns.hold(slot, None, 64.0)
    bob = ready(turns, "b", "bob", at=900.0)
    turns.hold(slot, bob, 990.0)
    turns.hold(slot, None, 1000.0)
    assert turns.pick(slot, 1000.0) is ada, "64 s were halved nine times, 10 s at most once"


def test_within_a_user_priority_comes_first_and_then_the_least_work(turns):
    [slot] = slots(1)
    ready(turns, "long", items=500)
    short = ready(turns, "short", items=20)
    assert turns.pick(slot, 0.0) is short
    urgent = ready(turns, "urgent", items=1000, priority=1)
    assert turns.pick(slot, 0.0) is urgent


def test_tasks_that_ask_for_different_things_stand_in_one_order(turns):
    [slot] = slots(1)
    ready(turns, "two", items=30, python="2.7")
    ready(turns, "any", items=20)
    three = ready(turns, "three", items=10, python="3.11")
    ready(turns, "named", items=40, workers=frozenset({"alpha"}))
    assert turns.pick(slot, 0.0) is three


def test_who_waited_longer_than_another_has_less_work_goes_first(turns):
    [slot] = slots(1)
    old = ready(turns, "old", items=500, at=0.0)
    ready(turns, "new", items=20, at=481.0)
    assert turns.pick(slot, 500.0) is old


def test_a_running_task_gives_its_slot_to_a_more_urgent_one_of_the_same_user(turns):
    [slot] = slots(1)
    long = ready(turns, "long", items=500)
    turns.hold(slot, long, 0.0)
    assert turns.pick(slot, 0.0) is long
    short = ready(turns, "short", items=20)
    assert turns.pick(slot, 0.0) is short


def test_a_user_with_no_weight_gets_what_nobody_else_wants():
    turns = Turns(Policy(weights={"guest": 0.0}))
    guest = ready(turns, "g", "guest")
    assert turns.pick(slots(1)[0], 0.0) is guest
    ready(turns, "a", "ada")
    assert share_out(turns, slots(20)) == {"ada": 20}


def test_a_user_without_anything_for_this_worker_is_passed_over(turns):
    [slot] = slots(1, offer("alpha", 1, interpreters=()))
    ready(turns, "a", "ada", python="2.7")
    assert turns.pick(slot, 0.0) is None
    [able] = slots(1)
    assert turns.pick(able, 0.0) is not None


def test_a_task_with_all_the_slots_it_may_have_keeps_them_and_gets_no_more(turns):
    first, second = slots(2)
    narrow = ready(turns, "narrow", max_slots=1)
    turns.hold(first, narrow, 0.0)
    assert turns.pick(second, 0.0) is None
    assert turns.pick(first, 0.0) is narrow
    turns.hold(first, None, 1.0)
    assert turns.pick(second, 1.0) is narrow


def test_a_task_is_ready_as_long_as_it_is_open_and_something_of_it_waits(turns):
    task = ready(turns, "a", items=1)
    assert turns.is_ready(task)
    task.portion(0).claim(0, 1)
    turns.offer(task)
    assert not turns.is_ready(task)
    turns.withdraw(task)


def test_a_task_is_fresh_once_and_again_only_when_that_is_said(turns):
    task = ready(turns, "a")
    assert turns.take_fresh() == [task]
    turns.offer(task)
    assert turns.take_fresh() == []
    turns.offer_again(task)
    assert turns.take_fresh() == [task]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 9))), max_size=200))
def test_an_order_knows_the_least_acceptable_name_whatever_changed(steps):
    order, plain = Order(), {}
    for name, key in steps:
        if key is None:
            order.drop(name)
            plain.pop(name, None)
        else:
            order.put(name, (key,))
            plain[name] = (key,)
        for accepted in ("abcdef", "ace", ""):
            found = order.best(lambda name: name if name in accepted else None)
            least = min((key, name) for name, key in plain.items() if name in accepted) if set(plain) & set(accepted) else None
            assert found == (least and least[1])
        assert len(order) == len(plain)


def test_an_order_does_not_grow_with_the_number_of_changes():
    order = Order()
    for number in range(10_000):
        order.put("a", (number,))
    assert len(order._heap) < 100


def test_with_a_thousand_tasks_a_pick_looks_at_few(turns, monkeypatch):
    looked = Counter()
    original = Task.next_run
    monkeypatch.setattr(Task, "next_run", lambda task, *args: looked.update([task.id]) or original(task, *args))
    for number in range(1000):
        ready(turns, f"t{number}", f"user{number % 100}")
    assert turns.pick(slots(1)[0], 0.0) is not None
    assert sum(looked.values()) <= 3
