"""
A task's specification: what the tasker submits, the server keeps unopened but for its terms, and the worker runs.

It is a JSON object. :func:`check_spec` holds what every side relies on; who adds a field makes it optional.
"""

from __future__ import annotations

import re
from typing import Any, Callable

#: Every field, whether it must be there, and what it is.
FIELDS: dict[str, tuple[bool, tuple[type, ...], str]] = {
    "kind": (True, (str,), "'map' or 'run'"),
    "name": (False, (str, type(None)), "what lists show"),
    "program": (False, (str, type(None)), "the program's absolute path at the caller's, or null where module is given"),
    "module": (False, (str, type(None)), "a module's dotted name"),
    "function": (False, (str,), "of a map: the function's name, dots for attributes"),
    "argv": (False, (list,), "sys.argv of the program, its own name first, as it was typed"),
    "cwd": (True, (str,), "the caller's working folder, absolute"),
    "roots": (True, (list,), "absolute folders that stand in the sandbox; changes below them are artifacts"),
    "manifest": (False, (str, type(None)), "SHA-256 of the JSON list of files: [root number, relative path, mode, length, sha256 or null, link or null, mtime]; mtime of a file in ns since 1970 (may lack)"),
    "env": (False, (dict,), "the environment variables that travel"),
    "secrets": (False, (list,), "names of environment variables whose values are sent beside this"),
    "python": (False, (str,), "'2.7', '3', '3.11', a path, or '' for any"),
    "seed": (True, (int,), "the task's seed, 0 to 2**63 - 1"),
    "hash_seed": (True, (int,), "PYTHONHASHSEED, 0 to 2**32 - 1"),
    "codec": (False, (str,), "of a map: 'json' or 'range', of the items"),
    "args": (False, (list,), "of the codec: [start, step]"),
    "total": (False, (int, type(None)), "items, where known at once: range"),
    "stdin": (False, (str, type(None)), "of a run: null (empty), 'stream', or the SHA-256 of a blob"),
    "divide": (False, (str,), "of a run: 'found', 'explicit' or 'none'; 'every': of proofs"),
    "retries": (False, (int,), "of items whose code failed"),
    "stop_on_error": (False, (bool,), "stop at the first failed item"),
    "chunk_items": (False, (int, type(None)), "items in each chunk, where fixed"),
    "max_slots": (False, (int, type(None)), "slots at a time"),
    "priority": (False, (int,), "among the user's own tasks; larger goes first"),
    "labels": (False, (dict,), "that a worker must have"),
    "workers": (False, (list,), "names of the workers that may run it; empty: any"),
    "sandbox": (False, (str, type(None)), "the level demanded"),
    "network": (False, (bool,), "whether its programs use the network"),
    "start_within": (False, (int, float, type(None)), "seconds until a slot must have taken it"),
    "timeout": (False, (int, float, type(None)), "seconds from then on until it must have ended"),
    "item_timeout": (False, (int, float, type(None)), "seconds that one item may take"),
    "silence": (False, (int, float, type(None)), "seconds without output and use of a processor after which an attempt ends"),
    "memory": (False, (int, type(None)), "bytes that the processes of one slot or seat may have together"),
    "submitted_from": (False, (dict,), "host and folder, for people"),
}

#: Of these, what is given is more than nothing, and a number that clocks can reach.
TIMES = ("start_within", "timeout", "item_timeout", "silence")
LONGEST_SECONDS = 1e9

#: What each kind needs beside.
OF_KIND: dict[str, tuple[str, ...]] = {"map": ("function", "codec"), "run": ("argv",)}
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _texts(value: Any) -> bool:
    return all(type(text) is str for text in value)


def _digest(value: Any) -> bool:
    return value is None or _DIGEST.fullmatch(value) is not None


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: value is None or least <= value <= most


#: What a value of the right type holds besides: a number that every side can count with, texts, a digest.
HOLDS: dict[str, Callable[[Any], bool]] = {
    "kind": OF_KIND.__contains__,
    "argv": _texts,
    "roots": _texts,
    "workers": _texts,
    "secrets": _texts,
    "env": lambda value: _texts(value.values()),
    "labels": lambda value: _texts(value.values()),
    "manifest": _digest,
    "stdin": lambda value: value == "stream" or _digest(value),
    "seed": _within(0, (1 << 63) - 1),
    "hash_seed": _within(0, (1 << 32) - 1),
    "total": _within(0, (1 << 63) - 1),
    "retries": _within(0, (1 << 31) - 1),
    "chunk_items": _within(1, (1 << 31) - 1),
    "max_slots": _within(1, (1 << 31) - 1),
    "priority": _within(-(1 << 31), (1 << 31) - 1),
}


def check_spec(spec: Any) -> list[str]:
    """What is wrong with a specification, one sentence each; empty when nothing is."""
    if not isinstance(spec, dict):
        return ["the specification is not an object"]
    wrong = [f"{name} is missing" for name, (needed, _, _) in FIELDS.items() if needed and name not in spec]
    for name, value in spec.items():
        _, types, meaning = FIELDS.get(name, (False, (object,), ""))
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wrong.append(f"{name} should be {meaning}")
        elif name in HOLDS and not HOLDS[name](value):
            wrong.append(f"{name} should be {meaning}, and cannot be {str(value)[:80]!r}")
    wrong += [f"{name} is no time" for name in TIMES if not wrong and not 0 < (spec.get(name) or 1) <= LONGEST_SECONDS]
    kind = spec.get("kind")
    wrong += [f"{name} is missing" for name in OF_KIND.get(kind if type(kind) is str else "", ()) if name not in spec]
    if not wrong and bool(spec.get("program")) == bool(spec.get("module")):
        wrong.append("either program or module must be given")
    return wrong
