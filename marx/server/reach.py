"""Under which addresses others reach this server: what join codes say."""

from __future__ import annotations

import ipaddress
import socket
from typing import Iterator, Sequence

import psutil

from marx.addresses import Address

#: More than this many addresses of one machine (bridges of containers, mostly) make a join code long and help nobody.
MOST = 4


def addresses_to_tell(configured: Sequence[Address], interface: str, port: int) -> tuple[Address, ...]:
    """
    ``configured``, where there are any (port 0 stands for ``port``, the one that the server listens on); the interface's, where it listens
    on one only; else this machine's name and IPv4 addresses, and the loopback address where it has no other.
    """
    if configured:
        return tuple(Address(address.host, address.port or port) for address in configured)
    if interface and not ipaddress.ip_address(interface).is_unspecified:
        return (Address(interface, port),)
    hosts = [socket.gethostname(), *list(_own_ipv4())[:MOST]]
    return tuple(Address(host, port) for host in hosts if host != "localhost") if len(hosts) > 1 else (Address("127.0.0.1", port),)


def _own_ipv4() -> Iterator[str]:
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET and not ipaddress.ip_address(address.address).is_loopback:
                yield address.address
