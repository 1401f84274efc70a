"""Role *alone*: an interpreter that runs one chunk and ends, made by `fresh`."""

from __future__ import absolute_import

import os

from marx.runner import kernel
from marx.runner.attempt import Chunk
from marx.runner.board import board_in
from marx.runner.child import ChunkRun
from marx.runner.items import Items, values_of
from marx.runner.loading import NotLoaded
from marx.runner.pipe import set_blocking
from marx.runner.program import EXIT_NOT_LOADED, Program
from marx.runner.reports import Reports


def play(order, reader, writer):
    """Load the program, run the chunk. Raises `FrameError`; else it never returns."""
    kernel.die_with_parent()
    if os.getppid() != order["runner"]:
        os._exit(1)
    chunk, items = Chunk(order["chunk"]), Items()
    for _ in range(order["packs"]):
        frame = reader.read()
        items.keep(frame.header(), frame.payload())
    board = board_in(reader.descriptor)
    os.close(reader.descriptor)
    set_blocking(writer.descriptor, True)
    kernel.show_memory()
    reports = Reports(writer.descriptor, chunk, order["max_value"])
    try:
        program = Program(order)
    except NotLoaded as why:
        reports.note("the program could not be loaded again: %(type)s: %(message)s" % why.failure.entry)
        os._exit(EXIT_NOT_LOADED)
    run = ChunkRun(order, chunk, program, board, reports)
    run.run_and_exit(values_of(items.covering(chunk.portion, chunk.first, chunk.stop)))
