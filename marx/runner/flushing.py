"""What the program has printed and Python has not written yet."""

from __future__ import absolute_import

import sys


def flush_standard():
    """Flush whatever stands as sys.stdout and sys.stderr."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed, replaced by anything, or None
            pass
