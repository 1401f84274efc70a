"""Putting a state up in the interpreter of a portion's runner, and making sure that it is the one that was taken."""

from __future__ import absolute_import

import importlib
import io
import os
import sys

from marx.runner.carry import brought, pieces, spawned, surroundings
from marx.runner.carry.building import Building, empty_main
from marx.runner.carry.content import unpacked
from marx.runner.carry.errors import NotRestored
from marx.runner.carry.muting import muted
from marx.runner.carry.pickles import new_unpickler
from marx.runner.carry.pieces import SETTING, STARTING
from marx.runner.carry.reducing import registered
from marx.runner.carry.statements import execute
from marx.runner.carry.table import CONTAINER


class Loaded(object):
    """``method``: "fork", "spawn" or "brought"; ``style``: see the package.

    ``table``: of what stands here, and ``pieces`` of it, (number, name) each; nothing unless the method is "fork".
    """

    def __init__(self, method, style, said=None, table=None):
        self.method = method
        self.style = style
        self.said = said
        self.table = table

    @property
    def pieces(self):
        """See the class."""
        return [piece for piece in (self.said["pieces"] if self.said else ()) if piece[0] not in (STARTING, SETTING)]


def changed(loaded):
    """What of a state is not any more as it was put up, in words; None if nothing is."""
    try:
        with registered():
            _verify(loaded.said, loaded.table)
    except NotRestored as difference:
        return str(difference)
    return None


def load(content):
    """Put up what was captured, verify it, and call the initializer. `Loaded`. Raises `NotRestored`.

    The initializer's own exceptions are told in the same way: the program must meet them at home.
    """
    said = unpacked(content)
    empty_main()
    restore = {"spawn": spawned.restore, "brought": brought.restore}.get(said["kind"], _restore)
    try:
        starting, table = restore(said), None
        if restore is _restore:
            starting, table = starting
    except (SystemExit, Exception) as error:
        raise error if isinstance(error, NotRestored) else NotRestored("%s: %s" % (type(error).__name__, error))
    try:
        if starting is not None:
            starting[0](*starting[1])
    except (SystemExit, Exception) as error:
        raise NotRestored("the initializer raises %s: %s" % (type(error).__name__, error))
    return Loaded(said["kind"], said["style"], said if table is not None else None, table)


def _restore(said):
    """The initializer with its arguments, or None, after everything else was put up; and the table of it."""
    surroundings.put_up(said["surroundings"])
    environment = dict(os.environ)
    with muted(), registered():
        _execute_again(said["main"])
        for name in said["modules"]:
            _imported(name)
        building = Building(said["skeletons"])
        building.build()
        starting = _give_pieces(said, building.table)
        _take_away(said["absent"], building.table.objects)
        for name in said["main"].get("gone", ()):
            vars(sys.modules["__main__"]).pop(name, None)
        # A statement that was executed again may stand behind the pool, and what it set was not so when the pool was made.
        surroundings.put_up(said["surroundings"])
        surroundings.put_back(environment)
        _verify(said, building.table)
    return starting, building.table


def _execute_again(main):
    module = sys.modules["__main__"]
    for name, value in main["names"].items():
        if name.startswith("__") and value is not None:
            setattr(module, name, value)
    if main["names"].get("__package__"):
        _imported(main["names"]["__package__"])
    _set_spec(module, main["names"]["spec"])
    if main["source"]:
        text, path, chosen = main["source"]
        execute(text, path, chosen, vars(module))


def _set_spec(module, name):
    """What ``python -m`` and ``python folder`` give a program, which have no such thing in 2.7."""
    if name == "__main__":
        from importlib.machinery import ModuleSpec  # novm

        module.__spec__ = ModuleSpec(name, None, origin=getattr(module, "__file__", None))
    elif name is not None:
        from importlib.util import find_spec  # novm

        module.__spec__ = find_spec(name)
        module.__loader__ = module.__spec__.loader


def _imported(name):
    try:
        importlib.import_module(name)
    except BaseException as error:
        raise NotRestored("module %s cannot be imported here: %s" % (name, error))


def _give_pieces(said, table):
    """Load each piece and give it to whom it belongs; the initializer with its arguments, if there is one."""
    unpickler = new_unpickler(io.BytesIO(said["body"]), table.objects.__getitem__)
    starting = None
    for owner, name in said["pieces"]:
        value = unpickler.load()
        if owner == STARTING:
            starting = value
        else:
            pieces.given(owner, name, value, table.kinds, table.objects)
    return starting


def _take_away(absent, objects):
    for number, name in absent:
        if objects[number] is not None:
            objects[number].pop(name, None)


def _verify(said, table):
    """Everything that was given stands there as it was taken. Raises `NotRestored`."""
    for (owner, name), expected in zip(said["pieces"], said["digests"]):
        if owner in (STARTING, SETTING):
            continue
        try:
            found = pieces.digest(pieces.taken(owner, name, table.kinds, table.objects), table)
        except (LookupError, AttributeError, ValueError) as error:
            raise NotRestored("%s is not there: %s" % (_named(owner, name, table), error))
        if found != expected:
            raise NotRestored("%s is not what it is in the program" % _named(owner, name, table))
    for number, name, kind in said["left"]:
        if type(table.objects[number].get(name)).__name__ != kind:
            raise NotRestored("`%s` is not the %s that it is in the program" % (name, kind))


def _named(owner, name, table):
    if not isinstance(owner, int):
        return "%s.%s" % name
    something = table.objects[owner]
    if table.kinds[owner] == CONTAINER:
        return "a %s" % type(something).__name__
    if isinstance(something, dict):
        return "`%s` of %s" % (name[1:], something.get("__name__"))
    return "`%s` of `%s`" % (name.strip("."), getattr(something, "__name__", "a closure"))
