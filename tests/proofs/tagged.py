"""
What may differ between two runs of a generated program, and is put into one order before they are compared. Pure.

Lines of items begin with ``~N``, N their portion's number; the main program says ``[N`` and ``N]`` around each portion. Which item prints first is
chance, that it prints between the two is not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from tests.proofs.outcomes import Entry, Outcome

_ITEMS = re.compile(rb"~(\d+) ")
#: What the machinery of either side says beside the program: real pools that end with the program leave semaphores to their tracker, and
#: Marx says how it put together what several items appended to one file, which value cannot be pickled, and that a crowded lab lets wait.
_ASIDE = re.compile(
    rb"^.*multiprocessing/(?:resource|semaphore)_tracker\.py:\d+: UserWarning: .*\n  .*\n"
    rb"|^tasker: an item of .* cannot be sent: .*\n"
    rb"|^tasker: task \w+ waits: .*\n"
    rb"|^tasker: .*: what several items wrote at its end was put together in the order of the items\n",
    re.MULTILINE,
)
_ADDRESS = re.compile(rb" at 0x[0-9a-f]+")
_FRAME = re.compile(rb'  File "([^"]*)", line ')
#: Of which lines the order is chance: items append to such files.
UNORDERED = ".lines"


def ordered(outcome: Outcome, folder: bytes) -> Outcome:
    """Items' lines sorted by portion behind those of the main program; in tracebacks no addresses, and frames in files below ``folder`` only."""
    stderr = b"".join(own_frames(_ADDRESS.sub(b" at 0x", _ASIDE.sub(b"", outcome.stderr)), folder))
    files = {name: _sorted_file(name, entry) for name, entry in outcome.files.items()}
    return replace(outcome, stdout=_sorted_items(outcome.stdout), stderr=_sorted_items(stderr, placed=False), files=files)


def _sorted_file(name: str, entry: Entry) -> Entry:
    if not name.endswith(UNORDERED):
        return entry
    return replace(entry, content=b"".join(sorted(entry.content.splitlines(keepends=True))))


def _sorted_items(text: bytes, placed: bool = True) -> bytes:
    """``placed``: say which items' lines do not stand between the ends of their portion."""
    main, items, open_now = [], defaultdict(list), set()
    for line in text.splitlines(keepends=True):
        if found := _ITEMS.match(line):
            items[found[1]].append(line if not placed or found[1] in open_now else b"MISPLACED " + line)
            continue
        main.append(line)
        open_now |= {line[1:].strip()} if line.startswith(b"[") else set()
        open_now -= {line[:-2]} if line.endswith(b"]\n") else set()
    return b"".join([*main, *(line for number in sorted(items) for line in sorted(items[number]))])


def own_frames(text: bytes, folder: bytes) -> Iterator[bytes]:
    """The lines of ``text``; of tracebacks only those frames whose file lies below ``folder``, and what was raised."""
    foreign = False
    for line in text.splitlines(keepends=True):
        if found := _FRAME.match(line):
            foreign = not found[1].startswith(folder)
        elif not line.startswith(b"    "):
            foreign = False
        if not foreign:
            yield line
