"""Groups for runners: where they can be made, as values and in a tree of plain files; what a real system makes of it is test_containing.py's."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx.worker.bounds import Bounds
from marx.worker.cgroup_places import NoCgroups, Place, find_place
from marx.worker.cgroups import BESIDE_BYTES, BESIDE_PROCESSES, Cgroups, Group, Groups
from tests.fakes.processes import launch_of

MB = 1 << 20

V1 = """\
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:3 - cgroup cgroup rw,pids
41 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
IN_CONTAINER = "30 24 0:26 /docker/4f2a /sys/fs/cgroup rw - cgroup cgroup rw,memory\n31 24 0:27 /docker/4f2a /sys/fs/pids\\040of rw - cgroup cgroup rw,pids\n"
SERVICE = "0::/system.slice/marx-worker.service\n"


@pytest.mark.parametrize(
    ("cgroup", "mountinfo", "place"),
    [
        ("8:pids:/\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n", V1, (1, "/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/pids")),
        (SERVICE, V2, (2, "/sys/fs/cgroup/system.slice/marx-worker.service", "/sys/fs/cgroup/system.slice/marx-worker.service")),
        ("1:name=systemd:/x\n0::/\n", V2, (2, "/sys/fs/cgroup", "/sys/fs/cgroup")),
        ("8:pids:/docker/4f2a\n4:memory:/docker/4f2a/w\n", IN_CONTAINER, (1, "/sys/fs/cgroup/w", "/sys/fs/pids of")),
    ],
)
def test_a_workers_own_groups_are_found_below_what_is_mounted(cgroup: str, mountinfo: str, place: tuple[int, str, str]) -> None:
    assert find_place(cgroup, mountinfo) == Place(place[0], Path(place[1]), Path(place[2]))


@pytest.mark.parametrize(("cgroup", "mountinfo"), [(SERVICE, ""), ("", V2), ("8:pids:/docker/1\n4:memory:/docker/1\n", IN_CONTAINER), (SERVICE, V1.splitlines()[0])])
def test_what_is_not_mounted_or_not_in_sight_is_no_place(cgroup: str, mountinfo: str) -> None:
    with pytest.raises(NoCgroups, match="no cgroups that count memory and processes are mounted here"):
        find_place(cgroup, mountinfo)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def unified(tmp_path: Path, state: Path) -> Place:
    """A service's own group, with the files that are written to."""
    own = tmp_path / "marx-worker.service"
    own.mkdir()
    (own / "cgroup.controllers").write_text("cpu io memory pids\n")
    return Place(2, own, own)


@pytest.fixture
def separate(tmp_path: Path, state: Path) -> Place:
    (tmp_path / "memory").mkdir()
    (tmp_path / "pids").mkdir()
    return Place(1, tmp_path / "memory", tmp_path / "pids")


def written(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


def test_in_version_2_the_worker_goes_into_a_group_of_its_own_beside_its_runners(unified: Place, state: Path) -> None:
    groups = Cgroups(unified, state)
    [parent] = (folder for folder in unified.memory.iterdir() if folder.is_dir())
    assert parent.name.startswith("marx-")
    assert written(parent / "worker") == {"cgroup.procs": "0"}
    assert written(parent)["cgroup.subtree_control"] == written(unified.memory)["cgroup.subtree_control"] == "+memory +pids"
    groups.make(Bounds(memory_bytes=300 * MB, processes=100))
    groups.make(Bounds(memory_bytes=300 * MB))
    assert written(parent / "0") == {"memory.max": str(300 * MB + BESIDE_BYTES), "pids.max": str(100 + BESIDE_PROCESSES)}
    assert written(parent / "1") == {"memory.max": str(300 * MB + BESIDE_BYTES)}


def test_in_version_1_a_runner_has_a_group_in_each_tree(separate: Place, state: Path) -> None:
    group = Cgroups(separate, state).make(Bounds(memory_bytes=300 * MB, processes=100))
    [memory], [pids] = (list(folder.glob("marx-*/0")) for folder in (separate.memory, separate.pids))
    assert written(memory) == {"memory.limit_in_bytes": str(group.memory_bytes)} and group.memory_bytes == 300 * MB + BESIDE_BYTES
    assert written(pids) == {"pids.max": str(100 + BESIDE_PROCESSES)}
    argv = group.around(launch_of([])).argv
    assert argv[:2] == [b"/bin/sh", b"-c"] and argv[-1] == launch_of([]).argv[-1]
    assert argv[4:7] == [bytes(memory / "cgroup.procs"), bytes(pids / "cgroup.procs"), b"--"]


def test_a_runner_without_bounds_needs_no_group(unified: Place, state: Path) -> None:
    for groups in (Cgroups(unified, state), Groups()):
        group = groups.make(Bounds(item_seconds=1.0))
        assert type(group) is Group and group.memory_kills == 0 and group.around(launch_of([])) == launch_of([])


def test_in_version_2_a_kill_counts_where_it_was_the_groups_own_limit(unified: Place, state: Path) -> None:
    group = Cgroups(unified, state).make(Bounds(memory_bytes=300 * MB))
    [folder] = unified.memory.glob("marx-*/0")
    assert group.memory_kills == 0
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 0\noom_kill 2\noom_group_kill 0\n")
    assert group.memory_kills == 0, "the machine was short of memory"
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n")
    assert group.memory_kills == 2
    (folder / "memory.events").unlink()
    assert group.memory_kills == 2, "as it was when the group went"


def test_in_version_1_a_kill_counts_where_the_group_was_full(separate: Place, state: Path) -> None:
    group = Cgroups(separate, state).make(Bounds(memory_bytes=300 * MB))
    [folder] = separate.memory.glob("marx-*/0")
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    (folder / "memory.max_usage_in_bytes").write_text(str(200 * MB))
    assert group.memory_kills == 0
    (folder / "memory.max_usage_in_bytes").write_text(str(group.memory_bytes - 4096))
    assert group.memory_kills == 1


def test_a_group_that_cannot_bound_both_is_no_place_to_divide(unified: Place, state: Path) -> None:
    (unified.memory / "cgroup.controllers").write_text("hugetlb\n")
    with pytest.raises(NoCgroups, match="cannot bound both memory and processes"):
        Cgroups(unified, state)


def test_a_group_of_somebody_else_is_said_to_be_that(separate: Place, state: Path) -> None:
    for place in (Place(1, state / "no" / "such", state), Place(1, Path("/proc"), state)):
        with pytest.raises(NoCgroups, match=f"no cgroup can be made in {place.memory} .*must be this user's"):
            Cgroups(place, state)


def test_a_later_daemon_removes_what_an_earlier_one_left_wherever_that_was(unified: Place, separate: Place, state: Path) -> None:
    """In plain folders a group is empty when it has no files."""
    Cgroups(separate, state)
    [memory], [pids] = (list(folder.glob("marx-*")) for folder in (separate.memory, separate.pids))
    for folder in (memory / "17", memory / "note", pids / "17"):
        folder.mkdir()
    Cgroups(unified, state)
    assert [folder.name for folder in memory.iterdir()] == ["note"] and not pids.exists()
    assert str(memory) in (state / "cgroups").read_text() and str(pids) not in (state / "cgroups").read_text()


def test_who_is_in_sight_of_no_number_is_not_signalled(separate: Place, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel writes 0 for a process of another namespace, which as a number to signal would be all of ours."""
    signalled: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, number: signalled.append(pid))
    group = Cgroups(separate, state).make(Bounds(memory_bytes=300 * MB))
    [folder] = separate.memory.glob("marx-*/0")
    (folder / "cgroup.procs").write_text("0\n4242\n")
    group.remove()
    assert set(signalled) == {4242}


def test_a_number_that_is_still_taken_in_any_tree_is_not_given_again(separate: Place, state: Path) -> None:
    groups = Cgroups(separate, state)
    [pids] = separate.pids.glob("marx-*")
    (pids / "0").mkdir()
    groups.make(Bounds(processes=10))
    assert [folder.name for folder in separate.memory.glob("marx-*/*")] == ["1"]


def test_at_the_end_nothing_is_left(separate: Place, state: Path) -> None:
    Cgroups(separate, state).close()
    assert [*separate.memory.iterdir(), *separate.pids.iterdir()] == []
