"""Meets the libraries whose work we spread at the moment when they are imported, in whatever way that happens.

A class is changed in its place, so every name that leads to it leads to ours: ``from multiprocessing import Pool``, ``mp.Pool()``,
``get_context("fork").Pool``, ``multiprocessing.pool.Pool`` and its subclasses, both places of ``ProcessPoolExecutor``.

This is loaded at the start of each program: it imports nothing that Python has not loaded by then.
"""

from __future__ import absolute_import

import sys

#: The library's module, and the module of ours whose ``patch`` it is given to.
PATCHES = {
    "multiprocessing.pool": "pool",
    "concurrent.futures.process": "executor",
    "joblib.parallel": "joblib_backend",
    "sklearn.externals.joblib.parallel": "joblib_backend",
}


def install():
    """From now on each library is changed after it was imported; one that is imported already at once."""
    sys.meta_path.insert(0, _Finder())
    for name in PATCHES:
        if name in sys.modules:
            apply_patch(name, sys.modules[name])


def apply_patch(name, module):
    """Change a library's module. Where it is not what we know it stays as it is: the program runs, on this machine."""
    place = "marx.runner.standins." + PATCHES[name]
    try:
        __import__(place)
        sys.modules[place].patch(module)
    except Exception as error:
        _tell("%s is not one that Marx knows, so its work stays on one machine: %s" % (name, error))


def _tell(text):
    from marx.runner import portal

    current = portal.current()
    try:
        if current is not None:
            current.note(text)
    except portal.PortalClosed:
        pass


class _Finder(object):
    """In sys.meta_path. Lets the others find, and looks at what they loaded."""

    def __init__(self):
        self._loading = set()

    def find_spec(self, name, path=None, target=None):
        """For Python 3."""
        if name not in PATCHES:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                return spec
        return None

    def find_module(self, name, path=None):
        """For Python 2."""
        return self if name in PATCHES and name not in self._loading else None

    def load_module(self, name):
        """For Python 2. Raises ImportError."""
        self._loading.add(name)
        try:
            __import__(name)
        finally:
            self._loading.discard(name)
        apply_patch(name, sys.modules[name])
        return sys.modules[name]


class _Loader(object):
    """In the place of a module's real loader, until that is asked to execute it."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        """What the real one says."""
        return self._loader.create_module(spec)

    def exec_module(self, module):
        """Execute and change it. Raises whatever the module does."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        apply_patch(module.__name__, module)
