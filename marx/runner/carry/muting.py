"""Nobody hears what is printed meanwhile: executing a program's source again prints what it printed before."""

from __future__ import absolute_import

import os
from contextlib import contextmanager

from marx.runner import kernel
from marx.runner.compat import private_copy
from marx.runner.flushing import flush_standard


def mute():
    """Descriptors 1 and 2 lead nowhere from now on, in a process that ends without flushing what it inherited."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def muted():
    """Descriptors 1 and 2 lead nowhere within it."""
    flush_standard()
    kernel.flush_c_output()
    kept = [(number, private_copy(number)) for number in (1, 2)]
    mute()
    try:
        yield
    finally:
        flush_standard()
        kernel.flush_c_output()
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
