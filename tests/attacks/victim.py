"""Run as a program beside a worker, as its user: a process with whatever attacks go for, there until its input ends.

Prints a JSON object that says what there is and where. Its one argument is a JSON object: a token that only it has in its
arguments and environment, a folder to put sockets in, and a name.
"""

import ctypes
import json
import mmap
import os
import select
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0


def listening(stack: ExitStack, family: int, address: Any, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A socket there."""
    made = stack.enter_context(socket.socket(family, kind))
    made.bind(address)
    if kind == socket.SOCK_STREAM:
        made.listen(100)
    return made


def segment(stack: ExitStack, key: int) -> int:
    """Shared memory of System V that everybody may use."""
    number = LIBC.shmget(key, 4096, IPC_CREAT | 0o666)
    stack.callback(LIBC.shmctl, number, IPC_RMID, None)
    return number


def queue(stack: ExitStack, name: str) -> None:
    """A POSIX message queue that everybody may use."""
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    library.mq_open(b"/" + name.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
    stack.callback(library.mq_unlink, b"/" + name.encode())


def shared_file(stack: ExitStack, name: str) -> None:
    """A file of POSIX shared memory."""
    path = Path("/dev/shm", name)
    path.write_text("shared")
    path.chmod(0o666)
    stack.callback(path.unlink)


def serve(sockets: list[socket.socket], udp: socket.socket) -> None:
    """Take whoever comes, until standard input ends."""
    while True:
        for ready in select.select([sys.stdin, *sockets], [], [])[0]:
            if ready is sys.stdin:
                return
            if ready is udp:
                said, sender = udp.recvfrom(100)
                udp.sendto(said, sender)
            elif ready.type == socket.SOCK_DGRAM:
                ready.recv(100)
            else:
                ready.accept()[0].close()


def main(token: str, folder: str, name: str) -> None:
    """Lay everything out, say so, and wait."""
    os.umask(0)
    memory = mmap.mmap(-1, 4096)
    key = int.from_bytes(token.encode()[:3], "big")
    with ExitStack() as stack:
        tcp = listening(stack, socket.AF_INET, ("127.0.0.1", 0))
        tcp6 = listening(stack, socket.AF_INET6, ("::1", 0))
        udp = listening(stack, socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)
        abstract = listening(stack, socket.AF_UNIX, "\0" + name)
        path = listening(stack, socket.AF_UNIX, f"{folder}/{name}.socket")
        datagrams = listening(stack, socket.AF_UNIX, f"{folder}/{name}.datagrams", socket.SOCK_DGRAM)
        segment(stack, key)
        queue(stack, name)
        shared_file(stack, name)
        lures = {
            "victim": os.getpid(),
            "address": ctypes.addressof(ctypes.c_char.from_buffer(memory)),
            "tcp": tcp.getsockname()[1],
            "tcp6": tcp6.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": name,
            "path": f"{folder}/{name}.socket",
            "datagrams": f"{folder}/{name}.datagrams",
            "segment": key,
            "shared": name,
        }
        sys.stdout.write(json.dumps(lures) + "\n")
        sys.stdout.flush()
        serve([tcp, tcp6, udp, abstract, path, datagrams], udp)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
