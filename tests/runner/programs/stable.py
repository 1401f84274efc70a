"""Forks a child for each program, so that its interpreter need not start, nor import what it imports: ``stable.py KIT SOCKET [MODULE ...]``.

Each request on the socket is a JSON object behind its length, then descriptors, one with each byte, that are the child's 0, 1, 2, ...:
"plain" is a program as anybody runs it, "found" one as `finding.py` and the real bootstrap begin it, "compute" what `computing.py` does,
"wait" the end of a child. Every child comes from this process, which has run nothing of any program. Runs under every version.
"""

import gc
import json
import os
import socket
import struct
import sys
import types

LENGTH = struct.Struct(">I")
#: What programs import, and what imports that; `random` is loaded anew in each child, since it has a state.
LIBRARY = """array ast atexit bisect calendar collections contextlib copy copy_reg copyreg ctypes datetime dataclasses decimal enum errno fcntl
fractions functools hashlib heapq importlib importlib.util inspect io itertools json linecache locale logging math numbers operator pickle
platform pprint re shutil signal stat statistics string struct subprocess tempfile textwrap threading time traceback types typing warnings
weakref zlib""".split() + (["imp"] if str is bytes else [])
OURS = "bootstrap loading portal portion state flushing standins.hook standins.inplace standins.pickling".split()


def preload(kit, modules):
    """Import all that a child might, but for what the stand-ins change as soon as it is there; and `modules`, whatever they import."""
    sys.path.insert(0, kit)
    folder = os.path.join(kit, "marx", "runner")
    below = [(name, each[:-3]) for name in ("carry", "divide", "found") for each in os.listdir(os.path.join(folder, name)) if each.endswith(".py")]
    ours = OURS + ["%s.%s" % (package, name) for package, name in below if not name.startswith("__")]
    for name in LIBRARY + ["marx.runner." + each for each in ours]:
        try:
            __import__(name)
        except ImportError:
            if name not in LIBRARY:
                raise
    sys.path[:] = [place for place in sys.path if place not in (kit, HERE)]
    sys.modules.pop("random", None)
    for name in modules:
        __import__(name)
    gc.collect()
    getattr(gc, "freeze", int)()


class Requests(object):
    """What comes through the socket; with an answer to each."""

    def __init__(self, descriptor):
        self._socket = socket.fromfd(descriptor, socket.AF_UNIX, socket.SOCK_STREAM)
        os.close(descriptor)

    def next(self):
        """(the request, its descriptors); (None, ()) at the end."""
        lead = self._exactly(LENGTH.size)
        if not lead:
            return None, ()
        said = json.loads(self._exactly(*LENGTH.unpack(lead)).decode("ascii"))
        return said, [self._descriptor() for _ in range(said["descriptors"])]

    def answer(self, number):
        """A pid, or how a child ended."""
        self._socket.sendall(LENGTH.pack(number))

    def close(self):
        """In a child."""
        self._socket.close()

    def _exactly(self, size):
        content = b""
        while len(content) < size:
            received = self._socket.recv(size - len(content))
            if not received:
                return b""
            content += received
        return content

    def _descriptor(self):
        if hasattr(self._socket, "recvmsg"):
            _, ((_, _, content),), _, _ = self._socket.recvmsg(1, socket.CMSG_SPACE(struct.calcsize("i")))
            return struct.unpack("i", content)[0]
        import _multiprocessing

        return _multiprocessing.recvfd(self._socket.fileno())


def served(requests):
    """Serve; returns in the child of a program alone, with what it must execute, or None at the end of all."""
    while True:
        said, descriptors = requests.next()
        if said is None:
            return None
        if said["do"] == "wait":
            requests.answer(os.waitpid(said["pid"], 0)[1])
            continue
        pid = os.fork()
        if pid:
            for each in descriptors:
                os.close(each)
            requests.answer(pid)
            continue
        requests.close()
        return begun(said, descriptors)


def begun(said, descriptors):
    """In the child: be what was asked for."""
    for number, each in enumerate(descriptors[:3]):
        os.dup2(each, number)
        os.close(each)
    os.chdir(said["cwd"])
    for name in ("random", "numpy.random"):
        if name in sys.modules:
            sys.modules[name].seed()
    given = descriptors[3:]
    if said["do"] == "compute":
        return lambda: compute(said["kit"], *given)
    words = [str(each) for each in said["words"]]
    if said["do"] == "plain":
        forget_us()
        return prepared(words, lambda path: compile(read(path), path, "exec", 0, True))
    return found(said, words, *given)


def compute(kit, results):
    """See `computing`."""
    sys.path.insert(0, kit)
    computing.main(kit, results)
    os._exit(0)


def forget_us():
    """A plain program has nothing of the runner's."""
    for name in list(sys.modules):
        if (name + ".").startswith("marx."):
            KEPT.append(sys.modules.pop(name))


def found(said, words, descriptor):
    """As `finding.main`, and behind the exec that is saved the interpreter and our sitecustomize."""
    from marx.runner import bootstrap

    environ, kit = dict(os.environ), str(said["kit"])
    started = finding.prepared(kit, "%d:%d" % (descriptor, said["slots"]), str(said["finding"]), words, environ)
    os.environ.update(environ)
    try:
        bootstrap.begin(os.path.join(kit, "before-programs"), kit)
    except ImportError:  # as `site` does
        pass
    return prepared(started.words if started else words, code_of)


def code_of(path):
    """Of a main file, which may be one of `starting`: behind the head of compiled code."""
    content = read(path)
    if content[:4] != magic():
        return compile(content, path, "exec", 0, True)
    import marshal

    return marshal.loads(content[8 if str is bytes else 12 if sys.version_info < (3, 7) else 16 :])


def magic():
    """What begins compiled code."""
    if str is bytes:
        import imp

        return imp.get_magic()
    from importlib.util import MAGIC_NUMBER

    return MAGIC_NUMBER


def read(path):
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def prepared(words, compiled):
    """(code, names) of a main file, and all that Python sets before it executes one."""
    path = words[0]
    sys.argv[:] = words
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.executable, "-s"] + words
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    if sys.version_info >= (3, 9):
        path = os.path.abspath(path)
    module = types.ModuleType("__main__")
    module.__builtins__ = sys.modules.get("builtins") or sys.modules["__builtin__"]
    module.__file__ = path
    module.__package__ = None
    if str is not bytes:
        module.__loader__ = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", path)
        module.__annotations__ = {}
        module.__cached__ = None
    KEPT.append(sys.modules["__main__"])
    for name in ("__main__", "__mp_main__"):
        if name in sys.modules:
            sys.modules[name] = module
    return compiled(path), vars(module)


def fail(kind, error, trace):
    """Show an exception that nobody caught; the exit code."""
    if isinstance(error, SystemExit) or kind is SystemExit:
        code = getattr(error, "code", error)
        if code is None or isinstance(code, int):
            return code or 0
        sys.stderr.write("%s\n" % (code,))
        return 1
    if hasattr(error, "__traceback__"):
        error.__traceback__ = trace
    sys.excepthook(kind, error, trace)
    return 1


def finish(names, code):
    """End as an interpreter ends, but for what is left of it."""
    import atexit

    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()
    flush()
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and (name[:1] == "_" and name[1:2] != "_") == private:
                names[name] = None
    gc.collect()
    flush()
    os._exit(code & 0xFF)


def flush():
    """Of what was printed nothing is kept back."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass


#: What need not be taken apart in each child.
KEPT = []
HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    sys.path.pop(0)
    sys.path.insert(0, HERE)
    import computing
    import finding

    del sys.modules["computing"], sys.modules["finding"]
    preload(sys.argv[1], sys.argv[3:])
    work = served(Requests(int(sys.argv[2])))
    if callable(work):
        work()
    if work is not None:
        status = 0
        try:
            exec(work[0], work[1])
        except BaseException:
            what = sys.exc_info()
            status = fail(what[0], what[1], what[2].tb_next)
            del what
        finish(work[1], status)
