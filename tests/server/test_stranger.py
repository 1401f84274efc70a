"""What a connection without a good certificate can do, and what it can cost."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.test.iosim import connectedServerAndClient

from marx.server.crowding import WRONG_CODE_SECONDS, WRONG_CODES, WrongCodes
from marx.server.enrolment import CodeUnknown
from marx.server.stranger import STRANGER_BYTES, STRANGER_SECONDS, WRONG_SECONDS, Attempts, Stranger
from marx.wire.calls import GuardedLink, InternalError, MarxCommand, NotPermitted, Unavailable, WrongVersion
from marx.wire.enrol import CodeRefused, Enrol
from marx.wire.hello import NEWEST_VERSION, OLDEST_VERSION, Beat, Greet
from tests.fakes.audits import RecordingAudit

WISHES = {"oldest": OLDEST_VERSION, "newest": NEWEST_VERSION, "role": "worker", "secret": "s3cret", "request": b"a request", "hint": "lab7"}


class Enrolments:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: Deferred[tuple[bytes, str]] = Deferred()

    async def enrol(self, *wishes: Any) -> tuple[bytes, str]:
        self.asked.append(wishes)
        return await self.answer


class Meeting:
    """A stranger and its joiner, joined by a pump, on one clock."""

    def __init__(self, may_join: bool = True, wrong_codes: WrongCodes | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.wrong_codes = WrongCodes() if wrong_codes is None else wrong_codes
        self.enrolments = Enrolments()
        self.gone: list[str] = []
        self.audit = RecordingAudit()
        enrolment: Any = self.enrolments if may_join else None
        self.joiner, self.stranger, self.pump = connectedServerAndClient(
            lambda: Stranger(self.clock, enrolment, "join first", lambda: self.gone.append("gone"), Attempts(self.wrong_codes, "203.0.113.9"), self.audit),
            lambda: GuardedLink(self.clock),
        )

    def ask(self, command: type[MarxCommand] = Enrol, **changed: Any) -> Deferred[dict[str, Any]]:
        outcome: Deferred[dict[str, Any]] = Deferred()  # AMP takes a failure for unhandled if nobody waits when it comes
        arguments = {**WISHES, **changed} if command is Enrol else changed
        self.joiner.ask(command, **arguments).addCallbacks(outcome.callback, outcome.errback)
        self.pump.flush()
        return outcome

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.pump.flush()


@pytest_twisted.ensureDeferred
async def test_it_may_join() -> None:
    meeting = Meeting()
    answered = meeting.ask()
    assert meeting.enrolments.asked == [("worker", "s3cret", b"a request", "lab7")]
    meeting.enrolments.answer.callback((b"a certificate", "lab7-2"))
    meeting.pump.flush()
    assert await answered == {"certificate": b"a certificate", "name": "lab7-2"}


@pytest.mark.parametrize("command", [Beat, Greet])
@pytest_twisted.ensureDeferred
async def test_whatever_else_it_asks_it_is_told_why_it_may_not(command: type[MarxCommand]) -> None:
    meeting = Meeting()
    arguments = {"oldest": 1, "newest": 1, "software": "Marx 1"} if command is Greet else {}
    with pytest.raises(NotPermitted, match="^join first$"):
        await meeting.ask(command, **arguments)
    assert not meeting.gone


@pytest_twisted.ensureDeferred
async def test_who_was_revoked_may_not_even_join() -> None:
    meeting = Meeting(may_join=False)
    with pytest.raises(NotPermitted, match="^join first$"):
        await meeting.ask()
    assert not meeting.enrolments.asked


@pytest_twisted.ensureDeferred
async def test_it_has_one_guess() -> None:
    meeting = Meeting()
    meeting.enrolments.answer.errback(CodeRefused("the server does not know this join code"))
    with pytest.raises(CodeRefused, match="does not know"):
        await meeting.ask()
    with pytest.raises(NotPermitted, match="once"):
        await meeting.ask(secret="another")
    assert len(meeting.enrolments.asked) == 1


@pytest_twisted.ensureDeferred
async def test_a_joiner_of_another_version_is_told_both_versions() -> None:
    meeting = Meeting()
    with pytest.raises(WrongVersion, match="speaks versions 1 to 1 of the protocol, the joining side 7 to 9"):
        await meeting.ask(oldest=7, newest=9)
    assert not meeting.enrolments.asked


def test_who_says_nothing_is_dropped_in_time() -> None:
    meeting = Meeting()
    meeting.wait(STRANGER_SECONDS - 0.1)
    assert not meeting.gone
    meeting.wait(0.1)
    assert meeting.gone == ["gone"]
    assert not meeting.clock.getDelayedCalls()


def test_a_slow_commit_does_not_count_but_lingering_after_the_answer_does() -> None:
    meeting = Meeting()
    meeting.ask().addErrback(lambda _: None)
    meeting.wait(STRANGER_SECONDS * 2)
    assert not meeting.gone
    meeting.enrolments.answer.callback((b"a certificate", "lab7"))
    meeting.pump.flush()
    meeting.wait(STRANGER_SECONDS)
    assert meeting.gone == ["gone"]


def test_one_that_leaves_while_its_code_is_looked_at_leaves_nothing_behind() -> None:
    meeting = Meeting()
    meeting.ask().addErrback(lambda _: None)
    meeting.joiner.transport.loseConnection()
    meeting.pump.flush()
    assert meeting.gone == ["gone"]
    meeting.enrolments.answer.callback((b"a certificate", "lab7"))
    assert not meeting.clock.getDelayedCalls()


def test_one_that_sends_too_much_is_dropped() -> None:
    meeting = Meeting()
    meeting.joiner.transport.write(b"\0\x05hello" + b"\xff\xff" + b"x" * STRANGER_BYTES)
    meeting.pump.flush()
    assert meeting.gone == ["gone"]


@pytest_twisted.ensureDeferred
async def test_a_fault_of_ours_is_no_refusal_of_its_code(logged_failures: Any) -> None:
    meeting = Meeting()
    meeting.enrolments.answer.errback(OSError("disk full"))
    with pytest.raises(InternalError):
        await meeting.ask()
    assert [str(error) for error in logged_failures.flush(OSError)] == ["disk full"]


@pytest_twisted.ensureDeferred
async def test_a_refusal_is_logged_without_the_secret() -> None:
    meeting = Meeting()
    meeting.enrolments.answer.errback(CodeRefused("this join code was revoked"))
    with capturedLogs() as captured:
        with pytest.raises(CodeRefused):
            await meeting.ask()
    assert any("may not join: this join code was revoked" in (formatEvent(event) or "") for event in captured)
    assert "s3cret" not in repr(captured)


def guess(wrong_codes: WrongCodes, clock: Clock) -> tuple[Meeting, list[Any]]:
    """Somebody from the same network tries a code that nobody made."""
    meeting, outcome = Meeting(wrong_codes=wrong_codes, clock=clock), []
    meeting.ask().addBoth(lambda result: outcome.append(result.value))
    if meeting.enrolments.asked:
        meeting.enrolments.answer.errback(CodeUnknown("the server does not know this join code"))
    meeting.pump.flush()
    return meeting, outcome


def test_a_guess_is_answered_after_a_while() -> None:
    meeting, outcome = guess(WrongCodes(), Clock())
    meeting.wait(WRONG_SECONDS - 0.1)
    assert not outcome and not meeting.gone
    meeting.wait(0.2)
    [refused] = outcome
    assert isinstance(refused, CodeRefused) and "does not know this join code" in str(refused)


def test_a_guesser_who_does_not_wait_leaves_nothing_behind() -> None:
    clock = Clock()
    meeting, _ = guess(WrongCodes(), clock)
    meeting.joiner.transport.loseConnection()
    meeting.pump.flush()
    assert meeting.gone == ["gone"] and not [call for call in clock.getDelayedCalls() if call.getTime() - clock.seconds() == WRONG_SECONDS]


def test_after_some_guesses_no_code_from_there_is_looked_at_for_a_while() -> None:
    wrong_codes, clock = WrongCodes(), Clock()
    for _ in range(WRONG_CODES):
        meeting, _ = guess(wrong_codes, clock)
        assert meeting.enrolments.asked
    meeting, outcome = guess(wrong_codes, clock)
    assert not meeting.enrolments.asked
    [refused] = outcome
    assert isinstance(refused, Unavailable) and "try again in 60 s" in str(refused)
    clock.advance(WRONG_CODE_SECONDS)
    meeting, _ = guess(wrong_codes, clock)
    assert meeting.enrolments.asked


@pytest_twisted.ensureDeferred
async def test_a_code_that_is_used_up_or_revoked_is_no_guess() -> None:
    meeting = Meeting()
    answered = meeting.ask()
    meeting.enrolments.answer.errback(CodeRefused("this join code was used already"))
    meeting.pump.flush()
    with pytest.raises(CodeRefused, match="used already"):
        await answered
    assert not len(meeting.wrong_codes)
