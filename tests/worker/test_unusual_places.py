"""Interpreters where people have them: moved, linked to, in environments and homes. They run in the sandbox, or it is said why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from marx.worker.finding import find_interpreters
from marx.worker.launch import Sandbox
from marx.worker.probing import NotAnInterpreter, probe_one
from marx.worker.sandbox import choose
from marx.worker.trying import try_all
from tests.pythons import UserPython
from tests.worker.stand import RECIPES, Stand
from tests.worker.test_interpreters import binary, executable

SAY = "import os, socket, sys; print(sys.prefix)"
NOT_MOVED = shutil.ignore_patterns("test", "tests", "site-packages", "idlelib", "lib2to3", "__pycache__", "*.a", "*.pyc", "share", "include", "turtledemo")


@pytest.fixture(params=RECIPES)
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    with Stand.of(request.param) as stand:
        yield stand


@pytest.fixture
def prefix(interpreters: tuple[UserPython, ...]) -> Path:
    """Of the oldest Python, which is 2.7 where that is here."""
    found = Path(os.path.realpath(interpreters[0].path)).parent.parent
    if found == Path("/usr"):
        pytest.skip("the system's own Python cannot be moved")
    return found


def moved(prefix: Path, place: Path) -> Path:
    """A copy of a Python somewhere else; the binary there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(prefix, place, symlinks=True, ignore=NOT_MOVED, copy_function=_linked)
    return binary_of(place)


def binary_of(place: Path) -> Path:
    """The Python itself: python2.7, not python2.7-config."""
    return next(path for path in (place / "bin").iterdir() if re.fullmatch(r"python\d\.\d+", path.name))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_one_that_was_moved_runs_with_the_libraries_that_moved_with_it(stand: Stand, prefix: Path) -> None:
    """To an ordinary user the place where it was built is closed, so that its library is not found there."""
    answer = stand.run(str(moved(prefix, stand.folder / "opt" / "python")), SAY)
    assert (answer.stderr, answer.stdout) == ("", "%s\n" % (stand.folder / "opt" / "python"))


def test_one_that_finds_no_library_says_where_it_is_and_its_variables_name_it(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libpython2.7.so.1.0").touch()
    (tmp_path / "bin").mkdir()
    complaint = "python2.7: error while loading shared libraries: libpython2.7.so.1.0: cannot open shared object file"
    real = shutil.which("python3") or "/usr/bin/python3"
    script = '[ "$LD_LIBRARY_PATH" ] || { echo "%s" >&2; exit 127; }\nexec %s "$@"' % (complaint, os.path.realpath(real))
    one = probe_one(executable(tmp_path / "bin" / "python", script))
    assert one.variables == {"LD_LIBRARY_PATH": str(tmp_path / "lib")}
    (tmp_path / "lib" / "libpython2.7.so.1.0").unlink()
    with pytest.raises(NotAnInterpreter, match="error while loading shared libraries: libpython2.7.so.1.0"):
        probe_one(str(tmp_path / "bin" / "python"))


def test_one_whose_prefix_is_a_link_runs(stand: Stand, prefix: Path) -> None:
    moved(prefix, stand.folder / "opt" / "python-1")
    (stand.folder / "opt" / "current").symlink_to("python-1")
    assert stand.run(str(binary_of(stand.folder / "opt" / "current")), SAY).stdout == "%s\n" % (stand.folder / "opt" / "python-1")


def test_one_of_an_environment_in_a_home_runs_with_what_is_installed_there(stand: Stand, interpreters: tuple[UserPython, ...]) -> None:
    environment = stand.make("home") / ".venvs" / "work"
    subprocess.run([interpreters[-1].path, "-m", "venv", "--without-pip", environment], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "installed.py").write_text("where = 'here'\n")
    answer = stand.run(str(environment / "bin" / "python"), "import installed, sys; print(installed.where, sys.prefix)")
    assert (answer.stderr, answer.stdout) == ("", "here %s\n" % environment)


def test_a_version_switchs_shim_that_was_named_leads_to_its_python(tmp_path: Path, interpreters: tuple[UserPython, ...]) -> None:
    """It is a script that executes another; what is offered is that, by both names."""
    real = interpreters[-1].path
    shim = executable(tmp_path / ".pyenv" / "shims" / "python", 'exec %s "$@"' % real)
    found = find_interpreters([shim], {"HOME": "/nonexistent", "PATH": ""})
    assert os.path.realpath(real) in [one.path for one in found]


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="marx-trying-") as name:
        yield Path(name)


@pytest.fixture
def sandbox(state: Path) -> Sandbox:
    return choose("bwrap", state)


@pytest.mark.needs_bwrap
def test_every_python_here_starts_in_the_sandbox(state: Path, sandbox: Sandbox, interpreters: tuple[UserPython, ...]) -> None:
    assert try_all(sandbox, [probe_one(python.path) for python in interpreters], state) == {}
    assert [path.name for path in state.iterdir()] == ["sandbox"], "nothing is left of it"


@pytest.mark.needs_bwrap
def test_one_that_does_not_start_in_the_sandbox_is_named_with_what_was_said(state: Path, sandbox: Sandbox, prefix: Path) -> None:
    lacking = replace(probe_one(str(binary_of(prefix))), folders=())
    [(path, why)] = try_all(sandbox, [lacking], state).items()
    assert path == lacking.path and "it does not start in the sandbox: " in why and "No such file" in why


def virtual_environment_of_2_7(folder: Path, prefix: Path) -> Path:
    """As virtualenv makes one: its own site.py, imported before anything else can be, leads to the library of the real one; its Python."""
    library = folder / "lib" / "python2.7"
    library.mkdir(parents=True)
    (library / "site.py").write_text(
        f"import sys\nsys.real_prefix = {str(prefix)!r}\nsys.path[:] = [path.replace(sys.prefix, sys.real_prefix) for path in sys.path]\n"
    )
    shutil.copy(prefix / "lib" / "python2.7" / "os.py", library)
    (library / "lib-dynload").symlink_to(prefix / "lib" / "python2.7" / "lib-dynload")
    (folder / "bin").mkdir()
    shutil.copy(binary_of(prefix), folder / "bin" / "python")  # a link would lead to the real one by itself
    return folder / "bin" / "python"


@pytest.mark.needs_bwrap
def test_an_environment_that_finds_its_library_by_its_own_site_starts_in_the_sandbox(state: Path, sandbox: Sandbox, prefix: Path, tmp_path: Path) -> None:
    if binary_of(prefix).name != "python2.7":
        pytest.skip("Python 3 needs no such site")
    assert try_all(sandbox, [probe_one(str(virtual_environment_of_2_7(tmp_path / "environment", prefix)))], state) == {}


def test_what_is_found_and_is_none_is_told(tmp_path: Path) -> None:
    binary(tmp_path / "bin" / "python3.9")
    told: list[str] = []
    with suppress(NotAnInterpreter):
        find_interpreters([], {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}, tell=told.append)
    assert [refusal for refusal in told if str(tmp_path) in refusal] == ["%s/bin/python3.9 cannot be run: Exec format error" % tmp_path]
