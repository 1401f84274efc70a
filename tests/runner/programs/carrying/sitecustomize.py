"""Makes `multiprocessing.Pool` one that carries the program's state to a fresh interpreter for each map, which computes the items.

What a stand-in, the server and a worker do together, in a few lines: what is tested is the state. A line for each map goes to
CARRY_REPORT: "carried", or why not; then the items are computed in forks of the process as it was when the pool was made.
"""

from __future__ import absolute_import

import os
import pickle
import struct
import subprocess
import sys

sys.path.insert(0, os.environ["CARRY_KIT"])
from marx.runner.carry import capturing, errors, references  # noqa: E402

sys.path.pop(0)
sys.dont_write_bytecode = True
import multiprocessing.pool  # noqa: E402

_RealPool = multiprocessing.pool.Pool
_HERE = os.path.dirname(os.path.abspath(__file__))
_REPORT = os.environ["CARRY_REPORT"]
#: Without us: a fresh interpreter has imported nothing that what it loads would have to.
_ENVIRON = dict((name, value) for name, value in os.environ.items() if name != "PYTHONPATH")


def _send(descriptor, value):
    content = pickle.dumps(value, 2)
    os.write(descriptor, struct.pack(">I", len(content)))
    while content:
        content = content[os.write(descriptor, content) :]


def _receive(descriptor):
    (length,) = struct.unpack(">I", os.read(descriptor, 4))
    content = b""
    while len(content) < length:
        content += os.read(descriptor, length - len(content))
    return pickle.loads(content)


class CarryPool(object):
    """As much of a pool as the programs of the table use."""

    def __init__(self, processes=None, initializer=None, initargs=()):
        sys.stdout.flush()
        question, self._asking = os.pipe()
        self._answered, answer = os.pipe()
        if not os.fork():
            os.close(self._asking)
            try:
                while True:
                    _send(answer, self._answer(_receive(question), initializer, initargs))
            finally:
                os._exit(0)
        os.close(question)
        os.close(answer)

    def _answer(self, pickled, initializer, initargs):
        named = set(pair for one in pickled for pair in references.references(one))
        try:
            captured = capturing.capture([], named, initializer, initargs)
        except errors.CannotCarry as why:
            pool = _RealPool(1, initializer, initargs)
            try:
                outcomes = [self._home(pool, one) for one in pickled]
            finally:
                pool.terminate()
            return "%s (%s)" % (why.reason, why.hint), outcomes
        return "carried", captured.content

    def _home(self, pool, one):
        function, args, kwargs = pickle.loads(one)
        try:
            return True, pool.apply(function, args, kwargs)
        except Exception as error:
            return False, error

    def map(self, function, items, chunksize=None):
        """The results in order."""
        pickled = [pickle.dumps((function, (item,), {}), 2) for item in items]
        _send(self._asking, pickled)
        said, answer = _receive(self._answered)
        outcomes = answer if said != "carried" else self._computed(answer, pickled)
        with open(_REPORT, "a") as report:
            report.write(said + "\n")
        for succeeded, value in outcomes:
            if not succeeded:
                raise value
        return [value for _, value in outcomes]

    def starmap(self, function, items):
        """The same, several arguments each."""
        return self.map(_Starred(function), items)

    def _computed(self, content, pickled):
        child = subprocess.Popen(
            [sys.executable, "-s", os.path.join(_HERE, "fresh.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ENVIRON, cwd="/"
        )
        answer, _ = child.communicate(pickle.dumps((content, pickled), 2))
        return [pickle.loads(one) for one in pickle.loads(answer)]

    def close(self):
        """Nothing more comes."""
        os.close(self._asking)

    terminate = close

    def join(self):
        """Nothing is left."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Starred(object):
    def __init__(self, function):
        self.function = function

    def __call__(self, args):
        return self.function(*args)


multiprocessing.Pool = CarryPool
