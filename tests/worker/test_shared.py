"""A job that several wait for is done once, and not at all when nobody waits any more."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from marx.worker.shared import SharedJobs


class Jobs:
    """Jobs that end when the test says so."""

    def __init__(self) -> None:
        self.shared: SharedJobs[Any] = SharedJobs()
        self.begun: list[Deferred[Any]] = []

    def wait(self) -> list[Any]:
        async def job() -> Any:
            self.begun.append(Deferred())
            return await self.begun[-1]

        outcome: list[Any] = []
        self.waited = self.shared.wait("key", job)
        self.waited.addBoth(outcome.append)
        return outcome


def test_all_who_wait_get_the_result_of_one_job() -> None:
    jobs = Jobs()
    first, second = jobs.wait(), jobs.wait()
    jobs.begun[0].callback("done")
    assert (first, second, len(jobs.begun)) == (["done"], ["done"], 1)
    third = jobs.wait()
    assert third == [] and len(jobs.begun) == 2


def test_all_who_wait_get_its_failure() -> None:
    jobs = Jobs()
    outcomes = jobs.wait(), jobs.wait()
    jobs.begun[0].errback(ValueError("no"))
    assert [str(outcome[0].value) for outcome in outcomes] == ["no", "no"]


def test_a_job_goes_on_while_anybody_waits_and_ends_with_the_last() -> None:
    jobs = Jobs()
    first = jobs.wait()
    leaving = jobs.waited
    second = jobs.wait()
    leaving.cancel()
    assert first[0].check(CancelledError) and second == []
    jobs.waited.cancel()
    assert second[0].check(CancelledError)
    assert jobs.begun[0].called, "the job was cancelled as well"


def test_stopping_ends_every_job_and_tells_who_waited() -> None:
    jobs = Jobs()
    outcome = jobs.wait()
    jobs.shared.stop()
    jobs.shared.cancel("key")
    assert outcome[0].check(CancelledError)


def test_a_job_without_waiting_is_done_at_once() -> None:
    shared: SharedJobs[int] = SharedJobs()

    async def job() -> int:
        return 5

    outcome: list[int] = []
    shared.wait("key", job).addCallback(outcome.append)
    assert outcome == [5]
