"""
Exit codes, and the one exception that ends a command: a sentence for a person with its code.

Imports nothing of Twisted, so that ``tasker --help`` stays quick.
"""

from __future__ import annotations

OK = 0
#: An item failed, or the task did for its program's fault.
FAILED = 1
USAGE = 2
NO_FILE = 66
UNREACHABLE = 69
FAULT = 70
NOT_TAKEN = 75
#: As coreutils' timeout says it.
TIMED_OUT = 124
NOT_PERMITTED = 77
CONFIGURATION = 78
INTERRUPTED = 130
#: 128 + SIGPIPE, as a shell shows of any command whose reader left.
PIPE_CLOSED = 141


class Trouble(Exception):
    """What ends a command: one sentence (what happened, about what, what to do) and the exit code."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class Interrupted(Exception):
    """The person pressed Ctrl-C and nothing is left to be done about it."""
