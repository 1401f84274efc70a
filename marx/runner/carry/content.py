"""The bytes that a state travels as: a line that says what they are, then a dictionary of plain values and code.

All interpreters of a task have the same minor version, so `marshal` may be used, which takes code objects.
"""

from __future__ import absolute_import

import marshal
import sys

from marx.runner.carry.errors import NotRestored

_LINE = ("marx state 1 python %d.%d\n" % sys.version_info[:2]).encode("ascii")

#: The style of portions which nobody has asked for: items are turns of the program itself.
FOUND = "found"

#: Later versions of the format write who else holds an object, so that equal states would have different bytes, and no runner in common.
_VERSION = 2


def packed(said):
    """The content for a dictionary."""
    return _LINE + marshal.dumps(said, _VERSION)


def unpacked(content):
    """The reverse. Raises `NotRestored` for what another version, or nobody, has packed."""
    if not content.startswith(_LINE):
        raise NotRestored("the state is one of %r, and this is %r" % (content[:40].split(b"\n")[0], _LINE.strip()))
    try:
        return marshal.loads(content[len(_LINE) :])
    except (ValueError, EOFError, TypeError) as error:
        raise NotRestored("the state cannot be read: %s" % error)
