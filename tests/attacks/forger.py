"""A program that takes over its own runner while it is loaded, and says on the pipe to the worker what is not true.

Each item is another lie, by its index in NAMES. The common language of Python 2.7 and 3.
"""

from __future__ import absolute_import

import os
import struct
import sys

BEGUN, CHUNK = b"B", b"C"


def result(chunk, **changes):
    said = {"chunk": chunk, "portion": 0, "first": 0, "count": 1, "codec": "values", "failed": [], "seconds": 0.0}
    said.update(changes)
    return b"R", said, b'"forged"'


def artifact(chunk, path, **changes):
    said = {"chunk": chunk, "path": path, "mode": 0o644, "size": 6, "mtime": 0.0, "deleted": False, "link": None, "offset": 0, "last": True}
    said.update({"portion": 0, "item": 0})
    said.update(changes)
    return b"A", said, b"forged"


OPENING = {"portion": 1, "call": {"file": "x", "line": 1, "kind": "x", "function": "x"}, "place": "lab", "reason": "", "python": "3.11", "state": None}
ENDING = {"outcome": "succeeded", "exit": 0, "signal": None, "item": None, "done": 1, "cpu_seconds": 0, "wall_seconds": 0, "max_rss_kb": 1}
LONG = {"portion": 0, "item": 0, "offset": 0, "total": 1 << 60, "last": False, "codec": "", "failed": [], "seconds": 0.0}

LIES = {
    "own": lambda chunk: result(chunk),
    "item": lambda chunk: result(chunk, first=1000),
    "many": lambda chunk: result(chunk, count=1000),
    "portion": lambda chunk: result(chunk, portion=7),
    "fence": lambda chunk: result(chunk + 1),
    "old": lambda chunk: result(chunk - (1 << 32)),
    "end": lambda chunk: (b"Z", dict(ENDING, chunk=chunk + 1), b""),
    "climb": lambda chunk: artifact(chunk, [0, "../../../escaped"]),
    "inside": lambda chunk: artifact(chunk, [0, "folder/../../escaped"]),
    "absolute": lambda chunk: artifact(chunk, [0, "/tmp/marx-escaped"]),
    "root": lambda chunk: artifact(chunk, [9, "escaped"]),
    "nul": lambda chunk: artifact(chunk, [0, "escaped\0.txt"]),
    "size": lambda chunk: artifact(chunk, [0, "large"], size=1 << 60, last=False),
    "value": lambda chunk: (b"V", dict(LONG, chunk=chunk), b"x"),
    "program": lambda chunk: (b"O", dict(OPENING, chunk=chunk), b""),
    "unknown": lambda chunk: (b"?", {"chunk": chunk}, b""),
    "words": lambda chunk: (b"R", {"chunk": "one"}, b""),
}

RAW = {
    "huge": struct.pack(">IcI", 0xFFFFFFFF, b"R", 10) + b"x" * (1 << 20),
    "garbage": b"\xff" * (1 << 20),
    "deep": struct.pack(">IcI", 200000, b"R", 200000) + b"[" * 200000,
}


NAMES = ["own", "none"] + sorted(set(LIES) - set(["own"]) | set(RAW))


def flood(pipe):
    """Fifty thousand sentences for the task's log, of 1 kB each."""
    send = pipe.FrameWriter.send

    def chattering(writer, kind, header, payload=b""):
        send(writer, kind, header, payload)
        if kind == BEGUN:
            for number in range(50000):
                send(writer, b"N", {"text": "%d %s" % (number, "x" * 1000)})
                writer.flush_all()

    pipe.FrameWriter.send = chattering


def take_over(pipe):
    send, read = pipe.FrameWriter.send, pipe.FrameReader.read
    told = {}

    def listening(reader):
        frame = read(reader)
        if frame is not None and frame.kind == CHUNK:
            header = frame.header()
            told[header["chunk"]] = NAMES[header["first"]]
        return frame

    def lying(writer, kind, header, payload=b""):
        send(writer, kind, header, payload)
        lie = told[header["chunk"]] if kind == BEGUN else None
        if lie in RAW:
            writer.send_raw(RAW[lie])
        elif lie in LIES:
            send(writer, *LIES[lie](header["chunk"]))

    pipe.FrameWriter.send, pipe.FrameReader.read = lying, listening


def answer(item):
    return "true"


if __name__ == "__mp_main__":
    (flood if "FLOOD" in os.environ else take_over)(sys.modules["marx.runner.pipe"])
