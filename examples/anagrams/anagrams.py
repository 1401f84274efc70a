#!/usr/bin/env python
"""Words that are made of the same letters. A script as scripts were written, with no main() and no guard.

    python anagrams.py

Runs on Python 2.7 and on 3 up to 3.13; from 3.14 on Linux a pool's processes import the program again, which needs the guard.
"""

from __future__ import print_function

import collections
import multiprocessing

with open("words.txt") as lines:
    words = sorted(set(line.strip() for line in lines))
print("%d words" % len(words))

by_length = collections.defaultdict(list)
for word in words:
    by_length[len(word)].append(word)
shortest = 4


def letters(word):
    return "".join(sorted(word))


def families(length):
    """The groups of words of one length that share their letters, the largest first."""
    found = collections.defaultdict(list)
    for word in by_length[length]:
        found[letters(word)].append(word)
    groups = [group for group in found.values() if len(group) > 1 and length >= shortest]
    return sorted(groups, key=lambda group: (-len(group), group))


pool = multiprocessing.Pool(2)
lengths = sorted(by_length)
count = 0
for length, groups in zip(lengths, pool.map(families, lengths)):
    count += len(groups)
    for group in groups[:3]:
        print("%2d letters: %s" % (length, " ".join(group)))
pool.close()
pool.join()
print("%d families of anagrams" % count)
