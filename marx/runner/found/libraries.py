"""Before a program starts: which libraries that it imports may map functions on its behalf. A program that imports none is left as it is."""

from __future__ import absolute_import

import os
import re
import site
import sys

from marx.runner.carry.own import is_installed_path
from marx.runner.found.asking import NAMES

#: A call of what may be a map, in a source.
_CALLS = re.compile((r"\b_*(?:%s)_*\s*\(" % "|".join(sorted(NAMES))).encode("ascii"), re.IGNORECASE)
#: These map nothing that they are given, and many programs import them.
_MAPPING_NOTHING = frozenset("marx matplotlib numpy pandas".split())
#: So many files of a library are looked through; one that has more is taken to map.
_MOST_FILES = 300


def may_map(names, folder):
    """Those of some outermost names that a program in ``folder`` imports which are of libraries whose source calls what may be a map."""
    beside = set(name.partition(".")[0] for name in os.listdir(folder))
    several = sys.path + os.environ.get("PYTHONPATH", "").split(os.pathsep) + [getattr(site, "getusersitepackages", str)()]
    places = [each for each in several if is_installed_path(each)]
    wanted = set(names) - beside - _MAPPING_NOTHING
    return [name for name in wanted if any(_calls_maps(os.path.join(place, name)) for place in places)]


def _calls_maps(place):
    """Whether one of the first files of a package or module does."""
    for count, path in enumerate(_sources(place)):
        with open(path, "rb") as file:
            if count > _MOST_FILES or _CALLS.search(file.read()):
                return True
    return False


def _sources(place):
    if os.path.isfile(place + ".py"):
        yield place + ".py"
    for folder, _, names in os.walk(place):
        for name in names:
            if name.endswith(".py"):
                yield os.path.join(folder, name)
