#!/usr/bin/env python3
"""How many ways are there to put N queens on a board, none of which attacks another? For Python 3.

    python3 queens.py [N]

Each place of the first two queens is counted by itself, with concurrent.futures.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

SIZE = 9
KNOWN = {4: 2, 5: 10, 6: 4, 7: 40, 8: 92, 9: 352, 10: 724, 11: 2680}


class Board:
    """The rows that are filled, as bits: the columns and the two kinds of diagonals that are attacked."""

    def __init__(self, size, columns=0, left=0, right=0):
        self.size = size
        self.columns = columns
        self.left = left
        self.right = right

    def free(self):
        """The bits of the columns where the next row's queen may stand."""
        bits = ~(self.columns | self.left | self.right) & ((1 << self.size) - 1)
        while bits:
            bit = bits & -bits
            bits ^= bit
            yield bit

    def put(self, bit):
        """The board with a queen more."""
        return Board(self.size, self.columns | bit, (self.left | bit) << 1, (self.right | bit) >> 1)

    def is_full(self):
        return self.columns == (1 << self.size) - 1


def count(board):
    """How many ways there are to fill the rest of a board."""
    if board.is_full():
        return 1
    return sum(count(board.put(bit)) for bit in board.free())


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else SIZE
    empty = Board(size)
    with ProcessPoolExecutor() as executor:
        futures = {}
        for first in empty.free():
            for second in empty.put(first).free():
                futures[executor.submit(count, empty.put(first).put(second))] = first
        found = dict.fromkeys(empty.free(), 0)
        for future in as_completed(futures):
            found[futures[future]] += future.result()
        for column, bit in enumerate(found, 1):
            print(f"first queen in column {column}: {found[bit]}")
        total = sum(found.values())
        if KNOWN.get(size, total) != total:
            sys.exit(f"{total}, but there are {KNOWN[size]}")
        print(f"{total} ways for {size} queens; a lone row more takes {sum(executor.map(count, [Board(4), Board(5)]))}")


if __name__ == "__main__":
    main()
