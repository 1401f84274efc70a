"""Whether sending items costs less than computing them: research/dividing, section 5."""

from __future__ import absolute_import

#: Seconds until a first result is back where no runner has this state yet: a process, and the state put up.
FIRST_SECONDS = 0.15
#: Seconds more for each module that the program has imported: a new process imports most of them. Measured: 0.4 to 0.7 ms with scipy, scikit-learn,
#: sympy, networkx and statsmodels, under 2.7 and 3.11.
MODULE_SECONDS = 0.0006
#: Seconds that the checks after each item take where it runs, unless its state is large.
CHECK_SECONDS = 0.003
#: Bytes a second over the network, and through pickle and its reverse on both sides.
NETWORK_BYTES, PICKLE_BYTES = 100e6, 100e6
#: As large a share of the time in place the divided run may take: the estimate is rough, and what is divided must be faster.
LARGEST_SHARE = 0.6

#: Items of one site that are sent at most. Until it is done each takes some 200 bytes of the program's memory, as itself and as its pickle.
MOST_ITEMS = 2000000
#: Bytes of their pickles at most: the program has them twice for so long.
MOST_BYTES = 1 << 30
#: In the place of a number of items that nobody knows.
ENDLESS = 10**12


def is_worth_it(count, seconds, size, state_seconds, slots, modules):
    """Whether ``count`` items of ``seconds`` and ``size`` bytes each are sent. ``state_seconds``: what taking their state took; ``modules``: how many
    the program has imported.
    """
    in_place = count * seconds
    travelling = count * size * (1 / NETWORK_BYTES + 1 / PICKLE_BYTES)
    divided = FIRST_SECONDS + modules * MODULE_SECONDS + 2 * state_seconds + travelling + count * (seconds + CHECK_SECONDS) / max(slots, 1)
    return divided < LARGEST_SHARE * in_place


def is_still_worth_it(seconds, elsewhere, taking, slots):
    """Whether to go on when the first outcome is here: an item takes ``seconds`` in place, ``elsewhere`` in a runner, where what is collected is
    recorded and everything is looked at; and ``taking`` here until its outcome can be used, one after the other, and about as long again to do.
    """
    return elsewhere / max(slots, 1) + 2 * taking < seconds
