"""What is packed, and that it works where it lands: in an empty environment, elsewhere, for an ordinary user."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ordinary import open_folder, open_python, own_folder, run_as_ordinary
from tests.source import CHECKOUT

DAEMONS = ("marx-server", "marx-worker")
NOT_SOURCE = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "dropin.cache")

IMPORT_ALL = """
import importlib, pkgutil, marx
apart = ("marx.runner", "marx.server.migrations")  # read by the user's interpreter, and by alembic
for module in pkgutil.walk_packages(marx.__path__, "marx."):
    if not module.name.startswith(apart):
        importlib.import_module(module.name)
print(marx.__file__)
"""

TWISTED_IS_WHOLE = "import twisted, twisted.plugins.twisted_core; print(twisted.__version__, twisted.__file__)"


@pytest.fixture(scope="module")
def packed() -> Iterator[Path]:
    """A folder with a wheel, built from the source archive, itself built from a copy of the checkout."""
    with open_folder() as folder:
        shutil.copytree(CHECKOUT, folder / "source", ignore=NOT_SOURCE)
        run([sys.executable, "-m", "build", "--outdir", folder, folder / "source"])
        yield folder


@pytest.fixture(scope="module")
def wheel(packed: Path) -> Path:
    """The built wheel."""
    [path] = packed.glob("*.whl")
    return path


def run(command: list[object]) -> str:
    """Run a command that must succeed; its standard output."""
    answer = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, umask=0o022)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def install_with_pip(python: str, environment: Path, wheel: Path) -> None:
    run([python, "-m", "venv", environment])
    run([environment / "bin/python", "-m", "pip", "install", "--quiet", wheel])


def install_with_uv(python: str, environment: Path, wheel: Path) -> None:
    run([uv(), "venv", "--quiet", "--python", python, environment])
    run([uv(), "pip", "install", "--quiet", "--python", environment / "bin/python", wheel])


def uninstall_with_pip(environment: Path) -> None:
    run([environment / "bin/python", "-m", "pip", "uninstall", "--quiet", "--yes", "marx"])


def uninstall_with_uv(environment: Path) -> None:
    run([uv(), "pip", "uninstall", "--quiet", "--python", environment / "bin/python", "marx"])


def uv() -> Path:
    return Path(sys.executable).with_name("uv")


@pytest.mark.slow
def test_the_wheel_holds_marx_and_two_plugins_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    ours = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "marx").rglob("*") if is_source(path)}
    assert {name for name in names if name.startswith("marx/")} == ours
    assert sorted(name for name in names if name.startswith("twisted/")) == [
        "twisted/plugins/marx_server.py",
        "twisted/plugins/marx_worker.py",
    ]
    assert {name.split("/")[0] for name in names} == {"marx", "twisted", "marx-0.1.0.dist-info"}
    assert "marx-0.1.0.dist-info/licenses/LICENSE" in names


def is_source(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("install", "uninstall"),
    [(install_with_pip, uninstall_with_pip), (install_with_uv, uninstall_with_uv)],
    ids=["pip", "uv"],
)
def test_installed_it_serves_an_ordinary_user_and_goes_without_a_trace(
    install: Callable[[str, Path, Path], None], uninstall: Callable[[Path], None], wheel: Path
) -> None:
    python = open_python()
    if python is None:
        pytest.skip("no Python 3.11 or newer with venv that an ordinary user could run (on Debian: apt-get install python3-venv)")
    with open_folder() as folder:
        environment, elsewhere = folder / "environment", own_folder(folder, "elsewhere")
        install(python, environment, wheel)
        assert all(daemon in twistd_help(environment, elsewhere) for daemon in DAEMONS)
        assert all(os.access(environment / "bin" / command, os.X_OK) for command in ("tasker", "marx-admin"))
        assert str(environment) in ask(environment, elsewhere, IMPORT_ALL)
        twisted = ask(environment, elsewhere, TWISTED_IS_WHOLE)
        uninstall(environment)
        assert not any(daemon in twistd_help(environment, elsewhere) for daemon in DAEMONS)
        assert ask(environment, elsewhere, TWISTED_IS_WHOLE) == twisted


def twistd_help(environment: Path, folder: Path) -> str:
    """What `twistd --help` shows an ordinary user in `folder`."""
    answer = run_as_ordinary([environment / "bin/twistd", "--help"], folder)
    assert answer.returncode == 0 and "Commands:" in answer.stdout, answer.stderr
    return answer.stdout


def ask(environment: Path, folder: Path, source: str) -> str:
    """What Python source prints, run by an ordinary user in `folder`."""
    answer = run_as_ordinary([environment / "bin/python", "-c", source], folder)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_checkout_installed_for_work_shows_its_daemons_from_elsewhere(tmp_path: Path) -> None:
    try:
        importlib.metadata.distribution("marx")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("Marx is not installed here, only lies here: make env")
    answer = subprocess.run([Path(sys.executable).with_name("twistd"), "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert all(daemon in answer.stdout for daemon in DAEMONS)


@pytest.mark.slow
@pytest.mark.needs_root
def test_an_ordinary_user_runs_the_demo_from_a_fresh_copy() -> None:
    """Root is needed only to become someone else, who has no environment, no cache and a home of their own."""
    with open_folder() as folder:
        copy = own_folder(folder, "copy")
        shutil.copytree(CHECKOUT, copy, ignore=NOT_SOURCE, dirs_exist_ok=True)
        for path in copy.rglob("*"):
            os.chown(path, *ownership(copy))
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        answer = run_as_ordinary(["make", "demo"], copy, pip, seconds=300)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert answer.stdout.endswith("pi is 3.14242, give or take 0.00082, after 4000000 darts\n")


def ownership(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid
