"""What every sandbox shows of this machine's system, and the few files of /etc that are made up for it.

Bound one by one: never /etc, /run, /home or /var as a whole, where other people's secrets are.
"""

import os
from collections.abc import Iterable, Iterator
from glob import glob
from pathlib import Path

from marx.worker.mounting import MountStep

FIRST_UID = 60700
"""The uid inside, plus the slot's index where the caller is root. systemd's table of uids calls 60578 to 61183 unused."""

SLOT_UIDS = 256
SEAT_UIDS = 128
"""Behind those of the slots."""

HOME = "/home/marx"
"""What `pwd` says of the user inside; HOME in the environment goes before it."""

ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""On most systems links into /usr, on some folders of their own."""

SHOWN = (
    "/usr",
    "/nix/store",
    "/gnu/store",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/locale.conf",
    "/etc/os-release",
    "/etc/mime.types",
    "/etc/services",
    "/etc/protocols",
    "/etc/fonts",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
    "/etc/python*",
)
"""Patterns; what a machine does not have is left out. The last holds Debian's sitecustomize.py."""

_UIDS = range(FIRST_UID, FIRST_UID + SLOT_UIDS + SEAT_UIDS)

MADE_UP = {
    "passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    + "".join("marx:x:%d:%d::%s:/bin/sh\n" % (uid, uid, HOME) for uid in _UIDS),
    "group": "root:x:0:\nnogroup:x:65534:\n"
    + "".join("marx:x:%d:\n" % gid for gid in _UIDS),
    "hosts": "127.0.0.1 localhost marx\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
}
"""Without a passwd that knows the uid, `getpass.getuser()` raises KeyError."""


def make_up_etc(folder: Path) -> None:
    """Write the made-up files into `folder`, which is made if needed; they stay while the worker runs."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, text in MADE_UP.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        path.chmod(0o644)  # root's slots read it under their own uids


def system_binds(etc: Path) -> Iterator[MountStep]:
    """What shows the system read-only, `make_up_etc(etc)` included."""
    yield from _root_folders()
    yield from (("--ro-bind", path, path) for path in _existing(SHOWN))
    yield from (("--ro-bind", str(etc / name), "/etc/" + name) for name in MADE_UP)


def system_folders() -> Iterator[str]:
    """The same of this machine's own files, with nothing made up."""
    yield from (path for path in ("/" + name for name in ROOT_FOLDERS) if os.path.isdir(path))
    yield from _existing(SHOWN)


def names_of_the_network() -> Iterator[MountStep]:
    """What a program that has this machine's network needs to find others by name, over what is made up."""
    for path in ("/etc/hosts", "/etc/resolv.conf"):
        # Often a link into /run, which is not shown; the file itself can change, with the network.
        if os.path.isfile(path):
            yield "--ro-bind", os.path.realpath(path), path


def _root_folders() -> Iterator[MountStep]:
    for name in ROOT_FOLDERS:
        path = "/" + name
        if os.path.islink(path):
            yield "--symlink", os.readlink(path), path
        elif os.path.isdir(path):
            yield "--ro-bind", path, path


def _existing(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from sorted(glob(pattern))
