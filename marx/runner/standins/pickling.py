"""Items as bytes, as the library's own pipes have them, and words for what cannot become bytes."""

from __future__ import absolute_import

import io
import pickle
import re

from marx.runner.compat import IS_2

if IS_2:
    import cPickle

    PROTOCOL = 2
    loads = cPickle.loads
else:
    from multiprocessing.reduction import ForkingPickler
    from pickle import loads

    PROTOCOL = pickle.HIGHEST_PROTOCOL

#: What pickles well and means something on this machine only: proxies of managers, shared memory, connections.
_BOUND_HERE = re.compile(br"multiprocessing[.](managers|shared_memory|resource_sharer|connection|heap|synchronize|queues)\b")
_DEEPEST = 4

__all__ = ["PROTOCOL", "dumps", "loads", "bound_here", "culprit"]


def dumps(value):
    """The bytes of a value. Raises whatever pickling it raises."""
    if IS_2:
        return cPickle.dumps(value, PROTOCOL)
    content = io.BytesIO()
    ForkingPickler(content, PROTOCOL).dump(value)
    return content.getvalue()


def bound_here(record):
    """What a pickled item holds that other machines cannot use, as in "managers"; None if nothing."""
    found = _BOUND_HERE.search(record)
    return found and found.group(1).decode("ascii")


def culprit(function, args, kwargs):
    """What of an item cannot be pickled, as in "its arguments[1].log (<open file 'x'>)"."""
    for name, value in ((u"its function", function), (u"its arguments", args), (u"its named arguments", kwargs)):
        if not _pickles(value):
            return _deepest(name, value)
    return u"the whole of it"


def _deepest(name, value):
    for _ in range(_DEEPEST):
        found = next(((inner, part) for inner, part in _parts(value) if not _pickles(part)), None)
        if found is None:
            break
        name, value = name + found[0], found[1]
    return u"%s (%s)" % (name, _shown(value))


def _pickles(value):
    try:
        dumps(value)
    except Exception:
        return False
    return True


def _parts(value):
    """(words behind the whole's, part) for what a value consists of."""
    if isinstance(value, (tuple, list)):
        return [(u"[%d]" % place, part) for place, part in enumerate(value)]
    if isinstance(value, dict):
        return [(u"[%s]" % _shown(key), part) for key, part in value.items()]
    if _is_pickled_by_parts(value):
        return [(u".%s" % name, part) for name, part in vars(value).items()]
    return []


def _is_pickled_by_parts(value):
    """Whether it is an object whose attributes pickle looks at one by one, and not one that says itself what it is made of."""
    kind = type(value)
    its_own = any(getattr(kind, name, None) is not getattr(object, name, None) for name in ("__reduce__", "__reduce_ex__", "__getstate__"))
    return isinstance(getattr(value, "__dict__", None), dict) and not its_own and not isinstance(value, type) and not hasattr(value, "__code__")


def _shown(value):
    try:
        text = repr(value)
    except Exception:
        text = object.__repr__(value)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return text if len(text) <= 100 else text[:97] + u"..."
