"""Settings of libraries that are made where executing the program again does not make them: behind its guard, and in its functions."""

from __future__ import absolute_import

import ast
import re

from marx.runner.carry.own import is_own_name
from marx.runner.carry.syntax import FUNCTIONS, dotted
from marx.runner.carry.statements import is_guard

_SETTING = re.compile(
    "^(create|register.*|set(_.*|[A-Z].*)?|use|use_.*|enable.*|disable.*|install.*|configure.*|init|init_.*|manual_seed)$"
)
#: These are carried by `surroundings`, seeded for each item, or of no meaning in another process.
_KNOWN = frozenset(
    "os sys signal socket warnings logging random decimal locale gc matplotlib multiprocessing threading time atexit csv argparse"
    " faulthandler tracemalloc readline tkinter marx".split()
)
_KNOWN_CALLS = frozenset(["numpy.seterr", "numpy.set_printoptions", "numpy.random.seed", "pylab.rc"])


def lost_setups(source, functions, packages):
    """(line, call) for each setting that items would not see.

    ``functions``: names of those that items call themselves; ``packages``: the libraries that items use.
    """
    for statement in _elsewhere(source.tree, functions):
        path = dotted(statement.value.func)
        for meant in sorted(source.aliases.get(path[0], ())) if len(path) > 1 else ():
            full = ".".join((meant,) + path[1:])
            package = full.split(".")[0]
            if package in packages and package not in _KNOWN and full not in _KNOWN_CALLS and not is_own_name(meant):
                if _SETTING.match(path[-1]):
                    yield statement.lineno, ".".join(path)


def _elsewhere(tree, functions):
    """Calls whose result nobody takes, below guards and in functions that items do not call."""
    places = [statement for statement in tree.body if is_guard(statement)]
    places += [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS) and node.name not in functions]
    for place in places:
        for node in ast.walk(place):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                yield node
