"""What it takes to start one runner: what it may see (`Mounts`), the finished command (`Launch`), who makes it (`Sandbox`).

Values and the interface only. The levels themselves are `bubblewrap.py` and `bare.py`; `sandbox.choose` picks one.

A runner sees its files at *inside* paths, most of them the caller's own absolute paths ("/home/alice/project"); on this
machine they are scratch folders of the slot at *host* paths ("/var/lib/marx/slot1/files").
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from marx.worker.grip import Grip
from marx.worker.interpreters import Interpreter
from marx.worker.paths import depth, is_within

Bind = tuple[str, str]
"""A host path and the inside path where it shows, both absolute."""


class CannotLaunch(Exception):
    """This program cannot be shown its files here; the text is one sentence for the task's log."""


@dataclass(frozen=True)
class Mounts:
    """What one runner is shown beside the system and its interpreter. Later and deeper binds lie over earlier ones.

    `writable` folders are the slot's own scratch on disk, changed by the program; `/tmp` and the home folder belong
    among them. `read_only` may be files or folders.
    """

    read_only: tuple[Bind, ...] = ()
    writable: tuple[Bind, ...] = ()

    def host_of(self, inside: str) -> str:
        """Where on this machine lies what a program finds at `inside`; `inside` itself if no bind covers it."""
        covering = [bind for bind in self.read_only + self.writable if is_within(inside, bind[1])]
        if not covering:
            return inside
        host, place = max(covering, key=lambda bind: depth(bind[1]))
        rest = os.path.relpath(inside, place)
        return host if rest == os.curdir else os.path.join(host, rest)


@dataclass(frozen=True)
class Launch:
    """A command for `spawnProcess(protocol, argv[0], argv, env, childFDs={0: .., 4: .., **child_fds})`.

    Nothing else may be passed to it: with uid, gid or path Twisted forks instead of using posix_spawn, which costs a
    worker of 300 MB 12 ms instead of 0.3. The numbers among `child_fds` are descriptors of ours; call `close` as soon
    as spawnProcess has returned or raised.
    """

    argv: list[bytes]
    env: dict[bytes, bytes] = field(repr=False)
    child_fds: dict[int, int | Literal["r"]] = field(default_factory=dict)

    def close(self) -> None:
        """Close our side of the descriptors; the child has its own. To be called once."""
        for descriptor in self.child_fds.values():
            if isinstance(descriptor, int):
                os.close(descriptor)


class Sandbox(ABC):
    """One way of starting runners on this machine; chosen once, when the worker starts, and proved to work there."""

    level: str
    """What the worker offers and a task can demand: "bwrap", "landlock" or "none"."""

    shows_own_paths = True
    """Whether a program finds its files at the caller's own paths."""

    @abstractmethod
    def launch(
        self,
        interpreter: Interpreter,
        command: Sequence[str],
        mounts: Mounts,
        env: Mapping[str, str],
        cwd: str,
        slot_index: int,
        network: bool = False,
    ) -> Launch:
        """The command that starts `interpreter` with the arguments `command`.

        Every path in `command`, `env` and `cwd` is one that `place` gave. `env` is the whole environment, but for PWD,
        which is `cwd` as under a shell. At level "none" the runner begins in the worker's folder and goes to `cwd` by
        itself. With `network` the runner has this machine's; at level "none" it always has. Raises CannotLaunch.
        """

    @abstractmethod
    def place(self, mounts: Mounts, inside: str) -> str:
        """The path by which a runner with these mounts finds what is bound at `inside`."""

    @abstractmethod
    def owner(self, slot_index: int) -> int | None:
        """The uid and gid that the writable folders of a slot, or of a seat (below 0), must belong to; None if the worker's own is right."""

    @abstractmethod
    def grip(self, pid: int) -> Grip:
        """How the runner is signalled whose Launch was spawned as `pid`."""


def require_variables(env: Mapping[str, str]) -> None:
    """Raise CannotLaunch for a name that no environment can hold."""
    for name in env:
        if not name or "=" in name:
            raise CannotLaunch("%r cannot be the name of an environment variable" % name)


def encoded(words: Iterable[str]) -> list[bytes]:
    """As the operating system wants them. A NUL raises CannotLaunch: in a value it would begin another option of bwrap's."""
    try:
        as_bytes = [os.fsencode(word) for word in words]
    except UnicodeEncodeError:
        as_bytes = [b"\0"]
    if any(b"\0" in word for word in as_bytes):
        # Which one is not said: it may be a secret.
        raise CannotLaunch("an argument, path or variable of the task has a character that no process can be given")
    return as_bytes


def memory_files(contents: Mapping[int, bytes]) -> dict[int, int]:
    """For each child's descriptor one of ours that reads its content: fresh, since the place in it moves as bwrap reads."""
    opened: dict[int, int] = {}
    try:
        for number, content in contents.items():
            opened[number] = os.memfd_create("marx", os.MFD_CLOEXEC)
            os.write(opened[number], content)
            os.lseek(opened[number], 0, os.SEEK_SET)
    except OSError:
        for descriptor in opened.values():
            os.close(descriptor)
        raise
    return opened
