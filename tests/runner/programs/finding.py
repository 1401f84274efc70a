"""Executes a program as the keeper does, with every loop, comprehension and map of it for a site: ``finding.py KIT PORTAL every WORDS``.

``PORTAL``: the number of a descriptor and of slots, as in "5:3". Runs under every version.
"""

import ast
import os
import sys


def main(kit, portal, which, words):
    sys.path[0] = kit
    from marx.runner import bootstrap
    from marx.runner.found import starting

    environ = dict(os.environ)
    descriptor, slots = portal.split(":")
    started = starting.started(words, {"every": find_all}[which], 400)
    path = environ.get("PYTHONPATH")
    environ["PYTHONPATH"] = os.pathsep.join([os.path.join(kit, "before-programs")] + ([path] if path else []))
    environ[bootstrap.VARIABLE] = bootstrap.word(int(descriptor), slots, path, started and started.plan)
    os.execve(sys.executable, [sys.executable, "-s"] + (started.words if started else words), environ)


KINDS = {"For": "for", "ListComp": "list", "SetComp": "set", "DictComp": "dict", "GeneratorExp": "generator", "Call": "map"}


def find_all(program, resolver):
    """What has the form of a site, whatever it does."""
    return dict((module.path, [each for each in sites_of(module)]) for module in program.modules)


def sites_of(module):
    from marx.runner.divide.found import Found

    for node in ast.walk(module.tree):
        kind = KINDS.get(type(node).__name__)
        if kind is None or kind == "map" and getattr(node.func, "id", None) != "map" or getattr(node, "is_async", 0):
            continue
        if any(getattr(each, "is_async", 0) for each in getattr(node, "generators", ())):
            continue
        collects = summing(node) if kind == "for" else ()
        values = dict.fromkeys(Found._fields)
        values.update(kind=kind, module=module, line=node.lineno, node=node, collects=collects)
        yield Found(**values)


def summing(loop):
    """Names that a loop without an exit in its middle adds to."""
    from marx.runner.divide.found import Collect

    inner = [each for each in ast.walk(loop) if type(each).__name__ in ("Break", "Return", "Yield")]
    found = [each for each in loop.body if isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name)]
    return () if inner else tuple(Collect("iadd", ("global", "", each.target.id), each) for each in found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
