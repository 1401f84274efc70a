"""Taking the state that functions read out of the process that has it."""

from __future__ import absolute_import

import io
import sys

from marx.runner.carry import originals, pieces, surroundings
from marx.runner.carry.apart import apart
from marx.runner.carry.content import packed
from marx.runner.carry.errors import CannotCarry, Denied
from marx.runner.carry.ordering import check_order
from marx.runner.carry.own import libraries, own_modules
from marx.runner.carry.pickles import new_pickler, new_unpickler
from marx.runner.carry.pieces import PATCH, SETTING, STARTING
from marx.runner.carry.reducing import registered
from marx.runner.carry.sources import Sources
from marx.runner.carry.table import MODULE
from marx.runner.carry.walking import Walk


class Captured(object):
    """``content``: for `restoring.load`. ``names``: the (module, name) that it answers for."""

    def __init__(self, content, names):
        self.content = content
        self.names = names


def capture(functions, references=(), initializer=None, initargs=(), style="pool"):
    """A `Captured` of this process's state; see the package. Raises `CannotCarry`."""
    named = frozenset(references)
    return Captured(apart(lambda: _content(functions, named, initializer, initargs, style)), named)


def _content(functions, references, initializer, initargs, style):
    with registered():
        return _Capture().content(functions, references, initializer, tuple(initargs), style)


class _Capture(object):
    """One capture, in a process of its own."""

    def __init__(self):
        surroundings.refuse_replaced_output()
        originals.learn()
        self._sources = Sources()
        self._walk = Walk(self._sources)
        self._pieces = []

    def content(self, functions, references, initializer, initargs, style):
        """The bytes."""
        self._walk.start(tuple(functions), "what is called")
        for module, name in sorted(references):
            self._walk.need(module, name.split(".")[0])
        self._add_rest(initializer, initargs)
        modules = self._imported()
        self._sources.refuse_effects_of_imports(name for name in modules if name in dict(own_modules()))
        self._collect()
        body, digests = self._pickled()
        return packed(
            {
                "kind": "fork",
                "style": style,
                "surroundings": surroundings.taken(),
                "main": self._main(),
                "modules": modules,
                "skeletons": self._walk.skeletons,
                "pieces": [piece for piece, _ in self._pieces],
                "absent": self._walk.absent,
                "left": self._walk.left,
                "body": body,
                "digests": digests,
            }
        )

    def _add_rest(self, initializer, initargs):
        """What belongs to no function: patches of libraries, settings, the initializer."""
        self._rest = []
        for place, module, path in self._sources.patches():
            value = pieces.taken(PATCH, (module, path), None, None)
            said = "%s`%s.%s`, which the program has changed," % (place, module, path)
            self._rest.append(((PATCH, (module, path)), value, self._walk.start(value, said)))
        if initializer is not None:
            value = (initializer, initargs)
            self._rest.append(((STARTING, ""), value, self._walk.start(value, "the initializer")))
        self._sources.refuse_lost_setups(self._walk.table)
        for name in surroundings.settings(self._walk.table.packages):
            said = "the program's setting of %s" % name
            value = self._setting(name, said)
            self._rest.append(((SETTING, name), value, self._walk.start(value, said)))

    def _setting(self, name, said):
        try:
            return surroundings.setting(name)
        except Denied as error:
            raise CannotCarry("%s holds %s" % (said, error.what), error.hint)

    def _collect(self):
        """All pieces with their values, in the order in which they are to be loaded."""
        table = self._walk.table
        found = []
        for owner, name in self._walk.pieces:
            value = pieces.taken(owner, name, table.kinds, table.objects)
            found.append((pieces.turn(owner, name, table.kinds, table.objects, value), (owner, name), value))
        found.sort(key=lambda one: one[0])
        self._ordered = dict(self._walk.pieces)
        self._ordered.update((piece, ordered) for piece, _, ordered in self._rest)
        self._pieces = [(piece, value) for _, piece, value in found] + [(piece, value) for piece, value, _ in self._rest]

    def _pickled(self):
        """All values in one pickle after the other, with one memory, and the digests of what they are when they are loaded."""
        table, sink = self._walk.table, io.BytesIO()
        pickler = new_pickler(sink, table.number_of)
        count = len(table.objects)
        table.close()
        table.begin()
        for _, value in self._pieces:
            pickler.dump(value)
        source = io.BytesIO(sink.getvalue())
        unpickler = new_unpickler(source, table.objects.__getitem__)
        digests = [self._checked(piece, unpickler) for piece, _ in self._pieces]
        if len(table.objects) != count:
            raise CannotCarry("what the program holds changes when it is looked at")
        return sink.getvalue(), digests

    def _checked(self, piece, unpickler):
        table = self._walk.table
        try:
            value = unpickler.load()
            found = pieces.digest(value, table)
            if piece[0] != SETTING:
                check_order(self._ordered[piece], table.ordered)
            return found
        except Exception as error:
            what = "holds %s" % error.what if isinstance(error, Denied) else "cannot be loaded again: %s" % error
            raise CannotCarry("%s %s" % (self._named(piece), what), getattr(error, "hint", ""))

    def _named(self, piece):
        owner, name = piece
        if not isinstance(owner, int):
            return "the %s %s" % (owner, name)
        return self._walk.named(owner, name)

    def _imported(self):
        """The modules to import, in the order in which the program did as far as this can be told."""
        wanted = set(skeleton[1] for skeleton in self._walk.skeletons if skeleton[0] in (MODULE, "namespace", "named") and skeleton[1])
        wanted.update(skeleton[1] for skeleton in self._walk.skeletons if skeleton[0] in ("function", "class"))
        patched = set(name[0] for (owner, name), _, _ in self._rest if owner == PATCH)
        # What a library takes from a patched one when it is imported must be as it was before the patch.
        wanted.update(patched, libraries() if patched else ())
        return [name for name in list(sys.modules) if name in wanted and name not in ("__main__", "__mp_main__")]

    def _main(self):
        module, source = sys.modules["__main__"], self._sources.main
        about = dict((name, getattr(module, name, None)) for name in ("__file__", "__package__", "__cached__"))
        about["spec"] = getattr(getattr(module, "__spec__", None), "name", None)
        text = (source.text, source.path, self._sources.chosen) if source else None
        return {"names": about, "source": text, "gone": sorted(self._sources.made - set(vars(module)))}
