"""Standard streams that never block the reactor: on real pipes."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from marx.tasker.screen import Screen, wants_live_line
from marx.tasker.streams import READ_BYTES, Inlet, Outlet
from marx.tasker.surroundings import Streams
from marx.wire.packs import STDERR, STDOUT


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def pipe() -> Iterator[tuple[Any, Any]]:
    """Its reading and its writing end."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader, open(writing, "wb", buffering=0) as writer:
        yield reader, writer


@pytest_twisted.ensureDeferred
async def test_a_slow_reader_holds_up_the_writer_and_not_the_reactor(pipe: tuple[Any, Any], reactor: Any) -> None:
    reader, writer = pipe
    content = os.urandom(300_000)
    outlet = Outlet(writer, reactor)
    writing = [Deferred.fromCoroutine(outlet.write(content)), Deferred.fromCoroutine(outlet.write(b"the end"))]
    await deferLater(reactor, 0)
    assert not writing[0].called
    came = b""
    while not came.endswith(b"the end"):
        came += os.read(reader.fileno(), 10_000)
        await deferLater(reactor, 0)
    await writing[0]
    await writing[1]
    assert came == content + b"the end"
    assert os.get_blocking(writer.fileno())


@pytest_twisted.ensureDeferred
async def test_a_reader_that_leaves_is_a_broken_pipe_even_while_it_is_waited_for(pipe: tuple[Any, Any], reactor: Any) -> None:
    reader, writer = pipe
    writing = Deferred.fromCoroutine(Outlet(writer, reactor).write(b"x" * 300_000))
    await deferLater(reactor, 0)
    reader.close()
    with pytest.raises(BrokenPipeError):
        await writing


@pytest_twisted.ensureDeferred
async def test_reading_a_pipe_waits_for_bytes_and_ends_with_none(pipe: tuple[Any, Any], reactor: Any) -> None:
    reader, writer = pipe
    inlet = Inlet(reader, reactor)
    reading = Deferred.fromCoroutine(inlet.read())
    await deferLater(reactor, 0)
    assert not reading.called
    writer.write(b"some")
    assert await reading == b"some"
    writer.close()
    assert await inlet.read() == b""


@pytest_twisted.ensureDeferred
async def test_a_read_that_is_given_up_leaves_nothing_in_the_reactor(pipe: tuple[Any, Any], reactor: Any) -> None:
    reading = Deferred.fromCoroutine(Inlet(pipe[0], reactor).read())
    reading.addErrback(lambda _: None)
    reading.cancel()
    assert [each for each in reactor.getReaders() if each.fileno() == pipe[0].fileno()] == []


@pytest_twisted.ensureDeferred
async def test_files_are_read_in_pieces_and_written_at_once(tmp_path: Path, reactor: Any) -> None:
    with open(tmp_path / "file", "wb") as file:
        await Outlet(file, reactor).write(b"x" * (READ_BYTES + 1))
    inlet = Inlet(open(tmp_path / "file", "rb"), reactor)
    assert [len(await inlet.read()) for _ in range(3)] == [READ_BYTES, 1, 0]
    inlet.close()


class Terminal(io.BytesIO):
    """A terminal that keeps all that was written to it."""

    def isatty(self) -> bool:
        return True


@pytest_twisted.ensureDeferred
async def test_the_live_line_makes_room_for_lines_and_comes_back(reactor: Any) -> None:
    terminal = Terminal()
    screen = Screen(Streams(io.BytesIO(), terminal, terminal), reactor, live=True)
    screen.show_line(b"1/2")
    await screen.write_results(b"result\n")
    await screen.write_output(b"printed\n")
    screen.show_line(b"2/2")
    await screen.end_line()
    clear = b"\r\x1b[K"
    assert terminal.getvalue() == b"1/2" + clear + b"result\n1/2" + clear + b"printed\n1/2" + clear + b"2/2" + clear


@pytest_twisted.ensureDeferred
async def test_a_line_without_an_end_is_not_drawn_over(reactor: Any) -> None:
    terminal = Terminal()
    screen = Screen(Streams(io.BytesIO(), io.BytesIO(), terminal), reactor, live=True)
    screen.show_line(b"1/2")
    await screen.write_output(b"half")
    screen.show_line(b"2/2")
    await screen.complain("oh")
    assert terminal.getvalue() == b"1/2\r\x1b[Khalf\ntasker: oh\n2/2"


@pytest_twisted.ensureDeferred
async def test_pieces_of_both_streams_stay_in_order_however_slowly_one_is_read(pipe: tuple[Any, Any], reactor: Any) -> None:
    reader, writer = pipe
    errors = io.BytesIO()
    screen = Screen(Streams(io.BytesIO(), writer, errors), reactor)
    first = Deferred.fromCoroutine(screen.write_streams([(STDOUT, b"x" * 200_000), (STDERR, b"1"), (STDOUT, b"y")]))
    second = Deferred.fromCoroutine(screen.write_streams([(STDOUT, b"z"), (STDERR, b"2")]))
    await deferLater(reactor, 0)
    assert (first.called, errors.getvalue()) == (False, b"")
    came = b""
    while not came.endswith(b"yz"):
        came += os.read(reader.fileno(), 10_000)
        await deferLater(reactor, 0)
    await first
    await second
    assert (came, errors.getvalue()) == (b"x" * 200_000 + b"yz", b"12")


@pytest_twisted.ensureDeferred
async def test_a_person_is_told_something_while_the_reader_of_standard_output_pauses(pipe: tuple[Any, Any], reactor: Any) -> None:
    errors = io.BytesIO()
    screen = Screen(Streams(io.BytesIO(), pipe[1], errors), reactor, live=True)
    writing = Deferred.fromCoroutine(screen.write_streams([(STDOUT, b"x" * 200_000)]))
    writing.addErrback(lambda failure: failure.trap(CancelledError) and None)
    screen.show_line(b"1/2")
    await screen.complain("still there")
    await screen.end_line()
    assert (writing.called, errors.getvalue()) == (False, b"1/2\r\x1b[Ktasker: still there\n1/2\r\x1b[K")
    writing.cancel()


@pytest_twisted.ensureDeferred
async def test_a_programs_unfinished_line_on_either_stream_is_not_drawn_over(reactor: Any) -> None:
    terminal = Terminal()
    screen = Screen(Streams(io.BytesIO(), terminal, terminal), reactor, live=True)
    screen.show_line(b"1/2")
    await screen.write_streams([(STDOUT, b"half")])
    screen.show_line(b"2/2")
    await screen.write_streams([(STDERR, b"oh\n")])
    await screen.complain("no")
    assert terminal.getvalue() == b"1/2\r\x1b[Khalfoh\n2/2\r\x1b[Ktasker: no\n2/2"


@pytest_twisted.ensureDeferred
async def test_nothing_is_drawn_on_a_terminal_in_whose_background_we_are(reactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as reader, open(theirs, "wb", buffering=0) as terminal:
        screen = Screen(Streams(io.BytesIO(), io.BytesIO(), terminal), reactor, live=True)
        owner = [os.getpgrp() + 1]
        monkeypatch.setattr("marx.tasker.streams.os.tcgetpgrp", lambda descriptor: owner[0])
        screen.show_line(b"1/2")
        await screen.write_output(b"printed\n")
        owner[0] = os.getpgrp()
        screen.show_line(b"2/2")
        assert reader.read(100) == b"printed\r\n2/2"
        owner[0] += 1
        await screen.write_output(b"more\n")
        assert reader.read(100) == b"more\r\n"


@pytest_twisted.ensureDeferred
async def test_a_standard_output_that_is_elsewhere_leaves_the_live_line_alone(reactor: Any) -> None:
    terminal, file = Terminal(), io.BytesIO()
    screen = Screen(Streams(io.BytesIO(), file, terminal), reactor, live=True)
    screen.show_line(b"1/2")
    await screen.write_streams([(STDOUT, b"half")])
    screen.show_line(b"2/2")
    assert (terminal.getvalue(), file.getvalue()) == (b"1/2\r\x1b[K2/2", b"half")


@pytest.mark.parametrize(
    ("progress", "quiet", "terminal", "term", "live"),
    [
        ("auto", False, True, "xterm", True),
        ("auto", True, True, "xterm", False),
        ("auto", False, False, "xterm", False),
        ("auto", False, True, "dumb", False),
        ("on", False, False, "dumb", True),
        ("off", False, True, "xterm", False),
    ],
)
def test_a_live_line_is_for_terminals_unless_it_is_asked_for(progress: str, quiet: bool, terminal: bool, term: str, live: bool) -> None:
    streams = Streams(io.BytesIO(), io.BytesIO(), Terminal() if terminal else io.BytesIO())
    assert wants_live_line(progress, quiet, streams, {"TERM": term}) is live
