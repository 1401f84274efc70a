"""
What may be typed: every command, with its options, as an errand to be carried out.

Parsing imports nothing but click, so that ``--help`` and completion are quick; what a command needs is imported when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Callable

import click

from marx import __version__
from marx.tasker.options import OptionsFirst, log_format_option, map_options, map_request, run_options, run_request, view_of, view_options

if TYPE_CHECKING:
    from marx.tasker.ending import Errand
    from marx.tasker.session import Session
    from marx.tasker.surroundings import Surroundings

#: What a shell's completion script sets to ask us for words.
COMPLETE = "_TASKER_COMPLETE"

_server = click.option("--server", metavar="NAME", help="Which login to use, where there are several.")
_json = click.option("--json", is_flag=True, help="For programs.")
_task = click.argument("task")


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


@tasker.command("run", cls=OptionsFirst)
@run_options
def run_command(dry_run: bool, **options: Any) -> Errand:
    """
    Run a program as "python PROGRAM ARG..." would, on all the machines of the lab.

    With -m, MODULE takes the place of PROGRAM. Everything after it belongs to the program.

    Exits as the program does, with 128+N where signal N ended it; 141 where nobody reads the output any more, which cancels the task; 70
    where the task failed for a reason that is not the program's, 75 where nothing took it in time, 124 where --timeout ended it.
    """
    request = run_request(options)

    async def errand(around: Surroundings) -> int:
        from marx.tasker.running import run_program

        return await (_dry_run(request, around) if dry_run else run_program(request, around))

    return errand


@tasker.command("map", cls=OptionsFirst)
@map_options
def map_command(dry_run: bool, **options: Any) -> Errand:
    """
    Call a function with each of many items; print one JSON line for each result.

    PROGRAM:FUNCTION is a file and the name of a function in it; with -m, MODULE:FUNCTION. Everything after it is an item.
    """
    request = map_request(options)

    async def errand(around: Surroundings) -> int:
        from marx.tasker.mapping import run_map

        return await (_dry_run(request, around) if dry_run else run_map(request, around))

    return errand


async def _dry_run(request: Any, around: Surroundings) -> int:
    from marx.tasker.divide import dry_run

    return await dry_run(request, around)


@tasker.command(cls=OptionsFirst)
@click.option("-m", "is_module", is_flag=True, help="What follows is a module's name, as with python -m.")
@click.option("--python", metavar="2.7|3.x|PATH", help="Default: read from the program.")
@click.option("--file", "files", metavar="PATH", multiple=True, help="More files to take along.")
@_json
@click.option("--html", is_flag=True, help="A page: the source with its portions marked.")
@click.argument("target", metavar="PROGRAM")
@click.argument("arguments", metavar="[ARG]...", nargs=-1, type=click.UNPROCESSED)
def divide(json: bool, html: bool, **options: Any) -> Errand:
    """Show what run would cut into portions, and what goes along. Runs nothing of the program."""

    if json and html:
        raise click.UsageError("--json and --html are two forms of one answer")

    async def errand(around: Surroundings) -> int:
        from marx.tasker.divide import Question, run_divide

        return await run_divide(Question(**options), around, "json" if json else "html" if html else "text")

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
@log_format_option
@_server
def logs(task: str, follow: bool, tail: int | None, log_format: str, server: str | None) -> Errand:
    """What a task printed."""
    return _on_server(server, lambda session: _commands().print_logs(session, task, follow, tail, log_format))


@tasker.command()
@_task
@_server
def results(task: str, server: str | None) -> Errand:
    """A map's results, as far as they are there, one JSON line for each item; or how a run ended, as one JSON object."""
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
@view_options
def attach(task: str, artifacts: str | None, server: str | None, **options: Any) -> Errand:
    """Watch a task from its start, as if it had been started here. Ctrl-C only stops watching."""
    view = view_of(options)

    async def errand(around: Surroundings) -> int:
        from marx.tasker import attaching

        async with attaching.session_for(view, around, server) as opened:
            return await attaching.attach(opened, task, view, artifacts)

    return errand


@tasker.command()
@_task
@click.option("--detach", is_flag=True, help="Print the new task's id alone and return.")
@view_options
def rerun(task: str, artifacts: str | None, server: str | None, **options: Any) -> Errand:
    """Start a task again with the same program, arguments, files and input; show it as run and map do."""
    view = view_of(options)

    async def errand(around: Surroundings) -> int:
        from marx.tasker import attaching

        async with attaching.session_for(view, around, server) as opened:
            return await attaching.rerun(opened, task, view, artifacts)

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
    return _on_server(server, lambda session: _steering().cancel(session, task))


@tasker.command()
@_task
@_server
def hold(task: str, server: str | None) -> Errand:
    """Begin nothing new of a task; what runs goes on."""
    return _on_server(server, lambda session: _steering().hold(session, task))


@tasker.command()
@_task
@_server
def release(task: str, server: str | None) -> Errand:
    """Go on with a task that was held."""
    return _on_server(server, lambda session: _steering().release(session, task))


@tasker.command()
@_task
@_server
def forget(task: str, server: str | None) -> Errand:
    """Delete a task that has ended, with its output, results and files."""
    return _on_server(server, lambda session: _steering().forget(session, task))


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
    """A Python prompt with run, map, tasks, task, logs, cancel and workers at hand."""

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


def _steering() -> Any:
    from marx.tasker import steering

    return steering
