"""Random numbers that differ from item to item and are the same however the items are cut into chunks, in every version of Python.

The generators are those that a program shares: `random`, and `numpy.random` where it has it. What an item gets depends on (task seed,
portion, item) alone. To seed `random` takes 4 us, longer than a tiny item, and half of the standard library imports it for purposes of
its own; so it is seeded before each item only where some module holds it in a way that could draw from what is shared, or the
program's text names it. Each chunk's first item is seeded whatever is imported: forks of one state would all draw the same.
"""

from __future__ import absolute_import

import hashlib
import struct
import sys
import types

_PLACE = struct.Struct(">QQQ")
_NUMBER = struct.Struct(">Q")
_WORD = 1 << 64
_METHODS = (types.BuiltinMethodType, types.MethodType)


def item_seed(task_seed, portion, item):
    """A number below 2**64 for one item."""
    digest = hashlib.sha256(_PLACE.pack(task_seed % _WORD, portion, item)).digest()
    return _NUMBER.unpack_from(digest)[0]


class Generators(object):
    """Those that a program may use, to be looked for once it is loaded."""

    def __init__(self):
        self._module_count = 0
        self._in_use = []
        self._is_named = False

    def prepare(self, texts):
        """``texts``: the sources of the program. A function that imports `random` when it is called must find it seeded."""
        self._is_named = any(b"random" in text for text in texts)
        if self._is_named:
            import random  # noqa: F401
        if self.imported():
            item_seed(0, 0, 0)  # OpenSSL makes itself ready at the first digest, which takes 1 ms; better here than in each child
        self.in_use()

    def imported(self):
        """The functions that seed what is imported, each to be called with a number below 2**64."""
        random, numpy_random = _seedable("random"), _seedable("numpy.random")
        found = [random.seed] if random else []
        if numpy_random:
            found.append(lambda seed: numpy_random.seed(seed % (1 << 32)))
        return found

    def in_use(self):
        """Those of them that more than one item of a chunk may draw from. Looks again only after an import."""
        if len(sys.modules) != self._module_count:
            self._module_count = len(sys.modules)
            self._in_use = self.imported()
            random = _seedable("random")
            if random and not (self._is_named or _is_held(random)):
                self._in_use.remove(random.seed)
        return self._in_use


def seeder(generators, task_seed, portion):
    """A function that prepares these generators for the item that it is called with; None if there are none."""
    if not generators:
        return None

    def seed_item(item):
        seed = item_seed(task_seed, portion, item)
        for generator in generators:
            generator(seed)

    return seed_item


def _seedable(name):
    module = sys.modules.get(name)
    return module if hasattr(module, "seed") else None


def _is_held(random):
    """Whether a module has `random` among its names, or a function that draws from its shared generator."""
    shared = getattr(random, "_inst", random)
    for module in list(sys.modules.values()):
        if module is random:
            continue
        for value in list(getattr(module, "__dict__", {}).values()):
            if value is random or (type(value) in _METHODS and getattr(value, "__self__", None) is shared):
                return True
    return False
