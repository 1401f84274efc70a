"""`choose`: what it takes for a sandbox to be offered, and what a worker's owner reads when there is none."""

import os
import platform
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from marx.worker import mending
from marx.worker.bare import Bare
from marx.worker.bubblewrap import Bubblewrap, Ground, RootBubblewrap, Tools, UserBubblewrap, known_options
from marx.worker.launch import Launch
from marx.worker.mending import how_to_install, how_to_permit
from marx.worker.sandbox import NoSandbox, choose
from marx.worker.seccomp import filter_for
from marx.worker.selftest import NotProved, prove

SHELL = "#!/bin/sh\n"


def with_bwrap(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """Make `script` the only bwrap on the PATH, or have none at all; setpriv is there."""
    programs = folder / "programs"
    programs.mkdir()
    for name, text in {"bwrap": script, "setpriv": "exit 0", "apt-get": ""}.items():
        if text is not None:
            (programs / name).write_text(SHELL + text)
            (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))


def recipe(folder: Path, without: str = "") -> Bubblewrap:
    """The recipe for pytest's own user as `choose` makes it, or as for a bwrap that does not know one option."""
    options = known_options("/usr/bin/bwrap") - {without}
    tools = Tools("/usr/bin/bwrap", options, "/usr/bin/setpriv", "/usr/bin/setsid")
    ground = Ground.prepare(folder / "ground", [str(folder)], filter_for(platform.machine()))
    return (RootBubblewrap if os.geteuid() == 0 else UserBubblewrap)(tools, ground)


@pytest.mark.needs_bwrap
@pytest.mark.parametrize("wanted", ["auto", "bwrap"])
def test_auto_is_bubblewrap_and_nothing_less(tmp_path: Path, wanted: str) -> None:
    assert choose(wanted, tmp_path).level == "bwrap"
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox"]


def test_none_is_taken_only_by_its_name(tmp_path: Path) -> None:
    assert choose("none", tmp_path).level == "none"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_level_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NoSandbox, match="'chroot' is unknown; this worker knows auto, bwrap, landlock, none"):
        choose("chroot", tmp_path)


def test_a_missing_bubblewrap_is_named_with_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_bwrap(tmp_path, monkeypatch, None)
    with pytest.raises(NoSandbox) as refused:
        choose("auto", tmp_path)
    assert str(refused.value).startswith(
        "no working sandbox: bwrap was not found. Install it as root: apt-get install bubblewrap\n"
    )
    assert "--sandbox none" in str(refused.value)


def test_a_bubblewrap_that_lacks_an_option_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_bwrap(tmp_path, monkeypatch, "echo --args --info-fd --new-session --as-pid-1 --perms")
    with pytest.raises(NoSandbox, match="too old, it lacks --die-with-parent. Install it as root: apt-get"):
        choose("auto", tmp_path)


ALL_OPTIONS = "echo --args --info-fd --new-session --as-pid-1 --perms --die-with-parent"
USERNS = "bwrap: No permissions to create a new namespace, likely because the kernel does not allow non-privileged user namespaces."
MAPPING = "bwrap: setting up uid map: Permission denied"
LOOPBACK = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted"
EXHAUSTED = "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"
UNSHARE = "bwrap: Creating new namespace failed: Operation not permitted"

MENDED = [
    # what bwrap says, who starts the worker, what the kernel is set to, what is there, and what mends it
    (USERNS, 1000, {"kernel/unprivileged_userns_clone": "0"}, "", "as root: sysctl -w kernel.unprivileged_userns_clone=1 && "),
    (MAPPING, 1000, {"kernel/apparmor_restrict_unprivileged_userns": "1"}, "", "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 && "),
    (LOOPBACK, 1000, {"kernel/apparmor_restrict_unprivileged_userns": "1"}, "", "kernel.apparmor_restrict_unprivileged_userns=0 >/etc/sysctl.d/"),
    (EXHAUSTED, 1000, {"user/max_user_namespaces": "0"}, "", "as root: sysctl -w user.max_user_namespaces=15000 && "),
    (UNSHARE, 1000, {}, ".dockerenv", "This is a container that forbids namespaces: start it with: docker run "),
    (UNSHARE, 1000, {"kernel/unprivileged_userns_clone": "1"}, "", "If this is a container, start it with: docker run "),
    (UNSHARE, 0, {"user/max_user_namespaces": "0"}, ".containerenv", "--security-opt seccomp=unconfined .*\nOr start the worker as an ordinary user"),
]


@pytest.mark.parametrize(("complaint", "uid", "settings", "mark", "mend"), MENDED)
def test_each_cause_for_which_bubblewrap_is_not_permitted_has_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, uid: int, settings: dict[str, str], mark: str, mend: str
) -> None:
    for name, value in settings.items():
        (tmp_path / "settings" / name).parent.mkdir(parents=True)
        (tmp_path / "settings" / name).write_text(value + "\n")
    (tmp_path / mark).touch() if mark else None
    monkeypatch.setattr(mending, "SETTINGS", tmp_path / "settings")
    monkeypatch.setattr(mending, "CONTAINER_MARKS", (tmp_path / ".dockerenv", tmp_path / ".containerenv"))
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with_bwrap(tmp_path, monkeypatch, '[ "$1" = --help ] && %s || echo "%s" >&2' % (ALL_OPTIONS, complaint))
    with pytest.raises(NoSandbox, match="bubblewrap does not hold here: " + re.escape(complaint) + "(?s:.*)" + mend):
        choose("auto", tmp_path)


def test_what_the_self_test_finds_has_no_command() -> None:
    assert how_to_permit(False, "the system's folders can be written") == ""


def test_a_bubblewrap_that_only_pretends_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_bwrap(tmp_path, monkeypatch, '[ "$1" = --help ] && %s; exit 0' % ALL_OPTIONS)
    with pytest.raises(NoSandbox, match="does not hold here: it ended without a word"):
        choose("auto", tmp_path)


def test_a_machine_without_a_known_package_tool_is_told_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert how_to_install("bubblewrap") == "Install the package bubblewrap."


@pytest.mark.needs_bwrap
@pytest.mark.parametrize("lacking", ["--disable-userns", "--size", "--perms"])
def test_the_recipe_holds_without_what_older_versions_lack(tmp_path: Path, lacking: str) -> None:
    if os.geteuid() == 0 and lacking == "--perms":
        lacking = "--size"  # root's recipe demands the other
    prove(recipe(tmp_path, without=lacking), tmp_path)


@pytest.mark.needs_bwrap
def test_a_recipe_that_leaves_one_thing_open_is_not_offered(tmp_path: Path) -> None:
    class Leaky(type(recipe(tmp_path))):
        def launch(self, *arguments: Any) -> Launch:
            launch = super().launch(*arguments)
            return replace(launch, child_fds={**launch.child_fds, 9: os.dup(2)})

    sandbox = recipe(tmp_path)
    with pytest.raises(NotProved, match="^descriptors of the worker or of bubblewrap are open$"):
        prove(Leaky(sandbox._tools, sandbox._ground), tmp_path)


@pytest.mark.needs_bwrap
def test_a_self_test_that_is_killed_is_run_once_more(tmp_path: Path) -> None:
    class KilledAtFirst(type(recipe(tmp_path))):
        launches = 0

        def launch(self, *arguments: Any) -> Launch:
            self.launches += 1
            launch = super().launch(*arguments)
            return replace(launch, argv=[b"/bin/sh", b"-c", b"kill -9 $$"]) if self.launches == 1 else launch

    sandbox = recipe(tmp_path)
    killed = KilledAtFirst(sandbox._tools, sandbox._ground)
    prove(killed, tmp_path)
    assert killed.launches == 2


def test_the_self_test_finds_every_hole_of_a_bare_process(tmp_path: Path) -> None:
    """So that its silence means something."""
    with pytest.raises(NotProved) as found:
        prove(Bare(None), tmp_path)
    everywhere = [
        "the worker's private files can be read",
        "the worker's folder can be listed",
        "a TCP service of this machine can be reached",
        "an abstract Unix socket of this machine can be reached",
        "processes outside can be signalled",
        "rights are left: a capability, the user root, or the way to new ones",
        "the program's own folder cannot be written",
    ]
    assert [sentence for sentence in everywhere if sentence not in str(found.value)] == []


def test_a_self_test_that_does_not_end_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotProved, match="it ended without a word"):
        prove(Bare(None), tmp_path, seconds=0.0)
