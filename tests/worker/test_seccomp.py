"""The filter, run by an interpreter of BPF that knows no more than the filter needs, for both machines on any machine."""

import errno
import re
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.worker.seccomp import (
    ALLOW,
    DENIED,
    DENIED_WITHOUT_NAMESPACES,
    FAIL,
    KILL,
    MACHINES,
    NETWORK_FAMILIES,
    NEW_NAMESPACES,
    UnknownMachine,
    filter_for,
)

EPERM = FAIL | errno.EPERM
ENOSYS = FAIL | errno.ENOSYS
HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}
"""aarch64 numbers its calls as the generic table does."""

each_machine = pytest.mark.parametrize("machine", list(MACHINES))
machines = st.sampled_from(list(MACHINES))
words = st.integers(0, 2**64 - 1)


def verdict(machine: str, number: int, *arguments: int, arch: int | None = None, **filtered: Any) -> int:
    """What the kernel would do with a call."""
    registers = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    seen = struct.pack("<IIQ6Q", number, MACHINES[machine].audit_arch if arch is None else arch, 0, *registers)
    program = list(struct.iter_unpack("=HBBI", filter_for(machine, **filtered)))
    at = accumulator = 0
    while True:
        code, if_true, if_false, constant = program[at]
        if code == 0x06:
            return constant
        if code == 0x20:
            [accumulator] = struct.unpack_from("<I", seen, constant)
            at += 1
        elif code == 0x54:
            accumulator &= constant
            at += 1
        else:
            holds = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant != 0}[code]
            at += 1 + (if_true if holds else if_false)


def special(machine: str) -> set[int]:
    """The calls that the filter looks at."""
    which = MACHINES[machine]
    denied = {numbers[which.column] for numbers in DENIED.values()} - {None}
    return denied | {which.clone, which.clone3, which.ioctl, which.socket}


@each_machine
@pytest.mark.parametrize("name", list(DENIED))
def test_every_denied_call_fails_without_permission(machine: str, name: str) -> None:
    number = DENIED[name][MACHINES[machine].column]
    assert number is None or verdict(machine, number) == EPERM


@given(machines, st.integers(0, 600), words)
def test_every_other_call_is_allowed(machine: str, number: int, argument: int) -> None:
    if number not in special(machine):
        assert verdict(machine, number, argument, argument) == ALLOW


@given(machines, words)
def test_clone_makes_processes_and_threads_but_no_namespaces(machine: str, flags: int) -> None:
    allowed = ALLOW if not flags & NEW_NAMESPACES else EPERM
    assert verdict(machine, MACHINES[machine].clone, flags) == allowed


@each_machine
def test_clone3_is_missing_so_that_the_library_falls_back_to_clone(machine: str) -> None:
    assert verdict(machine, MACHINES[machine].clone3) == ENOSYS


@given(machines, st.integers(0, 2**32 - 1))
def test_nothing_is_typed_into_a_terminal_whatever_the_high_half_says(machine: str, high: int) -> None:
    ioctl = MACHINES[machine].ioctl
    assert [verdict(machine, ioctl, 0, high << 32 | request) for request in (0x5412, 0x541C)] == [EPERM, EPERM]
    assert [verdict(machine, ioctl, 0, high << 32 | request) for request in (0x5401, 0x5413)] == [ALLOW, ALLOW]


@given(machines, st.integers(0, 64))
def test_only_known_families_of_sockets_are_made(machine: str, family: int) -> None:
    known = family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)
    assert verdict(machine, MACHINES[machine].socket, family) == (ALLOW if known else FAIL | errno.EAFNOSUPPORT)


@given(machines, st.integers(0, 2**32 - 1), st.integers(0, 500))
def test_a_call_in_another_machines_convention_kills(machine: str, arch: int, number: int) -> None:
    if arch != MACHINES[machine].audit_arch:
        assert verdict(machine, number, arch=arch) == KILL


@given(st.integers(0x40000000, 2**32 - 1))
def test_the_second_convention_of_x86_64_is_not_there(number: int) -> None:
    assert verdict("x86_64", number) == ENOSYS


BARE = {"families": (), "namespaces": False}


@each_machine
@pytest.mark.parametrize("name", list(DENIED_WITHOUT_NAMESPACES))
def test_what_a_namespace_would_hide_is_denied_where_there_is_none(machine: str, name: str) -> None:
    number = DENIED_WITHOUT_NAMESPACES[name][MACHINES[machine].column]
    assert (verdict(machine, number), verdict(machine, number, **BARE)) == (ALLOW, EPERM)


@given(machines, st.integers(0, 64), st.sampled_from([1, 1 | 0o2000000, 1 | 0o4000]), st.sampled_from([2, 3, 5, 2 | 0o2000000]))
def test_without_namespaces_there_are_only_pairs_that_are_connected_for_good(machine: str, family: int, stream: int, other: int) -> None:
    which = MACHINES[machine]
    assert verdict(machine, which.socket, family, **BARE) == FAIL | errno.EAFNOSUPPORT
    assert (verdict(machine, which.socketpair, 1, stream, **BARE), verdict(machine, which.socketpair, 1, other, **BARE)) == (ALLOW, EPERM)
    known = family in NETWORK_FAMILIES
    networked = verdict(machine, which.socket, family, families=NETWORK_FAMILIES, namespaces=False)
    assert networked == (ALLOW if known else FAIL | errno.EAFNOSUPPORT)


@given(machines, st.integers(1, 2**31 - 1))
def test_without_namespaces_a_process_sets_only_its_own_limits(machine: str, pid: int) -> None:
    prlimit = MACHINES[machine].prlimit64
    assert (verdict(machine, prlimit, 0, **BARE), verdict(machine, prlimit, pid, **BARE)) == (ALLOW, EPERM)


@each_machine
def test_the_program_is_within_what_the_kernel_takes(machine: str) -> None:
    assert len(filter_for(machine)) // 8 < 4096
    assert len(filter_for(machine)) % 8 == 0


@each_machine
def test_the_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    headers = [header for header in HEADERS[machine] if header.exists()]
    if not headers:
        pytest.skip("the kernel's headers are not installed (on Debian: apt-get install linux-libc-dev)")
    pairs = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", headers[0].read_text(), re.MULTILINE)
    header = {name: int(number) for name, number in pairs}
    which = MACHINES[machine]
    ours = {name: numbers[which.column] for name, numbers in DENIED.items() if numbers[which.column] is not None}
    ours.update({name: numbers[which.column] for name, numbers in DENIED_WITHOUT_NAMESPACES.items()})
    ours.update({name: getattr(which, name) for name in ("clone", "clone3", "ioctl", "socket", "socketpair", "prlimit64")})
    assert {name: number for name, number in ours.items() if header.get(name, number) != number} == {}
    assert len(header.keys() & ours.keys()) > 40


def test_a_processor_without_a_filter_is_named() -> None:
    with pytest.raises(UnknownMachine, match="'riscv64'.*known: x86_64, aarch64"):
        filter_for("riscv64")
