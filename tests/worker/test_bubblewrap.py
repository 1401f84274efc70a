"""The real recipes, as root and as an ordinary user, under every Python found here: what a program lives with."""

import ast
import json
import os
import platform
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from marx.worker.bare import Bare
from marx.worker.bubblewrap import Ground, RootBubblewrap, Tools, UserBubblewrap
from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.seccomp import DENIED as SYSCALLS
from marx.worker.seccomp import MACHINES
from tests.pythons import UserPython
from tests.worker.interpreter_builder import an_interpreter
from tests.worker.stand import CWD, RECIPES, Stand


@pytest.fixture(params=RECIPES)
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    with Stand.of(request.param) as stand:
        yield stand


@pytest.fixture
def python(interpreters: tuple[UserPython, ...]) -> str:
    """One interpreter, where which one makes no difference."""
    return interpreters[-1].path


ORDINARY_LIFE = """
import getpass, multiprocessing, os, socket, subprocess, sys, tempfile, threading
with open("result.txt", "w") as file:
    file.write("kept")
handle, temporary = tempfile.mkstemp()
os.close(handle)
left, right = socket.socketpair()
thread = threading.Thread(target=left.sendall, args=(b"x",))
thread.start()
pool = multiprocessing.Pool(2)
shown = {
    "cwd": os.getcwd(),
    "user": getpass.getuser(),
    "home": os.path.expanduser("~"),
    "temporary": os.path.dirname(temporary),
    "mapped": pool.map(abs, [-1, -2]),
    "heard": right.recv(1) == b"x",
    "child": subprocess.check_output(["sh", "-c", "echo from a shell"]).decode("ascii").strip(),
    "python": list(sys.version_info[:2]),
}
pool.terminate()
print(repr(shown))
"""


def test_a_program_lives_as_it_would_outside(stand: Stand, user_python: UserPython) -> None:
    project, home = stand.make("project"), stand.make("home")
    binds = [(project, CWD), (home, "/home/marx")]
    answer = stand.run(user_python.path, ORDINARY_LIFE, env={"HOME": "/home/marx"}, binds=binds)
    shown = ast.literal_eval(answer.stdout or repr(answer))
    assert shown == {
        "cwd": CWD,
        "user": "marx",
        "home": "/home/marx",
        "temporary": "/tmp",
        "mapped": [1, 2],
        "heard": True,
        "child": "from a shell",
        "python": list(user_python.version[:2]),
    }
    assert (project / "result.txt").read_text() == "kept"


def test_only_the_standard_descriptors_are_open(stand: Stand, python: str) -> None:
    answer = stand.run(python, "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])")
    assert answer.stdout == "[0, 1, 2]\n"


def test_the_environment_is_what_was_given_with_the_folder_added(stand: Stand, python: str) -> None:
    odd = {"QUOTES": "it's \"so\"", "LINES": "one\ntwo", "EMPTY": "", "with.dot": "$HOME `id`", "LC_ALL": "C.UTF-8"}
    source = "import json, os; print(json.dumps(dict(os.environ)))"
    answer = stand.run(python, source, env=odd)
    assert json.loads(answer.stdout or repr(answer)) == {**odd, "PWD": CWD}


def test_what_a_task_sets_for_the_loader_reaches_only_its_own_program(stand: Stand, python: str) -> None:
    """Each program that is given LD_PRELOAD complains of a library that is not there, those that still have rights too."""
    answer = stand.run(python, "print('ran')", env={"LD_PRELOAD": "/nonexistent.so"})
    assert answer.stdout == "ran\n"
    assert answer.stderr.count("/nonexistent.so") == 1


PLACES = ["/srv/deep/down", str(Path.home() / "project"), "/tmp/project", "/data"]


@pytest.mark.parametrize("place", PLACES)
def test_the_callers_folder_may_be_anywhere(stand: Stand, python: str, place: str) -> None:
    folder = stand.make("project")
    source = """if True:
        import os
        open("written", "w").close()
        above = os.path.dirname(os.getcwd())
        print(os.getcwd(), os.path.basename(os.getcwd()) in os.listdir(above), oct(os.stat(above).st_mode & 0o700))
    """
    answer = stand.run(python, source, binds=[(folder, place)], cwd=place)
    assert (answer.stderr, answer.stdout) == ("", "%s True 0o700\n" % place)
    assert (folder / "written").exists()


def test_a_program_that_was_started_in_the_root_folder_finds_its_files(stand: Stand, python: str) -> None:
    folder = stand.make("root")
    (folder / "input.txt").write_text("found")
    (folder / "input.txt").chmod(0o644)
    source = "import os; print(open('input.txt').read(), os.getcwd(), os.access('/', os.W_OK))"
    answer = stand.run(python, source, binds=[(folder, "/")], cwd="/")
    assert (answer.stderr, answer.stdout) == ("", "found / False\n")


def test_a_folder_below_another_shows_its_own_files(stand: Stand, python: str) -> None:
    temporary, project = stand.make("temporary"), stand.make("project")
    source = "import os; open('/tmp/a', 'w').close(); open('b', 'w').close(); print(sorted(os.listdir('/tmp')))"
    answer = stand.run(python, source, binds=[(project, "/tmp/alice/project"), (temporary, "/tmp")], cwd="/tmp/alice/project")
    assert answer.stdout == "['a', 'alice']\n"
    assert os.listdir(project) == ["b"]


def test_an_interpreter_in_the_callers_home_is_there_beside_its_files(stand: Stand, python: str) -> None:
    home = str(Path(os.path.realpath(python)).parents[2])
    if home == "/":
        pytest.skip("the interpreter is the system's, and lies in nobody's home")
    folder = stand.make("project")
    answer = stand.run(python, "import json; open('x', 'w').close(); print('ran')", binds=[(folder, home)], cwd=home)
    assert (answer.stderr, answer.stdout, answer.refused) == ("", "ran\n", "")


def test_the_program_has_a_user_of_its_own_and_no_rights(stand: Stand, python: str) -> None:
    source = "import os; print([os.getuid(), os.getgid(), os.getgroups()]); print(open('/proc/self/status').read())"
    lines = stand.run(python, source, slot=3).stdout.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    uid = 60700 if stand.uid is not None or os.geteuid() else 60703
    assert lines[0] in ("[%d, %d, []]" % (uid, uid), "[%d, %d, [%d]]" % (uid, uid, uid))
    assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [0] * 5
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


DENIED = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def errno_of(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments) == -1 and ctypes.get_errno()
def family(number):
    try:
        socket.socket(number, socket.SOCK_STREAM).close()
    except (OSError, IOError) as error:
        return error.errno
numbers = {numbers}
print(repr([[errno_of(number, 0, 0, 0, 0, 0) for number in numbers], [family(one) for one in (1, 2, 16, 38, 40)]]))
"""


def test_the_kernel_refuses_what_the_filter_names(stand: Stand, user_python: UserPython) -> None:
    column = list(MACHINES).index(platform.machine())
    names = ("keyctl", "bpf", "perf_event_open", "io_uring_setup", "unshare", "ptrace")
    numbers = [*(SYSCALLS[name][column] for name in names), MACHINES[platform.machine()].clone3]
    answer = stand.run(user_python.path, DENIED.replace("{numbers}", repr(numbers)))
    errors, families = ast.literal_eval(answer.stdout or repr(answer))
    assert errors == [1, 1, 1, 1, 1, 1, 38]
    assert families[:2] == [None, None]
    assert families[3:] == [97, 97]


@pytest.mark.needs_bwrap
def test_an_interpreter_that_the_user_cannot_reach_is_named_with_what_opens_it(python: str) -> None:
    with Stand.of("user") as stand:
        closed = stand.make("closed")
        (closed / "prefix").mkdir()
        closed.chmod(0)
        answer = stand.run(python, "print('ran')", folders=[str(closed / "prefix")])
        closed.chmod(0o700)
    assert "%s/prefix cannot be read" % closed in answer.refused
    assert "chmod o+x %s," % closed in answer.refused
    assert answer.stdout == ""


@pytest.fixture(params=[UserBubblewrap, RootBubblewrap, Bare])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each kind, made but never started."""
    if request.param is Bare:
        return Bare(None)
    tools = Tools("/usr/bin/bwrap", frozenset(["--perms", "--size", "--disable-userns"]), "/usr/bin/setpriv", None)
    return request.param(tools, Ground((), (), b"filter"))


def launched(sandbox: Sandbox, env: dict[str, str], command: Sequence[str] = ("kit",)) -> Launch:
    """A Launch of nothing in particular."""
    return sandbox.launch(an_interpreter(), command, Mounts(), env, CWD, 0)


def content(launch: Launch, number: int) -> bytes:
    """What the child would read there."""
    descriptor = launch.child_fds[number]
    assert isinstance(descriptor, int)
    return os.read(descriptor, 1 << 20)


def test_a_secret_is_in_nobodys_arguments(sandbox: Sandbox) -> None:
    with closing(launched(sandbox, {"TOKEN": "hunter2"})) as launch:
        assert not [word for word in launch.argv if b"hunter2" in word]


@pytest.mark.parametrize("recipe", [UserBubblewrap, RootBubblewrap])
def test_bubblewrap_itself_has_no_environment(recipe: Callable[[Tools, Ground], Sandbox]) -> None:
    sandbox = recipe(Tools("/usr/bin/bwrap", frozenset(), "/usr/bin/setpriv"), Ground((), (), b"filter"))
    with closing(launched(sandbox, {"LD_PRELOAD": "/x.so"})) as launch:
        assert launch.env == {}
        assert content(launch, 5) == b"filter"


def test_without_a_sandbox_the_environment_is_given_as_it_is() -> None:
    launch = launched(Bare(None), {"NAME": "välue"})
    assert launch.env == {b"NAME": "välue".encode(), b"PWD": CWD.encode()}
    assert launch.argv == [b"/opt/python3.11/bin/python3.11", b"kit"]


@pytest.mark.parametrize("env", [{"A": "x\0--bind\0/\0/host"}, {"A\0B": "x"}, {"": "x"}, {"A=B": "x"}, {"A": "\ud800"}])
def test_what_no_environment_can_hold_is_refused(sandbox: Sandbox, env: dict[str, str]) -> None:
    """A NUL would end bubblewrap's option and begin another."""
    with pytest.raises(CannotLaunch):
        launched(sandbox, env)


def test_an_argument_that_no_process_can_have_is_refused_without_being_shown(sandbox: Sandbox) -> None:
    with pytest.raises(CannotLaunch, match="^an argument, path or variable of the task has a character"):
        launched(sandbox, {}, ["hunter2\0"])


def test_a_launch_closes_what_it_opened_and_a_refused_one_opens_nothing(sandbox: Sandbox) -> None:
    before = os.listdir("/proc/self/fd")
    launched(sandbox, {"A": "b"}).close()
    with pytest.raises(CannotLaunch):
        launched(sandbox, {}, ["\0"])
    assert os.listdir("/proc/self/fd") == before


def test_every_launch_reads_its_files_from_the_start(sandbox: Sandbox) -> None:
    with closing(launched(sandbox, {})) as first, closing(launched(sandbox, {})) as second:
        for number in [number for number, descriptor in first.child_fds.items() if descriptor != "r"]:
            assert content(first, number) == content(second, number) != b""


def test_each_slot_of_root_has_a_user_of_its_own() -> None:
    root = RootBubblewrap(Tools("/usr/bin/bwrap", frozenset()), Ground((), (), b""))
    assert len({root.owner(index) for index in range(-128, 256)}) == 384, "seats are below 0"
    assert all(60700 <= root.owner(index) < 61184 for index in range(-1000, 1000))


def test_paths_are_translated_only_where_nothing_is_mounted(sandbox: Sandbox) -> None:
    mounts = Mounts(writable=(("/slot/files", CWD),))
    assert sandbox.place(mounts, CWD + "/a") == ("/slot/files/a" if sandbox.level == "none" else CWD + "/a")


REACH = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", %d), timeout=10).close()
    print(open("/etc/resolv.conf").read() == %r)
except (OSError, IOError) as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("network", [False, True])
def test_this_machine_is_reached_only_with_its_network(stand: Stand, python: str, network: bool) -> None:
    resolver = Path("/etc/resolv.conf")
    with socket.create_server(("127.0.0.1", 0)) as service:
        source = REACH % (service.getsockname()[1], resolver.read_text() if resolver.exists() else "")
        answer = stand.run(python, source, network=network)
    assert answer.stdout == ("True\n" if network else "ConnectionRefusedError\n"), answer
