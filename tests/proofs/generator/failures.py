"""
Items that raise: item 2, of however many there are.
"""

from tests.proofs.generator.aspects import Aspect

_TWO = """class Broken_N(Exception):
    def __init__(self, what, where):
        Exception.__init__(self, what, where)
        self.what = what"""
_BY_NAME = """class Named_N(Exception):
    def __init__(self, what, where):
        Exception.__init__(self, what + where)
        self.kept = (what, where)

    def __reduce__(self):
        return Named_N, self.kept"""

FAILURES = (
    Aspect("item raises", fails=True, body="if x == 2:\n    raise ValueError('bad %d' % x)"),
    Aspect(
        "item raises an exception of the program", fails=True, top="class Own_N(Exception):\n    pass", body="if x == 2:\n    raise Own_N('own', x)"
    ),
    Aspect("exception with two arguments", fails=True, top=_TWO, body="if x == 2:\n    raise Broken_N('what', 'where')"),
    Aspect("exception with __reduce__", fails=True, top=_BY_NAME, body="if x == 2:\n    raise Named_N('what', 'where')"),
    Aspect(
        "exception of a helper module",
        fails=True,
        top="import failing_N",
        files={"failing_N.py": "class Far(KeyError):\n    pass\n\n\ndef fail(v):\n    raise Far(v)\n"},
        body="if x == 2:\n    failing_N.fail('far')",
    ),
    Aspect("error of the language", fails=True, body="if x == 2:\n    out.append([][x])"),
    Aspect(
        "exception with attributes", fails=True, body="if x == 2:\n    error = RuntimeError('attributes')\n    error.level = 5\n    raise error"
    ),
    Aspect(
        "exception from an exception",
        fails=True,
        since=(3, 6),
        body="if x == 2:\n    try:\n        {}['k']\n    except KeyError as error:\n        raise ValueError('caused') from error",
    ),
    Aspect("result that cannot be pickled", fails=True, since=(3, 6), body="if x == 2:\n    out.append(lambda: x)"),
    Aspect("printing item raises", fails=True, body="if x == 2:\n    say('~#N before the end')\n    raise ValueError('after printing')"),
    Aspect("sys.exit in an item", fails=True, only="executor", body="if x == 2:\n    sys.exit(3)"),
)
