"""
The command ``tasker``: what may be typed, and the composition root that makes it run.

Parsing imports nothing but click, so that ``--help`` and completion are quick; what a command needs is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Sequence

import click

from marx import __version__
from marx.tasker.exits import CONFIGURATION, USAGE, Trouble
from marx.tasker.options import OptionsFirst, map_options, request_of

if TYPE_CHECKING:
    from marx.tasker.ending import Errand
    from marx.tasker.session import Session
    from marx.tasker.surroundings import Connect, Embedded, Surroundings

#: What a shell's completion script sets to ask us for words.
COMPLETE = "_TASKER_COMPLETE"

_server = click.option("--server", metavar="NAME", help="Which login to use, where there are several.")
_json = click.option("--json", is_flag=True, help="For programs.")
_task = click.argument("task")
_log_format = click.option("--log-format", type=click.Choice(["plain", "tagged", "json"]), default="plain", help="How printed lines are shown.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tasker")
def tasker() -> None:
    """Run ordinary Python on all the machines of the lab."""


def _on_server(server: str | None, command: Callable[[Session], Awaitable[int]]) -> Errand:
    """An errand that asks the login's server."""

    async def errand(around: Surroundings) -> int:
        from marx.tasker.session import session

        async with session(around, around.reach.login(server)) as opened:
            return await command(opened)

    return errand


@tasker.command("map", cls=OptionsFirst)
@map_options
def map_command(**options: Any) -> Errand:
    """
    Call a function with each of many items; print one JSON line for each result.

    PROGRAM:FUNCTION is a file and the name of a function in it; with -m, MODULE:FUNCTION. Everything after it is an item.
    """
    request = request_of(options)

    async def errand(around: Surroundings) -> int:
        from marx.tasker.mapping import run_map

        return await run_map(request, around)

    return errand


@tasker.command()
@click.argument("code", metavar="FILE|-|CODE")
@_server
def login(code: str, server: str | None) -> Errand:
    """Join a server with a join code: from a FILE, from standard input (-), or the CODE itself."""

    async def errand(around: Surroundings) -> int:
        from codecs import getreader

        from marx.tasker.login import log_in, logins_folder

        stdin = getreader("utf-8")(around.streams.stdin, "replace")
        given = await log_in(around.reactor, logins_folder(around.environ), server, code, stdin, around.place.host)
        around.streams.stderr.write(f"tasker: logged in as {given.name} at {given.addresses[0]}\n".encode())
        return 0

    return errand


@tasker.command()
@_server
def logout(server: str | None) -> Errand:
    """Forget a login: its certificate and key are removed from this machine."""

    async def errand(around: Surroundings) -> int:
        from marx.tasker.login import log_out, logins_folder

        name = log_out(logins_folder(around.environ), server)
        around.streams.stderr.write(f"tasker: logged out of {name}\n".encode())
        return 0

    return errand


@tasker.command("list")
@click.option("-n", "limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, newest first.")
@click.option("--all", "everyone", is_flag=True, help="Everybody's; for operators.")
@_json
@_server
def list_command(limit: int, everyone: bool, json: bool, server: str | None) -> Errand:
    """Your tasks."""
    return _on_server(server, lambda session: _commands().show_list(session, limit, everyone, json))


@tasker.command()
@_task
@_json
@_server
def show(task: str, json: bool, server: str | None) -> Errand:
    """Everything about one task: how far it is, why it waits, what failed."""
    return _on_server(server, lambda session: _commands().show_task(session, task, json))


@tasker.command()
@_task
@click.option("-f", "--follow", is_flag=True, help="Go on until the task ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of what is there.")
@_log_format
@_server
def logs(task: str, follow: bool, tail: int | None, log_format: str, server: str | None) -> Errand:
    """What a task's items printed."""
    return _on_server(server, lambda session: _commands().print_logs(session, task, follow, tail, log_format))


@tasker.command()
@_task
@_server
def results(task: str, server: str | None) -> Errand:
    """A task's results, as far as they are there: one JSON line for each item."""
    return _on_server(server, lambda session: _commands().print_results(session, task))


@tasker.command()
@_task
@click.option("--artifacts", metavar="DIR", help="Save the files into DIR.")
@_json
@_server
def artifacts(task: str, artifacts: str | None, json: bool, server: str | None) -> Errand:
    """Files that a task made."""
    return _on_server(server, lambda session: _commands().show_artifacts(session, task, artifacts, json))


@tasker.command()
@_task
@click.option("--artifacts", metavar="DIR", help="Where new files land; without it only where the task was started.")
@click.option("--unordered", is_flag=True, help="Results as they come.")
@click.option("--progress", type=click.Choice(["auto", "on", "off"]), default="auto", help="The live line on a terminal.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but results, output and errors.")
@_log_format
@_server
def attach(task: str, artifacts: str | None, unordered: bool, progress: str, quiet: bool, log_format: str, server: str | None) -> Errand:
    """Watch a task from its start, as if it had been started here. Ctrl-C only stops watching."""

    async def errand(around: Surroundings) -> int:
        from marx.tasker.request import View
        from marx.tasker.screen import Screen, wants_live_line
        from marx.tasker.session import session

        view = View(unordered=unordered, log_format=log_format, progress=progress, quiet=quiet)
        live = wants_live_line(progress, quiet, around.streams, around.environ)
        screen = Screen(around.streams, around.reactor, live, quiet)
        async with session(around, around.reach.login(server), screen) as opened:
            return await _commands().attach(opened, task, view, artifacts)

    return errand


@tasker.command()
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
@_server
def wait(tasks: tuple[str, ...], server: str | None) -> Errand:
    """Return when all these tasks have ended: 0 if everything in them succeeded."""
    return _on_server(server, lambda session: _commands().wait(session, tasks))


@tasker.command()
@_task
@_server
def cancel(task: str, server: str | None) -> Errand:
    """Stop a task; returns when its processes are gone."""
    return _on_server(server, lambda session: _commands().cancel(session, task))


@tasker.command()
@_json
@_server
def workers(json: bool, server: str | None) -> Errand:
    """The machines that lend slots."""
    return _on_server(server, lambda session: _commands().show_workers(session, json))


@tasker.command()
@_json
@_server
def whoami(json: bool, server: str | None) -> Errand:
    """Who the server takes you for."""
    return _on_server(server, lambda session: _commands().show_identity(session, json))


@tasker.command()
@_server
def shell(server: str | None) -> Errand:
    """A Python prompt with map, tasks, task, logs, cancel and workers at hand."""

    async def errand(around: Surroundings) -> int:
        from marx.tasker.session import session
        from marx.tasker.shell import run_shell

        async with session(around, around.reach.login(server)) as opened:
            return await run_shell(opened)

    return errand


@tasker.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what completes tasker's words in SHELL, such as for bash: eval "$(tasker completion bash)"."""
    from click.shell_completion import get_completion_class

    source = get_completion_class(shell)
    assert source is not None
    click.echo(source(tasker, {}, "tasker", COMPLETE).source())
    return 0


def _commands() -> Any:
    from marx.tasker import commands

    return commands


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
    return main(sys.argv[1:], run_to_the_end, sys.stdout.buffer, sys.stderr.buffer)


class Ways:
    """The real ways to a server."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def login(self, server: str | None) -> Connect:
        """The way to the server of that login. Raises Trouble with 78 where there is none."""
        from marx.tasker.login import load_login, logins_folder

        return load_login(logins_folder(os.environ), server).connector(self._reactor).connect

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

    streams = Streams(sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)
    place = Place(os.getcwd(), os.path.expanduser("~"), socket.gethostname())
    return Surroundings(streams, place, os.environ, Ways(reactor), reactor, time.time)


def run_to_the_end(errand: Errand) -> int:
    """Run the reactor until the errand is over; its exit code."""
    import signal

    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    from marx.tasker.ending import carry_out

    _keep_the_log()
    around = _surroundings(reactor)
    codes: list[int] = []

    def start() -> None:
        running = Deferred.fromCoroutine(carry_out(errand, around))
        around.interrupts.otherwise = running.cancel
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
