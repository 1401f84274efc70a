"""Run as a program, by test_sandbox.py, under the user that a test is about: starts a runner by Twisted and ends it.

The argument is a JSON object like that of drive.py, with "ending": what is done when the program has said that it is
ready. Prints "ready" itself then, and at the end a JSON object. "nothing" waits to be killed.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from marx.worker.launch import Mounts, Sandbox
from marx.worker.probing import probe_one
from marx.worker.sandbox import choose
from marx.worker.stopping import Patience, Rung, Stopping

REPORT = 6
QUICK = Patience(ask_seconds=0.2, terminate_seconds=0.2)


class Ending(ProcessProtocol):
    """Waits for the program's "ready" and for the sandbox's report, then ends it in the way that was ordered."""

    def __init__(self, sandbox: Sandbox, ending: str) -> None:
        self._sandbox = sandbox
        self._ending = ending
        self._said = b""
        self._asked = False
        self._session = 0
        self._reported = sandbox.level == "none"

    def connectionMade(self) -> None:
        self._grip = self._sandbox.grip(self.transport.pid)
        self._stopping = Stopping(reactor, self._grip, self._ask, lambda: None, QUICK)

    def childDataReceived(self, descriptor: int, received: bytes) -> None:
        if descriptor == REPORT:
            self._reported = True
            self._grip.hear(received)
        else:
            self._said += received
        if self._reported and b"ready" in self._said and not self._stopping.begun:
            self._session = os.getsid(self.transport.pid)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            self._end()

    def processExited(self, reason: Failure) -> None:
        self._stopping.gone()

    def processEnded(self, reason: Failure) -> None:
        answer = {
            "said": self._said.decode(),
            "asked": self._asked,
            "own_session": self._session != os.getsid(0),
            "code": reason.value.exitCode,
            "signal": reason.value.signal,
        }
        sys.stdout.write(json.dumps(answer))
        reactor.stop()

    def _end(self) -> None:
        if self._ending == "ladder":
            self._stopping.begin()
        elif self._ending == "kill":
            self._stopping.begin(Rung.KILL)
        elif self._ending == "sweep":
            self._stopping.begin(Rung.SWEEP)
        elif self._ending == "terminate":
            self._grip.terminate()

    def _ask(self) -> None:
        self._asked = True


def start(order: dict[str, Any]) -> None:
    """Start the ordered program; Ending does the rest."""
    sandbox = choose(order["level"], Path(order["state"]))
    mounts = Mounts(writable=tuple(map(tuple, order["writable"])))
    for host, _ in mounts.writable:
        owner = sandbox.owner(0)
        if owner is not None:
            os.chown(host, owner, owner)
    cwd = sandbox.place(mounts, order["cwd"])
    with closing(sandbox.launch(probe_one(order["python"]), order["command"], mounts, {}, cwd, 0)) as launch:
        descriptors = {0: "w", 1: "r", 2: "r", 3: "w", 4: "r", **launch.child_fds}
        reactor.spawnProcess(Ending(sandbox, order["ending"]), launch.argv[0], launch.argv, launch.env, childFDs=descriptors)


if __name__ == "__main__":
    reactor.callWhenRunning(start, json.loads(sys.argv[1]))
    reactor.run()
