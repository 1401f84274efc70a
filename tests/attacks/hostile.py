"""What a hostile program tries: each function is one attack on what it is told of, and says how it got through, or raises.

Sent to workers as a user's program. The common language of Python 2.7 and 3. Everything is tried as gently as it can be:
files are opened and not written, processes are asked for and not ended.
"""

from __future__ import absolute_import

import ctypes
import errno
import os
import platform
import signal
import socket
import struct
import subprocess
import sys
import time

SECONDS = 20

LIBC = ctypes.CDLL(None, use_errno=True)
CALLS = {
    # name: (number on x86_64, number on aarch64)
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "mount": (165, 40),
    "unshare": (272, 97),
    "chroot": (161, 51),
    "sethostname": (170, 161),
    "syslog": (103, 116),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "fsopen": (430, 430),
    "clone": (56, 220),
    "prlimit64": (302, 261),
    "init_module": (175, 105),
}
COLUMN = 1 if platform.machine() == "aarch64" else 0

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG = 16, 17, 40, 38
PTRACE_SEIZE = 0x4206
TIOCSTI, TIOCSCTTY = 0x5412, 0x540E


class Refused(Exception):
    """It did not get through."""


def attempt(order):
    """Try one attack in a process of its own; "through: how", or "contained: why"."""
    name, lures = order
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = tried(globals()[name], lures)
            os.write(writing, said.encode("ascii", "replace"))
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    while True:
        part = os.read(reading, 65536)
        if not part:
            break
        said += part
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    return said.decode("ascii") or "contained: its process ended with status %d" % status


def tried(attack, lures):
    """What came of it."""
    signal.alarm(SECONDS)
    try:
        return "through: %s" % (attack(lures),)
    except (EnvironmentError, Refused) as error:
        number = getattr(error, "errno", None)
        return "contained: %s" % (errno.errorcode.get(number) or error,)
    except Exception as error:
        return "broken: %s: %s" % (type(error).__name__, error)


def call(name, *arguments):
    """A system call by its number; raises OSError."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    answer = LIBC.syscall(ctypes.c_long(CALLS[name][COLUMN]), *words)
    if answer == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def opened(path, how):
    """Open and close a file."""
    os.close(os.open(path, how))
    return "opened %s" % path


# Files


def read_key(lures):
    with open(lures["key"], "rb") as file:
        return "%d bytes" % len(file.read())


def list_state(lures):
    return "%d entries" % len(os.listdir(lures["state"]))


def read_other_task(lures):
    with open(lures["other_task"]) as file:
        return file.read()


def write_other_task(lures):
    return opened(lures["other_task"], os.O_WRONLY)


def read_neighbour(lures):
    with open(lures["neighbour"]) as file:
        return file.read()


def write_neighbour(lures):
    path = os.path.join(lures["open_folder"], "planted-%d" % os.getpid())
    with open(path, "w") as file:
        file.write("planted")
    os.unlink(path)
    return "wrote %s" % path


def climb_by_link(lures):
    link = "link-%d" % os.getpid()
    os.symlink(lures["key"], link)
    try:
        with open(link, "rb") as file:
            return "%d bytes" % len(file.read())
    finally:
        os.unlink(link)


def link_hard(lures):
    link = "hard-%d" % os.getpid()
    os.link(lures["neighbour"], link)
    os.unlink(link)
    return "linked %s" % lures["neighbour"]


def read_shadow(lures):
    with open("/etc/shadow") as file:
        return "%d lines" % len(file.readlines())


def read_passwords(lures):
    with open("/etc/passwd") as file:
        if lures["account"] in file.read():
            return "they are those of the machine"
    raise Refused("they are made up")


def write_system(lures):
    return opened("/usr/lib/os-release", os.O_WRONLY)


def write_program(lures):
    return opened(os.__file__.replace(".pyc", ".py"), os.O_WRONLY)


def open_by_handle(lures):
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 64, 0) + b"\0" * 64)
    mount = ctypes.c_int()
    call("name_to_handle_at", -100, ctypes.c_char_p(lures["neighbour"].encode("ascii")), handle, ctypes.byref(mount), 0)
    root = os.open("/", os.O_RDONLY)
    os.close(call("open_by_handle_at", root, handle, os.O_RDONLY))
    return "opened by its number"


# The kernel's own files


def write_core_pattern(lures):
    return opened("/proc/sys/kernel/core_pattern", os.O_WRONLY)


def press_sysrq(lures):
    return opened("/proc/sysrq-trigger", os.O_WRONLY)


def drop_caches(lures):
    return opened("/proc/sys/vm/drop_caches", os.O_WRONLY)


def read_kernel_log(lures):
    return opened("/dev/kmsg", os.O_RDONLY)


def make_device(lures):
    path = "device-%d" % os.getpid()
    os.mknod(path, 0o60600, os.makedev(*lures["disk"]))
    os.unlink(path)
    return "made a disk's device"


def leave_cgroup(lures):
    path = os.path.join(lures["cgroup"], "marx-attack-%d" % os.getpid())
    os.mkdir(path)
    os.rmdir(path)
    return "made a group of processes"


# Other processes


def read_workers_environ(lures):
    """Of whatever process has inherited it: the worker, or what made the sandbox."""
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/environ" % name, "rb") as file:
                if lures["variable"].encode("ascii") in file.read():
                    return "found it in process %s" % name
        except EnvironmentError:
            pass
    raise Refused("nobody has it")


def read_environ(lures):
    with open("/proc/%d/environ" % lures["victim"], "rb") as file:
        if lures["token"].encode("ascii") in file.read():
            return "read its environment"
    raise Refused("somebody else's")


def see_processes(lures):
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % name, "rb") as file:
                if lures["token"].encode("ascii") in file.read():
                    return "saw the arguments of %s" % name
        except EnvironmentError:
            pass
    raise Refused("nobody else in sight")


def signal_victim(lures):
    os.kill(lures["victim"], signal.SIGCONT)
    return "signalled"


def signal_worker(lures):
    os.kill(lures["worker"], 0)
    return "could signal it"


def trace_victim(lures):
    call("ptrace", PTRACE_SEIZE, lures["victim"], 0, 0)
    return "traced"


def read_memory(lures):
    return _vector("process_vm_readv", lures)


def write_memory(lures):
    return _vector("process_vm_writev", lures)


def _vector(name, lures):
    here = ctypes.create_string_buffer(8)
    local = struct.pack("=QQ", ctypes.addressof(here), 8)
    far = struct.pack("=QQ", lures["address"], 8)
    moved = call(name, lures["victim"], ctypes.c_char_p(local), 1, ctypes.c_char_p(far), 1, 0)
    return "%d bytes" % moved


def open_memory(lures):
    return opened("/proc/%d/mem" % lures["victim"], os.O_RDWR)


def open_runners_memory(lures):
    return opened("/proc/%d/mem" % _runner(), os.O_RDWR)


def reopen_runners_pipe(lures):
    return opened("/proc/%d/fd/4" % _runner(), os.O_WRONLY)


def _runner():
    """The outermost process of this program that can be seen: every other descends from it."""
    pid = os.getppid()
    with open("/proc/%d/stat" % pid) as file:
        parent = int(file.read().rpartition(")")[2].split()[1])
    return parent or pid


def steal_descriptor(lures):
    held = call("pidfd_open", lures["victim"], 0)
    os.close(call("pidfd_getfd", held, 1, 0))
    return "has its standard output"


def change_limits(lures):
    now = ctypes.create_string_buffer(16)
    call("prlimit64", lures["victim"], 7, None, now)
    call("prlimit64", lures["victim"], 7, now, None)
    return "set what it may open"


def attach_shared_memory(lures):
    return "segment %d" % call("shmget", lures["segment"], 0, 0)


def open_posix_memory(lures):
    return opened("/dev/shm/" + lures["shared"], os.O_RDWR)


def open_message_queue(lures):
    os.close(call("mq_open", ctypes.c_char_p(lures["shared"].encode("ascii")), os.O_RDWR, 0, None))
    return "opened"


# The network


def connect_tcp(lures):
    socket.create_connection(("127.0.0.1", lures["tcp"]), timeout=5).close()
    return "connected"


def connect_tcp6(lures):
    client = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(("::1", lures["tcp6"]))
    return "connected"


def send_udp(lures):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(5)
    client.connect(("127.0.0.1", lures["udp"]))
    client.send(b"hello")
    return "was answered %r" % client.recv(100)


def leave_by_interface(lures):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((lures["address_outside"], 9))
    return "has a way there from %s" % client.getsockname()[0]


def connect_abstract(lures):
    client = socket.socket(socket.AF_UNIX)
    client.connect(str("\0" + lures["abstract"]))
    return "connected"


def connect_path(lures):
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(lures["path"]))
    return "connected"


def send_through_a_pair(lures):
    """A datagram from one end of a pair can name another receiver, for which nobody has to make a socket."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ends[0].sendto(b"hello", str(lures["datagrams"]))
    return "sent"


def open_vsock(lures):
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()
    return "has a socket to the hypervisor"


def open_raw(lures):
    socket.socket(AF_PACKET, socket.SOCK_RAW).close()
    return "has a socket for raw packets"


def open_crypto(lures):
    socket.socket(AF_ALG, 5).close()
    return "has a socket to the kernel's ciphers"


def list_interfaces(lures):
    link = socket.socket(AF_NETLINK, socket.SOCK_RAW, 0)
    link.settimeout(5)
    link.bind((0, 0))
    link.send(struct.pack("=IHHIIBxxx", 20, 18, 0x301, 1, 0, 0))
    name = lures["interface"].encode("ascii") + b"\0"
    deadline = time.time() + 5
    while time.time() < deadline:
        heard = link.recv(65536)
        if name in heard:
            return "saw %s" % lures["interface"]
        if struct.unpack_from("=H", heard, 4)[0] == 3:
            break
    raise Refused("sees none of this machine's")


# What the kernel offers


def mount_something(lures):
    folder = "mounted-%d" % os.getpid()
    os.mkdir(folder)
    try:
        call("mount", ctypes.c_char_p(b"none"), ctypes.c_char_p(folder.encode("ascii")), ctypes.c_char_p(b"tmpfs"), 0, None)
        LIBC.umount2(ctypes.c_char_p(folder.encode("ascii")), 2)
    finally:
        os.rmdir(folder)
    return "mounted"


def open_file_system(lures):
    os.close(call("fsopen", ctypes.c_char_p(b"tmpfs"), 0))
    return "has one to mount"


def nest_namespace(lures):
    call("unshare", CLONE_NEWUSER)
    return "is %d in a user namespace of its own" % os.getuid()


def nest_by_clone(lures):
    child = call("clone", CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return "has a child in a user namespace of its own"


def change_root(lures):
    call("chroot", ctypes.c_char_p(b"/"))
    return "changed it"


def rename_machine(lures):
    name = socket.gethostname().encode("ascii")
    if name.decode("ascii") != lures["host"]:
        raise Refused("another machine's name")
    call("sethostname", ctypes.c_char_p(name), len(name))
    return "gave it the name that it has"


def read_log_by_call(lures):
    return "%d bytes" % call("syslog", 10, None, 0)


def become_root(lures):
    """A program of the system's that root's right comes with, seen while it asks for a password."""
    started = subprocess.Popen(["su", "-c", "true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        return wait_for_rights(started)
    finally:
        if started.poll() is None:
            started.kill()


def wait_for_rights(started):
    deadline = time.time() + 5
    while time.time() < deadline and started.poll() is None:
        with open("/proc/%d/status" % started.pid) as status:
            uids = [line.split()[1:] for line in status if line.startswith("Uid:")][0]
        if uids[1] == "0" and uids[0] != "0":
            return "runs as %s" % uids
        time.sleep(0.01)
    raise Refused("it got no right")


def take_identity(lures):
    os.setgid(lures["stranger"])
    os.setuid(lures["stranger"])
    return "is %d" % os.getuid()


def keep_capability(lures):
    with open("/proc/self/status") as status:
        found = dict(line.split(":", 1) for line in status)
    held = [int(found[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")]
    if any(held) or found["NoNewPrivs"].strip() != "1":
        return "capabilities %x, %x, %x, %x" % tuple(held)
    raise Refused("none held, none to come")


def keep_keys(lures):
    call("add_key", ctypes.c_char_p(b"user"), ctypes.c_char_p(b"marx"), ctypes.c_char_p(b"x"), 1, -2)
    return "left a key in the kernel"


def use_io_uring(lures):
    os.close(call("io_uring_setup", 4, ctypes.create_string_buffer(256)))
    return "has a ring"


def use_perf(lures):
    wanted = struct.pack("=IIQQQQQ", 1, 112, 1, 0, 0, 0, 1 | 1 << 5 | 1 << 6) + b"\0" * 80
    os.close(call("perf_event_open", ctypes.c_char_p(wanted), 0, -1, -1, 0))
    return "counts events"


def use_bpf(lures):
    wanted = struct.pack("=IIII", 2, 4, 8, 1) + b"\0" * 100
    os.close(call("bpf", 0, ctypes.c_char_p(wanted), 72))
    return "has a map in the kernel"


def use_userfaultfd(lures):
    os.close(call("userfaultfd", 1))
    return "handles faults"


def load_module(lures):
    try:
        call("init_module", ctypes.c_char_p(b"x"), 1, ctypes.c_char_p(b""))
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            return "only the module was no good"
        raise


def type_into_terminal(lures):
    import fcntl

    master, slave = os.openpty()
    os.setsid()
    fcntl.ioctl(slave, TIOCSCTTY, 0)
    fcntl.ioctl(slave, TIOCSTI, b"x")
    return "typed"


def type_with_high_bits(lures):
    master, slave = os.openpty()
    os.setsid()
    if LIBC.ioctl(slave, ctypes.c_ulong(TIOCSCTTY), 0) or LIBC.ioctl(slave, ctypes.c_ulong(TIOCSTI | 1 << 32), ctypes.c_char_p(b"x")):
        raise OSError(ctypes.get_errno(), "ioctl")
    return "typed"


def find_descriptors(lures):
    """What a process inherits is enough to reach whatever it leads to."""
    ours = set(["0", "1", "2"])
    for name in sorted(set(os.listdir("/proc/self/fd")) - ours):
        try:
            target = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue
        is_ours = target.startswith("socket:") and _peer(int(name)) in os.listdir("/proc")
        if target.startswith(("socket:", "/")) and not target.startswith(("/dev/null", "/proc")) and not is_ours:
            return "%s is %s" % (name, target)
    raise Refused("none but its own")


def _peer(descriptor):
    """The process that made the other end of a pair of sockets, "0" for one that cannot be seen."""
    end = socket.fromfd(descriptor, socket.AF_UNIX, socket.SOCK_STREAM)
    return str(struct.unpack("=iii", end.getsockopt(socket.SOL_SOCKET, 17, 12))[0])


if __name__ == "__main__":
    import json

    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps([order[0], attempt(order)]))
