"""The list of real programs, how they are obtained and laid out, and what their record says. Running them is the command's: it takes the package index."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.lab import wait_until
from tests.proofs.environments import NotMade, make
from tests.proofs.manifest import BadManifest, Environment, Program, Source, programs
from tests.proofs.masks import Mask
from tests.proofs.obtaining import NotObtained, lay_out, obtain, standard_library
from tests.proofs.outcomes import Outcome, entries
from tests.proofs.real_programs import Trial
from tests.proofs.real_record import Verdict, page, placed, write_record
from tests.proofs.ways import Call, Plainly, Portion, TookTooLong

LISTED = programs()
PLAIN = Environment("plain", "%d.%d" % sys.version_info[:2])


def test_the_list_is_as_long_and_as_varied_as_the_proof_demands() -> None:
    assert len(LISTED) >= 30
    assert sum(program.environment.python == "2.7" for program in LISTED) >= 12
    pools = Counter(program.pool for program in LISTED)
    assert all(pools[kind] >= 4 for kind in ("Pool", "executor", "joblib", "none"))


def test_every_source_is_one_version_with_its_digest_and_every_requirement_is_pinned() -> None:
    for source in {program.source for program in LISTED if program.source}:
        name, _, version = source.requirement.partition("==")
        assert version and source.file.startswith(f"{name}-{version}.")
        assert len(source.sha256) == 64
    for environment in {program.environment for program in LISTED}:
        assert all("==" in requirement for requirement in environment.requirements)


def test_every_mask_has_its_reason() -> None:
    assert all(mask.reason for program in LISTED for mask in program.masks)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('pool = "none"', 'pool = "threads"', "p: pool is 'threads'"),
        ('environment = "e"', 'environment = "f"', "p: 'f'"),
        ('what = "w"', 'what = "w"\nwhere = "x"', "p: .*where"),
        ('name = "p"', 'name = "q"', "more than one program called q"),
    ],
)
def test_a_mistake_in_the_list_is_told(old: str, new: str, said: str, tmp_path: Path) -> None:
    one = '[[programs]]\nname = "p"\nenvironment = "e"\npool = "none"\nwhat = "w"\nrun = ["p.py"]\n'
    written = tmp_path / "programs.toml"
    head = '[environments.e]\npython = "3.11"\n[sources]\n'
    written.write_text(head + one)
    assert [program.name for program in programs(written)] == ["p"]
    written.write_text(head + one.replace(old, new) + (one.replace('name = "p"', 'name = "q"') if "more" in said else ""))
    with pytest.raises(BadManifest, match=said):
        programs(written)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source distribution that was downloaded already."""
    archive = tmp_path / "cache" / "archives" / "thing-1.0.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as opened:
        for name, text in (("thing-1.0/examples/one.py", b"print(1)\n"), ("thing-1.0/examples/table.csv", b"1,2\n"), ("thing-1.0/setup.py", b"")):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), 1_000_000_000
            opened.addfile(member, io.BytesIO(text))
    return Source("thing-1.0", "thing==1.0", archive.name, hashlib.sha256(archive.read_bytes()).hexdigest())


def test_a_source_is_unpacked_once_and_only_if_it_is_the_one_that_was_meant(source: Source, tmp_path: Path) -> None:
    with pytest.raises(NotObtained, match="was meant"):
        obtain(replace(source, name="other", sha256="0" * 64), tmp_path / "cache")
    assert not (tmp_path / "cache" / "sources" / "other").exists()
    unpacked = obtain(source, tmp_path / "cache")
    assert sorted(path.name for path in unpacked.iterdir()) == ["examples", "setup.py"]
    assert obtain(source, tmp_path / "cache") == unpacked


def test_two_runs_find_the_same_folder_whatever_the_first_left(source: Source, tmp_path: Path) -> None:
    obtain(source, tmp_path / "cache")
    program = Program("p", PLAIN, "none", ("one.py",), "w", source, take=("examples",), standard=("this.py",), files={"deep/x.txt": "x"})
    folder = tmp_path / "run"
    lay_out(program, folder, tmp_path / "cache", standard_library(sys.executable))
    first = entries(folder)
    assert sorted(first) == ["deep", "deep/x.txt", "one.py", "table.csv", "this.py"]
    assert (folder / "one.py").stat().st_mtime == 1_000_000_000
    (folder / "one.py").unlink()
    (folder / "left.txt").touch()
    lay_out(program, folder, tmp_path / "cache", standard_library(sys.executable))
    assert entries(folder) == first


def test_an_environment_for_a_python_that_is_not_here_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotMade, match=r"needs Python 2\.6"):
        make(Environment("old", "2.6"), tmp_path)


@pytest.mark.slow
def test_an_environment_that_is_seeded_draws_the_same_each_time(tmp_path: Path) -> None:
    python = make(Environment("seeded", PLAIN.python, (), True), tmp_path)
    drawn = [subprocess.check_output([python, "-c", "import random; print(random.random())"]) for _ in range(2)]
    assert drawn[0] == drawn[1]


class Scripted:
    """A way to run that leaves what it was told to, one outcome a run."""

    name = "scripted"

    def __init__(self, *outcomes: Outcome | TookTooLong) -> None:
        self._outcomes = list(outcomes)

    def run(self, call: Call) -> Outcome:
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, TookTooLong):
            raise outcome
        return outcome

    def portions(self) -> list[Portion]:
        return [Portion("Pool.map", "lab", "", 3)]


def outcome(text: bytes, code: int = 0) -> Outcome:
    return Outcome(code, text, b"", {})


GOOD, OTHER = outcome(b"1 in 2 s\n"), outcome(b"1 in 3 s\n")
TIME = Mask("stdout", "how long it took", "in [0-9] s")


@pytest.mark.parametrize(
    ("plain", "marx", "masks", "expected"),
    [
        ((GOOD, GOOD), GOOD, (), [True, True]),
        ((GOOD, OTHER), GOOD, (), [False]),
        ((GOOD, OTHER), GOOD, (TIME,), [True, True]),
        ((GOOD, GOOD), outcome(b"2 in 2 s\n"), (TIME,), [True, False]),
        ((GOOD, GOOD), TookTooLong("it did not end"), (), [True, False]),
        ((outcome(b"", 1), outcome(b"", 1)), outcome(b"", 1), (), [False]),
    ],
    ids=["the same", "unlike itself", "masked", "different", "endless", "failing everywhere"],
)
def test_only_a_program_that_agrees_with_itself_and_succeeds_is_held_against_marx(plain, marx, masks, expected, tmp_path: Path) -> None:
    program = Program("p", PLAIN, "none", ("p.py",), "w", masks=masks)
    trial = Trial(program, sys.executable, tmp_path / "run", tmp_path)
    verdicts = list(trial.verdicts(Scripted(*plain), [Scripted(marx)]))
    assert [verdict.same for verdict in verdicts] == expected


def test_what_was_found_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    trial = Trial(Program("p", PLAIN, "none", ("p.py",), "w"), sys.executable, tmp_path / "run", tmp_path / "cache")
    said = f"{standard_library(sys.executable)}/threading.py {tmp_path}/run/p.py {tmp_path}/cache/x".encode()
    _, marx = trial.verdicts(Scripted(outcome(b""), outcome(b"")), [Scripted(outcome(said))])
    assert "<lib>/threading.py <folder>/p.py <cache>/x" in marx.found[0]


def test_a_plain_run_knows_nothing_of_marx_and_leaves_nobody_behind(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "p.py").write_text(
        "import os, subprocess, sys\nprint(os.environ.get('PYTHONPATH'), os.environ['X'], sys.stdin.read())\n"
        "quiet = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)\n"
        "open('../left.pid', 'w').write(str(subprocess.Popen(['sleep', '600'], **quiet).pid))\nos.kill(os.getpid(), 9)\n"
    )
    call = Call(tmp_path / "work", sys.executable, ["-u", "p.py"], b"in", {"X": "x"})
    left = Plainly(tmp_path).run(call)
    assert (left.code, left.stdout, sorted(left.files)) == (137, b"None x in\n", ["p.py"])
    pid = int((tmp_path / "left.pid").read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "the child to be gone")


def test_the_record_says_what_was_run_where_and_how_it_compared(source: Source, tmp_path: Path) -> None:
    program = Program("one", PLAIN, "Pool", ("one.py",), "w", source, masks=(TIME,))
    home = Portion("Pool.map", "home", "`log` is an open file", 3)
    verdicts = [Verdict("one", "plain", 1.0), Verdict("one", "lab", 2.0, (), (home, Portion("Pool.map", "lab", "", 3)))]
    write_record(verdicts, [program], tmp_path)
    recorded = json.loads((tmp_path / "real-programs.json").read_text())["programs"][0]
    assert recorded["source"]["sha256"] == source.sha256 and recorded["masks"][0]["reason"] == TIME.reason
    assert recorded["ways"]["lab"]["found"] == []
    text = (tmp_path / "real-programs.rst").read_text()
    assert "1 of 1 programs behave the same" in text and "1 lab, 1 home (`log` is an open file)" in text
    assert "0 of 1 programs" in page(
        [replace(verdicts[1], found=("x",))], [program], json.loads((tmp_path / "real-programs.json").read_text())["circumstances"]
    )


def test_portions_are_counted_by_where_they_ran() -> None:
    assert placed([]) == ""
    assert placed([Portion("Pool.map", "lab", "", 3)] * 2) == "2 lab"
