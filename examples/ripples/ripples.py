#!/usr/bin/env python3
"""Waves of two stones in a pond, drawn with matplotlib. For Python 3.

    python3 ripples.py [FILE.png]

Requires: numpy, matplotlib, see ../requirements.txt
"""

import sys
from multiprocessing import Pool

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

SIZE = 240
STONES = [(-0.45, 0.1), (0.5, -0.2)]
MOMENTS = np.linspace(0.4, 2.2, 4)


def height(moment):
    """The pond's surface at one moment, as an array of heights."""
    x, y = np.meshgrid(np.linspace(-1, 1, SIZE), np.linspace(-1, 1, SIZE))
    surface = np.zeros((SIZE, SIZE))
    for stone_x, stone_y in STONES:
        distance = np.hypot(x - stone_x, y - stone_y)
        surface += np.sin(24 * (distance - moment)) * np.exp(-8 * (distance - moment / 2) ** 2)
    return surface


def draw(surfaces, path):
    """The pictures of all moments in one file."""
    figure, axes = plt.subplots(2, 2, figsize=(6, 6))
    for axis, surface, moment in zip(axes.flat, surfaces, MOMENTS):
        axis.imshow(surface, cmap="Blues", vmin=-2, vmax=2)
        axis.set_title("after %.1f s" % moment)
        axis.set_axis_off()
    # Without the program's name the same picture is the same file, whichever version of matplotlib wrote it.
    figure.savefig(path, dpi=80, metadata={"Software": None})


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "ripples.png"
    with Pool() as pool:
        surfaces = pool.map(height, MOMENTS)
    draw(surfaces, path)
    print("highest wave %.3f, lowest %.3f; see %s" % (max(map(np.max, surfaces)), min(map(np.min, surfaces)), path))


if __name__ == "__main__":
    main()
