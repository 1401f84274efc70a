"""
How a command ends: whatever happened becomes one sentence, if any, and an exit code; never a traceback.
"""

from __future__ import annotations

from typing import Awaitable, Callable

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from marx.tasker.exits import FAULT, INTERRUPTED, NO_FILE, PIPE_CLOSED, Interrupted, Trouble
from marx.tasker.surroundings import Surroundings

log = Logger()

Errand = Callable[[Surroundings], Awaitable[int]]
"""A command that was parsed, ready to be carried out."""


async def carry_out(errand: Errand, around: Surroundings) -> int:
    """Run ``errand``; its exit code. Raises nothing."""
    try:
        return await errand(around)
    except Trouble as trouble:
        return _complain(around, trouble.sentence, trouble.code)
    except (Interrupted, CancelledError, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    except OSError as error:
        name = f"{error.filename}: " if error.filename is not None else ""
        return _complain(around, f"{name}{error.strerror or error}", NO_FILE)
    except Exception as error:
        log.failure("the command failed")
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _complain(around, f"a fault of Marx, please report it with what you typed ({what}); MARX_LOG=FILE keeps the details", FAULT)


def _complain(around: Surroundings, sentence: str, code: int) -> int:
    try:
        around.streams.stderr.write(f"tasker: {sentence}\n".encode("utf-8", "backslashreplace"))
        around.streams.stderr.flush()
    except OSError:
        pass  # nobody can be told; the exit code says it
    return code
