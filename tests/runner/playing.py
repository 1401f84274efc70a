"""A keeper and a lab, played: real programs meet the stand-ins in their own interpreter, and what they open is computed beside them."""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import struct
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from marx.worker.pipe import FrameReader
from tests.libraries import library_folder
from tests.pythons import UserPython
from tests.runner.beginning import Beginning, Begun, Started
from tests.runner.spawning import PATIENCE_SECONDS

LEAD = struct.Struct(">IcI")
LENGTH = struct.Struct(">I")
HEAD = struct.Struct(">cI")
#: Stands in for libraries that map, deap among them.
SITE_PACKAGES = Path(__file__).parent / "programs" / "mapping" / "site-packages"
PART = 1 << 20


@dataclass
class Portion:
    """What a program opened, and the records that it sent."""

    number: int
    call: dict[str, Any]
    place: str
    reason: str
    state: int | None
    records: list[bytes] = field(default_factory=list)
    is_final: bool = False
    is_dropped: bool = False


@dataclass
class Run:
    """A program that has ended: its exit code, or minus the signal that ended it, what it wrote, and what it asked of the lab."""

    code: int
    out: str
    err: str
    portions: list[Portion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    scans: int = 0

    @property
    def kinds(self) -> list[str]:
        """Of each portion."""
        return [portion.call["kind"] for portion in self.portions]

    @property
    def sections(self) -> dict[str, str]:
        """What was printed below each line that begins a section."""
        return dict(part.split("\n", 1) for part in self.out.split("== ")[1:])

    @property
    def stayed(self) -> list[str]:
        """Why some stayed home."""
        return [portion.reason for portion in self.portions if portion.place == "home"]


Answer = tuple[str, bytes]
"""A codec, and one record or one line."""

Compute = Callable[[Portion, bytes], Answer]


class Refusal(Exception):
    """To be raised by what computes an item: the portion's state cannot be loaded."""


class Silence(Exception):
    """The program neither said anything nor ended."""


class Computer:
    """One process for each state, in the program's interpreter."""

    def __init__(self, beginning: Beginning, folder: Path, out: BinaryIO, err: BinaryIO) -> None:
        self._reading, writing = os.pipe()
        reading, asking = os.pipe()
        self._process = beginning.computing(folder, out, err, reading, writing)
        self._asking = open(asking, "wb")
        for each in (reading, writing):
            os.close(each)

    def ask(self, kind: bytes, content: bytes) -> bytes:
        """Its answer; Refusal if it is gone."""
        self._asking.write(HEAD.pack(kind, len(content)) + content)
        self._asking.flush()
        head = self._exactly(LENGTH.size)
        if len(head) < LENGTH.size:
            raise Refusal("the process that computes is gone")
        return self._exactly(LENGTH.unpack(head)[0])

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size and (part := os.read(self._reading, size - len(content))):
            content += part
        return content

    def close(self) -> None:
        """End it."""
        self._asking.close()
        self._process.wait(PATIENCE_SECONDS)
        os.close(self._reading)


@dataclass
class Lab:
    """``compute``: what makes an outcome of a record; by default a process of the program's interpreter does; "nothing" for none.

    ``changes``: answers to S, in turn. ``hangs_up_after``: so many outcomes the keeper goes away. ``finding``: what counts as a site of
    the program that is found without a pool, see `programs/finding.py`; None where nothing is looked for. ``stable``: what processes are forked
    from, of this interpreter and kit.
    """

    python: UserPython
    kit: Path
    folder: Path
    slots: int = 3
    compute: Compute | None = None
    changes: Sequence[bool] = ()
    hangs_up_after: int | None = None
    finding: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    stable: Beginning | None = None

    def run(self, text: str, *argv: str) -> Run:
        """Run a program to its end, with us as its keeper."""
        return self.run_words(self.write(textwrap.dedent(text)), *argv)

    def run_words(self, *words: str) -> Run:
        """The same for a program whose files are there: ``words`` behind the interpreter."""
        with Session(self, words) as session:
            return session.played()

    def run_plainly(self, text: str, *argv: str) -> Run:
        """Run it as anybody would."""
        return self.run_words_plainly(self.write(text), *argv)

    def run_words_plainly(self, *words: str) -> Run:
        """The same for a program whose files are there."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            begun = self.beginning.plainly(words, self.folder, out, err)
            code = begun.wait(PATIENCE_SECONDS * 6)
            return Run(code, *written(out, err))

    @property
    def beginning(self) -> Beginning:
        """What processes begin by."""
        return self.stable or Started(self.python.path, self.kit, self.surroundings)

    def write(self, text: str) -> str:
        """The program's file."""
        place = self.folder / "prog.py"
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
        return str(place)

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment that a program gets."""
        plain = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**plain, **with_libraries(self.python), **self.environ}


class Comparisons:
    """Programs in sections, each run once plainly and once under the stand-ins by each interpreter."""

    def __init__(self, kit: Path, folder: Path) -> None:
        self._kit = kit
        self._folder = folder
        self._runs: dict[tuple[str, Path], tuple[Run, Run]] = {}

    def runs(self, python: UserPython, program: Path) -> tuple[Run, Run]:
        """(plain, played)."""
        key = (python.path, program)
        if key not in self._runs:
            folder = self._folder / ("%s-%s" % (python.name, program.stem))
            folder.mkdir(exist_ok=True)
            lab = Lab(python, self._kit, folder)
            text = program.read_text()
            lab.write(text)
            with ThreadPoolExecutor(1) as beside:
                plain = beside.submit(lab.run_plainly, text)
                played = lab.run(text)
                self._runs[key] = plain.result(), played
        return self._runs[key]

    def sections(self, python: UserPython, program: Path, name: str) -> list[str | None]:
        """What each of the two printed in a section; None where this version of Python or of a library has none."""
        return [run.sections.get(name) for run in self.runs(python, program)]


def section_names(program: Path) -> list[str]:
    """The sections of a program, as its source has them."""
    return re.findall(r"^@(?:section|on_three|since\(.*\))\ndef (\w+)", program.read_text(), re.MULTILINE)


@cache
def why_not(python: UserPython, module: str, project: str | None = None) -> str | None:
    """Why a test that needs a module in a program's interpreter cannot be run. ``project``: its name for pip, if it has another."""
    environ = {**os.environ, **with_libraries(python)}
    tried = subprocess.run([python.path, "-s", "-c", "import " + module], capture_output=True, env=environ)
    return (
        "Python %s has no %s (make libraries, or %s -m pip install %s)" % (python.name, module, python.path, project or module)
        if tried.returncode
        else None
    )


def with_libraries(python: UserPython, *more: Path) -> dict[str, str]:
    """What lets an interpreter find the libraries that were fetched for its version, and ``more`` folders; nothing where there are none."""
    folders = [folder for folder in (library_folder(python.name, os.environ), *more) if folder.exists()]
    return {"PYTHONPATH": os.pathsep.join(map(str, folders))} if folders else {}


class Session:
    """One program at work, from its start to its end."""

    def __init__(self, lab: Lab, words: Sequence[str]) -> None:
        self._lab = lab
        self._socket, theirs = socket.socketpair()
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        if lab.finding is not None:
            how = (lab.slots, lab.finding)
            self._process = lab.beginning.found(words, lab.folder, self._out, self._err, theirs, how)
        else:
            self._process = self._begun_by_pools(words, theirs)
        theirs.close()
        self._frames = FrameReader()
        self._changes = iter(lab.changes)
        self._states: dict[int, bytes] = {}
        self._computers: dict[int | None, Computer] = {}
        self._portions: dict[int, Portion] = {}
        self._given: dict[int, int] = {}
        self._items: dict[int, bytes] = {}
        self._returned = 0
        self._run = Run(0, "", "")

    def _begun_by_pools(self, words: Sequence[str], theirs: socket.socket) -> Begun:
        """Where nothing is looked for, only what the program asks pools for is opened."""
        lab = self._lab
        python_path = lab.surroundings.get("PYTHONPATH")
        word = "%d:%d" % (theirs.fileno(), lab.slots) + (":" + python_path if python_path else "")
        before = os.pathsep.join(filter(None, [str(lab.kit / "before-programs"), python_path]))
        environ = {**lab.surroundings, "PYTHONPATH": before, "MARX_PORTAL": word}
        command = [lab.python.path, "-s", *words]
        about = {"stdout": self._out, "stderr": self._err, "cwd": lab.folder, "env": environ}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], **about)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for computer in self._computers.values():
            computer.close()
        self._socket.close()
        self._out.close()
        self._err.close()

    def played(self) -> Run:
        """Answer the program until it has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                if not selector.select(PATIENCE_SECONDS):
                    raise Silence(self._texts())
                try:
                    received = self._socket.recv(1 << 20)
                except ConnectionResetError:  # it has ended, and did not want what it has not read
                    break
                if not received:
                    break
                for frame in self._frames.feed(received):
                    self._take(frame.kind, frame.header, frame.payload)
        self._run.code = self._process.wait(PATIENCE_SECONDS)
        self._run.out, self._run.err = self._texts()
        return self._run

    def _texts(self) -> tuple[str, str]:
        return written(self._out, self._err)

    def _say(self, kind: bytes, header: dict[str, Any], payload: bytes = b"") -> None:
        text = json.dumps(header).encode()
        try:
            self._socket.sendall(LEAD.pack(len(text) + len(payload), kind, len(text)) + text + payload)
        except OSError:  # the program has ended meanwhile
            pass

    def _take(self, kind: bytes, header: dict[str, Any], payload: bytes) -> None:
        match kind.encode():
            case b"S":
                self._run.scans += 1
                self._say(b"s", {"changed": next(self._changes, False)})
            case b"K":
                self._states[header["state"]] = self._states.get(header["state"], b"") + payload
            case b"O":
                portion = Portion(header["portion"], header["call"], header["place"], header["reason"], header["state"])
                self._portions[portion.number] = portion
                self._run.portions.append(portion)
                self._say(b"o", {"portion": portion.number})
            case b"I":
                self._take_items(self._portions[header["portion"]], header, payload)
            case b"D":
                self._portions[header["portion"]].is_dropped = True
            case b"N":
                self._run.notes.append(header["text"])

    def _take_items(self, portion: Portion, header: dict[str, Any], payload: bytes) -> None:
        content = self._items.pop(portion.number, b"") + payload
        if len(content) < header["total"]:
            self._items[portion.number] = content
            return
        portion.is_final = header["final"]
        first = len(portion.records)
        portion.records += split(content)
        assert len(portion.records) == first + header["count"]
        if portion.is_dropped:
            return
        try:
            for index in range(first, len(portion.records)):
                codec, answer = self._computed(portion, portion.records[index])
                if codec != "nothing":
                    self._return(portion, index, codec, answer)
        except Refusal as why:
            portion.is_dropped = True
            self._say(b"Y", {"portion": portion.number, "reason": str(why)})

    def _return(self, portion: Portion, index: int, codec: str, content: bytes) -> None:
        self._returned += 1
        if self._returned == self._lab.hangs_up_after:
            self._socket.shutdown(socket.SHUT_RDWR)
        pack = LENGTH.pack(len(content)) + content if codec == "pickles" else content
        header = {"portion": portion.number, "first": index, "count": 1, "codec": codec, "failed": [], "total": len(pack)}
        for offset in range(0, len(pack), PART):
            self._say(b"G", {**header, "offset": offset}, pack[offset : offset + PART])

    def _computed(self, portion: Portion, record: bytes) -> Answer:
        if self._lab.compute is not None:
            return self._lab.compute(portion, record)
        if portion.state not in self._computers:
            self._computers[portion.state] = self._new_computer(portion.state)
        return "pickles", self._computers[portion.state].ask(b"r", record)

    def _new_computer(self, state: int | None) -> Computer:
        lab = self._lab
        computer = Computer(lab.beginning, lab.folder, self._out, self._err)
        refused = computer.ask(b"s", self._states[state] if state is not None else b"")
        if refused:
            computer.close()
            raise Refusal(refused.decode())
        return computer


def written(out: BinaryIO, err: BinaryIO) -> tuple[str, str]:
    """What stands in the files of both outputs."""
    said, warned = (os.pread(file.fileno(), 1 << 26, 0).decode() for file in (out, err))
    return said, warned


def split(content: bytes) -> list[bytes]:
    """The records in a pack."""
    records, begin = [], 0
    while begin < len(content):
        end = begin + LENGTH.size + LENGTH.unpack_from(content, begin)[0]
        records.append(content[begin + LENGTH.size : end])
        begin = end
    return records
