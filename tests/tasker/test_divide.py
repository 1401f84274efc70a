"""`tasker divide` and `--dry-run`: portions, what goes along and why, which Python and why; as text, as JSON; and nothing is run."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.tasker import analysis, bundle, reasons
from marx.tasker.divided import Chosen, Division, division_page
from marx.tasker.exits import FAILED, FAULT, NO_FILE, USAGE
from marx.tasker.reasons import Fate
from marx.tasker.show import render
from tests.tasker.conftest import Person

POOLED = """\
import multiprocessing
from multiprocessing.pool import ThreadPool
import helpers

SCALE = 2

def work(x):
    return helpers.half(x) * SCALE

if __name__ == "__main__":
    open("was run", "w")
    with multiprocessing.get_context("fork").Pool() as pool:
        pool.map(work, range(4))
        pool.map(work, range(5))
    ThreadPool().map(work, [])
"""
GOLDEN = """\
prog.py runs under Python 3.{minor}, as --python says ({python})

portions
  line 13  Pool.map of work
  line 14  prog.py, imported, and its values as the pool sees them
           helpers.py, imported
           functions and classes: helpers.half
           values: SCALE

kept with the main program
  line 15  ThreadPool.map  threads share the memory of the main program and stay
                           there

files that go along
  data.csv      4 B  in the current folder
  helpers.py   32 B  a module of the program
  prog.py     353 B  the program
  3 files, 389 B

files that do not, or need a look
  .secret  hidden
"""


class Terminal(io.BytesIO):
    """A terminal whose width nobody knows."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def work(person: Person) -> Person:
    """Ada, in a folder with a program that uses a pool."""
    for name, text in {"prog.py": POOLED, "helpers.py": "def half(x):\n    return x / 2.0\n", "data.csv": "1,2\n", ".secret": ""}.items():
        (person.folder / name).write_text(text)
    return person


def written(person: Person, source: str, name: str = "prog.py") -> None:
    path = person.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


async def asked(person: Person, *argv: str) -> dict[str, Any]:
    """What `divide --json` says."""
    code = await person.types("divide", "--json", "--python", sys.executable, *(argv or ["prog.py"]))
    assert (code, person.err) == (0, "")
    answer = json.loads(person.out)
    person.stdout.truncate(0)
    person.stdout.seek(0)
    return answer


def reasons_of(answer: dict[str, Any], travels: bool) -> dict[str, str]:
    return {row["path"]: row["reason"] for row in answer["files"] if row["travels"] is travels}


@pytest_twisted.ensureDeferred
async def test_it_shows_portions_files_and_the_python_and_runs_nothing(work: Person) -> None:
    code = await work.types("divide", "--python", sys.executable, "prog.py")
    assert (code, work.err) == (0, "")
    head, _, rest = GOLDEN.format(minor=sys.version_info[1], python=sys.executable).partition("\n\n")
    assert work.out.partition("\n\n")[0].replace("\n", " ") == head
    assert work.out.partition("\n\n")[2] == rest
    assert not (work.folder / "was run").exists()


@pytest_twisted.ensureDeferred
async def test_no_line_is_wider_than_eighty_columns(work: Person) -> None:
    name = "a_function_with_a_name_that_goes_on_and_on_and_on_until_nobody_would_read_it_any_more"
    written(work, POOLED.replace("work", name).replace("ThreadPool", "ThreadPool"))
    await work.types("divide", "--python", sys.executable, "prog.py")
    assert name[:40] in work.out and max(map(len, work.out.splitlines())) <= 80


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
@pytest_twisted.ensureDeferred
async def test_a_terminal_gets_colours_unless_it_wants_none(work: Person, environ: dict[str, str], coloured: bool) -> None:
    work.environ, work.stdout = environ, Terminal()
    assert await work.types("divide", "--python", sys.executable, "prog.py") == 0
    assert ("\x1b[36m" in work.out) is coloured and ("\x1b" in work.out) is coloured


@pytest_twisted.ensureDeferred
async def test_the_json_is_what_interface_fixes(work: Person) -> None:
    answer = await asked(work)
    assert list(answer) == ["program", "python", "files", "portions", "kept"]
    assert (answer["program"], answer["python"]) == ("prog.py", f"3.{sys.version_info[1]}")
    portion = answer["portions"][0]
    assert {name: portion[name] for name in portion if name != "travels"} == {"file": "prog.py", "line": 13, "kind": "Pool.map", "function": "work"}
    assert [need for need in portion["travels"] if need["name"] == "SCALE"] == [{"name": "SCALE", "file": "prog.py", "line": 5, "rule": "value"}]
    assert answer["kept"] == [
        {
            "file": "prog.py",
            "line": 15,
            "construct": "ThreadPool.map",
            "reason": "threads share the memory of the main program and stay there",
        }
    ]
    assert answer["files"][0] == {"path": "data.csv", "travels": True, "reason": "in the current folder"}


@pytest_twisted.ensureDeferred
async def test_files_that_stay_say_why(work: Person) -> None:
    for name in (".git/config", "venv/pyvenv.cfg", "venv/lib/x.py", "big.dat", "deep/one.dat", "deep/two.txt", "__pycache__/x.pyc"):
        written(work, "", name)
    (work.folder / ".gitignore").write_text("*.dat\n")
    os.mkfifo(work.folder / "pipe")
    answer = await asked(work)
    assert reasons_of(answer, False) == {
        ".git": "hidden",
        ".gitignore": "hidden",
        ".secret": "hidden",
        "big.dat": "named by .gitignore",
        "deep/one.dat": "named by .gitignore",
        "pipe": "neither a file nor a folder",
        "venv": "a virtual environment",
    }
    assert "deep/two.txt" in reasons_of(answer, True)


@pytest_twisted.ensureDeferred
async def test_files_that_were_named_say_so(work: Person) -> None:
    written(work, "", "big.dat")
    (work.folder / ".gitignore").write_text("*.dat\n")
    answer = await asked(work, "--file", ".secret", "prog.py", "big.dat")
    assert reasons_of(answer, True)[".secret"] == "named by --file"
    assert reasons_of(answer, True)["big.dat"] == "named by an argument"


@pytest_twisted.ensureDeferred
async def test_a_folder_that_is_too_large_and_a_home_say_so(work: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "WHOLE_FILES", 2)
    assert reasons_of(await asked(work), False)[str(work.folder)].startswith("more than ")
    monkeypatch.setattr(reasons, "travels_whole", lambda place, home: False)
    assert "only what is named travels" in reasons_of(await asked(work), False)[str(work.folder)]


@pytest_twisted.ensureDeferred
async def test_what_the_source_opens_elsewhere_is_told_with_its_line(work: Person) -> None:
    written(
        work,
        "import glob\nopen('../data/x.csv')\nopen('/etc/hosts')\nopen('/dev/null')\nopen('data.csv')\nopen('new.txt', 'w')\n"
        "glob.glob('../data/*.csv')\nopen('../out/y', 'w')\nopen('.secret')\nopen('.new', 'w')\nopen('~/notes')\nopen('not there yet')\n",
    )
    told = [row["reason"] for row in (await asked(work))["files"] if ": " in row["reason"]]
    assert told == [
        "line 2: opens ../data/x.csv, which lies outside of what travels; name it with --file",
        "line 3: opens /etc/hosts, which is a place of each machine's own; use one in the current folder",
        "line 7: opens ../data/*.csv, which lies outside of what travels; name it with --file",
        "line 8: writes ../out/y, which lies outside of what travels; name its folder with --file",
        "line 9: opens .secret, which stays at home; name it with --file",
        "line 11: opens ~/notes, which lies outside of what travels; name it with --file",
    ]
    (work.folder / "helpers.py").write_text("def half(x):\n    return open('../data/z')\n")
    written(work, "import helpers\n")
    [told_of_module] = [row["reason"] for row in (await asked(work))["files"] if row["path"] == "../data/z"]
    assert told_of_module.startswith("helpers.py line 2: opens ../data/z,")


@pytest_twisted.ensureDeferred
async def test_what_was_named_with_file_is_not_told_again(work: Person, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "x.csv").write_text("1\n")
    written(work, f"open('{elsewhere}/x.csv')\nopen('{elsewhere}/y.csv')\n")
    told = [row["reason"] for row in (await asked(work, "--file", str(elsewhere / "x.csv"), "prog.py"))["files"] if ": " in row["reason"]]
    assert told == []


@pytest_twisted.ensureDeferred
async def test_standard_input_is_told_where_it_is_read(work: Person) -> None:
    written(work, "import sys\nfor line in sys.stdin:\n    pass\nsys.stdin.close()\n")
    [row] = [row for row in (await asked(work))["files"] if row["path"] == "-"]
    assert row["travels"] and row["reason"].startswith("line 2: reads standard input, which is sent as it comes")


def python_named(person: Person, name: str, script: str | None = None) -> Path:
    """A command on the person's PATH: this Python, or a shell script."""
    path = person.folder.parent / f"bin of {person.folder.name}" / name
    path.parent.mkdir(exist_ok=True)
    if script is None:
        script = f'exec "{sys.executable}" "$@"'
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    person.environ = {"PATH": str(path.parent)}
    return path


ASKING = {
    "": "as usual",
    "#!/usr/bin/env python3\n": "which it asks for by its first line",
    "# /// script\n# requires-python = '>=3.6'\n# ///\n": "which it asks for by its inline metadata",
}


@pytest.mark.parametrize("begin", ASKING)
@pytest_twisted.ensureDeferred
async def test_which_python_and_why(work: Person, begin: str) -> None:
    path = python_named(work, "python3")
    written(work, begin + "x = 1\n")
    assert await work.types("divide", "prog.py") == 0
    said = work.out.partition("\n\n")[0].replace("\n", " ")
    assert said == f"prog.py runs under Python 3.{sys.version_info[1]}, {ASKING[begin]} ({path})"


@pytest_twisted.ensureDeferred
async def test_a_python_that_is_not_here_is_one_sentence(work: Person) -> None:
    python_named(work, "python3")
    written(work, "print 'old'\n")
    assert await work.types("divide", "prog.py") == NO_FILE
    assert (work.out, work.err) == ("", "tasker: no python2 on the PATH; install it or name one with --python\n")


FAILING = {
    "its shim": ("echo 'shim: python3: command not found' >&2; echo 'more' >&2; exit 127", "shim: python3: command not found"),
    "its fault": ("echo Traceback >&2; echo 'ValueError: x' >&2; exit 1", "ValueError: x"),
    "its silence": ("exit 3", "exit code 3"),
    "its chatter": ("echo hello", "exit code 0"),
}


@pytest.mark.parametrize("what", FAILING)
@pytest_twisted.ensureDeferred
async def test_an_interpreter_that_cannot_look_is_one_sentence(work: Person, what: str) -> None:
    script, because = FAILING[what]
    path = python_named(work, "python3", script)
    assert await work.types("divide", "prog.py") == NO_FILE
    assert work.err == f"tasker: {path} could not look at {work.folder}/prog.py ({because}); --python names another\n"


@pytest_twisted.ensureDeferred
async def test_an_interpreter_that_finds_its_library_by_site_only_looks_as_well(work: Person) -> None:
    """As that of a virtual environment of 2.7 does."""
    without_site = "echo 'ImportError: No module named json' >&2; exit 1"
    python_named(work, "python3", f'case " $* " in *" -S "*) {without_site};; esac\nexec "{sys.executable}" "$@"')
    written(work, "x = 1\n")
    assert await work.types("divide", "prog.py") == 0, work.err


@pytest_twisted.ensureDeferred
async def test_an_interpreter_that_cannot_be_started_is_one_sentence(work: Person) -> None:
    assert await work.types("divide", "--python", "/nonexistent/python", "prog.py") == NO_FILE
    assert work.err == "tasker: /nonexistent/python cannot be started: No such file or directory\n"


@pytest_twisted.ensureDeferred
async def test_looking_takes_no_longer_than_its_limit(work: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "LIMIT_SECONDS", 0.2)
    path = python_named(work, "python3", "exec sleep 60")
    work.environ["PATH"] += os.pathsep + os.defpath
    assert await work.types("divide", "prog.py") == FAULT
    assert work.err == f"tasker: {path} did not finish looking at {work.folder}/prog.py within 0 s\n"


@pytest_twisted.ensureDeferred
async def test_a_mistake_in_the_program_is_told_with_its_line(work: Person) -> None:
    written(work, "x = 1\ndef f(:\n")
    assert await work.types("divide", "--python", sys.executable, "prog.py") == FAILED
    assert work.err == f"tasker: prog.py, line 2: invalid syntax; it was read by {sys.executable}, and --python names another\n"


@pytest_twisted.ensureDeferred
async def test_a_mistake_in_a_module_is_told_beside_the_rest(work: Person) -> None:
    (work.folder / "helpers.py").write_text("def half(:\n")
    assert await work.types("divide", "--python", sys.executable, "prog.py") == 0
    assert "  line 13  Pool.map of work\n" in work.out
    assert "  a module of the program, but line 1: invalid syntax\n" in work.out


@pytest_twisted.ensureDeferred
async def test_a_module_is_looked_at_by_its_name(work: Person) -> None:
    written(work, "", "pack/__init__.py")
    written(work, "from . import inner\ninner.go()\n", "pack/__main__.py")
    written(work, "import multiprocessing\ndef go():\n    multiprocessing.Pool().map(len, [])\n", "pack/inner.py")
    answer = await asked(work, "-m", "pack")
    assert (answer["program"], [(row["file"], row["line"]) for row in answer["portions"]]) == ("pack", [("pack/inner.py", 3)])
    assert await work.types("divide", "-m", "json.tool") == NO_FILE
    assert work.err == "tasker: -m json.tool: no such module in this folder; what is installed elsewhere is not looked into\n"


@pytest_twisted.ensureDeferred
async def test_what_is_mistyped_is_said_before_anything_is_read(work: Person) -> None:
    assert await work.types("divide", "nix.py") == NO_FILE
    assert await work.types("divide", "--nix", "prog.py") == USAGE
    assert await work.types("divide") == USAGE
    assert work.err.startswith("tasker: nix.py: no such file\n")


@pytest_twisted.ensureDeferred
async def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(work: Person) -> None:
    assert await work.types("run", "--dry-run", "-j", "3", "--python", sys.executable, "prog.py", "--json") == 0
    assert "  line 13  Pool.map of work\n" in work.out
    assert work.out.endswith(
        "\nwould be sent: 389 B at most, less what the server has from before; how many items there are shows when it runs; on at most 3 slots\n"
    )
    assert not (work.folder / "was run").exists()


@pytest_twisted.ensureDeferred
async def test_a_dry_run_needs_no_python_of_its_own_unless_it_is_to_be_local(work: Person) -> None:
    python_named(work, "python3")
    assert await work.types("run", "--dry-run", "--python", "2.7", "prog.py") == 0
    assert work.out.startswith("prog.py runs under Python 2.7, as --python says; this machine has none to look\nat the source with\n")
    assert "portions" not in work.out
    assert await work.types("run", "--dry-run", "--local=2", "--python", "2.7", "prog.py") == NO_FILE


@pytest_twisted.ensureDeferred
async def test_a_dry_run_that_is_to_divide_nothing_looks_for_nothing(work: Person) -> None:
    python_named(work, "python3", "exit 1")
    assert await work.types("run", "--dry-run", "--divide", "none", "--local=2", "prog.py") == 0
    assert "portions" not in work.out
    assert work.out.endswith("less what the server has from before; on 2 slots of this machine\n")


@pytest_twisted.ensureDeferred
async def test_a_dry_map_counts_its_items(work: Person) -> None:
    assert await work.types("map", "--dry-run", "--range", "0:1000", "--chunk-size", "10", "prog.py:work") == 0
    assert work.out.endswith("one portion, work: 1,000 items, in chunks of 10; on all slots that are free\n")
    work.stdout.truncate(0)
    assert await work.types("map", "--dry-run", "prog.py:work", "a") == 0
    assert "one portion, work: 1 item, in chunks cut by the measured time of an item;" in work.out


def division(*files: Fate) -> Division:
    return Division("prog.py", "/home/ada/work", Chosen("3.11", "/usr/bin/python3", "as usual"), files)


def text_of(*files: Fate) -> str:
    return render(division_page(division(*files)), 80, colour=False)


def test_many_files_are_told_by_folder() -> None:
    many = [Fate(f"data/{number}.csv", True, "in the current folder", 1000) for number in range(300)]
    told = text_of(*many, Fate("prog.py", True, "the program", 10), Fate("/opt/tables/a", True, "named by --file", 5))
    assert "  data/: 300 files  300 kB  in the current folder\n" in told
    assert "  prog.py             10 B  the program\n" in told
    assert "  /opt/tables/a        5 B  named by --file\n" in told
    assert "  302 files, 300 kB\n" in told


def test_names_of_files_are_safe_for_a_terminal() -> None:
    assert "\x1b" not in text_of(Fate("evil\x1b[2J", True, "in the current folder"), Fate("bad\x1b]", False, "hidden"))
