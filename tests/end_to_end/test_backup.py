"""The server's machine is lost: a new state folder from a backup, and everybody goes on as before, with nothing to do."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.end_to_end.lab import Lab, wait_until

PROGRAM = """
def plain(item):
    open("out-%s.txt" % item, "w").write("made of " + item)
    return item * 2
"""


@pytest.mark.slow
def test_a_server_restored_from_a_backup_has_the_tasks_and_people_and_its_workers_come_back(own_lab: Lab) -> None:
    lab, ada = own_lab, own_lab.person()
    ada.write("p.py", PROGRAM)
    task = ada.tasker("map", "--detach", "p.py:plain", "a", "b").out.decode().strip()
    ada.tasker("wait", task)
    archive = lab.folder / "backup.tar"
    assert "the database, the authority" in lab.admin("backup", str(archive))
    again = subprocess.run([*lab.installation.script("marx-admin"), "--state", str(lab.state), "backup", str(archive)], capture_output=True, text=True)
    assert again.returncode == 2 and "is there already" in again.stderr
    lab.admin("backup", "--force", str(archive))

    port = (lab.state / "port").read_text()
    lab.server.kill()
    shutil.rmtree(lab.state)
    lab.state.mkdir(mode=0o700)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(lab.state)], check=True)
    (lab.state / "port").write_text(port)
    lab.start_server()

    assert [shown["id"] for shown in json.loads(ada.tasker("list", "--json").out)] == [task]
    assert ada.tasker("results", task).lines() == [{"index": 0, "value": "aa"}, {"index": 1, "value": "bb"}]
    assert ada.tasker("artifacts", "--artifacts", "home", task).code == 0
    assert (ada.work / "home" / "out-a.txt").read_text() == "made of a"
    wait_until(lambda: lab.admin("workers").count("ready") == 2, "both workers to come back")
    assert ada.tasker("map", "p.py:plain", "c").lines() == [{"index": 0, "value": "cc"}]
