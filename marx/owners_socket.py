"""
The Unix socket over which ``marx-admin`` speaks to a daemon on its own machine.

Who may connect: the daemon's own user and root, asked of the kernel for each connection, and nobody else whatever the folder's mode.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.protocols.amp import Command

from marx.wire.calls import GuardedLink, NotPermitted

SOCKET_NAME = "admin.sock"
#: What SO_PEERCRED answers on Linux: process, user and group id (``man 7 unix``).
_CREDENTIALS = struct.Struct("3i")


class OwnersLink(GuardedLink):
    """The daemon's end of one connection: answers its own user and root."""

    def admit(self, command: type[Command], arguments: dict[str, Any]) -> dict[str, Any]:
        uid = caller_uid(self.transport)
        if uid not in (0, os.geteuid()):
            raise NotPermitted(f"user {uid} does not own this daemon")
        return arguments


def caller_uid(transport: Any) -> int:
    """The user id of the process at the other end of a Unix socket, as the kernel knows it."""
    raw = transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(raw)[1]


def listen_to_owner(reactor: IReactorUNIX, folder: Path, factory: Factory) -> IListeningPort:
    """Listen in the state ``folder``; a socket that a killed daemon left there is replaced."""
    path = folder / SOCKET_NAME
    path.unlink(missing_ok=True)
    return reactor.listenUNIX(str(path), factory, mode=0o600)
