"""
The command ``tasker``: the composition root, in which what was parsed meets the reactor, the streams and the ways to a server.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Sequence

import click

from marx.tasker.exits import CONFIGURATION, USAGE, Trouble
from marx.tasker.grammar import COMPLETE, tasker

if TYPE_CHECKING:
    from marx.tasker.ending import Errand
    from marx.tasker.surroundings import Connect, Embedded, Surroundings


def main(argv: Sequence[str], run: Callable[[Errand], int], stdout: Any, stderr: Any) -> int:
    """
    Parse ``argv`` and have the errand ``run``; the exit code. ``stdout`` and ``stderr`` are binary.

    Only help, versions and usage errors are written here.
    """
    said, complained = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        parsed = _parse(argv)
    stdout.write(said.getvalue().encode())
    stderr.write(complained.getvalue().encode())
    stdout.flush()
    stderr.flush()
    return parsed if isinstance(parsed, int) else run(parsed)


def _parse(argv: Sequence[str]) -> Errand | int:
    """An errand, or the exit code of what ended while parsing."""
    try:
        parsed = tasker.main(args=list(argv), prog_name="tasker", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    return 0 if parsed is None else parsed


def entry() -> int:
    """The console script."""
    if COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(tasker, {}, "tasker", COMPLETE, os.environ[COMPLETE])
    return main(sys.argv[1:], run_to_the_end, _binary(sys.stdout), _binary(sys.stderr))


class Ways:
    """The real ways to a server."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def login(self, server: str | None) -> Connect:
        """The way to the server of that login. Raises Trouble with 78 where there is none."""
        import time

        from marx.renewing import RenewingConnector
        from marx.tasker.login import chosen_login, load_login, logins_folder

        folder = logins_folder(os.environ)
        credentials = load_login(folder, server)
        return RenewingConnector(self._reactor, credentials, folder / chosen_login(folder, server), time.time).connect

    async def embed(self, slots: int, python: str, sandbox: str | None) -> Embedded:
        """A server and a worker in this process."""
        from marx.embedded import CannotEmbed, start_embedded

        try:
            return await start_embedded(self._reactor, slots, python, sandbox)
        except CannotEmbed as error:
            raise Trouble(str(error), CONFIGURATION) from error


def _surroundings(reactor: Any) -> Surroundings:
    import socket
    import time

    from marx.tasker.surroundings import Place, Streams, Surroundings

    streams = Streams(_binary(sys.stdin, "rb"), _binary(sys.stdout), _binary(sys.stderr))
    place = Place(os.getcwd(), os.path.expanduser("~"), socket.gethostname())
    return Surroundings(streams, place, os.environ, Ways(reactor), reactor, time.time)


def _binary(stream: Any, mode: str = "wb") -> BinaryIO:
    """The bytes below a standard stream; the null device where the caller closed it."""
    return open(os.devnull, mode) if stream is None else stream.buffer


def run_to_the_end(errand: Errand) -> int:
    """Run the reactor until the errand is over; its exit code."""
    import signal

    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    from marx.steady import steady
    from marx.tasker.ending import carry_out

    _keep_the_log()
    around = _surroundings(steady(reactor))
    codes: list[int] = []

    def start() -> None:
        running = Deferred.fromCoroutine(carry_out(errand, around))
        around.interrupts.otherwise = running.cancel
        # Who started it may have it ignored, as a script's shell does in the background: so it is to Python, and so it stays here.
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda *_: reactor.callFromThread(around.interrupts.fire))
        running.addCallback(codes.append).addBoth(lambda _: reactor.stop() if reactor.running else None)

    reactor.callWhenRunning(start)
    reactor.run()
    return codes[0] if codes else 128 + signal.SIGTERM


def _keep_the_log() -> None:
    """Twisted's log goes to the file that MARX_LOG names, or nowhere: a person reads sentences, not logs."""
    from twisted.logger import globalLogBeginner, textFileLogObserver

    place = os.environ.get("MARX_LOG")
    observers = [textFileLogObserver(open(place, "a", encoding="utf-8"))] if place else []
    globalLogBeginner.beginLoggingTo(observers, discardBuffer=True, redirectStandardIO=False)
