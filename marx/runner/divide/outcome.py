"""What a function does when it is called, as far as the source shows: grows while the functions that it calls are looked into."""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide.found import Condition
from marx.runner.divide.roots import told

#: Where an effect is: ``line`` of ``path`` in ``function``. ``here``: the line of the function that is looked at which leads there.
Where = namedtuple("Where", "path line function here")


def conditions_of(several, calls):
    """All that values must show, as `Condition`, in a fixed order: ``several`` and ``calls`` are those of an `Outcome`, roots as others know them."""
    rows = [(what, root, line, frozenset()) for (what, root), line in several.items()]
    for (root, arguments), line in calls.items():
        rows.append(("function", root, line, frozenset(told(each) for found in arguments for each in found)))
    return sorted(set(Condition(*row) for row in rows), key=_order)


def _order(condition):
    return condition.kind, repr(condition.root), condition.line, sorted(map(repr, condition.arguments))


class Outcome(object):
    """
    Of one function, or of one item of a portion. Roots are those of `found` and `roots`.

    effects     {(kind, root): `Where`} of what must not happen elsewhere. "changes" of a parameter counts where it is called
    conditions  {(kind, root): the line that leads to it}
    reads       {root of a name: the line that leads to it}
    results     roots of what it gives
    holds       {name: roots} of what is stored in attributes of this name (`MEMBER`, `ADDED`: in containers; None: anywhere) of objects that it
                made or was given
    calls       {(root of a function, roots of each argument): line} of functions that only the caller knows
    is_hopeless whether one of the effects counts whoever calls it: then nothing else of this is complete
    prints      whether it may print; raises: an object of its own; is_generator: whether calling it gives a generator; fills: whether it may
                change what it is given, if that is something that can be changed
    """

    def __init__(self):
        self.effects, self.conditions, self.reads, self.calls = {}, {}, {}, {}
        self.results, self.holds = set(), {}
        self.is_hopeless = self.prints = self.raises = self.is_generator = self.fills = False

    def size(self):
        """Grows whenever anything is added."""
        sets = (self.effects, self.conditions, self.reads, self.calls, self.results) + tuple(self.holds.values())
        return sum(len(each) for each in sets), len(self.holds), self.prints, self.raises, self.is_generator, self.fills

    def is_clean(self):
        """Whether calling it does nothing but give a result, whatever it is given."""
        return not self.effects and not self.calls
