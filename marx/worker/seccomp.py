"""The system-call filter that every sandboxed process lives under, assembled as classic BPF in pure Python.

A network namespace does not stop AF_VSOCK (in a virtual machine it reaches the hypervisor), and `keyctl`, `bpf`,
`perf_event_open`, `io_uring` and further user namespaces can be reached without any privilege: measured in the spike.
What is denied fails as if the kernel did not have it or did not allow it; a program meets an OSError, never a signal.
The one exception is a call in the convention of another machine (i386 on x86_64), whose numbers mean something else:
the process is killed.

`filter_for(machine)` gives the bytes that bubblewrap reads from its `--seccomp` descriptor.
"""

import errno
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DENIED = {
    # name: (number on x86_64, number on aarch64); None where that machine has no such call
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "unshare": (272, 97),
    "setns": (308, 268),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "nfsservctl": (180, 42),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
}

DENIED_WITHOUT_NAMESPACES = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
"""What an IPC namespace keeps apart: shared memory, semaphores and queues that are found by a number or a name."""

NEW_NAMESPACES = 0x7E020000
"""All CLONE_NEW* flags that clone(2) takes: mount, cgroup, uts, ipc, user, pid, net."""

TIOCSTI, TIOCLINUX = 0x5412, 0x541C
"""Typing into the caller's terminal; the kernel looks at the low 32 bits of the request, so do we."""

SOCKET_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: what Python and its libraries open without a network."""

NETWORK_FAMILIES = (2, 10, 16)
"""The same without AF_UNIX: to be named where a folder's Unix sockets could be reached."""

SOCK_STREAM, TYPE_BITS = 1, 0xF
"""A pair of these is connected for good; an end of a datagram pair can send to any address."""

X32_BIT = 0x40000000
"""x86_64's second convention: the same calls under other numbers, which would walk past the list."""

ALLOW = 0x7FFF0000
KILL = 0x80000000
FAIL = 0x00050000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06

NUMBER_AT, ARCH_AT = 0, 4
ARGUMENTS_AT = (16, 24)
"""Offsets in `struct seccomp_data`; arguments are 64 bits, their low half first on both (little-endian) machines."""


class UnknownMachine(LookupError):
    """There is no filter for this kind of processor; the sandbox cannot be offered on it."""


@dataclass(frozen=True)
class Machine:
    """How one processor architecture numbers its calls."""

    column: int
    audit_arch: int
    clone: int
    clone3: int
    ioctl: int
    socket: int
    socketpair: int
    prlimit64: int
    has_x32: bool


MACHINES = {
    "x86_64": Machine(0, 0xC000003E, clone=56, clone3=435, ioctl=16, socket=41, socketpair=53, prlimit64=302, has_x32=True),
    "aarch64": Machine(1, 0xC00000B7, clone=220, clone3=435, ioctl=29, socket=198, socketpair=199, prlimit64=261, has_x32=False),
}

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false (both forward, relative), constant."""


def filter_for(machine: str, families: Sequence[int] = SOCKET_FAMILIES, namespaces: bool = True) -> bytes:
    """The filter for what `platform.machine()` calls `machine`, in the kernel's layout; raises UnknownMachine.

    `families` of sockets are allowed. Without `namespaces` around it, it also keeps a program from what those would hide.
    """
    if machine not in MACHINES:
        raise UnknownMachine(
            "there is no system-call filter for the processor type %r (known: %s)" % (machine, ", ".join(MACHINES))
        )
    return b"".join(struct.pack("=HBBI", *step) for step in _program(MACHINES[machine], families, namespaces))


def _program(machine: Machine, families: Sequence[int], namespaces: bool) -> Iterator[Instruction]:
    yield _load(ARCH_AT)
    yield (JUMP_EQUAL, 1, 0, machine.audit_arch)
    yield _return(KILL)
    yield _load(NUMBER_AT)
    if machine.has_x32:
        yield (JUMP_AT_LEAST, 0, 1, X32_BIT)
        yield _fail(errno.ENOSYS)
    denied = DENIED if namespaces else {**DENIED, **DENIED_WITHOUT_NAMESPACES}
    for numbers in denied.values():
        number = numbers[machine.column]
        if number is not None:
            yield from _when(number, [_fail(errno.EPERM)])
    # glibc falls back to clone(2), whose flags a filter can read; clone3 has them behind a pointer.
    yield from _when(machine.clone3, [_fail(errno.ENOSYS)])
    yield from _when(machine.clone, _unless_plain_clone())
    yield from _when(machine.ioctl, _unless_harmless_request())
    yield from _when(machine.socket, _unless_known_family(families))
    if not namespaces:
        yield from _when(machine.socketpair, _unless_connected_for_good())
        yield from _when(machine.prlimit64, _unless_own())
    yield _return(ALLOW)


def _when(number: int, then: list[Instruction]) -> Iterator[Instruction]:
    """`then` for the call `number`, which must end in a return; other calls go on behind it."""
    yield (JUMP_EQUAL, 0, len(then), number)
    yield from then


def _unless_plain_clone() -> list[Instruction]:
    return [
        _load(ARGUMENTS_AT[0]),
        (JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES),
        _fail(errno.EPERM),
        _return(ALLOW),
    ]


def _unless_harmless_request() -> list[Instruction]:
    return [
        _load(ARGUMENTS_AT[1]),
        (JUMP_EQUAL, 1, 0, TIOCSTI),
        (JUMP_EQUAL, 0, 1, TIOCLINUX),
        _fail(errno.EPERM),
        _return(ALLOW),
    ]


def _unless_known_family(families: Sequence[int]) -> list[Instruction]:
    count = len(families)
    known = [(JUMP_EQUAL, count - place, 0, family) for place, family in enumerate(families)]
    return [_load(ARGUMENTS_AT[0]), *known, _fail(errno.EAFNOSUPPORT), _return(ALLOW)]


def _unless_connected_for_good() -> list[Instruction]:
    return [
        _load(ARGUMENTS_AT[1]),
        (AND, 0, 0, TYPE_BITS),
        (JUMP_EQUAL, 1, 0, SOCK_STREAM),
        _fail(errno.EPERM),
        _return(ALLOW),
    ]


def _unless_own() -> list[Instruction]:
    """Process 0 is the caller itself."""
    return [
        _load(ARGUMENTS_AT[0]),
        (JUMP_EQUAL, 1, 0, 0),
        _fail(errno.EPERM),
        _return(ALLOW),
    ]


def _load(offset: int) -> Instruction:
    return (LOAD, 0, 0, offset)


def _return(verdict: int) -> Instruction:
    return (RETURN, 0, 0, verdict)


def _fail(error: int) -> Instruction:
    return _return(FAIL | error)
