"""Where a server listens: host and port, as people write them and as join codes and credentials carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Sequence

#: The port that a server listens on unless told otherwise.
DEFAULT_PORT = 1848
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")


@dataclass(frozen=True, slots=True)
class Address:
    """``host``: a name or a literal IPv4 or IPv6 address, without brackets."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, port: int = DEFAULT_PORT) -> Address:
        """``HOST``, ``HOST:PORT``, ``[IPV6]:PORT`` or bare IPv6; ``port`` where none is given. Raises ValueError, one sentence."""
        bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
        if bracketed:
            host, digits = bracketed.groups()
        elif text.count(":") == 1:
            host, digits = text.split(":")
        else:
            host, digits = text, None
        if not _HOST.fullmatch(host):
            raise ValueError(f"{text!r} is not HOST or HOST:PORT")
        return cls(host, port if digits is None else _port(digits, text))


def _port(digits: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", digits) or not 0 < int(digits) < 65536:
        raise ValueError(f"{text!r} has no port between 1 and 65535 behind its colon")
    return int(digits)


def in_words(addresses: Sequence[Address]) -> str:
    """For a log line or an error."""
    return ", ".join(map(str, addresses))


def place_of(peer: Any) -> str:
    """What ``transport.getPeer()`` gives, for a log line."""
    return str(Address(peer.host, peer.port)) if hasattr(peer, "port") else str(peer)
