"""How many strangers and wrong codes come from where, as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.server.crowding import NETWORKS, WRONG_CODE_SECONDS, WRONG_CODES, Crowd, WrongCodes, network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
    ],
)
def test_a_house_is_one_network(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_a_crowd_is_never_larger_than_it_may_be_in_all_and_from_one_network(moves: list[tuple[str, bool]]) -> None:
    crowd, there = Crowd(5, 3), []
    for network, comes in moves:
        if comes:
            entered = crowd.enter(network)
            assert entered == (len(there) < 5 and there.count(network) < 3)
            there += [network] * entered
        elif network in there:
            there.remove(network)
            crowd.leave(network)
        assert len(crowd) == len(there)


def test_wrong_codes_are_forgiven_one_by_one_and_never_count_against_others() -> None:
    wrong = WrongCodes()
    for _ in range(WRONG_CODES + 3):
        wrong.add("bad", 1000.0)
    assert wrong.seconds_to_wait("bad", 1000.0) == 4 * WRONG_CODE_SECONDS
    assert wrong.seconds_to_wait("bad", 1000.0 + 3.5 * WRONG_CODE_SECONDS) == 0.5 * WRONG_CODE_SECONDS
    assert wrong.seconds_to_wait("bad", 1000.0 + 4 * WRONG_CODE_SECONDS) == 0
    assert wrong.seconds_to_wait("good", 1000.0) == 0


def test_a_person_who_mistypes_is_not_slowed_down() -> None:
    wrong = WrongCodes()
    for attempt in range(WRONG_CODES - 1):
        wrong.add("desk", float(attempt))
    assert wrong.seconds_to_wait("desk", 10.0) == 0


def test_however_many_networks_guess_few_are_remembered() -> None:
    wrong = WrongCodes()
    for number in range(NETWORKS + 100):
        wrong.add(str(number), float(number))
    assert len(wrong) == NETWORKS
    assert wrong._weight(str(NETWORKS + 99), NETWORKS + 99.0) == 1 and not wrong._weight("0", 0.0)
