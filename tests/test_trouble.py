"""Every failed connection becomes one sentence."""

import pytest
from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from marx.trouble import NotReachable, explain
from marx.wire.calls import WrongVersion


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (error.ConnectionRefusedError(), "nothing listens there"),
        (error.DNSLookupError("no results"), "that name is not known here"),
        (error.NoRouteError(), "no route"),
        (error.TCPTimedOutError(), "does not answer"),
        (error.TimeoutError(), "does not answer"),
        (error.ConnectionDone(), "the other side closed the connection"),
        (error.ConnectionLost(), "the connection was lost"),
        (CancelledError(), "dialling was stopped"),
        (SSL.Error([("SSL routines", "", "tlsv1 alert unknown ca")]), "different labs"),
        (SSL.Error([("SSL routines", "", "tlsv1 alert protocol version")]), "older TLS than 1.3"),
        (SSL.Error([("SSL routines", "", "wrong version number")]), "does not speak TLS"),
        (SSL.Error([("SSL routines", "", "something new")]), "TLS failed: something new"),
        (SSL.SysCallError(-1, "Unexpected EOF"), "closed during the TLS handshake"),
        (SSL.ZeroReturnError(), "ZeroReturnError"),
        (WrongVersion("this server speaks versions 3 to 4"), "this server speaks versions 3 to 4"),
        (NotReachable("what it says itself"), "what it says itself"),
        (KeyError(), "KeyError"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_failure_is_explained_in_one_line(failed: Exception, words: str) -> None:
    sentence = explain(Failure(failed))
    assert words in sentence and "\n" not in sentence
    assert explain(failed) == sentence
