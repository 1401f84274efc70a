"""What a task's items may take: as asked, within what the worker lends."""

import pytest

from marx.config import WorkerCeilings, WorkerConfig
from marx.worker.bounds import Bounds
from marx.worker.daemon import bounds_of


@pytest.mark.parametrize("asked, most, got", [(None, None, None), (5, None, 5), (None, 9, 9), (5, 9, 5), (99, 9, 9), (0, 9, 9), (0, None, None)])
def test_a_task_has_what_it_asks_for_but_never_more_than_is_lent(asked, most, got):
    bounds = Bounds.of({"item_timeout": asked}).within(Bounds(most))
    assert bounds.for_runner() == ({} if got is None else {"item_seconds": got})


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError):
        Bounds.of({"item_timeout": "soon"})


def test_every_key_of_the_configuration_is_a_bound():
    keys = WorkerCeilings(1.0, 2.0, 3, 4, 5, 6, 7, 8.0)
    bounds = bounds_of(keys)
    assert bounds == Bounds(1.0, 2.0, 3, 4, 5, 6, 7, 8.0)
    assert bounds.for_runner() == {"item_seconds": 1.0, "processes": 5, "open_files": 6, "file_bytes": 7, "cpu_seconds": 8.0}
    assert bounds.must_be_watched and not Bounds(processes=5).must_be_watched


def test_by_default_nothing_is_bounded():
    assert bounds_of(WorkerConfig().ceilings) == Bounds()
