"""What surrounds a program in its process: folder, arguments, environment, and the settings of the interpreter and its library.

`taken` is plain and is put up before anything is imported; `settings` may hold objects of the program, and come after it.
"""

from __future__ import absolute_import

import gc
import os
import signal
import sys
import warnings

from marx.runner.carry import logs
from marx.runner.carry.errors import CannotCarry, NotRestored
from marx.runner.carry.own import joined_path, own_path

#: What the environment of each process is about, not what its program has set.
_OF_PROCESSES = frozenset(["MARX_PORTAL", "_"])


def taken():
    """Plain values, for `put_up`. Raises `CannotCarry`."""
    try:
        folder = os.getcwd()
    except OSError:
        raise CannotCarry("the program's working directory is gone", "change to one that exists")
    told = {
        "folder": folder,
        "arguments": list(sys.argv),
        "path": own_path(sys.path),
        "hash": hash(u"marx") if first_environment().get("PYTHONHASHSEED", "random") != "random" else None,
        "recursion": sys.getrecursionlimit(),
    }
    return dict(told, **inherited())


def inherited():
    """The part of it that a program which this process executes has without being told. ``ignores``: whether Ctrl-C means nothing."""
    mask = os.umask(0)
    os.umask(mask)
    set_here, gone = _changes_to(dict(os.environ))
    return {"set": set_here, "gone": gone, "mask": mask, "ignores": signal.getsignal(signal.SIGINT) == signal.SIG_IGN}


def inherited_by(pid):
    """The same of a fork server that this one has executed before, as far as the system tells; what holds now where it does not."""
    # It ignores Ctrl-C itself, and nothing tells whether it had to.
    environment, found = _environment_of(pid), dict(inherited(), ignores=False)
    if environment:
        found["set"], found["gone"] = _changes_to(environment)
    found["mask"] = _mask_of(pid, found["mask"])
    return found


def put_up(said):
    """Make it so. Raises OSError where the folder is not there, `NotRestored` where texts have other hashes than in the program."""
    if said["hash"] not in (None, hash(u"marx")):
        raise NotRestored("PYTHONHASHSEED is another one here")
    sys.argv[:] = said["arguments"]
    sys.path[:] = joined_path(said["path"], sys.path)
    os.environ.update(said["set"])
    for name in said["gone"]:
        os.environ.pop(name, None)
    if said["recursion"] is not None:
        sys.setrecursionlimit(said["recursion"])
    os.chdir(said["folder"])
    os.umask(said["mask"])


def put_back(environment):
    """Give this process an environment that it had before."""
    for name in [name for name in os.environ if name not in environment]:
        del os.environ[name]
    os.environ.update(environment)


def _changes_to(now):
    """What of an environment the program has set, and what is gone; everything is set where the system does not tell what was there first."""
    before = first_environment()
    changed = dict((name, value) for name, value in now.items() if before.get(name) != value and name not in _OF_PROCESSES)
    return changed, sorted(name for name in before if name not in now and name not in _OF_PROCESSES)


def first_environment():
    """What this process, or the one that it was forked from, was executed with; nothing where the system does not tell."""
    return _environment_of("self")


def _mask_of(pid, otherwise):
    try:
        with open("/proc/%s/status" % pid) as known:
            return int(next(line.split()[1] for line in known if line.startswith("Umask:")), 8)
    except (IOError, OSError, StopIteration):
        return otherwise


def _environment_of(pid):
    try:
        with open("/proc/%s/environ" % pid, "rb") as known:
            entries = known.read().split(b"\0")
    except (IOError, OSError):
        return {}
    decode = getattr(os, "fsdecode", str)
    return dict(decode(entry).split("=", 1) for entry in entries if b"=" in entry)


# Settings


def settings(packages):
    """The names of `_SETTINGS` whose module is imported. ``packages``: the libraries that items use."""
    for name, (module, _, _) in sorted(_SETTINGS.items()):
        if module in sys.modules and (name != "logging" or "logging" in packages):
            yield name


def setting(name):
    """One of them, as it is now."""
    return _SETTINGS[name][1]()


def give(name, value):
    """Make one of them what it was."""
    module, take, put = _SETTINGS[name]
    __import__(module)
    if name in _COMPARED and take() == value:
        return
    put(value)


def _numpy():
    return sys.modules["numpy"]


def _set_warnings(filters):
    warnings.filters[:] = filters
    getattr(warnings, "_filters_mutated", lambda: None)()


def _print_options():
    return dict((name, value) for name, value in _numpy().get_printoptions().items() if name != "override_repr")


def _set_locale(name):
    sys.modules["locale"].setlocale(sys.modules["locale"].LC_ALL, name)


def _changed_handlers():
    """Signals for which the program has a function of its own, or which it ignores."""
    found = []
    for number in range(1, signal.NSIG):
        try:
            handler = signal.getsignal(number)
            # The zygote has put one of its own before the program's.
            handler = getattr(handler, "stands_for", handler)
        except ValueError:
            continue
        if callable(handler) and handler not in _USUAL or (handler == signal.SIG_IGN and number == signal.SIGINT):
            found.append((number, handler))
    return found


def _set_handlers(handlers):
    for number, handler in handlers:
        signal.signal(number, handler)


_USUAL = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler)


def _drawing():
    """What matplotlib was told that is not its default. Asking for the backend would choose one."""
    parameters, defaults = sys.modules["matplotlib"].rcParams, sys.modules["matplotlib"].rcParamsDefault
    get = dict.__getitem__
    named = [name for name in sorted(dict.keys(parameters)) if not name.startswith("backend")]
    changed = [(name, get(parameters, name)) for name in named if name not in defaults or get(defaults, name) != get(parameters, name)]
    backend = get(parameters, "backend")
    return changed + ([("backend", backend)] if isinstance(backend, str) else [])


def _draw(changed):
    sys.modules["matplotlib"].rcParams.update(dict(changed))


#: By name: the module that it belongs to, what it is, how to set it.
_SETTINGS = {
    "collecting garbage": ("gc", gc.isenabled, lambda is_on: gc.enable() if is_on else gc.disable()),
    "decimal context": (
        "decimal",
        lambda: sys.modules["decimal"].getcontext(),
        lambda context: sys.modules["decimal"].setcontext(context),
    ),
    "drawing": ("matplotlib", _drawing, _draw),
    "floating point": ("numpy", lambda: _numpy().geterr(), lambda errors: _numpy().seterr(**errors)),
    "locale": ("locale", lambda: sys.modules["locale"].setlocale(sys.modules["locale"].LC_ALL), _set_locale),
    "logging": ("logging", logs.taken, logs.put_up),
    "longest field": (
        "csv",
        lambda: sys.modules["csv"].field_size_limit(),
        lambda limit: sys.modules["csv"].field_size_limit(limit),
    ),
    "printing arrays": ("numpy", _print_options, lambda options: _numpy().set_printoptions(**options)),
    "patience of sockets": (
        "socket",
        lambda: sys.modules["socket"].getdefaulttimeout(),
        lambda seconds: sys.modules["socket"].setdefaulttimeout(seconds),
    ),
    "signals": ("signal", _changed_handlers, _set_handlers),
    "warnings": ("warnings", lambda: list(warnings.filters), _set_warnings),
}
#: Set only where it differs: a name of a locale may be one that this machine cannot set.
_COMPARED = frozenset(["locale", "floating point"])


def refuse_replaced_output():
    """Items print into what the program has put in place of its output, which is nowhere else. Raises `CannotCarry`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is not getattr(sys, "__%s__" % name):
            raise CannotCarry("the program has replaced sys.%s" % name, "put it back before the pool is made")

