"""A worker's side of a portion's runner: a state taken out of a program, items as pickles, and results that are pickles."""

from __future__ import annotations

import json
import pickle
import subprocess
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

from marx.wire.packs import ItemPack
from marx.worker.assignments import PICKLED, Assignments
from marx.worker.messages import Message, Results, ValuePart
from marx.worker.orders import LOOK_FRAME, PortionOrder, state_frames, task_frame
from marx.worker.records import bounds
from tests.pythons import UserPython
from tests.runner.driving import Driver
from tests.runner.spawning import Setting

TAKING = Path(__file__).parent / "programs" / "taking"
MAX_VALUE = 64 << 20


class Taken(NamedTuple):
    """What a program left: the file of its state, and its pickled items as the records of one pack."""

    program: Path
    state: Path
    items: bytes

    @property
    def pack(self) -> ItemPack:
        """All items."""
        return ItemPack(0, sum(1 for _ in bounds(self.items)), "pickles", self.items)


def take(python: UserPython, kit: Path, folder: Path, text: str) -> Taken:
    """Run a program that calls `state_of`, see programs/taking/taking.py."""
    program = folder / "program.py"
    program.write_text("from taking import state_of\n" + textwrap.dedent(text))
    places = {name: folder.parent / f"{folder.name}-{name.lower()}" for name in ("STATE", "ITEMS")}
    environ = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(TAKING), "CARRY_KIT": str(kit)}
    environ |= {"CARRY_" + name: str(place) for name, place in places.items()}
    command = [python.path, "-s", str(program)]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return Taken(program, places["STATE"], places["ITEMS"].read_bytes())


class PortionDriver(Driver):
    """A runner of a portion whose items see what was ``taken``, or, if that is None, nothing but the program's place."""

    def __init__(self, python: UserPython, kit: Path, folder: Path, taken: Taken | None, setting: Setting = Setting(), **task: Any) -> None:
        fields: dict[str, Any] = {
            **{"task": "abcdefgh", "kind": "portion", "program": str(folder / "program.py"), "module": None, "function": ""},
            **{"cwd": str(folder), "argv": ["program.py"], "roots": [], "seed": 1, "limits": {}},
            **{"max_value": MAX_VALUE, "state": taken is not None, "folders": True},
            **task,
        }
        order = PortionOrder(**fields)
        super().__init__(python, kit, folder, "", setting, first=task_frame(order))
        self._assignments = Assignments(len(order.roots), order.max_value, PICKLED)
        if taken is not None:
            for frame in state_frames(taken.state):
                self.send(frame)

    def give(self, pack: ItemPack) -> list[tuple[bool, Any]]:
        """Run a pack from its first item on as one chunk; (whether it succeeded, value or exception) of each."""
        self.give_pack(pack)
        outcome = self.run(pack.first, pack.count)
        assert outcome.ended.outcome == "succeeded", outcome
        return [result["value"] for result in outcome.results]

    def look_again(self) -> None:
        """S."""
        self.send(LOOK_FRAME)

    def _results_in(self, messages: list[Message]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        parts: list[bytes] = []
        for message in messages:
            if type(message) is Results:
                results += _results(message.codec, message.payload)
            elif type(message) is ValuePart:
                parts.append(message.part)
                if message.last:
                    results += _results(message.codec, b"".join(parts))
                    parts = []
        return results


def records_of(payload: bytes) -> list[bytes]:
    """The pickles in a pack."""
    ends = [0, *bounds(payload)]
    return [payload[begin + 4 : end] for begin, end in zip(ends, ends[1:])]


def pack_of(items: list[Any], first: int = 0) -> ItemPack:
    """Items that this interpreter can pickle: (function, args, kwargs) each, the function one of a library."""
    pickles = [pickle.dumps(item, 2) for item in items]
    return ItemPack(first, len(items), "pickles", b"".join(len(one).to_bytes(4, "big") + one for one in pickles))


def _results(codec: str, payload: bytes) -> list[dict[str, Any]]:
    if codec == "entries":
        return [json.loads(line) for line in payload.split(b"\n")]
    return [{"value": pickle.loads(record, encoding="utf-8")} for record in records_of(payload)]
