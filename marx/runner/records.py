"""Packs of codec "pickles": for each item the length of its pickle, four bytes, and the pickle."""

from __future__ import absolute_import

import struct

from marx.runner.pipe import FrameError

LENGTH = struct.Struct(">I")


def joined_records(pickles):
    """The payload of a pack."""
    return b"".join([piece for pickled in pickles for piece in (LENGTH.pack(len(pickled)), pickled)])


def split_records(payload):
    """The pickles in it. Raises `FrameError` if it is cut off."""
    found, place = [], 0
    while place < len(payload):
        if place + LENGTH.size > len(payload):
            raise FrameError("a pack whose last record has no length")
        (length,) = LENGTH.unpack_from(payload, place)
        place += LENGTH.size
        if place + length > len(payload):
            raise FrameError("a pack whose last record is cut off")
        found.append(payload[place : place + length])
        place += length
    return found
