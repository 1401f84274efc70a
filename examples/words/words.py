#!/usr/bin/env python2.7
"""Which words the authors of Python's own library use. An old script: it runs on Python 2.7 and no other.

The item is a file of the standard library of the Python that runs it, by its name below that library's folder:

    tasker map --local=2 --python 2.7 --items modules.jsonl words.py:count
    tasker map --local=2 --python 2.7 words.py:count argparse.py json/decoder.py

Plainly, `python2.7 words.py` is the same loop over modules.jsonl, or over the names that are given, and prints the
same lines, with what `count` prints among them.
"""

import json
import keyword
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.dirname(os.__file__)
WORD = re.compile(r"[A-Za-z]{2,}")
COMMON = set(keyword.kwlist + ["self", "the", "to", "of", "none", "true", "false"])
SHOWN = 5


def count(name):
    """Count the words of one file: how many uncommon ones, how many of them differ, and the favourites."""
    seen = {}
    for line in file(os.path.join(LIBRARY, name)):
        for word in WORD.findall(line):
            word = word.lower()
            if word not in COMMON:
                seen[word] = seen.get(word, 0) + 1
    if not seen:
        print >> sys.stderr, "%s: not a word in it" % name
        return {"words": 0, "different": 0, "top": []}
    ranking = sorted(seen.iteritems(), key=lambda (word, times): (-times, word))
    print "%s: %r is its favourite" % (name, ranking[0][0])
    return {"words": sum(seen.itervalues()), "different": len(seen), "top": ranking[:SHOWN]}


def names():
    """What to count: the arguments, or else what modules.jsonl lists."""
    if sys.argv[1:]:
        return sys.argv[1:]
    return [json.loads(line) for line in open(os.path.join(HERE, "modules.jsonl"))]


if __name__ == "__main__":
    for index, name in enumerate(names()):
        print json.dumps({"index": index, "value": count(name)}, sort_keys=True)
