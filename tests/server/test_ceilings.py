"""The most that a task may ask for, at the server's door."""

import pytest

from marx import config
from marx.config import ServerConfig
from marx.server.ceilings import Ceilings, within
from marx.server.composing import limits_of
from marx.wire.calls import TooLarge
from marx.wire.spec import check_spec


def test_without_a_ceiling_a_task_has_what_it_asks_for():
    assert within(Ceilings(), {"timeout": 1e8})["timeout"] == 1e8
    assert within(Ceilings(), {}).get("timeout") is None


def test_a_task_that_asks_for_nothing_gets_the_most():
    assert within(Ceilings(timeout=60.0), {"timeout": None})["timeout"] == 60.0


def test_a_task_may_ask_for_less():
    assert within(Ceilings(timeout=60.0), {"timeout": 5})["timeout"] == 5


def test_what_is_too_much_is_refused_with_the_option_and_the_key_of_the_limit():
    with pytest.raises(TooLarge, match=r"--timeout 90s is more than a task of this server may have: 60s \(timeout\)"):
        within(Ceilings(timeout=60.0), {"timeout": 90.0})


def test_the_ceilings_come_from_the_configuration():
    assert limits_of(ServerConfig(ceilings=config.Ceilings(timeout_seconds=60.0))).ceilings == Ceilings(timeout=60.0)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), 1e12])
def test_a_time_that_no_clock_reaches_is_refused(wrong):
    spec = {"kind": "map", "program": "/p.py", "function": "f", "codec": "json", "cwd": "/", "roots": [], "seed": 1, "hash_seed": 1}
    assert check_spec({**spec, "timeout": 3.5}) == []
    assert check_spec({**spec, "timeout": wrong}) == ["timeout is no time"]
