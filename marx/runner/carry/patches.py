"""What a program changes in libraries: ``json.dumps = mine``, ``plt.rcParams["x"] = 1``, ``setattr(lib, "x", 1)``, wherever it says so."""

from __future__ import absolute_import

import ast
import sys

from marx.runner.carry.own import is_own
from marx.runner.carry.syntax import dotted
from marx.runner.carry.table import CLASSES

_CHANGING = frozenset("append extend insert update add setdefault pop remove clear appendleft discard".split())
#: These are carried by `surroundings`, or belong to a process.
_CARRIED = frozenset("sys os warnings logging random decimal signal locale multiprocessing threading marx gc atexit".split())


def patches(source):
    """(line, module, path) for each place in a library that the source changes, and that is there now."""
    found = {}
    for line, chain in sorted(_changed(source.tree)):
        for meant in sorted(source.aliases.get(chain[0], ())) if chain else ():
            place = _resolved((meant,) + chain[1:])
            if place is not None:
                found.setdefault(place, line)
    return [(line, module, path) for (module, path), line in sorted(found.items())]


def _changed(tree):
    for node in ast.walk(tree):
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            if isinstance(target, (ast.Attribute, ast.Subscript)):
                yield node.lineno, dotted(target.value if isinstance(target, ast.Subscript) else target)
        if isinstance(node, ast.Call):
            yield node.lineno, _changed_by_call(node)


def _changed_by_call(call):
    path = dotted(call.func)
    if path == ("setattr",) and len(call.args) == 3:
        try:
            return dotted(call.args[0]) + (str(ast.literal_eval(call.args[1])),)
        except ValueError:
            return ()
    return path[:-1] if path and path[-1] in _CHANGING else ()


def _resolved(chain):
    """(module, path) of what a chain of names means in libraries; None if it is none of theirs, or not there."""
    names = ".".join(chain).split(".")
    module = None
    for count in range(1, len(names) + 1):
        if ".".join(names[:count]) in sys.modules:
            module, rest = ".".join(names[:count]), names[count:]
    if module is None or not rest or names[0] in _CARRIED or is_own(sys.modules[module]):
        return None
    return (module, ".".join(rest)) if _stands(module, rest) else None


def _stands(module, names):
    owner = sys.modules[module]
    for name in names[:-1]:
        owner = getattr(owner, name, None)
    return hasattr(owner, names[-1])


def patched(module, path):
    """What stands there: a container's content, else the object itself."""
    found = sys.modules[module]
    for name in path.split("."):
        found = vars(found)[name] if isinstance(found, CLASSES) and name in vars(found) else getattr(found, name)
    return dict(found) if isinstance(found, dict) else found


def patch(module, path, value):
    """Put it there."""
    owner, names = sys.modules[module], path.split(".")
    for name in names[:-1]:
        owner = getattr(owner, name)
    present = getattr(owner, names[-1], None)
    if isinstance(present, dict) and isinstance(value, dict):
        for gone in set(present) - set(value):
            del present[gone]
        present.update(value)
    else:
        setattr(owner, names[-1], value)
