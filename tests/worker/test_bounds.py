"""What a task's items may take: as asked, within what the worker lends."""

import pytest

from marx.worker.bounds import Bounds


@pytest.mark.parametrize("asked, most, got", [(None, None, None), (5, None, 5), (None, 9, 9), (5, 9, 5), (99, 9, 9), (0, 9, 9), (0, None, None)])
def test_a_task_has_what_it_asks_for_but_never_more_than_is_lent(asked, most, got):
    bounds = Bounds.of({"item_timeout": asked}).within(Bounds(most))
    assert bounds.for_runner() == ({} if got is None else {"item_seconds": got})


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError):
        Bounds.of({"item_timeout": "soon"})
