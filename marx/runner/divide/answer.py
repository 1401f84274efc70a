"""Puts together what is said of a program: the answer to one request, as plain values for JSON.

``portions``  each {"file", "line", "kind", "function", "travels": [{"name", "file", "line", "rule"}]}, `travelling` explains the rules
              one that no pool asks for has more, as `telling` composes it: "end", "conditions", "collects", "prints", "doubt",
              "rest"
``kept``      each {"file", "line", "construct", "reason"}, and of what no pool asks for "end" and "hint"
``opens``     each {"file", "line", "path", "writes"}: the path as the source has it, relative to the working directory
``stdin``     each {"file", "line"}
``unread``    each {"file", "line", "reason"}: the program's modules that this Python cannot read
"""

from __future__ import absolute_import

import sys

from marx.runner.compat import native_path, path_text
from marx.runner.divide import libraries, starting, telling
from marx.runner.divide.finding import find
from marx.runner.divide.modules import Program
from marx.runner.divide.opening import Folding, opened, readings
from marx.runner.divide.portions import called, initializer_of, is_nameless, sites_of
from marx.runner.divide.resolving import Resolver
from marx.runner.divide.syntax import NoProgram
from marx.runner.divide.travelling import Need, Needs

READS = "`%s` reads `%s` (%s), %s, which cannot leave the main program's machine%s"
NAMELESS = "`%s` has no name that pickle could find it by, so this call fails as it does plainly; give it to a function of the module"


def answer(request):
    """What `__main__` writes. Raises nothing that the program is to blame for."""
    try:
        program = Program(
            native_path(request["program"]),
            request["module"],
            [native_path(folder) for folder in request["folders"]],
            request["most_files"],
        )
    except NoProgram as error:
        return {"error": {"line": error.line, "text": error.text}}
    resolver = Resolver(program)
    portions = Portions(program, resolver)
    found, kept = _found(program, resolver, portions)
    folding = Folding(resolver, request["folder"])
    opens = [dict(_at(each.module, each.line), path=each.name, writes=each.writes) for each in opened(resolver, folding)]
    unread = [{"file": path_text(path), "line": error.line, "reason": error.text} for path, error in program.unread.items()]
    return {
        "python": "%d.%d" % sys.version_info[:2],
        "portions": _sorted(portions.found + found, program),
        "kept": _sorted(portions.kept + kept, program),
        "opens": _sorted(opens, program),
        "stdin": _sorted([_at(each.module, each.line) for each in readings(resolver, program)], program),
        "unread": sorted(unread, key=lambda row: row["file"]),
    }


def _found(program, resolver, portions):
    """The rows of portions that no pool asks for: (divided, kept). What stays since a pool is at work in it is the pool's matter."""
    asked = [(each["file"], each["line"]) for each in portions.found + portions.kept]
    rows = [telling.row(one, resolver) for several in find(program, resolver).values() for one in several]
    kept = [row for row in rows if "reason" in row]
    return [row for row in rows if "reason" not in row], [
        row for row in kept if not any(file == row["file"] and row["line"] <= line <= row["end"] for file, line in asked)
    ]


def _at(module, line):
    return {"file": path_text(module.path), "line": line}


def _sorted(rows, program):
    """The main file's first, each file's by line, none twice."""
    main = path_text(program.main.path)
    once = [row for place, row in enumerate(rows) if row not in rows[:place]]
    return sorted(once, key=lambda row: (row["file"] != main, row["file"], row["line"]))


class Portions(object):
    """``found`` and ``kept``: as the answer has them."""

    def __init__(self, program, resolver):
        self._resolver = resolver
        self._program = program
        self._usual_method = starting.usual_method(resolver)
        self.found = []
        self.kept = []
        sites = list(sites_of(resolver))
        self._is_guarded = not starting.unguarded_lines(program, resolver, sites)
        for site in sites:
            for one in called(site, resolver):
                self._add(site, one)

    def _add(self, site, one):
        needs = self._needs(site, one)
        reason = site.stays or self._why_home(site, one, needs)
        row = _at(site.call.scope.module, site.call.node.lineno)
        if reason is not None:
            self.kept.append(dict(row, construct=site.kind, reason=reason))
        else:
            self.found.append(dict(row, kind=site.kind, function=one.label, travels=[_need(each) for each in needs.needs]))

    def _needs(self, site, one):
        needs = Needs(self._resolver)
        if one.scope is not None:
            needs.needs.extend(self._main_need(site, one.scope.module))
            needs.add_called(one.scope)
        if one.library:
            needs.add_library(one.library)
        if one.scope is None and (one.library is None or site.function is None):
            needs.needs.append(Need(one.label, None, None, "runtime"))
        initializer, initargs, scope = initializer_of(site)
        if initializer is not None:
            needs.add_initializer(initializer, scope)
        if initargs is not None:
            needs.add_argument(initargs, scope)
        return needs

    def _main_need(self, site, module):
        """How the main file travels, where the function stands in it."""
        if module is not self._program.main:
            return []
        if site.kind == "joblib.Parallel":
            rule = "pickle"
        elif starting.method_of(site.pool, self._usual_method) != starting.FORK:
            rule = "spawn"
        else:
            rule = "main" if self._is_guarded else "definitions"
        return [Need(module.name, module.path, 1, rule)]

    def _why_home(self, site, one, needs):
        if site.kind != "joblib.Parallel" and is_nameless(one):
            return NAMELESS % one.label
        if not needs.bound or site.kind == "joblib.Parallel":
            return None
        bound = needs.bound[0]
        is_here = bound.path == site.call.scope.module.path
        place = "line %d" % bound.line if is_here else "%s line %d" % (path_text(bound.path), bound.line)
        return READS % (one.label, bound.name, place, bound.noun, libraries.MENDED_BY.get(bound.noun, ""))


def _need(each):
    return {"name": each.name, "file": each.path and path_text(each.path), "line": each.line, "rule": each.rule}
