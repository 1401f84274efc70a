"""``--secret``: read from a file, sent beside the specification, and never said."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_twisted

from marx.tasker.exits import Trouble
from marx.tasker.request import read_secrets
from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import Person

VALUE = "s3cr3t-of-ada"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"{VALUE}\n")
    return path


@pytest.mark.parametrize("words", [("map", "--range", "0:2", "prog.py:f"), ("run", "prog.py")], ids=lambda words: words[0])
@pytest_twisted.ensureDeferred
async def test_names_stand_in_the_specification_and_values_beside_it(person: Person, server: FakeServer, file: Path, words: tuple[str, ...]) -> None:
    command, *rest = words
    assert await person.types(command, "--secret", f"API_KEY=@{file}", *rest) == 0
    assert server.task.spec["secrets"] == ["API_KEY"]
    assert server.secrets == {server.task.id: {"API_KEY": VALUE}}
    assert VALUE not in repr(server.task.spec) + person.out + person.err


@pytest_twisted.ensureDeferred
async def test_the_file_itself_stays_at_home_though_its_folder_travels(person: Person, server: FakeServer, file: Path) -> None:
    (file.parent / "other name").hardlink_to(file)
    (file.parent / "data.txt").write_text("data")
    assert await person.types("run", "--secret", f"API_KEY=@{file.name}", "prog.py") == 0
    assert b"data" in server.blobs.values() and not [content for content in server.blobs.values() if VALUE.encode() in content]
    assert b"key.txt" not in server.blobs[server.task.spec["manifest"]]


@pytest_twisted.ensureDeferred
async def test_a_dry_run_says_nothing_of_the_value(person: Person, file: Path) -> None:
    assert await person.types("run", "--dry-run", "--secret", f"API_KEY=@{file}", "prog.py") == 0
    assert VALUE not in person.out + person.err


@pytest.mark.parametrize(
    ("text", "said", "exit_code"),
    [
        ("API_KEY=s3cr3t-of-ada", "--secret API_KEY: expected NAME=@FILE; others can see arguments", 2),
        ("API_KEY", "--secret API_KEY: expected NAME=@FILE", 2),
        ("API_KEY=@", "expected NAME=@FILE", 2),
        ("A-B=@x", "expected NAME=@FILE", 2),
        ("API_KEY=@nowhere", "cannot read nowhere: No such file or directory", 66),
        ("API_KEY=@binary", "binary is no text in UTF-8", 2),
        ("LANG=@key.txt", "LANG goes along already", 2),
    ],
)
def test_what_is_no_secret_is_named_and_never_repeated(tmp_path: Path, file: Path, text: str, said: str, exit_code: int) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Trouble) as refused:
        read_secrets((text,), {"LANG": "C"}, str(tmp_path))
    assert said in str(refused.value) and refused.value.code == exit_code and VALUE not in str(refused.value)


def test_only_the_last_lines_end_is_left_off(tmp_path: Path) -> None:
    for content, value in ((b"a\n", "a"), (b"a", "a"), (b"a\n\n", "a\n"), (b"a\r\nb \n", "a\r\nb "), (b"", "")):
        (tmp_path / "f").write_bytes(content)
        assert read_secrets(("A=@f",), {}, str(tmp_path)) == {"A": value}
