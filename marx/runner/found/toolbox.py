"""What a toolbox of deap's calls: a partial for each name that was registered, see `divide.registered`."""

from __future__ import absolute_import

import functools
import sys

from marx.runner.found.creator import is_deap_known


def _tools(something):
    """{name: `functools.partial`} of a toolbox; nothing of anything else."""
    base = sys.modules.get("deap.base")
    if base is None or type(something) is not base.Toolbox or not is_deap_known():
        return {}
    return dict((name, value) for name, value in vars(something).items() if type(value) is functools.partial)


def called(toolbox, name):
    """The partial that stands under a name; None where it is anything else, or the toolbox is."""
    return _tools(toolbox).get(name)


def held(toolbox, name):
    """What it adds to the arguments of a call."""
    found = called(toolbox, name)
    return [] if found is None else list(found.args) + list((found.keywords or {}).values())


def functions_of(something):
    """All that a toolbox calls; nothing of anything else."""
    return [each.func for each in _tools(something).values()]
