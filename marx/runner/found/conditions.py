"""What the proof of a site leaves to the values of the moment: settled where it is called, an allow-list throughout."""

from __future__ import absolute_import

import sys

from marx.runner.found.calls import builtins
from marx.runner.found.looking import NUMBERS, Strange, looked

#: Whatever an item gives is looked at where it is computed.
_OF_RESULTS = ("result",)


def unsettled(found, frame, items):
    """Why a condition of a `Found` does not hold, as a sentence; None if all do. ``items``: those that are to be sent."""
    settling = _Settling(found, frame, items)
    for condition in found.conditions:
        reason = settling.why_not(condition)
        if reason is not None:
            return "line %s: %s" % (condition.line, reason)
    return None


class Unknown(Exception):
    """It cannot be told what a root is."""


class _Settling(object):
    def __init__(self, found, frame, items):
        self._found = found
        self._frame = frame
        self._items = items

    def why_not(self, condition):
        """None if it holds."""
        settle = _SETTLED.get(condition.kind)
        if settle is None:
            return "%s cannot be told here" % condition.kind
        try:
            return settle(self, condition.root)
        except (Unknown, Strange) as error:
            return str(error)

    def value(self, root):
        """The object that a root means now. Raises `Unknown`."""
        kind = root[0]
        if kind == "item":
            return self._items
        if kind == "global":
            return self._of_module(root[1], root[2])
        if kind == "enclosing":
            return self._of_function(root)
        if kind == "inside":
            return self.value(root[1])
        raise Unknown("it cannot be told what %s is" % " ".join(map(str, root)))

    def _of_module(self, path, name):
        names = module_names(path)
        if names is None or name not in names:
            raise Unknown("`%s` is not there" % name)
        return names[name]

    def _of_function(self, root):
        _, path, line, _, name = root
        values = self._frame.f_locals
        code = self._frame.f_code
        if name not in values or name not in code.co_varnames + code.co_cellvars + code.co_freevars:
            raise Unknown("`%s` of line %s is not at hand" % (name, line))
        return values[name]

    # One of each kind

    def _known(self, root):
        looked(self.value(root))

    def _plain(self, root):
        found = looked(self.value(root))
        if found.has_instances:
            return "it holds objects of classes"
        return None

    def _immutable(self, root):
        found = looked(self._items if root[0] == "item" else self.value(root))
        least = 1 if root[0] == "item" else 0
        if root[0] == "inside":
            least += 1 if type(self.value(root)) in (list, dict, set) else 0
        return "it can be changed" if len(found.changeable) > least else None

    def _builtin(self, root):
        name = root[-1]
        names = self._frame.f_globals
        return "`%s` is not Python's own any more" % name if names.get(name, _OWN.get(name)) is not _OWN.get(name, names) else None

    def _stdout(self, root):
        return None if sys.stdout is sys.__stdout__ else "sys.stdout was replaced"

    def _number(self, root):
        if root == _OF_RESULTS:
            return None
        value = self.value(root)
        return None if type(value) in NUMBERS else "it is no number"

    def _of_result(self, root):
        return None


_OWN = dict(vars(builtins))
_SETTLED = {
    "known": _Settling._known,
    "plain": _Settling._plain,
    "immutable": _Settling._immutable,
    "builtin": _Settling._builtin,
    "stdout": _Settling._stdout,
    "number": _Settling._number,
    "unshared": _Settling._of_result,
}


def module_names(path):
    """The names of the program's module in a file; None if it is not imported."""
    for module in [sys.modules.get("__main__")] + list(sys.modules.values()):
        place = getattr(module, "__file__", None)
        if isinstance(place, str) and (place[:-1] if place.endswith(".pyc") else place) in (path,):
            return vars(module)
    return None
