"""Who gets which chunk, and when."""

import pytest

from marx.core.actions import Grant, WakeAt
from marx.core.events import ChunkEnded, ItemsAdded, ItemsReported, TaskRestored, TaskSubmitted, WorkerHeard
from marx.core.model import Held, Policy
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, of, terms


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_grant_says_everything_about_the_attempt(desk):
    desk.submit(10, chunk_items=4)
    [granted] = of(Grant, desk.join("alpha"))
    lease = granted.lease
    assert (lease.fence, lease.task, lease.portion) == (fence(1, EPOCH), "task", 0)
    assert (lease.first, lease.count, lease.stop) == (0, 4, 4)
    assert (lease.worker, lease.slot, lease.attempt) == ("alpha", 0, 1)
    assert (lease.granted_at, lease.expires_at) == (desk.now, desk.now + 60)


def test_items_that_arrive_find_the_idle_slots_of_the_least_busy_workers(desk):
    desk.join("alpha", slots=4)
    desk.join("beta", slots=2)
    desk.submit(3)
    assert [(lease.worker, lease.slot) for lease in desk.leases] == [("alpha", 0), ("beta", 0), ("alpha", 1)]
    desk.submit(2, "second")
    assert [lease.worker for lease in desk.granted()] == ["alpha", "beta"]


def test_workers_that_cannot_run_it_are_passed_over(desk):
    desk.join("alpha", interpreters=())
    desk.join("beta", users=frozenset({"bob"}))
    desk.join("gamma")
    desk.submit(3, python="2.7")
    assert [lease.worker for lease in desk.leases] == ["gamma"]


def test_a_task_never_has_more_slots_than_it_asked_for(desk):
    desk.submit(100, max_slots=2)
    desk.join("alpha", slots=2)
    desk.join("beta", slots=2)
    for _ in range(10):
        assert desk.scheduler.snapshot("task").slots == 2
        desk.run(desk.leases[0], seconds=0.2)
    assert len({(lease.worker, lease.slot) for lease in desk.leases}) == 2


def test_the_first_chunks_are_probes_and_the_following_fit_the_measured_time(desk):
    desk.submit(1000)
    desk.join("alpha", slots=2)
    probe, other = desk.leases
    assert (probe.count, other.count) == (1, 1)
    desk.run(probe, seconds=0.01)
    assert {lease.count for lease in desk.leases[1:]} == {50}


def test_a_task_that_may_use_few_slots_tapers_for_these_few():
    desk = Desk(NOTHING_AHEAD)
    desk.submit(1001, max_slots=1)
    desk.join("alpha", slots=8)
    desk.run(desk.leases[0], seconds=0.001)
    desk.run(desk.leases[0], seconds=0.064)
    assert desk.leases[0].count > 400, "half of what is left, not a sixteenth"


def test_each_worker_gets_chunks_for_its_own_speed():
    desk = Desk(NOTHING_AHEAD)
    desk.submit(10_000)
    desk.join("fast")
    desk.join("slow")
    for _ in range(4):
        for lease in list(desk.leases):
            took = lease.count * (0.005 if lease.worker == "fast" else 0.05)
            desk.report(lease, seconds=took, after=took)
            desk.end(lease)
    counts = {lease.worker: lease.count for lease in desk.leases}
    assert counts == pytest.approx({"fast": 100, "slow": 10}, abs=1)


def test_short_chunks_are_queued_ahead_and_topped_up_in_bunches(desk):
    desk.submit(10_000, chunk_items=1)
    desk.join()
    desk.run(desk.leases[0], seconds=0.0005)
    assert len(desk.leases) == 1 + 63, "one runs, and of the others the first was granted with its predecessor's report"
    granted = []
    for _ in range(100):
        desk.run(desk.leases[0], seconds=0.0005)
        granted.append(len(desk.granted()))
    assert max(granted) >= 32
    assert sum(1 for count in granted if count) <= 5
    assert len(desk.leases) >= 32


def test_nothing_is_queued_before_anything_was_measured(desk):
    desk.submit(1000, chunk_items=1)
    desk.join(slots=2)
    assert len(desk.leases) == 2


def test_a_queue_belongs_to_one_task_and_the_next_waits_until_it_is_empty(desk):
    desk.submit(1000, "one", chunk_items=1)
    desk.join()
    desk.run(desk.leases[0], seconds=0.001)
    desk.do(TaskSubmitted(terms("two", "bob")))
    desk.do(ItemsAdded("two", 0, 0, 5, True))
    desk.do(WorkerHeard("alpha"), 5)
    while {lease.task for lease in desk.leases} == {"one"}:
        desk.run(desk.leases[0], seconds=0.001)
    assert {lease.task for lease in desk.leases} == {"two"}
    assert desk.scheduler.snapshot("one").waiting > 800


def loaded(desk: Desk, chunks: int) -> list[Held]:
    """A task of which everything is queued on alpha, which came back with it after a restart of the server."""
    desk.do(TaskRestored(terms(), "running", {0: (chunks, True)}))
    claims = [Held(fence(item + 1, EPOCH - 1), "task", 0, item, 1, 0) for item in range(chunks)]
    desk.join("alpha", *claims)
    assert desk.counts() == (0, chunks, 0)
    return claims


def get_on(desk: Desk, claim: Held) -> None:
    """The chunk in front ends, so the next one has just begun."""
    desk.tick(3)
    desk.verdict(ItemsReported("alpha", claim.fence, "task", 0, claim.first, 1, (), 0.2))
    desk.verdict(ChunkEnded("alpha", claim.fence, "task", "succeeded"))


def test_when_nothing_waits_half_of_what_is_queued_goes_to_an_idle_slot(desk):
    running, *queued = loaded(desk, 9)
    get_on(desk, running)
    desk.join("beta")
    assert [revoke.fence for revoke in desk.revoked()] == [claim.fence for claim in queued[4:]]
    assert all(revoke.gently and revoke.worker == "alpha" for revoke in desk.revoked())
    desk.join("gamma")
    assert desk.revoked() == [], "one round trip at a time"
    for claim in queued[4:]:
        desk.verdict(ChunkEnded("alpha", claim.fence, "task", "cancelled"))
    assert {lease.worker for lease in desk.leases} == {"beta", "gamma"}
    assert [revoke.worker for revoke in desk.revoked()] == []


def test_an_idle_slot_that_could_not_run_it_is_no_reason_to_ask_for_anything(desk):
    loaded(desk, 9)
    desk.tick(3)
    desk.join("other", interpreters=())
    assert desk.revoked() == []
    desk.join("beta", slots=5)
    assert len({revoke.worker for revoke in desk.revoked()}) == 1


def test_all_of_it_is_asked_back_when_what_is_in_front_does_not_get_on(desk):
    _, *queued = loaded(desk, 9)
    desk.tick(3)
    desk.join("beta")
    assert [revoke.fence for revoke in desk.revoked()] == [claim.fence for claim in queued]


def test_what_could_not_be_given_back_in_time_is_asked_for_no_longer(desk):
    running, begun, last = loaded(desk, 3)
    get_on(desk, running)
    desk.join("beta")
    assert len(desk.revoked()) == 1
    for claim in (begun, last):
        desk.verdict(ChunkEnded("alpha", claim.fence, "task", "succeeded"))
    desk.join("gamma")
    assert desk.scheduler._lives.tasks["task"].recalled == 0


def test_a_chunk_that_has_begun_is_never_asked_back(desk):
    desk.submit(2)
    desk.join("alpha", slots=2)
    desk.join("beta")
    assert desk.revoked() == []


def test_very_little_queued_work_is_not_worth_a_round_trip(desk):
    desk.submit(3, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.0001)
    assert desk.counts() == (0, 2, 1)
    desk.join("beta")
    assert desk.revoked() == []


def test_two_users_share_the_slots_and_a_newcomer_gets_its_part_soon(desk):
    desk.submit(10_000, "big", user="ada")
    desk.join("alpha", slots=4)
    desk.submit(10_000, "late", user="bob")
    for _ in range(40):
        desk.run(desk.leases[0], seconds=0.3)
    by_user = {task: desk.scheduler.snapshot(task).slots for task in ("big", "late")}
    assert by_user == {"big": 2, "late": 2}


def test_the_caller_is_asked_to_wake_the_scheduler_when_the_first_lease_could_end(desk):
    desk.submit(3)
    assert of(WakeAt, desk.join()) == [WakeAt(desk.now + 60)]
    assert of(WakeAt, desk.do(WorkerHeard("alpha"), 10)) == []
    assert of(WakeAt, desk.tick(50)) == [WakeAt(desk.now + 10)]


def test_an_idle_house_needs_no_waking(desk):
    desk.submit(1)
    desk.join()
    desk.run(desk.leases[0])
    assert of(WakeAt, desk.tick(60)) == []


def test_after_a_pause_what_went_wrong_on_a_worker_may_go_there_again():
    desk = Desk(Policy(elsewhere_seconds=5, ahead_chunks=0))
    desk.submit(2, retries=1, chunk_items=1)
    desk.join("alpha")
    desk.join("beta")
    desk.end(desk.leases[0], "died", item=0)
    assert desk.granted() == []
    desk.tick(5)
    assert [(lease.worker, lease.first) for lease in desk.granted()] == [("alpha", 0)]


def run_all(desk: Desk) -> list[list[int]]:
    """Run what is granted, item by item in no time, until nothing is; how many items each chunk had that a slot held, at each turn."""
    held = []
    while desk.leases:
        held.append([lease.count for lease in desk.leases])
        desk.run(desk.leases[0], seconds=desk.leases[0].count * 1e-7)
    return held


def test_quick_items_make_no_chunk_that_weighs_more_than_one_may_nor_are_more_queued(desk):
    desk.submit(0, final=False)
    for pack in range(200):
        desk.do(ItemsAdded("task", 0, pack * 10, 10, pack == 199, weight=500_000))
    desk.join("alpha")
    held = run_all(desk)
    assert max(map(max, held)) == 40  # 2 MB
    assert max(sum(counts[1:]) for counts in held) == 80  # 4 MB behind the one that runs
    assert desk.counts() == (0, 0, 2000)


def test_a_pack_that_weighs_more_than_a_chunk_may_is_one(desk):
    desk.submit(0, final=False)
    for item in range(4):
        desk.do(ItemsAdded("task", 0, item, 1, item == 3, weight=50_000_000))
    desk.join("alpha")
    assert all(counts in ([1], [1, 1]) for counts in run_all(desk))
    assert desk.counts() == (0, 0, 4)


def test_what_items_weigh_is_known_after_a_restart_of_the_server(desk):
    desk.do(TaskRestored(terms(), "queued", {0: (2000, True)}, weights={0: [(pack * 10, 500_000) for pack in range(200)]}))
    desk.join("alpha")
    assert max(map(max, run_all(desk))) == 40


def test_ranges_and_files_weigh_nothing_here(desk):
    desk.submit(100_000)
    desk.join("alpha")
    assert max(map(max, run_all(desk))) > 1000
