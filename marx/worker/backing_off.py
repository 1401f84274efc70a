"""
When to dial again, and saying why the last call failed.
"""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from marx.trouble import explain

log = Logger()

#: Seconds before the first new call: a server that restarts is away for about as long.
FIRST_SECONDS = 0.5
#: Seconds between calls at the most: a lab's server may be away for days, and a thousand workers must not mind.
LONGEST_SECONDS = 30.0
GROWTH = 1.5
#: How far a delay may lie from its middle, relatively: workers that lost the same server must not come back in one moment.
SPREAD = 0.3


class BackOff:
    """
    The ``retryPolicy`` of a ClientService; ``random``: from 0 to 1.

    It counts for itself, because a connection that the server then turns down is a failure too.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    def reset(self) -> None:
        """The server has taken this worker."""
        self._failures = 0

    def __call__(self, attempt: int) -> float:
        """Seconds until the next call."""
        middle = min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH ** min(self._failures, 50))
        self._failures += 1
        return middle * (1 - SPREAD + 2 * SPREAD * self._random())


@implementer(IStreamClientEndpoint)
class SpokenEndpoint:
    """``inner``, whose failures are logged: each reason once, until there was another or a success."""

    def __init__(self, inner: IStreamClientEndpoint) -> None:
        self._inner = inner
        self._said = ""

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """As the inner endpoint's."""
        return self._inner.connect(factory).addCallbacks(self._succeeded, self._failed)

    def _succeeded(self, protocol: Any) -> Any:
        self._said = ""
        return protocol

    def _failed(self, failure: Failure) -> Failure:
        why = explain(failure)
        if why != self._said and not failure.check(CancelledError):
            log.warn("the server is not reachable: {why}; this worker keeps trying", why=why)
            self._said = why
        return failure
