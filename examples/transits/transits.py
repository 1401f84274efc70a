"""Which stars have a planet? One that passes in front of its star dims it a little, again and again.

Python 2.7, and nothing but loops: no pool, no `if __name__`. The light of so many stars (the argument; 24) was watched for 60 days, 96 times a
day; each curve is folded at 400 periods, and the one at which it dims most at one phase is the planet's.
"""
import math
import sys

STARS = int(sys.argv[1]) if len(sys.argv) > 1 else 24
DAYS, A_DAY = 60, 96
PERIODS = 400
BINS = 24
LEAST_DEPTH = 0.003


def noise(seed):
    """Numbers around zero, about alike to what a detector adds; the same for each seed."""
    state = seed * 7919 + 12345
    while True:
        total = 0
        for _ in xrange(4):
            state = (state * 1103515245 + 12345) % 2147483648
            total += state / 2147483648.0
        yield (total - 2.0) * 0.002


def curve_of(star):
    """The star's light at each instant, one unit when nothing is in front of it."""
    shaking = noise(star)
    period = 1.5 + star % 7 * 0.61
    curve = []
    for instant in xrange(DAYS * A_DAY):
        day = instant / float(A_DAY)
        light = 1.0 + next(shaking) + 0.001 * math.sin(day / 9.0 + star)
        if star % 5 == 2 and day % period < 0.11:
            light -= 0.009
        curve.append(light)
    return curve


def depth_at(curve, period):
    """How much darker the darkest phase is than all of them, when the curve is folded at a period of so many days."""
    sums, counts = [0.0] * BINS, [0] * BINS
    for instant in xrange(0, len(curve), 5):
        phase = instant / float(A_DAY) / period % 1.0
        place = int(phase * BINS)
        sums[place] += curve[instant]
        counts[place] += 1
    means = [total / count for total, count in zip(sums, counts) if count]
    return sum(means) / len(means) - min(means)


def best_period(star):
    """(depth, period) of the deepest one."""
    curve = curve_of(star)
    deepest = 0.0, 0.0
    for step in xrange(PERIODS):
        period = 1.0 + step * 0.0125
        depth = depth_at(curve, period)
        if depth > deepest[0]:
            deepest = depth, period
    return deepest


planets = []
for star in xrange(STARS):
    depth, period = best_period(star)
    print "star %2d  %.4f deep at %.4f days" % (star, depth, period)
    if depth > LEAST_DEPTH:
        planets.append((depth, star, period))

print "%d of %d stars have a planet" % (len(planets), STARS)
for depth, star, period in sorted(planets, reverse=True):
    print "star %2d, every %.2f days" % (star, period)
