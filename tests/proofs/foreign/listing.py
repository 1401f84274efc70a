"""
The list of packages whose examples and scripts are looked at, ``packages.toml``, as values; and which files those are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.proofs.manifest import BadManifest, Environment, Program, Source
from tests.proofs.masks import Mask

LIST = Path(__file__).with_name("packages.toml")
#: Nobody runs these as programs.
NO_PROGRAMS = ("__init__.py", "setup.py", "conftest.py")
_NOBODY = "http://127.0.0.1:9"
#: So that plain runs agree: no display, one order of sets, and nothing from the network. Unbuffered, since the output of a task is line-buffered:
#: what the processes of a program print stands between its lines in both.
ENVIRON = {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1", "http_proxy": _NOBODY, "https_proxy": _NOBODY, "ftp_proxy": _NOBODY}


@dataclass(frozen=True)
class Package:
    """
    A source distribution. ``programs``: which of its files are programs, as patterns of paths, and ``leave``: which of those are not.

    ``arguments``: the words behind each program. ``masks``: what two plain runs do differently, each with the pattern of its programs.
    """

    source: Source
    environment: Environment
    programs: tuple[str, ...]
    leave: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    masks: tuple[tuple[str, Mask], ...] = ()

    @property
    def name(self) -> str:
        """With its version."""
        return self.source.name

    def files(self, unpacked: Path) -> list[str]:
        """The programs in the unpacked source, by their paths in it, sorted."""
        found = {path.relative_to(unpacked).as_posix() for pattern in self.programs for path in unpacked.glob(pattern) if path.is_file()}
        return sorted(name for name in found if name.rpartition("/")[2] not in NO_PROGRAMS and name not in self.leave)

    def program(self, file: str) -> Program:
        """One of them, to be run in a copy of the folder that it stands in."""
        folder, _, name = file.rpartition("/")
        masks = tuple(mask for pattern, mask in self.masks if fnmatch(file, pattern))
        run = (name, *self.arguments)
        return Program(file, self.environment, "none", run, file, self.source, take=(folder or ".",), environ=ENVIRON, masks=masks)


def packages(path: Path = LIST) -> list[Package]:
    """All of them, in the order of the file. Raises BadManifest."""
    content = tomllib.loads(path.read_text())
    environments = {name: _environment(name, one) for name, one in content["environments"].items()}
    return [_package(name, one, environments) for name, one in content["packages"].items()]


def _environment(name: str, one: Mapping[str, Any]) -> Environment:
    return Environment(name, one["python"], tuple(one.get("requirements", ())), one.get("seeded", False))


def _package(name: str, one: Mapping[str, Any], environments: Mapping[str, Environment]) -> Package:
    known = {"requirement", "file", "sha256", "environment", "programs", "leave", "arguments", "masks"}
    if strange := sorted(set(one) - known):
        raise BadManifest(f"{name}: {', '.join(strange)}?")
    try:
        source = Source(name, one["requirement"], one["file"], one["sha256"])
        masks = tuple(_mask(mask) for mask in one.get("masks", ()))
        return Package(source, environments[one["environment"]], tuple(one["programs"]), one.get("leave", {}), tuple(one.get("arguments", ())), masks)
    except (KeyError, TypeError) as error:
        raise BadManifest(f"{name}: {error}") from None


def _mask(one: Mapping[str, Any]) -> tuple[str, Mask]:
    return one["programs"], Mask(**{key: value for key, value in one.items() if key != "programs"})


def named(every: Sequence[Package], parts: Sequence[str]) -> list[Package]:
    """Those whose name has one of ``parts`` in it; all without any."""
    return [package for package in every if not parts or any(part in package.name for part in parts)]
