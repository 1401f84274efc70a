"""In the program's interpreter, before the program and while it imports its modules: puts the exchanged code in its place.

What a program with a site can see of it: sixteen names in builtins that begin with ``__marx_``, this package in ``sys.modules``, our finder
in ``sys.meta_path``, other bytecode in its functions and in those of libraries that call a map (`asking`), and what the kernel tells of the
words it was started with.
"""

from __future__ import absolute_import

import marshal
import os
import sys

from marx.runner.found import calls, mapping
from marx.runner.found.asking import asking, is_library

#: What `starting` has written, in a program that has sites; and the code of its main file as it runs.
plan = None
main_code = None


def begin(descriptor):
    """Take the plan of this program, and be ready for its modules."""
    global plan
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as file:
        plan = marshal.loads(file.read())
    calls.install(plan["sites"], plan["forced"])
    mapping.install(plan["forced"])
    sys.meta_path.insert(0, Finder(plan["modules"], plan["codes"], frozenset(plan["libraries"])))


def begin_main():
    """The first thing that the code of an exchanged main file does: let it find what it would find under its own name."""
    global main_code
    frame = sys._getframe(1)
    main_code = frame.f_code
    os.close(plan["descriptor"])
    ours, said = sys.argv[0], plan["said"]
    frame.f_globals["__file__"] = named = main_code.co_filename
    sys.argv[0] = said
    if ours in getattr(sys, "orig_argv", ()):
        sys.orig_argv[sys.orig_argv.index(ours)] = said  # novm
    if "__loader__" in frame.f_globals:  # from Python 3 on
        frame.f_globals["__loader__"] = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", named)
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(said))
    sys.path_importer_cache.pop(ours, None)
    sys.path_importer_cache[named] = None


class Finder(object):
    """In sys.meta_path: lets the others find, and has a module's loader execute other code where it is one of ours, or asks for a library's.

    ``modules``: {dotted name: path}; ``codes``: {path: code}; ``libraries``: the outermost names of those that the program imports.
    """

    def __init__(self, modules, codes, libraries):
        self._modules = modules
        self._codes = codes
        self._libraries = libraries

    def find_spec(self, name, path=None, target=None):
        """For Python 3."""
        if name not in self._modules and name.partition(".")[0] not in self._libraries:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
            if spec is not None:
                if not hasattr(spec.loader, "get_code"):
                    return spec
                if name in self._modules and spec.origin == self._modules[name]:
                    _exchange(spec.loader, lambda name: self._codes[spec.origin])
                elif spec.origin and is_library(spec.origin):
                    found = spec.loader.get_code
                    _exchange(spec.loader, lambda name: asking(found(name), spec.origin))
                return spec
        return None

    def find_module(self, name, path=None):
        """For Python 2, where nothing of ours may stand between an import and the module: tracebacks show it."""
        place = self._modules.get(name)
        if name in sys.modules or place is not None and place.endswith("__init__.py"):
            return None
        if place is None and name.partition(".")[0] not in self._libraries:
            return None
        return _found_in_2(name, path, place, self._codes.get(place))


def _exchange(loader, code_of):
    """Let ``loader`` give ``code_of(name)``, once. What executes it is Python's own, so that nothing of ours stands in a traceback."""

    def get_code(name):
        del loader.get_code
        return code_of(name)

    loader.get_code = get_code


class _Loader(object):
    """For Python 2. ``load_module`` is made of parts of the interpreter alone, see there."""

    def __init__(self, load_module):
        self.load_module = load_module


def _found_in_2(name, path, place, code):
    import imp  # novm
    from _collections import defaultdict  # novm
    from _functools import partial  # novm

    try:
        file, found, (_, _, kind) = imp.find_module(name.rpartition(".")[2], path)
    except ImportError:
        return None
    if file is not None:
        file.close()
    source = found[:-1] if kind == imp.PY_COMPILED else found
    if kind not in (imp.PY_SOURCE, imp.PY_COMPILED) or place is not None and os.path.abspath(source) != place:
        return None
    stored = source + "c"
    is_fresh = kind == imp.PY_COMPILED or _is_fresh(stored, source, imp.get_magic())
    if place is None:
        code = _of_library(source, stored, is_fresh)
        if code is None:
            return None
    try:
        compiled = os.tmpfile()
        compiled.write(imp.get_magic() + b"\0" * 4 + marshal.dumps(code))
        compiled.flush()
        compiled.seek(0)
    except (IOError, OSError):  # nowhere to write: the module is what it is
        return None
    # Called with the module's name, a C function: it asks for what is missing, which the next C function loads.
    said = stored if is_fresh else source
    return _Loader(defaultdict(partial(imp.load_compiled, name, said, compiled)).__getitem__)


def _of_library(source, stored, is_fresh):
    """For Python 2: the code of a library's module that asks for maps; None where it is what it is."""
    if not is_library(source):
        return None
    try:
        with open(stored if is_fresh else source, "rb") as file:
            content = file.read()
        if b"map" not in content.lower():
            return None
        code = marshal.loads(content[8:]) if is_fresh else compile(content, source, "exec", 0, True)
    except (IOError, SyntaxError, ValueError, TypeError, EOFError):
        return None
    made = asking(code, source)
    return None if made is code else made


def _is_fresh(stored, source, magic):
    """Whether Python would take the bytecode beside a module, and name the module after it."""
    try:
        with open(stored, "rb") as file:
            head = bytearray(file.read(8))
    except IOError:
        return False
    stamp = int(os.stat(source).st_mtime) & 0xFFFFFFFF
    return bytes(head[:4]) == magic and head[4] | head[5] << 8 | head[6] << 16 | head[7] << 24 == stamp
