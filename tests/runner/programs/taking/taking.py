"""Runs a program that calls `state_of(functions, items)`, which writes the state and the pickled items to files and ends it there."""

from __future__ import absolute_import

import os
import pickle
import sys


def state_of(calls, method="fork", style="pool", **starting):
    """``calls``: (function, arguments) of each item."""
    sys.path.insert(0, os.environ["CARRY_KIT"])
    from marx.runner.carry import capturing, references, spawned
    from marx.runner.records import joined_records

    sys.path.pop(0)
    pickled = [pickle.dumps((function, args, {}), pickle.HIGHEST_PROTOCOL) for function, args in calls]
    named = set(pair for one in pickled for pair in references.references(one))
    captured = capturing.capture([], named, style=style, **starting) if method == "fork" else spawned.spawn_state(style=style, **starting)
    for name, content in (("STATE", captured.content), ("ITEMS", joined_records(pickled))):
        with open(os.environ["CARRY_%s" % name], "wb") as written:
            written.write(content)
    sys.stdout.flush()
    os._exit(0)
