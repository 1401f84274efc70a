"""The state of numbered objects, piece by piece: taken, put back, and its digest."""

from __future__ import absolute_import

import hashlib
import sys

from marx.runner.carry import classes, functions, patches, rebuilding, surroundings
from marx.runner.carry.pickles import dumped
from marx.runner.carry.table import CELL, CLASS, CLASSES, CONTAINER, FUNCTION, SPACE
from marx.runner.compat import IS_2, TEXT

#: In place of an object's number, for pieces that belong to none.
PATCH, SETTING, STARTING = "patch", "setting", "initializer"

#: In this order pieces are pickled, so that each finds what it needs when it is loaded: methods, then the names of functions and
#: classes, then what those hold, then values.
_METHOD, _DEFINED, _HELD, _VALUE, _REST = range(5)


def turn(owner, name, kinds, objects, value):
    """Where a piece stands in the order. ``value``: what it is."""
    if owner in (PATCH, SETTING, STARTING):
        return _REST
    kind = kinds[owner]
    if kind == CLASS and classes.is_method(objects[owner], name):
        return _METHOD
    if kind == SPACE:
        return _DEFINED if isinstance(value, _DEFINITIONS) else _VALUE
    return _HELD


_DEFINITIONS = (type(turn), type(sys)) + CLASSES


def taken(owner, name, kinds, objects):
    """A piece as it is now. Raises KeyError, AttributeError, ValueError if it is not there."""
    if owner == PATCH:
        return patches.patched(*name)
    if owner == SETTING:
        return surroundings.setting(name)
    kind, something = kinds[owner], objects[owner]
    if kind == SPACE:
        return something[name[1:]]
    if kind == CELL:
        return something.cell_contents
    if kind == CONTAINER:
        return rebuilding.content(something)
    return (functions if kind == FUNCTION else classes).piece(something, name)


def given(owner, name, value, kinds, objects):
    """Make a piece what it was."""
    if owner == PATCH:
        patches.patch(name[0], name[1], value)
    elif owner == SETTING:
        surroundings.give(name, value)
    elif kinds[owner] == SPACE:
        objects[owner][name[1:]] = value
    elif kinds[owner] == CELL:
        functions.fill(objects[owner], value)
    elif kinds[owner] == CONTAINER:
        rebuilding.fill(objects[owner], value)
    else:
        (functions if kinds[owner] == FUNCTION else classes).give(objects[owner], name, value)


def digest(value, table):
    """A digest of a value's pickle, with the order of every set in it.

    Whether two equal texts are one object, which a pickle shows, depends on what else this interpreter has seen: here each is written out.
    """

    def number_of(something):
        kind = type(something)
        if kind is TEXT:
            return something.encode("utf-8", *_WHATEVER)
        if kind is str:  # of 2.7: a copy
            return something[:-1] + something[-1:]
        return table.number_of(something)

    table.begin()
    return hashlib.sha256(dumped(value, number_of)).digest()[:16]


#: Halves of pairs are no error in 2.7.
_WHATEVER = () if IS_2 else ("surrogatepass",)
