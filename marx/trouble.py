"""
What can go wrong between two machines, in one sentence that a person can act on.

:func:`explain` is for everyone who shows or logs a failed connection; the daemons go on, the commands exit.
"""

from __future__ import annotations

from OpenSSL import SSL
from OpenSSL.crypto import X509
from OpenSSL.SSL import X509VerificationCodes as Code
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.python.failure import Failure


class NotReachable(Exception):
    """No server answered (exit code 69). The text is one sentence."""


class PeerRefused(Exception):
    """One side refused the other's certificate (exit code 77). The text is one sentence that says which."""


#: What OpenSSL's verification errors mean here. The rest are faults that no certificate made by Marx can have.
_REFUSALS: dict[int, str] = {
    Code.ERR_CERT_NOT_YET_VALID: "is valid only from {start} on: compare the clocks of both machines",
    Code.ERR_CERT_HAS_EXPIRED: "has expired on {end}: join again with a new code, or compare the clocks of both machines",
    Code.ERR_INVALID_PURPOSE: "is not made for that side of a connection: no worker or tasker plays the server, nor the server a client",
    Code.ERR_UNABLE_TO_GET_ISSUER_CERT: "comes from another authority than this lab's",
    Code.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from another authority than this lab's",
    Code.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from another authority than this lab's",
    Code.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: "comes from another authority than this lab's",
    Code.ERR_SELF_SIGNED_CERT_IN_CHAIN: "comes from another authority than this lab's",
    Code.ERR_CERT_SIGNATURE_FAILURE: "was not signed by this lab's authority",
}

#: What the other side says of our certificate: the words of its alert, and what they mean.
_ALERTS: tuple[tuple[str, str], ...] = (
    ("alert unknown ca", "the other side refuses our certificate, for the two belong to different labs: join again with a new code"),
    ("alert certificate expired", "the other side says that our certificate has expired: join again with a new code, or compare the two clocks"),
    ("alert unsupported certificate", "the other side says that our certificate is made for another side of a connection"),
    ("alert bad certificate", "the other side refuses our certificate: compare the clocks of both machines, or join again"),
    ("alert decrypt error", "the other side refuses our certificate: join again with a new code"),
)

#: What else OpenSSL complains about: the first whose words occur in the error is used.
_COMPLAINTS: tuple[tuple[str, str], ...] = (
    ("protocol version", "the other side speaks an older TLS than 1.3, so it is not Marx"),
    ("wrong version number", "the other side does not speak TLS, so it is not Marx"),
    ("http request", "the other side does not speak TLS, so it is not Marx"),
    ("unexpected eof", "the connection was closed during the TLS handshake"),
    ("certificate verify failed", "the other side's certificate was not accepted"),
)

#: What the transport's errors mean, the more special first.
_TRANSPORT: tuple[tuple[type[BaseException], str], ...] = (
    (error.ConnectionRefusedError, "nothing listens there: is the server running, and is this its port?"),
    (error.DNSLookupError, "that name is not known here"),
    (error.NoRouteError, "there is no route to it"),
    (error.TCPTimedOutError, "it does not answer: is it switched on, and does no firewall stand between?"),
    (error.TimeoutError, "it does not answer: is it switched on, and does no firewall stand between?"),
    (DeferredTimeout, "it did not answer in time"),
    (error.ConnectingCancelledError, "dialling was stopped"),
    (CancelledError, "dialling was stopped"),
    (error.ConnectionDone, "the other side closed the connection"),
    (error.ConnectionLost, "the connection was lost"),
)


def refusal_in_words(what: str, certificate: X509, code: int) -> str:
    """Why ``certificate`` (called ``what`` in the sentence) is refused, from OpenSSL's verification error ``code``."""
    shown = certificate.to_cryptography()
    why = _REFUSALS.get(code, "does not hold (OpenSSL's verification error {code})")
    days = {"start": shown.not_valid_before_utc.date(), "end": shown.not_valid_after_utc.date()}
    return f"{what} {why.format(code=code, **days)}"


def explain(failure: Failure | BaseException) -> str:
    """One sentence, without a full stop, for a failed or lost connection; any other error by its own words."""
    value = failure.value if isinstance(failure, Failure) else failure
    if isinstance(value, SSL.Error):
        return _meaning(value, _ALERTS + _COMPLAINTS) or f"TLS failed: {_reasons(value) or type(value).__name__}"
    for kind, words in _TRANSPORT:
        if isinstance(value, kind):
            return words
    return str(value) or type(value).__name__


def without_openssl(reason: Failure) -> Failure:
    """
    Why a connection ended, as every protocol knows it: OpenSSL's errors become :class:`PeerRefused`, where the other side did not like our
    certificate (in TLS 1.3 it says so only after the client's handshake is over), else ``ConnectionLost``.
    """
    if not isinstance(reason.value, SSL.Error):
        return reason
    refused = _meaning(reason.value, _ALERTS)
    return Failure(PeerRefused(refused) if refused else error.ConnectionLost(explain(reason)))


def _meaning(value: SSL.Error, table: tuple[tuple[str, str], ...]) -> str | None:
    reasons = _reasons(value).casefold()
    return next((meaning for words, meaning in table if words in reasons), None)


def _reasons(value: SSL.Error) -> str:
    """An error's argument is OpenSSL's list of (library, function, reason); a SysCallError has a number and a text in its place."""
    entries = value.args[0] if value.args and isinstance(value.args[0], list) else [value.args]
    return "; ".join(str(entry[-1]) for entry in entries if entry)
