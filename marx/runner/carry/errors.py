"""Why a state does not travel, or could not be put up again."""

from __future__ import absolute_import


class CannotCarry(Exception):
    """The state stays where it is. ``reason``: one sentence, from "line 12: ..." on; ``hint``: what would free it, or ""."""

    def __init__(self, reason, hint=""):
        Exception.__init__(self, reason, hint)
        self.reason = reason
        self.hint = hint

    def __str__(self):
        return self.reason


class NotRestored(Exception):
    """What was carried is not what stands here now: one sentence that names the difference."""


class Denied(Exception):
    """Raised while something is pickled: ``what`` it holds that must not travel, as in "an open file"; ``hint`` as above."""

    def __init__(self, what, hint=""):
        Exception.__init__(self, what)
        self.what = what
        self.hint = hint
