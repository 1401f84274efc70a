"""Before the program's interpreter is executed: which of its modules are exchanged, and for what.

CPython runs a file that begins as its ``.pyc`` files do as compiled code, whatever its name is (2.7 and 3), and takes the first object in
it. So the main file is given to it as a file that has no name any more, by its descriptor; `arriving` puts right what it says of its
place. Nothing here is left of a program that has no site and imports no library that calls a map.

A program is left alone where the exchange could show: its source makes the compiler warn, it can look at code or send it away, or modules
beside it have names of Python's own.
"""

from __future__ import absolute_import

import fcntl
import marshal
import os
import signal
import sys
import warnings

from marx.runner.compat import IS_2
from marx.runner.divide.finding import find
from marx.runner.divide.modules import Program
from marx.runner.divide.resolving import Resolver
from marx.runner.divide.syntax import walk
from marx.runner.found.libraries import may_map
from marx.runner.found.rewriting import is_rewritable, rewritten, summed_names
from marx.runner.found.sites import packed
from marx.runner.pipe import write_all

#: Modules of a program that are read, and bytes of its main file: larger ones start as they are.
MOST_FILES, LARGEST_MAIN = 60, 1 << 19
#: A program that imports one of these may look at code, or send it to interpreters that know nothing of us.
LOOKING = frozenset("cloudpickle code dask dill dis joblib loky marshal multiprocess pathos ray".split())
#: What warns from 3.12 on where a process has threads, and ours has one as soon as anything is divided.
FORKING = frozenset(["fork", "forkpty"]) if sys.version_info >= (3, 12) else frozenset()
#: Variables that change how an interpreter compiles, or what it does with a main file.
CHANGING = ("PYTHONOPTIMIZE", "PYTHONINSPECT", "PYTHONNODEBUGRANGES")

_LIBRARY = os.path.dirname(os.__file__)

BEGIN = "__import__('marx.runner.found.arriving', {}, {}, ['begin_main']).begin_main()"


#: Seconds that looking for sites may take: then the program starts as it is.
MOST_SECONDS = 3.0


class _TooLong(BaseException):
    """Raised by the alarm."""


class Started(object):
    """``words`` to execute the interpreter with, and ``plan``: the descriptor for `arriving`. Both files are inherited."""

    def __init__(self, words, plan):
        self.words = words
        self.plan = plan


def started(words, find, least=0, forced=False):
    """What takes the place of a program's ``words``; None where it starts as it is.

    ``find(program, resolver)``: of `divide.found`. ``least``: the lowest descriptor to take. ``forced``: all is divided
    that may be, worth it or not.
    """
    if not words or any(os.environ.get(name) for name in CHANGING) or not sys.platform.startswith("linux"):
        return None
    path, module = _main_of(words)
    if path is None:
        return None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exchange = Exchange(path, module, find)
        if not exchange.codes and not exchange.libraries or warned:
            return None
    return exchange.started(words, least, forced)


def started_in_time(words, least, forced):
    """The same by the real analysis, None where that fails or takes too long. To be called in a process that will be executed."""

    def ring(*_):
        raise _TooLong()

    try:
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
        return started(words, find, least, forced)
    except (Exception, _TooLong):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _proved(found):
    """{number: `Found`} of all sites of a program that may be divided."""
    return dict(enumerate(each for path in sorted(found) for each in found[path] if each.reason is None and is_rewritable(each)))


class Exchange(object):
    """
    What is exchanged. ``codes``: {path of a module: its new code}; ``sites``: {number: what `calls.install` takes}; ``libraries``: the outermost
    names of those that the program imports, which may map its functions.
    """

    def __init__(self, path, module, find):
        self.codes = {}
        self.sites = {}
        self.libraries = []
        self.path, self.module = path, module
        folder = os.getcwd() if module else os.path.dirname(os.path.realpath(path))
        self._asked = (os.path.abspath(path), module, [folder], MOST_FILES)
        self._program = program = Program(*self._asked)
        imported = _imported(program)
        if not imported.isdisjoint(LOOKING) or _hides_library(folder) or _forks(program):
            return
        self.libraries = sorted(may_map(imported, folder))
        sites = _proved(find(program, Resolver(program)))
        self.sites = dict((number, (site.kind, summed_names(site), packed(site), site.pragma)) for number, site in sites.items() if site.asked is None)
        for each in program.modules:
            mine = dict((number, site) for number, site in sites.items() if site.module is each)
            if mine:
                compile(each.tree, each.path, "exec", 0, True)  # for its warnings
                name = each.path
                prelude = None
                if each is program.main and module is None:
                    name, prelude = main_name(path), BEGIN
                self.codes[each.path] = compile(rewritten(each.tree, mine, prelude), name, "exec", 0, True)

    def started(self, words, least, forced):
        """Write it down."""
        main = self.codes.pop(self._program.main.path, None) if self.module is None else None
        modules = dict((each.name, each.path) for each in self._program.modules if each.path in self.codes)
        if self.module is not None and self._program.main.path in modules.values():
            modules[_module_name(self.module, self._program.main.path)] = modules.pop("__main__")
        said = {
            "said": words[0] if main is not None else None,
            "main": self._program.main.path,
            "program": self._asked,
            "modules": modules,
            "sites": self.sites,
            "forced": forced,
            "codes": self.codes,
            "libraries": self.libraries,
        }
        if main is not None:
            said["descriptor"] = descriptor = _unnamed(_magic() + marshal.dumps(main), least)
            words = ["/proc/self/fd/%d" % descriptor] + words[1:]
        return Started(words, _unnamed(marshal.dumps(said), least))


def main_name(said):
    """What the interpreter calls its main file, in ``__file__`` and in tracebacks."""
    if sys.version_info < (3, 9) or os.path.isabs(said):
        return said
    return os.path.join(os.getcwd(), said[2:] if said.startswith("./") else said)


def _main_of(words):
    """(path, None) of a main file, (path, dotted name) for ``-m``; (None, None) for what stays as it is."""
    if words[0] == "-m":
        path = _module_path(words[1]) if len(words) > 1 else None
        return path, words[1] if path else None
    if words[0].startswith("-") or not os.path.isfile(words[0]) or os.path.getsize(words[0]) > LARGEST_MAIN:
        return None, None
    return words[0], None


def _module_path(name):
    place = os.path.join(os.getcwd(), *name.split("."))
    paths = [os.path.join(place, "__main__.py"), place + ".py"]
    return next((path for path in paths if os.path.isfile(path)), None)


def _module_name(name, path):
    return name + ".__main__" if os.path.basename(path) == "__main__.py" else name


def _imported(program):
    """The outermost names of all that the program's modules import."""
    scopes = [scope for module in program.modules for scope in module.top.below()]
    return set(name.split(".")[0] for scope in scopes for dots, name, _ in scope.imports if name and not dots)


def _forks(program):
    """Whether the program names anything of `FORKING`."""
    nodes = [node for module in program.modules if FORKING for node in walk(module.tree)]
    return any(getattr(node, name, None) in FORKING for node in nodes for name in ("id", "attr", "name"))


def _hides_library(folder):
    """Whether something in the program's folder has the name of a module of Python's: what we import later must not become, or be, that."""
    names = set(os.path.splitext(name)[0] for name in os.listdir(folder))
    return any(_is_beside(_LIBRARY, name) for name in names if name)


def _is_beside(folder, name):
    return os.path.exists(os.path.join(folder, name + ".py")) or os.path.isdir(os.path.join(folder, name))


def _magic():
    if IS_2:
        import imp  # novm

        return imp.get_magic() + b"\0" * 4
    from importlib.util import MAGIC_NUMBER  # novm

    return MAGIC_NUMBER + b"\0" * (8 if sys.version_info < (3, 7) else 12)


def _unnamed(content, least):
    """A descriptor, to be inherited, of a file without a name that holds ``content``. Raises OSError where none can be made."""
    path = os.path.join(os.environ.get("TMPDIR") or "/tmp", "marx-%d-%d" % (os.getpid(), least))
    first = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.unlink(path)
        write_all(first, content)
        descriptor = fcntl.fcntl(first, fcntl.F_DUPFD, least)
    finally:
        os.close(first)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
