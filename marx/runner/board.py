"""The numbers that a runner and the child at work share in memory: nothing is sent, and they survive a child that is killed."""

from __future__ import absolute_import

import mmap

from marx.runner.compat import numbers

#: Where the index of the item at work stands, or `NOBODY`. The child writes it.
AT_WORK = 0
#: Not 0: results have been waited for; what there is goes out after the item at work. The runner writes it.
HURRY = 1

#: No item from this one on is begun any more. The runner writes it.
LIMIT = 2

NOBODY = -1
NO_LIMIT = 1 << 62
BYTES = 24


def new_board():
    """Numbers that forked children share."""
    return wiped(numbers(mmap.mmap(-1, BYTES)))


def board_in(descriptor):
    """The same in the first `BYTES` of a file, for processes that are executed."""
    return numbers(mmap.mmap(descriptor, BYTES))


def wiped(board):
    """A board, before a chunk begins."""
    board[AT_WORK], board[HURRY], board[LIMIT] = NOBODY, 0, NO_LIMIT
    return board
