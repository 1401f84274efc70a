"""
What the user's own Python says of a program without running it: ``marx.runner.divide``, started on this machine.

That package is read from where Marx is installed, behind the standard library and with no ``site-packages`` beside it (``-S``): an older
Python must not find our dependencies. Only where that answers nothing is it asked with them: a virtual environment of 2.7 finds its standard
library by ``site``. Marx itself imports nothing of it; what goes in and out is described there.
"""

from __future__ import annotations

import json
import os
import subprocess
from importlib.resources import files
from typing import Any, Mapping

from twisted.internet.threads import deferToThreadPool

from marx.tasker.exits import FAILED, FAULT, NO_FILE, Trouble
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import Target

#: It takes about a tenth of a second for a program of a few files, and five seconds for one of a hundred thousand lines.
LIMIT_SECONDS = 60.0
#: Modules of the program that are read; beyond that a portion more or less is no news.
MOST_FILES = 300

#: The first entry of ``sys.path`` is the folder that the command is typed in, where anything may lie.
BEGIN = """
import sys
sys.path[:1] = []
sys.path.append(sys.argv.pop())
from marx.runner.divide.__main__ import main
sys.exit(main())
"""


async def analyse(target: Target, python: str, around: Surroundings) -> dict[str, Any]:
    """
    The answer of the interpreter at the path ``python`` about a target whose ``path`` is known.

    Raises Trouble with 1 where the program is none for this Python, 66 where the interpreter cannot be started.
    """
    assert target.path is not None
    pool = around.reactor.getThreadPool()
    request = _request(target, target.path, around.place.folder)
    answer = await deferToThreadPool(around.reactor, pool, _ask, python, request, around.environ)
    error = answer.get("error")
    if error is not None:
        where = target.name if error["line"] is None else f"{target.name}, line {error['line']}"
        raise Trouble(f"{where}: {error['text']}; it was read by {python}, and --python names another", FAILED)
    return answer


def _request(target: Target, path: str, folder: str) -> dict[str, Any]:
    """As a plain run has it, imports begin in the program's folder, of ``-m`` in the working directory."""
    begin = folder if target.module is not None else os.path.dirname(path)
    return {"program": path, "module": target.module, "folders": [begin], "folder": folder, "most_files": MOST_FILES}


def _ask(python: str, request: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Blocks until it has answered."""
    content = json.dumps(request).encode("ascii")
    for options in (("-S",), ()):
        ended = _ended([python, *options, "-E", "-s", "-B", "-c", BEGIN, str(files("marx").joinpath(os.pardir))], content, request, environ)
        try:
            answer = json.loads(ended.stdout)
            return answer if isinstance(answer, dict) else {}
        except ValueError:
            continue
    because = _complaint(ended.stderr.decode("utf-8", "replace")) or f"exit code {ended.returncode}"
    raise Trouble(f"{python} could not look at {request['program']} ({because}); --python names another", NO_FILE)


def _ended(command: list[str], content: bytes, request: dict[str, Any], environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, input=content, capture_output=True, env=dict(environ), timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        sentence = f"{command[0]} did not finish looking at {request['program']} within {LIMIT_SECONDS:.0f} s"
        raise Trouble(sentence, FAULT) from None
    except OSError as error:
        raise Trouble(f"{command[0]} cannot be started: {error.strerror}", NO_FILE) from error


def _complaint(text: str) -> str:
    """The line that says what went wrong: the last of a traceback, the first of anything else."""
    lines = text.strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]
