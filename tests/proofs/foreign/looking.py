"""
What the analysis says of programs, by the interpreter that would run them: a script for Python 2.7 and 3, started as the tasker starts its own.

Its argument is the folder that holds ``marx``. Standard input: a JSON list of absolute paths. Standard output: for each of them one line of JSON,
{"places": how many loops, comprehensions and maps it holds, "portions", "kept": as ``tasker divide --json`` has them}, or {"error": text}.
"""

from __future__ import absolute_import

import ast
import json
import os
import signal
import sys
import warnings

#: Seconds that one program may take, and modules of it that are read: as the tasker has them.
LIMIT_SECONDS, MOST_FILES = 60, 300
PLACES = ("For", "AsyncFor", "ListComp", "SetComp", "DictComp", "GeneratorExp")
MAPS = ("map", "imap", "starmap")


def main():
    """Answer for each program."""
    from marx.runner.divide.__main__ import DEEPEST

    sys.setrecursionlimit(DEEPEST)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _ring)
    for path in json.loads(sys.stdin.read()):
        signal.alarm(LIMIT_SECONDS)
        try:
            said = looked_at(path)
        except Exception as error:
            said = {"error": "%s: %s" % (type(error).__name__, error)}
        signal.alarm(0)
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def looked_at(path):
    """Of one program."""
    from marx.runner.divide.answer import answer

    folder = os.path.dirname(path)
    found = answer({"program": path, "module": None, "folders": [folder], "folder": folder, "most_files": MOST_FILES})
    if "error" in found:
        return {"error": found["error"]["text"]}
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    return {"places": sum(map(_is_place, ast.walk(tree))), "portions": found["portions"], "kept": found["kept"]}


def _is_place(node):
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", getattr(node.func, "attr", None)) in MAPS and len(node.args) > 1
    return type(node).__name__ in PLACES


def _ring(*_):
    raise RuntimeError("not finished within %d s" % LIMIT_SECONDS)


if __name__ == "__main__":
    sys.path[:1] = []
    sys.path.append(sys.argv.pop())
    main()
