"""Portions that no call of a pool asks for: loops, comprehensions and maps that `divide` proves separable, in the running program.

A program is executed by its own interpreter, and so is what becomes of it here: where a site was found, the iterable alone is wrapped,
in code that was made from the program's own tree; frames, locals, lines and tracebacks stay the program's. The way of a site:

  before the program    `starting` has it analysed and its code made (`rewriting`), `sites` carries what is known of it
  in the program        `arriving` puts the code in its place; `calls` is what that calls, and all that a site costs which stays; `timing` asks the clock,
                        `draws` whether items drew random numbers, and `verdicts` says when a site that stayed is asked again
  where it takes long   `deciding` settles the `conditions` on the values of the moment (`functions`, `dataclass`, `looking`, `versions`,
                        `toolbox`; `rooted`: what its names are called), asks what it is `worth`,
                        makes a function of one turn (`work`) and sends it with its items (`numbering`, `sending`), unless it is too large (`sizes`)
  in a runner           `serving` computes items, with `recording` for what a loop collects in, and checks that nothing else happened
  back in the program   `division` takes the outcomes over in the order of the items; of a loop of which only the `heads` of turns are sent,
                        `handing` does so turn by turn, where nothing that they can come to (`reaching`) has changed

A library that maps a function of the program on its behalf is such a site, too: `libraries` looks for those before the program, `asking` has
their code ask, `mapping` is what that calls, and `behalf` what is decided of it. (`creator`: what one of them makes of classes.)

Nothing is taken over that was not rehearsed, and whatever cannot be is computed in place, by the program's own code.
"""

from __future__ import absolute_import
