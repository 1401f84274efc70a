"""What a returning worker says that it holds is exactly what the server has not taken."""

from __future__ import annotations

from marx.wire.reports import EndReport, NoteReport, RestReport, ResultsReport
from marx.worker.assignments import Chunk
from marx.worker.ledger import Ledger

FIRST, SECOND = Chunk(1, "a", 0, 10, 5, slot=1), Chunk(2, "b", 0, 0, 3)


def results(first: int, count: int, fence: int = 1) -> ResultsReport:
    return ResultsReport(fence, "a", 0, first, count, "values", (), 0.1, 2)


def end(fence: int = 1) -> EndReport:
    return EndReport(fence, "a", 0, "succeeded", None, "", 0, None, 0.1, 100)


def held_by(*reports: object) -> list[list]:
    ledger = Ledger()
    ledger.granted(FIRST)
    ledger.granted(SECOND)
    for report in reports:
        ledger.answered(report)
    return ledger.held()


def test_a_lease_is_held_from_its_grant_in_the_order_of_the_grants() -> None:
    assert held_by() == [[1, "a", 0, 10, 5, 1], [2, "b", 0, 0, 3, 0]]


def test_it_shrinks_as_results_are_answered() -> None:
    assert held_by(results(10, 2), NoteReport(1, "a", 0, "hm"))[0] == [1, "a", 0, 12, 3, 1]
    assert held_by(results(10, 2), results(12, 3))[0] == [1, "a", 0, 15, 0, 1], "until its end is answered, too"


def test_what_was_given_back_is_held_no_longer() -> None:
    assert held_by(results(10, 1), RestReport(1, "a", 0, 13))[0] == [1, "a", 0, 11, 2, 1]
    assert held_by(RestReport(1, "a", 0, 13), RestReport(1, "a", 0, 11), RestReport(9, "a", 0, 0))[0] == [1, "a", 0, 10, 1, 1]


def test_results_that_were_answered_out_of_order_leave_it_open_from_the_first_that_was_not() -> None:
    assert held_by(results(12, 2))[0] == [1, "a", 0, 10, 5, 1]


def test_its_end_ends_it_and_what_comes_later_is_nothing() -> None:
    assert held_by(end(), end(), results(10, 5)) == [[2, "b", 0, 0, 3, 0]]


def test_a_forgotten_task_is_held_no_more() -> None:
    ledger = Ledger()
    ledger.granted(FIRST)
    ledger.granted(SECOND)
    ledger.forget("a")
    assert [lease[1] for lease in ledger.held()] == ["b"] and len(ledger) == 1
