"""Outcomes of items as JSON lines: what the server stores and `tasker map` prints.

Codec "values": every item succeeded and JSON holds its value. Codec "entries": an object a line, with "value", "repr" or "error".
"""

from __future__ import absolute_import

import json
from itertools import groupby

from marx.runner.compat import FLAT
from marx.runner.failures import Failure, as_text, present_failure
from marx.runner.records import joined_records

_one_a_line = json.JSONEncoder(separators=("\n", ": "), allow_nan=False).encode
_on_one_line = json.JSONEncoder(allow_nan=False).encode


class Lines(object):
    """The outcomes of consecutive items. ``lines``: bytes without newlines; ``failed``: which of them, from 0, are errors.

    ``joint``: what stands between two of them.
    """

    __slots__ = ("codec", "lines", "failed", "joint")

    def __init__(self, codec, lines, failed, joint=b"\n"):
        self.codec = codec
        self.lines = lines
        self.failed = failed
        self.joint = joint


def flat_lines(outcomes):
    """All lines of outcomes that are numbers, texts, booleans or None, joined, by one call; None if there is anything else.

    No code of the program runs in here.
    """
    if not FLAT.issuperset(map(type, outcomes)):
        return None
    try:
        return _one_a_line(outcomes)[1:-1].encode("ascii")
    except (ValueError, OverflowError):  # not a number, infinite, too many digits; bytes of 2.7 that are no text
        return None


def lines_of(outcomes, before_each):
    """The same for any outcomes, one by one. ``before_each`` is called with each one's place, from 0: a value can take its process down."""
    shown, failed, codec = [], [], "values"
    for place, outcome in enumerate(outcomes):
        before_each(place)
        name, text = _entry(outcome)
        if name != "value":
            codec = "entries"
        if name == "error":
            failed.append(place)
        shown.append((name, text))
    if codec == "values":
        return Lines(codec, [text.encode("ascii") for _, text in shown], failed)
    return Lines(codec, [_entry_line(name, text) for name, text in shown], failed)


def pickled_lines(outcomes):
    """`Lines` of (whether it succeeded, pickle), in stretches: where code of ours or the interpreter failed there is a `Failure` instead."""
    for is_failure, stretch in groupby(outcomes, lambda outcome: type(outcome) is Failure):
        stretch = list(stretch)
        if is_failure:
            yield Lines("entries", [_entry_line("error", _on_one_line(failure.entry)) for failure in stretch], list(range(len(stretch))))
        else:
            failed = [place for place, (succeeded, _) in enumerate(stretch) if not succeeded]
            yield Lines("pickles", [joined_records([pickled]) for _, pickled in stretch], failed, b"")


def too_long(size, limit):
    """The line of an item whose result is longer than the task allows."""
    message = "the result is %d bytes long, and the limit is %d" % (size, limit)
    return _entry_line("error", _on_one_line({"type": "ResultTooLong", "message": message, "traceback": ""}))


def _entry_line(name, text):
    return ('{"%s": %s}' % (name, text)).encode("ascii")


def _entry(outcome):
    if type(outcome) is Failure:
        return "error", _on_one_line(outcome.entry)
    try:
        return "value", _on_one_line(outcome)
    except Exception:  # TypeError, ValueError, recursion; whatever its own methods raise
        return _shown(outcome)


def _shown(outcome):
    try:
        return "repr", _on_one_line(as_text(repr(outcome)))
    except Exception:
        pass
    try:
        return "repr", _on_one_line(object.__repr__(outcome))
    except Exception:
        return "error", _on_one_line(present_failure().entry)
