"""A program that leaves behind what it can: processes that do not want to end, and files of every kind.

Run plainly it leaves a process, which shows that this is one that stays. The common language of Python 2.7 and 3.
"""

from __future__ import absolute_import, print_function

import os
import signal
import socket
import subprocess
import sys

FOREVER = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 13, 14, 15)]; print('x'); __import__('sys').stdout.flush(); time.sleep(600)"


def leave_process(token):
    """Twice forked, in a session and group of its own, deaf to every signal that can be ignored, and holding the program's output."""
    reading, writing = os.pipe()
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.setpgid(0, 0)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.dup2(writing, 1)
            os.execv(sys.executable, [sys.executable, "-c", FOREVER, token])
        os._exit(0)
    os.read(reading, 1)
    return "left"


def leave_and_wait(token):
    leave_process(token)
    signal.pause()


def leave_many(token):
    """Forty of them, some of which make more."""
    for _ in range(40):
        subprocess.Popen([sys.executable, "-S", "-c", "import os, time; os.setsid(); os.fork(); time.sleep(600)", token])
    return "left"


def leave_files(count):
    """What a file system can hold, with names that are no names elsewhere."""
    made = []

    def make(path, how):
        try:
            how(path)
            made.append(repr(path))
        except EnvironmentError as error:
            made.append("%r: %s" % (path, error.strerror))

    def write(path):
        with open(path, "wb") as file:
            file.write(b"content")

    make(b"link-out", lambda path: os.symlink(b"/etc/shadow", path))
    make(b"link-up", lambda path: os.symlink(b"../../../../../../etc/shadow", path))
    make(b"link-to-nothing", lambda path: os.symlink(b"x" * 4000, path))
    make(b"link-folder", lambda path: os.symlink(b"/etc", path))
    make(b"fifo", os.mkfifo)
    make(b"device", lambda path: os.mknod(path, 0o60644, os.makedev(8, 0)))
    make(b"socket", lambda path: socket.socket(socket.AF_UNIX).bind(path))
    make(b"not-\xff\xfe-text", write)
    make(b"two\nlines", write)
    make(b"-rf", write)
    make(b"..." + b"n" * 252, write)
    make(b"closed", lambda path: (write(path), os.chmod(path, 0)))
    make(b"becomes-another", lambda path: (write(path), os.chmod(path, 0o6755)))
    make(b"hard", lambda path: os.link(b"-rf", path))
    make(b"sparse", sparse)
    deep(40)
    os.mkdir("many")
    for number in range(count):
        open("many/%05d" % number, "w").close()
    return made


def sparse(path):
    with open(path, "wb") as file:
        file.seek(1 << 20)
        file.write(b"end")


def deep(levels):
    """Deeper than any path can say."""
    home = os.getcwd()
    for _ in range(levels):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    open("bottom", "w").close()
    os.chdir(home)


def print_much(count):
    for _ in range(count):
        print("x" * 79)
    return "printed"


def print_one_line(count):
    for _ in range(count):
        sys.stdout.write("x" * (1 << 20))
    return "printed"


def calm(item):
    return item


if __name__ == "__main__":
    leave_process(sys.argv[1])
