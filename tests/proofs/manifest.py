"""
The list of real programs, ``programs.toml``, as values: where each comes from, how it is run, what of it is not compared and why.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.proofs.masks import Mask

MANIFEST = Path(__file__).with_name("programs.toml")
KINDS = ("Pool", "executor", "joblib", "none")


class BadManifest(Exception):
    """The list contradicts itself; the text says where."""


@dataclass(frozen=True)
class Source:
    """A source distribution of the package index, at one version, known by its SHA-256."""

    name: str
    requirement: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Environment:
    """
    A virtual environment: the minor version of Python and everything that is installed in it, pinned.

    ``is_seeded``: its interpreter begins with one state of the generators that `random` and `numpy.random` share, so that plain runs agree.
    """

    name: str
    python: str
    requirements: tuple[str, ...] = ()
    is_seeded: bool = False


@dataclass(frozen=True)
class Program:
    """
    One program of somebody else, and how it is run.

    ``run``: the words behind the interpreter. ``take``: files and folders of its source that stand in the working folder; of a folder,
    what is in it. ``standard``: the same, from the interpreter's standard library. ``files``: small files of ours that it is given to work on.
    ``pool``: what it spreads its work by, one of KINDS. ``bytecode``: compiled modules are what it makes, and are compared.
    ``code``: the exit code of its success; a program that fails the same way everywhere proves little.
    """

    name: str
    environment: Environment
    pool: str
    run: tuple[str, ...]
    what: str
    source: Source | None = None
    take: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    bytecode: bool = False
    code: int = 0
    masks: tuple[Mask, ...] = ()


def programs(path: Path = MANIFEST) -> list[Program]:
    """All of them, in the order of the file. Raises BadManifest."""
    content = tomllib.loads(path.read_text())
    environments = {name: Environment(name, one["python"], tuple(one.get("requirements", ()))) for name, one in content["environments"].items()}
    sources = {name: Source(name, **one) for name, one in content["sources"].items()}
    found = [_program(one, environments, sources) for one in content["programs"]]
    names = [program.name for program in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadManifest(f"there is more than one program called {', '.join(twice)}")
    return found


def _program(one: dict[str, Any], environments: Mapping[str, Environment], sources: Mapping[str, Source]) -> Program:
    name = one.get("name", "?")
    try:
        program = Program(
            **{
                **one,
                "environment": environments[one["environment"]],
                "source": sources[one["source"]] if "source" in one else None,
                **{key: tuple(one.get(key, ())) for key in ("run", "take", "standard")},
                "masks": tuple(Mask(**mask) for mask in one.get("masks", ())),
            }
        )
    except (KeyError, TypeError) as error:
        raise BadManifest(f"{name}: {error}") from None
    if program.pool not in KINDS:
        raise BadManifest(f"{name}: pool is {program.pool!r}, not one of {', '.join(KINDS)}")
    return program
