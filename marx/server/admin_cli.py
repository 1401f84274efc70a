"""
``marx-admin``: one question to the running daemon in a state folder, over its Unix socket.

The same command serves a server's operator and a worker's owner; which of them it speaks to follows from the folder.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any, Callable, Sequence

import click
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError

from marx.config import parse_duration
from marx.owners_socket import SOCKET_NAME
from marx.steady import steady
from marx.wire import admin as wire
from marx.wire.calls import ANSWER_SECONDS, BadRequest, GuardedLink, NotFound, NotPermitted, Unavailable, WireError, WrongVersion

#: Exit codes of INTERFACE for refusals; any other is a fault of Marx.
EXITS = {NotPermitted: 77, NotFound: 1, BadRequest: 2, Unavailable: 69, WrongVersion: 69}


class Refused(click.ClickException):
    """One sentence and an exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code

    def show(self, file: Any = None) -> None:
        click.echo(f"marx-admin: {self.format_message()}", err=True)


def run(job: Callable[[], Any]) -> Any:
    """Run the reactor until ``job``'s Deferred fires; its result. Raises what it failed with."""
    outcome: list[Any] = []

    def start() -> None:
        ensureDeferred(job()).addBoth(outcome.append).addBoth(lambda _: reactor.stop())

    steady(reactor).callWhenRunning(start)
    reactor.run()
    if hasattr(outcome[0], "raiseException"):
        outcome[0].raiseException()
    return outcome[0]


def call(state: Path, command: type, within_seconds: float = ANSWER_SECONDS, **arguments: Any) -> dict[str, Any]:
    """Ask the daemon in ``state``; its answer. Raises :class:`Refused`."""
    return over_socket(state, lambda link: link.ask(command, within_seconds=within_seconds, **arguments))


def over_socket(state: Path, job: Callable[[GuardedLink], Any]) -> Any:
    """What ``job`` comes to over a connection to the daemon in ``state``. Raises :class:`Refused`."""
    path = state / SOCKET_NAME

    async def ask() -> Any:
        link = await connectProtocol(UNIXClientEndpoint(reactor, str(path)), GuardedLink(reactor))
        try:
            return await job(link)
        finally:
            link.transport.loseConnection()

    try:
        return run(ask)
    except ConnectError as error:
        raise Refused(f"no daemon answers at {path}: is it running, is --state its folder, and are you its user? ({error})", 69) from error
    except WireError as error:
        raise Refused(str(error), EXITS.get(type(error), 70)) from error


class Duration(click.ParamType):
    """``30s``, ``10m``, ``2h``, ``7d``, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as aligned columns, or a line that there are none."""
    cells = [[column.upper() for column in columns]] + [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def _day(utc: float) -> str:
    return datetime.fromtimestamp(utc).strftime("%Y-%m-%d %H:%M")


def _second(utc: float) -> str:
    return datetime.fromtimestamp(utc).strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items())) or "-"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


@click.group()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("marx-server"),
    show_default=True,
    help="The daemon's state folder.",
)
@click.version_option(package_name="marx", message="%(version)s")
@click.pass_context
def main(context: click.Context, state: Path) -> None:
    """Ask or steer the Marx daemon whose state folder this is: a server, or (status, pause, resume) a worker."""
    context.obj = state


@main.command("join-code")
@click.argument("role", type=click.Choice(["worker", "tasker", "admin"]))
@click.argument("name", required=False)
@click.option("--uses", type=click.IntRange(1), default=1, show_default=True, help="How many may join with it.")
@click.option("--expires", type=Duration(), default="7d", show_default=True, help="How long it holds: 30s, 10m, 2h, 7d.")
@click.pass_obj
def join_code(state: Path, role: str, name: str | None, uses: int, expires: float) -> None:
    """Make a join code for a worker, for the tasker of user NAME, or for operator NAME (admin)."""
    if role != "worker" and not name:
        raise click.UsageError(f"join-code {role} needs the user's NAME")
    click.echo(call(state, wire.MakeCode, role=role, name=name, uses=uses, seconds=expires)["code"])


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def users(state: Path, as_json: bool) -> None:
    """Who has joined."""
    rows = call(state, wire.ListUsers)["users"]
    click.echo(json.dumps(rows)) if as_json else table([{**row, "joined": _day(row["joined_utc"])} for row in rows], ("name", "operator", "certificates", "joined"))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def workers(state: Path, as_json: bool) -> None:
    """The workers, with what they offer and do."""
    rows = call(state, wire.ListPool)["workers"]
    has_reasons = any(row.get("reason") for row in rows)
    shown = [{**row, "state": f"{row['state']} for {row['aside_seconds']:.0f} s"} if row.get("reason") else row for row in rows]
    columns = ("name", "state", "slots", "busy", "sandbox", "pythons", "labels", *["reason"] * has_reasons)
    click.echo(json.dumps(rows)) if as_json else table(shown, columns)


@main.command()
@click.argument("worker")
@click.pass_obj
def drain(state: Path, worker: str) -> None:
    """Give WORKER nothing new; what runs goes on."""
    call(state, wire.DrainWorker, worker=worker, draining=True)


@main.command()
@click.argument("worker")
@click.pass_obj
def undrain(state: Path, worker: str) -> None:
    """Give WORKER work again."""
    call(state, wire.DrainWorker, worker=worker, draining=False)


@main.command()
@click.argument("kind", type=click.Choice(["user", "worker", "code"]))
@click.argument("name")
@click.pass_obj
def revoke(state: Path, kind: str, name: str) -> None:
    """Take back the certificates of a user or worker, or a join code (named by the first characters it was listed with)."""
    count = call(state, wire.Revoke, kind=kind, name=name)["revoked"]
    click.echo(f"{count} revoked")
    if not count:
        raise Refused(f"there is no {kind} {name}", 1)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.pass_obj
def backup(state: Path, file: Path, force: bool) -> None:
    """Write everything that the running server must not lose into the tar archive FILE: database, files, authority."""
    # However long it takes: a large archive on a slow disk takes its time.
    made = call(state, wire.MakeBackup, within_seconds=inf, path=str(file.absolute()), overwrite=force)
    files = f"{made['blobs']} file{'' if made['blobs'] == 1 else 's'} of tasks"
    database = "the database, " if made["database"] else ""
    click.echo(f"{file}: {made['size']:,} bytes: {database}the authority, {files}")
    if not made["database"]:
        click.echo("the database is on a server of its own and not in it: see docs/install.rst for how to dump it", err=True)


@main.command()
@click.option("--user", help="Only what this user did.")
@click.option("--since", type=Duration(), default="7d", show_default=True, help="How far back: 30s, 10m, 2h, 7d.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object a line.")
@click.pass_obj
def audit(state: Path, user: str | None, since: float, as_json: bool) -> None:
    """Who joined, submitted, cancelled, fetched, revoked what, when and from where; the oldest first."""
    rows = _audit_lines(state, user, time.time() - since)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        table([{**row, "when": _second(row["at_utc"]), "from": row["place"]} for row in rows], ("when", "who", "role", "did", "subject", "detail", "from"))


def _audit_lines(state: Path, user: str | None, since_utc: float) -> list[dict[str, Any]]:
    async def ask(link: GuardedLink) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while page := (await link.ask(wire.ReadAudit, user=user, since_utc=since_utc, after_row=rows[-1]["row"] if rows else 0))["lines"]:
            rows += page
        return rows

    return over_socket(state, ask)


@main.command()
@click.argument("subject")
@click.pass_obj
def story(state: Path, subject: str) -> None:
    """Every event that touched a task, or one item of it (TASK:ITEM)."""
    for line in call(state, wire.TellStory, subject=subject)["lines"]:
        click.echo(line)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def status(state: Path, as_json: bool) -> None:
    """What this worker does now."""
    answer = call(state, wire.WorkerStatus)["status"]
    if as_json:
        click.echo(json.dumps(answer))
        return
    for key, value in answer.items():
        click.echo(f"{key.replace('_', ' ')}: {_cell(value)}")


@main.command()
@click.argument("duration", type=Duration(), required=False)
@click.pass_obj
def pause(state: Path, duration: float | None) -> None:
    """Let this worker take nothing new, for DURATION or until resume; what runs goes on."""
    call(state, wire.PauseWorker, seconds=duration)


@main.command()
@click.pass_obj
def resume(state: Path) -> None:
    """End a pause of this worker."""
    call(state, wire.ResumeWorker)


def entry() -> int:
    """The console command; the exit code."""
    try:
        main(standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0
