"""In which order to put elements into a new set (or dictionary of 2.7) so that it iterates as another one does.

Both are tables of slots, gone through in their order; an element lies in the first slot of its probe sequence that was free when it came.
Whoever comes late is displaced, so an element must come before those that it has displaced. Where it lies is not to be seen, but follows from
the order and the hashes nearly always: slots grow, and most elements lie in their first one. `recipe_for` works this out (CPython's
Objects/setobject.c, and dictobject.c of 2.7), tries it, and where growing tables have mixed things up goes on by trial.
"""

from __future__ import absolute_import

import sys
from _random import Random  # `random` calls functions of math when it is imported, which the program may have exchanged

from marx.runner.compat import IS_2, TEXT

#: By the names that they have in skeletons.
KINDS = dict((kind.__name__, kind) for kind in (set, frozenset, dict))

#: Elements of these have the same hash in every process with the same PYTHONHASHSEED.
_FIXED = frozenset([int, float, complex, bool, bytes, str, TEXT, type(sys.maxsize + 1)])
#: More elements than these are not worth the time, in one container or in all that a state has: a thousand take 20 to 100 ms.
MOST = 20000
#: So many slots of an element's probe sequence are looked at.
_PROBES = 40
#: setobject.c, from 3.5 on: so many neighbours are tried before the next jump.
_LINEAR = 9
#: Elements that are put into tables, all trials together, at most.
_TRIALS = 100000
_SLOT_BYTES = {set: 16, frozenset: 16, dict: 24}
_SMALL_TABLE = 8


def made(kind, way, sequence):
    """A new container of elements, or of keys that mean nothing yet; ``way``: of `WAYS`."""
    return WAYS[way](kind, sequence)


def _one_by_one(kind, sequence):
    """The table grows as it fills: ``set(xs)``, ``{x, y}``, ``d[x] = y``, ``dict(pairs)``."""
    if kind is not dict:
        return kind(sequence)
    container = {}
    for key in sequence:
        container[key] = None
    return container


def _at_once(kind, sequence):
    """The table has its size from the start: ``frozenset({x, y})``, ``set(s)`` and, in 2.7, ``{x: y}``."""
    if kind is not dict:
        return kind(dict.fromkeys(sequence))
    return _display(len(sequence))(sequence)


def _display(count):
    """A function that writes a dictionary of keys down."""
    if count not in _displays:
        _displays[count] = eval("lambda keys: {%s}" % ", ".join(["keys[%d]: None" % place for place in range(count)]))
    return _displays[count]


_displays = {}
WAYS = (_one_by_one, _at_once)


def content(container):
    """What is in one, in its order: elements, or (key, value)."""
    return list(container.items()) if type(container) is dict else list(container)


def fill(container, found):
    """Give the keys of a new one their values; elements are there already, and what else `content` finds shows when it is compared."""
    if type(container) is dict:
        for key, value in found:
            container[key] = value


def is_kept(container):
    """Whether one iterates alike if its elements are put into a new one in the order in which it has them, as pickle does."""
    return _is_same(_one_by_one(type(container), list(container)), container)


def recipe_for(container):
    """(way, sequence) for `made`; None where none was found, or an element's hash may be another one elsewhere."""
    if len(container) > MOST or not all(map(_is_fixed, container)):
        return None
    wanted = list(container)
    for way in range(len(WAYS)):
        # A table of another size has another order: one that was larger once, for instance.
        if sys.getsizeof(made(type(container), way, wanted)) == sys.getsizeof(container):
            sequence = _sequence(container, wanted, way)
            if sequence is not None:
                return way, sequence
    return None


def _sequence(container, wanted, way):
    best = None
    for sequence in _likely(container, wanted):
        found = made(type(container), way, sequence)
        if _is_same(found, container):
            return sequence
        right = _right(found, wanted)
        if best is None or right > best[0]:
            best = right, sequence, list(found)
    return _tried(container, wanted, way, *best)


def _is_fixed(element):
    if type(element) is tuple:
        return all(map(_is_fixed, element))
    return type(element) in _FIXED and element == element


def _is_same(one, other):
    """Whether they go on alike, too: with as many free slots."""
    return sys.getsizeof(one) == sys.getsizeof(other) and all(left is right for left, right in zip(one, other))


def _right(found, wanted):
    return sum([left is right for left, right in zip(found, wanted)])


def _likely(container, wanted):
    yield wanted
    yield wanted[::-1]
    laid = _laid(wanted, _slots(container))
    if laid is not None:
        yield _by_need(wanted, laid)


def _slots(container):
    """How many its table has."""
    beyond = sys.getsizeof(container) - sys.getsizeof(type(container)())
    return max(beyond // _SLOT_BYTES[type(container)], _SMALL_TABLE)


def _probed(element, mask):
    """The slots in which it may lie, the first one first."""
    perturb = hash(element) & (2 ** (8 * _WORD) - 1)
    slot = perturb & mask
    if IS_2:
        while True:
            yield slot & mask
            slot = slot * 5 + perturb + 1
            perturb >>= 5
    while True:
        for step in range(_LINEAR + 1 if slot + _LINEAR <= mask else 1):
            yield slot + step
        perturb >>= 5
        slot = (slot * 5 + 1 + perturb) & mask


_WORD = 8 if sys.maxsize > 2**32 else 4


def _laid(wanted, count):
    """For each element the slots that it was probed for, its own last: rising from element to element, with as few probes as can be.

    None if there is no such way.
    """
    ways = [(-1, 0, None)]  # (slot, probes so far, the way there) by rising slots: of dearer ones behind cheaper ones nothing is kept
    for element in wanted:
        fresh = []
        for place, slot in zip(range(_PROBES), _probed(element, count - 1)):
            before = _cheapest(ways, slot)
            if before is not None:
                fresh.append((slot, before[1] + place, (place, before[2])))
        ways = _worth_keeping(fresh)
        if not ways:
            return None
    way, places = min(ways, key=lambda each: each[1])[2], []
    while way is not None:
        places.append(way[0])
        way = way[1]
    return [[slot for _, slot in zip(range(place + 1), _probed(element, count - 1))] for element, place in zip(wanted, reversed(places))]


def _cheapest(ways, slot):
    """The best way that ends before a slot; they are sorted so that it is the last one of these."""
    found = None
    for way in ways:
        if way[0] >= slot:
            break
        found = way
    return found


def _worth_keeping(ways):
    """Sorted by slot, each cheaper than all before it: a way that ends further on and costs more helps nobody."""
    kept = []
    for way in sorted(ways, key=lambda each: each[:2]):
        if not kept or way[1] < kept[-1][1]:
            kept.append(way)
    return kept


def _by_need(wanted, laid):
    """The elements, each behind those that lie in the slots that it was probed for in vain; those that need nobody first."""
    owners = dict((slots[-1], place) for place, slots in enumerate(laid))
    ordered, state = [], {}
    for place in sorted(range(len(wanted)), key=lambda place: len(laid[place]) > 1):
        _put(place, laid, owners, state, ordered)
    return [wanted[place] for place in ordered]


def _put(place, laid, owners, state, ordered):
    waiting = [place]
    while waiting:
        place = waiting[-1]
        needed = [owners[slot] for slot in laid[place][:-1] if slot in owners]
        missing = [each for each in needed if each not in state] if place not in state else []
        state.setdefault(place, False)
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if not state[place]:
            state[place] = True
            ordered.append(place)


def _tried(container, wanted, way, right, sequence, found):
    """Move elements that come out at a wrong place about, as long as that leads nowhere worse."""
    random = Random(1)
    for _ in range(_TRIALS // (len(wanted) or 1)):
        wrong = [place for place, (left, other) in enumerate(zip(found, wanted)) if left is not other]
        if not wrong:
            return None
        place = wrong[0] if random.random() < 0.5 else wrong[int(random.random() * len(wrong))]
        other = _moved(sequence, wanted[place], found[place], random)
        outcome = made(type(container), way, other)
        if _is_same(outcome, container):
            return other
        now_right = _right(outcome, wanted)
        if now_right >= right or random.random() < 0.02:
            right, sequence, found = now_right, other, list(outcome)
    return None


def _moved(sequence, one, other, random):
    """One of two elements at the beginning or the end, or both exchanged."""
    way = int(random.random() * 5)
    if way == 4:
        return [other if each is one else one if each is other else each for each in sequence]
    moved = (one, other)[way % 2]
    rest = [each for each in sequence if each is not moved]
    return [moved] + rest if way < 2 else rest + [moved]
