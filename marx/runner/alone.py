"""Role *alone*: an interpreter that runs one chunk and ends, made by `fresh`."""

from __future__ import absolute_import

import os

from marx.runner import kernel
from marx.runner.allowing import allow
from marx.runner.attempt import Chunk
from marx.runner.board import board_in
from marx.runner.child import ChunkRun
from marx.runner.items import Items, values_of
from marx.runner.loading import NotLoaded, load
from marx.runner.pipe import set_blocking
from marx.runner.program import EXIT_NOT_LOADED, Program
from marx.runner.reports import reports_for
from marx.runner.state import read_state


def play(order, reader, writer):
    """Load the program, run the chunk. Raises `FrameError`; else it never returns."""
    kernel.die_with_parent()
    if os.getppid() != order["runner"]:
        os._exit(1)
    order["kind"] = order["role"]
    state = read_state(reader)
    chunk, items = Chunk(order["chunk"]), Items()
    for _ in range(order["packs"]):
        frame = reader.read()
        items.keep(frame.header(), frame.payload())
    board = board_in(reader.descriptor)
    os.close(reader.descriptor)
    set_blocking(writer.descriptor, True)
    kernel.show_memory()
    kernel.go_first()
    allow(order["limits"])
    reports = reports_for(order, writer.descriptor, chunk)
    try:
        program = Program(order, _loader(order, state))
    except NotLoaded as why:
        reports.note("the program could not be loaded again: %(type)s: %(message)s" % why.failure.entry)
        os._exit(EXIT_NOT_LOADED)
    run = ChunkRun(order, chunk, program, board, reports)
    run.run_and_exit(values_of(items.covering(chunk.portion, chunk.first, chunk.stop)))


def _loader(order, state):
    if order["kind"] != "portion":
        return load
    from marx.runner.portion import loader_of

    return loader_of(state)
