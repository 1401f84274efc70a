"""
A server in memory for the tasker's tests: it answers as the docstrings of ``marx.wire`` promise, and "runs" items with a Python function.
A program prints and exits as the test says (`say`, `exit`), or where nothing is `held`, exits with `exit_code` at once.

``FakeServer.connect`` is what a tasker dials with. A test may hold items back (`held`), be away (`away`), cut connections (`cut`), add
output and artifacts, and read everything that came: specifications, item packs, blobs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.interfaces import IProtocol, IProtocolFactory
from twisted.test.iosim import FakeTransport, connect

from marx.trouble import NotReachable
from marx.wire import blobs, hello, tasker
from marx.wire.calls import BadRequest, GuardedLink, NotFound, TooLarge
from marx.wire.packs import BLOB_FROM, Segment, pack_output
from marx.wire.spec import check_spec
from tests.fakes.server_tasks import FakeTask, value_of

class FakeServer:
    """`later` calls a function soon: the reactor's `callLater`, with no delay. `function`: what items are run with."""

    def __init__(self, reactor: Any, function: Callable[[Any], Any] = lambda item: item) -> None:
        self.reactor = reactor
        self.function = function
        self.away = False
        self.held = False
        self.exit_code = 0
        self.input_bytes = 1_000_000_000
        self.blobs: dict[str, bytes] = {}
        self.put: list[str] = []
        self.tasks: dict[str, FakeTask] = {}
        self.keys: dict[str, str] = {}
        self.secrets: dict[str, Any] = {}
        self.cuts_at_submission = 0
        self.workers: list[dict[str, Any]] = []
        self.links: list[FakeServerLink] = []
        self.pack_items = 1000
        self.processes = 0
        self.unreachable: list[str] = []
        self.slow_to_cancel: Deferred[None] | None = None

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Dial, as a Connector does."""
        if self.away:
            return fail(NotReachable("no connection: 127.0.0.1:1848: nothing listens there: is the server running, and is this its port?"))
        client, server = factory.buildProtocol(None), FakeServerLink(self)
        self.links.append(server)
        ends = _Pumped(server, True, self.reactor), _Pumped(client, False, self.reactor)
        pump = connect(server, ends[0], client, ends[1])
        for end in ends:
            end.pump = pump
            end.wake()
        return succeed(client)

    def cut(self) -> None:
        """Lose every connection at once."""
        links, self.links = self.links, []
        for link in links:
            link.transport.abortConnection()

    @property
    def task(self) -> FakeTask:
        """The only task, or the newest."""
        return list(self.tasks.values())[-1]

    def add_blob(self, content: bytes) -> str:
        """Keep a blob; its digest."""
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest

    def finish(self, task: FakeTask, first: int = 0, stop: int | None = None) -> None:
        """Run items `first` to `stop`, and end the task when nothing is left."""
        for index in range(first, len(task.items) if stop is None else stop):
            if index not in task.entries:
                task.entries[index] = value_of(self.function, task.items[index])
        if task.final and len(task.entries) == len(task.items) and not task.has_ended:
            task.state = "done"
        self.changed()

    def end(self, task: FakeTask, state: str, reason: str = "") -> None:
        """End a task as it is."""
        task.state, task.reason, task.runs = state, reason, False
        self.changed()

    def say(self, task: FakeTask, item: int, content: bytes, stream: int = 1, offset: int = 0, portion: int = 0) -> None:
        """An item prints; of a run portion 0 is its program."""
        self.say_all(task, [Segment(item, stream, offset, content)], portion)

    def say_all(self, task: FakeTask, segments: list[Segment], portion: int = 0) -> None:
        """What was printed arrives together."""
        first = min(segment.item for segment in segments)
        task.output.append((portion, first, pack_output(segments, first)))
        self.changed()

    def start(self, task: FakeTask) -> None:
        """A worker begins to run a program."""
        task.runs, task.state = True, "running"
        self.changed()

    def exit(self, task: FakeTask, code: int) -> None:
        """A program ends."""
        task.exit = code
        self.end(task, "done")

    def changed(self) -> None:
        """Wake every watch."""
        for link in self.links:
            link.tell_watches()


class _Pumped(FakeTransport):
    """Delivers what is written as soon as the reactor turns."""

    pump: Any = None
    _asked = False

    def __init__(self, protocol: Any, is_server: bool, reactor: Any) -> None:
        super().__init__(protocol, is_server)
        self._reactor = reactor

    def wake(self) -> None:
        if self.pump is not None and not self._asked:
            self._asked = True
            self._reactor.callLater(0, self._deliver)

    def _deliver(self) -> None:
        self._asked = False
        self.pump.flush()

    def write(self, content: bytes) -> None:
        super().write(content)
        self.wake()

    def loseConnection(self) -> None:
        super().loseConnection()
        self.wake()

    def abortConnection(self) -> None:
        super().abortConnection()
        self.wake()


class FakeServerLink(GuardedLink):
    """One tasker's connection."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__(server.reactor)
        self.server = server
        self.watches: dict[int, FakeWatch] = {}

    def tell_watches(self) -> None:
        for watch in list(self.watches.values()):
            watch.moved()

    def find(self, task: str) -> FakeTask:
        tasks = self.server.tasks
        found = [tasks[task]] if task in tasks else [each for id, each in tasks.items() if id.startswith(task)]
        if len(found) != 1:
            raise NotFound(f"there is no task {task!r}")
        return found[0]

    @hello.Greet.responder
    def on_greet(self, oldest: int, newest: int, software: str, boot: str | None) -> dict[str, Any]:
        return {"version": newest, "software": "Marx", "name": "ada", "settings": {"heartbeat": 15.0, "lease": 60.0, "blob": 1 << 30}}

    @hello.Beat.responder
    def on_beat(self) -> None:
        pass

    @blobs.AskBlobs.responder
    def on_ask_blobs(self, digests: list[str], task: str | None) -> dict[str, Any]:
        return {"missing": [digest for digest in digests if digest not in self.server.blobs]}

    @blobs.PutBlob.responder
    def on_put_blob(self, digest: str, offset: int, total: int, part: bytes, task: str | None) -> None:
        kept = self.server.blobs.get(digest, b"") if offset else b""
        if len(kept) != offset:
            raise BadRequest(f"part {offset} of {digest} out of order")
        self.server.blobs[digest] = kept + part
        if offset + len(part) == total:
            if hashlib.sha256(self.server.blobs[digest]).hexdigest() != digest:
                raise BadRequest(f"the bytes of {digest} are others")
            self.server.put.append(digest)

    @blobs.GetBlob.responder
    def on_get_blob(self, digest: str, offset: int, task: str) -> dict[str, Any]:
        content = self.server.blobs[digest]
        return {"total": len(content), "part": content[offset : offset + blobs.PART_BYTES]}

    @tasker.SubmitTask.responder
    def on_submit_task(self, spec: dict[str, Any], key: str, secrets: Any) -> dict[str, Any]:
        wrong = check_spec(spec)
        if wrong:
            raise BadRequest("; ".join(wrong))
        if key not in self.server.keys:
            id = self.server.keys[key] = f"task{len(self.server.tasks)}abc"
            self.add(FakeTask(id, spec, final=spec["kind"] == "run"))
        self.server.secrets[self.server.keys[key]] = secrets
        return self.answer_submission(key)

    def answer_submission(self, key: str) -> dict[str, Any]:
        """The task of that key, unless the connection is to be cut before the answer."""
        if self.server.cuts_at_submission:
            self.server.cuts_at_submission -= 1
            self.server.cut()
        return {"task": self.server.keys[key]}

    def add(self, task: FakeTask) -> None:
        self.server.tasks[task.id] = task
        if task.kind == "run" and not self.server.held:
            self.server.exit(task, self.server.exit_code)

    @tasker.PutInput.responder
    def on_put_input(self, task: str, offset: int, part: bytes, final: bool) -> None:
        found = self.find(task)
        if found.has_ended:
            raise NotFound(f"task {found.id} has ended and reads no more input")
        if offset > len(found.input):
            raise BadRequest(f"input from byte {offset} on, and {len(found.input)} are known")
        if offset + len(part) > self.server.input_bytes:
            raise TooLarge(f"a standard input may have {self.server.input_bytes} bytes (file_bytes)")
        found.feeders += not part and not final
        found.input += part[len(found.input) - offset :]
        found.has_all_input = found.has_all_input or final

    @tasker.InterruptTask.responder
    def on_interrupt_task(self, task: str, signal: int) -> dict[str, Any]:
        found = self.find(task)
        if found.runs:
            found.signals.append(signal)
        return {"delivered": found.runs}

    @tasker.ForgetEndedTask.responder
    def on_forget_ended_task(self, task: str) -> None:
        found = self.find(task)
        if not found.has_ended:
            raise BadRequest(f"task {found.id} has not ended: end it with tasker cancel {found.id}, or wait for it, and forget it then")
        del self.server.tasks[found.id]

    @tasker.HoldTask.responder
    def on_hold_task(self, task: str) -> dict[str, Any]:
        return self.hold(task, True)

    @tasker.ReleaseTask.responder
    def on_release_task(self, task: str) -> dict[str, Any]:
        return self.hold(task, False)

    def hold(self, task: str, held: bool) -> dict[str, Any]:
        found = self.find(task)
        if found.has_ended:
            raise NotFound(f"task {found.id} has ended")
        found.held = held
        return {"state": found.state}

    @tasker.RerunTask.responder
    def on_rerun_task(self, task: str, key: str) -> dict[str, Any]:
        before = self.find(task)
        if key not in self.server.keys:
            again = FakeTask(f"{before.id}again", before.spec, items=before.items, final=True, input=before.input)
            self.server.keys[key] = again.id
            self.add(again)
        return self.answer_submission(key)

    @tasker.AddItems.responder
    def on_add_items(
        self, task: str, portion: int, first: int, count: int, codec: str, args: Any, payload: bytes | None, blob: str | None, final: bool
    ) -> None:
        found = self.find(task)
        if found.has_ended:
            raise NotFound(f"task {found.id} has ended and takes no more items")
        if first != len(found.items):
            raise BadRequest(f"item {first} is not the next one")
        found.items += _values(codec, args, count, self.server.blobs[blob] if blob else payload)
        if len(found.items) != first + count:
            raise BadRequest("the pack has not as many items as it says")
        found.final = final
        if not self.server.held:
            self.server.finish(found)

    @tasker.ListTasks.responder
    def on_list_tasks(self, limit: int, before: int | None, everyone: bool | None) -> dict[str, Any]:
        newest_first = list(self.server.tasks.values())[::-1][before or 0 :]
        more = (before or 0) + limit if len(newest_first) > limit else None
        return {"tasks": [task.snapshot() for task in newest_first[:limit]], "before": more}

    @tasker.ShowTask.responder
    def on_show_task(self, task: str) -> dict[str, Any]:
        found = self.find(task)
        terms = {name: found.spec[name] for name in ("program", "function", "argv", "submitted_from") if found.spec.get(name)}
        return {"shown": {**found.snapshot(), "terms": terms, "attempts": [], "notes": found.notes, "portions": found.portions}}

    @tasker.CancelTask.responder
    async def on_cancel_task(self, task: str) -> dict[str, Any]:
        found = self.find(task)
        if self.server.slow_to_cancel is not None:
            await self.server.slow_to_cancel
        if found.has_ended:
            return {"processes": 0, "unreachable": [], "state": "ended"}
        self.server.end(found, "cancelled", "cancelled by ada")
        return {"processes": self.server.processes, "unreachable": self.server.unreachable, "state": "cancelled"}

    @tasker.WatchTask.responder
    def on_watch_task(self, task: str, watch: int, **wants: Any) -> dict[str, Any]:
        found = self.find(task)
        self.watches[watch] = FakeWatch(self, watch, found, wants)
        self.server.reactor.callLater(0, self.watches[watch].moved)
        return {"task": found.snapshot()}

    @tasker.StopWatching.responder
    def on_stop_watching(self, watch: int) -> None:
        if self.watches.pop(watch, None) is None:
            raise NotFound(f"there is no watch {watch}")

    @tasker.ListArtifacts.responder
    def on_list_artifacts(self, task: str, after: Any) -> dict[str, Any]:
        rest = self.find(task).artifacts[after or 0 :]
        return {"artifacts": rest[:2], "after": (after or 0) + 2 if len(rest) > 2 else None}

    @tasker.ListWorkers.responder
    def on_list_workers(self) -> dict[str, Any]:
        return {"workers": self.server.workers}

    @tasker.WhoAmI.responder
    def on_who_am_i(self) -> dict[str, Any]:
        return {"me": {"name": "ada", "role": "tasker", "operator": True}}


def _values(codec: str, args: Any, count: int, payload: bytes | None) -> list[Any]:
    if codec == "range":
        return [args[0] + args[1] * index for index in range(count)]
    return [json.loads(line) for line in (payload or b"").split(b"\n")] if count else []


class FakeWatch:
    """Sends what is new, one box after the other is answered, then the end."""

    def __init__(self, link: FakeServerLink, number: int, task: FakeTask, wants: dict[str, Any]) -> None:
        self.link, self.number, self.task, self.wants = link, number, task, wants
        self.next_item = wants["first_item"] or 0
        self.sent: set[int] = set()
        self.row = wants["after_output"] or 0
        self.busy = self.again = self.over = False

    def moved(self) -> None:
        self.again = True
        if not self.busy and not self.over:
            self.busy = True
            ensureDeferred(self._send()).addErrback(lambda failure: failure.trap(Exception) and None)

    async def _send(self) -> None:
        try:
            while self.again:
                self.again = False
                await self._send_output()
                await self._send_results()
            complete = self.task.has_ended or not self.wants["live"]
            if self.number in self.link.watches:
                self.over = complete
                self.link.tell(tasker.TaskChanged, watch=self.number, task=self.task.snapshot(), complete=complete)
        finally:
            self.busy = False

    async def _send_output(self) -> None:
        while self.wants["output"] and self.row < len(self.task.output):
            portion, first, payload = self.task.output[self.row]
            self.row += 1
            box = {"row": self.row, "portion": portion, "first": first, "worker": "lab7", "at_utc": 1000.0 + self.row, "payload": payload}
            await self.link.ask(tasker.CarryOutput, watch=self.number, **box)

    async def _send_results(self) -> None:
        while run := self._next_run():
            first, stop = run
            entries = [self.task.entries[index] for index in range(first, stop)]
            header = {"watch": self.number, "portion": 0, "first": first, "count": stop - first, "pack_first": first}
            await self.link.ask(tasker.CarryResults, **header, **self._pack(entries))

    def _next_run(self) -> tuple[int, int] | None:
        """The next results to send: in order without gaps, or any that were not sent."""
        if self.wants["results"] == "ordered":
            first = stop = self.next_item
        elif self.wants["results"] == "unordered":
            first = stop = min(self.task.entries.keys() - self.sent, default=-1)
        else:
            return None
        while stop in self.task.entries and stop not in self.sent and stop - first < self.link.server.pack_items:
            stop += 1
        self.sent.update(range(first, stop))
        self.next_item = max(self.next_item, stop)
        return (first, stop) if stop > first else None

    def _pack(self, entries: list[bytes]) -> dict[str, Any]:
        all_values = all(entry.startswith(b'{"value": ') for entry in entries)
        payload = b"\n".join(entry[10:-1] for entry in entries) if all_values else b"\n".join(entries)
        codec = "values" if all_values else "entries"
        if len(payload) >= BLOB_FROM:
            return {"codec": codec, "blob": self.link.server.add_blob(payload)}
        return {"codec": codec, "payload": payload}
