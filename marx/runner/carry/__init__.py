"""What an item sees of its program: taken out of the running program, and put up again in another interpreter, or refused.

Where to call (an ``__init__.py`` holds no code):

  capturing.capture(functions, references=(), initializer=None, initargs=(), style="pool") -> Captured, raises CannotCarry
      in a process whose state is the one that items must see (the main program, or a fork of it made with the pool). It works in a
      fork of its own: nothing happens to the caller. ``functions``: callables of any kind; ``references``: what pickled items name.
      `Captured.content` is what `restoring.load` takes, bytes; `Captured.names`: the (module, name) that it answers for, so that
      items which name others need another capture.
  spawned.spawn_state(initializer=None, initargs=(), style="pool", method="spawn") -> Captured, raises CannotCarry
      what the spawn and forkserver start methods show.
  brought.brought_state(style) -> Captured, raises CannotCarry
      for items that bring along all that they see of the program: its surroundings, and the libraries that it has imported.
  references.references(pickled) -> frozenset of (module, name)
      the globals of the program's own that a pickle names.
  restoring.load(content) -> Loaded, raises NotRestored
      in the runner of a portion: puts everything up, verifies it, and calls the initializer, once.
  errors.CannotCarry(reason, hint)
      ``reason`` is one sentence with a line number, "line 12: `log`, which `step` reads, is an open file"; ``hint``: what would free it.

``style`` says in which library's process an item would run: "pool", "executor" or "joblib"; "found" for the program's own.

How it works. Only what is read counts: `reads` finds the names that code asks its module for, `walking` follows them through functions,
methods, closures, defaults, decorators and values. What pickle takes by value travels in one pickle, with every identity in it.
Functions, classes and modules stand in that pickle as numbers (`table`); each has a *skeleton*, from which it is found or made on
the other side, and *pieces*, its state (`pieces`). A set, or dictionary of 2.7, that a pickle would bring into another order stands there
as a number, too: its skeleton says how to make one in the order it has (`rebuilding`). The program's source is executed again, statement by
statement, as far as that does no harm (`statements`), which makes classes, registrations and what cannot be pickled; what is made so is
used where its code is the same and is given the state that was carried; what is not made so is made from its code (`building`).

Every piece travels with a digest of its pickle, which `restoring` takes again of what stands there in the end. A rebuild that went
wrong is therefore a refusal, not a wrong answer.
"""

from __future__ import absolute_import
