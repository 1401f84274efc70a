"""The console script as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source import CHECKOUT

ENTRY = "import sys; from marx.tasker.cli import entry; sys.exit(entry())"
#: A command that gets a Ctrl-C, and would end a few turns of the reactor later.
INTERRUPTED = """
import os, signal, sys
from marx.tasker.cli import run_to_the_end

async def errand(around):
    from twisted.internet.task import deferLater

    await deferLater(around.reactor, 0)
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(3):
        await deferLater(around.reactor, 0)
    return 0

sys.exit(run_to_the_end(errand))
"""


def tasker(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it in another folder, without a login."""
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "MARX_HOME": "/nonexistent", **environ}
    return subprocess.run([sys.executable, "-c", ENTRY, *argv], capture_output=True, text=True, env=around, cwd="/", timeout=60)


def test_without_a_login_it_is_one_sentence_and_exit_code_78() -> None:
    answer = tasker("list")
    assert (answer.returncode, answer.stdout) == (78, "")
    assert answer.stderr.startswith("tasker: not logged in;") and answer.stderr.count("\n") == 1


def test_a_server_that_is_not_there_is_one_sentence_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("def f(x): return x\n")
    answer = tasker("map", str(tmp_path / "nix.py") + ":f", "a")
    assert (answer.returncode, answer.stdout) == (66, "")
    assert answer.stderr == f"tasker: {tmp_path}/nix.py: no such file\n"


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-"])
def test_streams_that_the_caller_closed_are_no_fault(tmp_path: Path, closed: str) -> None:
    (tmp_path / "prog.py").touch()
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "MARX_HOME": "/nonexistent"}
    command = f"exec '{sys.executable}' -c '{ENTRY}' run prog.py {closed}"
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=around, cwd=tmp_path, timeout=60)
    assert (answer.returncode, answer.stderr[:22]) == (78, "tasker: not logged in;")


@pytest.mark.parametrize(("trap", "code"), [("-", 130), ("''", 0)], ids=["typed", "in the background of a script"])
def test_an_interrupt_ends_it_where_it_would_end_python(trap: str, code: int) -> None:
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    command = ["sh", "-c", f'trap {trap} INT; exec "$0" "$@"', sys.executable, "-c", INTERRUPTED]
    answer = subprocess.run(command, capture_output=True, text=True, env=around, timeout=60)
    assert (answer.returncode, answer.stderr) == (code, "")


def test_parsing_imports_neither_twisted_nor_rich() -> None:
    code = "import sys, marx.tasker.cli; print([name for name in ('twisted', 'rich', 'cryptography') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT)
    assert answer.stdout == "[]\n"


def test_help_goes_to_standard_output_and_mistakes_to_standard_error() -> None:
    assert (tasker("--help").returncode, tasker("--help").stdout[:14]) == (0, "Usage: tasker ")
    answer = tasker("map", "--nix")
    assert (answer.returncode, answer.stdout) == (2, "") and "No such option" in answer.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_can_ask_for_words(shell: str) -> None:
    words = {"COMP_WORDS": "tasker who", "COMP_CWORD": "1" if shell == "zsh" else "who"}
    answer = tasker(_TASKER_COMPLETE=f"{shell}_complete", **words)
    assert "whoami" in answer.stdout
