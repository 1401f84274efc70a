"""Logins: several servers in one folder, kept private; what is wrong with a join code is one sentence."""

from __future__ import annotations

import io
import stat
import time
from pathlib import Path

import pytest
import pytest_twisted

from marx.addresses import Address
from marx.certificates import certificate_as_pem, fingerprint, key_as_pem
from marx.credentials import Credentials
from marx.join_code import JoinCode
from marx.server.authority import Authority
from marx.tasker.exits import CONFIGURATION, Trouble
from marx.tasker.login import chosen_login, load_login, log_out, logins_folder
from tests.lab import certified
from tests.tasker.conftest import Person


@pytest.fixture
def authority() -> Authority:
    return Authority.new(time.time())


@pytest.fixture
def logged_in(person: Person, authority: Authority) -> Path:
    """Ada has a default login; the folder of her logins."""
    person.environ = {"MARX_HOME": str(person.folder / "home")}
    folder = logins_folder(person.environ)
    save(folder / "default", authority)
    return folder


def save(folder: Path, authority: Authority) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    key, certificate = certified(authority, role="tasker", name="ada")
    texts = (key_as_pem(key).decode(), certificate_as_pem(certificate).decode(), certificate_as_pem(authority.certificate).decode())
    Credentials.of(*texts, [Address("127.0.0.1", 1)]).save(folder)


def test_the_folder_is_marx_home_or_the_platforms() -> None:
    assert logins_folder({"MARX_HOME": "/x"}) == Path("/x/logins")
    assert logins_folder({}).parts[-2:] == ("marx", "logins")


def test_the_default_login_is_meant_unless_there_is_only_another(logged_in: Path, authority: Authority) -> None:
    assert chosen_login(logged_in, None) == "default"
    save(logged_in / "lab", authority)
    assert (chosen_login(logged_in, None), chosen_login(logged_in, "lab")) == ("default", "lab")
    log_out(logged_in, "default")
    assert chosen_login(logged_in, None) == "lab"
    save(logged_in / "other", authority)
    with pytest.raises(Trouble, match=r"several logins \(lab, other\); choose one with --server NAME") as caught:
        chosen_login(logged_in, None)
    assert caught.value.code == CONFIGURATION


@pytest.mark.parametrize("server", [None, "lab", ".."])
def test_without_a_login_it_says_how_to_get_one(tmp_path: Path, server: str | None) -> None:
    with pytest.raises(Trouble, match="tasker login") as caught:
        load_login(tmp_path, server)
    assert caught.value.code == CONFIGURATION


def test_a_damaged_login_says_so(logged_in: Path) -> None:
    (logged_in / "default" / "identity.json").write_text("{}")
    with pytest.raises(Trouble, match="damaged") as caught:
        load_login(logged_in, None)
    assert caught.value.code == CONFIGURATION


def test_a_login_is_for_its_owner_alone(logged_in: Path) -> None:
    assert load_login(logged_in, None).name == "ada"
    assert stat.S_IMODE((logged_in / "default" / "identity.json").stat().st_mode) == 0o600


@pytest_twisted.ensureDeferred
async def test_logout_forgets(person: Person, logged_in: Path) -> None:
    assert await person.types("logout") == 0
    assert person.err == "tasker: logged out of default\n"
    assert await person.types("logout") == CONFIGURATION


@pytest_twisted.ensureDeferred
async def test_what_is_wrong_with_a_code_is_one_sentence(person: Person, logged_in: Path, authority: Authority) -> None:
    def code(role: str, single_use: bool) -> str:
        return JoinCode.new(role, single_use, [Address("127.0.0.1", 1)], fingerprint(authority.certificate)).format()

    (person.folder / "text").write_text("no code")
    wrong = [
        ("nix.code", 66, "nix.code"),
        (str(person.folder / "text"), 2, "this is not a join code"),
        (code("tasker", True)[:-1] + "x", 2, "typing error"),
        (code("worker", True), 2, "a tasker cannot use it"),
        (code("tasker", False), 2, "others can see arguments"),
        (code("tasker", True), 69, "nothing listens there"),
    ]
    for argument, exit_code, words in wrong:
        person.stderr = io.BytesIO()
        assert await person.types("login", argument) == exit_code
        assert words in person.err and person.err.count("\n") == 1 and person.err.startswith("tasker: ")


@pytest_twisted.ensureDeferred
async def test_a_code_comes_from_standard_input_too(person: Person, logged_in: Path) -> None:
    person.stdin = io.BytesIO(b"nonsense\n")
    assert await person.types("login", "-") == 2
    assert "this is not a join code" in person.err


@pytest_twisted.ensureDeferred
async def test_a_login_needs_a_name_that_is_a_folders(person: Person, logged_in: Path) -> None:
    assert await person.types("login", "--server", "../x", "code") == 2
    assert "a name is of letters, digits" in person.err
