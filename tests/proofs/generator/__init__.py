"""
Programs that nobody wrote: drawn from a seed, for 2.7 and 3.x, with a process pool at their heart, and the same at every run.

``aspects.py`` says what an item function is made of; ``state.py``, ``values.py``, ``effects.py`` and ``failures.py`` are the tables of it.
``pools.py`` and ``calls.py`` are the ways to a pool, ``extras.py`` what a main program does besides. ``drawing.py`` chooses, ``rendering.py``
writes the text. Nothing here runs anything.
"""
