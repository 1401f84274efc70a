"""How the program has set up logging: levels, and handlers that write to its standard output or error."""

from __future__ import absolute_import

import logging
import sys

from marx.runner.carry.errors import Denied

_STREAMS = ("stderr", "stdout")


def taken():
    """(name or None for the root, level, propagate, disabled, handlers, filters) of each logger. Raises `Denied`."""
    named = sorted((name, one) for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger))
    return [_of_logger(name, one) for name, one in [(None, logging.root)] + named]


def put_up(loggers):
    """Make it so."""
    for name, level, propagate, disabled, handlers, filters in loggers:
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.propagate, logger.disabled, logger.filters = propagate, disabled, filters
        logger.handlers = [_handler(*said) for said in handlers]


def _of_logger(name, one):
    handlers = [_of_handler(handler) for handler in one.handlers]
    return name, one.level, getattr(one, "propagate", True), getattr(one, "disabled", False), handlers, list(one.filters)


def _of_handler(handler):
    if type(handler) is logging.NullHandler:
        return None, handler.level, handler.formatter, list(handler.filters)
    if type(handler) is not logging.StreamHandler and type(handler).__name__ != "_StderrHandler":
        raise Denied("a log handler of class %s" % type(handler).__name__, "log to standard error")
    for name in _STREAMS:
        if handler.stream in (getattr(sys, name), getattr(sys, "__%s__" % name)):
            return name, handler.level, handler.formatter, list(handler.filters)
    raise Denied("a log handler that writes to a file", "log to standard error")


def _handler(stream, level, formatter, filters):
    handler = logging.StreamHandler(getattr(sys, stream)) if stream else logging.NullHandler()
    handler.setLevel(level)
    handler.setFormatter(formatter)
    handler.filters = filters
    return handler
