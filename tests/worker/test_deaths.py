"""Deaths in words: what happened, what is likely, what was used."""

from __future__ import annotations

import pytest

from marx.worker.conversation import Gone
from marx.worker.deaths import death_of_chunk, death_of_runner, failure_to_load
from marx.worker.messages import Ended


def chunk(exit_code: int | None, signal: int | None, kilobytes: int = 2048) -> str:
    return death_of_chunk(Ended(1, "died", exit_code, signal, None, 0, 0.1, 0.1, kilobytes))


def gone(exit_code: int | None = None, signal: int | None = None, fault: str = "", stray: bytes = b"") -> Gone:
    return Gone(exit_code, signal, fault, None, 0, [], stray)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (chunk(7, None), "its process exited with code 7; it had used 2 MB of memory at most"),
        (
            chunk(None, 9, 4 << 20),
            "its process was killed by signal 9 (SIGKILL), most often by the kernel, because memory was short; it had used 4.0 GB of memory at most",
        ),
        (
            chunk(None, 11),
            "its process was killed by signal 11 (SIGSEGV), a crash in compiled code, or recursion that is too deep; it had used 2 MB of memory at most",
        ),
        (chunk(None, 12), "its process was killed by signal 12 (SIGUSR2); it had used 2 MB of memory at most"),
        (chunk(None, 99), "its process was killed by signal 99 (no name); it had used 2 MB of memory at most"),
        (death_of_runner(gone(exit_code=4)), "its runner exited with code 4"),
        (death_of_runner(gone(signal=9, fault="it broke the protocol: a lie")), "its runner was ended by the worker: it broke the protocol: a lie"),
        (failure_to_load(gone(exit_code=0)), "the runner exited with code 0 while it loaded the program"),
        (failure_to_load(gone(fault="the runner could not be started: no bwrap")), "the runner could not be started: no bwrap"),
        (
            failure_to_load(gone(exit_code=1, stray=b"bwrap: \xff Can't find source path\n")),
            "the runner exited with code 1 while it loaded the program; it had printed: bwrap: \ufffd Can't find source path",
        ),
    ],
)
def test_what_happened_is_said(words: str, said: str) -> None:
    assert words == said
