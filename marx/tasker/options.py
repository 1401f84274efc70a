"""
The options of ``map`` and ``run``, and the command line's two own rules: options end at PROGRAM, and ``--local`` takes a number only
behind ``=``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Sequence

import click

if TYPE_CHECKING:
    from marx.tasker.request import MapRequest, RunRequest, View


class OptionsFirst(click.Command):
    """A command whose options end at its first argument; what follows is not looked at."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.allow_interspersed_args = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options, rest = split_options(args, self._with_value())
        return super().parse_args(ctx, [*options, "--", *rest] if rest and rest[0] != "--" else [*options, *rest])

    def _with_value(self) -> frozenset[str]:
        """The options whose value may be the next argument."""
        taking = (each for each in self.params if isinstance(each, click.Option) and not each.is_flag)
        return frozenset(name for option in taking for name in option.opts if name != "--local")


def split_options(args: Sequence[str], with_value: frozenset[str]) -> tuple[list[str], list[str]]:
    """The options, and what follows them, from the first argument on that is neither one nor the value of one."""
    options: list[str] = []
    place = 0
    while place < len(args) and args[place].startswith("-") and args[place] not in ("-", "--"):
        length = 2 if args[place] in with_value else 1
        options += [f"--local={cores()}"] if args[place] == "--local" else args[place : place + length]
        place += length
    return options, list(args[place:])


def cores() -> int:
    """How many cores this process may use: the slots of ``--local`` without a number."""
    return len(os.sched_getaffinity(0))


class Duration(click.ParamType):
    """``30s``, ``10m``, ``2h``; seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        from marx.tasker.request import seconds_of

        try:
            return value if isinstance(value, float) else seconds_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Memory(click.ParamType):
    """``500M``, ``2G``; bytes."""

    name = "memory"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        from marx.tasker.request import bytes_of

        try:
            return value if isinstance(value, int) else bytes_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_COUNT = click.IntRange(min=1)
_NOT_NEGATIVE = click.IntRange(min=0)
_MANY = {"multiple": True}
#: What every request has.
_WHOLE = ("files", "artifacts", "local", "server")

_ITEMS = (
    click.option("-m", "is_module", is_flag=True, help="What follows is MODULE:FUNCTION."),
    click.option("--items", "lines", metavar="FILE|-", help="Items: JSON values, one a line."),
    click.option("--range", metavar="START:STOP[:STEP]", help="Items: whole numbers."),
    click.option("--csv", metavar="FILE", help="Items: the rows of a table, as objects."),
    click.option("--glob", metavar="PATTERN", help="Items: names of files, sorted."),
)
_PROGRAM = (
    click.option("-m", "is_module", is_flag=True, help="What follows is a module's name, as with python -m."),
    click.option("--stdin", metavar="FILE", help="The program's standard input; default: this command's own."),
    click.option("--divide", type=click.Choice(["found", "explicit", "none"]), default="found", show_default=True, help="What may go to slots."),
)
_SENDING = (
    click.option("--local", type=_COUNT, metavar="[=N]", help="No server needed: N slots (all cores) on this machine."),
    click.option("--detach", is_flag=True, help="Print the task's id alone and return."),
    click.option("--dry-run", is_flag=True, help="Show what would be sent and cut; runs nothing."),
    click.option("--name", metavar="TEXT", help="Shown in lists."),
    click.option("-j", "max_slots", type=_COUNT, metavar="N", help="At most N slots at a time."),
    click.option("--python", metavar="2.7|3.x|PATH", help="Default: read from the program."),
    click.option("--file", "files", metavar="PATH", **_MANY, help="More files to take along."),
    click.option("--artifacts", metavar="DIR", help="Where new files land; default: where a plain run would have put them."),
    click.option("--retries", type=_NOT_NEGATIVE, default=0, metavar="N", help="Further tries of items whose code failed."),
    click.option("--start-within", type=Duration(), metavar="D", help="Give up (75) unless something takes the task in this time: 30s, 10m, 2h."),
    click.option("--timeout", type=Duration(), metavar="D", help="Stop the task (124) when it has run for so long, from its first slot on."),
    click.option("--item-timeout", type=Duration(), metavar="D", help="An item that takes longer fails; the main program of a run may."),
    click.option("--silence", type=Duration(), metavar="D", help="What prints nothing and uses no processor for so long is ended."),
    click.option("--memory", type=Memory(), metavar="2G", help="What the processes of an item may have together; only workers that lend it."),
    click.option("--label", "labels", metavar="KEY=VALUE", **_MANY, help="Only workers with this label."),
    click.option("--worker", "workers", metavar="NAME", **_MANY, help="Only this worker."),
    click.option("--sandbox", metavar="LEVEL", help="The least sandbox that will do."),
    click.option("--network", is_flag=True, help="Its programs use the network: only workers whose owners permit that."),
    click.option("--env", metavar="NAME[=VALUE]", **_MANY, help="A variable that goes along."),
    click.option("--secret", "secrets", metavar="NAME=@FILE", **_MANY, help="A variable that is shown to nobody and gone with the task."),
    click.option("--priority", type=int, default=0, metavar="N", help="Among your own tasks; larger goes first."),
)
_RESULTS = (
    click.option("--on-error", type=click.Choice(["stop", "continue"]), default="continue", show_default=True, help="After the first failed item."),
    click.option("--chunk-size", "chunk_items", type=_COUNT, metavar="N", help="Items in each chunk; default: measured."),
    click.option("-o", "output", metavar="FILE", help="Results into a file."),
    click.option("--unordered", is_flag=True, help="Results as they come."),
)
_SHOWING = (
    click.option("--log-format", type=click.Choice(["plain", "tagged", "json"]), default="plain", help="How what is printed is shown."),
    click.option("--progress", type=click.Choice(["auto", "on", "off"]), default="auto", help="The live line on a terminal."),
    click.option("-q", "--quiet", is_flag=True, help="Nothing but results, output and errors."),
)
_SERVER = (click.option("--server", metavar="NAME", help="Which login to use, where there are several."),)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all_of(*groups: Sequence[Decorator]) -> Decorator:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([each for group in groups for each in group]):
            command = option(command)
        return command

    return decorate


map_options = _all_of(
    _ITEMS,
    _SENDING,
    _RESULTS,
    _SHOWING,
    _SERVER,
    (
        click.argument("target", metavar="PROGRAM:FUNCTION"),
        click.argument("strings", metavar="[ITEM]...", nargs=-1, type=click.UNPROCESSED),
    ),
)
"""Give a command what ``map`` takes."""

run_options = _all_of(
    _PROGRAM,
    _SENDING,
    _SHOWING,
    _SERVER,
    (
        click.argument("target", metavar="PROGRAM"),
        click.argument("arguments", metavar="[ARG]...", nargs=-1, type=click.UNPROCESSED),
    ),
)
"""Give a command what ``run`` takes."""

log_format_option = _SHOWING[0]
"""How what is printed is shown."""

view_options = _all_of(
    (click.option("--artifacts", metavar="DIR", help="Where new files land; without it only where the task was started."), _RESULTS[-1]),
    _SHOWING,
    _SERVER,
)
"""Give a command what ``attach`` and ``rerun`` take."""


def map_request(options: dict[str, Any]) -> MapRequest:
    """What ``map`` was asked for."""
    from marx.tasker.request import ItemChoice, MapRequest, Terms

    terms = Terms(**_named(Terms, options), stop_on_error=options["on_error"] == "stop")
    whole = {name: options[name] for name in ("target", "is_module", *_WHOLE)}
    return MapRequest(items=ItemChoice(**_named(ItemChoice, options)), terms=terms, view=view_of(options), **whole)


def run_request(options: dict[str, Any]) -> RunRequest:
    """What ``run`` was asked for."""
    from marx.tasker.request import RunRequest, Terms

    whole = {name: options[name] for name in ("target", "is_module", "arguments", "stdin", "divide", *_WHOLE)}
    return RunRequest(terms=Terms(**_named(Terms, options)), view=view_of(options), **whole)


def view_of(options: dict[str, Any]) -> View:
    """How it is to be shown."""
    from marx.tasker.request import View

    return View(**_named(View, options))


def _named(kind: Any, options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in kind.__slots__ if name in options}
