"""Sentences: why a loop, comprehension or map stays where it is, and what would free it."""

from __future__ import absolute_import

import os

from marx.runner.compat import path_text
from marx.runner.divide import sciences
from marx.runner.divide.roots import FUNCTION, ITEM, OWN, UNKNOWN, base

#: What an effect is called, by its kind; {} is what it is done to.
_DOES = {
    "changes": "changes {}",
    "rebinds": "rebinds {}",
    "draws": "draws from a random generator that is shared by all items ({})",
    "clock": "asks for the time ({})",
    "process": "deals with processes ({})",
    "network": "talks to the network ({})",
    "threads": "uses threads ({})",
    "native": "calls foreign code ({})",
    "files": "looks at or changes files ({})",
    "writes": "writes a file",
    "input": "reads the program's input ({})",
    "reflects": "looks at the program itself ({}), so what it reads or changes does not show",
    "identity": "asks which object {} is, and a copy is another one",
    "addresses": "turns {} into a text that says where it is in memory",
    "ids": "asks for the identity of objects ({}), which copies do not have",
    "settings": "changes settings that others read ({})",
    "logs": "uses the streams of the program ({})",
    "library": "calls {}, which is not on the list of functions that are known to be pure",
    "method": "calls {} of an object whose class the source does not show",
    "calls": "calls {}, and what that is does not show",
    "prints": "prints to a file that is not the standard output",
    "comma": "prints with a comma at the end, so what it prints depends on who printed before",
    "strange": "makes a `{}`, whose class does more than its source shows",
    "class": "makes a class of its own ({}), which nothing else knows",
    "imports": "imports {}",
    "async": "waits for others",
    "with": "enters a context that is not known",
    "name": "uses {}, which the source does not define",
    "syntax": "has a statement that is not looked into ({})",
}

_HINTS = {
    "draws": "draw from random.Random(marx.item_seed()), made in the item, if other numbers will do",
    "clock": "take the time outside of the loop",
    "comma": "print the whole line at once",
    "identity": "compare with `==`",
    "reflects": "name what it needs",
    "writes": "return the text, and write the files behind the loop",
    "imports": "import it at the top of the module",
}

_CHANGED_HINTS = {
    "global": "return the value instead, and collect it in the loop",
    "enclosing": "return the value instead, and collect it in the loop",
    "item": "make a new object instead of changing the item",
    "default": "make the default value in the function, with `if acc is None: acc = []`",
}


def noun(root):
    """What a root is called."""
    if root in OWN:
        return "something that it has made"
    if root[0] in ("inside", "part"):
        return "what %s holds" % noun(base(root))
    if root == ITEM:
        return "its item"
    if root == FUNCTION:
        return "the object that it is a method of"
    if root == UNKNOWN:
        return "an object that is not known"
    if root == ("constant",):
        return "a number or text"
    if root[0] == "default":
        return "the default value `%s`" % root[-1]
    if root[0] == "given":
        return "what %s gives" % noun(root[1])
    if root[0] == "parameter":
        return "what it is given"
    if root[0] == "registered":
        return "what %s was registered with" % called_in_toolbox(root)
    return "`%s`" % path_text(root[-1]) if root[0] != "method" else "the method `%s`" % root[-1]


def called_in_toolbox(root):
    """What the root of what a toolbox calls is called itself."""
    return "`%s.%s`" % (path_text(root[1][-1]), path_text(root[-1]))


def of_effect(kind, root, where, module, construct):
    """The sentence of one effect. ``construct``: "the loop" or "`f`"."""
    does = _DOES[kind].format(noun(root) if kind != "strange" else root[-1])
    if where.function is None:
        return "line %d: %s %s" % (where.here, construct, does)
    return "line %d: %s calls `%s`, which %s (%s)" % (where.here, construct, where.function, does, _place(where, module))


def _place(where, module):
    return "line %d" % where.line if where.path == module.path else "%s line %d" % (path_text(os.path.basename(where.path)), where.line)


def hint_of_effect(kind, root):
    """Which small change would free it; "" where none is known."""
    if kind == "changes":
        return _CHANGED_HINTS.get(base(root)[0], "")
    if kind == "draws" and root[-1] in sciences.UNSEEDED:
        return ""
    if kind == "draws" and root[-1] in sciences.DRAWING:
        return "give it a number as %s" % " or ".join("`%s`" % name for name in sciences.SEEDS[: 1 if root[-1].startswith("sklearn") else 2])
    return _HINTS.get(kind, "")


def of_condition(kind, root, line, construct):
    """The sentence of a condition that nobody can settle."""
    if kind == "file":
        return "line %d: %s opens a file whose name shows only within the item" % (line, construct)
    what = noun(base(root)) if root[0] == "inside" else noun(root)
    return "line %d: %s uses %s, and what that is shows only within the item" % (line, construct, what)


_LEAVING = {
    "break": "is left early by `break`, so which turns there are shows only as they go",
    "return": "is left early by `return`, so which turns there are shows only as they go",
    "yield": "gives values away by `yield` while it goes on, so its turns are not taken at once",
    "await": "waits by `await`, and others go on meanwhile",
}


def of_leaving(line, what):
    """(reason, hint) of a loop that is left early."""
    hint = "" if what != "break" else "take the items that count first, for instance by a comprehension with a condition"
    return "line %d: the loop %s" % (line, _LEAVING[what]), hint


def of_carried(name, line):
    """(reason, hint) of a name that a turn reads before it binds it."""
    return "line %d: the loop carries `%s` from one turn to the next" % (line, name), ""


def of_refused(name, line, why):
    """(reason, hint) of a statement that would collect."""
    hint = "make `%s` new in front of the loop, and read it behind the loop only" % name
    return "line %d: the loop collects into `%s`, but %s" % (line, name, why), hint


def of_unsure(name):
    """(reason, hint) of a name that may keep its value of an earlier turn."""
    reason = "`%s` is used outside of the loop, and not every turn binds it, so it may have its value of any turn" % name
    return reason, "bind `%s` at the beginning of each turn" % name


def of_handled(name):
    """(reason, hint) of a name whose value shows where an item fails."""
    reason = "if an item fails and that is handled, `%s` is used with its value of the turn before" % name
    return reason, "use another name for it in the loop"


def of_seen(name, line):
    """(reason, hint) of a name of the loop's that a function reads by itself."""
    reason = "line %d: a function that the loop calls reads `%s`, which the loop binds" % (line, name)
    return reason, "give it to the function as an argument"


WHILE = "each turn of a `while` loop decides whether there is another one"
WHILE_HINT = "go through what is known before by a `for` loop"
KEEP = "the line says `# marx: keep`"
LAZILY = "what it gives is consumed one by one elsewhere, and what happens between is not to be changed"
FROM_LAZY = "it takes its items one by one from %s, which computes each when it is asked for"
QUICK = "what it gives is consumed one by one, and to ask for each would take longer than to compute it"
DEEP = "what is mapped may call itself, and before Python 3.12 it could do so once less if each result were asked for"
LAZILY_HINT = "wrap it in list(...)"
STOPS = "`any`, `all` and `next` stop as soon as they know, so which items there are shows only as they go"
PRIVATE = "`%s` means what it means only within its class"
IN_CLASS = "it stands in the body of a class"
ASYNC = "it waits, and others go on meanwhile"
REFLECTS = "`%s` on line %d may look at any name here"
STARRED = "what it is given does not show"
UNDEFINED = "the function is not shown"
DOUBT = "the line says `# marx: divide`, but this is not proved: %s"
GIVES_CODE = "what an item gives is, or holds, a function or a generator, which cannot be carried back"
