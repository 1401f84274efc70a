"""
Found first on PYTHONPATH, this kills its process at the point that CRASH_AT names: ``module:Class.method:when:nth``, ``when`` being before, half or after.

*half*: the method gets the first half of its last argument, bytes, and its process dies after that. So product code needs no hooks.
"""

import importlib.machinery
import os
import signal
import sys


def crash():
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


class Crasher:
    """Exchanges the function once its module has been loaded. A finder and a loader in one, in front of the usual ones."""

    def __init__(self, point):
        self.module, self.name, self.when, nth = point.split(":")
        self.left = int(nth)

    def find_spec(self, name, path, target=None):
        if name != self.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        *owner, name = self.name.split(".")
        holder = getattr(module, owner[0]) if owner else module
        setattr(holder, name, self.crashing(getattr(holder, name)))

    def crashing(self, function):
        def wrapped(*arguments, **named):
            if self.when != "half" or len(arguments[-1]) > 1:
                self.left -= 1
            if self.left == 0 and self.when == "before":
                crash()
            if self.left == 0 and self.when == "half":
                arguments = (*arguments[:-1], arguments[-1][: len(arguments[-1]) // 2])
            result = function(*arguments, **named)
            if self.left == 0:
                crash()
            return result

        return wrapped


if os.environ.get("CRASH_AT"):
    sys.meta_path.insert(0, Crasher(os.environ["CRASH_AT"]))
