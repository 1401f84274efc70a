"""How a program is loaded, and what is said where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marx.worker.messages import LoadFailed
from tests.pythons import UserPython
from tests.runner.conftest import ZOO, Start
from tests.runner.driving import Driver
from tests.runner.spawning import is_alive


def test_the_program_is_main_and_its_guard_is_not_run(zoo: Driver) -> None:
    [found] = zoo.map([["surroundings"]]).values
    assert found == {
        **{"name": "__mp_main__", "main is us": True, "also": True, "file": str(ZOO), "path": str(ZOO.parent), "cwd": str(ZOO.parent)},
        **{"argv": [str(ZOO)], "marx": [], "shadowed": []},
    }


def test_arguments_and_working_directory_are_the_tasks(start_some: Start, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    runner = start_some(
        "import os, sys\nARGV, CWD = list(sys.argv), os.getcwd()\ndef f(x): return [ARGV, CWD]",
        cwd=str(tmp_path / "elsewhere"),
        argv=["program.py", "--fast", "ü"],
    )
    runner.give_range(1)
    assert runner.run(0, 1).values == [[["program.py", "--fast", "ü"], str(tmp_path / "elsewhere")]]


def test_a_sibling_is_imported_whatever_it_is_called(start: Start, tmp_path: Path) -> None:
    (tmp_path / "pipe.py").write_text("NAME = 'theirs'")
    (tmp_path / "chunk.py").write_text("import pipe\nNAME = pipe.NAME + ' too'")
    runner = start("import chunk, pipe\ndef f(x): return [pipe.NAME, chunk.NAME]")
    runner.give_range(1)
    assert runner.run(0, 1).values == [["theirs", "theirs too"]]
    assert not list(tmp_path.glob("*.pyc")) and not (tmp_path / "__pycache__").exists()


def test_a_function_of_a_module(begin: Start, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("def g(x): return [x, __name__]")
    runner = begin("", "g", program=None, module="package.inner")
    runner.loaded()
    runner.give_range(1)
    assert runner.run(0, 1).values == [[0, "package.inner"]]


def test_a_method_is_named_by_its_class(start_some: Start) -> None:
    runner = start_some("class A(object):\n    @staticmethod\n    def double(x): return 2 * x", "A.double")
    runner.give_range(2)
    assert runner.run(0, 2).values == [0, 2]


def test_a_class_of_the_program_can_be_pickled_by_its_name(start: Start) -> None:
    runner = start(
        """
        import pickle
        class A(object): pass
        def f(x): return type(pickle.loads(pickle.dumps(A()))) is A
        """
    )
    runner.give_range(1)
    assert runner.run(0, 1).values == [True]


def test_what_was_loaded_is_told_with_the_version(begin: Start, user_python: UserPython) -> None:
    loaded = begin("def f(x): pass").loaded()
    assert (loaded.fork, loaded.why) == (True, "")
    assert loaded.python == "%d.%d.%d" % user_python.version
    assert 0 <= loaded.seconds < 20


@pytest.mark.parametrize(
    ("text", "what", "kind", "message"),
    [
        ("def g(x): pass", "function", "AttributeError", "there is no 'f' in {program}"),
        ("f = 3", "function", "TypeError", "'f' is not a function: it is int"),
        ("def f(x: return x", "program", "SyntaxError", "line 1"),
        ("import no_such_module_at_all", "program", ("ModuleNotFoundError", "ImportError"), "no_such_module_at_all"),
        ("import sys\nsys.exit('not today')", "program", "SystemExit", "not today"),
        ("def g(): raise KeyError('k')\ng()", "program", "KeyError", "'k'"),
        ("raise KeyboardInterrupt", "program", "KeyboardInterrupt", ""),
    ],
)
def test_a_program_that_cannot_be_loaded_is_told_with_its_own_traceback(
    begin_some: Start, tmp_path: Path, text: str, what: str, kind: str | tuple[str, ...], message: str
) -> None:
    failed = begin_some(text).load_failed()
    assert failed.what == what
    assert failed.type in kind
    assert message.format(program=tmp_path / "program.py") in failed.message
    assert "runner" not in failed.traceback
    if what == "program" and kind != "SystemExit":
        assert 'program.py", line' in failed.traceback


def test_a_syntax_error_is_shown_with_its_line(begin: Start) -> None:
    failed = begin("x = 1\ny = = 2\n").load_failed()
    assert failed.type == "SyntaxError"
    assert "y = = 2" in failed.traceback and "line 2" in failed.traceback


def test_a_program_that_fails_when_its_threads_and_processes_run_already_leaves_none(begin_some: Start, tmp_path: Path) -> None:
    failed = begin_some(
        """
        import subprocess, threading, time
        threading.Thread(target=time.sleep, args=(1000,)).start()
        with open("pid", "w") as file: file.write(str(subprocess.Popen(["sleep", "1000"]).pid))
        raise ValueError("enough")
        """
    ).load_failed()
    assert (failed.what, failed.message) == ("program", "enough")
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_program_that_is_not_there_and_a_folder_that_is_not_there_are_told(begin_some: Start, tmp_path: Path) -> None:
    failed = begin_some("", program=str(tmp_path / "other.py")).load_failed()
    assert failed.what == "program" and "other.py" in failed.message
    failed = begin_some("", cwd=str(tmp_path / "nowhere")).load_failed()
    assert failed.what == "program" and "nowhere" in failed.message


def test_a_module_that_is_not_there_is_told(begin_some: Start) -> None:
    failed = begin_some("", program=None, module="no.such.module").load_failed()
    assert (failed.what, failed.type in ("ImportError", "ModuleNotFoundError")) == ("program", True)


def test_source_in_its_own_encoding_is_read_as_python_does(start: Start) -> None:
    runner = start(b"# -*- coding: latin-1 -*-\nNAME = u'\xe9'\ndef f(x): return NAME")
    runner.give_range(1)
    assert runner.run(0, 1).values == ["é"]


def test_paths_may_hold_any_bytes(begin: Start, tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xc3\xa9")
    os.mkdir(folder)
    program = os.path.join(folder, "p.py")
    Path(program).write_text("import os\ndef f(x): open('out\\xfe' if str is bytes else b'out\\xfe', 'w').close()")
    runner = begin("", program=program, cwd=folder, roots=[folder])
    assert type(runner.hear()) is not LoadFailed
    runner.give_range(1)
    outcome = runner.run(0, 1)
    assert outcome.files == {"out\udcfe": b""}
