"""What the person says of a line: ``# marx: divide`` and ``# marx: keep``."""

from __future__ import absolute_import

import re

from marx.runner.compat import IS_2

_PRAGMA = re.compile(b"#[ \t]*marx:[ \t]*(divide|keep)[ \t]*(?:#.*)?$")


def pragmas(content):
    """{line: "divide" or "keep"} of a source as bytes. By the form of the line alone: a text that ends so is taken for one."""
    found = {}
    for place, line in enumerate(content.splitlines() if b"marx:" in content else ()):
        match = _PRAGMA.search(line)
        if match:
            found[place + 1] = match.group(1) if IS_2 else match.group(1).decode("ascii")
    return found
