"""Portions that no call of a pool asks for: loops, comprehensions and maps that `divide` proves separable, in the running program.

A program is executed by its own interpreter, and so is what becomes of it here: where a site was found, the iterable alone is wrapped,
in code that was made from the program's own tree (`rewriting`); frames, locals, lines and tracebacks stay the program's. A module without
a site is left alone.
"""

from __future__ import absolute_import
