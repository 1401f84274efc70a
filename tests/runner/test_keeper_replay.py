"""A program that is started again: what it asks for a second time is not sent twice, and no result comes before it asked."""

from __future__ import annotations

import textwrap
from hashlib import sha256
from typing import Any

import pytest

from tests.runner.conftest import Keep
from tests.runner.keeping import KeeperDriver, framed
from tests.runner.test_keeper_portal import BEGINNING

CALL = {"file": "prog.py", "line": 31, "kind": "Pool.map", "function": "f"}
DIFFERS = "line 31: the program asked for something else than before it was started again, so the run goes on from there"

TWO = """
ours.open(CALL, None, listener)
ours.send(1, [b"a", b"b"])
ours.send(1, [b"c"], final=True)
listener.show(3)
again = Listener()
ours.open(dict(CALL, line=32), None, again)
ours.send(2, [b"d"], final=True)
again.show(1)
"""


def begun(keep: Keep, text: str, *records: dict[str, Any], **more: Any) -> KeeperDriver:
    """A program that was told of by an earlier attempt, and has begun."""
    keeper = keep(BEGINNING + textwrap.dedent(text), divide="found", **more)
    for record in records:
        keeper.record(**{"call": CALL, **record})
    keeper.begin()
    return keeper


def test_what_was_asked_for_before_is_not_sent_again(keep: Keep) -> None:
    second = {"portion": 2, "call": {**CALL, "line": 32}, "packs": [[b"d"]]}
    keeper = begun(keep, TWO, {"portion": 1, "packs": [[b"a", b"b"], [b"c"]]}, second)
    keeper.give_results(1, 0, [b"A", b"B"])
    keeper.give_results(2, 0, [b"D"])
    keeper.give_results(1, 2, [b"C"])
    ending = keeper.end()
    assert ending.outcome["exit"] == 0
    assert not ending.of("O", "I", "D", "N")
    assert keeper.printed() == b"0 A\n1 B\n2 C\n0 D\n"


def test_no_result_comes_before_its_item_was_asked_for(keep_some: Keep) -> None:
    keeper = begun(
        keep_some,
        """
        ours.open(CALL, None, listener)
        time.sleep(0.2)
        ours.send(1, [b"a"])
        time.sleep(0.2)
        assert not listener.heard, listener.heard
        ours.send(1, [b"b"])
        listener.wait(2)
        assert len(listener.heard) == 2
        ours.send(1, [b"c"], final=True)
        listener.show(3)
        """,
        {"portion": 1, "packs": [[b"a", b"b"], [b"c"]]},
    )
    keeper.give_results(1, 0, [b"A", b"B"])
    keeper.give_results(1, 2, [b"C"])
    assert keeper.end().outcome["exit"] == 0, keeper.printed(2)
    assert keeper.printed() == b"0 A\n1 B\n2 C\n"


def test_results_that_were_not_there_yet_come_when_they_come(keep_some: Keep) -> None:
    keeper = begun(keep_some, TWO, {"portion": 1, "packs": [[b"a", b"b"], [b"c"]]})
    keeper.give_results(1, 0, [b"A"])
    keeper.give_results(1, 1, [b"B", b"C"])
    assert keeper.hear_items(2) == ([b"d"], True)
    keeper.give_results(2, 0, [b"D"])
    ending = keeper.end()
    assert [said["portion"] for said in ending.of("O")] == [2] and not ending.notes
    assert keeper.printed() == b"0 A\n1 B\n2 C\n0 D\n"


def test_a_portion_that_was_not_finished_goes_on_where_it_was(keep: Keep) -> None:
    keeper = begun(keep, TWO, {"portion": 1, "packs": [[b"a"]], "final": False})
    keeper.give_results(1, 0, [b"A"])
    said = keeper.hear_one("I", portion=1)
    assert (said["first"], said["count"]) in ((1, 1), (1, 2))
    while not said["final"]:
        said = keeper.hear_one("I", portion=1)
    keeper.give_results(1, 1, [b"B", b"C"])
    keeper.hear_items(2)
    keeper.give_results(2, 0, [b"D"])
    assert not [opened for opened in keeper.end().of("O") if opened["portion"] == 1]
    assert keeper.printed() == b"0 A\n1 B\n2 C\n0 D\n"


def test_a_program_that_waits_for_results_before_it_sends_more(keep: Keep) -> None:
    keeper = begun(
        keep,
        """
        ours.open(CALL, None, listener)
        content = b"0"
        for number in range(6):
            ours.send(1, [content])
            content = listener.wait(number + 1)[-1][1][1]
        ours.send(1, [], final=True)
        print(content.decode("ascii"))
        """,
        {"portion": 1, "packs": [[b"0"], [b"1"], [b"2"]], "final": False},
    )
    for number in (2, 0, 1):
        keeper.give_results(1, number, [b"%d" % (number + 1)])
    for number in (3, 4, 5):
        assert keeper.hear_items(1) == ([b"%d" % number], False)
        keeper.give_results(1, number, [b"%d" % (number + 1)])
    assert keeper.hear_items(1) == ([], True)
    assert not keeper.end().of("O", "D", "N")
    assert keeper.printed() == b"6\n"


def test_other_items_are_asked_for_under_a_new_number(keep: Keep) -> None:
    keeper = begun(
        keep,
        """
        ours.open(CALL, None, listener)
        ours.send(1, [b"a", b"b"])
        listener.wait(2)
        ours.send(1, [b"other", b"d"])
        ours.send(1, [b"e"], final=True)
        listener.show(5)
        """,
        {"portion": 1, "packs": [[b"a", b"b"], [b"c", b"d"]]},
        {"portion": 2, "packs": [[b"x"]]},
        {"portion": 3, "packs": [], "place": "home"},
    )
    keeper.give_results(1, 0, [b"A"])
    keeper.give_results(1, 2, [b"wrong", b"wrong"])
    keeper.give_results(1, 1, [b"B"])
    assert [keeper.hear_one("D")["portion"] for _ in range(3)] == [1, 2, 3]
    opened = keeper.hear_one("O")
    assert (opened["portion"], opened["call"]) == (4, {**CALL, "order": 1})
    items, is_final = keeper.hear_items(4)
    assert items == [b"a", b"b"]
    while not is_final:
        more, is_final = keeper.hear_items(4)
        items += more
    assert items == [b"a", b"b", b"other", b"d", b"e"]
    keeper.give_results(1, 3, [b"late"])
    keeper.give_results(4, 0, [b"twice"])
    keeper.give_results(4, 1, [b"twice", b"Other"])
    keeper.give_results(4, 3, [b"D", b"E"])
    ending = keeper.end()
    assert ending.outcome["exit"] == 0
    assert ending.notes == [DIFFERS]
    assert keeper.printed() == b"0 A\n1 B\n2 Other\n3 D\n4 E\n"


@pytest.mark.parametrize(
    "call",
    [{**CALL, "line": 30}, {**CALL, "function": "g"}, {**CALL, "kind": "Pool.imap"}],
)
def test_another_call_ends_the_record(keep_some: Keep, call: dict[str, Any]) -> None:
    keeper = begun(keep_some, TWO, {"portion": 1, "call": call, "packs": [[b"a", b"b", b"c"]]}, {"portion": 2, "packs": [[b"d"]]})
    keeper.give_results(1, 0, [b"wrong"] * 3)
    for number, count, values in ((3, 3, [b"A", b"B", b"C"]), (4, 1, [b"D"])):
        items: list[bytes] = []
        while len(items) < count:
            items += keeper.hear_items(number)[0]
        keeper.give_results(number, 0, values)
    ending = keeper.end()
    assert [said["portion"] for said in ending.of("D")] == [1, 2]
    assert [said["portion"] for said in ending.of("O")] == [3, 4]
    assert ending.notes == [DIFFERS]
    assert keeper.printed() == b"0 A\n1 B\n2 C\n0 D\n"


@pytest.mark.parametrize("packs", [[[b"a"], [b"b", b"c"], [b"d"]], [[b"a", b"b"]]], ids=["fewer", "more"])
def test_fewer_or_more_items_are_other_items(keep_some: Keep, packs: list[list[bytes]]) -> None:
    keeper = begun(keep_some, TWO.split("again")[0], {"portion": 1, "packs": packs})
    keeper.give_results(1, 0, [b"A"])
    assert keeper.hear_one("D")["portion"] == 1
    items, is_final = keeper.hear_items(2)
    while not is_final:
        more, is_final = keeper.hear_items(2)
        items += more
    assert items == [b"a", b"b", b"c"]
    keeper.give_results(2, 0, [b"A", b"B", b"C"])
    assert keeper.end().notes == [DIFFERS]
    assert keeper.printed() == b"0 A\n1 B\n2 C\n"


def test_a_program_that_ends_sooner_just_ends(keep_some: Keep) -> None:
    text = "ours.open(CALL, None, listener)\nours.send(1, [b'a'])\nsys.exit(8)"
    keeper = begun(keep_some, text, {"portion": 1, "packs": [[b"a", b"b"]]}, {"portion": 2, "packs": []})
    ending = keeper.end()
    assert ending.outcome["exit"] == 8 and not ending.of("O", "I", "D", "N")


def test_portions_that_are_open_together_are_opened_again_together(keep: Keep) -> None:
    keeper = begun(
        keep,
        """
        others = [Listener() for _ in range(3)]
        for number in range(3): ours.open(CALL, None, others[number])
        ours.send(2, [b"two"], final=True)
        ours.send(3, [b"three"])
        others[2].wait(1)
        ours.send(1, [b"another"], final=True)
        others[0].show(1)
        others[1].show(1)
        ours.send(3, [b"more"], final=True)
        others[2].show(2)
        """,
        {"portion": 1, "packs": [[b"one"]]},
        {"portion": 2, "packs": [[b"two"]]},
        {"portion": 3, "packs": [[b"three"]], "final": False},
    )
    keeper.give_results(3, 0, [b"Three"])
    ending_items: dict[int, bytes] = {}
    while len(ending_items) < 3:
        said = keeper.hear()
        if said.kind == "I" and said["count"]:
            ending_items[said["portion"]] = said.payload[4:]
            keeper.give_results(said["portion"], 0, [said.payload[4:].upper()])
    assert list(ending_items) == [4, 5, 6]
    assert ending_items == {4: b"another", 5: b"two", 6: b"three"}
    assert keeper.hear_one("I", portion=6)["first"] == 1
    keeper.give_results(6, 1, [b"MORE"])
    ending = keeper.end()
    assert [said["portion"] for said in ending.of("D")] == [1, 2, 3]
    assert [said["portion"] for said in ending.of("O")] == [4, 5, 6]
    assert keeper.printed() == b"0 ANOTHER\n0 TWO\n0 Three\n1 MORE\n"


def test_the_third_start_finds_what_the_second_did(keep_some: Keep) -> None:
    renumbered = {"portion": 3, "call": {**CALL, "order": 1}, "packs": [[b"a", b"b"], [b"c"]]}
    keeper = begun(keep_some, TWO, {"portion": 1, "packs": [[b"z"]]}, {"portion": 2, "packs": [[b"z"]]}, renumbered)
    keeper.give_results(3, 0, [b"A", b"B", b"C"])
    opened = keeper.hear_one("O")
    assert opened["portion"] == 4  # the second is another call than before
    keeper.hear_items(4)
    keeper.give_results(4, 0, [b"D"])
    keeper.end()
    assert keeper.printed() == b"0 A\n1 B\n2 C\n0 D\n"


def test_a_record_may_come_in_several_frames(keep_some: Keep) -> None:
    keeper = keep_some(BEGINNING + TWO.split("again")[0], divide="found")
    keeper.record(1, CALL, [[b"a", b"b"]], final=False)
    first = keeper.hear()
    assert first.kind == "L"
    keeper.send("H", {"portion": 1, "call": CALL, "place": "lab", "final": True, "packs": [[2, 1, sha256(framed([b"c"])).hexdigest()]]})
    keeper.begin()
    keeper.give_results(1, 0, [b"A", b"B", b"C"])
    assert not keeper.end().of("O", "I", "D", "N")
    assert keeper.printed() == b"0 A\n1 B\n2 C\n"


def test_a_portion_at_home_is_not_told_of_again(keep_some: Keep) -> None:
    text = "print(ours.open(CALL, None, listener, place='home', reason='a lock').portion)"
    keeper = begun(keep_some, text, {"portion": 1, "packs": [], "place": "home"})
    assert not keeper.end().of("O", "D", "N")


def test_a_refusal_waits_for_the_results_that_are_there(keep_some: Keep) -> None:
    keeper = begun(
        keep_some,
        """
        ours.open(CALL, None, listener)
        time.sleep(0.1)
        assert not listener.reasons
        ours.send(1, [b"a", b"b"], final=True)
        listener.wait_refused()
        listener.show(1)
        """,
        {"portion": 1, "packs": [[b"a", b"b"]]},
    )
    keeper.send("Y", {"portion": 1, "reason": "no module"})
    keeper.give_results(1, 0, [b"A"])
    assert keeper.end().outcome["exit"] == 0, keeper.printed(2)
    assert keeper.printed() == b"0 A\n"


def test_results_in_many_parts_are_held_back_whole(keep_some: Keep) -> None:
    text = TWO.split("again")[0].replace("listener.show(3)", "print([len(content) for _, (_, content) in sorted(listener.wait(3))])")
    keeper = begun(keep_some, "time.sleep(0.2)\n" + text, {"portion": 1, "packs": [[b"a", b"b"], [b"c"]]})
    keeper.give_results(1, 0, [b"x" * 3_000_000, b"y" * 2_000_000, b"z"])
    keeper.end()
    assert keeper.printed() == b"[3000000, 2000000, 1]\n"


@pytest.mark.slow  # as long as the keeper's patience
def test_an_item_that_never_comes_is_another_way(keep_some: Keep) -> None:
    text = "ours.open(CALL, None, listener)\nours.send(1, [b'a'])\nlistener.show(1)"
    keeper = begun(keep_some, text, {"portion": 1, "packs": [[b"a", b"b"]]})
    keeper.give_results(1, 0, [b"wrong", b"wrong"])
    assert keeper.hear_items(2) == ([b"a"], False)
    keeper.give_results(2, 0, [b"A"])
    assert keeper.end().notes == [DIFFERS]
    assert keeper.printed() == b"0 A\n"
