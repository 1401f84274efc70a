"""
AMP that does not trust what it reads.

Twisted's own answers what makes no sense with a traceback in the log and the end of the connection, gathers a box of any size, looks for
responders under any attribute's name, and lets a peer ask for another TLS inside this one. Here a box has a limit, a command is one of
Marx or unknown, arguments that cannot be read are a refusal like any other, and who does not speak AMP is hung up on with a line in the log.
"""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.logger import Logger
from twisted.protocols.amp import (
    AMP,
    ASK,
    COMMAND,
    ERROR,
    ERROR_CODE,
    ERROR_DESCRIPTION,
    UNHANDLED_ERROR_CODE,
    UNKNOWN_ERROR_CODE,
    AmpBox,
    Command,
    CommandLocator,
    NoEmptyBoxes,
    RemoteAmpError,
)
from twisted.python.failure import Failure

log = Logger()

#: Bytes of a box: two arguments of the largest size, and some. It is held in memory until it is whole.
BOX_BYTES = 5 << 20
#: What a key and its value count beside their length: about what they cost in memory.
PAIR_BYTES = 200
#: Characters of a refusal that travel. AMP could not send more than 65,535 bytes of it.
SENTENCE = 2000
#: The code of :class:`marx.wire.calls.BadRequest`, which stands above this module.
BAD_REQUEST = b"BAD_REQUEST"


class CarefulAmp(AMP):
    """Subclasses declare responders of commands that inherit ``known_commands``."""

    known_commands: type[Command] = Command

    def __init__(self) -> None:
        super().__init__()
        self._box_bytes = 0

    def locateResponder(self, name: bytes) -> Callable[[AmpBox], Any] | None:
        """AMP asks this for each command; only declared ones are found, and never Twisted's own ``StartTLS``."""
        declared = self._commandDispatch.get(name)
        if declared is None or not issubclass(declared[0], self.known_commands):
            return None
        return CommandLocator.locateResponder(self, name)

    def dispatchCommand(self, box: AmpBox) -> Deferred[Any]:
        """Answer one command. What cannot be answered because nobody waits for it is logged and forgotten."""
        name = box[COMMAND]
        responder = self.locateResponder(name)
        if responder is None:
            answered = fail(RemoteAmpError(UNHANDLED_ERROR_CODE, f"unknown command {_readable(name)}", False))
        else:
            answered = maybeDeferred(_readably, responder, box)
        if ASK not in box:
            return answered.addErrback(self._unasked, name)
        return answered.addErrback(_briefly)

    def ampBoxReceived(self, box: AmpBox) -> None:
        """A whole box came. One that answers nothing that was asked, or is neither question nor answer, ends the connection."""
        self._box_bytes = 0
        if ERROR in box:
            # Without them AMP would forget whose question it was before it noticed.
            box.setdefault(ERROR_CODE, UNKNOWN_ERROR_CODE)
            box.setdefault(ERROR_DESCRIPTION, b"no reason was given")
        try:
            super().ampBoxReceived(box)
        except (NoEmptyBoxes, LookupError, TypeError, AttributeError) as error:
            self._give_up(f"a box that is no question and no answer to one of ours ({type(error).__name__})")

    def dataReceived(self, data: bytes) -> None:
        """
        More bytes came, some thousands at a time.

        What of a box is not whole yet is measured here and not string by string, which had made a small box a third dearer.
        """
        self._box_bytes += len(data)
        super().dataReceived(data)
        if self._currentBox is not None and self._box_bytes + PAIR_BYTES * len(self._currentBox) > BOX_BYTES:
            self._give_up(f"a box of more than {BOX_BYTES} bytes")

    def lengthLimitExceeded(self, length: int) -> None:
        """A key that is longer than AMP's are."""
        self._give_up("something else than AMP")

    def _unasked(self, failure: Failure, name: bytes) -> Any:
        if not failure.check(RemoteAmpError):
            return failure
        log.info("{name} was not done: {why}", name=_readable(name), why=failure.value.description)

    def _give_up(self, what: str) -> None:
        if self.transport is not None and not getattr(self.transport, "disconnecting", False):
            log.info("{peer} sent {what}: closing its connection", peer=self.transport.getPeer(), what=what)
            self.transport.abortConnection()
        # Nothing more of what has come already.
        self.paused = True


def _readably(responder: Callable[[AmpBox], Any], box: AmpBox) -> Any:
    """Only reading the arguments raises here: what a responder raises comes later, from its Deferred."""
    try:
        return responder(box)
    except (RemoteAmpError, MemoryError):
        raise
    except Exception as error:
        name = _readable(box[COMMAND])
        raise RemoteAmpError(BAD_REQUEST, f"the arguments of {name} cannot be read: {_one(error)}", False) from None


def _briefly(failure: Failure) -> Failure:
    if failure.check(RemoteAmpError) and len(failure.value.description) > SENTENCE:
        failure.value.description = failure.value.description[:SENTENCE] + "..."
    return failure


def _one(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def _readable(name: bytes) -> str:
    return name[:80].decode("ascii", "backslashreplace")
