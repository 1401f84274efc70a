"""Run as a program by `landlock.py`: puts walls around its own process, then becomes the runner.

Not imported: its source is passed to the worker's own Python with `-c`, because the user's may lack what this needs. What
to do is a JSON object on descriptor 5. What goes wrong is said on standard error, and nothing is started.
"""

import ctypes
import json
import os
import stat
import struct
import sys

ORDER_FD = 5

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls of Landlock, the same on every machine."""

RULE_PATH_BENEATH = 1
SET_NO_NEW_PRIVS, SET_SECCOMP, FILTER_MODE = 38, 22, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEVICE = 1 << 14, 1 << 15
ALL_OF_FILES = (1 << 16) - 1
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
"""What can be granted of something that is no folder."""

GRANTS = {
    "read": EXECUTE | READ_FILE | READ_DIR,
    "write": ALL_OF_FILES & ~(1 << 6 | 1 << 11 | IOCTL_DEVICE),  # no device files are made
    "device": READ_FILE | WRITE_FILE | READ_DIR | TRUNCATE | IOCTL_DEVICE,
}
NET_ALL = 1 << 0 | 1 << 1
SCOPE_ALL = 1 << 0 | 1 << 1
"""TCP: bind and connect. Scope: abstract Unix sockets and signals."""

library = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    """A system call; raises OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    answer = library.syscall(ctypes.c_long(number), *words)
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer


def set_process(option: int, *arguments: object) -> None:
    """prctl; raises OSError."""
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in (*arguments, 0, 0, 0, 0)[:4]]
    if library.prctl(option, *words):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def confine_files(grants: dict[str, list[str]], network: bool) -> None:
    """Nothing but what lies below these paths, and no TCP, no signal and no abstract socket to anybody outside."""
    attributes = struct.pack("=QQQ", ALL_OF_FILES, 0 if network else NET_ALL, SCOPE_ALL)
    ruleset = call(CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    for kind, paths in grants.items():
        for path in paths:
            grant(ruleset, path, GRANTS[kind])
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def grant(ruleset: int, path: str, access: int) -> None:
    """Add what may be done below a path, if it is there."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        access &= OF_A_FILE
    call(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.c_char_p(struct.pack("=Qi", access, place)), 0)
    os.close(place)


def confine_calls(program: bytes) -> None:
    """Put the filter in force, for this process and all that come of it."""
    held = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    set_process(SET_SECCOMP, FILTER_MODE, ctypes.c_char_p(described))


def main() -> None:
    """Follow the order, and execute what it names."""
    with open(ORDER_FD, encoding="utf-8") as file:
        order = json.load(file)
    set_process(SET_NO_NEW_PRIVS, 1)
    os.chdir(order["cwd"])
    confine_files(order["grants"], order["network"])
    confine_calls(bytes.fromhex(order["filter"]))
    os.execve(order["command"][0], order["command"], order["env"])


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit("the walls of the sandbox could not be put up: %s" % error)
