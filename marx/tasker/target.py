"""
What is to be run: a program, a module, or a function of either; and which Python its source asks for.

The source is only ever read here, never run.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from marx.tasker.exits import NO_FILE, USAGE, Trouble

#: What only Python 2 can mean: print statements, ``except E, e``, ``exec "..."``, ``raise E, "..."``, ``<>``, backticks, 0777, ur"".
_PYTHON_2 = re.compile(
    r"""^\s*print\b(?!\s*(\(|=|\.|,|:|$))
      | ^\s*except\s+[\w.]+\s*,\s*\w+\s*:
      | ^\s*exec\s+["'\w]
      | ^\s*raise\s+[\w.]+\s*,
      | \w\s*<>\s*\w
      | ^[^'"#]*`[^`]+`
      | (?<![\w.])0\d+(?![\w.])
      | (?<!\w)[uU][rR]["']""",
    re.MULTILINE | re.VERBOSE,
)
#: Python 3 parses this too, and fails when it runs.
_PRINT_TO = re.compile(r"^\s*print\s*>>", re.MULTILINE)
_SHEBANG = re.compile(rb"^#!.*\bpython(\d(?:\.\d+)?)")
_METADATA = re.compile(r"^# /// script\s*$(.*?)^# ///\s*$", re.MULTILINE | re.DOTALL)
_REQUIRES = re.compile(r"""^#\s*requires-python\s*=\s*["']([^"']+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """
    A program (``program``, absolute) or a module (``module``, dotted), and of a map the ``function`` in it.

    ``path`` is the file that is read to learn what it needs: the program, or the module's file where it lies in the caller's folder.
    ``name`` is the program as the person typed it.
    """

    name: str
    function: str | None
    program: str | None
    module: str | None
    path: str | None


def find_target(text: str, is_module: bool, folder: str) -> Target:
    """Split ``text`` at its last colon and look for the file. Raises Trouble with 2 for a wrong form, 66 where there is no such file."""
    name, colon, function = text.rpartition(":")
    wanted = "MODULE:FUNCTION" if is_module else "PROGRAM:FUNCTION"
    if not colon or not name or not all(part.isidentifier() for part in function.split(".")):
        raise Trouble(f"{text!r}: expected {wanted}, such as {'package.module' if is_module else 'prog.py'}:function", USAGE)
    if is_module:
        return Target(name, function, None, name, _module_file(name, folder, "__init__.py"))
    path = os.path.abspath(os.path.join(folder, name))
    return Target(name, function, path, None, _program_file(name, path))


def find_program(name: str, is_module: bool, folder: str) -> Target:
    """
    The program to be run as ``__main__``: a file, a folder with a ``__main__.py``, or with ``is_module`` a module or package.

    Raises Trouble with 2 for a name that no module can have, 66 where there is no such file.
    """
    if is_module:
        if not all(part.isidentifier() for part in name.split(".")):
            raise Trouble(f"-m {name}: expected a module's name, such as package.module", USAGE)
        return Target(name, None, None, name, _module_file(name, folder, "__main__.py"))
    path = os.path.abspath(os.path.join(folder, name))
    inside = os.path.join(path, "__main__.py")
    return Target(name, None, path, None, inside if os.path.isfile(inside) else _program_file(name, path))


def _program_file(name: str, path: str) -> str:
    if not os.path.isfile(path):
        what = "a folder, not a program" if os.path.isdir(path) else "no such file"
        raise Trouble(f"{name}: {what}", NO_FILE)
    return path


def _module_file(name: str, folder: str, of_package: str) -> str | None:
    """A module's file below ``folder``; None where it is installed elsewhere, as it then must be at the worker's."""
    place = os.path.join(folder, *name.split("."))
    found = [path for path in (os.path.join(place, of_package), place + ".py") if os.path.isfile(path)]
    return found[0] if found else None


def read_source(path: str) -> bytes:
    """The bytes of a program. Raises Trouble with 66 where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}", NO_FILE) from error


def python_wanted(source: bytes) -> str:
    """The Python that a program asks for: "2.7", "3", "3.9"; by its shebang, its metadata (PEP 723), or its syntax."""
    return python_and_reason(source)[0]


def python_and_reason(source: bytes) -> tuple[str, str]:
    """The Python that a program asks for, and how it asks."""
    shebang = _SHEBANG.match(source)
    if shebang:
        version = shebang[1].decode("ascii")
        return "2.7" if version.startswith("2") else version, "by its first line"
    if b"\0" in source:
        return "3", "as usual"  # a zip file or compiled code, whose text says nothing
    text = source.decode("utf-8", "replace")
    metadata = _METADATA.search(text)
    requires = metadata and _REQUIRES.search(metadata[1])
    if requires:
        return _version_of(requires[1]), "by its inline metadata"
    if _PRINT_TO.search(text) or (not _compiles(source) and _PYTHON_2.search(text)):
        return "2.7", "by its syntax"
    return "3", "as usual"


def _version_of(specifier: str) -> str:
    """The one minor version that ``specifier`` allows ("==3.9.*", "~=3.9.1"), else its major version."""
    exact = re.search(r"(?:==|~=)\s*(\d\.\d+)\.[\d*]", specifier) or re.search(r"==\s*(\d\.\d+)\s*$", specifier)
    if exact:
        return exact[1]
    return "2.7" if re.search(r"<\s*3(\.0)?\b", specifier) else "3"


def _compiles(source: bytes) -> bool:
    """Whether the Python that runs this command can parse it. Later ones can as well; a program for a later one is judged by its text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "program", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def local_python(wanted: str, environ: Mapping[str, str]) -> str:
    """
    The path of the interpreter that a plain run would use: ``wanted`` may be a path or a version.

    Raises Trouble with 66 where this machine has none on its PATH.
    """
    if os.sep in wanted:
        return wanted
    name = "python2" if wanted.startswith("2") else f"python{wanted or '3'}"
    names = ["python2.7", "python2"] if name == "python2" else [name]
    found = [path for path in (shutil.which(each, path=environ.get("PATH")) for each in names) if path]
    if not found:
        raise Trouble(f"no {name} on the PATH; install it or name one with --python", NO_FILE)
    return _behind_shim(found[0]) or found[0]


def _behind_shim(path: str) -> str | None:
    """
    The newest Python of that very name and minor version that a version switch has, where ``path`` is its shim.

    The shim itself starts only versions that are switched on here, and says "command not found" of all others.
    """
    place = Path(path)
    if place.parent.name != "shims" or not re.fullmatch(r"python\d\.\d+", place.name):
        return None
    found = [each for each in place.parent.parent.glob(f"versions/*/bin/{place.name}") if os.access(each, os.X_OK)]
    return str(max(found, key=lambda each: [int(number) for number in re.findall(r"\d+", each.parent.parent.name)])) if found else None
