"""The calls that open portions: pools, executors and joblib, however the program reaches them; and those pools that stay where they are."""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import libraries, syntax
from marx.runner.divide.libraries import canonical
from marx.runner.divide.resolving import PARTIAL
from marx.runner.divide.values import Class, External, Function, Made, Method, library_name

#: One call. ``kind``: "Pool.map". ``function``: the expression of what is called for each item, None where the call does not show it.
#: ``pool``: the `Made` pool, None where a library makes it. ``label``: what is said of a function that is not shown. ``stays``: why, or None.
Site = namedtuple("Site", "kind call function pool label stays")

#: One thing that ``Site.function`` can be. ``scope``: of a function or class of the program. ``library``: whose function it is, "" for a
#: builtin. Both None for what shows only when it runs.
Called = namedtuple("Called", "label scope library")

#: A function that the source does not name.
UNKNOWN = "a function"

SUBCLASS = "`%s` has its own `%s`, so it is a pool of the program's own kind and stays on the main program's machine"
IN_PLACE = "with n_jobs=1, which it is unless something else is said, joblib computes in place"
ONE_PROCESS = "%s=%r keeps joblib in one process"
PROCESS = "a process beside the main program stays on its machine"


def sites_of(resolver):
    """Every `Site`, in no order."""
    for call in resolver.calls:
        found = _site(call, resolver)
        if found is not None:
            yield found


def _site(call, resolver):
    for rule in (_method_site, _parallel_site, _process_site, _loop_site, _asking_site, _handed_site):
        for value in sorted(resolver.of(call.node.func, call.scope), key=_order) or [None]:
            found = rule(call, value, resolver)
            if found is not None:
                return found
    return None


def _order(value):
    """Any order that is the same whenever the same source is read."""
    return library_name(value) or ""


def _made_by(value):
    """The best known name of what made a pool; "" for anything else."""
    return canonical(library_name(value.of) or "") if isinstance(value, Made) else ""


def _method_site(call, value, resolver):
    """``pool.map(f, xs)``."""
    if not isinstance(value, Method):
        return None
    maker = _made_by(value.of)
    pool = libraries.SPREAD.get(maker)
    stays = _why_own_kind(value.of, resolver)
    if pool is None and maker in libraries.STAYING:
        pool, stays = libraries.STAYING[maker]
    if pool is None or value.name not in pool.methods:
        return None
    function = syntax.argument(call.node, 0, "func", "fn")
    return Site("%s.%s" % (pool.name, value.name), call, function, value.of, None, stays)


def _why_own_kind(pool, resolver):
    """Why a pool of a subclass cannot be stood in for, None where it can be."""
    if not isinstance(pool, Made) or pool.call is None:
        return None
    for value in resolver.of(pool.call.node.func, pool.call.scope):
        scopes = resolver.attributes.family(value.scope) if isinstance(value, Class) else ()
        for scope in scopes:
            private = sorted(name for name in scope.bindings if name.startswith("_") and not name.endswith("__") or name == "Process")
            if private:
                return SUBCLASS % (scope.name, private[0])
    return None


def _parallel_site(call, value, resolver):
    """``Parallel(n_jobs=2)(delayed(f)(x) for x in xs)``."""
    if _made_by(value) != "joblib.Parallel":
        return None
    stays = _why_in_place(value.call.node)
    return Site("joblib.Parallel", call, _delayed_function(call, resolver), value, None, stays)


def _why_in_place(call):
    for name, words in libraries.IN_ONE_PROCESS:
        given = syntax.argument(call, None, name)
        if given is not None and syntax.text_of(given) in words:
            return ONE_PROCESS % (name, str(syntax.text_of(given)))
    jobs = syntax.argument(call, 0, "n_jobs")
    return None if syntax.has_more_arguments(call) or not _is_one(jobs) else IN_PLACE


def _is_one(jobs):
    return jobs is None or syntax.constant(jobs) in (None, 1)


def _delayed_function(call, resolver):
    """The ``f`` of ``delayed(f)`` in what joblib is given, else anywhere in the function around it: a list made before."""
    inside = set(id(node) for argument in call.node.args for node in syntax.walk(argument))
    beside = [each for scope in _around(call.scope).below() for each in scope.calls]
    for place in ([each for each in beside if id(each.node) in inside], beside):
        for each in place:
            if libraries.DELAYED in resolver.names(each.node.func, each.scope) and each.node.args:
                return each.node.args[0]
    return None


def _around(scope):
    while scope.kind == "comprehension":
        scope = scope.parent
    return scope


def _process_site(call, value, resolver):
    """``Process(target=f)``: said, since people wonder."""
    if value is None or canonical(library_name(value) or "") != "multiprocessing.Process":
        return None
    return Site("multiprocessing.Process", call, syntax.argument(call.node, 1, "target"), None, None, PROCESS)


def _loop_site(call, value, resolver):
    """``loop.run_in_executor(executor, f, x)``."""
    if getattr(call.node.func, "attr", None) != "run_in_executor" or len(call.node.args) < 2:
        return None
    for pool in resolver.of(call.node.args[0], call.scope):
        if _made_by(pool) in libraries.SPREAD:
            return Site("ProcessPoolExecutor.submit", call, call.node.args[1], pool, None, None)
    return None


def _asking_site(call, value, resolver):
    """``GridSearchCV(model, grid, n_jobs=-1)``: a library that calls joblib for the program."""
    jobs = syntax.argument(call.node, None, "n_jobs")
    if not isinstance(value, External) or value.name.split(".")[0] not in libraries.ASKING_JOBLIB or jobs is None or _is_one(jobs):
        return None
    return Site("joblib.Parallel", call, None, None, value.name, None)


def _handed_site(call, value, resolver):
    """``library(..., map=pool.map)``: who calls it, and with what, is seen when it runs."""
    for given in list(call.node.args) + [keyword.value for keyword in call.node.keywords]:
        for method in resolver.of(given, call.scope):
            pool = libraries.SPREAD.get(_made_by(method.of)) if isinstance(method, Method) else None
            if pool is not None and method.name in pool.methods:
                callee = syntax.dotted(call.node.func) or "a function"
                return Site("%s.%s" % (pool.name, method.name), call, None, method.of, "what %s calls" % callee, None)
    return None


def called(site, resolver):
    """What ``site.function`` can be, at least one `Called`."""
    if site.function is None:
        asked = site.label.split(".")[0] if site.pool is None and site.label else None
        return [Called(site.label or UNKNOWN, None, asked)]
    found = _called(site.function, site.call.scope, resolver, frozenset())
    return found or [Called(syntax.dotted(site.function) or UNKNOWN, None, None)]


def _called(node, scope, resolver, through):
    found = set(each for value in resolver.of(node, scope) for each in _meant(value, resolver, through))
    return sorted(found, key=lambda each: each.label)


def _meant(value, resolver, through):
    """``through``: the objects that were gone through to come here, which may be gone through once."""
    if isinstance(value, (Function, Class)):
        return [Called(label_of(value.scope), value.scope, None)]
    if isinstance(value, External):
        return [Called(value.name, None, value.name.split(".")[0] if "." in value.name else "")]
    if not isinstance(value, Made) or value in through:
        return []
    if isinstance(value.of, Class):
        return [each for one in resolver.attributes.of(value, "__call__") for each in _meant(one, resolver, through | {value})]
    if value.of == PARTIAL and value.call.node.args:
        return _called(value.call.node.args[0], value.call.scope, resolver, through | {value})
    return []


def label_of(scope):
    """How a function or class of the program is named to people: with its module, unless that is the main file."""
    return scope.qualified if scope.module.name == "__main__" else "%s.%s" % (scope.module.name, scope.qualified)


def initializer_of(site):
    """(initializer or None, its arguments or None, their scope) of the site's pool."""
    if site.pool is None or site.pool.call is None:
        return None, None, None
    place = 1 if _made_by(site.pool) == "multiprocessing.Pool" else 2
    node = site.pool.call.node
    initializer = syntax.argument(node, place, "initializer")
    return initializer, syntax.argument(node, place + 1, "initargs"), site.pool.call.scope


def is_nameless(called_one):
    """Whether pickle finds the function by no name: a lambda, or a function in a function."""
    return "<" in called_one.label and called_one.scope is not None
