"""The watchdog notices who is neglected; that nobody is, `house` asserts after every step of its tests."""

from __future__ import annotations

from marx.core.alarms import Alarms
from marx.core.events import WorkerChanged
from tests.core import watchdog
from tests.core.builders import Desk, offer


def neglected(desk: Desk) -> list[str]:
    return watchdog.neglected(desk.scheduler, desk.now)


def test_nobody_is_neglected_whom_something_keeps_from_running():
    desk = Desk()
    desk.submit(10, "t1", python="3.13")
    desk.submit(10, "t2")
    desk.submit(10, "t3", final=False)
    desk.submit_program("t4")
    assert neglected(desk) == []
    desk.join("alpha", slots=0)
    assert neglected(desk) == []
    desk.do(WorkerChanged(offer("alpha", slots=1)))
    desk.end(desk.leases[0], "refused", reason="its disk is full")
    assert neglected(desk) == []


def test_who_waits_beside_an_idle_slot_is_noticed():
    desk = Desk()
    desk.join()
    desk.submit(1, chunk_items=1)
    desk.report(desk.leases[0], failed=(0,))
    desk.submit(1, "other")
    task = desk.scheduler._lives.tasks["other"]
    desk.run(desk.leases[0])
    desk.scheduler._pool.workers["alpha"].slots[0].queue.clear()
    task.portion(0).give_back([(0, 1)])
    assert any("alpha has room for it" in line for line in neglected(desk))


def test_an_obstacle_that_is_not_named_is_noticed(monkeypatch):
    desk = Desk()
    desk.submit()
    monkeypatch.setattr(desk.scheduler, "why", lambda task: "")
    assert any("No worker" in line for line in neglected(desk))


def test_a_pause_that_nobody_will_end_is_noticed(monkeypatch):
    desk = Desk()
    desk.submit(1)
    desk.join()
    monkeypatch.setattr(Alarms, "set", lambda self, at, task: None)
    desk.end(desk.leases[0], "refused", reason="its disk is full")
    desk.scheduler._asked_for = None
    assert any("is left alone until" in line for line in neglected(desk))
