"""
Values that break things, and bytes made from valid ones. Everything comes from one `Random`, so a seed tells it again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

NUMBERS = (0, 1, -1, 2, 7, 64, 255, 256, 65_535, 65_536, (1 << 31) - 1, 1 << 31, (1 << 32) + 1, 1 << 40, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 70)
FLOATS = (0.0, -0.0, 0.5, 1e-300, 1e300, -1e300, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "", "x", "a" * 300, "a" * 5000, "\0", "\x1b[31m", "\n", "é", "\U0001f600", "\ud800", "..", "../../etc/passwd", "/", "/etc/passwd", "~", "%", "_", "' OR 1=1 --",
    "0" * 64, "f" * 64, "map", "run", "json", "range", "pickles", "values", "entries", "ordered", "2.7", "3.11", "worker", "tasker",
)  # fmt: skip
KEYS = ("", "a", "kind", "program", "__class__", "task", "first", "\ud800", "x" * 300)


def number(random: Random) -> int:
    """A whole number at or beside an edge."""
    return random.choice(NUMBERS) + random.choice((-1, 0, 0, 0, 1)) if random.random() < 0.7 else random.randrange(-10, 1000)


def value(random: Random, depth: int = 0) -> Any:
    """Something that JSON can hold, and Python's reader of it takes."""
    kind = random.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind == 2:
        return number(random)
    if kind == 3:
        return random.choice(FLOATS)
    if kind in (4, 5):
        return random.choice(TEXTS)
    if kind == 6:
        return {random.choice(KEYS): value(random, depth + 1) for _ in range(random.randrange(4))}
    return [value(random, depth + 1) for _ in range(random.randrange(5))]


def json_bytes(random: Random) -> bytes:
    """A JSON text, or nearly one."""
    if random.random() < 0.03:
        return random.choice((b"[" * 2000, b'{"a":' * 2000, b"1" * 5000, b"", b"nul", b"\xff", b'"\\ud800"', b"[1," * 50, b"1e999", b"-"))
    text = json.dumps(value(random)).encode()
    return damaged(random, text) if random.random() < 0.1 else text


def altered(random: Random, original: Any) -> Any:
    """A valid value of which one part, at any depth, is another one, or is missing, or is there twice."""
    if isinstance(original, dict) and original and random.random() < 0.9:
        name = random.choice(list(original))
        changed = dict(original)
        if random.random() < 0.15:
            del changed[name]
        else:
            changed[name] = altered(random, original[name])
        return changed
    if isinstance(original, (list, tuple)) and original and random.random() < 0.9:
        place = random.randrange(len(original))
        changed_list = list(original)
        if random.random() < 0.15:
            changed_list[place : place + 1] = random.choice(([], [original[place]] * 2))
        else:
            changed_list[place] = altered(random, original[place])
        return changed_list
    return value(random, 2)


def damaged(random: Random, data: bytes) -> bytes:
    """Bytes of which a few are others, missing or too many."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(changed) + 1)
        how = random.randrange(5)
        if how == 0 and changed:
            changed[place % len(changed)] = random.randrange(256)
        elif how == 1:
            changed[place:place] = random.randbytes(random.choice((1, 2, 4, 40)))
        elif how == 2:
            del changed[place : place + random.choice((1, 2, 4, 40))]
        elif how == 3:
            del changed[place:]
        else:
            changed[place:place] = changed[place : place + 40]
    return bytes(changed)


def noise(random: Random, most: int = 200) -> bytes:
    """Any bytes."""
    return random.randbytes(random.randrange(most))


def in_parts(random: Random, data: bytes) -> list[bytes]:
    """The same bytes, cut anywhere."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 3))))
    edges: Sequence[int] = [0, *cuts, len(data)]
    return [data[start:stop] for start, stop in zip(edges, edges[1:])]
