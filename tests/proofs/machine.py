"""
A Debian as it is just after its installation, in a folder: with processes, mounts and a /proc of its own, and this machine's kernel and network.

No chroot: in one no user can make a user namespace, which is just what is to be tried.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
#: Seconds that a step may take; packages come over the network.
DEADLINE = 600.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BECOME = 'cd "$HOME" && exec setpriv --reuid="$0" --regid="$0" --init-groups "$@"'

ENTER = """
mount --bind "$0" "$0"
cd "$0"
mkdir -p before
mount -t proc proc proc
mount --rbind /dev dev
cp /etc/resolv.conf etc/resolv.conf
pivot_root . before
cd /
umount -l /before
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command went: its exit code, all that it printed, and the seconds that it took."""

    code: int
    text: str
    seconds: float


class Machine:
    """``root``: its files. ``init``: the process that holds it together, outside."""

    def __init__(self, root: Path, init: int) -> None:
        self.root = root
        self._init = init
        self._pip = {name: value for name, value in os.environ.items() if name in ("PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")}

    def run(self, words: Sequence[str], user: str = "root", seconds: float = DEADLINE) -> Said:
        """Let ``user`` type this, and wait for its end."""
        began_at = time.monotonic()
        answer = subprocess.run(
            self._command(words, user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, env={}
        )
        return Said(answer.returncode, answer.stdout.decode(errors="replace"), time.monotonic() - began_at)

    def begin(self, words: Sequence[str], user: str, log: Path) -> subprocess.Popen[bytes]:
        """Let ``user`` start this, which goes on until the machine is switched off."""
        with open(log, "ab") as output:
            return subprocess.Popen(self._command(words, user), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={})

    def _command(self, words: Sequence[str], user: str) -> list[str]:
        home = "/root" if user == "root" else f"/home/{user}"
        variables = {"PATH": PATH, "HOME": home, "USER": user, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **self._pip}
        surroundings = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        enter = ["/usr/bin/nsenter", f"--target={self._init}", "--mount", "--pid", "--root", "--wd"]
        return [*enter, *surroundings, "/bin/sh", "-c", BECOME, user, *words]


@contextmanager
def switched_on(folder: Path, suite: str) -> Iterator[tuple[Machine, float]]:
    """Made by debootstrap below ``folder``, and the seconds that that took; switched off and removed at the end. Only root can."""
    root, began_at = folder / "debian", time.monotonic()
    subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, root, MIRROR], check=True, stdout=subprocess.DEVNULL)
    _know_the_authorities(root)
    took = time.monotonic() - began_at
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-e", "-c", ENTER, str(root)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as outside:
        try:
            yield Machine(root, wait_for_init(outside)), took
        finally:
            outside.kill()
            outside.wait()
            shutil.rmtree(root, ignore_errors=True)


def _know_the_authorities(root: Path) -> None:
    """Those that this machine's pip is told of, since the way to the package index may lead through somebody of the house."""
    bundle = os.environ.get("PIP_CERT")
    if bundle:
        place = root / bundle.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle, place)


def wait_for_init(outside: subprocess.Popen[bytes]) -> int:
    """Its pid, once it is where it belongs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and outside.poll() is None:
        children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "sleep":
            return int(children[0])
        time.sleep(0.05)
    raise RuntimeError("the machine did not come up")
