"""The random generators that all of a process share, and whether something drew from them."""

from __future__ import absolute_import

import sys

#: The modules whose functions draw from a generator of their own.
SHARED = ("random", "numpy.random")


def states():
    """{module: the state of its generator}, of those that are imported."""
    return dict((name, _STATE[name](sys.modules[name])) for name in SHARED if sys.modules.get(name) is not None)


def since(before):
    """The modules whose generators are no more what `states` gave, in a fixed order; of what was not imported then it cannot be told."""
    now = states()
    return [name for name in SHARED if name in before and now.get(name) != before[name]]


def _state_of_numpy(module):
    try:
        return _plain(module.get_state(legacy=False))
    except TypeError:  # numpy before 1.17, which 2.7 has
        return _plain(module.get_state())
    except AttributeError:  # it is being imported
        return None


def _plain(state):
    """The same as something that can be compared: its arrays as bytes."""
    if isinstance(state, dict):
        return sorted((name, _plain(each)) for name, each in state.items())
    if isinstance(state, tuple):
        return [_plain(each) for each in state]
    return state.tobytes() if hasattr(state, "tobytes") else state


_STATE = {"random": lambda module: getattr(module, "getstate", int)(), "numpy.random": _state_of_numpy}


class Watch(object):
    """Of what is done between `begin` and `end`, once. ``drew``: the modules from whose generators it drew."""

    def __init__(self):
        self._before = None
        self.drew = []

    def begin(self):
        """From now on."""
        self._before = states()

    def end(self):
        """Until now, if it has begun."""
        before, self._before = self._before, None
        if before is not None:
            self.drew = since(before)
