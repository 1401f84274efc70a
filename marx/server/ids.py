"""
What tasks are called.
"""

from __future__ import annotations

import hashlib
import secrets

#: Letters of a task's id: no two of them look alike, and none needs a shift key. So many of them are 40 bits.
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
LENGTH = 8


def make_id() -> str:
    """A new one."""
    return _spelt(secrets.token_bytes(LENGTH))


def keyed_id(user: str, key: str) -> str:
    """That of the task which ``user`` submits under ``key``, however often that is said."""
    return _spelt(hashlib.sha256(f"{user}\0{key}".encode()).digest())


def _spelt(drawn: bytes) -> str:
    return "".join(LETTERS[byte % len(LETTERS)] for byte in drawn[:LENGTH])
