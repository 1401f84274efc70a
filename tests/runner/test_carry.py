"""What an item sees of its program is what a fork shows it: every program of the table, plainly and carried to a fresh interpreter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.carried_programs import Carried, latin_program, programs_in

CARRYING = Path(__file__).parent / "programs" / "carrying"


@pytest.fixture(scope="session")
def compiled(kit: Path, interpreters: tuple[UserPython, ...]) -> Path:
    """The kit, which no program of the table has to compile."""
    for python in interpreters:
        subprocess.run([python.path, "-m", "compileall", "-q", str(kit)], check=True, stdout=subprocess.DEVNULL)
    return kit


def run(python: UserPython, folder: Path, program: Carried, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it in a folder of its own."""
    folder.mkdir()
    for name, content in program.contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    environ = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "7", "CARRY_GONE": "here", "PWD": str(folder), **environ}
    command = [python.path, "-s", *program.words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


def both(python: UserPython, tmp_path: Path, kit: Path, program: Carried) -> tuple[str, str, list[str]]:
    """Its output plainly and carried, and what was said of its maps."""
    if python.version < program.since:
        pytest.skip("not for this version")
    if program.needs and subprocess.run([python.path, "-c", "import " + program.needs], capture_output=True).returncode:
        pytest.skip("this interpreter has no " + program.needs)
    plain = run(python, tmp_path / "work", program, {})
    assert plain.returncode == 0, plain.stderr
    (tmp_path / "work").rename(tmp_path / "plain")
    report = tmp_path / "report"
    environ = {"PYTHONPATH": str(CARRYING), "CARRY_KIT": str(kit), "CARRY_REPORT": str(report)}
    carried = run(python, tmp_path / "work", program, environ)
    said = report.read_text().splitlines() if report.exists() else []
    assert carried.returncode == 0, carried.stderr
    return plain.stdout, carried.stdout, said


@pytest.mark.parametrize("program", [*programs_in("carried.txt"), latin_program()], ids=lambda program: program.name)
def test_items_see_in_a_fresh_interpreter_what_a_fork_shows(
    user_python: UserPython, tmp_path: Path, compiled: Path, program: Carried
) -> None:
    plain, carried, said = both(user_python, tmp_path, compiled, program)
    assert set(said) == {"carried"}
    assert carried == plain


@pytest.mark.parametrize("program", programs_in("staying.txt"), ids=lambda program: program.name)
def test_what_cannot_be_carried_stays_and_the_reason_names_it(
    user_python: UserPython, tmp_path: Path, compiled: Path, program: Carried
) -> None:
    plain, carried, said = both(user_python, tmp_path, compiled, program)
    assert len(said) == 1 and program.said in said[0]
    assert carried == plain
