"""What should happen next, and nothing else: the pure floor of the house.

It knows nothing about networks, processes, disks, clocks or chance: the instant comes in with
each event, what should be done comes out as a list of actions. It may import the standard
library's pure parts only (dataclasses, enum, typing, heapq, bisect, math, collections).

Start with ``scheduler.py`` (the one door), then ``events.py`` and ``actions.py`` (what goes in
and out), ``states.py`` (the lives), ``portions.py`` and ``ranges.py`` (where items stand), then
``programs.py`` and ``seating.py`` (what main programs open, and where they run).
"""
