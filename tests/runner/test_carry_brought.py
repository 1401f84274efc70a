"""Items that bring along all that they see of their program find its surroundings, and its libraries imported."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.pythons import UserPython
from tests.source import CHECKOUT

TAKE = """\
import os, sys, wave
sys.path.insert(0, "helpers")
import own_module
from marx.runner.carry import brought
os.chdir("below")
os.environ["COLOUR"] = "red"
sys.setrecursionlimit(4321)
with open(sys.argv[1], "wb") as file:
    file.write(brought.brought_state("joblib").content)
"""

GIVE = """\
import os, sys
from marx.runner.carry import restoring
with open(sys.argv[1], "rb") as file:
    loaded = restoring.load(file.read())
print(os.path.basename(os.getcwd()), os.environ["COLOUR"], sys.getrecursionlimit(), loaded.style)
print("wave" in sys.modules, "own_module" in sys.modules, sys.path[0])
"""


def run(python: UserPython, folder: Path, text: str, state: Path) -> str:
    """What a program that finds the runner printed."""
    (folder / "program.py").write_text(text)
    environ = {"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    command = [python.path, "-s", "program.py", str(state)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True).stdout


def test_surroundings_and_libraries_are_there_and_own_modules_are_left_to_the_items(user_python: UserPython, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "own_module.py").write_text("print('imported')\n")
    state = tmp_path / "state"
    run(user_python, tmp_path, TAKE, state)
    first, second = run(user_python, tmp_path, "from __future__ import print_function\n" + GIVE, state).splitlines()
    assert first == "below red 1000 joblib"
    assert second == "True False helpers"
