"""What is watched from outside: silence, memory and a runner that does not keep its own clock, as values."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from marx.worker.bounds import Bounds
from marx.worker.guard import ITEM_SLACK_SECONDS, STUCK_SECONDS, WEIGH_SECONDS, Guard
from marx.worker.usage import LEAST_FILE_BYTES, Usage, disk_bytes, exact_memory, measure

CHUNK = 7


def judged(guard: Guard, *looks: tuple[float, float]) -> list[str]:
    """What a guard says at these times, with so much processor time used until then."""
    return [guard.judge(CHUNK, Usage(cpu), at) for at, cpu in looks]


def test_who_prints_nothing_and_uses_no_processor_for_too_long_is_silent():
    assert judged(Guard(Bounds(silence_seconds=10)), (0, 5.0), (5, 5.0), (9.5, 5.01), (10, 5.01)) == ["", "", "", "silence"]


def test_use_of_a_processor_is_a_sign_of_life():
    assert judged(Guard(Bounds(silence_seconds=10)), (0, 5.0), (9, 5.2), (18, 5.4), (27, 5.6)) == [""] * 4


def test_looking_now_and_then_whether_something_has_come_is_not():
    looks = [(at, 5.0 + at * 0.005) for at in range(11)]
    assert judged(Guard(Bounds(silence_seconds=10)), *looks)[-1] == "silence"


def test_what_is_printed_or_reported_is_a_sign_of_life():
    guard = Guard(Bounds(silence_seconds=10))
    judged(guard, (0, 5.0))
    guard.printed(5)
    assert judged(guard, (9, 5.0), (18, 5.0)) == ["", ""]
    guard.reported()
    assert judged(guard, (18.5, 5.0), (28, 5.0), (28.5, 5.0)) == ["", "", "silence"]


def test_each_chunk_has_its_own_time():
    guard = Guard(Bounds(silence_seconds=10))
    assert [guard.judge(chunk, Usage(), at) for chunk, at in ((1, 0), (1, 9), (2, 9.5), (2, 19), (2, 19.5))] == ["", "", "", "", "silence"]


def test_too_much_memory_is_told_once_and_who_does_not_end_is_stuck():
    guard = Guard(Bounds(memory_bytes=100))
    assert judged(guard, (0, 0)) == [""]
    guard.weighed(100)
    assert judged(guard, (0.5, 0)) == [""]
    guard.weighed(101)
    assert judged(guard, (1, 0), (2, 0), (1 + STUCK_SECONDS, 0), (1.5 + STUCK_SECONDS, 0)) == ["memory", "", "", "stuck"]


def test_memory_is_weighed_only_when_it_seems_too_much_and_may_have_become_more():
    guard = Guard(Bounds(memory_bytes=100))
    judged(guard, (0, 0))
    assert not guard.must_weigh(Usage(0, 100), 1)
    assert guard.must_weigh(Usage(0, 150), 2)
    guard.weighed(90)
    assert not guard.must_weigh(Usage(0, 160), 3), "it can have 100 now, and no more"
    assert guard.must_weigh(Usage(0, 161), 4)
    guard.weighed(91)
    assert guard.must_weigh(Usage(0, 161), 4 + WEIGH_SECONDS), "what was shared may be copied, and the sum stays the same"


def test_files_are_surveyed_now_and_then_and_too_many_bytes_end_the_chunk():
    guard = Guard(Bounds(scratch_bytes=100))
    assert guard.must_survey(0) and not guard.must_survey(WEIGH_SECONDS - 0.5) and guard.must_survey(WEIGH_SECONDS)
    guard.surveyed(100)
    assert judged(guard, (6, 0)) == [""]
    guard.surveyed(101)
    assert judged(guard, (7, 0)) == ["scratch"]
    assert not Guard(Bounds(memory_bytes=1)).must_survey(0)


def test_files_below_a_folder_are_what_they_take_on_the_disk(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "link").symlink_to("/usr")
    assert 1_000_000 <= disk_bytes(tmp_path) < 1_100_000
    assert disk_bytes(tmp_path / "none") == 0


def test_a_file_counts_with_its_share_of_the_disks_files_however_little_is_in_it(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x" * (number % 2))
    assert disk_bytes(tmp_path) == 100 * LEAST_FILE_BYTES
    (tmp_path / "0").write_bytes(b"x" * 100 * LEAST_FILE_BYTES)
    assert disk_bytes(tmp_path) == 199 * LEAST_FILE_BYTES


def test_an_items_time_is_the_workers_business_only_long_after_it_was_the_runners():
    guard = Guard(Bounds(item_seconds=10))
    late = 10 + ITEM_SLACK_SECONDS
    assert judged(guard, (0, 0), (late, 9)) == ["", ""]
    guard.reported()
    assert judged(guard, (late + 1, 9), (2 * late + 1, 9), (2 * late + 2, 9)) == ["", "", "item-timeout"]


def test_who_waits_for_something_else_is_excused():
    guard = Guard(Bounds(silence_seconds=10))
    assert judged(guard, (0, 0), (10, 0)) == ["", "silence"]
    guard.excuse()
    assert judged(guard, (11, 0), (20, 0), (21, 0)) == ["", "", "silence"]


BELOW = "import subprocess, sys; subprocess.call([sys.executable, '-c', %r])"
EATING = "import time; x = bytearray(50 << 20)\nwhile time.process_time() < 0.3: pass\nprint('eaten', flush=True); input()"


def test_processes_below_a_process_are_measured_with_it():
    with subprocess.Popen([sys.executable, "-c", BELOW % EATING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"eaten\n"
        usage = measure(process.pid)
        exact = exact_memory(usage.pids)
        process.communicate(b"\n")
    assert len(usage.pids) == 2 and usage.cpu_seconds >= 0.2
    assert 50 << 20 < exact < usage.memory_bytes < 150 << 20


def test_a_process_that_is_gone_uses_nothing():
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert measure(process.pid) == Usage() and exact_memory((process.pid,)) == 0


def test_forked_processes_do_not_count_what_they_share_twice():
    ready, go = os.pipe(), os.pipe()
    source = "import os, sys\nx = bytearray(80 << 20)\nfor _ in range(3):\n    if not os.fork():\n        break\nos.write(%d, b'.')\nos.read(%d, 1)"
    with subprocess.Popen([sys.executable, "-c", source % (ready[1], go[0])], pass_fds=(ready[1], go[0])) as process:
        came = b""
        while len(came) < 4:
            came += os.read(ready[0], 4)
        usage = measure(process.pid)
        exact = exact_memory(usage.pids)
        os.write(go[1], b"....")
    for end in (*ready, *go):
        os.close(end)
    assert usage.memory_bytes > 300 << 20 > 120 << 20 > exact


def test_while_a_program_is_loaded_only_its_memory_counts():
    guard = Guard(Bounds(memory_bytes=100, silence_seconds=1.0))
    assert guard.judge_loading() == ""
    guard.must_weigh(Usage(0.0, 200), 0.0)
    guard.weighed(150)
    assert guard.judge_loading() == "memory"
    assert not guard.must_weigh(Usage(0.0, 50), 1.0) and guard.judge_loading() == ""


def test_only_the_first_that_hides_its_memory_is_left_out(tmp_path: Path):
    for pid in (1, 2, 3, 4):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "statm").write_text("900 100 10 1 0 500 0\n")
        (tmp_path / str(pid) / "smaps_rollup").write_text("Rss: 400 kB\nPss: 40 kB\n")
    closed = {2, 4}

    class Closed(type(tmp_path)):
        def read_bytes(self) -> bytes:
            if self.name == "smaps_rollup" and int(self.parent.name) in closed:
                raise PermissionError
            return super().read_bytes()

    assert exact_memory((1, 2, 3, 4), Closed(tmp_path)) == 2 * (40 << 10) + 100 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("asked, lent, got", [(1 << 30, None, 1 << 30), (4 << 30, 2 << 30, 2 << 30), (None, 2 << 30, 2 << 30)])
def test_memory_is_never_more_than_is_lent(asked, lent, got):
    assert Bounds.of({"memory": asked}).within(Bounds(memory_bytes=lent)).memory_bytes == got
