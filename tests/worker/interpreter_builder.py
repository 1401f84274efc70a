"""An Interpreter for tests that are not about a real one."""

from typing import Any

from marx.worker.interpreters import Interpreter


def an_interpreter(version: tuple[int, int, int] = (3, 11, 7), **changes: Any) -> Interpreter:
    """A CPython below /opt, with `changes`."""
    prefix = "/opt/python%d.%d" % version[:2]
    fields: dict[str, Any] = {
        "path": "%s/bin/python%d.%d" % (prefix, *version[:2]),
        "version": version,
        "implementation": "cpython",
        "prefix": prefix,
        "base_prefix": prefix,
        "folders": (),
        "links": (),
    }
    return Interpreter(**{**fields, **changes})
