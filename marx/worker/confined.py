"""Run inside a sandbox, by `selftest.py`, to try what a program in there must not be able to do.

Not imported: its source is passed to the worker's own Python with `-c`, with one argument, a JSON object of what to try
it on. Prints a JSON list with a sentence for each thing that was possible after all, and "done" as its last entry.
"""

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator

CLONE_NEWUSER = 0x10000000
AF_VSOCK = 40
TRIALS: list[tuple[str, Callable[[dict], bool]]] = []


def possible(sentence: str) -> Callable[[Callable[[dict], bool]], Callable[[dict], bool]]:
    """Marks a trial, which returns whether it succeeded; an OSError is a sandbox that holds."""

    def mark(trial: Callable[[dict], bool]) -> Callable[[dict], bool]:
        TRIALS.append((sentence, trial))
        return trial

    return mark


@possible("the worker's private files can be read")
def read_secret(on: dict) -> bool:
    """A file of mode 0600 beside the worker's key."""
    with open(on["secret"]):
        return True


@possible("the worker's folder can be listed")
def list_state(on: dict) -> bool:
    """Where key, outbox and other slots' files lie."""
    return bool(os.listdir(os.path.dirname(on["secret"])))


@possible("a TCP service of this machine can be reached")
def connect_tcp(on: dict) -> bool:
    """The sandbox's loopback is its own."""
    socket.create_connection(("127.0.0.1", on["port"]), timeout=5).close()
    return True


@possible("an abstract Unix socket of this machine can be reached")
def connect_abstract(on: dict) -> bool:
    """They belong to the network namespace, not to any folder."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + on["abstract"])
    return True


@possible("a socket to the hypervisor can be made, so that the system-call filter is not in force")
def open_vsock(on: dict) -> bool:
    """No namespace stops this family."""
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()
    return True


@possible("processes outside can be signalled")
def signal_worker(on: dict) -> bool:
    """In a namespace of processes the number means nothing, or somebody in there."""
    os.kill(on["pid"], 0)
    return os.readlink("/proc/self/ns/pid") == on["pid_namespace"]


@possible("the kernel's settings can be written")
def write_kernel_settings(on: dict) -> bool:
    """Opened only. Whoever may write this file owns the machine."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


@possible("a second user namespace can be made")
def nest_namespace(on: dict) -> bool:
    """It would give every capability inside, and with them most of the kernel's past holes."""
    return ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) == 0


@possible("the system's folders can be written")
def write_system(on: dict) -> bool:
    """Read-only binds."""
    return any(os.access(folder, os.W_OK) for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev"))


@possible("descriptors of the worker or of bubblewrap are open")
def find_descriptors(on: dict) -> bool:
    """Listing takes one itself."""
    return len(os.listdir("/proc/self/fd")) > on["descriptors"] + 1


@possible("rights are left: a capability, the user root, or the way to new ones")
def hold_rights(on: dict) -> bool:
    """As the kernel tells it."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    capabilities = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")]
    return any(capabilities) or os.getuid() == 0 or status["NoNewPrivs"].strip() != "1"


@possible("the environment is not the one that was given")
def see_environment(on: dict) -> bool:
    """Python itself adds LC_CTYPE in the C locale."""
    return {name for name in os.environ if name != "LC_CTYPE"} != set(on["names"])


@possible("the program's own folder cannot be written")
def write_scratch(on: dict) -> bool:
    """The one trial that must succeed."""
    return not os.access(".", os.W_OK) or os.getcwd() != on["cwd"]


def holes(on: dict) -> Iterator[str]:
    """The sentences of what was possible."""
    for sentence, trial in TRIALS:
        try:
            if trial(on):
                yield sentence
        except OSError:
            pass


if __name__ == "__main__":
    sys.stdout.write(json.dumps([*holes(json.loads(sys.argv[1])), "done"]))
