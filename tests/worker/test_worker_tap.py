"""`twistd marx-worker`: its options, and every way in which a start can end with a sentence and an exit code."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python import usage

from marx.certificates import certificate_as_pem, key_as_pem
from marx.config import WorkerConfig, load_worker
from marx.credentials import FILE_NAME, Credentials
from marx.server.authority import Authority
from marx.worker import daemon as daemon_module
from marx.worker.composing import Surroundings
from marx.worker.daemon import WorkerDaemon
from marx.worker.probing import NotAnInterpreter, own_interpreter
from marx.worker.sandbox import NoSandbox
from marx.worker.tap import Options, makeService
from tests.lab import certified

LAB = Authority.new(time.time())


def options(*words: str) -> Options:
    parsed = Options()
    parsed.parseOptions(list(words))
    return parsed


def configured(*words: str) -> WorkerConfig:
    return options(*words)["configuration"]


class TestOptions:
    def test_without_any_everything_has_its_default(self) -> None:
        assert configured() == load_worker(None, {})

    def test_each_overrides_its_key(self, tmp_path: Path) -> None:
        config = configured(
            *("--state", str(tmp_path), "--join", "code.txt", "--slots", "3", "--seats", "1", "--sandbox", "none"),
            *("--users", "ada,bob", "--label", "gpu=a100", "--label", "room=b=12", "--python", "/opt/a", "--python", "/opt/b"),
        )
        assert (config.state, config.join) == (tmp_path, "code.txt")
        lending = config.lending
        assert (lending.slots, lending.seats, lending.sandbox, lending.users) == (3, 1, "none", ("ada", "bob"))
        assert (lending.labels, lending.pythons) == ({"gpu": "a100", "room": "b=12"}, ("/opt/a", "/opt/b"))

    def test_options_go_before_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "marx-worker.toml"
        file.write_text('[lending]\nslots = 7\nseats = 5\n[limits]\ndrain = "5s"\n')
        config = configured("--config", str(file), "--slots", "2")
        assert (config.lending.slots, config.lending.seats, config.limits.drain_seconds) == (2, 5, 5.0)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--slots", "many"], "--slots"),
            (["--sandbox", "jail"], "--sandbox"),
            (["--config", "/does/not/exist.toml"], "cannot be read"),
            (["--users", "a b"], "--users"),
        ],
    )
    def test_a_mistake_is_said_and_ends_with_78(self, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            options(*words)
        assert ended.value.code == 78
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith("marx-worker: ") and said in line

    @pytest.mark.parametrize("label", ["gpu", "=a100", ""])
    def test_a_label_has_a_key_and_a_value(self, label: str) -> None:
        with pytest.raises(usage.UsageError, match="KEY=VALUE"):
            options("--label", label)


def test_making_the_service_opens_nothing(tmp_path: Path) -> None:
    service = makeService(options("--state", str(tmp_path / "state")))
    assert IService.providedBy(service) and [type(child) for child in service] == [WorkerDaemon]
    assert not (tmp_path / "state").exists()


class RecordingReactor(Clock):
    """A clock that remembers how it was to be stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.triggers: list[tuple[Any, ...]] = []
        self.stops = 0
        self.called: list[Any] = []

    def addSystemEventTrigger(self, *trigger: Any) -> None:
        self.triggers.append(trigger)

    def stop(self) -> None:
        self.stops += 1

    def callFromThread(self, call: Any) -> None:
        self.called.append(call)


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> RecordingReactor:
    monkeypatch.setattr(daemon_module, "find_interpreters", lambda *_, **__: (own_interpreter(),))
    return RecordingReactor()


def daemon(reactor: RecordingReactor, folder: Path, *words: str, now: float = 1000.0) -> WorkerDaemon:
    around = Surroundings(lambda: now, lambda: 0.5, lambda: "0" * 16)
    return WorkerDaemon(configured("--sandbox", "none", "--users", "ada", *words), folder / "state", reactor, {}, around)


def said_by(logged_failures: Any) -> str:
    return " ".join(map(str, logged_failures.flush()))


class TestStarting:
    def test_no_sandbox_no_start(self, reactor: RecordingReactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: Any) -> None:
        def none_works(wanted: str, folder: Path) -> None:
            raise NoSandbox("no working sandbox: bwrap was not found. Install it: apt-get install bubblewrap")

        monkeypatch.setattr(daemon_module, "choose", none_works)
        with pytest.raises(SystemExit) as ended:
            daemon(reactor, tmp_path).startService()
        assert ended.value.code == 78 and "apt-get install bubblewrap" in said_by(logged_failures)

    def test_a_python_that_is_none_is_named(self, reactor: RecordingReactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: Any) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise NotAnInterpreter("/bin/false is not a Python that runs here: it said nothing")

        monkeypatch.setattr(daemon_module, "find_interpreters", refuse)
        with pytest.raises(SystemExit):
            daemon(reactor, tmp_path).startService()
        assert "/bin/false is not a Python" in said_by(logged_failures)

    @pytest.mark.parametrize(("named", "why"), [(False, "no Python was found"), (True, " cannot be offered: it does not start in the sandbox: no")])
    def test_a_python_that_does_not_start_in_the_sandbox_is_left_out_or_ends_the_start_where_it_was_named(
        self, reactor: RecordingReactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: Any, named: bool, why: str
    ) -> None:
        path = own_interpreter().path
        monkeypatch.setattr(daemon_module, "try_all", lambda *_: {path: "it does not start in the sandbox: no"})
        with pytest.raises(SystemExit):
            daemon(reactor, tmp_path, *(("--python", path) if named else ())).startService()
        assert why in said_by(logged_failures)

    def test_a_machine_without_python_offers_nothing(
        self, reactor: RecordingReactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: Any
    ) -> None:
        monkeypatch.setattr(daemon_module, "find_interpreters", lambda *_, **__: ())
        with pytest.raises(SystemExit):
            daemon(reactor, tmp_path).startService()
        assert "no Python was found" in said_by(logged_failures)

    def test_a_state_that_cannot_be_kept_is_said(self, reactor: RecordingReactor, tmp_path: Path, logged_failures: Any) -> None:
        (tmp_path / "state").write_text("a file")
        with pytest.raises(SystemExit) as ended:
            daemon(reactor, tmp_path).startService()
        assert ended.value.code == 78 and "its state cannot be kept" in said_by(logged_failures)

    def test_two_workers_do_not_share_a_state(self, reactor: RecordingReactor, tmp_path: Path, logged_failures: Any) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        with open(tmp_path / "state" / "lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(SystemExit) as ended:
                daemon(reactor, tmp_path).startService()
        assert ended.value.code == 78 and "give each its own --state" in said_by(logged_failures)

    @pytest.mark.parametrize(
        ("words", "exit_code", "said"),
        [
            ([], 78, "it has not joined a server yet"),
            (["--join", "not there"], 66, "cannot read the join code"),
            (["--join", "marx1/worker-many/x:1/a/b/c"], 2, "typing error"),
        ],
    )
    @pytest_twisted.ensureDeferred
    async def test_without_an_identity_it_stops_and_says_what_to_do(
        self, reactor: RecordingReactor, tmp_path: Path, logged_failures: Any, words: list[str], exit_code: int, said: str
    ) -> None:
        worker = daemon(reactor, tmp_path, *words)
        worker.startService()
        assert said in said_by(logged_failures)
        assert reactor.stops == 1 and reactor.triggers == [("after", "shutdown", os._exit, exit_code)]
        await worker._end()

    @pytest_twisted.ensureDeferred
    async def test_a_damaged_identity_is_said(self, reactor: RecordingReactor, tmp_path: Path, logged_failures: Any) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        (tmp_path / "state" / FILE_NAME).write_text("{}")
        (tmp_path / "state" / FILE_NAME).chmod(0o600)
        worker = daemon(reactor, tmp_path)
        worker.startService()
        assert "is damaged" in said_by(logged_failures) and reactor.triggers[0][-1] == 78
        await worker._end()


    @pytest.mark.parametrize(
        ("words", "exit_code", "said"),
        [([], 78, "ended on 20.* type: twistd marx-worker --join FILE"), (["--join", "not there"], 66, "cannot read the join code")],
        ids=["without a code", "with a new code"],
    )
    @pytest_twisted.ensureDeferred
    async def test_an_identity_that_has_ended_asks_for_a_new_code_and_takes_it(
        self, reactor: RecordingReactor, tmp_path: Path, logged_failures: Any, words: list[str], exit_code: int, said: str
    ) -> None:
        key, certificate = certified(LAB)
        pems = (key_as_pem(key), certificate_as_pem(certificate), certificate_as_pem(LAB.certificate))
        Credentials.of(*(pem.decode() for pem in pems), []).save(tmp_path / "state")
        worker = daemon(reactor, tmp_path, *words, now=certificate.not_valid_after_utc.timestamp() + 1)
        worker.startService()
        assert re.search(said, said_by(logged_failures)) and reactor.triggers[0][-1] == exit_code
        await worker._end()


class SlowWorker:
    """Takes until the test says so to leave."""

    def __init__(self) -> None:
        self.left: Deferred[None] = Deferred()
        self.is_hurried = False

    def stopService(self) -> Deferred[None]:
        return self.left

    def hurry(self) -> None:
        self.is_hurried = True


def test_the_second_signal_does_not_wait(reactor: RecordingReactor, tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        stopping = daemon(reactor, tmp_path)
        stopping._worker = worker = SlowWorker()  # type: ignore[assignment]
        ended: list[Any] = []
        stopping.stopService().addBoth(ended.append)
        assert reactor.called == [] and ended == []
        os.kill(os.getpid(), signal.SIGTERM)
        [call] = reactor.called
        call()
        assert worker.is_hurried
        worker.left.callback(None)
        assert ended == [None]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


