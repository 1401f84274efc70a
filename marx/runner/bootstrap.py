"""What happens in the user's interpreter before the program starts; run by the kit's sitecustomize, which `PYTHONPATH` led to.

The interpreter was executed by the keeper with the user's own words and goes on by itself afterwards, so that the program is loaded,
runs and ends as Python has it. What is left of us for a program to see:

- the modules ``marx``, ``marx.runner``, this one and the hook of the stand-ins, with its entry in ``sys.meta_path``; none of
  them where nothing is to be divided. In Python 2.7 also ``_ctypes`` and ``fcntl``. What else there is where `found` has a plan
  stands in `found.arriving`;
- ``sys.dont_write_bytecode``, since what Python writes beside the program's modules is no file that the program made;
- standard output by lines, also where it is no terminal, and so in 3.6 another object as sys.stdout;
- one open descriptor more, and what the kernel tells: the parent, the process group, the environment as it was at first.

This runs for every program: nothing is imported here that the interpreter has not loaded by then, and no version is asked for.
"""

from __future__ import absolute_import

import os
import sys

#: The keeper's word to this file: ``DESCRIPTOR:SLOTS``, and behind another colon the PYTHONPATH that the program is to find, if any.
#: Without a descriptor nothing is to be divided. Behind it and a comma stands that of a plan, where `found` has one.
VARIABLE = "MARX_PORTAL"

#: The `Granted` of this program; None where nothing is to be divided, and outside of programs.
granted = None


class Granted(object):
    """The socket to the keeper, in the process ``pid`` alone, and how many ``slots`` the lab promises."""

    def __init__(self, descriptor, slots):
        self.descriptor = descriptor
        self.slots = slots
        self.pid = os.getpid()


def begin(folder, kit):
    """Take away what led here, and prepare the program's surroundings. ``folder`` holds our sitecustomize, ``kit`` the package.

    Raises ImportError where there is no other sitecustomize, as the interpreter expects it.
    """
    global granted
    held = [sys.modules.pop("sitecustomize", None)]  # 2.7 would empty a module's names while it still runs
    sys.path[:] = [place for place in sys.path if place not in (folder, kit)]
    descriptor, slots = _restore_environment(os.environ.pop(VARIABLE, ""))
    descriptor, _, plan = descriptor.partition(",")
    sys.dont_write_bytecode = True
    _write_by_lines()
    if descriptor:
        granted = Granted(int(descriptor), int(slots))
        _keep_to_ourselves(granted.descriptor)
        from marx.runner.standins import hook

        hook.install()
        if plan:
            from marx.runner.found import arriving

            arriving.begin(int(plan))
    else:
        held += [sys.modules.pop(name) for name in list(sys.modules) if (name + ".").startswith("marx.")]
    for place in list(sys.path_importer_cache):
        if (place + os.sep).startswith(kit + os.sep):
            del sys.path_importer_cache[place]
    __import__("sitecustomize", {}, {}, [], 0)  # the one that a plain run finds


def word(descriptor, slots, path, plan=None):
    """What the keeper says in `VARIABLE`. ``path``: the PYTHONPATH that the program is to find, None for none."""
    text = "%s%s:%s" % ("" if descriptor is None else descriptor, "" if plan is None else ",%d" % plan, slots)
    return text if path is None else "%s:%s" % (text, path)


def _restore_environment(said):
    """Descriptor and slots, as texts, of what the keeper said."""
    parts = said.split(":", 2)
    if len(parts) == 3:
        os.environ["PYTHONPATH"] = parts[2]
    else:
        os.environ.pop("PYTHONPATH", None)
    return (parts + [""])[:2]


def _keep_to_ourselves(descriptor):
    if hasattr(os, "set_inheritable"):
        os.set_inheritable(descriptor, False)  # novm
        return
    import fcntl

    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def _write_by_lines():
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    elif hasattr(sys.stdout, "softspace"):  # a `file` of Python 2
        _write_by_lines_in_c()
    elif hasattr(getattr(sys.stdout, "buffer", None), "raw"):  # nothing is kept back where it was asked for without buffers
        _wrap_stdout()


def _wrap_stdout():
    import io

    plain = sys.stdout
    about = {"encoding": plain.encoding, "errors": plain.errors, "newline": "\n", "line_buffering": True}
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(plain.detach(), **about)
    sys.stdout.mode = "w"


def _write_by_lines_in_c():
    """``setvbuf(stdout, NULL, _IOLBF, 0)``, with a tenth of what importing ctypes takes."""
    try:
        import _ctypes

        pointer = type("pointer", (_ctypes._SimpleCData,), {"_type_": "P"})
        library = _ctypes.dlopen(None, 0)
        stdout = pointer.from_address(_ctypes.dlsym(library, "stdout"))
        _ctypes.call_cdeclfunction(_ctypes.dlsym(library, "setvbuf"), (stdout, None, 1, 0))
    except Exception:  # a Python that was built without libffi, or not with a C library that we know: by blocks, then
        pass
