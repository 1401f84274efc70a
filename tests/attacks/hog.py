"""A program that takes more than its share: each function says how much it got. The common language of Python 2.7 and 3."""

from __future__ import absolute_import

import ctypes
import os
import resource
import signal
import sys
import tempfile
import time

MB = 1 << 20
SECONDS, UNSEEN_SECONDS = 30, 5


def eat(megabytes):
    """And stay, so that whoever watches has the time to see it."""
    eaten = bytearray(int(megabytes) * MB)
    wait_to_be_seen()
    return "through: %d MB" % (len(eaten) // MB)


def wait_to_be_seen(seconds=SECONDS):
    until = time.time() + seconds
    while time.time() < until:
        time.sleep(0.2)


def eat_hidden(megabytes):
    """Closed to whoever looks at its memory."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
    return eat(megabytes)


def eat_in_tree(megabytes):
    """Four processes, each below the limit, all in groups of their own and orphans."""
    for _ in range(4):
        if not os.fork():
            os.setsid()
            if not os.fork():
                eat(megabytes // 4)
            os._exit(0)
    wait_to_be_seen()
    return "through: %d MB" % megabytes


def eat_unmapped(megabytes):
    """In files that are memory: nobody's, as far as processes are looked at. Each is below what a file may have."""
    number = 279 if os.uname()[4] == "aarch64" else 319
    for count in range(megabytes):
        if count % 40 == 0:
            descriptor = ctypes.CDLL(None).syscall(number, ctypes.c_char_p(b"hog"), 0)
        os.write(descriptor, b"x" * MB)
    wait_to_be_seen(UNSEEN_SECONDS)
    return "through: %d MB" % megabytes


def fork_much(count):
    """Processes that only wait."""
    made = []
    try:
        for _ in range(int(count)):
            child = os.fork()
            if not child:
                signal.pause()
                os._exit(0)
            made.append(child)
    except OSError as error:
        return "contained: %s after %d" % (error.strerror, len(made))
    finally:
        for child in made:
            os.kill(child, signal.SIGKILL)
    return "through: %d" % len(made)


def open_much(count):
    """Open files; the limit that a process may raise is the one that counts."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    held = []
    try:
        for _ in range(int(count)):
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return "contained: %s after %d" % (error.strerror, len(held))
    finally:
        for descriptor in held:
            os.close(descriptor)
    return "through: %d" % len(held)


def write_large(megabytes):
    """One file."""
    with tempfile.TemporaryFile() as file:
        try:
            for _ in range(megabytes):
                file.write(b"x" * MB)
                file.flush()
        except EnvironmentError as error:
            return "contained: %s" % error.strerror
    return "through: %s MB" % megabytes


def write_much(megabytes):
    """Files that are each below what one may have, to stay."""
    folder = tempfile.mkdtemp()
    for number in range(megabytes // 20):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(b"x" * (20 * MB))
    wait_to_be_seen()
    return "through: %s MB" % megabytes


def make_much(count):
    """Empty files."""
    folder = tempfile.mkdtemp()
    try:
        for number in range(int(count)):
            open(os.path.join(folder, str(number)), "w").close()
    except EnvironmentError as error:
        return "contained: %s after %d" % (error.strerror, number)
    wait_to_be_seen()
    return "through: %s files" % count


def came_early(item):
    return EARLY


EARLY = globals()[os.environ["AT_IMPORT"]](int(os.environ["AMOUNT"])) if "AT_IMPORT" in os.environ else ""

if __name__ == "__main__":
    print(globals()[sys.argv[1]](int(sys.argv[2])))
