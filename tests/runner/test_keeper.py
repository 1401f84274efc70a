"""The life of a main program under the keeper: how it ends, what it prints, who may interrupt it, what it leaves behind."""

from __future__ import annotations

import os
import select
import signal
import threading
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.conftest import Keep
from tests.runner.keeping import FENCE
from tests.runner.spawning import appears, is_alive
from tests.runner.test_bootstrap import compare, plain

SLEEPER = """
import os, time
with open("pid.new", "w") as name: name.write(str(os.getpid()))
os.rename("pid.new", "pid")
time.sleep(1000)
"""
WAITER = "import os, time\nopen('there', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)"

ENDS = {
    "returns": "print('x')",
    "exits with 3": "import sys; sys.exit(3)",
    "exits with a text": "import sys; sys.exit('good bye')",
    "exits with None": "raise SystemExit",
    "raises": "def f(n):\n    return 1 // n\nf(1)\nf(0)",
    "raises while it raises": "try:\n    {}['a']\nexcept KeyError:\n    raise ValueError(u'b')",
    "raises what cannot be shown": "class E(Exception):\n    def __str__(self):\n        1 / 0\nraise E()",
    "does not parse": "def f(:\n",
    "raises KeyboardInterrupt by itself": "raise KeyboardInterrupt",
    "recurses without end": "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RuntimeError as e:\n    print(str(e)[:30])\n",
    "recurses deeply": "import sys\nsys.setrecursionlimit(9000)\ndef f(n):\n    return f(n - 1) + 1 if n else 0\nprint(f(8000))\n",
    "leaves by os._exit": "import os, sys\nsys.stdout.write('lost?\\n')\nsys.stdout.flush()\nos._exit(7)",
    "registers for its end": "import atexit, os\natexit.register(lambda: os.write(1, b'last'))\nraise SystemExit(5)",
    "closes its output": "import os, sys\nsys.stdout.flush()\nos.close(1)\nos.close(2)\nos.close(0)\nraise SystemExit(4)",
    "closes all that it has": "import os\nos.closerange(0, 1000)\nos._exit(6)",
}


@pytest.mark.parametrize("ending", ENDS)
def test_a_program_ends_as_under_python(keep: Keep, user_python: UserPython, place: Path, ending: str) -> None:
    (place / "prog.py").write_text(ENDS[ending])
    for divide in ("none", "found"):
        expected = plain(user_python, place, "prog.py")
        keeper = keep(None, "prog.py", divide=divide)
        ended = keeper.run()
        code = expected.returncode
        assert ended.outcome == {"exit": code if code >= 0 else None, "signal": -code if code < 0 else None}
        assert (keeper.printed(), keeper.printed(2)) == (expected.stdout, expected.stderr)
        assert ended.frames[-1]["outcome"] == "succeeded"
        assert keeper.quit() == 0


def test_a_program_that_is_not_there_is_pythons_error(keep: Keep, user_python: UserPython, place: Path) -> None:
    compare(keep, user_python, place, "none.py")
    compare(keep, user_python, place, "-m", "none")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGPIPE])
def test_a_signal_that_ends_it_is_told(keep: Keep, number: int) -> None:
    keeper = keep(
        """
        import os, signal, sys
        number = int(sys.argv[1])
        if number != signal.SIGKILL: signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        """,
        str(int(number)),
    )
    assert keeper.run().outcome == {"exit": None, "signal": number}


def test_an_interrupt_is_a_keyboard_interrupt_in_the_program(keep: Keep, place: Path) -> None:
    keeper = keep(
        """
        import os, sys, time
        try:
            open("there", "w").close()
            time.sleep(1000)
        except KeyboardInterrupt:
            print("interrupted")
            sys.exit(9)
        """
    )
    keeper.begin()
    appears(place / "there")
    keeper.interrupt(signal.SIGINT)
    assert keeper.end().outcome == {"exit": 9, "signal": None}
    assert keeper.printed() == b"interrupted\n"


def test_an_interrupt_reaches_what_the_program_waits_for(keep_some: Keep, place: Path) -> None:
    keeper = keep_some("import subprocess\nsubprocess.call(['sh', '-c', 'touch there; sleep 1000'])")
    keeper.begin()
    appears(place / "there")
    keeper.interrupt(signal.SIGINT)
    outcome = keeper.end().outcome
    assert outcome["signal"] == signal.SIGINT or outcome["exit"] == 1  # 3.8 and later die of the signal, earlier ones exit with 1
    assert b"KeyboardInterrupt" in keeper.printed(2)


def test_standard_input_is_the_programs(keep: Keep) -> None:
    reading, writing = os.pipe()
    keeper = keep("import sys\nfor line in sys.stdin: print(line.strip().upper())", stdin=reading)
    os.close(reading)
    keeper.begin()
    os.write(writing, b"one\ntwo\n")
    os.write(writing, b"three")
    os.close(writing)
    assert keeper.end().outcome["exit"] == 0
    assert keeper.printed() == b"ONE\nTWO\nTHREE\n"


def test_a_worker_that_reads_nothing_of_much_output_can_still_cancel(keep_some: Keep) -> None:
    keeper = keep_some("import sys\nwhile True: sys.stdout.write('x' * 65535 + '\\n')", is_piped=True)
    keeper.begin()
    keeper.hear_one("B")
    keeper.cancel()
    assert keeper.process.piped is not None
    drained = threading.Thread(target=_drain, args=[keeper.process.piped.fileno()])
    drained.start()
    keeper.process.output[1].close()  # ours: the keeper holds the pipe's only writing end now
    assert keeper.hear_one("Z")["outcome"] == "cancelled"
    assert keeper.quit() == 0
    drained.join()
    keeper.process.piped.close()


def _drain(descriptor: int) -> int:
    """Read to the end; how many bytes there were."""
    return sum(len(part) for part in iter(lambda: os.read(descriptor, 1 << 20), b""))


@pytest.mark.slow
def test_two_hundred_megabytes_come_out_as_they_went_in(keep_some: Keep) -> None:
    keeper = keep_some("import sys\nfor number in range(200):\n    sys.stdout.write(('%07d\\n' % number) * (1 << 17))", is_piped=True)
    reading = keeper.process.piped
    assert reading is not None
    counted: list[int] = []
    drained = threading.Thread(target=lambda: counted.append(_drain(reading.fileno())))
    keeper.begin()
    keeper.process.output[1].close()
    drained.start()
    assert keeper.end().outcome["exit"] == 0
    keeper.quit()
    drained.join()
    reading.close()
    assert counted == [(200 << 20) + len(b"\0%s:0\n\0%s!\n" % (b"0" * 16, b"0" * 16))]


@pytest.mark.parametrize("divide", ["none", "found"])
def test_what_a_program_leaves_running_is_gone_before_its_end_is_told(keep: Keep, place: Path, divide: str) -> None:
    keeper = keep(
        """
        import os, sys, time
        sys.stdout.flush()
        if not os.fork():
            os.setsid()
            if not os.fork():
                with open("pid.new", "w") as name: name.write(str(os.getpid()))
                os.rename("pid.new", "pid")
                while True:
                    os.write(1, b"still here\\n")
                    time.sleep(0.01)
            os._exit(0)
        while not os.path.exists("pid"): time.sleep(0.01)
        """,
        divide=divide,
    )
    assert keeper.run().outcome["exit"] == 0
    assert not is_alive(int((place / "pid").read_text()))
    keeper.printed()  # everything is within the marks


def test_cancelled_it_is_gone_with_everything_below_it(keep: Keep, place: Path) -> None:
    keeper = keep("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER)
    keeper.begin()
    appears(place / "pid")
    keeper.cancel()
    ended = keeper.end()
    assert ended.frames[-1]["outcome"] == "cancelled" and not ended.of("R")
    assert not is_alive(int((place / "pid").read_text()))
    assert keeper.quit() == 0


def test_when_the_worker_dies_the_program_does(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(SLEEPER)
    keeper.begin()
    appears(place / "pid")
    keeper.process.hang_up()
    assert keeper.process.wait() == 0
    assert not is_alive(int((place / "pid").read_text()))


def test_when_the_keeper_is_killed_the_program_dies(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(SLEEPER)
    keeper.begin()
    appears(place / "pid")
    os.kill(keeper.process.pid, signal.SIGKILL)
    assert keeper.process.wait() == -signal.SIGKILL
    wait_until_gone(int((place / "pid").read_text()))


def wait_until_gone(pid: int) -> None:
    """Until a process that was killed is not there any more."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], 20)[0]
    finally:
        os.close(watched)


def test_told_to_quit_it_lets_the_program_finish(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(WAITER)
    keeper.begin()
    appears(place / "there")
    keeper.send("Q", {})
    (place / "go").touch()
    assert keeper.end().outcome["exit"] == 0
    assert keeper.process.wait() == 0


def test_files_that_it_made_come_before_its_result(keep: Keep, place: Path) -> None:
    (place / "gone.txt").write_text("x")
    (place / "same.txt").write_text("x")
    keeper = keep("import os\nos.unlink('gone.txt')\nos.mkdir('new')\nopen('new/made.txt', 'w').write('y' * 600000)", roots=[str(place)])
    ending = keeper.run()
    assert ending.files == {"gone.txt": None, "new/made.txt": b"y" * 600_000}
    assert [said.kind for said in ending.frames if said.kind in "ARZ"] == ["A", "A", "A", "A", "R", "Z"]
    assert {(said["portion"], said["item"], said["chunk"]) for said in ending.of("A")} == {(0, 0, FENCE)}


def test_folders_are_told_of_where_they_are_asked_for(keep: Keep, place: Path) -> None:
    (place / "old" / "deep").mkdir(parents=True)
    keeper = keep("import os, shutil\nos.makedirs('new/deep')\nshutil.rmtree('old')", roots=[str(place)], folders=True)
    told = [(said["path"][1], said["deleted"], said.header.get("folder")) for said in keeper.run().of("A")]
    assert told == [("new", False, True), ("new/deep", False, True), ("old/deep", True, None), ("old", True, None)]


def test_a_folder_that_is_not_there_is_said_before_anything_starts(keep_some: Keep, place: Path) -> None:
    keeper = keep_some("", cwd=str(place / "none"))
    failed = keeper.hear()
    assert failed.kind == "F" and "none" in failed["error"]["message"]
    assert keeper.process.wait() == 3


@pytest.mark.parametrize("kind", ["C", "H", "?", "G"])
def test_what_makes_no_sense_ends_it_with_4(keep_some: Keep, kind: str) -> None:
    keeper = keep_some("import time\ntime.sleep(1000)", divide="found")
    keeper.begin()
    keeper.hear_one("B")
    keeper.send(kind, {})
    assert keeper.process.wait() == 4


@pytest.mark.parametrize("divide", ["none", "found"])
def test_a_program_has_its_own_group_and_nothing_of_the_keepers(keep: Keep, divide: str) -> None:
    keeper = keep(
        """
        import os
        assert os.getpgid(0) == os.getpid()
        open("/proc/self/maps").close()
        if not os.path.exists("/proc/self/fd/3"): print(os.open(os.devnull, os.O_RDONLY))
        print(sum(os.readlink(path).startswith("socket:") for path in map("/proc/self/fd/%d".__mod__, range(1000)) if os.path.exists(path)))
        """,
        divide=divide,
    )
    keeper.run()
    assert keeper.printed() == (b"3\n0\n" if divide == "none" else b"3\n1\n")


def test_the_keeper_leaves_sigint_to_the_worker(keep_some: Keep, place: Path) -> None:
    keeper = keep_some(WAITER)
    keeper.begin()
    appears(place / "there")
    os.kill(keeper.process.pid, signal.SIGINT)
    (place / "go").touch()
    assert keeper.end().outcome["exit"] == 0


def test_a_program_whose_starter_ignored_signals_has_them(keepers: Keep, interpreters: tuple[UserPython, ...]) -> None:
    text = "import signal\nprint(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    keeper = keepers(interpreters[-1], text, prefix=["sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh"])
    keeper.run()
    assert keeper.printed() == b"True\n"
