"""A program whose items say what is to be done: ["square", 3]. Runs on every Python that the runner supports."""

from __future__ import print_function

import os
import select
import signal
import subprocess
import sys

def pause(seconds):
    select.select([], [], [], seconds)


if os.environ.get("ZOO") == "thread":
    import threading

    waiting = threading.Thread(target=pause, args=(1000,))
    waiting.daemon = True
    waiting.start()
if os.environ.get("ZOO") == "process":
    started = subprocess.Popen(["sleep", "1000"])


class Odd(object):
    """Something that JSON does not know."""

    def __repr__(self):
        return "<odd>"


class Mute(object):
    """Something that cannot even be shown."""

    def __repr__(self):
        raise RuntimeError("no")


class Unsayable(Exception):
    """An exception with nothing to say."""

    def __str__(self):
        raise RuntimeError("no")


def act(item):
    return globals()[item[0]](*item[1:])


def square(x):
    return x * x


def value(name):
    deep = []
    for _ in range(100000):
        deep = [deep]
    circle = {}
    circle["self"] = circle
    return {
        "nan": float("nan"), "inside": [1, {"a": float("inf")}], "bytes": b"\xff\xfe", "odd": Odd(), "mute": Mute(), "deep": deep,
        "circle": circle, "tuple": (1, (2, 3)), "keys": {1: "one", None: 2.5, True: []}, "wrong keys": {(1, 2): 3}, "set": frozenset([7]),
        "text": u"h\u00e9 \U0001f600 \ud800\n", "big": 10 ** 30, "nothing": None, "class": Odd,
    }[name]


def echo(something):
    return something


def text_of(size):
    return "x" * size


def raises(name, *arguments):
    kinds = {"Unsayable": Unsayable, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt, "ValueError": ValueError}
    kinds["GeneratorExit"] = GeneratorExit
    raise kinds[name](*arguments)


def leave(code):
    sys.exit(code)


def recurse():
    return recurse()


def die(code):
    os._exit(code)


def die_by(number):
    os.kill(os.getpid(), number)
    pause(10)


def say(text, end="\n"):
    print(text, end=end)
    return text


def say_and_wait(text, said, go):
    print(text)
    touch(said)
    wait_for(go)


def complain(text):
    print(text, file=sys.stderr)


def say_raw(text):
    os.write(1, text.encode("ascii"))


def say_by_child(text):
    pause(0.002)
    subprocess.call(["/bin/sh", "-c", "echo " + text])


def close_output():
    sys.stdout.close()


def write_everywhere(text):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, text.encode("ascii"))
        except OSError:
            pass


def descriptors():
    found = []
    for descriptor in range(64):
        try:
            os.fstat(descriptor)
            found.append(descriptor)
        except OSError:
            pass
    return found


def leave_behind(path):
    """Start a process that ignores signals, has a session of its own and outlives its parent; its pid stands in ``path``."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open(path + ".new", "w") as names:
                names.write(str(os.getpid()))
            os.rename(path + ".new", path)
            pause(1000)
        os._exit(0)
    os.waitpid(pid, 0)
    while not os.path.exists(path):
        pause(0.001)


def fork_and(code):
    """A forked process comes back from the item, as it does where a program forgets os._exit."""
    pid = os.fork()
    if pid == 0:
        if code == "return":
            return "the forked process"
        sys.exit(code)
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def wait_for(path):
    """Until a file is there, and for longer than the runner waits for results."""
    touch(path + ".waiting")
    pause(0.02)
    while not os.path.exists(path):
        pause(0.001)


def touch(path):
    open(path, "w").close()


def process_is_there():
    return started.poll() is None


def pid():
    return os.getpid()


def all_processes():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def signal_the_runner():
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP):
        os.kill(1, number)
    try:
        os.kill(-1, signal.SIGKILL)
    except OSError:
        pass  # there is nobody else
    os.kill(os.getpid(), signal.SIGKILL)


def look_into_the_runner():
    import errno

    found = []
    for path in ("/proc/1/mem", "/proc/1/fd/4"):
        try:
            os.close(os.open(path, os.O_RDWR))
            found.append("open")
        except OSError as error:
            found.append(errno.errorcode[error.errno])
    return found


def surroundings():
    main = sys.modules["__main__"]
    return {
        "name": __name__, "file": __file__, "argv": sys.argv, "path": sys.path[0], "cwd": os.getcwd(),
        "main is us": main.__dict__ is globals(), "also": sys.modules["__mp_main__"] is main, "marx": [n for n in sys.path if "kit" in n],
        "shadowed": [name for name in ("pipe", "chunk", "values", "items") if name in sys.modules],
    }


def threads_and_files():
    """What an ordinary program does beside computing."""
    import multiprocessing
    import tempfile
    import threading

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    found = []
    thread = threading.Thread(target=found.append, args=(1,))
    thread.start()
    thread.join()
    pool = multiprocessing.Pool(2)
    squares = pool.map(square, [1, 2, 3])
    pool.close()
    pool.join()
    return [found, squares, subprocess.call(["true"])]


def spawn_pool():
    import multiprocessing

    if not hasattr(multiprocessing, "get_context"):
        return "there is no spawn"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(square, [1, 2])


def start_thread(text):
    """A thread that is still at work when the item returns."""
    import threading

    threading.Thread(target=lambda: (pause(0.02), print(text))).start()


def write_and_die(path):
    write(path, "x")
    os._exit(1)


def draw(count):
    """Numbers from the shared generator."""
    import random

    return [random.random() for _ in range(count)]


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def forget(what=[]):
    """How often this was called in this process."""
    what.append(1)
    return len(what)


if __name__ == "__main__":
    raise SystemExit("the guard is not run")
