"""What attacks go for, laid out around one worker; and workers as different users, in a lab of real processes."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Sequence

import psutil

from tests.end_to_end.lab import Daemon, Lab
from tests.worker.stand import Stand

ACCOUNT = "daemon:x:"
"""A line of every Debian's /etc/passwd that no sandbox makes up."""
TEST_ADDRESS = "192.0.2.1"
"""Kept free for documentation: nobody is there, and connecting a datagram socket to it sends nothing."""
STRANGER = 61099
VARIABLE = "only-the-worker-has-this"


def start_worker(lab: Lab, stand: Stand, name: str, level: str, pythons: list[str], *options: str, before: Sequence[str] = ()) -> Daemon:
    """A worker of the stand's user at a level, told to use these interpreters; ``before``: what goes before its command."""
    home = lab.home_of(name, stand.uid)
    code = home / "join.code"
    code.write_text((lab.state / "join-worker.code").read_text())
    os.chown(code, stand.uid if stand.uid is not None else -1, -1)
    argv = lab.installation.twistd("marx-worker", "--state", str(home / "state"), "--join", str(code), "--sandbox", level)
    argv += [word for python in pythons for word in ("--python", python)]
    environ = {**lab.installation.environment(home), "PATH": "/usr/bin:/bin", "WORKERS_OWN": VARIABLE}
    daemon = Daemon([*before, *stand.reaching([*argv, *options], pythons)], home, lab.folder / f"{name}.log", environ)
    lab.daemons.append(daemon)
    return daemon


@contextmanager
def lures_for(worker: Daemon, stand: Stand, name: str) -> Iterator[dict[str, Any]]:
    """Everything that `hostile.py` is told, around a worker that is ready."""
    token = secrets.token_hex(8)
    open_folder = stand.folder / f"open-{name}"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    neighbour = open_folder / "notes"
    neighbour.write_text("a neighbour's notes")
    neighbour.chmod(0o666)
    state = worker.folder / "state"
    place = {"token": token, "folder": str(open_folder), "name": f"marx-{token}"}
    victim = stand.reaching([sys.executable, str(Path(__file__).with_name("victim.py")), json.dumps(place)], [])
    with subprocess.Popen(victim, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"TOKEN": token}) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield {
                **said,
                **_of_the_machine(),
                "token": token,
                "worker": worker.process.pid,
                "state": str(state),
                "key": str(state / "identity.json"),
                "other_task": str(_other_task(state, stand)),
                "open_folder": str(open_folder),
                "neighbour": str(neighbour),
                "variable": VARIABLE,
                "account": ACCOUNT,
                "stranger": STRANGER,
            }
        finally:
            process.stdin.close()


def _other_task(state: Path, stand: Stand) -> Path:
    """A file of another slot's task, where the worker keeps them."""
    place = state / "slots" / "1" / "abcdefgh" / "roots" / "0"
    place.mkdir(parents=True)
    (place / "draft").write_text("another task's draft")
    (place / "draft").chmod(0o666)
    for path in [place / "draft", *list(place.parents)[:4]]:
        os.chown(path, stand.uid if stand.uid is not None else -1, -1)
    return place / "draft"


def _of_the_machine() -> dict[str, Any]:
    """What this kernel and machine have; what they have not is left out."""
    found: dict[str, Any] = {"host": socket.gethostname(), "disk": [8, 0]}
    interfaces = [name for name in psutil.net_if_addrs() if name != "lo"]
    if interfaces:
        found["interface"] = interfaces[0]
    if _has_way_out():
        found["address_outside"] = TEST_ADDRESS
    groups = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/pids")]
    if usable := [group for group in groups if (group / "cgroup.procs").exists() and os.access(group, os.W_OK)]:
        found["cgroup"] = str(usable[0])
    for name, family in (("vsock", 40), ("ciphers", 38)):
        if _has_family(family):
            found[name] = True
    for name, setting, forbidding in (
        ("io_uring", "kernel/io_uring_disabled", "12"),
        ("perf", "kernel/perf_event_paranoid", "34"),
        ("tiocsti", "dev/tty/legacy_tiocsti", "0"),
    ):
        path = Path("/proc/sys", setting)
        if not path.exists() or path.read_text().strip() not in forbidding:
            found[name] = True
    for name, path in (("userfaultfd", "/proc/sys/vm/unprivileged_userfaultfd"), ("sysrq", "/proc/sysrq-trigger"), ("modules", "/proc/modules")):
        if Path(path).exists():
            found[name] = True
    return found


def _has_way_out() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        return client.connect_ex((TEST_ADDRESS, 9)) == 0


def _has_family(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
