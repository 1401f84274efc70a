"""What the runner does with frames: those that it gets, those that make no sense, and the end of its pipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx.worker.messages import Begun, Ended
from marx.worker.pipe import encode
from tests.runner.conftest import Start
from tests.runner.driving import secret_of
from tests.runner.spawning import appears, is_alive


def test_chunks_are_run_in_the_order_in_which_they_were_given(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_range(100)
    fences = [runner.give_chunk(first, 10) for first in range(0, 100, 10)]
    for number, fence in enumerate(fences):
        outcome = runner.hear_chunk(fence)
        assert type(outcome.messages[0]) is Begun
        assert outcome.values == list(range(10 * number, 10 * number + 10))


def test_told_to_quit_it_finishes_the_chunk_at_work_and_exits_with_0(start: Start, tmp_path: Path) -> None:
    runner = start("import os, time\ndef f(path):\n    while not os.path.exists(path): time.sleep(0.001)\n    return 'done'")
    runner.give_items([str(tmp_path / "go")] * 2)
    fence = runner.give_chunk(0, 1)
    runner.give_chunk(1, 1)
    runner.hear_until(lambda heard: bool(heard))
    runner.send(encode(b"Q", {}))
    (tmp_path / "go").touch()
    assert runner.hear_chunk(fence).values == ["done"]
    assert runner.process.wait() == 0


def test_what_the_program_registered_for_its_end_runs_once(start: Start) -> None:
    runner = start("import atexit, sys\natexit.register(lambda: sys.stdout.write('bye'))\ndef f(x): pass")
    runner.give_range(2)
    for item in range(2):
        runner.run(item, 1)
    assert runner.quit() == 0
    assert runner.strays() == b"bye"


def test_when_the_worker_dies_it_ends_with_every_process_of_the_chunk(start: Start, tmp_path: Path) -> None:
    runner = start(
        """
        import os, subprocess, time
        def f(place):
            child = subprocess.Popen(["sleep", "1000"])
            with open(place + ".new", "w") as names: names.write("%d %d" % (os.getpid(), child.pid))
            os.rename(place + ".new", place)
            time.sleep(1000)
        """
    )
    runner.give_items([str(tmp_path / "pids")])
    runner.give_chunk(0, 1)
    appears(tmp_path / "pids")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    runner.process.hang_up()
    assert runner.process.wait() == 0
    assert not any(is_alive(pid) for pid in pids)


def test_when_nobody_reads_its_frames_it_ends(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_range(1)
    runner.process.stop_reading()
    runner.give_chunk(0, 1)
    assert runner.process.wait() == 0


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff" * 9,
        encode(b"?", {}),
        encode(b"C", {"chunk": 1}),
        encode(b"E", {}),
        encode(b"P", {"portion": 0, "first": 0, "count": 1, "codec": "pickle"}),
        b"\0\0\0\2P\0\0\0\2[]",
        b"\0\0\0\2P\0\0\0\2{x",
        encode(b"C", {"chunk": 1, "portion": 0, "first": 0, "count": 1, "mark": "0" * 16}) + encode(b"E", {"chunk": 1, "secret": "1" * 16}),
        encode(b"P", {"portion": 0, "first": 0, "count": 1, "codec": "json", "offset": 5, "total": 9}),
    ],
)
def test_what_makes_no_sense_ends_it_with_4(start_some: Start, nonsense: bytes) -> None:
    runner = start_some("def f(x): return x")
    runner.send(nonsense)
    assert runner.process.wait() == 4
    assert runner.process.printed(2).startswith(b"marx runner: ")


@pytest.mark.parametrize("first", [encode(b"T", {"kind": "no such kind"}), encode(b"T", {"kind": "map"}), encode(b"Q", {})])
def test_a_first_frame_that_is_no_task_ends_it_with_4(begin_some: Start, first: bytes) -> None:
    runner = begin_some("", first=first)
    assert runner.process.wait() == 4


def test_a_worker_that_says_nothing_and_goes_away_ends_it_with_0(begin_some: Start) -> None:
    runner = begin_some("", first=b"")
    runner.process.hang_up()
    assert runner.process.wait() == 0


def test_frames_may_arrive_byte_by_byte(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    content = encode(b"P", {"portion": 0, "first": 0, "count": 2, "codec": "json"}, b'1\n"x"')
    for index in range(len(content)):
        runner.send(content[index : index + 1])
    assert runner.run(0, 2).values == [1, "x"]


def test_a_worker_that_reads_nothing_can_still_cancel(start: Start) -> None:
    runner = start("def f(x): return 'x' * 300000")
    runner.give_range(10_000)
    fence = runner.give_chunk(0, 10_000)
    runner.cancel(fence)
    while type(message := runner.hear()) is not Ended:
        pass
    assert message.outcome == "cancelled"
    assert message.done < 10_000


def test_a_dropped_pack_is_forgotten(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_range(10)
    assert runner.run(0, 1).values == [0]
    runner.drop(0)
    runner.give_range(10, args=(5, 0))
    assert runner.run(0, 2).values == [5, 5]
    runner.drop(0)
    runner.give_chunk(0, 1)
    assert runner.process.wait() == 4


def test_no_process_of_the_program_has_the_pipes_and_all_memory_of_secrets_is_wiped(start: Start) -> None:
    runner = start(
        """
        import os, re, subprocess
        def descriptors(first): return [n for n in range(first, 300) if os.path.exists("/proc/self/fd/%d" % n)]
        OUR_PARENTS = descriptors(10)
        def f(secrets):
            secrets = [secret.encode('ascii') for secret in secrets]
            with open("/proc/self/maps") as lines, open("/proc/self/mem", "rb") as memory:
                for line in lines:
                    low, high, rights = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
                    if rights[0] != "r" or "[v" in line: continue
                    memory.seek(int(low, 16))
                    for piece in memory.read(int(high, 16) - int(low, 16)).split(b'"secret":"')[1:]:
                        if piece[:16] in secrets: return line
            childs = subprocess.check_output("ls /proc/self/fd", shell=True, close_fds=False).decode().split()
            return [[n for n in found if n not in OUR_PARENTS] for found in (descriptors(0), map(int, childs))]
        """
    )
    secrets = [secret_of(fence) for fence in (1, 2, 3)]
    runner.give_items([secrets[item:] for item in range(3)])
    fences = [runner.give_chunk(item, 1) for item in range(3)]
    for fence in fences:
        [found] = runner.hear_chunk(fence).values
        own, childs = found
        assert own[:3] == [0, 1, 2] and len(own) == 4 and own[3] > 4, "beside the program's its own pipe of results"
        assert childs == [0, 1, 2, 3], "ls itself has 3 open"
