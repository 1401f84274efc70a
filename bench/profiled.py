"""
``twistd`` with every thread under cProfile: run as ``python -m bench.profiled FILE TWISTD-ARGUMENTS``; FILE gets the statistics at the end.

The profiler's clock is the thread's own processor time: waiting for the network, the disk or the interpreter's lock costs a function nothing.
"""

from __future__ import annotations

import pstats
import sys
import threading
from cProfile import Profile
from time import thread_time
from typing import Callable

from twisted.scripts.twistd import run


def main(file: str) -> None:
    """Run twistd until it ends. The statistics are written as the last act of its reactor: twistd ends by the signal that stopped it."""
    from twisted.internet import reactor

    profiles = [Profile(thread_time)]
    threading.Thread.run = _profiled(threading.Thread.run, profiles)
    reactor.addSystemEventTrigger("after", "shutdown", lambda: pstats.Stats(*profiles).dump_stats(file))
    profiles[0].runcall(run)


def _profiled(run_thread: Callable[[threading.Thread], None], profiles: list[Profile]) -> Callable[[threading.Thread], None]:
    def run_profiled(thread: threading.Thread) -> None:
        profile = Profile(thread_time)
        profiles.append(profile)
        profile.runcall(run_thread, thread)

    return run_profiled


if __name__ == "__main__":
    main(sys.argv.pop(1))
