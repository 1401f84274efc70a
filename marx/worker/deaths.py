"""
How a process ended, in words for the person whose program it was: what happened, what is likely, what it used. Pure.

A reason follows a subject: "item 17" or "it". Where it begins with "its", the subject "was lost" first. The server adds where it was, and
what is evidence comes last.
"""

from __future__ import annotations

import signal as signals
from typing import Sequence

from marx.worker.bounds import Bounds
from marx.worker.conversation import Gone
from marx.worker.messages import Ended

#: What most often sends these signals to a program that did not ask for them.
_LIKELY = {
    signals.SIGKILL: "most often by the kernel, because memory was short",
    signals.SIGSEGV: "a crash in compiled code, or recursion that is too deep",
    signals.SIGBUS: "a crash in compiled code, or a mapped file that became shorter",
    signals.SIGABRT: "compiled code gave up",
    signals.SIGFPE: "arithmetic in compiled code",
    signals.SIGILL: "compiled code for another processor",
    signals.SIGXCPU: "its limit of processor time",
    signals.SIGXFSZ: "its limit of a file's size",
    signals.SIGSYS: "a system call that the sandbox does not allow",
}


#: From this share of the memory that a process may have on, its end by SIGKILL is taken for that limit's.
NEARLY_ALL = 0.8


def death_of_chunk(ended: Ended, bounds: Bounds = Bounds(), used_bytes: int = 0) -> str:
    """Why a chunk died whose runner lives. ``used_bytes``: what all of its processes had together when that was too much."""
    if ended.cause == "memory":
        return too_much_memory(used_bytes, bounds)
    if ended.cause == "scratch":
        used, most = memory(used_bytes >> 10), memory((bounds.scratch_bytes or 0) >> 10)
        return f"filled more of the disk than it may: {used} of {most} (the worker's limit; the least file counts as 16 kB)"
    if ended.cause == "silence":
        return silence(bounds)
    if ended.cause == "item-timeout":
        return f"took longer than an item may: {bounds.item_seconds or 0:g} s (--item-timeout)"
    how = f"was killed by {_signal(ended.signal)}" if ended.signal is not None else f"exited with code {ended.exit or 0}"
    likely = _likely(ended.signal)
    if ended.signal == signals.SIGKILL and ended.max_rss_kb << 10 > NEARLY_ALL * (bounds.memory_bytes or float("inf")):
        likely = "most likely the memory limit"
    return f"{how} after using {_of(ended.max_rss_kb, bounds)} of memory" + (f", {likely}" if likely else "")


def too_much_memory(used_bytes: int, bounds: Bounds) -> str:
    """Why something was killed, by the worker or in its cgroup."""
    return f"used more memory than it may: {_of(used_bytes >> 10, bounds)} (--memory, or the worker's limit)"


def too_much_to_load(used_bytes: int, bounds: Bounds) -> str:
    """Why a program was not loaded to the end."""
    return f"it used more memory than it may while it was loaded: {_of(used_bytes >> 10, bounds)}"


def silence(bounds: Bounds) -> str:
    """What is said of who hangs."""
    return f"printed nothing and used no processor for {bounds.silence_seconds or 0:g} s (--silence)"


def evidence_of(ended: Ended | None, last_lines: Sequence[str]) -> str:
    """What else is known of it; ``ended``: what its runner said, None where that died with it."""
    told = []
    if ended is not None:
        used = f" and {memory(ended.max_rss_kb)} of memory at most" if ended.cause else ""
        told.append(f"it had used {ended.cpu_seconds:.1f} s of processor time{used}")
    if last_lines:
        told.append("its last lines were " + ", ".join(f'"{line}"' for line in last_lines))
    return "; ".join(told)


def death_of_runner(gone: Gone) -> str:
    """Why a runner is gone that nobody had asked to go."""
    if gone.cause:
        return gone.fault
    if gone.fault:
        return f"its runner was ended by the worker: {gone.fault}"
    return f"its runner {_how(gone.exit_code, gone.signal)}"


def failure_to_load(gone: Gone) -> str:
    """Why there never was a runner; with the end of what it printed."""
    if gone.fault:
        why = gone.fault
    else:
        why = f"the runner {_how(gone.exit_code, gone.signal)} while it loaded the program"
    printed = gone.stray.decode("utf-8", "replace").strip()
    return f"{why}; it had printed: {printed}" if printed else why


def printed_outside(stray: bytes) -> str:
    """What a program printed that no item of its did."""
    return "outside of any item, as when it was loaded, the program printed: " + stray.decode("utf-8", "replace")


def memory(kilobytes: float) -> str:
    """So much of it: ``45 MB``, ``3.9 GB``."""
    if kilobytes < 1 << 20:
        return f"{kilobytes / 1024:.0f} MB"
    return f"{kilobytes / (1 << 20):.1f} GB"


def _of(kilobytes: float, bounds: Bounds) -> str:
    """So much of what is allowed: ``3.9 GB of 4.0 GB``, or ``3.9 GB`` where there is no limit."""
    most = bounds.memory_bytes
    return memory(kilobytes) if most is None else f"{memory(kilobytes)} of {memory(most >> 10)}"


def _how(exit_code: int | None, signal: int | None) -> str:
    if signal is None:
        return f"exited with code {exit_code or 0}"
    likely = _likely(signal)
    return f"was killed by {_signal(signal)}" + (f", {likely}" if likely else "")


def _signal(number: int) -> str:
    name = signals.Signals(number).name if number in set(signals.Signals) else "no name"
    return f"signal {number} ({name})"


def _likely(number: int | None) -> str:
    return _LIKELY.get(signals.Signals(number), "") if number in set(signals.Signals) else ""
