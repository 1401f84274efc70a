"""The kit: what is in it, who may read it, and what a program's interpreter makes of it, from 2.7 on."""

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from marx.worker.kit import compile_kit, lay_out_kit
from marx.worker.probing import probe_one
from tests.pythons import UserPython
from tests.worker.interpreter_builder import an_interpreter

RUNNER = {
    "__init__.py": "",
    "__main__.py": """from __future__ import absolute_import, print_function
import os, sys
def main():
    from marx.runner import pipe
    from marx.runner.deep import inner
    import marx
    print([sys.path[0] != os.path.dirname(os.path.dirname(marx.__file__)), pipe.NAME, inner.NAME, marx.__version__])
    sys.path.insert(0, os.getcwd())
    import pipe
    print(pipe.NAME)
    return 7
""",
    "pipe.py": "NAME = 'the runner\\'s'\n",
    "deep/__init__.py": "",
    "deep/inner.py": "NAME = 'deeper'\n",
    "notes.txt": "not code",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An installed `marx`, with a runner that tells what it sees."""
    package = tmp_path / "installed" / "marx"
    texts = {"__init__.py": "__version__ = '1.2'\n", **{"runner/" + name: text for name, text in RUNNER.items()}}
    for name, text in texts.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    (package / "server.py").touch()
    return package


def names_in(folder: Path) -> list[str]:
    """All files below, relative."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_kit_holds_the_runner_and_nothing_else_of_marx(tmp_path: Path, package: Path) -> None:
    kit = lay_out_kit(tmp_path / "kits", package)
    runner = ["__init__.py", "__main__.py", "deep/__init__.py", "deep/inner.py", "pipe.py"]
    assert names_in(kit) == ["__main__.py", "before-programs/sitecustomize.py", "marx/__init__.py", *("marx/runner/" + name for name in runner)]


def test_the_kit_of_this_marx_has_every_module_of_its_runner(tmp_path: Path) -> None:
    import marx

    kit = lay_out_kit(tmp_path)
    runner = Path(marx.__file__).parent / "runner"
    assert {name for name in names_in(kit / "marx" / "runner")} == {name for name in names_in(runner) if name.endswith(".py")}
    assert (kit / "marx" / "__init__.py").read_bytes() == Path(marx.__file__).read_bytes()


def test_a_kit_is_made_once_and_another_for_other_content(tmp_path: Path, package: Path) -> None:
    first = lay_out_kit(tmp_path / "kits", package)
    made = (first / "__main__.py").stat().st_mtime_ns
    assert lay_out_kit(tmp_path / "kits", package) == first
    assert (first / "__main__.py").stat().st_mtime_ns == made
    (package / "runner" / "pipe.py").write_text("NAME = 'new'\n")
    assert lay_out_kit(tmp_path / "kits", package) != first
    assert len(list((tmp_path / "kits").iterdir())) == 2


def test_everybody_may_read_it_whatever_the_umask(tmp_path: Path, package: Path) -> None:
    before = os.umask(0o077)
    try:
        kit = lay_out_kit(tmp_path / "kits", package)
        compile_kit(kit, probe_one(sys.executable))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) & (0o555 if path.is_dir() else 0o444) for path in [kit, *kit.rglob("*")]}
    assert modes == {0o555, 0o444}


def test_it_is_made_from_a_packed_installation_too(tmp_path: Path, package: Path) -> None:
    archive = tmp_path / "marx.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in names_in(package):
            packed.write(package / name, "marx/" + name)
    from_zip = lay_out_kit(tmp_path / "kits", zipfile.Path(archive, "marx/"))
    assert from_zip == lay_out_kit(tmp_path / "kits", package)


def test_every_python_starts_the_runner_and_gives_the_first_place_back(
    tmp_path: Path, package: Path, user_python: UserPython
) -> None:
    kit = lay_out_kit(tmp_path / "kits", package)
    (tmp_path / "pipe.py").write_text("NAME = 'the program\\'s'\n")
    answer = subprocess.run([user_python.path, str(kit)], cwd=tmp_path, capture_output=True, text=True)
    assert answer.stderr == ""
    assert answer.stdout.splitlines() == ["[True, \"the runner's\", 'deeper', '1.2']", "the program's"]
    assert answer.returncode == 7


def test_a_compiled_kit_is_not_compiled_by_its_runners(tmp_path: Path, package: Path, user_python: UserPython) -> None:
    kit = lay_out_kit(tmp_path / "kits", package)
    compile_kit(kit, probe_one(user_python.path))
    before = {name: (kit / name).stat().st_mtime_ns for name in names_in(kit)}
    assert [name for name in before if "pipe." in name and name.endswith(".pyc")]
    answer = subprocess.run([user_python.path, "-v", str(kit)], cwd=tmp_path, capture_output=True, text=True)
    lines = [line for line in answer.stderr.splitlines() if "pipe" in line and ".pyc" in line]
    assert [line for line in lines if " matches " in line]
    assert {name: (kit / name).stat().st_mtime_ns for name in names_in(kit)} == before


def test_a_python_compiles_a_kit_once(tmp_path: Path, package: Path) -> None:
    kit = lay_out_kit(tmp_path / "kits", package)
    count = tmp_path / "count"
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho x >> %s\n" % count)
    python.chmod(0o755)
    for _ in range(2):
        compile_kit(kit, an_interpreter(path=str(python)))
    assert count.read_text() == "x\n"


def test_a_python_that_cannot_compile_leaves_the_kit_as_it_was(tmp_path: Path, package: Path) -> None:
    kit = lay_out_kit(tmp_path / "kits", package)
    before = names_in(kit)
    compile_kit(kit, an_interpreter(path=str(tmp_path / "none")))
    compile_kit(kit, an_interpreter(path="/bin/false"))
    assert names_in(kit) == before


def test_of_two_workers_that_make_it_at_once_the_second_takes_the_firsts(tmp_path: Path, package: Path) -> None:
    class Slow(type(package)):
        """Between its reading and its making, another worker makes the kit."""

        def iterdir(self) -> object:
            lay_out_kit(tmp_path / "kits", package)
            return super().iterdir()

    kit = lay_out_kit(tmp_path / "kits", Slow(package))
    assert [path for path in (tmp_path / "kits").iterdir()] == [kit]
