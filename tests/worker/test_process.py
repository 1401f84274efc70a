"""A runner's process, from its start to the moment when nothing of it is left: on fake children, and the same on real ones."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from marx.wire.packs import ItemPack
from marx.worker.assignments import Assignments, Chunk
from marx.worker.cgroups import Group
from marx.worker.conversation import Gone
from marx.worker.orders import TaskOrder
from marx.worker.pipe import encode
from marx.worker.process import GRACE_SECONDS, RunnerProcess
from marx.worker.stopping import Patience
from marx.worker.throttle import BURST_SECONDS, PAUSE_SECONDS
from tests.fakes.processes import IGNORE, FakeProcesses, Step, die, hear, hold, launch_of, leave, say
from tests.fakes.stages import STAGES, FakeStage

ORDER = TaskOrder("task2345", "map", "/p/prog.py", None, "f", "/p", ["prog.py"], ["/p"], 1, {}, 1 << 30)
MARK, SECRET = "0123456789abcdef", "fedcba9876543210"
CHUNK = Chunk(7, "task2345", 0, 10, 2)
LOADED = encode(b"L", {"fork": True, "why": None, "python": "3.11.7", "seconds": 0.1})
#: For those that do not do what they are asked; the others may take the time that a busy machine takes.
QUICK = Patience(0.3, 0.3, 0.3, 0.3)


def begun(fence: int = 7) -> bytes:
    return encode(b"B", {"chunk": fence})


def results(first: int, *values: int, fence: int = 7) -> bytes:
    header = {"chunk": fence, "portion": 0, "first": first, "count": len(values), "codec": "values", "failed": [], "seconds": 0.01}
    return encode(b"R", header, b"\n".join(b"%d" % value for value in values))


def ended(outcome: str = "succeeded", fence: int = 7, **more: Any) -> bytes:
    header = {"chunk": fence, "outcome": outcome, "exit": 0, "signal": None, "item": None, "done": 2}
    return encode(b"Z", {**header, "cpu_seconds": 0.1, "wall_seconds": 0.1, "max_rss_kb": 9000, **more})


def marked(item: int, text: bytes = b"") -> bytes:
    return b"\0%s:%d\n%s" % (MARK.encode(), item, text)


CLOSED = b"\0%s!\n" % SECRET.encode()
#: Bytes a second, and some more than may be printed at once at that rate: shut for less than a second.
RATE = 4_000
FLOOD = b"".join(b"%062d\n" % number for number in range(int(RATE * BURST_SECONDS) // 63 + 30))
BOTH_CLOSED = [say(CLOSED, 1), say(CLOSED, 2)]
AT_WORK = [say(LOADED), hear("C"), say(begun()), say(marked(10), 1), say(marked(10), 2)]


class Slot:
    """Records everything that a runner tells; `said` is the names alone."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, arguments[-1] if arguments else None))

    @property
    def said(self) -> list[str]:
        return [name for name, _ in self.calls]

    def last(self, name: str) -> Any:
        return [argument for called, argument in self.calls if called == name][-1]

    def printed(self) -> bytes:
        return b"".join(segment.content for name, segments in self.calls if name == "output" for segment in segments)

    @property
    def gone_as(self) -> Gone:
        return self.last("gone")


class Play:
    """A runner that follows a script, and its slot."""

    def __init__(self, stage: Any, script: list[Step], **how: Any) -> None:
        self.stage = stage
        self.slot = Slot()
        self.runner = RunnerProcess(stage.reactor, self.slot, Assignments(1, 1 << 30), stage.grip, **how)
        self.runner.start(launch_of(script), ORDER)

    async def until(self, name: str) -> None:
        await self.stage.until(lambda: name in self.slot.said)

    async def given(self, chunk: Chunk = CHUNK) -> None:
        await self.until("loaded")
        self.runner.run_chunk(chunk, MARK, SECRET)


@pytest.fixture(params=list(STAGES))
def play(request: pytest.FixtureRequest):
    """Starts plays, and sees to it that nothing of them is left."""
    stage = STAGES[request.param]()
    plays: list[Play] = []

    def start(*script: Step, **how: Any) -> Play:
        plays.append(Play(stage, list(script), **how))
        return plays[-1]

    yield start
    for one in plays:
        one.runner.kill()
        pytest_twisted.blockon(ensureDeferred(one.until("gone")))


class TestContract:
    @pytest_twisted.ensureDeferred
    async def test_a_chunk_goes_in_and_its_results_output_and_end_come_out(self, play) -> None:
        one = play(*AT_WORK, say(marked(10, b"hello\n"), 1), say(results(10, 1, 4)), *BOTH_CLOSED, say(ended()))
        await one.given()
        await one.until("ended")
        assert [name for name in one.slot.said if name != "output"] == ["loaded", "begun", "results", "ended"]
        assert one.slot.printed() == b"hello\n"
        assert one.slot.last("results").payload == b"1\n4"

    @pytest_twisted.ensureDeferred
    async def test_what_items_printed_comes_before_their_results(self, play) -> None:
        long = b"x" * 20_000
        one = play(*AT_WORK, say(long, 1), say(b"a line without an end\0", 2), say(results(10, 1)))
        await one.given()
        await one.until("results")
        assert one.slot.said[-1] == "results"
        assert len(one.slot.printed()) == len(long) + len(b"a line without an end\0")

    @pytest_twisted.ensureDeferred
    async def test_the_end_waits_for_the_last_output_of_both_streams(self, play) -> None:
        one = play(*AT_WORK, say(results(10, 1, 4)), say(ended()), hear("D"), say(b"late\n" + CLOSED, 2), say(CLOSED, 1))
        await one.given()
        await one.until("results")
        await one.stage.settle()
        assert "ended" not in one.slot.said
        one.runner.drop_pack(0, 0)
        await one.until("ended")
        assert one.slot.said[-2:] == ["output", "ended"]

    @pytest_twisted.ensureDeferred
    async def test_a_runner_that_is_told_to_quit_exits(self, play) -> None:
        one = play(say(LOADED), hear("Q"), leave(0))
        await one.until("loaded")
        one.runner.quit()
        await one.until("gone")
        assert (one.slot.gone_as.exit_code, one.slot.gone_as.signal, one.slot.gone_as.fault) == (0, None, "")

    @pytest_twisted.ensureDeferred
    async def test_one_that_ignores_every_request_is_killed(self, play) -> None:
        one = play(IGNORE, say(LOADED), patience=QUICK)
        await one.until("loaded")
        one.runner.quit()
        await one.until("gone")
        assert one.slot.gone_as.signal == signal.SIGKILL

    @pytest_twisted.ensureDeferred
    async def test_a_death_names_the_chunk_at_work_and_those_behind_it(self, play) -> None:
        one = play(*AT_WORK, say(results(10, 1)), hear("C"), die(signal.SIGSEGV))
        await one.given()
        behind = Chunk(8, "task2345", 0, 12, 1)
        one.runner.run_chunk(behind, SECRET, MARK)
        await one.until("gone")
        gone = one.slot.gone_as
        assert (gone.signal, gone.at_work, gone.unreported, gone.waiting) == (signal.SIGSEGV, CHUNK, 1, [behind])

    @pytest_twisted.ensureDeferred
    async def test_a_chunk_that_comes_too_late_is_given_back(self, play) -> None:
        one = play(IGNORE, say(LOADED))
        await one.until("loaded")
        one.runner.kill("enough")
        one.runner.run_chunk(CHUNK, MARK, SECRET)
        await one.until("gone")
        assert (one.slot.gone_as.at_work, one.slot.gone_as.waiting) == (None, [CHUNK])

    @pytest_twisted.ensureDeferred
    async def test_what_was_written_before_a_death_comes_before_it(self, play) -> None:
        long = b"x" * 50_000
        one = play(*AT_WORK, say(b"half a line", 1), say(long, 2), say(results(10, 1)), leave(9))
        await one.given()
        await one.until("gone")
        assert len(one.slot.printed()) == len(long) + len(b"half a line") and b"half a line" in one.slot.printed()
        assert "results" in one.slot.said and one.slot.said[-1] == "gone"
        assert one.slot.gone_as.exit_code == 9

    @pytest_twisted.ensureDeferred
    async def test_a_grandchild_with_an_open_pipe_does_not_delay_the_end(self, play) -> None:
        one = play(say(LOADED), hold(1), hold(4), leave(5))
        began = one.stage.reactor.seconds()
        await one.until("gone")
        assert one.slot.gone_as.exit_code == 5
        assert one.stage.reactor.seconds() - began < GRACE_SECONDS + 5

    @pytest_twisted.ensureDeferred
    async def test_nothing_is_read_between_pause_and_resume_and_nothing_is_lost(self, play) -> None:
        lines = b"".join(b"line %d\n" % number for number in range(2_000))
        one = play(*AT_WORK, hear("D"), say(lines, 1), say(results(10, 1, 4)))
        await one.given()
        await one.until("begun")
        one.runner.pause()
        one.runner.drop_pack(0, 0)
        await one.stage.settle()
        assert one.slot.said[-1] == "begun"
        one.runner.resume()
        await one.until("results")
        await one.stage.until(lambda: one.slot.printed() == lines)

    @pytest_twisted.ensureDeferred
    async def test_a_runner_that_dies_while_it_is_paused_is_read_to_the_end(self, play) -> None:
        one = play(*AT_WORK, hear("D"), say(b"last words\n", 2), leave(1))
        await one.given()
        await one.until("begun")
        one.runner.pause()
        one.runner.drop_pack(0, 0)
        await one.until("gone")
        assert one.slot.printed() == b"last words\n"

    @pytest_twisted.ensureDeferred
    async def test_one_that_prints_more_than_it_may_is_read_more_slowly_and_loses_nothing(self, play) -> None:
        one = play(*AT_WORK, say(FLOOD, 1), output_rate=RATE)
        began = one.stage.reactor.seconds()
        await one.given()
        await one.stage.until(lambda: one.slot.printed() == FLOOD)
        assert one.stage.reactor.seconds() - began > PAUSE_SECONDS
        assert one.slot.said.count("noted") == 1 and "more than 4 kB a second" in one.slot.last("noted")

    @pytest_twisted.ensureDeferred
    async def test_one_that_dies_while_it_is_slowed_down_is_read_to_the_end(self, play) -> None:
        one = play(*AT_WORK, say(FLOOD, 1), say(b"last words\n", 2), leave(1), output_rate=RATE)
        await one.given()
        await one.until("gone")
        assert len(one.slot.printed()) == len(FLOOD + b"last words\n")

    @pytest.mark.parametrize(
        "lie",
        [
            b"\xff" * 64,
            encode(b"?", {}),
            results(10, 1, fence=99),
            results(11, 1),
            LOADED,
            encode(b"F", {"what": "program", "error": {"type": "E", "message": "m", "traceback": "t"}}),
        ],
    )
    @pytest_twisted.ensureDeferred
    async def test_one_that_breaks_the_protocol_is_killed_and_not_believed_again(self, play, lie: bytes) -> None:
        one = play(*AT_WORK, say(lie), say(results(10, 1)))
        await one.given()
        await one.until("gone")
        assert "it broke the protocol" in one.slot.gone_as.fault
        assert one.slot.gone_as.signal == signal.SIGKILL

    @pytest_twisted.ensureDeferred
    async def test_a_program_that_does_not_load_is_told_and_then_the_exit(self, play) -> None:
        error = {"type": "ImportError", "message": "no module", "traceback": "..."}
        one = play(say(b"Traceback\n", 2), say(encode(b"F", {"what": "program", "error": error})), leave(3))
        await one.until("gone")
        assert [name for name in one.slot.said] == ["load_failed", "gone"]
        assert one.slot.last("load_failed").message == "no module"
        assert one.slot.gone_as.stray == b"Traceback\n"

    @pytest_twisted.ensureDeferred
    async def test_killing_it_twice_and_after_its_end_does_nothing_more(self, play) -> None:
        one = play(IGNORE, say(LOADED))
        await one.until("loaded")
        one.runner.kill("once")
        one.runner.kill("twice")
        await one.until("gone")
        one.runner.kill("late")
        one.runner.quit()
        one.runner.cancel(7)
        await one.stage.settle()
        assert one.slot.said.count("gone") == 1 and one.slot.gone_as.fault == "once"

    @pytest_twisted.ensureDeferred
    async def test_the_end_of_a_chunk_is_not_lost_when_the_end_of_its_output_is(self, play) -> None:
        one = play(*AT_WORK, say(results(10, 1, 4)), say(b"no newline", 1), say(ended()), leave(0))
        await one.given()
        await one.until("gone")
        assert one.slot.said[-2:] == ["ended", "gone"] and one.slot.printed() == b"no newline"
        assert one.slot.gone_as.at_work is None


@pytest_twisted.ensureDeferred
async def test_a_runner_hears_an_interrupt_that_its_worker_was_started_to_ignore() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        one = Play(STAGES["real"](), [die(signal.SIGINT), leave(7)])
    finally:
        signal.signal(signal.SIGINT, before)
    await one.until("gone")
    assert (one.slot.gone_as.exit_code, one.slot.gone_as.signal) == (None, signal.SIGINT)


def fake_play(*script: Step, **how: Any) -> Play:
    return Play(FakeStage(), list(script), **how)


def test_the_child_gets_its_program_and_an_empty_standard_input_before_anything_else() -> None:
    one = fake_play(hear("Q"))
    [child] = one.stage.reactor.spawned
    one.stage.reactor.turn()
    assert [frame.kind for frame in child.frames] == ["T"] and child.frames[0].header["function"] == "f"
    assert 0 not in child.pipes and {1, 2, 3, 4} == set(child.pipes)


def test_a_chunk_for_a_ready_runner_is_written_at_once() -> None:
    one = fake_play(say(LOADED))
    one.stage.reactor.turn()
    one.runner.keep_pack(0, ItemPack(0, 20, "range", args=(0, 1)))
    one.runner.run_chunk(CHUNK, MARK, SECRET)
    frames = one.stage.reactor.spawned[0].frames
    assert [frame.kind for frame in frames] == ["T", "P", "C", "E"]
    assert frames[1].header == {"portion": 0, "first": 0, "count": 20, "codec": "range", "args": [0, 1]}
    assert frames[2].header == {"chunk": 7, "portion": 0, "first": 10, "count": 2, "mark": MARK}
    assert frames[3].header == {"chunk": 7, "secret": SECRET}


def test_who_is_slowed_down_is_not_read_because_there_is_credit_again_nor_without_credit_because_its_time_is_over() -> None:
    one = Play(FakeStage(), [*AT_WORK, say(FLOOD, 1), say(b"more\n", 1)], output_rate=RATE)
    one.stage.reactor.turn()
    one.runner.run_chunk(CHUNK, MARK, SECRET)
    one.stage.reactor.turn()
    before = one.slot.printed()
    one.runner.pause()
    one.runner.resume()
    one.stage.reactor.turn()
    assert one.slot.printed() == before != FLOOD
    one.runner.pause()
    one.stage.reactor.advance(60)
    one.stage.reactor.turn()
    assert one.slot.printed() == before
    one.runner.resume()
    one.stage.reactor.turn()
    assert one.slot.printed() == FLOOD + b"more\n"


def test_a_process_that_cannot_be_started_is_gone_at_once_and_says_why() -> None:
    reactor, slot = FakeProcesses(), Slot()
    reactor.refuses = FileNotFoundError(2, "No such file or directory")
    runner = RunnerProcess(reactor, slot, Assignments(1, 100), reactor.grip)
    runner.start(launch_of([]), ORDER)
    assert slot.said == ["gone"] and "could not be started" in slot.gone_as.fault
    runner.kill()
    runner.quit()


class RemovedGroup(Group):
    """Counts how often it was removed."""

    removals = 0

    def remove(self) -> None:
        self.removals += 1


@pytest.mark.parametrize("refuses", [None, FileNotFoundError(2, "No such file or directory")])
def test_its_group_goes_with_it_also_where_it_never_came(refuses: OSError | None) -> None:
    reactor, slot, group = FakeProcesses(), Slot(), RemovedGroup()
    reactor.refuses = refuses
    RunnerProcess(reactor, slot, Assignments(1, 100), reactor.grip, group=group).start(launch_of([die()]), ORDER)
    assert group.removals == (1 if refuses else 0)
    reactor.turn()
    reactor.advance(GRACE_SECONDS)
    assert slot.said == ["gone"] and group.removals == 1


def test_a_process_that_survives_every_rung_is_said_to_be_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    one = fake_play(say(LOADED), patience=QUICK)
    one.stage.reactor.turn()
    [child] = one.stage.reactor.spawned
    monkeypatch.setattr(child, "signalProcess", lambda number: None)
    one.runner.kill()
    one.stage.reactor.pump([0.1] * 10)
    assert one.slot.said == ["loaded", "stuck"]
    child.exit(number=9)
    one.stage.reactor.turn()
    assert one.slot.said[-1] == "gone"
    assert one.stage.reactor.getDelayedCalls() == []
