"""The stand-ins' parts by themselves: what is pure, or speaks only to what it was given."""

from __future__ import annotations

import itertools
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from marx.runner.portal import PortalClosed
from marx.runner.standins import portions
from marx.runner.standins.arrivals import Arrivals, Died, opened
from marx.runner.standins.callsite import beneath, call_of, name_of, said
from marx.runner.standins.inplace import computed
from marx.runner.standins.pickling import bound_here, culprit, dumps
from marx.runner.standins.portions import Feed, Home, Item
from marx.runner.standins.window import BYTES, ITEMS, Window

CALL = {"file": "prog.py", "line": 3, "kind": "Pool.map", "function": "f"}


class Thing:
    """What a program may call."""

    def method(self) -> None:
        """A method."""

    def __call__(self) -> None:
        """Itself."""


class Stubborn:
    """Says itself that it does not pickle."""

    def __init__(self) -> None:
        self.inside = open

    def __getstate__(self) -> None:
        raise TypeError("not this one")


# Names


@pytest.mark.parametrize(
    ("function", "inner"),
    [
        (len, len),
        (partial(partial(len)), len),
        (Thing, Thing),
        (Thing(), Thing),
        (Thing().method, Thing.method),
        (partial(Thing().method, 1), Thing.method),
    ],
)
def test_a_function_is_found_beneath_what_wraps_it(function: Callable[..., Any], inner: object) -> None:
    assert beneath(function) is inner


def test_a_function_is_named_by_its_module_unless_it_is_the_programs_main_file() -> None:
    assert name_of(partial(Thing().method)) == __name__ + ".Thing.method"
    main = type("Main", (), {"__module__": "__main__", "__call__": lambda self: None})
    assert name_of(main()) == "Main"


def test_a_call_has_the_line_of_the_program_and_not_of_a_library_that_calls_for_it() -> None:
    frames: list[Any] = []
    next(map(lambda _: frames.append(sys._getframe()), [1]), None)
    pickle.loads(pickle.dumps(0))
    call = call_of(frames[0], "Pool.map", len)
    assert (call["file"], call["kind"], call["function"]) == (__file__, "Pool.map", "builtins.len")
    assert said(CALL) == "Pool.map at prog.py, line 3"


# Values that do not travel


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (([1, 2, threading.Lock()],), "its arguments[0][2] (<unlocked _thread.lock"),
        (({"a": {"b": lambda: 1}},), "its arguments[0]['a']['b'] (<function <lambda>"),
        ((1, Stubborn()), "its arguments[1] (<"),
        (([[[[[lambda: 1]]]]],), "its arguments[0][0][0][0] ("),
    ],
)
def test_what_cannot_be_pickled_is_named(args: tuple[Any, ...], words: str) -> None:
    assert words in culprit(len, args, {})


def test_a_function_and_a_named_argument_can_be_the_culprit_too() -> None:
    assert culprit(lambda: 1, (), {}).startswith("its function (<function")
    assert culprit(len, (), {"key": iter(lambda: 1, 2)}).startswith("its named arguments['key'] (<callable_iterator")
    assert culprit(len, ([1],), {}) == "the whole of it"


def test_what_means_something_on_this_machine_only_is_seen_in_a_pickle() -> None:
    import multiprocessing.managers

    proxy = multiprocessing.managers.BaseProxy
    assert bound_here(dumps((len, (proxy,), {}))) == "managers"
    assert bound_here(dumps((len, ([1], partial(len)), {}))) is None


def test_a_value_computed_in_place_is_a_copy_as_a_process_would_send_it() -> None:
    mine = [1]
    succeeded, value = computed(dumps((list, (mine,), {})))
    assert (succeeded, value) == (True, mine) and value is not mine
    assert computed(dumps((len, (5,), {})))[0] is False


# Outcomes


def test_outcomes_come_out_one_by_one_in_the_order_of_their_batches() -> None:
    arrivals = Arrivals()
    arrivals.put([(1, "a"), (2, "b")])
    arrivals.put([])
    arrivals.put([(3, "c")])
    arrivals.put(None)
    assert list(iter(arrivals.get, None)) == [(1, "a"), (2, "b"), (3, "c")]


def test_an_outcome_is_a_value_an_exception_or_a_death() -> None:
    assert opened(("pickles", pickle.dumps((True, 5)))) == (True, 5)
    assert opened(("here", (True, 6))) == (True, 6)
    for broken in (("pickles", b"?"), ("entries", {"type": "Died", "message": "it died"})):
        succeeded, value = opened(broken)
        assert not succeeded and isinstance(value, Exception)
    assert isinstance(opened(("entries", {"type": "Died", "message": "it died"}))[1], Died)


# The window


def fill(window: Window, sizes: Iterator[int], most: int) -> tuple[int, threading.Thread, threading.Event]:
    """Enter until it blocks or the most have entered: how many, the thread that waits, and what is set when it is through."""
    entered, through, moved = [], threading.Event(), threading.Condition()

    def enter_all() -> None:
        for size in itertools.islice(sizes, most):
            window.enter(size)
            with moved:
                entered.append(size)
                moved.notify()
        through.set()

    thread = threading.Thread(target=enter_all, daemon=True)
    thread.start()
    with moved:
        while moved.wait(0.2):
            pass
    return len(entered), thread, through


@pytest.mark.parametrize(
    ("slots", "size", "room"),
    [(2, 10, ITEMS), (1000, 10, 64000), (2, BYTES, 4), (2, BYTES // 10 + 1, 10), (100, BYTES, 200)],
)
def test_the_window_has_room_for_many_small_items_or_few_large_ones(slots: int, size: int, room: int) -> None:
    window = Window(slots)
    entered, thread, through = fill(window, itertools.repeat(size), room + 5)
    assert entered == room
    window.leave([size] * 5)
    assert through.wait(20)
    thread.join()


def test_an_opened_window_lets_everything_pass() -> None:
    window = Window(1)
    _, thread, through = fill(window, itertools.repeat(BYTES), 50)
    assert not through.is_set()
    window.open()
    assert through.wait(20)
    thread.join()


# Feeds and portions


class Ground:
    """Writes down what a feed does; the lab of a function is its ``state`` in ``states``."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.states: dict[Any, Any] = {}
        self.changed = False
        self.closed = False
        self.listeners: list[Any] = []
        self.outcomes: list[tuple[Any, Any]] = []

    def state_of(self, function: object, record: bytes) -> object:
        return self.states.get(function, 1)

    def files_changed(self) -> bool:
        self.said.append(("look",))
        return self.changed

    def open(self, call: Any, state: Any, listener: Any, place: str = "lab", reason: str = "") -> int:
        if self.closed and place == "lab":
            raise PortalClosed("gone")
        self.listeners.append(listener)
        self.said.append(("open", place, state if place == "lab" else reason))
        return len(self.listeners)

    def send(self, portion: int, records: list[bytes], final: bool = False) -> None:
        if self.closed:
            raise PortalClosed("gone")
        self.said.append(("send", portion, list(records), final))

    def drop(self, portion: int) -> None:
        self.said.append(("drop", portion))

    def arrived(self, batch: list[tuple[Any, Any]]) -> None:
        self.outcomes += batch

    def home(self) -> Ground:
        return self

    def put(self, listener: Any, index: int, record: bytes) -> None:
        self.said.append(("home", index, record))

    def refused(self, state: object, reason: str) -> None:
        self.states = {function: Home(reason) for function in "fgh"}

    def stay(self, reason: str) -> None:
        self.refused(None, reason)


class Woken:
    """Who said that there is something to send."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []

    def wake(self, one: Any) -> None:
        self.waiting.append(one)

    def send_all(self) -> None:
        """As the sending thread does."""
        while self.waiting:
            one = self.waiting.pop(0)
            try:
                one.send_waiting()
            except PortalClosed:
                one.stay("the keeper is gone")


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> Woken:
    """In the place of the sending thread."""
    woken = Woken()
    monkeypatch.setattr(portions, "outgoing", lambda: woken)
    return woken


def item(number: int, function: str = "f") -> Item:
    """An item whose record is its number."""
    return Item("token%d" % number, b"%d" % number, function, CALL)


def test_items_that_gathered_leave_together(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground)
    for number in range(3):
        feed.put(item(number))
    assert len(woken.waiting) == 1
    woken.send_all()
    feed.end()
    woken.send_all()
    assert ground.said == [("open", "lab", 1), ("send", 1, [b"0", b"1", b"2"], False), ("send", 1, [], True)]


def test_each_state_is_a_portion_of_its_own(woken: Woken) -> None:
    ground = Ground()
    ground.states = {"g": 2, "h": Home("it stays")}
    feed = Feed(ground)
    for number, function in enumerate("fghf"):
        feed.put(item(number, function))
    woken.send_all()
    assert [said for said in ground.said if said[0] == "open"] == [("open", "lab", 1), ("open", "lab", 2), ("open", "home", "it stays")]
    assert [said for said in ground.said if said[0] in ("send", "home")] == [
        ("send", 1, [b"0"], False),
        ("send", 2, [b"1"], False),
        ("home", 0, b"2"),
        ("send", 1, [b"3"], False),
    ]


def test_a_shared_feed_looks_at_files_once_for_all_that_gathered(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground, is_shared=True)
    feed.put(item(0))
    woken.send_all()
    assert ("look",) not in ground.said
    ground.changed = True
    feed.put(item(1))
    feed.put(item(2))
    woken.send_all()
    assert ground.said[2:] == [("look",), ("send", 1, [], True), ("open", "lab", 1), ("send", 2, [b"1", b"2"], False)]


def test_outcomes_are_told_with_the_tokens_and_only_once(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground)
    feed.put(item(0))
    feed.put(item(1))
    woken.send_all()
    ground.listeners[0].returned(1, ["b"])
    ground.listeners[0].returned(0, ["a", "again"])
    assert ground.outcomes == [("token1", "b"), ("token0", "a")]


def test_a_refused_portion_is_served_at_home_where_it_is_not_done(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground)
    for number in range(3):
        feed.put(item(number))
    woken.send_all()
    ground.listeners[0].returned(1, ["b"])
    ground.listeners[0].refused("no such module")
    feed.put(item(3))
    woken.send_all()
    homes = [said for said in ground.said if said[0] in ("home", "open")]
    assert homes[1:] == [("home", 0, b"0"), ("home", 2, b"2"), ("open", "home", "no such module"), ("home", 0, b"3")]
    ground.listeners[0].returned(2, ["c"])
    assert ground.outcomes[-1] == ("token2", "c")


def test_items_that_come_between_a_refusal_and_its_service_are_computed_once(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground)
    feed.put(item(0))
    woken.send_all()
    feed.put(item(1))
    ground.listeners[0].refused("no")
    woken.send_all()
    computed_at_home = [said[2] for said in ground.said if said[0] == "home"]
    assert sorted(computed_at_home) == [b"0", b"1"]


def test_what_cannot_be_sent_any_more_is_computed_at_home(woken: Woken) -> None:
    ground = Ground()
    ground.closed = True
    feed = Feed(ground)
    for number in range(3):
        feed.put(item(number))
    woken.send_all()
    assert [said for said in ground.said if said[0] == "home"] == [("home", 0, b"0"), ("home", 1, b"1"), ("home", 2, b"2")]


def test_a_dropped_feed_drops_what_is_out_and_ends_what_is_not(woken: Woken) -> None:
    ground = Ground()
    out, done = Feed(ground), Feed(ground)
    for feed in (out, done):
        feed.put(item(0))
        woken.send_all()
    ground.listeners[1].returned(0, ["a"])
    for feed in (out, done):
        feed.drop()
        feed.put(item(1))
        woken.send_all()
    assert ground.said[-2:] == [("drop", 1), ("send", 2, [], True)]
    assert done.is_done and out.is_done


def test_a_feed_is_done_when_everything_has_come_back(woken: Woken) -> None:
    ground = Ground()
    feed = Feed(ground)
    feed.put(item(0))
    feed.end()
    woken.send_all()
    assert not feed.is_done
    ground.listeners[0].returned(0, ["a"])
    assert feed.is_done


def test_a_feed_is_not_done_while_its_items_are_between_it_and_a_portion(woken: Woken) -> None:
    """A pool that forgot it then would not drop it when it is terminated."""
    ground = Ground()
    feed = Feed(ground)
    seen = []
    ground.state_of = lambda function, record: seen.append(feed.is_done) or 1
    feed.put(item(0))
    feed.end()
    assert not feed.is_done
    woken.send_all()
    assert seen and not any(seen)
