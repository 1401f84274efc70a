"""Executes a program as the keeper does, with sites of one's choice: ``finding.py KIT PORTAL every|marked|timed|numbered|proved|judged WORDS``.

"every": each loop, comprehension and map is one, to be computed in place. "marked": those in whose line stands ``# site``, to be divided; "timed": only where it is worth it; "numbered": ``# number``. "proved": those that the
analysis proves, all to be divided; "judged" those of them for which it is worth it.

``PORTAL``: the number of a descriptor and of slots, as in "5:3". Runs under every version.
"""

import ast
import os
import sys


def main(kit, portal, which, words):
    environ = dict(os.environ)
    started = prepared(kit, portal, which, words, environ)
    os.execve(sys.executable, [sys.executable, "-s"] + (started.words if started else words), environ)


def prepared(kit, portal, which, words, environ):
    """What takes the place of the program's words, None where they stay; ``environ`` is made the one to execute them in."""
    sys.path.insert(0, kit)
    from marx.runner import bootstrap
    from marx.runner.found import starting

    descriptor, slots = portal.split(":")
    started = starting.started(words, finders()[which], 400, which not in ("every", "timed", "judged"))
    path = environ.get("PYTHONPATH")
    environ["PYTHONPATH"] = os.pathsep.join([os.path.join(kit, "before-programs")] + ([path] if path else []))
    environ[bootstrap.VARIABLE] = bootstrap.word(int(descriptor), slots, path, started and started.plan)
    return started


KINDS = {"For": "for", "ListComp": "list", "SetComp": "set", "DictComp": "dict", "GeneratorExp": "generator", "Call": "map"}


def finders():
    from marx.runner.divide.finding import find

    return {"every": find_all, "marked": find_marked, "timed": find_marked, "numbered": lambda *both: find_marked(*both, mark="# number"), "proved": find, "judged": find}


def find_all(program, resolver):
    """What has the form of a site, whatever it does."""
    return dict((module.path, list(sites_of(module))) for module in program.modules)


def find_marked(program, resolver, mark="# site"):
    """The outermost form of a site in each line that says so."""
    found = {}
    for module in program.modules:
        with open(module.path) as file:
            lines = [""] + file.read().splitlines()
        sites = [site for site in sites_of(module) if mark in lines[site.line]]
        firsts = dict((site.line, site) for site in reversed(sites))
        found[module.path] = [site._replace(collects=collecting(site.node) if site.kind == "for" else ()) for site in firsts.values()]
    return found


class Around(object):
    def __init__(self, kind, name, parent):
        self.kind, self.name, self.parent = kind, name, parent


def walk(node, around):
    yield node, around
    name = type(node).__name__
    if name in ("FunctionDef", "Lambda", "ClassDef"):
        around = Around("class" if name == "ClassDef" else "function", getattr(node, "name", ""), around)
    for child in ast.iter_child_nodes(node):
        for each in walk(child, around):
            yield each


def sites_of(module):
    from marx.runner.divide.found import Found

    for node, around in walk(module.tree, Around("module", "", None)):
        kind = KINDS.get(type(node).__name__)
        if kind is None or kind == "map" and getattr(node.func, "id", None) not in ("map", "starmap") or getattr(node, "is_async", 0):
            continue
        if any(getattr(each, "is_async", 0) for each in getattr(node, "generators", ())):
            continue
        kind = node.func.id if kind == "map" else kind
        collects = summing(node) if kind == "for" else ()
        values = dict.fromkeys(Found._fields)
        values.update(kind=kind, module=module, line=node.lineno, node=node, collects=collects, scope=around, conditions=(), reads=(), function="f")
        yield Found(**values)


def summing(loop):
    """Names that a loop without an exit in its middle adds to."""
    inner = [each for each in ast.walk(loop) if type(each).__name__ in ("Break", "Return", "Yield")]
    return () if inner else tuple(each for each in collecting(loop) if each.how in ("iadd", "max") and each.node in loop.body)


def collecting(loop):
    """All that a loop collects in."""
    found = []
    for each in ast.walk(loop):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in ("append", "extend", "add", "update"):
            if isinstance(each.func.value, ast.Name):
                found.append(collect(each.func.attr, each.func.value.id, each))
        elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name):
            found.append(collect("iadd", each.target.id, each))
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript) and isinstance(each.targets[0].value, ast.Name):
            found.append(collect("setitem", each.targets[0].value.id, each))
        elif isinstance(each, ast.Assign) and isinstance(each.value, ast.Call) and getattr(each.value.func, "id", None) == "max":
            found.append(collect("max", each.targets[0].id, each))
    return tuple(found)


def collect(how, name, node):
    from marx.runner.divide.found import Collect

    return Collect(how, ("global", "", name), node)


if __name__ == "__main__":
    sys.path.pop(0)
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
