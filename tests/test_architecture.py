"""The rules of the house (marx/__init__.py, docs/decisions.rst), each as a function from sources to violations.

Each rule is shown a source that breaks it before it is held against Marx, so that a rule that went blind is noticed.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.source import CHECKOUT, Source, sources

MARX = sources("marx")
TESTS = sources("tests")

FLOORS = ("core", "wire", "server", "worker", "tasker", "runner")
REACHES = {
    "": {"core", "wire"},
    "core": set(),
    "wire": {"core"},
    "server": {"wire", "core", ""},
    "worker": {"wire", "core", ""},
    "tasker": {"wire", "core", ""},
    "runner": set(),
}
"""From which other floors a floor may import; "" stands for the modules directly under marx."""

EMBEDDED = "marx/embedded.py"
"""The composition root of `tasker --local`: a server and a worker in one process."""

ROOTS = {"marx/server/tap.py", "marx/worker/tap.py", "marx/tasker/cli.py", "marx/server/admin_cli.py", EMBEDDED}
"""Where options, files, the reactor and the wall clock meet the objects; nowhere below."""

PURE = set(
    "__future__ abc array ast bisect collections contextlib copy dataclasses enum fractions functools heapq itertools math operator"
    " re statistics string struct types typing".split()
)
"""What core may import of the standard library: nothing that can see the outside."""

ONLY_IN_TWO = set("__builtin__ __main__ cPickle cStringIO copy_reg exceptions imp new Queue StringIO thread urllib2 urlparse".split())
WALL_CLOCK = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today")
GLOBAL_REACTOR = ("twisted.internet.reactor", "twisted.internet.task.react")
FORBIDDEN_FILES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base"}
FORBIDDEN_ENDS = ("Manager", "Handler", "Helper", "Helpers", "Util", "Utils", "Data", "Info")
LONGEST = {ast.FunctionDef: 60, ast.AsyncFunctionDef: 60, ast.ClassDef: 300}
LONGEST_TABLE = 120
"""For a function that builds a state machine: its transitions stand together, or they cannot be read as a table."""
LONGEST_FILE = 400



def upward_or_sideways_imports(source: Source) -> Iterator[str]:
    """Who may import whom; lazily or not makes no difference."""
    if source.place == EMBEDDED:
        return
    for name, line, _ in source.imports:
        parts = name.split(".")
        if parts[0] != "marx" or len(parts) < 2:
            continue
        floor = parts[1] if parts[1] in FLOORS else ""
        if floor != source.floor and floor not in REACHES[source.floor]:
            yield "%s:%d imports %s" % (source.place, line, name)


def imports_of_the_runner(source: Source) -> Iterator[str]:
    """Nobody imports the runner, `embedded` included: to the worker it is a folder to start."""
    for imported in source.imports:
        if imported.is_of("marx.runner") and source.floor != "runner":
            yield "%s:%d imports %s" % (source.place, imported.line, imported.name)


def imports_of_embedded(source: Source) -> Iterator[str]:
    """Only the tasker's command may, inside a function: else every command would load a server and a worker."""
    for imported in source.imports:
        allowed = source.place in ("marx/tasker/cli.py", EMBEDDED) and imported.lazy
        if imported.is_of("marx.embedded") and not allowed:
            yield "%s:%d imports %s" % (source.place, imported.line, imported.name)


def foreign_imports(source: Source) -> Iterator[str]:
    """Core is pure, wire knows Twisted, the runner the standard library."""
    for name, line, _ in source.imports:
        root = name.split(".")[0]
        if root != "marx" and not _may_import_foreign(source.floor, root):
            yield "%s:%d imports %s" % (source.place, line, name)


def _may_import_foreign(floor: str, root: str) -> bool:
    standard = root in sys.stdlib_module_names
    if floor == "core":
        return root in PURE
    if floor == "wire":
        return standard or root in ("twisted", "zope")
    if floor == "runner":
        return standard or root in ONLY_IN_TWO
    return True


def sql_outside_the_store(source: Source) -> Iterator[str]:
    """SQLAlchemy stands in the store, its schema and its migrations only."""
    if source.place.startswith(("marx/server/store", "marx/server/schema", "marx/server/migrations/")):
        return
    for imported in source.imports:
        if imported.is_of("sqlalchemy") or imported.is_of("alembic"):
            yield "%s:%d imports %s" % (source.place, imported.line, imported.name)


def processes_outside_process(source: Source) -> Iterator[str]:
    """`spawnProcess` is called in one module, so that every child goes through the same ladder at its end."""
    for name, line in source.dotted_names():
        if name.endswith(".spawnProcess") and source.place != "marx/worker/process.py":
            yield "%s:%d uses %s" % (source.place, line, name)


def global_reactor(source: Source) -> Iterator[str]:
    """Below the composition roots the reactor is an argument."""
    if source.place in ROOTS:
        return
    for imported in source.imports:
        if imported.name in GLOBAL_REACTOR:
            yield "%s:%d imports %s" % (source.place, imported.line, imported.name)


def wall_clock(source: Source) -> Iterator[str]:
    """Time is an argument too; only the runner, alone in its process, and 2.7 without a monotonic clock, asks for it."""
    if source.place in ROOTS or source.floor == "runner":
        return
    for name, line in source.dotted_names():
        if name in WALL_CLOCK or name.endswith(tuple("." + clock for clock in WALL_CLOCK)):
            yield "%s:%d uses %s" % (source.place, line, name)
    for imported in source.imports:
        if imported.name in WALL_CLOCK:
            yield "%s:%d imports %s" % (source.place, imported.line, imported.name)


def prints(source: Source) -> Iterator[str]:
    """Only what a person typed at prints."""
    if source.place in ("marx/tasker/show.py", "marx/tasker/cli.py", "marx/server/admin_cli.py"):
        return
    for name, line in source.dotted_names():
        if name == "print":
            yield "%s:%d prints" % (source.place, line)


def forbidden_names(source: Source) -> Iterator[str]:
    """A name that fits everything says nothing."""
    if source.module.rpartition(".")[2] in FORBIDDEN_FILES:
        yield source.place
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith(FORBIDDEN_ENDS):
            yield "%s:%d class %s" % (source.place, node.lineno, node.name)


def code_in_init(source: Source) -> Iterator[str]:
    """An __init__.py holds a docstring; the topmost also the version."""
    if not source.place.endswith("/__init__.py"):
        return
    if ast.get_docstring(source.tree) is None:
        yield "%s has no docstring" % source.place
    for node in source.tree.body[1:]:
        is_version = source.place == "marx/__init__.py" and ast.unparse(node).startswith("__version__ = ")
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not is_version and not is_future:
            yield "%s:%d holds code" % (source.place, node.lineno)


def undocumented(source: Source) -> Iterator[str]:
    """Every module, public class and public function at the top of a module says what it is for."""
    if ast.get_docstring(source.tree) is None:
        yield "%s has no docstring" % source.place
    for node in source.tree.body:
        if isinstance(node, tuple(LONGEST)) and not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield "%s:%d %s has no docstring" % (source.place, node.lineno, node.name)


def long_tail(source: Source) -> Iterator[str]:
    """The praised code bases of the field have hardly a function, class or file beyond these sizes."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_FILE:
        yield "%s: %d lines" % (source.place, lines)
    for node in ast.walk(source.tree):
        if isinstance(node, tuple(LONGEST)):
            size = node.end_lineno - node.lineno + 1
            if size > (LONGEST_TABLE if _builds_machine(node) else LONGEST[type(node)]):
                yield "%s:%d %s: %d lines" % (source.place, node.lineno, node.name, size)


def _builds_machine(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and "TypeMachineBuilder(" in ast.unparse(node)


def relative_by_accident(source: Source) -> Iterator[str]:
    """Without this line in every file, 2.7 imports our sibling modules where the user's program meant its own."""
    names = [imported.name for imported in source.imports]
    if source.floor == "runner" and "__future__.absolute_import" not in names:
        yield "%s lacks `from __future__ import absolute_import`" % source.place


RULES_AND_BREAKERS = [
    (upward_or_sideways_imports, "marx/core/x.py", "from marx.wire import calls"),
    (upward_or_sideways_imports, "marx/core/x.py", "import marx.config"),
    (upward_or_sideways_imports, "marx/wire/x.py", "from marx.server.store import Store"),
    (upward_or_sideways_imports, "marx/wire/x.py", "from ..tls import context"),
    (upward_or_sideways_imports, "marx/server/x.py", "from marx import worker"),
    (upward_or_sideways_imports, "marx/worker/x.py", "def f():\n    from marx.server import store"),
    (upward_or_sideways_imports, "marx/tasker/x.py", "from ..worker.link import WorkerLink"),
    (upward_or_sideways_imports, "marx/tls.py", "import marx.server.identity"),
    (upward_or_sideways_imports, "marx/runner/x.py", "from marx.core import ranges"),
    (imports_of_the_runner, "marx/worker/x.py", "from marx.runner import pipe"),
    (imports_of_the_runner, EMBEDDED, "from .runner import pipe"),
    (imports_of_embedded, "marx/tasker/cli.py", "from marx.embedded import house"),
    (imports_of_embedded, "marx/tasker/link.py", "def f():\n    import marx.embedded"),
    (foreign_imports, "marx/core/x.py", "import time"),
    (foreign_imports, "marx/core/x.py", "from twisted.internet import defer"),
    (foreign_imports, "marx/core/x.py", "from random import random"),
    (foreign_imports, "marx/wire/x.py", "import attrs"),
    (foreign_imports, "marx/runner/x.py", "import numpy"),
    (sql_outside_the_store, "marx/server/service.py", "from sqlalchemy import select"),
    (processes_outside_process, "marx/worker/slots.py", "self._reactor.spawnProcess(p, 'x')"),
    (global_reactor, "marx/server/service.py", "from twisted.internet import reactor"),
    (global_reactor, "marx/server/service.py", "def f():\n    import twisted.internet.reactor"),
    (wall_clock, "marx/server/service.py", "import time\nnow = time.time()"),
    (wall_clock, "marx/server/service.py", "from time import time"),
    (wall_clock, "marx/server/service.py", "import datetime\nnow = datetime.datetime.now"),
    (prints, "marx/server/service.py", "print('hello')"),
    (forbidden_names, "marx/server/utils.py", ""),
    (forbidden_names, "marx/server/x.py", "class SlotManager: pass"),
    (code_in_init, "marx/server/__init__.py", '"""Doc."""\nfrom marx.server import tap'),
    (code_in_init, "marx/server/__init__.py", ""),
    (undocumented, "marx/server/x.py", '"""Doc."""\ndef public(): pass'),
    (undocumented, "marx/server/x.py", "x = 1"),
    (long_tail, "marx/server/x.py", "def f():\n" + "    x = 1\n" * 60),
    (long_tail, "marx/server/x.py", "def f():\n    m = TypeMachineBuilder(A, B)\n" + "    x = 1\n" * 119),
    (long_tail, "marx/server/x.py", "class C:\n" + "    x = 1\n" * 300),
    (long_tail, "marx/server/x.py", "x = 1\n" * 401),
    (relative_by_accident, "marx/runner/x.py", "import os"),
]


@pytest.mark.parametrize(("rule", "place", "text"), RULES_AND_BREAKERS)
def test_each_rule_sees_what_breaks_it(rule: Callable[[Source], Iterator[str]], place: str, text: str) -> None:
    assert list(rule(Source(place, text)))


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES_AND_BREAKERS), ids=lambda rule: rule.__name__)
def test_marx_keeps_the_rule(rule: Callable[[Source], Iterator[str]]) -> None:
    assert [violation for source in MARX for violation in rule(source)] == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("marx/server/x.py", "from marx import tls\nfrom marx.wire import calls\nfrom .store import Store\nimport time"),
        ("marx/tasker/cli.py", "from twisted.internet import reactor\ndef f():\n    from marx import embedded"),
        (EMBEDDED, "from marx.server.service import Server\nfrom marx.worker.service import Worker"),
        ("marx/core/x.py", "from dataclasses import dataclass\nfrom .model import Lease\nfrom marx.core import ranges"),
        ("marx/runner/x.py", "from __future__ import absolute_import\nfrom marx.runner import pipe\nimport cPickle"),
    ],
)
def test_what_is_allowed_breaks_no_import_rule(place: str, text: str) -> None:
    rules = (upward_or_sideways_imports, imports_of_the_runner, imports_of_embedded, foreign_imports, global_reactor)
    assert [violation for rule in rules for violation in rule(Source(place, text))] == []


def vermin(*paths: object) -> subprocess.CompletedProcess[str]:
    """Ask vermin whether these files can be read and run by 2.7 as well as by 3.6."""
    command = [sys.executable, "-c", "import vermin; vermin.main()", "--violations", "--no-tips", "-t=2.7-", "-t=3.6-"]
    return subprocess.run([*command, *map(str, paths)], cwd=CHECKOUT, capture_output=True, text=True)


def test_what_every_users_interpreter_reads_is_python_2_7(tmp_path: Path) -> None:
    places = ["marx/__init__.py", *(source.place for source in MARX if source.floor == "runner")]
    answer = vermin(*places)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    stray = tmp_path / "stray.py"
    stray.write_text("x = f'{1}'\n")
    assert vermin(stray).returncode != 0


def test_twisted_and_its_plugins_get_no_init_from_us() -> None:
    shipped = [path.name for path in (CHECKOUT / "twisted").rglob("*.py")]
    assert sorted(shipped) == ["marx_server.py", "marx_worker.py"]


def sleeps(node: ast.AST, waiting: bool = False) -> Iterator[int]:
    """The lines that sleep, but for the pause of a poll: real processes are waited for in `wait_...`, with a deadline."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and ast.unparse(child.func) in ("time.sleep", "sleep") and not waiting:
            yield child.lineno
        is_wait = isinstance(child, ast.FunctionDef) and child.name.startswith("wait_")
        yield from sleeps(child, waiting or is_wait)


def test_tests_neither_sleep_nor_use_trial() -> None:
    asleep = ["%s:%d sleeps" % (source.place, line) for source in TESTS for line in sleeps(source.tree)]
    trial = ["%s:%d trial" % (source.place, use.line) for source in TESTS for use in source.imports if use.is_of("twisted.trial")]
    assert asleep + trial == []
    assert list(sleeps(ast.parse("def f():\n    time.sleep(1)\ndef wait_for():\n    time.sleep(1)"))) == [2]
