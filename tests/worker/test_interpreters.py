"""What is known of an interpreter, which one is meant, and how they are asked and found."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from marx.worker.finding import candidates, find_interpreters
from marx.worker.interpreters import Interpreter, best
from marx.worker.paths import is_within
from marx.worker.probing import NotAnInterpreter, own_interpreter, probe_one
from tests.pythons import UserPython
from tests.worker.interpreter_builder import an_interpreter

FACTS = {
    "version": (3, 9, 1),
    "implementation": "cpython",
    "executable": "",
    "prefixes": ["/opt/x", "/opt/x", "/opt/x"],
    "path": [],
    "mapped": [],
}


def executable(path: Path, script: str = "exit 0") -> str:
    """A program in the shell's language."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script + "\n")
    path.chmod(0o755)
    return str(path)


def binary(path: Path) -> str:
    """What looks like a compiled interpreter from outside; it cannot be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF of " + str(path).encode())
    path.chmod(0o755)
    return str(path)


# Which one is meant


@pytest.mark.parametrize("wanted", ["3", "3.11", "3.11.7", "/opt/python3.11/bin/python3.11"])
def test_a_version_matches_by_its_parts(wanted: str) -> None:
    assert an_interpreter((3, 11, 7)).matches(wanted)


@pytest.mark.parametrize("wanted", ["2", "3.1", "3.11.70", "3.12", "/opt/python3.1/bin/python3.1", "11"])
def test_another_version_does_not(wanted: str) -> None:
    assert not an_interpreter((3, 11, 7)).matches(wanted)


def test_a_path_matches_by_what_it_leads_to_but_an_environment_is_its_own(tmp_path: Path) -> None:
    base = binary(tmp_path / "base" / "bin" / "python3.11")
    (tmp_path / "bin").mkdir()
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    for link in ("bin/python", "env/bin/python"):
        (tmp_path / link).symlink_to(base)
    assert an_interpreter(path=base).matches(str(tmp_path / "bin" / "python"))
    assert not an_interpreter(path=base).matches(str(tmp_path / "env" / "bin" / "python"))
    assert an_interpreter(path=str(tmp_path / "env/bin/python")).matches(str(tmp_path / "env/bin/python"))


def test_the_newest_is_best_then_cpython_then_the_first() -> None:
    pypy = an_interpreter((3, 10, 1), implementation="pypy", path="/pypy")
    first, second = an_interpreter((3, 10, 1), path="/first"), an_interpreter((3, 10, 1), path="/second")
    older = an_interpreter((3, 9, 20))
    assert best([older, pypy, first, second], "3") is first
    assert best([pypy, older], "3") is pypy
    assert best([older, first], "3.9") is older
    assert best([older, first], "2.7") is None


def test_an_interpreter_survives_being_written_down() -> None:
    one = an_interpreter(folders=("/a", "/b"), links=(("/target", "/link"),))
    assert Interpreter.from_json(json.loads(json.dumps(one.to_json()))) == one


# Asking one


def test_every_python_describes_itself(user_python: UserPython) -> None:
    one = probe_one(user_python.path)
    assert (one.version, one.implementation) == (user_python.version, "cpython")
    assert one.path == os.path.realpath(user_python.path)
    assert is_within(one.prefix, "/usr", *one.folders)
    assert not one.links


def test_an_environment_keeps_its_path_and_shows_what_it_stands_on(tmp_path: Path) -> None:
    home = tmp_path / "é home"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "env")], check=True)
    one = probe_one(str(home / "env" / "bin" / "python"))
    base = os.path.realpath(sys.base_prefix)
    assert one.path == str(home / "env" / "bin" / "python")
    assert (one.prefix, os.path.realpath(one.base_prefix)) == (str(home / "env"), base)
    assert one.folders[0] == str(home / "env")
    assert is_within(base, "/usr", *one.folders)


def test_links_on_the_way_to_an_environments_python_are_listed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    between = tmp_path / "bin" / "python"
    between.parent.mkdir()
    between.symlink_to(os.path.realpath(python))
    python.unlink()
    python.symlink_to(between)
    assert probe_one(str(python)).links == ((os.path.realpath(python), str(between)),)


def test_what_the_path_and_the_libraries_need_outside_the_prefix_is_listed(tmp_path: Path) -> None:
    outside, library = tmp_path / "sources", tmp_path / "lib" / "libpython.so"
    outside.mkdir()
    binary(library)
    facts = {**FACTS, "path": [str(outside), "", str(tmp_path / "gone")], "mapped": [str(library), "/usr/lib/libc.so"]}
    one = probe_one(executable(tmp_path / "bin" / "python", "echo; echo %s" % quoted(facts)))
    assert one.folders == ("/opt/x", str(outside), str(library.parent))


def quoted(facts: dict[str, object]) -> str:
    """The facts as the shell's echo is given them."""
    return "'marx:%s'" % repr(facts).replace("'", '"')


def test_paths_of_python_2_are_bytes_and_come_through(tmp_path: Path) -> None:
    place = tmp_path / "café"
    place.mkdir()
    shown = repr(os.fsencode(place))[2:-1]
    facts = repr({**FACTS, "version": (2, 7, 18), "path": ["PLACE"]}).replace("PLACE", shown).replace("'", '"')
    script = "cat <<'END'\n\nmarx:%s\nEND" % facts
    assert str(place) in probe_one(executable(tmp_path / "python", script)).folders


def test_noise_at_start_up_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    script = "echo marx:nonsense; echo; echo %s" % quoted(FACTS)
    assert probe_one(executable(tmp_path / "python", script)).version == (3, 9, 1)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo Hello", "is not a Python that runs here: it said nothing"),
        ("echo 'no such version' >&2; exit 127", "is not a Python that runs here: no such version"),
        ("echo; echo %s" % quoted({**FACTS, "version": (2, 6, 9)}), "is Python 2.6; programs run on 2.7 and from 3.6 on"),
        ("echo; echo %s" % quoted({**FACTS, "version": (3, 5, 9)}), "is Python 3.5; programs run on 2.7 and from 3.6 on"),
        ("echo; echo 'marx:{'", "is not a Python that runs here: it said something else than was asked"),
        ("echo; echo 'marx:{}'", "is not a Python that runs here: it said something else than was asked"),
    ],
)
def test_what_is_no_usable_python_is_refused_with_the_reason(tmp_path: Path, script: str, complaint: str) -> None:
    path = executable(tmp_path / "python", script)
    with pytest.raises(NotAnInterpreter) as refused:
        probe_one(path)
    assert str(refused.value) == "%s %s" % (path, complaint)


def test_one_that_hangs_is_given_up(tmp_path: Path) -> None:
    path = executable(tmp_path / "python", "exec cat /dev/zero >/dev/null")
    with pytest.raises(NotAnInterpreter, match="did not answer within 0.2 seconds"):
        probe_one(path, timeout_seconds=0.2)


def test_one_that_is_missing_or_not_executable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAnInterpreter, match="cannot be run: No such file or directory"):
        probe_one(str(tmp_path / "python"))
    plain = tmp_path / "plain"
    plain.touch(mode=0o644)
    with pytest.raises(NotAnInterpreter, match="plain cannot be run: it is not executable by this user"):
        probe_one(str(plain))


def test_this_process_describes_itself_as_a_probe_would() -> None:
    own, probed = own_interpreter(), probe_one(sys.executable)
    assert (own.path, own.version, own.prefix) == (probed.path, probed.version, probed.prefix)


# Finding them


class Asked:
    """A probe that starts nothing: it knows what each path under `folder` is, and counts."""

    def __init__(self, folder: Path, known: dict[str, Interpreter]) -> None:
        self.folder = folder
        self.known = known
        self.paths: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, path: str) -> Interpreter:
        with self._lock:
            self.paths.append(path)
        if os.path.realpath(path) not in self.known:
            raise NotAnInterpreter("%s is none" % path)
        return self.known[os.path.realpath(path)]

    def ours(self) -> list[str]:
        """The paths that were asked, without those of the machine that the test runs on."""
        return sorted(path for path in self.paths if is_within(path, str(self.folder)))


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Asked]:
    """Makes a probe for interpreters at these places, which it puts there."""

    def make(**versions: tuple[int, int, int]) -> Asked:
        paths = {binary(tmp_path / place.replace("__", "/").replace("_", ".")): version for place, version in versions.items()}
        return Asked(tmp_path, {path: an_interpreter(version, path=path) for path, version in paths.items()})

    return make


def in_home(folder: Path) -> dict[str, str]:
    """The environment of a person whose home is `folder`."""
    return {"HOME": str(folder), "PATH": "%s/bin:relative" % folder}


def test_interpreters_are_found_on_the_path_and_where_they_are_installed(tmp_path: Path) -> None:
    places = [
        "bin/python3.9",
        ".pyenv/versions/2.7.18/bin/python2.7",
        "miniconda3/bin/python3.12",
        "miniconda3/envs/old/bin/python",
        ".local/share/uv/python/cpython-3.13/bin/python3.13",
        "bin/pypy3.10",
    ]
    for place in places:
        binary(tmp_path / place)
    found = [path for path in candidates(in_home(tmp_path)) if is_within(path, str(tmp_path))]
    assert sorted(found) == sorted(str(tmp_path / place) for place in places)


def test_shims_environments_and_other_programs_are_left_alone(tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "python3.9")
    (tmp_path / ".pyenv/versions/env/bin").mkdir(parents=True)
    (tmp_path / ".pyenv/versions/env/pyvenv.cfg").touch()
    binary(tmp_path / ".pyenv/versions/env/bin/python3.9")
    for name in ("python3.9-config", "python3.9-dbg", "ipython3", "pythonw", "python4.1"):
        binary(tmp_path / "bin" / name)
    (tmp_path / "bin" / "python3.8").write_bytes(b"\x7fELF, not executable")
    assert [path for path in candidates(in_home(tmp_path)) if is_within(path, str(tmp_path))] == []


def test_one_executable_with_many_names_is_asked_once(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe = asked(bin__python3_9=(3, 9, 1))
    for name in ("python", "python3"):
        (tmp_path / "bin" / name).symlink_to("python3.9")
    [found] = find_interpreters(["~/bin/python", "~/bin/python3"], in_home(tmp_path), None, probe)
    assert probe.ours() == [str(tmp_path / "bin" / "python")]
    assert {found.path, *found.names} == {str(tmp_path / "bin" / name) for name in ("python", "python3", "python3.9")}
    assert found.path not in found.names


def test_what_was_named_comes_first_and_may_be_anywhere(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe = asked(bin__python3_9=(3, 9, 1), strange__place=(3, 8, 1))
    found = find_interpreters(["~/strange/place"], in_home(tmp_path), None, probe)
    assert [one.version for one in found] == [(3, 8, 1), (3, 9, 1)]


def test_what_was_named_must_be_one_and_what_was_found_need_not(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe = asked()
    broken = binary(tmp_path / "bin" / "python3.9")
    assert find_interpreters([], in_home(tmp_path), None, probe) == ()
    with pytest.raises(NotAnInterpreter, match="%s is none" % broken):
        find_interpreters([broken], in_home(tmp_path), None, probe)


def test_what_has_not_changed_is_not_asked_again(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe, cache = asked(bin__python3_9=(3, 9, 1), bin__python3_8=(3, 8, 1)), tmp_path / "cache.json"
    first = find_interpreters([], in_home(tmp_path), cache, probe)
    assert find_interpreters([], in_home(tmp_path), cache, probe) == first
    assert len(probe.ours()) == 2
    (tmp_path / "bin" / "python3.9").write_bytes(b"\x7fELF of another size")
    assert find_interpreters([], in_home(tmp_path), cache, probe) == first
    assert probe.ours()[2:] == [str(tmp_path / "bin" / "python3.9")]


UNREADABLE = ["", "{", "[]", '{"format": 0, "interpreters": {}}', '{"format": 1}', '{"format": 1, "interpreters": [1]}']


@pytest.mark.parametrize("content", UNREADABLE)
def test_a_cache_that_cannot_be_read_costs_time_only(tmp_path: Path, asked: Callable[..., Asked], content: str) -> None:
    probe, cache = asked(bin__python3_9=(3, 9, 1)), tmp_path / "cache.json"
    cache.write_text(content)
    assert [one.version for one in find_interpreters([], in_home(tmp_path), cache, probe)] == [(3, 9, 1)]
    assert json.loads(cache.read_text())["format"] == 1


def test_a_record_that_makes_no_sense_is_asked_for_again(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe, cache = asked(bin__python3_9=(3, 9, 1)), tmp_path / "cache.json"
    find_interpreters([], in_home(tmp_path), cache, probe)
    record = json.loads(cache.read_text())
    record["interpreters"][probe.ours()[0]]["interpreter"] = {"version": [3]}
    cache.write_text(json.dumps(record))
    assert [one.version for one in find_interpreters([], in_home(tmp_path), cache, probe)] == [(3, 9, 1)]
    assert len(probe.ours()) == 2


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_start(tmp_path: Path, asked: Callable[..., Asked]) -> None:
    probe = asked(bin__python3_9=(3, 9, 1))
    assert len(find_interpreters([], in_home(tmp_path), tmp_path / "no" / "such" / "folder", probe)) == 1


def test_the_real_ones_are_found_and_remembered(tmp_path: Path, interpreters: tuple[UserPython, ...]) -> None:
    cache = tmp_path / "cache.json"
    named = [python.path for python in interpreters]
    found = find_interpreters(named, dict(os.environ), cache)
    assert [one.version for one in found[: len(named)]] == [python.version for python in interpreters]
    assert find_interpreters(named, dict(os.environ), cache) == found
