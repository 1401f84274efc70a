"""Code of libraries in which each call of what may be a map asks first: made from a module's source while it is imported.

What calls a map is changed, and no map is: ``toolbox.map(f, xs)`` becomes ``__marx_mapper__(N, toolbox.map)(*__marx_mapped__(N, f, xs))``, where
both give back what they are given but for a map of Python's own that is called with a function of the program. So `map` stays itself
wherever it is kept, compared, inherited from, pickled or handed on, in whatever names, default values and partials; it is met where a
library calls it with names that stand for one, also where the program gave it to the library (``workers=map``); and what it gives was made
by itself. To put another object under the name `map`, into builtins or into the library's modules, would show in all of these. A library
that keeps a map under a name that does not say so, or that is compiled to C, calls it as it is.

Left alone is what may look at code: functions with decorators, and modules that name what compiles or sends code.
"""

from __future__ import absolute_import

from marx.runner.carry.own import is_installed_path

_BEGINNINGS = ["", "i", "p", "s", "star", "star_"]
_ENDINGS = ["", "per", "s", "fn", "func", "function", "wrapper", "method", "_fn", "_func", "_function", "_wrapper", "_method"]
#: How libraries call what maps, in small letters and without underscores around it.
NAMES = frozenset(before + "map" + behind for before in _BEGINNINGS for behind in _ENDINGS)
#: Modules that name one of these may look at code.
_LOOKING = frozenset("cloudpickle dill dis getsource jit marshal njit numba torch".split())


def is_library(path):
    """Whether a module's file is the source of a library."""
    return path.endswith(".py") and is_installed_path(path)


def may_be_map(name):
    """Whether something may be called so because it maps."""
    return name.strip("_").lower() in NAMES


def asking(code, path):
    """The code of the module at ``path`` that asks, which is ``code`` where nothing in it may call a map."""
    names = _names_in(code)
    if not any(map(may_be_map, names)) or not _LOOKING.isdisjoint(names):
        return code
    try:
        return _quietly(lambda: _made(path, code.co_filename)) or code
    except Exception:  # the source is not what the code was made of, or there is none
        return code


def _names_in(code):
    names, waiting = set(), [code]
    while waiting:
        each = waiting.pop()
        names.update(each.co_names, each.co_varnames, each.co_freevars)
        waiting.extend(inner for inner in each.co_consts if type(inner) is type(code))
    return names


def _made(path, name):
    from marx.runner.found.rewriting import asking_of_maps

    with open(path, "rb") as file:
        tree, count = asking_of_maps(file.read(), name, may_be_map)
    return compile(tree, name, "exec", 0, True) if count else None


def _quietly(make):
    """What ``make`` gives. What the compiler says of a library it has said, or says, when Python itself compiles that."""
    import warnings

    shown, warnings.showwarning = warnings.showwarning, lambda *_, **__: None
    try:
        return make()
    finally:
        warnings.showwarning = shown
