"""Level "none": runners without a sandbox, as the worker's own user, for programs that its owner trusts.

There are no mounts: what a sandbox shows at the caller's own path is found here at its host path, so everybody who
writes a path into a command or a frame asks `place` for it.
"""

from collections.abc import Mapping, Sequence

from marx.worker.grip import TreeGrip
from marx.worker.interpreters import Interpreter
from marx.worker.launch import Launch, Mounts, Sandbox, encoded, require_variables


class Bare(Sandbox):
    """See Sandbox. `setsid` is that program, if this machine has it: with it a runner leads a group of its own."""

    level = "none"
    shows_own_paths = False

    def __init__(self, setsid: str | None) -> None:
        self._first = [setsid] if setsid else []

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
        """The interpreter itself; it starts in the worker's folder, since changing to another costs posix_spawn."""
        require_variables(env)
        variables = {**env, "PWD": cwd}
        environment = dict(zip(encoded(variables), encoded(variables.values()), strict=True))
        return Launch(encoded([*self._first, interpreter.path, *command]), environment)

    def place(self, mounts: Mounts, inside: str) -> str:
        """Where it lies on this machine."""
        return mounts.host_of(inside)

    def owner(self, slot_index: int) -> None:
        """Runners are the worker's own user."""
        return None

    def grip(self, pid: int) -> TreeGrip:
        """On the runner's group and tree."""
        return TreeGrip(pid)
