"""Chooses how runners are confined on this machine, and proves it, once, before the worker offers anything.

The door to this part of the worker: `choose` gives a `Sandbox` (see launch.py for what one can do), or raises
NoSandbox, whose text names the command that mends it. There is no silent way down to less protection.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from marx.worker.bare import Bare
from marx.worker.bubblewrap import Bubblewrap, Ground, RootBubblewrap, Tools, UserBubblewrap, known_options
from marx.worker.landlock import LEAST_VERSION, Landlock, landlock_version
from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.mending import how_to_install, how_to_permit
from marx.worker.seccomp import NETWORK_FAMILIES, UnknownMachine, filter_for
from marx.worker.selftest import NotProved, prove

__all__ = ["LEVELS", "CannotLaunch", "Launch", "Mounts", "NoSandbox", "Sandbox", "choose"]

LEVELS = ("auto", "bwrap", "landlock", "none")

ALWAYS_NEEDED = ("--die-with-parent", "--info-fd", "--args", "--new-session")
NEEDED_BY_USER = ("--as-pid-1",)
NEEDED_BY_ROOT = ("--perms",)
"""An older bwrap gives the start script a mode that the slot's user cannot read."""

AT_RISK = (
    "Without a sandbox a user's program can read this user's files and use the network.\n"
    "  --sandbox landlock   weaker: files and the network are protected, other processes can be seen (Linux 6.12 and newer)\n"
    "  --sandbox none       no protection: only for the programs of people whom you trust and name by --users"
)

NO_LANDLOCK = {
    0: "this kernel does not have it, or it is switched off. Where /sys/kernel/security/lsm does not name it, boot with lsm=landlock,...",
    1: "version %d of this kernel covers neither signals nor abstract sockets: it takes version %d, of Linux 6.12.",
}


class NoSandbox(Exception):
    """The level that was asked for does not work here. The text is for the worker's owner; exit with 78."""


def choose(wanted: str, folder: Path) -> Sandbox:
    """The sandbox for --sandbox `wanted`, proved; `folder` is the worker's state. Blocks for 0.1 s. Raises NoSandbox.

    "auto" and "bwrap" mean the same: nothing weaker is taken unless it is named.
    """
    if wanted not in LEVELS:
        raise NoSandbox("the sandbox level %r is unknown; this worker knows %s" % (wanted, ", ".join(LEVELS)))
    if wanted == "none":
        return Bare(shutil.which("setsid"))
    try:
        sandbox = _landlock(folder) if wanted == "landlock" else _bubblewrap(folder, os.geteuid() == 0)
    except NoSandbox as reason:
        raise NoSandbox("no working sandbox: %s\n%s" % (reason, AT_RISK)) from None
    return sandbox


def _landlock(folder: Path) -> Landlock:
    if os.geteuid() == 0:
        raise NoSandbox("landlock takes none of root's rights away: start the worker as an ordinary user.")
    version = landlock_version()
    if version < LEAST_VERSION:
        raise NoSandbox("landlock does not hold here: %s" % (NO_LANDLOCK[1] % (version, LEAST_VERSION) if version else NO_LANDLOCK[0]))
    try:
        machine = platform.machine()
        filters = filter_for(machine, (), namespaces=False), filter_for(machine, NETWORK_FAMILIES, namespaces=False)
        sandbox = Landlock(shutil.which("setsid"), filters)
        prove(sandbox, folder)
    except (UnknownMachine, NotProved, OSError) as reason:
        raise NoSandbox("landlock does not hold here: %s" % reason) from None
    return sandbox


def _bubblewrap(folder: Path, as_root: bool) -> Bubblewrap:
    tools = _tools(as_root)
    kind: Callable[[Tools, Ground], Bubblewrap] = RootBubblewrap if as_root else UserBubblewrap
    try:
        sandbox = kind(tools, Ground.prepare(folder / "sandbox", _private(folder), filter_for(platform.machine())))
        prove(sandbox, folder)
    except (UnknownMachine, NotProved, OSError) as reason:
        raise NoSandbox("bubblewrap does not hold here: %s%s" % (reason, how_to_permit(as_root, str(reason)))) from None
    return sandbox


def _tools(as_root: bool) -> Tools:
    bwrap = _required("bwrap", "bubblewrap")
    try:
        options = known_options(bwrap)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoSandbox("%s cannot be run: %s" % (bwrap, error)) from None
    needed = ALWAYS_NEEDED + (NEEDED_BY_ROOT if as_root else NEEDED_BY_USER)
    lacking = [option for option in needed if option not in options]
    if lacking:
        raise NoSandbox("%s is too old, it lacks %s. %s" % (bwrap, ", ".join(lacking), how_to_install("bubblewrap")))
    setpriv = _required("setpriv", "util-linux") if as_root else None
    return Tools(bwrap, options, setpriv, shutil.which("setsid"))


def _required(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise NoSandbox("%s was not found. %s" % (program, how_to_install(package)))
    return found


def _private(folder: Path) -> tuple[str, ...]:
    """What no interpreter's prefix may show to a program, however broad it is: an interpreter can live in ~/.local."""
    home = Path.home()
    return (str(folder.resolve()), str(home / ".ssh"), str(home / ".local" / "share"))
