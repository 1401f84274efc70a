"""
How many strangers, and how many wrong join codes, come from where. Pure: times come in as values.

A network counts as one: an IPv4 address, or the 64 bits of an IPv6 address that one house has.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter, OrderedDict

#: Wrong codes that a network may send at once, and seconds after which it may send another: a person mistypes, and a code has 160 bits.
WRONG_CODES, WRONG_CODE_SECONDS = 10, 60.0
#: Networks that are remembered: about 1 MB. Those that sent no wrong code for the longest time are forgotten first.
NETWORKS = 4096


def network_of(host: str) -> str:
    """What counts as one place. A name that is no IP address (a socket's) stands for itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Crowd:
    """Counts who is there, in all and by network."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._by_network: Counter[str] = Counter()

    def enter(self, network: str) -> bool:
        """One more of ``network``, if there is room; whether there was."""
        if self._by_network.total() >= self._most or self._by_network[network] >= self._most_of_one:
            return False
        self._by_network[network] += 1
        return True

    def leave(self, network: str) -> None:
        """One of ``network`` is gone."""
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]

    def __len__(self) -> int:
        return self._by_network.total()


class WrongCodes:
    """Remembers wrong join codes by network until they are long ago. ``now``: monotonic seconds."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, network: str, now: float) -> float:
        """Until when a code from there is not even looked at; 0: it is."""
        return max(0.0, self._weight(network, now) - WRONG_CODES + 1) * WRONG_CODE_SECONDS

    def add(self, network: str, now: float) -> None:
        """A wrong code came from there."""
        self._wrong[network] = self._weight(network, now) + 1, now
        self._wrong.move_to_end(network)
        if len(self._wrong) > NETWORKS:
            self._wrong.popitem(last=False)

    def __len__(self) -> int:
        return len(self._wrong)

    def _weight(self, network: str, now: float) -> float:
        weight, since = self._wrong.get(network, (0.0, -math.inf))
        return max(0.0, weight - (now - since) / WRONG_CODE_SECONDS)
