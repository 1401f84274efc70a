"""Whether what is left of a site takes long, by the clock: asked behind the 1st, 2nd, 4th, ... of its items."""

from __future__ import absolute_import

#: Seconds: what takes less in all stays where it is; what takes longer is judged by its first so many, or by this share of its items.
LEAST_SECONDS, SAMPLE_SECONDS, SAMPLE_SHARE = 0.25, 0.02, 0.02


class Timing(object):
    """Items that are timed one by one, in ``seconds`` all together.

    ``recent``: seconds of each since the last look.
    """

    def __init__(self):
        self.seconds = self.recent = 0.0
        self._count, self._look, self._looked = 0, 1, (0, 0.0)

    def add(self, seconds):
        """One more; whether it is time to look."""
        self.seconds += seconds
        self._count += 1
        if self._count < self._look:
            return False
        count, before = self._looked
        self.recent = (self.seconds - before) / (self._count - count)
        self._looked, self._look = (self._count, self.seconds), self._look * 2
        return True


def verdict_of(site, count, seconds, so_far, total):
    """True: what is left takes long; False: it does not; None: more must be seen.

    ``count`` items took ``so_far`` seconds in all, and the last ones ``seconds`` each. ``total``: of all items, None where nobody knows.
    """
    if site.is_forced:
        return True
    if total is None:
        return True if so_far >= SAMPLE_SECONDS else None
    if so_far < SAMPLE_SECONDS and count < SAMPLE_SHARE * total:
        return None
    return seconds * (total - count) >= LEAST_SECONDS
