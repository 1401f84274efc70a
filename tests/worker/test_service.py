"""A running worker: introduces itself, works on through cuts, comes back with what it holds, pauses, and leaves cleanly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionRefusedError

from marx.wire import worker as wire
from marx.wire.calls import NotPermitted, Unavailable
from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk
from marx.worker.backing_off import LONGEST_SECONDS, BackOff
from marx.worker.journal import Journal
from marx.worker.offer import Offer
from marx.worker.outbox import Outbox
from marx.worker.sending import ReportSender
from marx.worker.service import FAREWELL_SECONDS, Parts, WorkerService
from marx.worker.tasks import Tasks
from marx.worker.watching import Watch
from tests.fakes.floors import Floor
from tests.fakes.runners import PlayedRunner
from tests.fakes.servers import FakeEndpoint, FakeServer, Shop

DRAIN_SECONDS = 60.0


class House:
    """A whole worker on a `Clock`: played runners below, a played server above."""

    def __init__(self, folder: Path) -> None:
        self.floor = Floor(folder, count=2, seats=1)
        self.reactor = self.floor.reactor
        self.shop = Shop()
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.reactor, self.shop))
        floor = self.floor
        self.sender = ReportSender(
            floor.reactor, Outbox(), Journal(folder / "outbox"), floor.spools, floor.uplink, floor.ledger, lambda hard: floor.slots.press(hard)
        )
        floor.reporter._sender = floor.programs._sender = self.sender
        tasks = Tasks(floor.uplink, floor.cache, [], lambda work, *arguments: work(*arguments))
        test = lambda: succeed("the disk is full")
        watch = Watch(floor.reactor, lambda: floor.slots.runners, lambda work, *arguments: work(*arguments))
        self.parts = Parts(floor.slots, self.sender, floor.reporter, floor.ledger, floor.uplink, tasks, floor.cache, floor.programs, test, watch)
        offer = Offer(slots=2, sandbox="bwrap", interpreters=[], labels={"gpu": "a100"})
        self.worker = WorkerService(self.reactor, self.endpoint, self.parts, offer, "boot-1", DRAIN_SECONDS, lambda: 0.5)
        self.stopped: list[Any] = []

    def start(self) -> House:
        self.worker.startService()
        self.settle()
        return self

    def settle(self, seconds: float = 0.0) -> None:
        for _ in range(3):
            self.endpoint.flush()
            self.reactor.turn()
        if seconds:
            self.reactor.advance(seconds)
            self.settle()

    def grant(self, *fences: int, slot: int = 0) -> None:
        self.endpoint.server.carry("a", ItemPack(0, 1000, "range", args=(0, 1)))
        self.endpoint.server.grant(*(Chunk(fence, "a", 0, fence, 1, slot) for fence in fences))
        self.settle()

    def runner(self, number: int = -1) -> PlayedRunner:
        return self.floor.runner(number)

    def stop(self) -> None:
        self.worker.stopService().addBoth(self.stopped.append)
        self.settle()

    def end(self) -> None:
        """Whatever a test left running."""
        if not self.stopped:
            self.stop()
        self.worker.hurry()
        for runner in self.floor.starter.started:
            runner.exit(0)
        self.settle()
        assert self.stopped == [None]
        assert self.reactor.getDelayedCalls() == []


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path).start()
    yield house
    house.end()


class TestConnecting:
    def test_it_greets_offers_and_is_connected(self, house: House) -> None:
        assert house.shop.calls == ["Greet", "OfferSlots"] and house.shop.boots == ["boot-1"]
        [offer] = house.shop.offers
        assert (offer["slots"], offer["sandbox"], offer["labels"], offer["paused"], offer["draining"]) == (2, "bwrap", {"gpu": "a100"}, False, False)
        assert house.worker.status()["connected"] and house.worker.status()["name"] == "lab-1"

    def test_a_chunk_goes_its_straight_line(self, house: House) -> None:
        house.grant(1)
        house.runner().load().run(1)
        house.settle()
        assert [(report.kind, payload) for report, payload in house.shop.reports] == [("results", b"1"), ("end", b"")]
        assert house.worker.status()["leases"] == 0

    def test_it_says_what_its_test_of_itself_found(self, house: House) -> None:
        asked = house.endpoint.server.ask(wire.TestYourself)
        house.settle()
        assert asked.result == {"trouble": "the disk is full"}

    def test_a_server_that_is_away_is_dialled_again_and_again_but_not_too_often(self, tmp_path: Path) -> None:
        house = House(tmp_path)
        house.endpoint.refuses = ConnectionRefusedError()
        house.start()
        for _ in range(600):
            house.settle(1.0)
        assert 600 / LONGEST_SECONDS < house.endpoint.dialled < 40
        house.endpoint.refuses = None
        house.settle(LONGEST_SECONDS * 2)
        assert house.worker.status()["connected"]
        house.end()

    def test_a_server_that_turns_it_down_is_not_hammered(self, tmp_path: Path, logged_failures: Any) -> None:
        house = House(tmp_path)
        house.shop.refuses["Greet"] = NotPermitted("the certificate of lab-1 was revoked")
        house.start()
        for _ in range(600):
            house.settle(1.0)
        assert house.endpoint.dialled < 40
        assert all("was revoked" in str(said) for said in logged_failures.flush())
        house.shop.refuses.clear()
        house.settle(LONGEST_SECONDS * 2)
        assert house.worker.status()["connected"]
        house.end()


class TestCuts:
    def test_it_goes_on_without_a_connection_and_reports_over_the_next(self, house: House) -> None:
        house.grant(1, 2)
        house.runner().load()
        house.endpoint.refuses = ConnectionRefusedError()
        house.endpoint.cut()
        house.runner().run(1)
        house.settle(20.0)
        house.runner().run(2)
        assert house.shop.reports == [] and not house.worker.status()["connected"] and house.worker.status()["unanswered"] == 4
        house.endpoint.refuses = None
        house.settle(LONGEST_SECONDS * 2)
        assert house.shop.ends() == [(1, "succeeded"), (2, "succeeded")]

    def test_what_it_holds_is_said_in_the_order_in_which_it_will_run(self, house: House) -> None:
        house.grant(1, 2, 3)
        house.runner().load().run(1)
        house.settle()
        house.runner().begin(2).results(2, 2, 4)
        house.endpoint.cut()
        house.settle(5.0)
        assert house.shop.held[-1] == [[2, "a", 0, 2, 1, 0], [3, "a", 0, 3, 1, 0]]
        assert house.shop.calls.count("Greet") == 2 and house.shop.boots == ["boot-1", "boot-1"]

    def test_what_it_has_of_tasks_is_said_so_that_it_can_be_told_of_their_ends(self, house: House) -> None:
        house.grant(1)
        house.runner().load().run(1)
        house.settle()
        house.endpoint.cut()
        house.settle(5.0)
        assert house.shop.tasks == [[], ["a"]] and house.shop.held[-1] == []

    def test_an_answer_that_was_lost_with_the_connection_costs_only_the_repetition(self, house: House) -> None:
        house.grant(1)
        house.runner().load().run(1)
        house.endpoint.pump.pump()
        house.endpoint.cut()
        house.settle(5.0)
        assert house.shop.ends()[-1] == (1, "succeeded")
        assert house.worker.status()["unanswered"] == 0

    def test_items_are_carried_anew_after_a_cut(self, house: House) -> None:
        house.grant(1)
        house.runner().load().run(1)
        house.settle()
        house.endpoint.cut()
        house.settle(5.0)
        house.endpoint.server.grant(Chunk(2, "a", 0, 2, 1, 0))
        house.settle()
        assert house.shop.ends()[-1] == (2, "refused")
        house.grant(3)
        house.runner().run(3)
        house.settle()
        assert house.shop.ends()[-1] == (3, "succeeded")

    def test_a_new_daemon_sends_what_the_last_one_left_under_its_own_boot_id(self, tmp_path: Path) -> None:
        first = House(tmp_path).start()
        first.grant(1)
        first.runner().load()
        first.endpoint.refuses = ConnectionRefusedError()
        first.endpoint.cut()
        first.runner().run(1)
        first.end()
        second = House(tmp_path).start()
        assert second.shop.ends() == [(1, "succeeded")] and second.shop.held == [[]]
        second.end()


class TestTheServersWord:
    def test_revoking_stops_a_chunk_and_is_answered_with_its_processes(self, house: House) -> None:
        house.grant(1)
        house.runner().load().begin(1)
        answers: list[Any] = []
        house.endpoint.server.ask(wire.RevokeChunks, fences=[1], reason="cancelled").addBoth(answers.append)
        house.settle()
        assert answers == []
        house.runner().end(1, "cancelled")
        house.settle()
        assert answers == [{"processes": 1}] and house.shop.ends() == [(1, "cancelled")]

    def test_a_forgotten_task_leaves_nothing(self, house: House) -> None:
        house.grant(1)
        house.runner().load().run(1)
        house.endpoint.server.tell(wire.ForgetTask, task="a")
        house.settle()
        house.runner().exit(0)
        assert house.floor.starter.cleared[-1] == ("a", 0) and house.worker.status()["leases"] == 0


class TestTheOwnersWord:
    def test_a_pause_is_offered_and_ends_by_word_or_by_time(self, house: House) -> None:
        house.worker.pause(None)
        house.settle()
        assert house.shop.offers[-1]["paused"] and house.worker.status()["paused"]
        house.worker.resume()
        house.settle()
        assert not house.shop.offers[-1]["paused"]
        house.worker.pause(30.0)
        house.settle()
        assert house.shop.offers[-1]["paused"]
        house.settle(31.0)
        assert not house.shop.offers[-1]["paused"]

    def test_a_pause_holds_over_a_cut(self, house: House) -> None:
        house.worker.pause(None)
        house.endpoint.cut()
        house.settle(5.0)
        assert house.shop.offers[-1]["paused"]

    def test_one_that_comes_while_the_worker_introduces_itself_is_not_lost(self, tmp_path: Path) -> None:
        house = House(tmp_path)
        house.shop.holds["OfferSlots"] = held = Deferred()
        house.start()
        house.worker.pause(None)
        held.callback(None)
        house.settle()
        assert [offer["paused"] for offer in house.shop.offers] == [False, True]
        house.end()

    def test_its_status_says_what_each_slot_does(self, house: House) -> None:
        house.grant(1, 2)
        house.runner().load()
        assert house.worker.status()["slots"] == [
            {"slot": 0, "state": "busy", "tasks": ["a"]},
            {"slot": 1, "state": "idle", "tasks": []},
            {"slot": -1, "state": "idle", "tasks": []},
        ]


class TestLeaving:
    def test_it_takes_nothing_new_finishes_reports_and_says_goodbye(self, house: House) -> None:
        house.grant(1)
        house.runner().load().begin(1)
        house.stop()
        assert house.shop.offers[-1]["draining"] and house.stopped == []
        house.runner().results(1, 1, 1).end(1)
        house.settle()
        house.runner().exit(0)
        house.settle()
        assert house.shop.ends() == [(1, "succeeded")] and house.shop.calls[-1] == "SayGoodbye"
        assert house.stopped == [None]

    def test_what_is_not_done_in_time_is_ended_and_given_back(self, house: House) -> None:
        house.grant(1, 2)
        house.runner().load().begin(1)
        house.stop()
        house.settle(DRAIN_SECONDS)
        assert sorted(house.shop.ends()) == [(1, "cancelled"), (2, "cancelled")]
        assert house.shop.calls[-1] == "SayGoodbye" and house.stopped == [None]

    def test_a_second_word_ends_everything_at_once(self, house: House) -> None:
        house.grant(1)
        house.runner().load().begin(1)
        house.stop()
        house.worker.hurry()
        house.settle()
        assert house.shop.ends() == [(1, "cancelled")] and house.stopped == [None]

    def test_a_hurry_before_the_stop_counts_as_well(self, house: House) -> None:
        house.worker.hurry()
        house.stop()
        assert house.shop.calls[-1] == "SayGoodbye" and house.stopped == [None]

    def test_a_server_that_does_not_answer_delays_it_for_a_moment_only(self, house: House) -> None:
        house.grant(1)
        house.runner().load()
        house.shop.holds = {"ReportItems": Deferred(), "SayGoodbye": Deferred()}
        house.runner().run(1)
        house.stop()
        house.runner().exit(0)
        house.settle(FAREWELL_SECONDS)
        for _ in range(4):
            house.settle(5.0)
        assert house.stopped == [None]

    def test_without_a_connection_it_leaves_with_its_reports_on_disk(self, tmp_path: Path) -> None:
        house = House(tmp_path).start()
        house.grant(1)
        house.runner().load()
        house.endpoint.refuses = ConnectionRefusedError()
        house.endpoint.cut()
        house.runner().run(1)
        house.end()
        assert [report.kind for report, _, _ in Journal(tmp_path / "outbox").load()] == ["results", "end"]


def test_delays_grow_stay_bounded_never_go_negative_and_begin_anew_after_a_success() -> None:
    for lot in (0.0, 0.5, 1.0):
        back_off = BackOff(lambda lot=lot: lot)
        delays = [back_off(1) for _ in range(200)]
        assert delays == sorted(delays) and 0 < delays[0] < 1 and delays[-1] < LONGEST_SECONDS * 1.5
        back_off.reset()
        assert back_off(1) == delays[0]


def test_unavailable_is_not_the_end(house: House) -> None:
    house.shop.refuses["ReportItems"] = Unavailable("the store cannot be written")
    house.grant(1)
    house.runner().load().run(1)
    house.settle(1.0)
    house.shop.refuses.clear()
    house.settle(3.0)
    assert house.shop.ends() == [(1, "succeeded")]
