"""Portions that a program opens through its portal: what the worker hears, what comes back, and what happens when nobody listens."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import time
from pathlib import Path

import pytest

from marx.worker.pipe import FRAME_LIMIT
from tests.runner.conftest import Keep
from tests.runner.keeping import FENCE, KeeperDriver
from tests.runner.spawning import PATIENCE_SECONDS, appears, is_alive

BEGINNING = """
import os, pickle, sys, threading, time
from marx.runner import portal

CALL = {"file": "prog.py", "line": 31, "kind": "Pool.map", "function": "f"}

class Listener(object):
    def __init__(self):
        self.heard, self.reasons, self.changed = [], [], threading.Condition()
    def returned(self, first, outcomes):
        with self.changed:
            self.heard += [(first + place, outcome) for place, outcome in enumerate(outcomes)]
            self.changed.notify_all()
    def refused(self, reason):
        with self.changed:
            self.reasons.append(reason)
            self.changed.notify_all()
    def wait(self, count):
        with self.changed:
            while len(self.heard) < count: self.changed.wait(1)
            return self.heard
    def wait_refused(self):
        with self.changed:
            while not self.reasons: self.changed.wait(1)
            return self.reasons
    def show(self, count):
        for item, (codec, content) in sorted(self.wait(count), key=lambda heard: heard[0]):
            print("%d %s" % (item, content.decode("ascii") if codec == "pickles" else sorted(content.items())))

ours = portal.current()
listener = Listener()
"""


def test_items_go_to_the_worker_and_results_come_back(keep: Keep) -> None:
    keeper = keep(
        BEGINNING
        + """
print(ours.slots)
opened = ours.open(CALL, None, listener)
ours.send(opened.portion, [b"a", b"bb"])
ours.send(opened.portion, [b"", b"c" * 100000], final=True)
listener.show(4)
""",
        divide="found",
        slots=7,
    )
    keeper.begin()
    opened = keeper.hear_one("O")
    assert {name: opened[name] for name in ("portion", "place", "reason", "state", "chunk")} == {
        "portion": 1,
        "place": "lab",
        "reason": "",
        "state": None,
        "chunk": FENCE,
    }
    assert opened["call"] == {"file": "prog.py", "line": 31, "kind": "Pool.map", "function": "f"}
    items: list[bytes] = []
    is_final = False
    while not is_final:
        more, is_final = keeper.hear_items(1)
        items += more
    assert items == [b"a", b"bb", b"", b"c" * 100_000]
    keeper.give_results(1, 2, [b"third", b"fourth"])
    keeper.give_results(1, 0, [b'{"error": {"type": "E", "message": "died"}}'], codec="entries")
    keeper.give_results(1, 1, [b"second"])
    assert keeper.end().outcome["exit"] == 0
    assert keeper.printed(2) == b""
    assert keeper.printed().splitlines()[0] == b"7"
    assert b"".join(keeper.printed().splitlines(True)[2:]) == b"1 second\n2 third\n3 fourth\n"
    assert b"died" in keeper.printed().splitlines()[1]


def test_packs_are_cut_by_size_and_one_large_item_is_one_alone(keep_some: Keep) -> None:
    keeper = keep_some(
        BEGINNING
        + """
ours.open(CALL, None, listener)
ours.send(1, [b"x" * 10000] * 20 + [b"y" * 3000000] + [b"z"], final=True)
listener.show(22)
""",
        divide="found",
    )
    keeper.begin()
    packs = []
    while not packs or not packs[-1][1]:
        packs.append(keeper.hear_items(1))
    assert [sum(len(record) for record in pack) for pack, _ in packs] == [40_000] * 5 + [3_000_000, 1]
    keeper.give_results(1, 0, [b"1"] * 22)
    assert keeper.end().outcome["exit"] == 0


def test_items_that_come_slowly_leave_at_once(keep_some: Keep) -> None:
    keeper = keep_some(
        BEGINNING
        + """
opened = ours.open(CALL, None, listener)
for number in range(5):
    ours.send(1, [b"%d" % number if sys.version_info[0] > 2 else str(number)])
    listener.wait(number + 1)
ours.send(1, [], final=True)
listener.show(5)
""",
        divide="found",
    )
    keeper.begin()
    for number in range(5):
        assert keeper.hear_items(1) == ([b"%d" % number], False)
        keeper.give_results(1, number, [b"r%d" % number])
    assert keeper.hear_items(1) == ([], True)
    assert keeper.end().outcome["exit"] == 0
    assert keeper.printed() == b"".join(b"%d r%d\n" % (number, number) for number in range(5))


def test_a_state_travels_before_the_portion_that_needs_it(keep: Keep) -> None:
    keeper = keep(BEGINNING + "state = ours.send_state(b's' * 2500000)\nours.open(CALL, state, listener)\nours.drop(1)", divide="found")
    said = keeper.run().of("K", "O", "D")
    assert "".join(frame.kind for frame in said) == "KKKOD"
    assert [frame["offset"] for frame in said[:3]] == [0, 1 << 20, 2 << 20]
    assert b"".join(frame.payload for frame in said) == b"s" * 2_500_000
    assert said[3]["state"] == said[0]["state"] and said[0]["total"] == 2_500_000


def test_what_it_printed_and_wrote_comes_before_the_portion(keep: Keep, place: Path) -> None:
    keeper = keep(
        BEGINNING
        + """
open("before.txt", "w").write("b")
sys.stdout.write("no line")
ours.open(CALL, None, listener)
open("after.txt", "w").write("a")
sys.stdout.write(" yet")
ours.send(1, [b"x"])
while not os.path.exists("go"): time.sleep(0.01)
print(ours.files_changed(), ours.files_changed())
""",
        divide="found",
        roots=[str(place)],
    )
    keeper.begin()
    keeper.hear_one("A")
    keeper.hear_one("O")
    assert b"no line" in keeper.process.printed(1)
    keeper.hear_items(1)
    assert b"no line yet" in keeper.process.printed(1)
    (place / "go").touch()
    ending = keeper.end()
    assert [(said.kind, said["path"][1]) for said in ending.of("A")] == [("A", "before.txt"), ("A", "after.txt"), ("A", "go")]
    assert keeper.printed().split(b"yet")[1] in (b"True False\n", b"(True, False)\n")


def test_many_portions_are_told_apart(keep: Keep) -> None:
    keeper = keep(
        BEGINNING
        + """
listeners = [Listener() for _ in range(20)]
def work(number):
    portion = ours.open(CALL, None, listeners[number]).portion
    ours.send(portion, [str(number).encode("ascii")] * 3, final=True)
threads = [threading.Thread(target=work, args=[number]) for number in range(20)]
for thread in threads: thread.start()
for number, one in enumerate(listeners):
    assert [content for _, (_, content) in one.wait(3)] == [str(number).encode("ascii")] * 3
""",
        divide="found",
    )
    keeper.begin()
    numbers = set()
    while len(numbers) < 20:
        opened = keeper.hear_one("I", final=True)
        numbers.add(opened["portion"])
        keeper.give_results(opened["portion"], 0, [opened.payload[4:5] if opened["total"] == 15 else opened.payload[4:6]] * 3)
    assert numbers == set(range(1, 21))
    assert keeper.end().outcome["exit"] == 0, keeper.printed(2)


def test_a_portion_that_stays_at_home_is_only_told_of(keep: Keep) -> None:
    text = "print(ours.open(CALL, None, listener, place='home', reason='a lock').portion)\nours.note('something')"
    keeper = keep(BEGINNING + text, divide="found")
    ending = keeper.run()
    [opened] = ending.of("O")
    assert (opened["place"], opened["reason"]) == ("home", "a lock")
    assert ending.notes == ["something"] and not ending.of("I")


def test_a_refusal_reaches_the_listener(keep: Keep) -> None:
    text = "ours.open(CALL, None, listener)\nours.send(1, [b'x'], final=True)\nprint(listener.wait_refused())"
    keeper = keep(BEGINNING + text, divide="found")
    keeper.begin()
    keeper.hear_items(1)
    keeper.send("Y", {"portion": 1, "reason": "no module"})
    keeper.end()
    assert b"no module" in keeper.printed()


def test_a_callback_may_open_another_portion(keep: Keep) -> None:
    keeper = keep(
        BEGINNING
        + """
class Callback(Listener):
    def returned(self, first, outcomes):
        number = ours.open(CALL, None, listener).portion
        ours.send(number, [b"again"], final=True)
ours.open(CALL, None, Callback())
ours.send(1, [b"once"], final=True)
listener.show(1)
""",
        divide="found",
    )
    keeper.begin()
    keeper.hear_items(1)
    keeper.give_results(1, 0, [b"r"])
    assert keeper.hear_items(2) == ([b"again"], True)
    keeper.give_results(2, 0, [b"s"])
    keeper.end()
    assert keeper.printed() == b"0 s\n"


def test_a_process_that_the_program_forks_has_no_portal(keep: Keep) -> None:
    keeper = keep(
        BEGINNING
        + """
for _ in range(2):
    child = os.fork()
    if not child: os._exit(portal.current() is None)
    print(os.waitpid(child, 0)[1] >> 8)
    ours.files_changed()
""",
        divide="found",
    )
    keeper.run()
    assert keeper.printed() == b"1\n1\n"


@pytest.mark.parametrize(
    "said",
    [
        r"b'\xff' * 20",
        r"b'\0\0\0\2O\0\0\0\2{}'",
        r"b'\0\0\0\2?\0\0\0\2{}'",
        "portal.encode(b'I', {'portion': 1, 'count': 3, 'final': True, 'offset': 0, 'total': 1}, b'x')",
        "portal.encode(b'O', {'portion': 9, 'call': {}, 'place': 'lab', 'reason': '', 'state': None})",
        "portal.encode(b'I', {'portion': 1, 'count': 1, 'final': True, 'offset': 5, 'total': 9}, b'x')",
    ],
)
def test_nonsense_from_the_program_ends_its_portal_and_nothing_else(keep_some: Keep, said: str) -> None:
    keeper = keep_some(
        BEGINNING
        + """
ours.open(CALL, None, listener)
ours.send(1, [b"x"])
os.write(ours._descriptor, %s)
print(len(listener.wait_refused()))
try:
    ours.open(CALL, None, listener)
except portal.PortalClosed:
    print(portal.current())
"""
        % said,
        divide="found",
    )
    ending = keeper.run()
    assert ending.outcome["exit"] == 0
    assert keeper.printed() == b"1\nNone\n"
    assert len(ending.notes) == 1 and "goes on without" in ending.notes[0]


def test_a_program_whose_keeper_was_killed_serves_nothing_itself(keep_some: Keep, place: Path) -> None:
    """It is killed as well, in a moment, and what it said meanwhile would count."""
    keeper = keep_some(
        BEGINNING
        + """
import ctypes
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # as if the kernel took its time to kill a child of one that died
ours.open(CALL, None, listener)
with open("pid", "w") as file:
    file.write("%d" % os.getpid())
os.rename("pid", "waits")
listener.wait_refused()
print("went on")
""",
        divide="found",
    )
    keeper.begin()
    appears(place / "waits")
    program = int((place / "waits").read_text())
    os.kill(keeper.process.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(program):
        assert time.monotonic() < deadline, "it is still there"
    assert b"went on" not in keeper.process.printed(1)


def test_a_program_that_closes_its_portal_goes_on(keep_some: Keep) -> None:
    keeper = keep_some("import os\nos.closerange(3, 1000)\nprint('on')", divide="found")
    ending = keeper.run()
    assert ending.outcome["exit"] == 0 and keeper.printed() == b"on\n"


def test_results_that_the_program_does_not_read_wait_outside_of_memory(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(
        BEGINNING
        + """
class Slow(Listener):
    def returned(self, first, outcomes):
        while not os.path.exists("go"): time.sleep(0.01)
        Listener.returned(self, first, outcomes)
slow = Slow()
ours.open(CALL, None, slow)
ours.send(1, [b"x"] * 64, final=True)
sizes = [len(content) for _, (_, content) in sorted(slow.wait(64))]
assert sizes == [1 << 20] * 64, sizes
""",
        divide="found",
    )
    keeper.begin()
    keeper.hear_items(1)
    for item in range(64):
        keeper.give_results(1, item, [bytes([item]) * (1 << 20)])
    assert memory_of(keeper) < 60 << 20
    (place / "go").touch()
    assert keeper.end().outcome["exit"] == 0, keeper.printed(2)


def memory_of(keeper: KeeperDriver) -> int:
    """Bytes that the keeper has in memory of its own."""
    [line] = [line for line in Path(f"/proc/{keeper.process.pid}/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) << 10


def test_a_worker_that_reads_nothing_stops_the_program_and_can_still_end_it(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(
        BEGINNING
        + """
ours.open(CALL, None, listener)
open("there", "w").close()
while True: ours.send(1, [b"x" * 500000])
""",
        divide="found",
    )
    keeper.begin()
    appears(place / "there")
    wait_until_stuck(keeper)
    assert memory_of(keeper) < 60 << 20
    keeper.cancel()
    assert keeper.hear_one("Z")["outcome"] == "cancelled"


def wait_until_stuck(keeper: KeeperDriver) -> None:
    """Until the keeper's pipe to us is full: nothing more can be read for a while."""
    seen = -1
    for _ in range(200):
        filled = int.from_bytes(fcntl.ioctl(keeper.process.reports, termios.FIONREAD, b"\0" * 4), "little")
        if filled and filled == seen:
            return
        seen = filled
        time.sleep(0.05)
    raise AssertionError("the pipe never filled")


def test_frames_stay_within_their_limit(keep_some: Keep) -> None:
    keeper = keep_some(BEGINNING + "ours.open(CALL, None, listener)\nours.send(1, [b'x' * 5000000], final=True)", divide="found")
    ending = keeper.run()
    assert max(len(said.payload) for said in ending.frames) <= FRAME_LIMIT
    assert sum(len(said.payload) for said in ending.of("I")) == 5_000_004
