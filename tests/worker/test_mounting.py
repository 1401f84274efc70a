"""Which mounts bubblewrap is told, in which order, and what is refused before it is started."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.worker.launch import CannotLaunch, Mounts
from marx.worker.mounting import in_order, mount_options
from marx.worker.paths import depth, is_within, outermost, parents
from tests.worker.interpreter_builder import an_interpreter

names = st.text("abc", min_size=1, max_size=2)
places = st.lists(names, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def steps_of(options: list[str]) -> list[tuple[str, ...]]:
    """The options with what belongs to each."""
    steps, rest = [], list(options)
    while rest:
        count = 2 if rest[0] == "--dir" else 3
        steps.append(tuple(rest[:count]))
        rest = rest[count:]
    return steps


@given(st.lists(places, unique=True))
def test_no_mount_covers_one_that_was_made_before(where: list[str]) -> None:
    options = list(in_order([("--bind", "/host", place) for place in where]))
    made = [step[2] for step in steps_of(options) if step[0] == "--bind"]
    assert sorted(made) == sorted(where)
    assert not [(early, late) for index, early in enumerate(made) for late in made[index + 1 :] if is_within(early, late)]


@given(st.lists(places, unique=True))
def test_every_folder_above_a_mount_is_made_before_it(where: list[str]) -> None:
    there: set[str] = set()
    for step in steps_of(list(in_order([("--bind", "/host", place) for place in where]))):
        assert not [folder for folder in parents(step[-1]) if folder not in there]
        there.add(step[-1])


@given(places, places)
def test_a_path_is_within_what_stands_among_its_parents(path: str, folder: str) -> None:
    assert is_within(path, folder) == (folder in [*parents(path), path])
    assert is_within(path, "/")
    assert depth(path) == len(list(parents(path))) + 1
    kept = [one for one in dict.fromkeys([folder, path]) if not any(above in (folder, path) for above in parents(one))]
    assert outermost([folder, path, folder]) == kept


def test_what_lies_at_an_inside_path_is_found_through_the_deepest_bind() -> None:
    mounts = Mounts((("/kits/1", "/run/marx/kit"),), (("/slot/files", "/home/al"), ("/slot/deep", "/home/al/deep")))
    assert mounts.host_of("/home/al/a/b") == "/slot/files/a/b"
    assert mounts.host_of("/home/al/deep/b") == "/slot/deep/b"
    assert mounts.host_of("/home/al/deep") == "/slot/deep"
    assert mounts.host_of("/home/alice") == "/home/alice"
    assert mounts.host_of("/run/marx/kit/marx") == "/kits/1/marx"


def test_an_interpreter_is_shown_at_its_own_place_with_its_links(tmp_path: Path) -> None:
    prefix = tmp_path / "python"
    prefix.mkdir()
    link = ("../python/bin/python", str(tmp_path / "bin" / "python"))
    steps = steps_of(mount_options(an_interpreter(folders=(str(prefix),), links=(link,)), Mounts(), ()))
    assert ("--ro-bind", str(prefix), str(prefix)) in steps
    assert ("--symlink", *link) in steps


def prefix_with(folder: Path, *names: str) -> str:
    """A folder that holds an interpreter's parts."""
    for name in names:
        (folder / name).mkdir(parents=True)
    return str(folder)


@pytest.mark.parametrize("secret", ["share/marx", "", "share"])
def test_of_a_prefix_that_holds_secrets_only_pythons_part_is_shown(tmp_path: Path, secret: str) -> None:
    prefix = prefix_with(tmp_path / "local", "bin", "lib", "share/marx")
    private = os.path.normpath(os.path.join(prefix, secret))
    steps = steps_of(mount_options(an_interpreter(folders=(prefix,)), Mounts(), (private,)))
    assert [step[2] for step in steps if step[0] == "--ro-bind"] == [prefix + "/bin", prefix + "/lib"]


def test_of_a_home_that_an_environment_names_only_the_environments_part_is_shown(tmp_path: Path) -> None:
    """As after ``pip install --editable`` of a checkout that is the home: its .pth file puts all of it on the path."""
    home = str(tmp_path / "home")
    prefix = prefix_with(tmp_path / "home" / ".venv", "bin", "lib")
    interpreter = replace(an_interpreter(folders=(home,)), prefix=prefix, base_prefix="/usr")
    steps = steps_of(mount_options(interpreter, Mounts(), (home + "/.ssh",)))
    assert [step[2] for step in steps if step[0] == "--ro-bind"] == [prefix + "/bin", prefix + "/lib"]


def test_an_environment_made_right_in_the_project_leaves_the_project_writable(tmp_path: Path) -> None:
    prefix = prefix_with(tmp_path / "project", "bin", "lib", "src")
    steps = steps_of(mount_options(an_interpreter(folders=(prefix,)), Mounts(writable=((str(tmp_path), prefix),)), ()))
    assert [step for step in steps if step[0] != "--dir"] == [
        ("--bind", str(tmp_path), prefix),
        ("--ro-bind", prefix + "/bin", prefix + "/bin"),
        ("--ro-bind", prefix + "/lib", prefix + "/lib"),
    ]


SYSTEMS_OWN = "/usr /usr/bin /usr/local/src/x /etc /etc/x /lib64 /bin /proc /proc/sys /dev/shm /sys".split()


@pytest.mark.parametrize("place", SYSTEMS_OWN)
def test_no_file_of_a_task_is_put_among_the_systems(place: str) -> None:
    """Under root's recipe an /etc/ld.so.preload or a /usr/bin/setpriv of a task's would run as root."""
    for mounts in (Mounts(writable=(("/host", place),)), Mounts(read_only=(("/host", place),))):
        with pytest.raises(CannotLaunch, match="%s cannot be a program's own in the sandbox" % place):
            mount_options(an_interpreter(), mounts, ())


def test_where_the_root_folder_was_the_programs_its_entries_are_shown_but_no_link(tmp_path: Path) -> None:
    """Bubblewrap would bind what a link leads to on this machine."""
    (tmp_path / "data").mkdir()
    (tmp_path / "prog.py").touch()
    (tmp_path / "shadow").symlink_to("/etc/shadow")
    steps = steps_of(mount_options(an_interpreter(), Mounts(writable=((str(tmp_path), "/"), ("/host", "/tmp"))), ()))
    assert sorted(steps) == [
        ("--bind", "/host", "/tmp"),
        ("--bind", str(tmp_path / "data"), "/data"),
        ("--bind", str(tmp_path / "prog.py"), "/prog.py"),
    ]
    (tmp_path / "etc").mkdir()
    with pytest.raises(CannotLaunch, match="^/etc cannot be"):
        mount_options(an_interpreter(), Mounts(writable=((str(tmp_path), "/"),)), ())


@pytest.mark.parametrize("place", ["/run", "/run/marx", "/run/marx/kit"])
def test_marx_has_a_place_of_its_own(place: str) -> None:
    with pytest.raises(CannotLaunch, match="Marx itself"):
        mount_options(an_interpreter(), Mounts(writable=(("/host", place),)), ())


@pytest.mark.parametrize("place", ["relative", "/home/x/../../usr", "/home//x", "/home/x/", "/home/./x", ""])
def test_only_plain_absolute_paths_are_places(place: str) -> None:
    with pytest.raises(CannotLaunch, match="not a plain absolute path"):
        mount_options(an_interpreter(), Mounts(writable=(("/host", place),)), ())


def test_nothing_new_can_stand_in_an_interpreters_folder(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    python = an_interpreter(folders=(str(tmp_path),))
    mount_options(python, Mounts(writable=(("/host", str(tmp_path / "there")),)), ())
    with pytest.raises(CannotLaunch, match="start the task from another folder"):
        mount_options(python, Mounts(writable=(("/host", str(tmp_path / "new")),)), ())


def test_a_link_that_a_program_left_where_a_mount_belongs_is_not_followed(tmp_path: Path) -> None:
    scratch = tmp_path / "temporary"
    (scratch / "a").mkdir(parents=True)
    mounts = Mounts(writable=((str(scratch), "/tmp"), ("/host", "/tmp/a/project")))
    mount_options(an_interpreter(), mounts, ())
    (scratch / "a").rmdir()
    (scratch / "a").symlink_to("/")
    with pytest.raises(CannotLaunch, match="^/tmp/a is a symbolic link"):
        mount_options(an_interpreter(), mounts, ())
