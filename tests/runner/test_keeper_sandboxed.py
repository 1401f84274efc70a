"""The keeper as process 1 of a sandbox, which is what it most often is, with a program that is nobody."""

from __future__ import annotations

import shutil

import pytest

from tests.runner.conftest import Keep
from tests.runner.test_keeper_portal import BEGINNING
from tests.runner.test_sandboxed import BWRAP


@pytest.mark.needs_bwrap
def test_a_program_cannot_stop_its_keeper_nor_look_into_it_and_leaves_nothing(keep: Keep) -> None:
    keeper = keep(
        BEGINNING
        + """
import signal
assert os.getppid() == 1 and os.getpgid(0) == os.getpid()
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
    os.kill(1, number)
for place in ("/proc/1/mem", "/proc/1/fd/3", "/proc/1/fd/4", "/proc/1/environ"):
    try:
        open(place, "rb").close()
        print("could look into %s" % place)
    except (IOError, OSError):
        pass
if not os.fork():
    os.setsid()
    while True: time.sleep(100)
ours.open(CALL, None, listener)
ours.send(1, [b"x"], final=True)
listener.show(1)
""",
        divide="found",
        prefix=[str(shutil.which("bwrap")), *BWRAP],
    )
    keeper.begin()
    keeper.hear_items(1)
    keeper.give_results(1, 0, [b"r"])
    assert keeper.end().outcome == {"exit": 0, "signal": None}, keeper.printed(2)
    assert keeper.printed() == b"0 r\n"
    assert keeper.quit() == 0
