"""Asks one interpreter what it is, by running a few lines in it: 2.7 and 3.x alike, in the time that it takes to start.

It runs with an empty environment, as a program in the sandbox does: what works only by LD_LIBRARY_PATH or PYTHONHOME of
the worker's own shell is found out here and not by a user.
"""

import ast
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from glob import glob
from typing import Any

from marx.worker.interpreters import Interpreter, environment_of
from marx.worker.paths import is_within, outermost

PROBE_SECONDS = 10.0
"""Python on a cold network disk starts in one to three seconds."""

OLDEST_3 = (3, 6)

MARK = b"marx:"
"""Ends the noise of what runs at start-up (sitecustomize, .pth files)."""

DESCRIBE = r"""
import os, sys

def mapped():
    found = set()
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                found.add(line.rstrip("\n").partition("/")[2])
    except (IOError, OSError, UnicodeError):
        pass
    return ["/" + path for path in sorted(found) if path]

def describe():
    return {
        "version": tuple(sys.version_info[:3]),
        "implementation": "pypy" if "__pypy__" in sys.builtin_module_names else "cpython",
        "executable": sys.executable,
        "prefixes": [sys.prefix, getattr(sys, "base_prefix", getattr(sys, "real_prefix", sys.prefix)), sys.exec_prefix],
        "path": list(sys.path),
        "mapped": mapped(),
    }
"""
TELL = 'os.write(1, ("\\nmarx:" + repr(describe())).encode("ascii", "backslashreplace"))'

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/dev", "/proc", "/sys", "/etc")
"""Shown in every sandbox in its own way; nothing of it is listed among an interpreter's folders."""


NOT_HERE = "%s is not a Python that runs here: %s"


class NotAnInterpreter(Exception):
    """What was named as an interpreter cannot be used as one; the text says which, why, and what to do."""


class CannotLoad(NotAnInterpreter):
    """It does not find its own shared library: it may have been moved."""


def probe_one(path: str, timeout_seconds: float = PROBE_SECONDS) -> Interpreter:
    """Describe the Python at `path`; blocks for as long as it takes to start. Raises NotAnInterpreter."""
    try:
        return _probe(path, "", timeout_seconds)
    except CannotLoad:
        libraries = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(path))), "lib")
        if not glob(os.path.join(libraries, "libpython*.so*")):
            raise
        return _probe(path, libraries, timeout_seconds)


def _probe(path: str, libraries: str, timeout_seconds: float) -> Interpreter:
    command = [path, "-s", "-c", DESCRIBE + TELL]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    try:
        answer = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        raise NotAnInterpreter("%s did not answer within %g seconds" % (path, timeout_seconds)) from None
    except OSError as error:
        raise NotAnInterpreter(why_not_executable(path, error)) from None
    try:
        return replace(_interpreter(path, _facts(path, answer)), libraries=libraries)
    except (SyntaxError, ValueError, KeyError, TypeError):
        raise NotAnInterpreter(NOT_HERE % (path, "it said something else than was asked")) from None


def own_interpreter() -> Interpreter:
    """The Python that this process runs in, described without starting it again."""
    names: dict[str, Any] = {}
    exec(DESCRIBE, names)
    return from_facts(os.path.abspath(names["sys"].executable), {**names["describe"](), "path": []})


def _facts(path: str, answer: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    _, mark, text = answer.stdout.rpartition(b"\n" + MARK)
    if not mark:
        complaint = answer.stderr.decode(errors="replace").strip().splitlines()
        refusal = CannotLoad if any("shared libraries" in line for line in complaint) else NotAnInterpreter
        raise refusal(NOT_HERE % (path, complaint[-1] if complaint else "it said nothing"))
    return ast.literal_eval(text.decode("ascii"))


def _interpreter(path: str, facts: dict[str, Any]) -> Interpreter:
    version = facts["version"]
    if version[:2] != (2, 7) and version[:2] < OLDEST_3:
        raise NotAnInterpreter("%s is Python %d.%d; programs run on 2.7 and from 3.6 on" % (path, *version[:2]))
    if version[0] == 2:
        facts = {name: _from_bytes(value) for name, value in facts.items()}
    return from_facts(os.path.abspath(facts["executable"] or path), facts)


def _from_bytes(value: Any) -> Any:
    """2.7 shows a path byte by byte, which reads as Latin-1; give it the form that `os` gives to paths."""
    if isinstance(value, list):
        return [_from_bytes(one) for one in value]
    return os.fsdecode(value.encode("latin-1")) if isinstance(value, str) else value


def from_facts(executable: str, facts: dict[str, Any]) -> Interpreter:
    """What `describe` said of the Python at `executable`, completed by what this machine's folders say."""
    path = executable if environment_of(executable) else os.path.realpath(executable)
    prefix, base_prefix, exec_prefix = facts["prefixes"]
    needed = [
        *_with_real([prefix, base_prefix, exec_prefix]),
        *(entry for entry in facts["path"] if os.path.isabs(entry) and os.path.exists(entry)),
        *(os.path.dirname(library) for library in facts["mapped"] if os.path.exists(library)),
    ]
    folders = tuple(outermost(folder for folder in map(os.path.normpath, needed) if not is_within(folder, *SYSTEM)))
    return Interpreter(
        path=path,
        version=facts["version"],
        implementation=facts["implementation"],
        prefix=prefix,
        base_prefix=base_prefix,
        folders=folders,
        links=tuple(_links(path, folders)),
    )


def _with_real(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        yield folder
        yield os.path.realpath(folder)


def _links(path: str, folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    while os.path.islink(path):
        target = os.readlink(path)
        if not is_within(path, *folders, *SYSTEM):
            yield target, path
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))


def why_not_executable(path: str, error: OSError) -> str:
    """Why `path` could not be executed, naming the folder that is closed to this user and what opens it."""
    if not isinstance(error, PermissionError):
        return "%s cannot be run: %s" % (path, error.strerror)
    closed = closed_folder(path)
    if closed is None:
        return "%s cannot be run: it is not executable by this user" % path
    return "%s cannot be run: its folder %s is closed to this user; %s" % (path, closed, mend_for(closed))


def closed_folder(path: str) -> str | None:
    """The outermost folder above `path`, or `path` itself, that this user may not enter."""
    parts = os.path.abspath(path).split("/")
    for count in range(2, len(parts) + 1):
        folder = "/".join(parts[:count])
        if os.path.isdir(folder) and not os.access(folder, os.X_OK):
            return folder
    return None


def mend_for(folder: str) -> str:
    """What opens a Python below a closed folder to the worker."""
    return "as its owner: chmod o+x %s, or install that Python where everybody may read, as below /opt" % folder
