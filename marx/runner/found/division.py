"""A site at work elsewhere: its outcomes taken over in the order of its items, as if each had been computed in place.

The first one is of an item that was computed in place: only if it is the same are the others taken over. The last item, the first one that
cannot be taken over and all behind that are computed in place, by the program's own code.
"""

from __future__ import absolute_import

import sys

from marx.runner.found.looking import is_alike
from marx.runner.found.recording import SCALARS, done_to_objects, is_filled, summed
from marx.runner.found.worth import is_still_worth_it


class Division(object):
    """``items``: those that were left, ``portion``: the outcomes of all but the last, behind that of one that was computed in place.

    ``values``: what a loop collects in, by name; ``before``: numbers of it as they were before the item that was computed in place, None
    where nobody looked. ``seconds``: what an item takes in place, None where it is to be divided whatever that is. ``problem(text, is_wrong)``
    is told why no more is taken over, and whether that is more than no gain. ``tail``: what is to be computed in place.
    """

    def __init__(self, found, items, portion, values, before, seconds, problem):
        self.tail = []
        self.sums = {}
        self._draws = found.pragma == "divide" and found.draws
        self._items = items
        self._portion = portion
        self._values = values
        self._before = before
        self._seconds = seconds
        self._problem = problem
        self._next = 0

    def done(self, frame):
        """Do all that a loop's items did; what is left of them."""
        numbers = dict((name, value) for name, value in self._values.items() if type(value) in SCALARS)
        for payload in self._payloads(self._is_rehearsed_loop):
            try:
                summing = dict(numbers)
                for name, how, arguments in payload:
                    if name in summing:
                        summing[name] = summed(how, summing[name], arguments)
            except Exception:
                self._stop(None)
                break
            for name, how, arguments in payload:
                if name not in summing:
                    done_to_objects(how, self._values[name], arguments)
            numbers = summing
            self._taken_over()
        self.sums = numbers if self._next else {}
        return self.tail

    def sum_of(self, name, value):
        """What a name means after all that was taken over."""
        return self.sums.pop(name, value)

    def given(self, made):
        """What the items of anything else give, one after the other. ``made``: what those that were computed in place gave, at least."""
        for payload in self._payloads(lambda payload: self._is_rehearsed(payload, made)):
            self._taken_over()
            for given in payload:
                yield given

    def _payloads(self, is_rehearsed):
        """What each item did, in order, as long as it can be taken over; `_taken_over` must be called for each that was."""
        outcome = self._portion.outcome(0)
        if outcome is None or outcome[0] != "done" or not _is_sure(is_rehearsed, outcome[1], self._draws):
            said = "what was computed in place came out differently elsewhere" if outcome and outcome[0] == "done" else outcome and outcome[1]
            self._stop(said or self._portion.refusal or "it has no outcome", is_wrong=outcome is not None)
            return
        if not self._is_worth_it(outcome[3]):
            self._stop("what its items give takes longer to bring here than to compute", is_wrong=False)
            return
        while self._next < len(self._items) - 1:
            outcome = self._portion.outcome(self._next + 1)
            if outcome is None or outcome[0] != "done":
                self._stop(None if outcome is None or outcome[1].startswith("it raises") else outcome[1])
                return
            if is_within_line(outcome[2]):
                self._stop("what was printed before ends with a comma", is_wrong=False)
                return
            self._texts = outcome[2]
            yield outcome[1]
            if self.tail:
                return
        self.tail = self._items[self._next :]

    def _is_worth_it(self, elsewhere):
        return self._seconds is None or is_still_worth_it(self._seconds, elsewhere, self._portion.taking_seconds, self._portion.slots)

    def _taken_over(self):
        """The next item counts: what it has printed is shown."""
        for text in self._texts:
            sys.stdout.write(text)
        self._next += 1

    def _stop(self, problem, is_wrong=True):
        self._portion.drop()
        self.tail = self._items[self._next :]
        if problem:
            self._problem(problem, is_wrong)

    # Rehearsal

    def _is_rehearsed_loop(self, payload):
        """Whether what one item did elsewhere is what the program has just done with it."""
        numbers = dict((name, value) for name, value in (self._before or {}).items() if type(value) in SCALARS)
        appended = {}
        for name, how, arguments in payload:
            value = self._values[name]
            if name in numbers:
                numbers[name] = summed(how, numbers[name], arguments)
            elif how == "extend" and type(value) is list:
                appended[name] = arguments[0]
            elif not _was_done(how, value, arguments):
                return False
        is_same = all(is_alike(self._values[name][len(self._values[name]) - len(made) :], made) for name, made in appended.items())
        return is_same and all(is_alike(self._values[name], number) for name, number in numbers.items())

    def _is_rehearsed(self, payload, made):
        if isinstance(made, set):
            return all(given in made for given in payload)
        if isinstance(made, dict):
            return all(key in made and is_alike(made[key], value) for key, value in dict(payload).items())
        made = list(made) if type(made) is list else _at_hand(made)
        return not payload or is_alike(made[-len(payload) :], payload)


def is_within_line(texts):
    """Whether what is printed next begins with a space, which an item elsewhere does not know: in 2.7, behind ``print x,``."""
    return bool(texts) and bool(getattr(sys.stdout, "softspace", 0))


def _is_sure(is_rehearsed, payload, draws):
    """Whether it is as it was; where the person lets items draw random numbers of their own nobody can tell."""
    try:
        return draws or is_rehearsed(payload)
    except Exception:  # what cannot be compared is not the same
        return False


def _are_last(groups, pairs):
    """Whether in each group stands last what was put there elsewhere."""
    put = {}
    for key, given in pairs:
        put.setdefault(key, []).append(given)
    return all(is_alike(groups[key][-len(given) :], given) for key, given in put.items())


def _at_hand(copy):
    """What a copy of an iterator holds already: it is asked while the iterator itself is at work, and so cannot give more."""
    held = []
    try:
        for given in copy:
            held.append(given)
    except Exception:
        pass
    return held


def _was_done(how, value, arguments):
    if how == "fill":
        return is_filled(value, arguments)
    if how == "group":
        return _are_last(value, arguments[0])
    if how == "setinner":
        return is_alike(value[arguments[0]][arguments[1]], arguments[2])
    if how == "setitem":
        return (type(value) is list or arguments[0] in value) and is_alike(value[arguments[0]], arguments[1])
    if how == "update" and type(value) is dict:
        return all(key in value and is_alike(value[key], given) for key, given in dict(arguments[0]).items())
    return all(given in value for given in arguments[0])
