"""What code asks its module for, read off its instructions: names, and the attributes that it takes of them at once."""

from __future__ import absolute_import

import dis
import types

from marx.runner.compat import IS_2

_OF_MODULE = frozenset(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"])
_ATTRIBUTE = frozenset(["LOAD_ATTR", "LOAD_METHOD"])
_SKIPPED = frozenset(["EXTENDED_ARG", "CACHE", "PUSH_NULL"])

#: Builtin functions, and attributes, through which code reaches names that it does not spell.
_BLIND_NAMES = frozenset(["globals", "eval", "exec", "execfile"])
_BLIND_ATTRIBUTES = frozenset(["f_globals", "__globals__", "func_globals", "modules", "__subclasses__"])


class Reads(object):
    """``chains``: tuples of a name and the attributes taken of it; ``imports``: modules named in import statements.

    ``attributes``: every name that stands behind a dot or in an import. ``is_blind``: the code may reach any name of its module.
    """

    def __init__(self):
        self.chains = set()
        self.imports = set()
        self.attributes = set()
        self.is_blind = False

    @property
    def names(self):
        """The names that the module is asked for."""
        return set(chain[0] for chain in self.chains)


_known = {}


def reads_of(code):
    """The `Reads` of a code object and of those within it. Remembered, since many functions share code."""
    if code not in _known:
        _known[code] = found = Reads()
        _read(code, found)
        found.is_blind = found.is_blind or not _BLIND_NAMES.isdisjoint(found.names) or not _BLIND_ATTRIBUTES.isdisjoint(found.attributes)
    return _known[code]


def _read(code, found):
    chain = ()
    for operation, name in instructions(code):
        if operation in _SKIPPED:
            continue
        if chain and operation in _ATTRIBUTE:
            chain += (name,)
            found.attributes.add(name)
            continue
        if chain:
            found.chains.add(chain)
        chain = (name,) if operation in _OF_MODULE else ()
        _note(operation, name, found)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            _read(inner, found)


def _note(operation, name, found):
    if operation in _ATTRIBUTE or operation == "IMPORT_FROM":
        found.attributes.add(name)
    elif operation == "IMPORT_NAME":
        found.imports.add(name)
    elif operation in ("EXEC_STMT", "IMPORT_STAR"):
        found.is_blind = True


def instructions(code):
    """(operation, name or None) for each instruction."""
    if not IS_2:
        for instruction in dis.get_instructions(code):  # novm
            is_named = instruction.opcode in dis.hasname
            yield instruction.opname, instruction.argval if is_named else None
        return
    content, place, extended = bytearray(code.co_code), 0, 0
    while place < len(content):
        operation = content[place]
        place += 1
        argument = None
        if operation >= dis.HAVE_ARGUMENT:
            argument = content[place] + (content[place + 1] << 8) + extended
            place += 2
        extended = argument << 16 if operation == dis.EXTENDED_ARG else 0
        yield dis.opname[operation], code.co_names[argument] if operation in dis.hasname else None
