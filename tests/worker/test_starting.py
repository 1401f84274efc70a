"""From a task's id to a runner's command: what is asked, what is fetched, what the program will see; and what cannot be run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, maybeDeferred

from marx.wire.calls import GuardedLink
from marx.worker.bare import Bare
from marx.worker.bounds import Bounds
from marx.worker.cache import BlobCache
from marx.worker.cgroups import Group, Groups
from marx.worker.folders import Folders
from marx.worker.interpreters import Interpreter
from marx.worker.launch import CannotLaunch, Launch, Mounts
from marx.worker.portions import Load, Portion
from marx.worker.recipes import CannotRun, Recipe
from marx.worker.starting import KIT, Ground, Starter, environment
from marx.worker.surroundings import HOME
from marx.worker.tasks import LISTS, Tasks
from marx.worker.uplink import Uplink
from tests.fakes.processes import FakeProcesses, launch_of
from tests.fakes.servers import SPEC, FakeEndpoint, FakeServer, Shop

WORK = "/home/alice/work"
PLAIN = Portion(None, None, "")


def interpreter(version: str) -> Interpreter:
    major, minor, micro = map(int, version.split("."))
    return Interpreter(f"/usr/bin/python{version}", (major, minor, micro), "cpython", "/usr", "/usr", (), ())


class FakeSandbox(Bare):
    """Shows files at the caller's own paths, as far as anybody can tell; remembers what it was asked to launch."""

    level = "bwrap"

    def __init__(self) -> None:
        super().__init__(None)
        self.launched: list[tuple[Interpreter, Sequence[str], Mounts, Mapping[str, str], str, int]] = []
        self.networks: list[bool] = []
        self.refuses = ""

    def launch(self, interpreter: Any, command: Any, mounts: Any, env: Any, cwd: str, slot_index: int, network: bool = False) -> Launch:
        if self.refuses:
            raise CannotLaunch(self.refuses)
        self.networks.append(network)
        self.launched.append((interpreter, command, mounts, env, cwd, slot_index))
        return launch_of([])

    def place(self, mounts: Mounts, inside: str) -> str:
        return inside


class Bench:
    """A starter over a played server."""

    def __init__(self, folder: Path) -> None:
        self.reactor, self.shop = FakeProcesses(), Shop()
        self.uplink = Uplink(self.reactor)
        self.sandbox: Any = FakeSandbox()
        self.cache = BlobCache(folder / "blobs", 1 << 20, self.uplink)
        self.folders = Folders(folder / "slots", self.cache.path)
        self.folders.sweep()
        self.kit = folder / "kit"
        self.kit.mkdir()
        self.threads: list[Deferred[None]] = []
        self.is_slow = False
        pythons = [interpreter("2.7.18"), interpreter("3.9.2"), interpreter("3.11.7")]
        self.tasks = tasks = Tasks(self.uplink, self.cache, pythons, self.in_thread)
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.reactor, self.shop))
        factory = type("Factory", (), {"buildProtocol": lambda _, address: GuardedLink(self.reactor)})()
        self.endpoint.connect(factory).addCallback(self.uplink.connected)
        ground = Ground(self.sandbox, lambda python: self.kit, self.folders, self.cache, tasks, lambda: 1 << 20)
        self.ground = ground
        self.starter = Starter(self.reactor, ground, self.in_thread)

    def in_thread(self, work: Any, *arguments: Any) -> Deferred[Any]:
        if not self.is_slow:
            return maybeDeferred(work, *arguments)
        self.threads.append(Deferred())
        return self.threads[-1].addCallback(lambda _: work(*arguments))

    def task(self, *files: list[Any], **spec: Any) -> None:
        manifest = self.shop.put(json.dumps(list(files)).encode()) if files else None
        self.shop.specs["a"] = {**SPEC, "manifest": manifest, **spec}
        self.starter.forget("a")

    def file(self, path: str, content: bytes = b"print()\n") -> list[Any]:
        return [0, path, 0o644, len(content), self.shop.put(content), None]

    def start(self, slot: int = 0, portion: Portion | None = None) -> list[Any]:
        outcome: list[Any] = []
        self.starting = ensureDeferred(self.starter.start(Load("a", portion), slot, Nobody()))
        self.starting.addBoth(outcome.append)
        self.endpoint.flush()
        self.reactor.turn()
        return outcome

    def bring(self, portion: Portion, slot: int = 0) -> list[Any]:
        outcome: list[Any] = []
        ensureDeferred(self.starter.bring(Load("a", portion), slot)).addBoth(outcome.append)
        self.endpoint.flush()
        self.reactor.turn()
        return outcome

    def why_not(self) -> CannotRun:
        [failure] = self.start()
        failure.trap(CannotRun)
        return failure.value


class Nobody:
    """Hears what a runner says, and does not care."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


@pytest.fixture
def bench(tmp_path: Path):
    bench = Bench(tmp_path)
    yield bench
    for child in bench.reactor.spawned:
        child.exit(number=9)
    bench.reactor.turn()


def test_a_runner_starts_with_its_program_its_files_and_its_task(bench: Bench) -> None:
    bench.task(bench.file("prog.py"), bench.file("lib/helper.py"), python="3.9")
    bench.start(slot=3)
    [(python, command, mounts, env, cwd, slot)] = bench.sandbox.launched
    assert (python.version_text, command, cwd, slot) == ("3.9.2", ["-s", KIT], WORK, 3)
    assert Path(mounts.host_of(WORK + "/lib/helper.py")).read_bytes() == b"print()\n"
    assert mounts.read_only == ((str(bench.kit), KIT),)
    [order] = bench.reactor.spawned[0].heard("T")
    assert order.header == {
        "task": "a",
        "kind": "map",
        "program": WORK + "/prog.py",
        "module": None,
        "function": "f",
        "cwd": WORK,
        "argv": [WORK + "/prog.py"],
        "roots": [WORK],
        "seed": 7,
        "limits": {},
        "max_value": 1 << 20,
    }


def test_the_environment_is_made_up_but_for_what_the_task_brought(bench: Bench) -> None:
    bench.task(env={"LANG": "de_DE.UTF-8", "OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "99"})
    bench.start()
    env = bench.sandbox.launched[0][3]
    assert (env["LANG"], env["OMP_NUM_THREADS"], env["OPENBLAS_NUM_THREADS"], env["PYTHONHASHSEED"]) == ("de_DE.UTF-8", "4", "1", "5")
    assert env["HOME"] == HOME and "TMPDIR" not in env and env["PATH"].startswith("/usr/bin:")
    assert "MARX_TEST_PYTHONS" not in env, "nothing of the worker's own"


@pytest.mark.parametrize(("version", "env", "expected"), [("2.7.18", {}, "0"), ("2.7.18", {"PYTHONHASHSEED": "5"}, "5"), ("3.11.7", {}, "5")])
def test_hashes_are_in_2_7_as_they_always_are_unless_the_person_has_set_a_seed(version: str, env: dict[str, str], expected: str) -> None:
    recipe = Recipe.of("a", dict(SPEC, env=env), {})
    assert environment(recipe, interpreter(version), "/home", "/tmp")["PYTHONHASHSEED"] == expected


def test_secrets_are_variables_of_the_program_and_stand_in_no_repr() -> None:
    recipe = Recipe.of("a", dict(SPEC, secrets=["API_KEY"]), {"API_KEY": "s3cr3t"})
    assert environment(recipe, interpreter("3.11.7"), "/home", "/tmp")["API_KEY"] == "s3cr3t"
    assert "s3cr3t" not in repr(recipe) + repr(Launch([b"x"], {b"API_KEY": b"s3cr3t"}))


@pytest.mark.parametrize(("wanted", "found"), [("", "3.11.7"), ("3", "3.11.7"), ("3.x", "3.11.7"), ("2.7", "2.7.18"), ("/usr/bin/python3.9.2", "3.9.2")])
def test_the_best_python_that_is_meant_runs_it(bench: Bench, wanted: str, found: str) -> None:
    bench.task(python=wanted)
    bench.start()
    assert bench.sandbox.launched[0][0].version_text == found


def test_without_a_sandbox_paths_are_those_of_this_machine(bench: Bench, tmp_path: Path) -> None:
    bench.sandbox.place = Bare(None).place
    bench.sandbox.level = "none"
    bench.task(bench.file("prog.py"))
    bench.start()
    [order] = bench.reactor.spawned[0].heard("T")
    assert order.header["program"].startswith(str(tmp_path)) and Path(order.header["program"]).exists()
    env = bench.sandbox.launched[0][3]
    assert env["TMPDIR"].startswith(str(tmp_path)) and not bench.starter.shows_own_paths


def test_the_server_is_asked_once_for_all_slots(bench: Bench) -> None:
    bench.task(bench.file("prog.py"))
    for slot in range(3):
        bench.start(slot)
    assert bench.shop.calls.count("DescribeTask") == 1 and bench.shop.calls.count("GetBlob") == 2
    assert len(bench.reactor.spawned) == 3


def test_a_forgotten_task_is_asked_for_anew_and_its_files_are_gone(bench: Bench) -> None:
    bench.task(bench.file("prog.py"))
    bench.start()
    folder = Path(bench.sandbox.launched[0][2].host_of(WORK))
    bench.starter.forget("a")
    bench.starter.clear("a", 0)
    assert not folder.exists()
    bench.start()
    assert bench.shop.calls.count("DescribeTask") == 2


def test_what_makes_no_sense_is_the_tasks_fault_and_what_is_missing_here_is_not(bench: Bench) -> None:
    bench.task(cwd="relative")
    assert bench.why_not().fatal
    bench.task(python="3.14")
    assert (str(bench.why_not()), bench.why_not().fatal) == ("this worker has no Python 3.14", False)
    bench.task([0, "../up", 0o644, 1, "0" * 64, None])
    assert bench.why_not().fatal
    bench.task([0, "gone", 0o644, 1, "0" * 64, None])
    assert "could not be brought here" in str(bench.why_not()) and not bench.why_not().fatal
    bench.task()
    bench.sandbox.refuses = "/usr cannot be the program's folder in a sandbox"
    assert str(bench.why_not()) == bench.sandbox.refuses
    del bench.shop.specs["a"]
    bench.starter.forget("a")
    assert "task a has ended" in str(bench.why_not())


def test_a_start_that_is_cancelled_leaves_its_folder_to_be_cleared_after_the_thread(bench: Bench) -> None:
    bench.task(bench.file("prog.py"))
    bench.start()
    bench.is_slow = True
    outcome = bench.start(slot=1)
    assert outcome == [] and len(bench.threads) == 1
    bench.starting.cancel()
    assert outcome[0].check(CancelledError)
    bench.starter.clear("a", 1)
    assert len(bench.threads) == 1, "the thread that lays out is still at work"
    bench.threads[0].callback(None)
    bench.threads[1].callback(None)
    assert list((bench.folders._base / "1").iterdir()) == []


class TestRoles:
    def test_a_program_is_started_on_a_seat_with_its_words_and_all_cores(self, bench: Bench) -> None:
        bench.task(bench.file("sub/prog.py"), kind="run", program=WORK + "/sub/prog.py", argv=["sub/prog.py", "a b"], divide="explicit")
        bench.start(slot=-1)
        [(_, _, mounts, env, _, slot)] = bench.sandbox.launched
        [order] = bench.reactor.spawned[0].heard("T")
        told = {name: order.header[name] for name in ("kind", "words", "divide", "slots", "folders", "function")}
        assert told == {"kind": "program", "words": ["sub/prog.py", "a b"], "divide": "explicit", "slots": 2, "folders": True, "function": ""}
        assert slot == -1 and "OMP_NUM_THREADS" not in env and "/seat-1/" in mounts.host_of(WORK)
        assert 0 not in bench.reactor.spawned[0].pipes, "its standard input is empty"

    @pytest.mark.parametrize(
        ("spec", "words"),
        [
            ({"argv": [WORK + "/prog.py", "x"]}, [WORK + "/prog.py", "x"]),
            ({"argv": ["./sub/../prog.py"]}, ["./sub/../prog.py"]),
            ({"argv": ["../elsewhere/prog.py"]}, [WORK + "/prog.py"]),
            ({"argv": ["pkg.mod", "x"], "program": None, "module": "pkg.mod"}, ["-m", "pkg.mod", "x"]),
        ],
    )
    def test_its_words_are_those_that_were_typed_where_they_lead_to_it(self, bench: Bench, spec: dict[str, Any], words: list[str]) -> None:
        bench.task(kind="run", **spec)
        bench.start(slot=-1)
        assert bench.reactor.spawned[0].heard("T")[0].header["words"] == words

    def test_an_items_time_is_not_a_programs(self, bench: Bench) -> None:
        bench.task(kind="run", item_timeout=5.0, silence=6.0)
        bench.start(slot=-1)
        bench.start(0, PLAIN)
        program, items = (spawned.heard("T")[0].header["limits"] for spawned in bench.reactor.spawned)
        assert program == {} and items == {"item_seconds": 5.0}

    def test_without_a_sandbox_an_absolute_word_is_where_the_program_lies_here(self, bench: Bench, tmp_path: Path) -> None:
        bench.sandbox.place, bench.sandbox.level = Bare(None).place, "none"
        bench.task(bench.file("prog.py"), kind="run", argv=[WORK + "/prog.py"])
        bench.start(slot=-1)
        [word] = bench.reactor.spawned[0].heard("T")[0].header["words"]
        assert word.startswith(str(tmp_path)) and Path(word).exists()

    @pytest.mark.parametrize(("kind", "slot", "portion"), [("run", 0, None), ("map", -1, None), ("run", -1, PLAIN), ("map", 0, PLAIN)])
    def test_what_has_no_place_there_is_not_run(self, bench: Bench, kind: str, slot: int, portion: Portion | None) -> None:
        bench.task(kind=kind)
        [failure] = bench.start(slot, portion)
        assert failure.check(CannotRun) and not failure.value.fatal and bench.reactor.spawned == []

    def test_a_portion_gets_its_state_behind_its_task_its_files_and_its_python(self, bench: Bench) -> None:
        bench.task(bench.file("prog.py"), kind="run")
        state = bench.shop.put(b"s" * 1_500_000)
        rows = [bench.file("prog.py"), bench.file("in.txt", b"before the portion")]
        bench.start(0, Portion(state, bench.shop.put(json.dumps(rows).encode()), "3.9"))
        [(python, _, mounts, env, _, _)] = bench.sandbox.launched
        assert python.version_text == "3.9.2" and env["OMP_NUM_THREADS"] == "1"
        assert Path(mounts.host_of(WORK + "/in.txt")).read_bytes() == b"before the portion"
        child = bench.reactor.spawned[0]
        [order] = child.heard("T")
        assert (order.header["kind"], order.header["state"], order.header["folders"]) == ("portion", True, True)
        parts = child.heard("K")
        assert [frame.kind for frame in child.frames] == ["T", "K", "K"] and {part.header["total"] for part in parts} == {1_500_000}
        assert b"".join(part.payload for part in parts) == b"s" * 1_500_000 and parts[1].header["offset"] == len(parts[0].payload)

    def test_without_a_state_or_a_list_a_portion_is_plain_over_the_tasks_files(self, bench: Bench) -> None:
        bench.task(bench.file("prog.py"), kind="run")
        bench.start(0, PLAIN)
        assert Path(bench.sandbox.launched[0][2].host_of(WORK + "/prog.py")).exists()
        assert [frame.kind for frame in bench.reactor.spawned[0].frames] == ["T"]
        assert bench.reactor.spawned[0].heard("T")[0].header["state"] is False

    @pytest.mark.parametrize(
        ("python", "minor", "found"), [("", "2.7", "2.7.18"), ("3", "3.9", "3.9.2"), ("/opt/own/bin/python3.9", "3.9", "3.9.2"), ("3", "3.8", None)]
    )
    def test_a_portions_python_is_of_its_programs_version(self, bench: Bench, python: str, minor: str, found: str | None) -> None:
        bench.task(kind="run")
        recipe = Recipe.of("a", {**bench.shop.specs["a"], "python": python})
        if found is None:
            with pytest.raises(CannotRun, match="no Python 3.8"):
                bench.tasks.interpreter_for(recipe, minor)
        else:
            assert bench.tasks.interpreter_for(recipe, minor).version_text == found

    def test_the_folder_is_brought_to_another_list_under_the_same_runner(self, bench: Bench) -> None:
        bench.task(bench.file("prog.py"), kind="run")
        bench.start(0, PLAIN)
        folder = Path(bench.sandbox.launched[0][2].host_of(WORK))
        before = folder.stat().st_ino
        rows = [bench.file("prog.py"), bench.file("new.txt", b"new")]
        [standing] = bench.bring(Portion(None, bench.shop.put(json.dumps(rows).encode()), ""))
        assert standing.base(0, "new.txt").length == 3 and standing.base(0, "other.txt") is None
        assert folder.stat().st_ino == before and (folder / "new.txt").read_bytes() == b"new"
        [failure] = bench.bring(Portion(None, "0" * 64, ""))
        assert failure.check(CannotRun) and "list of files" in str(failure.value)

    def test_a_list_of_files_is_read_once_for_all_slots(self, bench: Bench) -> None:
        bench.task(kind="run")
        lists = [bench.shop.put(json.dumps([bench.file(name)]).encode()) for name in "abcdef"]
        for slot in range(3):
            bench.bring(Portion(None, lists[0], ""), slot)
        assert len(bench.tasks._lists) == 1
        for manifest in lists:
            bench.bring(Portion(None, manifest, ""))
        assert len(bench.tasks._lists) == LISTS

    def test_a_state_that_is_gone_is_no_fault_of_the_tasks(self, bench: Bench) -> None:
        bench.task(kind="run")
        [failure] = bench.start(0, Portion("0" * 64, None, ""))
        assert failure.check(CannotRun) and "what the items see" in str(failure.value) and not failure.value.fatal


@pytest.mark.parametrize(("asked", "permitted", "given"), [(False, False, [False]), (False, True, [False]), (True, True, [True]), (True, False, [])])
def test_the_network_is_given_where_task_and_owner_both_say_so(bench: Bench, asked: bool, permitted: bool, given: list[bool]) -> None:
    bench.task(network=asked)
    bench.starter = Starter(bench.reactor, replace(bench.ground, network=permitted), bench.in_thread)
    [outcome] = bench.start()
    assert bench.sandbox.networks == given
    if not given:
        outcome.trap(CannotRun)
        assert str(outcome.value) == "this worker's owner does not let programs use the network"


class Owners(Groups):
    """Remembers for which bounds groups were made."""

    def __init__(self, refuses: OSError | None = None) -> None:
        self.made: list[Bounds] = []
        self._refuses = refuses

    def make(self, bounds: Bounds) -> Group:
        self.made.append(bounds)
        if self._refuses:
            raise self._refuses
        return Shell()


class Shell(Group):
    """Is entered by a shell."""

    def around(self, launch: Launch) -> Launch:
        return replace(launch, argv=[b"/bin/sh", *launch.argv])


def test_a_runner_is_started_in_a_group_for_its_tasks_bounds_within_the_owners(bench: Bench) -> None:
    bench.task(memory=1 << 30)
    owners = Owners()
    bench.starter = Starter(bench.reactor, replace(bench.ground, groups=owners, most=Bounds(memory_bytes=1 << 31, processes=50)), bench.in_thread)
    [started] = bench.start()
    assert owners.made == [Bounds(memory_bytes=1 << 30, processes=50)]
    assert bench.reactor.spawned[-1].argv[0] == b"/bin/sh" and isinstance(started.group, Shell)


def test_where_a_group_cannot_be_made_its_worker_does_not_run_the_task_outside_of_one(bench: Bench) -> None:
    bench.task()
    bench.starter = Starter(bench.reactor, replace(bench.ground, groups=Owners(OSError(28, "No space left on device"))), bench.in_thread)
    [failure] = bench.start()
    assert failure.check(CannotRun) and "no cgroup could be made for it" in str(failure.value)
    assert bench.reactor.spawned == []


def test_what_an_interpreter_needs_to_start_goes_before_what_its_task_says_of_the_same() -> None:
    moved = replace(interpreter("2.7.18"), libraries="/opt/python/lib")
    assert environment(Recipe.of("a", dict(SPEC)), moved, "/home", "/tmp")["LD_LIBRARY_PATH"] == "/opt/python/lib"
    recipe = Recipe.of("a", {**SPEC, "env": {"LD_LIBRARY_PATH": "/theirs"}})
    assert environment(recipe, moved, "/home", "/tmp")["LD_LIBRARY_PATH"] == "/opt/python/lib:/theirs"
    assert environment(recipe, interpreter("3.11.7"), "/home", "/tmp")["LD_LIBRARY_PATH"] == "/theirs"
