"""What is told of an item that raised, or of a program that could not be loaded: type, message and a traceback of its own frames."""

from __future__ import absolute_import

import os
import sys
import traceback

from marx.runner.allowing import hint

OUR_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: Characters of a message or traceback; the middle of a longer one is left out.
LONGEST_TEXT = 20000


class Failure(object):
    """An item's outcome that is no value. ``entry`` is {"type", "message", "traceback"}."""

    __slots__ = ("entry",)

    def __init__(self, entry):
        self.entry = entry


def present_failure():
    """The exception that is being taken care of, as a `Failure`. Never raises, whatever the program's exception does when looked at."""
    kind, error, trace = sys.exc_info()
    try:
        because = hint(error)
        message = shown(error) + (u" (%s)" % because if because else u"")
        return Failure({"type": kind.__name__, "message": message, "traceback": _traceback(kind, error, trace)})
    finally:
        del trace


def shown(error):
    """An exception's message."""
    for show in (_text, _text_of_str, repr):
        try:
            return shortened(as_text(show(error)))
        except Exception:
            continue
    return u"<it cannot be shown>"


def as_text(something):
    """Text of bytes or text, whatever they hold."""
    return something.decode("utf-8", "replace") if isinstance(something, bytes) else something


def shortened(text):
    """``text`` without its middle where it is too long."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return u"%s\n... %d characters left out ...\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def _text(error):
    return u"%s" % (error,)


def _text_of_str(error):
    return str(error)


def _traceback(kind, error, trace):
    try:
        lines = traceback.format_exception(kind, error, _from_program(trace))
        return shortened(u"".join(as_text(line) for line in lines))
    except Exception:  # a program's __str__, or no memory or stack left
        return u"%s\n" % (kind.__name__,)


def _from_program(trace):
    """The traceback from the first frame that is not the runner's; all of it if every frame is."""
    inner = trace
    while inner is not None and os.path.abspath(inner.tb_frame.f_code.co_filename).startswith(OUR_FOLDER):
        inner = inner.tb_next
    return inner
