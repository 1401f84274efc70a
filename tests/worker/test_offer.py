"""What a worker offers, as the server reads it."""

from __future__ import annotations

from marx.worker.interpreters import Interpreter
from marx.worker.offer import Offer, describe_machine, own_seats, own_slots

PYTHON = Interpreter("/usr/bin/python3", (3, 11, 7), "cpython", "/usr", "/usr", (), (), ("/bin/python",))


def test_an_offer_says_everything_that_tasks_can_ask_for() -> None:
    offer = Offer(4, "bwrap", [PYTHON], 2, {"gpu": "a100"}, ("ada",), {"host": "lab-1"}, paused=True, network=True, memory=4 << 30)
    assert offer.to_json() == {
        "slots": 4,
        "seats": 2,
        "interpreters": [{"version": "3.11.7", "path": "/usr/bin/python3", "names": ["/bin/python"]}],
        "labels": {"gpu": "a100"},
        "sandbox": "bwrap",
        "network": True,
        "memory": 4 << 30,
        "users": ["ada"],
        "paused": True,
        "draining": False,
        "machine": {"host": "lab-1"},
    }
    assert Offer(1, "none", []).to_json()["users"] is None, "everybody"


def test_a_machine_is_described_in_facts() -> None:
    facts = describe_machine()
    assert facts["cores"] == own_slots() >= 1 and facts["memory"] > 1 << 20
    assert all(isinstance(facts[key], str) for key in ("host", "system", "processor"))


def test_there_are_as_many_seats_as_slots_and_two_at_least() -> None:
    assert [own_seats(slots) for slots in (1, 2, 16)] == [2, 2, 16]
