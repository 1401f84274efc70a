"""What of a program the source proves to be separable, without a pool asking for it: the seam between the proof and who acts on it.

`Finder` answers for one `Program` of `modules` and its `Resolver`. Everything here is a plain value. A *root* says where an object comes
from, as a tuple and never as text:

("item",)                                 what one turn takes from the first iterable; of ``map(f, a, b)`` and ``starmap`` any of what is taken
("iterable",)                             what items are taken from
("path", text)                            a file's path that the source spells
("result",)                               what an item gives: a result, or a value that it collects
("function",)                             what is called for each item by ``map(f, xs)``, with all that it holds: ``self``, closure, partial
("parameter", place)                      of a function, in the order of `parameter_names`; only in a `Summary`
("global", path, name)                    a name of a module of the program
("enclosing", path, line, column, function, name)
                                          a name of the function that begins there (as `ast` has it; "<lambda>", "<comprehension>")
("default", path, line, column, function, name)
                                          the default value of a parameter of that function
("registered", root, definitions, is_bound, name)
                                          what a toolbox of deap's (``root``) adds to the arguments when what it calls ``name`` is called
("given", root)                           what calling that gives, with whatever the "function" conditions on it say that it is called with
("inside", root)                          everything that is reachable from there, but not itself
("builtin", name), ("library", name)      a name of Python's or of a library's, dotted
("unknown",)                              anything
"""

from __future__ import absolute_import

from collections import namedtuple

#: One portion that was looked for. Without a ``reason`` it is proved to be separable where its ``conditions`` hold at the call.
#:
#: kind        "map", "starmap", "list", "set", "dict", "generator" (comprehensions by what they make), "for", or "head": a loop of which only the
#:             beginning of each turn is divided
#: module      the `Module` of the program; line, column: of the node, as `ast` has it; end: the last line, before 3.8 the last on which anything
#             begins
#: node        the `ast` node itself: the call, the comprehension, the loop
#: scope       the `Scope` that it stands in
#: function    what people are told: "step", "the loop's body"
#: reason      None, or the sentence that says why it stays; hint: which small change would free it, or ""
#: conditions  of `Condition`, none twice
#: reads       roots of the module's and of enclosing functions' names that an item's work reads, through all that it calls
#: collects    of "for": each `Collect`, in the order of the source
#: last_turn   of "for": names that its body or target binds and that are used elsewhere. Each path of each turn binds them.
#: prints      whether items may print: their text is to be taken and shown in order
#: draws       whether random numbers are drawn from a shared generator
#: pragma      what the line itself says: None, "divide" or "keep"
#: head        of "head": a `heads.Head`; of all others None
#: asked       of "map", "starmap" that is consumed one by one, so that each result is asked for when it is used, see `found.mapping`: the name of what
#:             takes all at once where the call stands in such a call, else ""; None of all others
#: doubt       with "divide": what the source could not prove, as a sentence; "" where all is proved
Found = namedtuple(
    "Found",
    "kind module line column end node scope function reason hint conditions reads collects last_turn prints draws pragma doubt head asked",
)

#: To be settled on the real values at the call; a kind that is not known never holds. ``line``: where it comes from, for the sentence.
#:
#: "known"      all that is reachable is plain data, a range, a bytearray, an array that holds no objects, or an instance of a class of
#:              the program: no iterator, file, function, class or module
#: "plain"      all that is reachable is plain data: numbers, texts, None, and exactly list, tuple, dict, set, frozenset of them
#: "immutable"  the value itself is a number, text, None, or a tuple or frozenset of them; of an ("inside", ...): all that is in there is
#: "unshared"   the result holds no changeable object that the root still holds
#: "function"   a function of the program that `Finder.summary_of` finds clean, or one of `pure`; else the name still means what it meant
#: "definition" the name still means the function or class that the source defines under it (and calls it by)
#: "imported"   the name (``root[1]``, a root of its own) still means what a library has under one of the dotted names (``root[2:]``)
#: "registered" what the toolbox (``root[1]``) calls ``root[-1]`` is a partial of one of the ``definitions``, as `Finder.definitions_of` has them,
#:              and of nothing else unless ``is_bound``
#: "builtin"    the name still means Python's own, in the module (``root[1]``) and in builtins
#: "library"    the dotted name is still the library's own, in a version that `pure` knows
#: "sole"       nothing but its name holds what a loop collects in, nor, where it puts things into lists in there, these; numbers and texts may be
#:              held by anybody
#: "stdout"     ``sys.stdout`` is what the program was started with
#: "file"       the file that the path names (root of the path) is one that every worker has alike, and no item writes
#: "arrays"     numbers, texts, lists and tuples of them, numpy arrays that hold no objects, and estimators of scikit-learn's that are new
#: "alike"      of all such roots together: not both in items and in the rest of the program there are objects of which one equals itself alone; a
#:              root may be ("part", root, name) here, the attribute ``name`` of that
#: "scalar"     the value is exactly an int, long, float, complex or a text
#: "container"  the value can be gone through without doing anything: a list, tuple, set, dict, text, range, view of a dict, array. Of
#:              ("iterable",) the value of the first iterable itself
#:
#: Of "function" ``arguments`` are the roots of all that it is called with there: what its `Summary` asks of parameters must hold for these, and for
#: its default values.
Condition = namedtuple("Condition", "kind root line arguments")

#: One statement of a loop's body that collects. ``how``: "append", "extend", "add", "update", "setitem", "setinner", "group", "fill",
#: "iadd", "max", "min"; "group" appends to a list under a key of a dict, "fill" puts numbers at places that an array has, "setitem" something at a place of a list or under a key of a dict, and
#: "setinner" at a place of a list in a list.
#: ``root``: of the name that collects ("global" or "enclosing"); node: the statement.
Collect = namedtuple("Collect", "how root node")

#: What takes all of an iterator before anything else happens, with nothing done to what it takes.
TAKERS = frozenset(["list", "tuple"])

#: Ways of collecting after which a name means another object.
SUMMING = frozenset(["iadd", "max", "min"])
#: Ways of putting something at a place that is there already: ``x[i] = y``, ``x[i:j] = y``, ``x[i][j] = y``.
FILLING = frozenset(["setitem", "setslice", "setinner"])

#: What a function of the program does when it is called. reason: None, or why it must not be called elsewhere. Conditions as above, on
#: ("parameter", place) too. results: roots of all that it gives, with what that holds; some are of `roots` alone.
Summary = namedtuple("Summary", "reason conditions reads prints results")
