#!/usr/bin/env python
"""The Mandelbrot set in tiles, each written as a PNG of its own. Runs on Python 2.7 and 3, with nothing installed.

The item is the number of a tile, from 0 at the top left, row by row. Its picture lands in the current folder as
tile-00.png and so on, and `join` makes one picture, mandelbrot.png, of them:

    tasker map --local=2 --range 0:16 mandelbrot.py:tile
    python mandelbrot.py join

Plainly, `python mandelbrot.py` is the same loop, prints the same lines and leaves the same tiles.
"""

from __future__ import division, print_function

import json
import struct
import sys
import zlib

ACROSS = 4  # tiles in a row, and rows of tiles
SIDE = 80  # pixels along a tile
LEFT, TOP, SPAN = -2.1, 1.3, 2.6  # the part of the plane that the picture shows
STEPS = 120  # a point still near after so many steps counts as inside


def tile(number):
    """Compute and write one tile; its file, the checksum of its pixels and how many of them are inside the set."""
    row, column = divmod(number, ACROSS)
    pixels = bytearray()
    for y in range(row * SIDE, (row + 1) * SIDE):
        pixels.extend(shade(x, y) for x in range(column * SIDE, (column + 1) * SIDE))
    name = "tile-%02d.png" % number
    write_png(name, SIDE, bytes(pixels))
    print("%s: %d of %d points are inside" % (name, pixels.count(b"\0"), len(pixels)))
    return {"file": name, "crc": zlib.crc32(bytes(pixels)) & 0xFFFFFFFF, "inside": pixels.count(b"\0")}


def shade(x, y):
    """The grey of one pixel: 0 inside the set, else the lighter the longer the point stayed near."""
    scale = SPAN / (ACROSS * SIDE)
    real, imaginary = LEFT + x * scale, TOP - y * scale
    a = b = 0.0
    for step in range(STEPS):
        a, b = a * a - b * b + real, 2 * a * b + imaginary
        if a * a + b * b > 4.0:
            return 55 + 200 * step // STEPS
    return 0


def write_png(name, width, pixels):
    """Write grey `pixels`, row by row, one byte each, as a PNG file."""
    rows = [b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width)]
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)
    with open(name, "wb") as png:
        png.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")):
            png.write(struct.pack(">I", len(body)) + kind + body)
            png.write(struct.pack(">I", zlib.crc32(kind + body) & 0xFFFFFFFF))


def read_rows(name):
    """The rows of pixels of a PNG that `write_png` wrote."""
    with open(name, "rb") as png:
        content = png.read()
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    raw = zlib.decompress(content[start + 4 : start + 4 + length])
    return [raw[begin + 1 : begin + 1 + SIDE] for begin in range(0, len(raw), SIDE + 1)]


def join():
    """Put the tiles in the current folder together into mandelbrot.png."""
    tiles = [read_rows("tile-%02d.png" % number) for number in range(ACROSS * ACROSS)]
    bands = [tiles[first : first + ACROSS] for first in range(0, len(tiles), ACROSS)]
    write_png("mandelbrot.png", ACROSS * SIDE, b"".join(b"".join(row) for band in bands for row in zip(*band)))


if __name__ == "__main__":
    if sys.argv[1:] == ["join"]:
        join()
    else:
        for index in range(ACROSS * ACROSS):
            print(json.dumps({"index": index, "value": tile(index)}, sort_keys=True))
