"""How a pool's processes begin: by fork, or by importing the program again; and whether the main file can be imported like that."""

from __future__ import absolute_import

import sys

from marx.runner.divide import syntax
from marx.runner.divide.values import Made, Method

#: From this version on Linux starts pools by forkserver, which imports the program again.
FORKSERVER_SINCE = (3, 14)

FORK = "fork"


def usual_method(resolver):
    """The start method of the program's pools: what it sets, if the source shows it, else this Python's own."""
    for call in resolver.calls:
        if "multiprocessing.set_start_method" in resolver.names(call.node.func, call.scope):
            return _named(call.node) or FORK
    return FORK if sys.version_info < FORKSERVER_SINCE else "forkserver"


def method_of(pool, usual):
    """The start method of one pool: that of the context that made it, else the ``usual`` one. None where no pool is shown."""
    maker = pool.of if isinstance(pool, Made) else None
    context = maker.of if isinstance(maker, Method) else None
    return isinstance(context, Made) and context.call is not None and _named(context.call.node) or usual


def _named(call):
    method = syntax.argument(call, 0, "method")
    return syntax.text_of(method) if method is not None else None


def unguarded_lines(program, resolver, sites):
    """
    The lines of the main file that do something when it is merely imported: open portions, print, read standard input, end the program.

    ``sites``: of its portions. Empty for a program whose work stands behind its ``__main__`` guard, or in functions that only the guard calls.
    """
    acting = set(id(site.call.node) for site in sites)
    called = _called_unguarded(program, resolver)
    lines = [call.node.lineno for call in called if id(call.node) in acting or _acts(call, resolver)]
    prints = [node.lineno for node in _unguarded_nodes(program.main) if syntax.kind(node) == "Print"]
    return sorted(lines + prints)


_ACTING = frozenset(["print", "input", "raw_input", "sys.exit", "exit", "quit", "sys.stdout.write"])


def _acts(call, resolver):
    return bool(_ACTING.intersection(resolver.names(call.node.func, call.scope)))


def _unguarded_nodes(module):
    for statement in module.tree.body:
        if not syntax.is_main_guard(statement):
            for node in syntax.evaluated(statement):
                yield node


def _called_unguarded(program, resolver):
    """The calls that importing the main file makes, those within functions that it calls included."""
    unguarded = set(id(node) for node in _unguarded_nodes(program.main))
    waiting = [call for call in resolver.calls if id(call.node) in unguarded]
    found, seen = [], set()
    while waiting:
        call = waiting.pop()
        found.append(call)
        for scope in resolver.functions(call.node.func, call.scope):
            if scope not in seen:
                seen.add(scope)
                waiting.extend(each for inner in scope.below() for each in inner.calls)
    return found
