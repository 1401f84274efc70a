"""Which modules are the program's own: everything but the interpreter's library, what is installed beside it, and Marx."""

from __future__ import absolute_import

import os
import sys

#: Folders that installers fill, wherever they lie.
INSTALLED = frozenset(["site-packages", "dist-packages"])

MAINS = ("__main__", "__mp_main__")

#: Ours, and those whose import is for the program alone.
_OTHERS = ("marx", "sitecustomize", "usercustomize", "antigravity", "this")


def is_own_name(name):
    """Whether a module of this name is the program's own. One that is not imported is not."""
    return name in MAINS or is_own(sys.modules.get(name))


def is_own(module):
    """Whether a module is: the program itself, its package, or a file outside of the library."""
    name = getattr(module, "__name__", None)
    if not isinstance(name, str) or (name + ".").startswith("marx.runner."):
        return False
    if name in MAINS or name.split(".")[0] == _main_package():
        return True
    places = _places(module)
    return bool(places) and not any(is_library_path(place) for place in places)


def is_library_path(path):
    """Whether a path lies where the interpreter and installers put modules."""
    return path.startswith(_LIBRARY) or is_installed_path(path)


def is_installed_path(path):
    """Whether a path lies where installers put modules: neither the program's, nor the interpreter's."""
    return not INSTALLED.isdisjoint(path.split(os.sep))


def own_modules():
    """(name, module) of those that are imported, in the order of their names."""
    return sorted((name, module) for name, module in list(sys.modules.items()) if is_own(module) and name not in MAINS)


def libraries():
    """The names of the modules of libraries that are imported: not the program's own, whose import may show."""
    return sorted(
        name
        for name, module in list(sys.modules.items())
        if getattr(module, "__file__", None) and name.split(".")[0] not in _OTHERS and not is_own_name(name)
    )


def own_path(entries):
    """sys.path without the interpreter's share, for which a None stands where it begins."""
    kept = []
    for entry in entries:
        if not _is_interpreters(entry):
            kept.append(entry)
        elif None not in kept:
            kept.append(None)
    return kept


def joined_path(carried, here):
    """The reverse of `own_path`, with the share of this interpreter, whose sys.path is ``here``."""
    share = [entry for entry in here if _is_interpreters(entry)]
    position = carried.index(None) if None in carried else len(carried)
    own = [entry for entry in carried if entry is not None]
    return own[:position] + share + own[position:]


def _is_interpreters(entry):
    return isinstance(entry, str) and (is_library_path(entry) or entry + os.sep in _LIBRARY or entry.endswith(_ZIP))


def _main_package():
    package = getattr(sys.modules.get("__main__"), "__package__", None)
    return package.split(".")[0] if package else None


def _places(module):
    path = getattr(module, "__file__", None)
    if isinstance(path, str):
        return [path]
    if path is not None or getattr(module, "__spec__", None) is None:
        return []
    try:
        return [place for place in getattr(module, "__path__", ()) if isinstance(place, str)]
    except Exception:  # a lazy module of a library
        return []


def _library():
    folder = os.path.dirname(os.__file__)
    share = os.path.join("lib", os.path.basename(folder))
    folders = [folder, os.path.realpath(folder), os.path.join(sys.exec_prefix, share), os.path.join(sys.prefix, share)]
    return tuple(place + os.sep for place in folders)


_LIBRARY = _library()
_ZIP = os.sep + "python%d%d.zip" % sys.version_info[:2]
