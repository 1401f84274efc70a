"""The proof of other people's sequential programs: its list, what it asks and counts, its clock, its record. The packages are the command's."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.proofs.foreign.__main__ import foreign
from tests.proofs.foreign.listing import named, packages
from tests.proofs.foreign.page import page
from tests.proofs.foreign.record import Record
from tests.proofs.foreign.rows import Look, Run, Site, Slow, Survey, alike
from tests.proofs.foreign.running import last_line, run
from tests.proofs.foreign.surveying import looks
from tests.proofs.foreign.timing import TAKING, decided, gained, is_of, slow
from tests.proofs.manifest import BadManifest, Environment, Program
from tests.proofs.outcomes import Outcome
from tests.proofs.real_programs import Trial
from tests.proofs.ways import Call, Portion, TookTooLong
from tests.pythons import UserPython

LISTED = packages()

PROGRAM = """
import random
def step(x):
    return sum(i * i for i in range(x))
total = 0
for x in range(40):
    total += step(x)
print(total, [random.random() > 2 for x in range(3)])
while total > 5:
    total = step(3) - 1
"""


def test_the_list_is_as_long_and_as_varied_as_the_proof_demands() -> None:
    assert len(LISTED) >= 15
    assert sum(package.environment.python == "2.7" for package in LISTED) >= 4
    assert sum(package.environment.python != "2.7" for package in LISTED) >= 4


def test_everything_on_the_list_is_pinned_and_every_exception_has_its_reason() -> None:
    for package in LISTED:
        name, _, version = package.source.requirement.partition("==")
        assert version and package.source.file.startswith(f"{name}-{version}.") and len(package.source.sha256) == 64
        assert all("==" in requirement for requirement in package.environment.requirements)
        assert all(package.leave.values()) and all(mask.reason for _, mask in package.masks)
    assert len({package.name for package in LISTED}) == len(LISTED)


def test_packages_are_chosen_by_a_part_of_their_names() -> None:
    assert named(LISTED, []) == LISTED
    assert {package.name.partition("-")[0] for package in named(LISTED, ["deap", "simpy"])} == {"deap", "simpy"}


ONE = """[environments.e]
python = "%d.%d"
[packages."thing-1.0"]
requirement = "thing==1.0"
file = "thing-1.0.tar.gz"
sha256 = "%s"
environment = "e"
programs = ["examples/**/*.py"]
"""


@pytest.mark.parametrize(("old", "new", "said"), [('"e"', '"f"', "thing-1.0: 'f'"), ("programs", "scripts", "scripts?"), ("sha256", "md5", "md5?")])
def test_a_mistake_in_the_list_is_told(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text((ONE % (3, 11, 64 * "0")).replace(old, new))
    with pytest.raises(BadManifest, match=said.replace("?", r"\?")):
        packages(tmp_path / "list.toml")


def test_all_that_is_python_in_the_named_folders_is_a_program_but_for_what_is_left_out(tmp_path: Path) -> None:
    more = 'leave = { "examples/no.py" = "it is a template" }\nmasks = [{ programs = "*two.py", where = "stdout", reason = "r" }]\n'
    (tmp_path / "list.toml").write_text(ONE % (3, 11, 64 * "0") + more)
    [package] = packages(tmp_path / "list.toml")
    for name in ("examples/one.py", "examples/deep/two.py", "examples/no.py", "examples/deep/__init__.py", "examples/data.txt", "setup.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert package.files(tmp_path) == ["examples/deep/two.py", "examples/one.py"]
    one, two = package.program("examples/one.py"), package.program("examples/deep/two.py")
    assert (one.run, one.take, one.masks) == (("one.py",), ("examples",), ())
    assert (two.take, [mask.reason for mask in two.masks]) == (("examples/deep",), ["r"])


def test_the_programs_own_python_says_what_is_proved_and_why_not(user_python: UserPython, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from __future__ import print_function\n" + PROGRAM)
    (tmp_path / "two.py").write_text("this is no program\n")
    survey = Survey()
    for look in looks(user_python.path, tmp_path, ["one.py", "two.py"]):
        survey.add(look)
    assert (survey.programs, survey.places, survey.work, survey.proved, survey.whiles) == (2, 3, 2, 1, 1)
    assert list(survey.unread) == ["two.py"]
    assert list(survey.reasons) == ["line N: the comprehension draws from a random generator that is shared by all items (`...`)"]


def test_an_interpreter_that_dies_costs_the_programs_that_it_did_not_come_to(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nread -r asked\necho '{\"error\": \"bad\"}'\n")
    (tmp_path / "python").chmod(0o755)
    assert [look.error for look in looks(str(tmp_path / "python"), tmp_path, ["a.py", "b.py"])] == ["bad", "the interpreter ended"]


def test_reasons_are_alike_without_names_and_numbers() -> None:
    assert alike("line 12: the loop calls `f`, which changes `x.y` (line 3)") == alike("line 2: the loop calls `g`, which changes `z` (line 30)")


def timed(python: str, text: str, sites: Sequence[tuple[int, str, bool]], folder: Path) -> tuple[dict[str, int], subprocess.CompletedProcess[str]]:
    """How often each site was gone through, and how the program ended."""
    (folder / "prog.py").write_text(text)
    (folder / "plan.json").write_text(json.dumps({"sites": sites, "times": str(folder / "times.json")}))
    command = [python, str(TAKING), str(folder / "plan.json"), "prog.py", "argument"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return {key: took["times"] for key, took in json.loads((folder / "times.json").read_text()).items()}, ended


NESTED = """
import sys
def fail(x):
    raise TypeError
for x in range(2):
    y = [abs(z) for z in range(3)]
    for z in y:
        pass
for x in range(3):
    try:
        [fail(x) for x in range(3)]
    except TypeError:
        [abs(x) for x in range(3)]
[abs(x) for x in range(3)]
print(sum(abs(x) for x in range(3)), __name__, sys.argv, sys.path[0] == sys.argv[0] or sys.path[0][-1:], __file__)
sys.exit(7)
"""
OUTER, INNER, LOOP, FAILING, CAUGHT, LAST, LAZY = [
    (5, "for loop"),
    (6, "list comprehension"),
    (7, "for loop"),
    (11, "list comprehension"),
    (13, "list comprehension"),
    (14, "list comprehension"),
    (15, "generator expression"),
]
EVERY = [OUTER, INNER, LOOP, FAILING, CAUGHT, LAST, LAZY]


@pytest.mark.parametrize(
    ("proved", "expected"),
    [
        ((), {"5 for loop": 1, "13 list comprehension": 3, "14 list comprehension": 1, "15 generator expression": 1}),
        ((INNER,), {"5 for loop": 1, "6 list comprehension": 2, "13 list comprehension": 3, "14 list comprehension": 1, "15 generator expression": 1}),
        ((OUTER, INNER), {"5 for loop": 1, "13 list comprehension": 3, "14 list comprehension": 1, "15 generator expression": 1}),
    ],
    ids=["the outermost", "the outermost that is proved", "nothing within what is proved"],
)
def test_the_clock_is_read_around_the_sites_that_count(proved, expected, user_python: UserPython, tmp_path: Path) -> None:
    took, ended = timed(user_python.path, NESTED, [(*site, site in proved) for site in EVERY], tmp_path)
    assert took == expected
    assert ended.returncode == 7 and ended.stderr == ""


def test_a_timed_program_sees_what_it_sees_plainly(user_python: UserPython, tmp_path: Path) -> None:
    _, ended = timed(user_python.path, NESTED, [(*site, True) for site in EVERY], tmp_path)
    plain = subprocess.run([user_python.path, "prog.py", "argument"], cwd=tmp_path, capture_output=True, text=True)
    assert (ended.stdout, ended.returncode) == (plain.stdout, plain.returncode)


LOOK = Look("examples/p.py", 9, (Site(3, "for loop"), Site(9, "map", "it draws"), Site(12, "itertools.starmap"), Site(20, "while loop", "r")))
TIMES = {
    "3 for loop": {"seconds": 2.0, "longest": 0.1, "times": 20},
    "9 map": {"seconds": 0.3, "longest": 0.3, "times": 1},
    "12 itertools.starmap": {"seconds": 4.0, "longest": 4.0, "times": 1},
    "20 while loop": {"seconds": 9.0, "longest": 9.0, "times": 1},
}


def test_a_site_is_slow_from_a_quarter_of_a_second_on() -> None:
    assert [(row.line, row.is_proved) for row in slow(LOOK, TIMES)] == [(12, True), (3, True), (9, False)]
    assert slow(LOOK, {"3 for loop": {"seconds": 0.2, "longest": 0.2, "times": 1}}) == []


def test_why_a_slow_site_stays_is_what_the_run_says_or_else_the_analysis() -> None:
    starmap, loop, mapped = slow(LOOK, TIMES)
    portions = [Portion("starmap", "lab", "", 3, "p.py", 12), Portion("starmap", "lab", "", 3, "other.py", 12)]
    mine = [each for each in portions if is_of(each, starmap, LOOK)]
    assert (decided(starmap, LOOK, mine).divided, decided(starmap, LOOK, mine).reason) == (1, "")
    assert decided(loop, LOOK, []).reason == "each of its 20 times takes less than a quarter of a second"
    assert decided(loop, LOOK, [Portion("for loop", "home", "an item holds a lock", 0, "p.py", 3)]).reason == "an item holds a lock"
    assert decided(mapped, LOOK, []).reason == "it draws"


def test_what_a_program_gains_is_shared_by_what_was_divided() -> None:
    rows = [Slow(1, "map", 4.0, 4.0, 1, True, divided=1), Slow(2, "map", 2.0, 2.0, 1, True, divided=1), Slow(3, "map", 9.0, 9.0, 1, False, reason="r")]
    faster = gained(rows, 3.0)
    assert [(row.marx, row.speedup) for row in faster] == [(2.0, 2.0), (1.0, 2.0), (None, None)]


class Scripted:
    """A way to run that leaves what it was told to, one outcome a run."""

    name = "scripted"

    def __init__(self, *outcomes: Outcome | TookTooLong) -> None:
        self._outcomes = list(outcomes)

    def run(self, call: Call) -> Outcome:
        """The next one."""
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, TookTooLong):
            raise outcome
        return outcome

    def portions(self) -> list[Portion]:
        """None."""
        return []


def left(out: bytes, code: int = 0, err: bytes = b"") -> Outcome:
    """What a run leaves."""
    return Outcome(code, out, err, {})


@pytest.mark.parametrize(
    ("plain", "marx", "verdict"),
    [
        ((left(b"1"), left(b"1")), (left(b"1"),), "same"),
        ((left(b"1"), left(b"1")), (left(b"2"),), "different"),
        ((left(b"1"), left(b"1")), (TookTooLong("it did not end"),), "different"),
        ((left(b"1"), left(b"2")), (), "unlike itself"),
        ((left(b"", 1, b"Traceback\n  line\nImportError: no display\n"),), (), "fails"),
        ((TookTooLong("it did not end"),), (), "takes long"),
    ],
)
def test_only_what_ends_well_and_twice_the_same_way_is_held_against_marx(plain, marx, verdict: str, tmp_path: Path) -> None:
    trial = Trial(Program("p", Environment("e", "3.11"), "none", ("p.py",), "w"), sys.executable, tmp_path / "run", tmp_path)
    found = run(trial, Scripted(*plain), Scripted(*marx))
    assert found.verdict == verdict
    assert verdict != "fails" or found.found == ("ImportError: no display",)


def test_what_failed_without_a_word_says_nothing() -> None:
    assert last_line("\n") == ""


@pytest.fixture
def stand_in(tmp_path: Path) -> list[str]:
    """The options for a list of one small package that is in the cache already, and an environment that is this Python."""
    archive = tmp_path / "cache" / "archives" / "thing-1.0.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as opened:
        member = tarfile.TarInfo("thing-1.0/examples/one.py")
        # Whether it is worth dividing would be a matter of the machine.
        forced = PROGRAM.replace("range(40):", "range(40):  # marx: divide")
        text = forced.replace("range(x)", "range(1000000)").replace("step(3) - 1", "0").encode()
        member.size = len(text)
        opened.addfile(member, io.BytesIO(text))
    listed = tmp_path / "list.toml"
    listed.write_text(ONE % (*sys.version_info[:2], hashlib.sha256(archive.read_bytes()).hexdigest()))
    environment = tmp_path / "cache" / "environments" / "e"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    return ["--list", str(listed), "--cache", str(tmp_path / "cache"), "--record", str(tmp_path / "record"), "--repeats", "1"]


@pytest.mark.slow
def test_the_whole_proof_of_a_small_package_is_made_once_and_recorded(stand_in: list[str], tmp_path: Path) -> None:
    ran = CliRunner().invoke(foreign, stand_in)
    assert ran.exit_code == 0, ran.output
    record = json.loads((tmp_path / "record" / "foreign.json").read_text())
    one = record["packages"]["thing-1.0"]
    assert (one["survey"]["proved"], one["survey"]["work"], one["runs"]["programs"]["examples/one.py"]["verdict"]) == (1, 2, "same")
    [site] = one["sites"]["programs"]["examples/one.py"]["sites"]
    assert (site["line"], site["divided"]) == (6, 1) and site["marx"] > 0
    text = (tmp_path / "record" / "foreign.rst").read_text()
    assert "1 of 1 programs that can be compared give the same results" in text and "1 sites; 1 of them were divided" in text
    again = CliRunner().invoke(foreign, stand_in)
    assert again.exit_code == 0 and again.output == ""


def test_the_page_counts_what_is_there() -> None:
    around = dict.fromkeys(("date_utc", "commit", "processor", "kernel", "python", "sqlite", "sandbox", "file_system"), "x")
    around |= {"changed_files": 0, "cores": 2, "memory_gb": 1.0, "load_average": 0.5}
    survey = {"places": 9, "work": 4, "proved": 1, "conditional": 1, "whiles": 2, "reasons": Counter({"it draws": 3}), "unread": {}}
    found = {"same": [], "different": ["stdout differs:\n    -1"], "fails": [""]}
    ran = {f"{verdict}.py": {"verdict": verdict, "found": said} for verdict, said in found.items()}
    one = {"python": "2.7.18", "programs": 4, "survey": {"circumstances": around, "programs": {"a.py": [9, 4, 1]}, **survey}}
    text = page({"circumstances": around, "packages": {"thing-1.0": {**one, "runs": {"circumstances": around, "programs": ran}}}})
    assert "25%" in text and "it draws" in text and "1 of 2 programs that can be compared" in text and "    stdout differs:" in text
    assert "it says nothing" in text and "0 sites" in text


def test_what_is_no_program_of_a_package_any_more_leaves_its_record(tmp_path: Path) -> None:
    record, package = Record(tmp_path), packages()[0]
    record.begin("runs", package, "3.11.7", ["left.py", "stays.py"], False)
    for file in ("left.py", "stays.py"):
        record.ran(package, file, Run("different", ("stdout differs",)))
    record.begin("runs", package, "3.11.7", ["stays.py"], False)
    assert [record.has("runs", package, file) for file in ("left.py", "stays.py")] == [False, True]
