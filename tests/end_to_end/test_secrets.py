"""
Secrets in a whole lab: of programs, and of the daemons themselves. They reach who may have them, and stand nowhere that others can read.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Iterator

import psutil
import pytest

from marx.private_files import why_not_private
from marx.server.daemon import SECRETS
from tests.end_to_end.conftest import started_lab
from tests.end_to_end.lab import Lab, Person, wait_until

pytestmark = pytest.mark.slow

VALUE = "s3cr3t-of-ada-4711"
PROGRAM = """\
import hashlib
import os
import time
from multiprocessing import Pool


def digest(x):
    while x == 0 and not os.path.exists(os.environ["GO"]):
        time.sleep(0.05)
    return hashlib.sha256(os.environ["API_KEY"].encode()).hexdigest()


if __name__ == "__main__":
    print(digest(1))
    with Pool(2) as pool:
        print(set(pool.map(digest, range(4))))
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with started_lab() as lab:
        yield lab


def daemons_and_below(lab: Lab) -> Iterator[psutil.Process]:
    for daemon in lab.daemons:
        if daemon.process.poll() is None:
            yield (process := psutil.Process(daemon.process.pid))
            yield from process.children(recursive=True)


def is_of_a_program(process: psutil.Process) -> bool:
    """Whether it runs the user's code, whose environment the secret is: the worker's own processes are the daemon and its helpers."""
    return not any("twistd" in word for word in process.cmdline())


def has_secret(process: psutil.Process) -> bool:
    """Whether it is a program's, and was given the secret."""
    try:
        return is_of_a_program(process) and VALUE.encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
    except (OSError, psutil.Error):
        return False


def shown_to_others(lab: Lab) -> dict[str, bytes]:
    """Process lists, the daemons' own environments, all logs, the server's database: what must not have a secret."""
    found = {}
    for process in daemons_and_below(lab):
        try:
            found[f"{process.pid} cmdline"] = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            if not is_of_a_program(process):
                found[f"{process.pid} environ"] = Path(f"/proc/{process.pid}/environ").read_bytes()
        except (OSError, psutil.Error):
            continue
    paths = [*lab.folder.glob("*.log"), *(path for path in lab.state.rglob("*") if path.is_file() and path.name != "admin.sock")]
    return found | {str(path): path.read_bytes() for path in paths}


def assert_nowhere(lab: Lab, *secrets: str) -> None:
    places = shown_to_others(lab)
    assert sum(name.endswith("cmdline") for name in places) >= 3 and any(name.endswith(".log") for name in places)
    for secret in secrets:
        assert not [place for place, content in places.items() if secret.encode() in content]


def test_a_programs_secret_reaches_it_and_its_items_through_restarts_and_is_gone_with_it(lab: Lab) -> None:
    ada = lab.person("ada")
    ada.write("prog.py", PROGRAM)
    key = ada.write("key", VALUE + "\n")
    key.chmod(0o600)
    secret = "--secret", f"API_KEY=@{key}"
    mapped = ada.tasker("map", *secret, "--env", "GO=/", "--range", "0:4", "prog.py:digest")
    [digest] = {line["value"] for line in mapped.lines()}
    assert digest == hashlib.sha256(VALUE.encode()).hexdigest()
    ran = ada.tasker("run", *secret, "--env", "GO=/", "prog.py")
    assert ran.out.decode().split() == [digest, f"{{'{digest}'}}"]
    task = ada.tasker("run", "--detach", *secret, "--env", "GO=/nowhere/yet", "prog.py").out.decode().strip()
    wait_until(lambda: digest in ada.tasker("logs", task).out.decode(), "the program to print")
    assert_nowhere(lab, VALUE)
    held = [path.name for path in (lab.state / "secrets").iterdir()]
    assert sorted(held) == sorted(["key", task])
    lab.server.kill()
    lab.start_server()
    for name in ("one", "two"):
        [daemon] = [daemon for daemon in lab.daemons if daemon.folder.name == name]
        daemon.kill()
        lab.daemons.remove(daemon)
        lab.start_worker(name)
    wait_until(lambda: lab.admin("workers").count("ready") == 2, "two workers that are ready")
    again = json.loads(ada.tasker("show", "--json", task).out)
    assert again["state"] == "running" and VALUE not in json.dumps(again) and again["terms"]["secrets"] == ["API_KEY"]
    wait_until(lambda: any(has_secret(process) for process in daemons_and_below(lab)), "the program to run again with it")
    assert "submit it again with tasker run --secret" in ada.tasker("rerun", task, expect=2).err
    ada.tasker("cancel", task)
    wait_until(lambda: [path.name for path in (lab.state / "secrets").iterdir()] == ["key"], "the secret to be gone")
    assert VALUE not in ada.tasker("show", task).out.decode() + ada.tasker("list", "--json").out.decode() + ada.tasker("logs", task).out.decode()
    assert_nowhere(lab, VALUE)
    said = lab.admin("audit", "--json")
    assert {"joined", "submitted", "cancelled", "fetched", "made a join code"} <= {json.loads(line)["did"] for line in said.splitlines()}
    assert VALUE not in said and "ada" in lab.admin("audit", "--user", "ada")


def test_join_codes_and_keys_stand_in_no_log_no_process_list_and_no_file_of_others(lab: Lab) -> None:
    ada = lab.person("ada")
    codes = [(lab.state / "join-worker.code").read_text(), (ada.home / "login.code").read_text(), lab.admin("join-code", "tasker", "bob")]
    secrets = [code.strip().split("/")[-2] for code in codes]
    lab.admin("revoke", "user", "ada")
    assert "was revoked" in ada.tasker("list", expect=77).err
    keys = [(lab.state / name).read_text().split("-----")[2].strip().splitlines()[1] for name in ("authority.pem", "server.pem")]
    keys.append(json.loads((lab.folder / "one" / "state" / "identity.json").read_text())["key"].splitlines()[2])
    own = {str(lab.state / name) for name in ("authority.pem", "server.pem", "join-worker.code", "join-tasker.code")}
    for secret in (*secrets, *keys):
        assert not [place for place, content in shown_to_others(lab).items() if secret.encode() in content and place not in own]
    kept = {lab.state: [*SECRETS, *(f"secrets/{path.name}" for path in (lab.state / "secrets").glob("*"))], lab.folder / "one" / "state": ["identity.json"]}
    for folder, names in kept.items():
        assert os.stat(folder).st_mode & 0o777 == 0o700 and why_not_private(folder, names) is None


def test_whose_tasks_a_worker_runs_and_which_workers_a_task_trusts(lab: Lab) -> None:
    lab.start_worker("picky", "--users", "bob")
    wait_until(lambda: lab.admin("workers").count("ready") == 3, "three workers that are ready")
    ada, bob = lab.person("ada"), lab.person("bob")
    names = {worker["name"]: worker["users"] for worker in json.loads(ada.tasker("workers", "--json").out)}
    [picky] = [name for name, users in names.items() if users == ["bob"]]
    [trusted, other] = sorted(set(names) - {picky})
    for person in (ada, bob):
        person.write("who.py", "import time\ndef who(x):\n    time.sleep(0.2)\n    return x\n")

    def ran_on(person: Person, *options: str) -> set[str]:
        said = person.tasker("map", *options, "--chunk-size", "1", "--range", "0:12", "who.py:who")
        assert len(said.lines()) == 12
        return workers_of(lab, json.loads(person.tasker("list", "--json").out)[0]["id"])

    assert picky not in ran_on(ada)
    assert ran_on(ada, "--worker", trusted) == {trusted}
    assert ran_on(bob, "--worker", picky) == {picky}
    ada.tasker("map", "--worker", picky, "--start-within", "1s", "--range", "0:2", "who.py:who", expect=75)


def workers_of(lab: Lab, task: str) -> set[str]:
    """Who computed a task's results, as the database has it."""
    with sqlite3.connect(f"file:{lab.state / 'marx.sqlite'}?mode=ro", uri=True) as database:
        return {name for (name,) in database.execute("SELECT DISTINCT worker FROM results WHERE task = ?", (task,))}
