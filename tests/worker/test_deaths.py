"""Deaths in words: what happened, what is likely, what was used."""

from __future__ import annotations

import pytest

from marx.wire.packs import Segment
from marx.worker.bounds import Bounds
from marx.worker.conversation import Gone
from marx.worker.deaths import death_of_chunk, death_of_runner, evidence_of, failure_to_load
from marx.worker.last_words import LastWords
from marx.worker.messages import Ended


def chunk(exit_code: int | None, signal: int | None, kilobytes: int = 2048) -> str:
    return death_of_chunk(Ended(1, "died", exit_code, signal, None, 0, 0.1, 0.1, kilobytes))


def gone(exit_code: int | None = None, signal: int | None = None, fault: str = "", stray: bytes = b"") -> Gone:
    return Gone(exit_code, signal, fault, None, 0, [], stray)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (chunk(7, None), "exited with code 7 after using 2 MB of memory"),
        (
            chunk(None, 9, 4 << 20),
            "was killed by signal 9 (SIGKILL) after using 4.0 GB of memory, most often by the kernel, because memory was short",
        ),
        (
            chunk(None, 11),
            "was killed by signal 11 (SIGSEGV) after using 2 MB of memory, a crash in compiled code, or recursion that is too deep",
        ),
        (chunk(None, 12), "was killed by signal 12 (SIGUSR2) after using 2 MB of memory"),
        (chunk(None, 99), "was killed by signal 99 (no name) after using 2 MB of memory"),
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


def test_a_limit_that_was_passed_is_named_with_its_option() -> None:
    ended = Ended(1, "died", None, 15, 3, 0, 0.25, 2.1, 46080, cause="item-timeout")
    assert death_of_chunk(ended, Bounds(item_seconds=2.0)) == "took longer than an item may: 2 s (--item-timeout)"
    assert evidence_of(ended, []) == "it had used 0.2 s of processor time and 45 MB of memory at most"


def test_last_lines_are_those_of_the_item_that_died() -> None:
    words = LastWords()
    words.hear(7, [Segment(3, 1, 0, b"loading\nstep 1\nst"), Segment(4, 1, 0, b"another's\n"), Segment(3, 2, 0, b"ep 2\n\n")])
    assert words.of(7, 3) == ["loading", "step 1", "step 2"] and words.of(8, 3) == words.of(8, None) == []
    assert words.of(7, None) == words.of(7, 3), "who spoke last is told where nobody knows who it was"
    assert evidence_of(None, words.of(7, 3)) == 'its last lines were "loading", "step 1", "step 2"'
    words.forget(7)
    assert words.of(7, 3) == []


def test_of_much_output_little_is_kept() -> None:
    words = LastWords()
    for number in range(1000):
        words.hear(7, [Segment(3, 1, 0, b"x" * 100_000 + b"\n%d\n" % number)])
    assert words.of(7, 3)[-1] == "999" and sum(map(len, words.of(7, 3))) < 1000
