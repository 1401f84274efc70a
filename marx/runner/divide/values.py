"""What an expression can stand for, as far as the source shows it. Values are compared and kept in sets; nodes and scopes by identity."""

from __future__ import absolute_import

from collections import namedtuple

#: A name of a library, dotted, as it is best known: "multiprocessing.Pool".
External = namedtuple("External", "name")

#: A module of the program.
Own = namedtuple("Own", "module")

#: A function of the program by its `Scope`; ``bound``: its first parameter is given already.
Function = namedtuple("Function", "scope bound")

#: A class of the program by its `Scope`.
Class = namedtuple("Class", "scope")

#: What calling ``of`` gives; ``call``: the `Call`.
Made = namedtuple("Made", "of call")

#: The attribute ``name`` of an object that a library made.
Method = namedtuple("Method", "of name")


def library_name(value):
    """The dotted name of a library's thing, and of a method of what it makes: "multiprocessing.Pool().map". None for the program's own."""
    if isinstance(value, External):
        return value.name
    if isinstance(value, Made):
        before = library_name(value.of)
        return before and before + "()"
    if isinstance(value, Method):
        before = library_name(value.of)
        return before and "%s.%s" % (before, value.name)
    return None
