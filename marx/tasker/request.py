"""
What a person asked of ``map`` or ``run``, as values; and the specification that it becomes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.target import Target

#: What of the person's environment every program gets (INTERFACE, "Surroundings"); LC_* besides.
ENVIRONMENT = ("LANG", "TZ", "PYTHONIOENCODING", "PYTHONWARNINGS", "COLUMNS")


@dataclass(frozen=True, slots=True)
class ItemChoice:
    """Where items come from; at most one of these is given."""

    strings: tuple[str, ...] = ()
    lines: str | None = None
    range: str | None = None
    csv: str | None = None
    glob: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the server and the workers are asked for; see ``marx.wire.spec``."""

    name: str | None = None
    max_slots: int | None = None
    python: str | None = None
    retries: int = 0
    stop_on_error: bool = False
    start_within: float | None = None
    timeout: float | None = None
    item_timeout: float | None = None
    silence: float | None = None
    memory: int | None = None
    labels: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    sandbox: str | None = None
    network: bool = False
    env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    priority: int = 0
    chunk_items: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How it is shown. ``output``: a file for the results."""

    output: str | None = None
    unordered: bool = False
    log_format: str = "plain"
    progress: str = "auto"
    quiet: bool = False
    detach: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What ``map`` and ``run`` have in common. ``local``: slots of a server of our own; None: a login's."""

    target: str
    is_module: bool = False
    terms: Terms = field(default_factory=Terms)
    view: View = field(default_factory=View)
    files: tuple[str, ...] = ()
    artifacts: str | None = None
    local: int | None = None
    server: str | None = None


@dataclass(frozen=True, slots=True)
class MapRequest(Request):
    """``target``: PROGRAM:FUNCTION, or MODULE:FUNCTION with ``is_module``."""

    items: ItemChoice = field(default_factory=ItemChoice)


@dataclass(frozen=True, slots=True)
class RunRequest(Request):
    """
    ``target``: PROGRAM, or MODULE with ``is_module``; ``arguments``: what stands behind it.

    ``stdin``: a file that is the program's standard input; None: this command's own. ``divide``: found, explicit or none.
    """

    arguments: tuple[str, ...] = ()
    stdin: str | None = None
    divide: str = "found"


def seconds_of(text: str) -> float:
    """``90``, ``30s``, ``10m``, ``2h``, ``1d`` in seconds. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 30s, 10m or 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def bytes_of(text: str) -> int:
    """``500M``, ``2G``, ``1.5G`` in bytes, in powers of 1024. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKMGT])i?B?", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount of memory such as 500M or 2G")
    return int(float(found[1]) * 1024 ** ("KMGT".index(found[2].upper()) + 1))


def pairs_of(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """KEY=VALUE texts as a dictionary. Raises Trouble."""
    for text in texts:
        if not re.fullmatch(r"[^=]+=.*", text, re.DOTALL):
            raise Trouble(f"{option} {text}: expected KEY=VALUE", USAGE)
    return dict(text.split("=", 1) for text in texts)  # type: ignore[misc]


def travelling_environment(environ: Mapping[str, str], named: tuple[str, ...]) -> dict[str, str]:
    """The variables that travel: the usual ones, and those ``named`` by --env, as NAME (the person's own value) or NAME=VALUE."""
    travels = {name: value for name, value in environ.items() if name in ENVIRONMENT or name.startswith("LC_")}
    for text in named:
        name, given, value = text.partition("=")
        if not name or (not given and name not in environ):
            raise Trouble(f"--env {text}: {name or 'an empty name'} is not set here; give its value with --env NAME=VALUE", USAGE)
        travels[name] = value if given else environ[name]
    return travels


def secret_files(named: tuple[str, ...], folder: str) -> list[str]:
    """The files that --secret names and that are there; they never travel as files."""
    files = [os.path.join(folder, text.partition("=@")[2]) for text in named]
    return [file for file in files if os.path.isfile(file)]


def read_secrets(named: tuple[str, ...], env: Mapping[str, str], folder: str) -> dict[str, str]:
    """
    What --secret names, as NAME=@FILE, read from the files; a last line's end is left off, as the shell's ``$(cat FILE)`` does.

    Raises Trouble, which never has a value in it.
    """
    secrets: dict[str, str] = {}
    for text in named:
        name, _, file = text.partition("=@")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or not file:
            said = name.partition("=")[0]
            raise Trouble(f"--secret {said}: expected NAME=@FILE; others can see arguments, so a value is only read from a file", USAGE)
        if name in env or name in secrets:
            raise Trouble(f"--secret {name}: {name} goes along already", USAGE)
        try:
            with open(os.path.join(folder, file), encoding="utf-8", newline="") as opened:
                secrets[name] = opened.read().removesuffix("\n")
        except UnicodeDecodeError:
            raise Trouble(f"--secret {name}: {file} is no text in UTF-8, which an environment variable must be", USAGE) from None
        except OSError as error:
            raise Trouble(f"--secret {name}: cannot read {file}: {error.strerror}", NO_FILE) from error
    return secrets


def make_spec(terms: Terms, target: Target, python: str, environ: Mapping[str, str], draw: Callable[[int], int]) -> dict[str, Any]:
    """What the specifications of maps and runs have in common, but for place and files. ``draw``: a random number below its argument."""
    env = travelling_environment(environ, terms.env)
    hash_seed = env.get("PYTHONHASHSEED", environ.get("PYTHONHASHSEED", ""))
    if hash_seed.isdecimal():
        env["PYTHONHASHSEED"] = hash_seed  # so that a worker knows that it was not drawn
    return {
        "name": terms.name or _usual_name(target),
        "program": target.program,
        "module": target.module,
        "env": env,
        "python": python,
        "seed": draw(1 << 63),
        "hash_seed": int(hash_seed) if hash_seed.isdecimal() else draw(1 << 32),
        "retries": terms.retries,
        "max_slots": terms.max_slots,
        "priority": terms.priority,
        "labels": pairs_of("--label", terms.labels),
        "workers": list(terms.workers),
        "sandbox": terms.sandbox,
        "network": terms.network,
        "start_within": terms.start_within,
        "timeout": terms.timeout,
        "item_timeout": terms.item_timeout,
        "silence": terms.silence,
        "memory": terms.memory,
    }


def _usual_name(target: Target) -> str:
    """What lists show of a task that was given no name: ``words.py:count``, ``prog.py``, ``package.module``."""
    name = os.path.basename(os.path.normpath(target.name))
    return f"{name}:{target.function}" if target.function else name


def map_terms(target: Target, terms: Terms) -> dict[str, Any]:
    """What only the specification of a map has, but for its items."""
    function = {"kind": "map", "function": target.function, "argv": [target.name]}
    return {**function, "stop_on_error": terms.stop_on_error, "chunk_items": terms.chunk_items}


def run_terms(request: RunRequest) -> dict[str, Any]:
    """What only the specification of a run has, but for its standard input."""
    return {"kind": "run", "argv": [request.target, *request.arguments], "divide": request.divide}
