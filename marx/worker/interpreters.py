"""Which Python a user's program can be run by: what is known of one, and which one is meant by "3", "2.7" or a path.

Pure values; `probing.py` asks an interpreter, `finding.py` looks for them on the machine.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Interpreter:
    """One Python on this machine, as it described itself.

    `path` is what is executed. `folders` must be readable, at the same paths, wherever it runs: its prefix, that of the
    Python below a virtual environment, and what its `sys.path` and its shared libraries need outside of both. `links`
    are symbolic links (target, path) outside of these folders that stand between `path` and the real executable.
    `names` are other paths of the same program, by which people may ask for it. `libraries` is the folder of its shared
    library where it does not find that by itself, as when it was moved since it was built.
    """

    path: str
    version: tuple[int, int, int]
    implementation: str  # "cpython" or "pypy"
    prefix: str
    base_prefix: str
    folders: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    libraries: str = ""

    @property
    def version_text(self) -> str:
        """As in "3.11.7"."""
        return "%d.%d.%d" % self.version

    @property
    def variables(self) -> dict[str, str]:
        """What must be in its environment for it to start at all."""
        return {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}

    def matches(self, wanted: str) -> bool:
        """Whether this is what a person means by "2.7", "3", "3.11", "3.11.7" or a path."""
        if os.sep in wanted:
            return self.path == wanted or _same_program(self.path, wanted)
        return (self.version_text + ".").startswith(wanted + ".")

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """Raises TypeError, KeyError or ValueError for what `to_json` of this version did not write."""
        fields = dict(record)
        major, minor, micro = fields["version"]
        return cls(
            **{
                **fields,
                "version": (int(major), int(minor), int(micro)),
                "folders": tuple(fields["folders"]),
                "links": tuple((target, path) for target, path in fields["links"]),
                "names": tuple(fields["names"]),
            }
        )


def best(interpreters: Iterable[Interpreter], wanted: str) -> Interpreter | None:
    """The newest that matches, CPython before others of the same version, then the one that was found first."""
    matching = [interpreter for interpreter in interpreters if interpreter.matches(wanted)]
    return max(matching, key=lambda one: (one.version, one.implementation == "cpython"), default=None)


def _same_program(path: str, wanted: str) -> bool:
    """Whether both lead to one file; a virtual environment's link is another Python than the one it leads to."""
    return os.path.realpath(path) == os.path.realpath(wanted) and environment_of(path) == environment_of(wanted)


def environment_of(path: str) -> str | None:
    """The virtual environment that the executable at `path` starts, if it is one's."""
    prefix = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    return os.path.realpath(prefix) if os.path.exists(os.path.join(prefix, "pyvenv.cfg")) else None
