"""Where the analysis begins: one request on standard input, one answer on standard output, both JSON."""

from __future__ import absolute_import

import json
import os
import sys

from marx.runner.divide.answer import answer

#: Python's own limit of 1,000 ends in programs that compile without trouble; a frame of ours takes about half a kB of the C stack.
DEEPEST = 6000


def main():
    """Answer; the exit code."""
    sys.setrecursionlimit(DEEPEST)
    source = getattr(sys.stdin, "buffer", sys.stdin)
    request = json.loads(source.read().decode("utf-8"))
    try:
        found = answer(request)
    except RuntimeError as error:
        # RecursionError is one of these from 3.5 on; in 2.7 there is no other name for it.
        found = {"error": {"line": None, "text": "it is nested too deeply to be looked at (%s)" % error}}
    os.write(1, json.dumps(found).encode("ascii"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
