"""
How a process ended, in words for the person whose program it was: what happened, what is likely, what it used. Pure.
"""

from __future__ import annotations

import signal as signals

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
    signals.SIGSYS: "a system call that the sandbox does not allow",
}


def death_of_chunk(ended: Ended) -> str:
    """Why a chunk died whose runner lives."""
    return f"its process {_how(ended.exit, ended.signal)}; it had used {_memory(ended.max_rss_kb)} of memory at most"


def death_of_runner(gone: Gone) -> str:
    """Why a runner is gone that nobody had asked to go."""
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


def _how(exit_code: int | None, signal: int | None) -> str:
    if signal is None:
        return f"exited with code {exit_code or 0}"
    name = signals.Signals(signal).name if signal in set(signals.Signals) else "no name"
    likely = _LIKELY.get(signals.Signals(signal)) if name != "no name" else None
    return f"was killed by signal {signal} ({name})" + (f", {likely}" if likely else "")


def _memory(kilobytes: int) -> str:
    if kilobytes < 1 << 20:
        return f"{kilobytes / 1024:.0f} MB"
    return f"{kilobytes / (1 << 20):.1f} GB"
