"""A program under the keeper finds what it finds under python: its surroundings are dumped in both and compared."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.conftest import Keep

DUMP = """
import json, os, signal, site, sys, threading
import __main__
if sys.version_info[0] == 2:
    ours = set(["_ctypes", "fcntl"])
else:
    ours = set()
out, names = sys.stdout, sorted(vars(__main__))
seen = {
    "argv": sys.argv, "path": sys.path, "environ": sorted(os.environ.items()), "flags": repr(sys.flags), "executable": sys.executable,
    "file": getattr(__main__, "__file__", None), "name": __name__, "package": repr(globals().get("__package__")),
    "main": names, "spec": repr(getattr(__main__, "__spec__", None)).split(" at 0x")[0], "cwd": os.getcwd(),
    "out": [out.encoding, getattr(out, "errors", None), out.mode, out.name, repr(getattr(out, "newlines", None)), out.isatty()],
    "same": [sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, sys.stdin is sys.__stdin__],
    "limit": sys.getrecursionlimit(), "hooks": len(sys.path_hooks), "importers": sorted(map(str, sys.path_importer_cache)),
    "signals": list(str(signal.getsignal(number)) for number in range(1, 32)),
    "threads": threading.active_count(), "descriptor": os.open(os.devnull, os.O_RDONLY), "switch": getattr(sys, "excepthook").__name__,
    "modules": sorted(name for name in sys.modules if (name + ".").split(".")[0] not in ("marx", "__future__") and name not in ours),
    "meta_path": list(type(finder).__name__ for finder in sys.meta_path if not type(finder).__module__.startswith("marx.")),
    "umask": os.umask(0o22), "orig": getattr(sys, "orig_argv", None), "usercustomize": "usercustomize" in sys.modules,
    "sitecustomize": sorted(vars(sys.modules["sitecustomize"])) if "sitecustomize" in sys.modules else None,
}
print(json.dumps(seen, sort_keys=True, indent=1))
"""

DIVIDED = pytest.mark.parametrize("divide", ["none", "found", "every"])


def plain(python: UserPython, place: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """A run without us."""
    command = [python.path, *words]
    env = {"PATH": os.defpath, "LANG": "C.UTF-8", **environ}
    return subprocess.run(command, cwd=place, env=env, stdin=subprocess.DEVNULL, capture_output=True)


def compare(keep: Keep, python: UserPython, place: Path, *words: str, divide: str = "found", **environ: str) -> str:
    """Run the words both ways; what both print."""
    expected = plain(python, place, *words, **environ)
    keeper = keep(None, *words, divide=divide, environ=environ)
    ending = keeper.run()
    assert keeper.printed(2) == expected.stderr
    assert keeper.printed() == expected.stdout
    assert ending.outcome == {"exit": expected.returncode, "signal": None}
    return expected.stdout.decode()


@DIVIDED
def test_a_program_finds_the_surroundings_of_a_plain_run(keep: Keep, user_python: UserPython, place: Path, divide: str) -> None:
    (place / "prog.py").write_text(DUMP)
    assert '"argv"' in compare(keep, user_python, place, "prog.py", "a", "--b", "c d", divide=divide)


@DIVIDED
@pytest.mark.parametrize("path", ["", "{place}/more", "{place}/more:{place}/other"])
def test_the_callers_own_path_is_where_it_was(keep: Keep, user_python: UserPython, place: Path, divide: str, path: str) -> None:
    (place / "more").mkdir()
    (place / "more" / "extra.py").write_text("where = __file__")
    text = DUMP + ("import extra\nprint(extra.where.replace('.pyc', '.py'))\n" if path else "")
    (place / "prog.py").write_text(text)
    environ = {"PYTHONPATH": path.format(place=place), "PYTHONDONTWRITEBYTECODE": "1"}
    said = compare(keep, user_python, place, "prog.py", divide=divide, **environ)
    assert not path or "more/extra.py" in said


@DIVIDED
def test_the_real_sitecustomize_is_run_once(keep: Keep, user_python: UserPython, place: Path, divide: str) -> None:
    (place / "lib").mkdir()
    text = "import os, sys\nmark = sys.path[0]\nprint('customized %r' % os.environ.get('PYTHONPATH'))"
    (place / "lib" / "sitecustomize.py").write_text(text)
    (place / "prog.py").write_text("import sitecustomize\nprint(sitecustomize.__file__.replace('.pyc', '.py'))\n" + DUMP)
    path = {"PYTHONPATH": str(place / "lib"), "PYTHONDONTWRITEBYTECODE": "1"}
    said = compare(keep, user_python, place, "prog.py", divide=divide, **path)
    assert said.count("customized") == 1 and "lib/sitecustomize.py" in said


def test_one_that_fails_says_the_same(keep: Keep, user_python: UserPython, place: Path) -> None:
    (place / "lib").mkdir()
    (place / "lib" / "sitecustomize.py").write_text("1 / 0")
    (place / "prog.py").write_text("print('runs all the same')")
    assert compare(keep, user_python, place, "prog.py", PYTHONPATH=str(place / "lib"), PYTHONDONTWRITEBYTECODE="1")


@pytest.mark.parametrize("kind", ["module", "package", "folder", "zip"])
def test_every_way_of_starting_a_program_works(keep: Keep, user_python: UserPython, place: Path, kind: str) -> None:
    package = place / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "near.py").write_text("value = 'near'")
    (package / "__main__.py").write_text(DUMP)
    (package / "tool.py").write_text("from . import near\nprint(near.value)\n" + DUMP)
    with zipfile.ZipFile(place / "app.zip", "w") as archive:
        archive.writestr("__main__.py", DUMP)
    words = {"module": ("-m", "pkg.tool", "x"), "package": ("-m", "pkg"), "folder": ("pkg", "-x"), "zip": ("app.zip", "y")}
    assert '"argv"' in compare(keep, user_python, place, *words[kind], PYTHONDONTWRITEBYTECODE="1")


@pytest.mark.parametrize(
    "environ",
    [{"LANG": "C"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONHASHSEED": "7"}, {}],
)
def test_text_comes_out_in_the_same_bytes(keep: Keep, user_python: UserPython, place: Path, environ: dict[str, str]) -> None:
    hashed = "print(hash('a'))\n" if "PYTHONHASHSEED" in environ else ""
    accented = "sys.stdout.write(u'\\xe9\\n' if 'LANG' not in os.environ and sys.stdout.encoding else 'e\\n')\n"
    (place / "prog.py").write_text("import os, sys\nprint(sys.stdout.encoding)\n" + hashed + accented + "sys.stdout.write('a\\nb')\n")
    compare(keep, user_python, place, "prog.py", **environ)


def test_a_virtual_environment_is_one(keepers: Keep, place: Path, interpreters: tuple[UserPython, ...]) -> None:
    newest = interpreters[-1]
    subprocess.run([newest.path, "-m", "venv", "--without-pip", str(place / "env")], check=True)
    python = newest._replace(path=str(place / "env" / "bin" / "python"))
    [site] = (place / "env" / "lib").glob("python*/site-packages")
    (site / "installed.py").write_text("where = __file__")
    (place / "prog.py").write_text("import installed, sys\nprint(installed.where, sys.prefix)\n" + DUMP)
    assert str(site) in compare(partial(keepers, python), python, place, "prog.py", PYTHONDONTWRITEBYTECODE="1")


def test_lines_come_out_at_once_and_what_a_program_starts_is_plain(keep: Keep) -> None:
    keeper = keep(
        """
        import os, subprocess, sys
        print("a line")
        sys.stdout.write("half")
        child = "import os, sys; print(sorted(name for name in sys.modules if 'marx' in name), 'PYTHONPATH' in os.environ)"
        subprocess.check_call([sys.executable, "-c", child])
        print(" a line")
        os._exit(0)
        """,
        divide="found",
    )
    assert keeper.run().outcome == {"exit": 0, "signal": None}
    lines = keeper.printed().splitlines()
    assert lines[0] == b"a line"
    assert lines[1].replace(b"half", b"") in (b"[] False", b"([], False)", b"[], False")
    assert b"".join(lines[2:]) in (b"half a line", b" a line")


def test_nothing_is_written_beside_the_programs_modules(keep: Keep, place: Path) -> None:
    (place / "near.py").write_text("value = 1")
    keeper = keep("import near", roots=[str(place)])
    assert keeper.run().files == {}
    assert sorted(path.name for path in place.iterdir()) == ["near.py", "prog.py"]


def test_the_dump_sees_differences() -> None:
    answers = [subprocess.run([sys.executable, *flags, "-c", DUMP], capture_output=True).stdout for flags in ([], ["-O"])]
    assert answers[0] and answers[0] != answers[1]
