"""The program's own modules: the main file, and what it imports from its own folders, directly or through each other."""

from __future__ import absolute_import

import os

from marx.runner.compat import IS_2
from marx.runner.divide.pragmas import pragmas
from marx.runner.divide.scopes import scopes_of
from marx.runner.divide.syntax import NoProgram, parse


class Module(object):
    """One file of the program. ``name``: dotted, "__main__" for the main file. ``package``: what its relative imports start from.

    ``pragmas``: what the person says of lines."""

    def __init__(self, name, path, package):
        self.name = name
        self.path = path
        self.package = package
        content = _content(path)
        self.tree = parse(content, path)
        self.pragmas = pragmas(content)
        self.top = scopes_of(self, self.tree)


class Program(object):
    """
    All own modules that were read, the main one first, up to ``most_files``.

    ``unread``: path -> `NoProgram`, of those that this Python cannot read. ``folders``: where imports are looked for, as in ``sys.path``.
    """

    def __init__(self, path, module, folders, most_files):
        self.folders = folders
        self.unread = {}
        self._known = {}
        self._most_files = most_files
        package = module.rpartition(".")[0] if module else ""
        if module and os.path.basename(path) == "__main__.py":
            package = module
        self.main = Module("__main__", path, package)
        self.modules = [self.main]
        self._follow(self.main)

    def find(self, dots, name, importer):
        """The own `Module` that an import in ``importer`` means, None where it is a library's or does not exist."""
        for absolute in _absolute_names(dots, name, importer):
            found = self._module(absolute)
            if found is not None:
                return found
        return None

    def is_own(self, dots, name, importer):
        """Whether an import means something of the program's own folders, packages without an ``__init__`` too."""
        return bool(dots) or any(self._place(each) is not None for each in _absolute_names(dots, name, importer))

    def _module(self, name):
        if name not in self._known:
            self._known[name] = None
            if "." in name:
                self._module(name.rpartition(".")[0])
            path = self._file(name)
            if path is not None:
                self._read(name, path)
        return self._known[name]

    def _read(self, name, path):
        if path == self.main.path:
            self._known[name] = self.main
        elif path not in self.unread and len(self.modules) < self._most_files:
            package = name if os.path.basename(path) == "__init__.py" else name.rpartition(".")[0]
            try:
                module = self._known[name] = Module(name, path, package)
            except NoProgram as error:
                self.unread[path] = error
            else:
                self.modules.append(module)
                self._follow(module)

    def _follow(self, module):
        """Read what ``module`` imports. A package's own file is read before what lies in it, as importing does."""
        for scope in module.top.below():
            for dots, name, part in scope.imports:
                self.find(dots, name, module)
                if part not in (None, "*"):
                    self.find(dots, (name + "." if name else "") + part, module)

    def _file(self, name):
        place = self._place(name)
        if place is None:
            return None
        paths = [os.path.join(place, "__init__.py"), place + ".py"]
        return next((path for path in paths if os.path.isfile(path)), None)

    def _place(self, name):
        """Where a module's file lies, without its ending."""
        for folder in self.folders if name else ():
            place = os.path.join(folder, *name.split("."))
            if os.path.isfile(place + ".py") or _holds_modules(place):
                return place
        return None


def _holds_modules(place):
    try:
        return any(name.endswith(".py") for name in os.listdir(place))
    except OSError:
        return False


def _absolute_names(dots, name, importer):
    """The dotted names that an import may mean, the likeliest first: 2.7 looks beside the importing file before anywhere else."""
    if dots:
        parts = importer.package.split(".")
        before = ".".join(parts[: len(parts) - (dots - 1)])
        return [".".join(part for part in (before, name) if part)]
    return ["%s.%s" % (importer.package, name), name] if importer.package and IS_2 else [name]


def _content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except EnvironmentError as error:
        raise NoProgram(error.strerror or "cannot be read")
