"""Which of the imported libraries are those that `pure` speaks of, and which of their objects are nothing but what they were made with."""

from __future__ import absolute_import

import re
import sys

from marx.runner.divide import pure


def why_unknown(library):
    """Why nothing is known of a library as it is imported; None if it was looked at, or if its version makes no difference to `pure`."""
    if library not in pure.VERSIONS:
        return None
    version = getattr(sys.modules.get(library), "__version__", "")
    oldest, end = pure.VERSIONS[library]
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return None if oldest <= numbers < end else "%s %s is not among the versions that are known" % (library, version)


def is_new_estimator(something):
    """
    Whether it is an estimator of scikit-learn's that has learned nothing yet: it has the arguments of its class, stored as they were given,
    and no attribute whose name ends with an underscore (its developers' guide, "APIs of scikit-learn objects").
    """
    library = type(something).__module__.partition(".")[0]
    if library != "sklearn" or not hasattr(something, "get_params") or why_unknown(library):
        return False
    names = set(vars(something))
    return names.issuperset(something.get_params(deep=False)) and not any(name.endswith("_") for name in names)
