"""What can be said of a program without running it, said by the Python that would run it: which calls open portions, what travels.

Started by ``tasker divide`` on the person's own machine, in the interpreter that was chosen for the program. This is the contract.

standard input    a JSON object: ``program`` (absolute path of the main file), ``module`` (its dotted name after ``-m``, or null),
                  ``folders`` (absolute; where imports of the program's own modules are looked for, in their order), ``folder``
                  (the working directory), ``most_files`` (how many of its modules are read)
standard output   a JSON object: ``error`` ({"line", "text"}, alone, where the main file is no program of this Python), or ``python``
                  ("3.11"), ``portions``, ``kept``, ``opens``, ``stdin``, ``unread``, as `answer` composes them

Only `ast` looks at the program: nothing of it is imported, compiled to code or run. The analysis ignores the order of statements: a name
stands for everything that is ever bound to it. What it cannot see it leaves out, or says that it is decided when the program runs.

How to read: `syntax` is the only file that knows how `ast` differs between versions; `scopes` finds every binding and every name of a
module, `modules` follows imports; `resolving` says what an expression stands for (`values`), with `attributes` and in `rounds`; on it stand
`portions`, `starting`, `travelling` and `opening`, and `answer` puts them together. `libraries` holds what is known of libraries, each fact once.

Portions that no pool asks for are proved, and `found` says what a proof is. `sites` finds the places; `finding` goes through them. What an
item does is walked in a `frame` (with `applying`, `calling`, `asking`, `expressions`, `walking` for the parts of the language; `items` for an
item), whose variables stand for `roots` and whose `outcome` is effects and conditions; `summaries` repeats that for all functions until nothing
new is found. `targets` says what a call can call at most (with `registered`: of a toolbox of deap's), `index` what stands in the program by name, `pure` (with `sciences` and
`does`) what libraries do. `collecting`, `turns` and `iterables` look at a loop's form, `heads` at the beginning of its turns and `lengths` at whether that
may take long, `returning` at how deep it may call; `proving` comes to the verdict, `reasons` has the sentences, `telling` the rows.
"""

from __future__ import absolute_import
