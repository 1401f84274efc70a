"""Options and configuration of ``twistd marx-server``: what is wrong is said at once, with exit code 78, before anything listens."""

from __future__ import annotations

import pytest
from twisted.application.service import IServiceCollection

from marx.server.tap import Options, makeService


def parsed(*arguments: str):
    options = Options()
    options.parseOptions(list(arguments))
    return options["configuration"]


def test_options_override_the_file(tmp_path) -> None:
    file = tmp_path / "marx-server.toml"
    file.write_text('state = "/var/lib/elsewhere"\n[listen]\nport = 2000\ninterface = "10.0.0.1"\n')
    config = parsed("--config", str(file), "--port", "0", "--address", "lab.example.org", "--address", "10.0.0.1:99")
    assert (config.listen.port, config.listen.interface) == (0, "10.0.0.1")
    assert [str(address) for address in config.listen.addresses] == ["lab.example.org:0", "10.0.0.1:99"]
    assert str(config.state) == "/var/lib/elsewhere"


def test_without_options_the_defaults_hold() -> None:
    assert parsed().listen.port == 1848


def test_all_mistakes_are_said_together_and_the_exit_code_is_78(tmp_path, capsys) -> None:
    file = tmp_path / "marx-server.toml"
    file.write_text('[listen]\nprot = 2000\n[leases]\nlease = "soon"\n')
    with pytest.raises(SystemExit) as ended:
        parsed("--config", str(file), "--port", "many")
    assert ended.value.code == 78
    said = capsys.readouterr().err
    assert f"{file}:2" in said and f"{file}:4" in said and "--port" in said and len(said.splitlines()) == 3


def test_making_the_services_opens_nothing(tmp_path) -> None:
    options = Options()
    options.parseOptions(["--state", str(tmp_path / "state")])
    assert len(list(IServiceCollection(makeService(options)))) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["authority.pem", "server.pem", "marx.sqlite", "join-worker.code", "join-tasker.code"])
def test_a_state_that_others_may_read_is_not_served_from_and_the_sentence_mends_it(tmp_path, name, logged_failures) -> None:
    options = Options()
    options.parseOptions(["--state", str(tmp_path)])
    (tmp_path / name).touch(mode=0o640)
    with pytest.raises(SystemExit) as ended:
        makeService(options).startService()
    assert ended.value.code == 78
    [said] = logged_failures.flush()
    assert said == f"marx-server cannot start: others may read {tmp_path}/{name}, which holds secrets (mode 0640): chmod 600 {tmp_path}/{name}"
