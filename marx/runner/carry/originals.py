"""Code that a program's source means, for code that `found.rewriting` has made of it: what travels must not ask first."""

from __future__ import absolute_import

import io
import sys
import types

_originals = {}
_learned = set()


def original(code):
    """What the source means, where ``code`` was exchanged; else itself."""
    return _originals.get(code, code)


def learn():
    """Look up what was exchanged in this program. To be called before anything is taken out of it."""
    arriving = sys.modules.get("marx.runner.found.arriving")
    plan = getattr(arriving, "plan", None)
    if plan is None:
        return
    exchanged = dict(plan["codes"])
    if arriving.main_code is not None:
        exchanged[arriving.main_code.co_filename] = arriving.main_code
    for path, code in exchanged.items():
        if path not in _learned:
            _learned.add(path)
            _originals.update(_pairs(code, compile(_text(path), code.co_filename, "exec", 0, True)))


def _text(path):
    with io.open(path, "rb") as source:
        return source.read()


def _pairs(made, meant):
    """(exchanged, original) for a code and all within it. Both hold the same functions in the same order."""
    yield made, meant
    inner = [[each for each in code.co_consts if isinstance(each, types.CodeType)] for code in (made, meant)]
    if [each.co_name for each in inner[0]] == [each.co_name for each in inner[1]]:
        for pair in zip(*inner):
            for each in _pairs(*pair):
                yield each
