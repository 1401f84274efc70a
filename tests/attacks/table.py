"""The list of attacks: what each tries, where it gets through without a sandbox, and what contains it in one.

`docs/security.rst` shows this table, and a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outside = Literal["anybody", "user", "root", "nobody"]
"""Without a sandbox the attack gets through on a worker of: any user; an ordinary user only; root only; on none that can be had here."""


@dataclass(frozen=True, slots=True)
class Attack:
    """``contained``: by what, in bubblewrap. ``open_at``: levels at which it is not contained. ``needs``: a lure that not every machine has."""

    name: str
    what: str
    outside: Outside
    contained: str
    open_at: tuple[str, ...] = ()
    needs: str = ""


FILES, PROCESSES, NETWORK, SHARED = "mount namespace", "process namespace", "network namespace", "IPC namespace"
FILTER, NO_RIGHTS = "filter of system calls", "no capabilities, and none to be had"
NOT_DUMPABLE = "the runner's memory and descriptors are closed to its own user"

PROBES = (
    Attack("read_key", "read the worker's key", "anybody", FILES),
    Attack("list_state", "list the worker's state folder", "anybody", FILES),
    Attack("climb_by_link", "read the worker's key through a symbolic link", "anybody", FILES),
    Attack("read_other_task", "read another task's files", "anybody", FILES),
    Attack("write_other_task", "change another task's files", "anybody", FILES),
    Attack("read_neighbour", "read a file that everybody on the machine may read", "anybody", FILES),
    Attack("write_neighbour", "write into a folder that everybody on the machine may write to", "anybody", FILES),
    Attack("link_hard", "make a hard link to a file outside", "anybody", FILES),
    Attack("read_shadow", "read /etc/shadow", "root", FILES),
    Attack("read_passwords", "read the machine's accounts", "anybody", FILES, open_at=("landlock",)),
    Attack("write_system", "write to the system's files", "root", FILES),
    Attack("write_program", "write to the interpreter's files", "root", FILES),
    Attack("open_by_handle", "open a file by its number, past all folders", "root", FILTER),
    Attack("write_core_pattern", "write /proc/sys/kernel/core_pattern, which is run by root", "root", NO_RIGHTS),
    Attack("press_sysrq", "write /proc/sysrq-trigger", "root", NO_RIGHTS, needs="sysrq"),
    Attack("drop_caches", "write /proc/sys/vm/drop_caches", "root", NO_RIGHTS),
    Attack("read_kernel_log", "read the kernel's log as a file", "root", FILES),
    Attack("read_log_by_call", "read the kernel's log by a system call", "root", FILTER),
    Attack("make_device", "make a device file of a disk", "root", NO_RIGHTS),
    Attack("leave_cgroup", "leave its group of processes for another", "root", FILES, needs="cgroup"),
    Attack("read_environ", "read another process's environment", "anybody", PROCESSES),
    Attack("read_workers_environ", "read the worker's environment, wherever it was inherited", "anybody", PROCESSES + "; bubblewrap is given none"),
    Attack("see_processes", "see the machine's processes and their arguments", "anybody", PROCESSES, open_at=("landlock",)),
    Attack("signal_victim", "signal another process of the worker's user", "anybody", PROCESSES),
    Attack("signal_worker", "signal the worker", "anybody", PROCESSES),
    Attack("trace_victim", "trace another process", "anybody", FILTER),
    Attack("read_memory", "read another process's memory by a system call", "anybody", FILTER),
    Attack("write_memory", "write another process's memory by a system call", "anybody", FILTER),
    Attack("open_memory", "open another process's memory", "anybody", PROCESSES),
    Attack("open_runners_memory", "open the runner's memory", "root", NOT_DUMPABLE),
    Attack("reopen_runners_pipe", "open the runner's pipe to the worker", "root", NOT_DUMPABLE),
    Attack("steal_descriptor", "take a descriptor out of another process", "anybody", FILTER),
    Attack("change_limits", "change another process's limits", "anybody", PROCESSES),
    Attack("attach_shared_memory", "attach another process's shared memory (System V)", "anybody", SHARED),
    Attack("open_posix_memory", "open another process's shared memory (POSIX)", "anybody", FILES, open_at=("landlock",)),
    Attack("open_message_queue", "open another process's message queue", "anybody", SHARED),
    Attack("connect_tcp", "connect to a TCP service of the machine", "anybody", NETWORK),
    Attack("connect_tcp6", "the same by IPv6", "anybody", NETWORK),
    Attack("send_udp", "talk to a UDP service of the machine", "anybody", NETWORK),
    Attack("leave_by_interface", "send to another machine", "anybody", NETWORK, needs="address_outside"),
    Attack("list_interfaces", "list the machine's network interfaces (netlink)", "anybody", NETWORK, needs="interface"),
    Attack("connect_abstract", "connect to an abstract Unix socket", "anybody", NETWORK),
    Attack("connect_path", "connect to a Unix socket in a folder", "anybody", FILES),
    Attack("send_through_a_pair", "send to a Unix socket in a folder from one end of a socket pair", "anybody", FILES),
    Attack("open_vsock", "make a socket to the hypervisor", "anybody", FILTER, needs="vsock"),
    Attack("open_raw", "make a socket for raw packets", "root", FILTER),
    Attack("open_crypto", "make a socket to the kernel's ciphers", "anybody", FILTER, needs="ciphers"),
    Attack("mount_something", "mount a file system", "root", FILTER),
    Attack("open_file_system", "prepare a file system to be mounted", "root", FILTER),
    Attack("nest_namespace", "make a user namespace, and get all capabilities in it", "anybody", FILTER),
    Attack("nest_by_clone", "the same for a child", "anybody", FILTER),
    Attack("change_root", "change the root folder", "root", FILTER),
    Attack("rename_machine", "set the machine's name", "root", FILTER),
    Attack("become_root", "get root's rights by a setuid program of the system", "user", NO_RIGHTS),
    Attack("take_identity", "become another user", "root", NO_RIGHTS),
    Attack("keep_capability", "hold a capability, or be able to get one", "anybody", NO_RIGHTS),
    Attack("keep_keys", "keep something in the kernel's key rings", "anybody", FILTER),
    Attack("use_io_uring", "use io_uring", "anybody", FILTER, needs="io_uring"),
    Attack("use_perf", "use perf_event_open", "anybody", FILTER, needs="perf"),
    Attack("use_bpf", "load something for the kernel to run (bpf)", "root", FILTER),
    Attack("use_userfaultfd", "handle page faults (userfaultfd)", "anybody", FILTER, needs="userfaultfd"),
    Attack("load_module", "load a module into the kernel", "root", FILTER, needs="modules"),
    Attack("type_into_terminal", "type into its terminal (TIOCSTI)", "anybody", FILTER, needs="tiocsti"),
    Attack("type_with_high_bits", "the same with bits that the kernel ignores", "anybody", FILTER, needs="tiocsti"),
    Attack("find_descriptors", "find a descriptor that the worker left open", "nobody", "every descriptor that is not the program's is closed"),
)

@dataclass(frozen=True, slots=True)
class Taking:
    """
    Taking more than a share. ``contained``: by what. ``error``: of the item that is ended for it. ``open_at``: levels at which it is not
    contained.
    """

    name: str
    what: str
    amount: int
    contained: str
    error: str = ""
    open_at: tuple[str, ...] = ()


WATCHED, TOO_MUCH = "the worker watches the memory of a slot's processes", "ItemOutOfMemory"

HELD = "a cgroup, where the worker can make one"

SET_INSIDE = "a limit that the runner sets inside"

SURVEYED, TOO_FULL = "the worker looks at the slot's folders every 5 s", "ItemOutOfScratch"

RESOURCES = (
    Taking("eat", "take more memory than its slot may", 700, WATCHED, TOO_MUCH),
    Taking("eat_hidden", "the same, closed to whoever looks at its memory", 700, WATCHED, TOO_MUCH),
    Taking("eat_in_tree", "the same, in orphaned processes of which each takes little", 1000, WATCHED, TOO_MUCH),
    Taking("eat_at_import", "the same, before there are items", 700, WATCHED, TOO_MUCH),
    Taking("eat_unmapped", "take memory that is no process's: files in memory (memfd, /dev/shm)", 600, HELD, TOO_MUCH),
    Taking("fork_much", "make more processes than it may", 450, SET_INSIDE, open_at=("landlock",)),
    Taking("fork_much_at_import", "the same, before there are items", 450, SET_INSIDE, open_at=("landlock",)),
    Taking("open_much", "open more files than it may", 2000, SET_INSIDE),
    Taking("write_large", "write a larger file than it may", 300, SET_INSIDE),
    Taking("write_much", "fill more of the disk than it may", 300, SURVEYED, TOO_FULL),
    Taking("make_much", "make 20,000 empty files there", 20000, SURVEYED, TOO_FULL),
)
"""test_resources.py."""

LONGER = (
    ("name another item, another task, another portion or an old grant in its results", "the worker believes a runner about the chunks that it was given, in their order"),
    ("send frames of 4 GB, of garbage, or nested 200,000 deep", "a frame has a largest length, and one that makes no sense ends its program"),
    ("name files as ../x, /x, or below a root that is not there", "a place is one below the task's own roots, or the frame makes no sense"),
    ("leave processes in sessions of their own, deaf to signals", "the sandbox ends with all that is in it; elsewhere the runner adopts and ends them"),
    ("leave links to /etc/shadow, pipes, devices, sockets, set-user-id files", "the runner inside reads files, and tells where links lead; the rest stays"),
    ("leave names that are not text, of 255 bytes, with line ends; folders deeper than a path", "names travel as bytes; what cannot be named is left, and removed with the folder"),
    ("leave 10,000 files", "files come back one by one, in bounded memory"),
    ("print for ever, or one line without end; forge 50,000 notes for the task's log", "a task's output is cut at a limit; everybody between holds a bounded part"),
)
"""What takes longer than a moment: test_hostile_programs.py."""


def longer_as_rst() -> str:
    """The second table of docs/security.rst."""
    return _table([("attack", "contained by"), *LONGER])


def resources_as_rst() -> str:
    """The third."""
    return _table([("attack", "contained by"), *((one.what, one.contained) for one in RESOURCES)])


def as_rst() -> str:
    """The table as it stands in docs/security.rst."""
    head = ("attack", "without a sandbox", "at landlock", "contained in bubblewrap by")
    return _table([head, *((one.what, OUTSIDE[one.outside], _at(one, "landlock"), one.contained) for one in PROBES)])


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    line = "  ".join("=" * width for width in widths)
    first, *body = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
    return "\n".join([line, first, line, *body, line]) + "\n"


def _at(attack: Attack, level: str) -> str:
    return "gets through" if level in attack.open_at else "contained"


OUTSIDE = {"anybody": "gets through", "user": "a user's gets through", "root": "root's gets through", "nobody": "is contained"}
