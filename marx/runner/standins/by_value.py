"""An item of joblib, which travels with its function by joblib's own pickler: called where it is computed, and its result sent back the same way.

Named by the pickles of items, so this must be importable wherever they are computed.
"""

from __future__ import absolute_import

import importlib


def call(package, content):
    """Compute ``content``, a pickled function without arguments, with the joblib in ``package``; its pickled outcome (succeeded, value)."""
    pickler = pickler_of(package)
    wrapped = loky_of(package)._ExceptionWithTraceback
    try:
        outcome = (True, pickler.loads(content)())
    except BaseException as error:
        outcome = (False, wrapped(error))
    try:
        return pickler.dumps(outcome)
    except Exception as error:
        return pickler.dumps((False, wrapped(error)))


def pickler_of(package):
    """The pickler that a joblib brings along, or the one that it depends on. Raises ImportError."""
    try:
        return importlib.import_module(package + ".externals.cloudpickle")
    except ImportError:
        return importlib.import_module("cloudpickle")


def loky_of(package):
    """Its module of processes. Raises ImportError."""
    return importlib.import_module(package + ".externals.loky.process_executor")
