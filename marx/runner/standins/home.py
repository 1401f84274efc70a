"""Items that stay: computed by real processes of the library on this machine, by the library's own code, as in a plain run.

Each process has a connection of its own, so that it is known which item one was at that died. One loop (`serve`) serves them all, in one
thread: of the zygote, where processes are forked, else of the program.
"""

from __future__ import absolute_import

import itertools
import multiprocessing
import socket
import struct
from collections import deque
from select import POLLIN, poll as new_poll

from marx.runner.pipe import polled
from marx.runner.standins.workplaces import Workplace
from marx.runner.threads import Unseen

_HEAD = struct.Struct(">qc")
_BEGIN, _GIVEN, _RESULT, _DIED, _FINISH = b"b", b"g", b"r", b"d", b"f"
_GONE = (IOError, OSError, EOFError)


class Home(object):
    """The processes of one pool, and the items that wait for one of them."""

    def __init__(self, recipe):
        self._recipe = recipe
        self._waiting = deque()
        self.places = {}

    def put(self, number, record):
        """Take an item."""
        self._waiting.append((number, record))
        self.begin()
        self._hand_out()

    def begin(self):
        """Have all processes."""
        while len(self.places) < self._recipe.count:
            self._add()

    def hear(self, connection):
        """One process says something: (number, kind, content), or None if it only ended."""
        place, gone = self.places[connection], None
        try:
            number, result = place.take()
        except _GONE as error:
            gone = error
        if gone is not None:  # no longer in its except clause, or processes that are forked now would mention it in their tracebacks
            return self._ended(self.places.pop(connection), gone)
        self._hand_out()
        return number, _RESULT, result

    def _ended(self, place, error):
        number, how = place.number, place.ended()
        if number is not None and place.never_began(error):
            self._waiting.appendleft((number, place.record))
            number = None
        elif number is None and self._waiting and place.is_new:  # its initializer fails, and would fail in the next one, too
            number, _ = self._waiting.popleft()
        if self._waiting:
            self._add()
            self._hand_out()
        return None if number is None else (number, _DIED, ("the process that computed it " + how).encode("utf-8"))

    def _add(self):
        place = Workplace(self._recipe)
        self.places[place.connection] = place

    def _hand_out(self):
        for place in list(self.places.values()):
            if self._waiting and place.is_idle and place.give(*self._waiting[0]):
                self._waiting.popleft()

    def dismiss(self):
        """Let the processes end."""
        for place in self.places.values():
            place.dismiss()

    def terminate(self):
        """End them."""
        for place in self.places.values():
            place.terminate()


def serve(recipe, tasks, others=()):
    """Compute what comes on the connection ``tasks`` until it ends. ``others``: what to call when one of these has something to read."""
    home, others = Home(recipe), dict(others)
    try:
        while True:
            for connection in _readable([tasks] + list(others) + list(home.places)):
                if connection is tasks:
                    if not _take(tasks, home):
                        return home.dismiss()
                elif connection in others:
                    _call(others, connection)
                else:
                    _say(tasks, home.hear(connection))
    except _GONE:  # nobody listens any more
        home.terminate()


def _readable(connections):
    poll = new_poll()
    numbered = {connection.fileno(): connection for connection in connections}
    for number in numbered:
        poll.register(number, POLLIN)
    return [numbered[number] for number, _ in polled(poll, None) if number in numbered]


def _take(tasks, home):
    content = tasks.recv_bytes()
    number, kind = _HEAD.unpack_from(content)
    if kind == _FINISH:
        return False
    if kind == _BEGIN:
        home.begin()
    else:
        home.put(number, content[_HEAD.size :])
    return True


def _call(others, connection):
    try:
        others[connection]()
    except _GONE:
        del others[connection]


def _say(tasks, heard):
    if heard is not None:
        number, kind, content = heard
        tasks.send_bytes(_HEAD.pack(number, kind) + content)


class HomeLink(object):
    """The program's end: gives items to a home, and their outcomes to whom they belong. ``ended()`` is called when it is gone.

    Made in the program's thread: at its end no other can be started any more.
    """

    def __init__(self, connection, ended):
        self._connection = connection
        self._ended = ended
        self._numbers = itertools.count()
        self._given = {}
        self._reader = Unseen(self._read_all)

    def put(self, listener, index, record):
        """Compute an item; ``listener.returned(index, [outcome])`` will be called, in a thread. In the sending thread, as `close`."""
        number = next(self._numbers)
        self._given[number] = (listener, index)
        try:
            self._connection.send_bytes(_HEAD.pack(number, _GIVEN) + record)
        except (IOError, OSError):
            self._fail_all()

    def begin_and_end(self):
        """For one that was given nothing: have its processes start and end, and wait for them."""
        self._connection.send_bytes(_HEAD.pack(0, _BEGIN))
        self._connection.send_bytes(_HEAD.pack(0, _FINISH))
        self._reader.join(None)

    def close(self, is_finished):
        """End it: as soon as its processes are through with what they are at, if all ``is_finished``, else at once."""
        try:
            if is_finished:
                self._connection.send_bytes(_HEAD.pack(0, _FINISH))
            else:
                self._hang_up()
        except (IOError, OSError):  # it has gone already
            pass

    def _hang_up(self):
        """End the conversation: whoever else holds a copy of the descriptor, and without taking it away from the thread that reads."""
        end = socket.fromfd(self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.shutdown(socket.SHUT_RDWR)
        finally:
            end.close()

    def _read_all(self):
        try:
            while True:
                content = self._connection.recv_bytes()
                number, kind = _HEAD.unpack_from(content)
                self._tell(number, ("pickles" if kind == _RESULT else "entries", content[_HEAD.size :]))
        except _GONE:
            self._connection.close()
            self._fail_all()
            self._ended()

    def _tell(self, number, outcome):
        codec, content = outcome
        listener, index = self._given.pop(number)
        listener.returned(index, [(codec, content if codec == "pickles" else {"type": "Died", "message": content.decode("utf-8")})])

    def _fail_all(self):
        for number in sorted(self._given):
            self._tell(number, ("entries", b"the process that held the state of its pool is gone"))


def home_in_thread(recipe):
    """A home whose processes are started by this process, in a thread of its own."""
    ours, theirs = multiprocessing.Pipe()
    Unseen(lambda: _serve_and_close(recipe, theirs))
    return HomeLink(ours, lambda: None)


def _serve_and_close(recipe, tasks):
    try:
        serve(recipe, tasks)
    finally:
        tasks.close()
