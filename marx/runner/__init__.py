"""The runner: what runs inside the user's own interpreter. Standard library only, one source for Python 2.7 and 3.6 to 3.14.

Started from a kit folder (marx/worker/kit.py) by a worker, imported by nobody. This is the contract.

Descriptors   0, 1, 2 belong to the program. Frames come in on 3 and go out on 4; no process of the program holds those.
Frames        ``>IcI`` (length of header and payload, type, length of the header), a header (a JSON object), a payload; at most
              1 MiB + 64 kB. Whoever gets something else gives up.
Exit codes    0 told to quit, or descriptor 3 was closed; 3 the program could not be loaded; 4 what came on 3 made no sense.

worker to runner                                     runner to worker
  T task     what to load, once, first                 L loaded / F failed, then exit 3
  P pack     items, in parts above 1 MiB               B begun
  D drop     a pack that no chunk needs                R results      of consecutive items
  C chunk    items to run, after those before          V value        a part of one result line above 256 kB
  E end      directly behind C: its secret             A artifact     a part of a file that items made, changed or deleted
  X cancel   end it, or drop it if it waits            Z ended        succeeded, died or cancelled
  Q quit     after the chunk at work                   N note         one sentence for the task's log
  U reading  whether output is read; else no item's time passes
  G give     back what has not begun of the chunk      G given        back: the chunk ends before this item

The program is loaded once, as ``__mp_main__``, which ``__main__`` is too: what stands behind ``if __name__ == "__main__"`` does not
run. Each chunk is run by a fork of that state, one item after the other; where a fork is not safe (other threads, or child processes,
after loading) by a fresh interpreter that loads it again. A child that dies costs the item at work: everything before it that was
sent counts. When a child has ended, every process that it left is killed and reaped.

T names ``program`` (an absolute path) or ``module``, and ``function`` (or ``Class.method``) in it; ``argv`` is all of sys.argv, the
program's path if empty; ``limits`` may hold ``item_seconds``, which an item may take, and what `allowing` sets; ``roots`` are absolute folders whose changed files come back; ``max_value`` is the most bytes of one result line.
X may name a ``cause``, for which the chunk has died and not been cancelled, and want it ``at_once``; else a process is asked by SIGTERM
first. Z says it again: "item-timeout" (where the runner has found it), "silence", "memory", or "".
G names the item from which on a chunk at work is wanted back; the answer, an item later than that perhaps, comes while the item at work runs, and
may be followed by an earlier one; none comes where everything has begun.
Results leave every 5 ms, those of items slower than that one by one, so that a result waits for no more than the item behind it.

Which bytes on 1 and 2 belong to which item is said in-band: ``\\0MARK:ITEM\\n`` stands before an item's bytes, written by the child, the
first of a chunk by the runner; ``\\0SECRET!\\n`` after the chunk's last byte, written by the runner alone. The child never sees the
secret: the frame that holds it stays unopened until the fork, and the child wipes its copy before anything of the program runs.

A task of the kind "program" is one main program, and its runner the keeper (`keeper`), which executes the interpreter with the user's
``words`` and speaks for it. To the above it adds frames about portions, under the program's chunk:

worker to keeper                                     keeper to worker
  H record   what an earlier attempt asked for         K state    a part of what items must see
  G results  of a portion's items, in parts            O open     a portion, behind the A of all that had changed
  W file     a part of one that an item made           I items    of a portion, in packs
  Y refuse   a portion: it is served at home           D drop     a portion
  J signal   to the program's process group            W placed   whether the file of this row stands in its folder

A task of the kind "portion" runs the items of such portions. To the chunk's frames it adds K, in parts directly behind T where that says
that there is a ``state``: what the items see of their program (`carry`); F then names "state" if it cannot be put up. S asks it to look at
the files again, which the worker changes while no chunk is given. Items and results are pickles (`records`); an item is called by the
library's own code (`answering`).

``random`` and ``numpy.random``, where imported, are seeded before each item from (task seed, portion, item).

How to read: `__main__` chooses the role, `program` loads, `chunk` is the loop, `attempt` one child's life seen from outside, `child`
the same from inside. For a main program `keeper` is the loop, `keeper_book` has its portions, `bootstrap` and `portal` are inside of it;
`found` divides what `divide` proves.
Rules of the house for Python 2.7: ``from __future__ import absolute_import`` in every file, else our `pipe` would
hide the program's own; only `compat` asks for the version; nothing is imported lazily where a forked child would pay for it each time.
"""

from __future__ import absolute_import
