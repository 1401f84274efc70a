"""
AMP as a peer might send it that is of another version, broken or malicious: commands of every module, each argument nearly right.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.protocols import amp

from marx.wire import admin, blobs, enrol, hello, tasker, worker
from marx.wire.arguments import Bulk, Json
from marx.wire.calls import MarxCommand
from tests.proofs.fuzz.drawing import TEXTS, altered, damaged, json_bytes, noise, number, value
from tests.proofs.fuzz.readers import any_report, task_id
from tests.server.room import RUN, SPEC
from tests.server.test_permits import commands_of

COMMANDS = sorted(
    {command for module in (hello, blobs, tasker, worker, enrol, admin) for command in commands_of(module)}, key=lambda command: command.__name__
)
OFFER = {"slots": 1, "seats": 1, "interpreters": [{"version": "3.11.7", "path": "/usr/bin/python3"}], "labels": {"a": "b"}, "sandbox": "bwrap"}
DIGESTS = ("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "0" * 64, "f" * 63, "../x", "")
#: What a JSON argument of this name holds, at its best.
JSONS: dict[str, Callable[[Random], Any]] = {
    "spec": lambda random: random.choice((SPEC, RUN, {**RUN, "stdin": "stream"})),
    "offer": lambda random: OFFER,
    "held": lambda random: [[number(random), task_id(random), 0, number(random), 1, random.choice((0, -1))]],
    "tasks": lambda random: random.choice(([task_id(random)], [number(random)], number(random), None)),
    "reports": lambda random: [any_report(random) for _ in range(random.randrange(3))],
    "digests": lambda random: list(random.sample(DIGESTS, 2)),
    "after": lambda random: [0, "a"],
    "args": lambda random: [0, 1],
}
GREETING = {b"oldest": b"1", b"newest": b"1", b"software": b"fuzz", b"boot": b"boot-1"}


def _argument(random: Random, name: str, kind: amp.Argument) -> bytes:
    if random.random() < 0.05:
        return noise(random)
    if isinstance(kind, Json):
        made = JSONS[name](random) if name in JSONS and random.random() < 0.9 else None
        return json_bytes(random) if made is None else json.dumps(altered(random, made) if random.random() < 0.5 else made).encode()
    if isinstance(kind, Bulk):
        return random.choice((b"", b"1", b"foo", noise(random), b"x" * 60_000 if random.random() < 0.02 else b"1\n2"))
    if isinstance(kind, amp.Integer):
        return str(number(random)).encode() if random.random() < 0.5 else random.choice((b"0", b"1", b"3", b"-1"))
    if isinstance(kind, amp.Boolean):
        return random.choice((b"True", b"False", b"true", b""))
    if isinstance(kind, amp.Float):
        return str(value(random, 9)).encode("utf-8", "surrogatepass")
    if name == "task":
        return task_id(random).encode()
    if name == "digest":
        return random.choice(DIGESTS).encode()
    return random.choice(TEXTS).encode("utf-8", "surrogatepass")


def call(random: Random, command: type[MarxCommand] | None = None) -> dict[bytes, bytes]:
    """One command, with most of its arguments."""
    command = command or random.choice(COMMANDS)
    box = {b"_command": command.commandName}
    if random.random() < 0.95:
        box[b"_ask"] = b"%x" % random.randrange(1 << 16)
    for name, kind in command.arguments:
        if random.random() > (0.4 if kind.optional else 0.03):
            box[name] = _argument(random, name.decode(), kind)
    return box


def _odd(random: Random) -> dict[bytes, bytes]:
    """No command of ours."""
    tag = b"%x" % random.randrange(5)
    return random.choice(
        (
            {b"_answer": tag},
            {b"_error": tag, b"_error_code": noise(random, 9), b"_error_description": noise(random, 9)},
            {b"_command": noise(random), b"_ask": tag},
            {b"_command": b"StartTLS", b"_ask": tag, b"tls_localCertificate": b"x"},
            {b"a": b"b"},
        )
    )


def _serialized(box: dict[bytes, bytes]) -> bytes:
    return amp.AmpBox({key: part for key, part in box.items() if key and len(part) <= 65_535}).serialize()


def session(random: Random, role: str) -> bytes:
    """What one connection sends from its beginning; ``role``: "worker", "tasker" or "" for a stranger."""
    boxes: list[dict[bytes, bytes]] = []
    if role and random.random() < 0.9:
        boxes.append({b"_command": b"Greet", b"_ask": b"0", **GREETING})
    if role == "worker" and random.random() < 0.5:
        boxes.append({b"_command": b"OfferSlots", b"_ask": b"1", b"offer": json.dumps(OFFER).encode(), b"held": b"[]"})
    of_role = {"tasker": (tasker, blobs), "worker": (worker, blobs), "": (enrol,)}[role]
    own = sorted({command for module in of_role for command in commands_of(module)}, key=lambda command: command.__name__)
    for _ in range(random.randrange(1, 5)):
        boxes.append(_odd(random) if random.random() < 0.05 else call(random, random.choice(own) if random.random() < 0.85 else None))
    data = b"".join(map(_serialized, boxes))
    if random.random() < 0.15:
        data = damaged(random, data)
    return noise(random) if random.random() < 0.01 else data
