"""A site on its way from the analysis to the program that it was found in: a `Found` that holds nothing but itself."""

from __future__ import absolute_import

import pickle

from marx.runner.divide.syntax import kind


class Place(object):
    """Of a `Found` that has travelled, in the place of its ``module``. ``futures``: the nodes of its ``from __future__`` statements."""

    def __init__(self, path, name, futures):
        self.path = path
        self.name = name
        self.futures = futures


class Around(object):
    """The same for its ``scope``. ``owner``: the name of the innermost class around it, None if there is none."""

    def __init__(self, what, owner):
        self.kind = what
        self.owner = owner


def packed(found):
    """The bytes of a `Found`."""
    module = found.module
    futures = [each for each in module.tree.body if kind(each) == "ImportFrom" and each.module == "__future__"]
    around = Around(getattr(found.scope, "kind", "module"), _owner(found.scope))
    return pickle.dumps(found._replace(module=Place(module.path, module.name, futures), scope=around), 2)


def unpacked(content):
    """The reverse."""
    return pickle.loads(content)


def _owner(scope):
    while scope is not None and scope.kind != "class":
        scope = scope.parent
    return scope.name if scope is not None else None
