"""The line that people carry: what goes in comes out, and a typing error is told."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.addresses import Address
from marx.join_code import JoinCode, JoinError, read_code

FINGERPRINT = bytes(range(32))
WORKER = JoinCode.new("worker", False, [Address("lab.example.org", 1848), Address("2001:db8::1", 1849)], FINGERPRINT)
ONCE = JoinCode.new("tasker", True, [Address("10.0.0.5", 1848)], FINGERPRINT)

hosts = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{1,5}){0,2}", fullmatch=True) | st.ip_addresses().map(str)
addresses = st.lists(st.builds(Address, hosts, st.integers(1, 65535)), min_size=1, max_size=4)
codes = st.builds(JoinCode.new, st.sampled_from(["worker", "tasker"]), st.booleans(), addresses, st.binary(min_size=32, max_size=32))


@given(codes)
def test_a_code_survives_being_written_down(code: JoinCode) -> None:
    line = code.format()
    assert line.isprintable() and line.isascii() and " " not in line
    assert JoinCode.parse(line) == code


@given(codes, st.randoms(use_true_random=False))
def test_white_space_line_breaks_and_case_do_not_matter(code: JoinCode, chance: object) -> None:
    line = code.format()
    cut = chance.randrange(len(line))
    assert JoinCode.parse(f"  {line[:cut]}\r\n\t{line[cut:].upper()}\n") == code


@given(codes, st.integers(0), st.characters(codec="ascii", categories=["Ll", "Nd", "Po"]))
def test_one_wrong_character_is_told(code: JoinCode, place: int, wrong: str) -> None:
    line = code.format()
    place %= len(line)
    if line[place] != wrong:
        with pytest.raises(JoinError):
            JoinCode.parse(line[:place] + wrong + line[place + 1 :])


@given(codes, st.integers(0))
def test_a_missing_end_is_told(code: JoinCode, place: int) -> None:
    line = code.format()
    with pytest.raises(JoinError):
        JoinCode.parse(line[: place % len(line)])


@pytest.mark.parametrize(
    ("text", "words", "exit_code"),
    [
        ("", "not a join code", 2),
        ("https://lab.example.org:1848/a/b/c", "not a join code", 2),
        (WORKER.format().replace("marx1", "marx2", 1), "of another version of Marx (marx2, here marx1)", 69),
        (WORKER.format()[:-1] + "x", "typing error", 2),
        (WORKER.format().rpartition("/")[0], "has six parts", 2),
    ],
)
def test_each_mistake_has_its_sentence(text: str, words: str, exit_code: int) -> None:
    with pytest.raises(JoinError) as raised:
        JoinCode.parse(text)
    assert words in str(raised.value) and raised.value.exit_code == exit_code


@pytest.mark.parametrize(
    "body",
    [
        "marx1/server-once/lab:1/{f}/{s}",
        "marx1/worker/lab:1/{f}/{s}",
        "marx1/worker-once//{f}/{s}",
        "marx1/worker-once/lab:1/{s}/{s}",
        "marx1/worker-once/lab:1/{f}/1",
    ],
)
def test_a_code_whose_checksum_holds_but_makes_no_sense_is_refused(body: str) -> None:
    import zlib

    _, _, _, fingerprint, secret, _ = WORKER.format().split("/")
    body = body.format(f=fingerprint, s=secret)
    with pytest.raises(JoinError, match="makes no sense"):
        JoinCode.parse(f"{body}/{zlib.crc32(body.encode()):08x}")


def test_two_codes_never_have_the_same_secret_and_none_shows_it() -> None:
    again = JoinCode.new("worker", False, WORKER.addresses, FINGERPRINT)
    assert again.secret != WORKER.secret and len(WORKER.secret) == 32
    assert WORKER.secret not in repr(WORKER) + str(WORKER)


def test_a_code_is_read_from_a_file_standard_input_or_the_argument_itself(tmp_path: Path) -> None:
    file = tmp_path / "join.code"
    file.write_text(WORKER.format() + "\n")
    assert read_code(str(file), "worker", io.StringIO()) == WORKER
    assert read_code("-", "worker", io.StringIO(WORKER.format() + "\n")) == WORKER
    assert read_code(ONCE.format(), "tasker", io.StringIO()) == ONCE


def test_a_code_that_can_be_used_again_is_not_taken_from_the_arguments() -> None:
    with pytest.raises(JoinError, match="others can see arguments") as raised:
        read_code(WORKER.format(), "worker", io.StringIO())
    assert raised.value.exit_code == 2 and WORKER.secret not in str(raised.value)


def test_a_code_for_the_other_role_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(JoinError, match="a tasker's join code for 10.0.0.5:1848: a worker cannot use it") as raised:
        read_code(ONCE.format(), "worker", io.StringIO())
    assert ONCE.secret not in str(raised.value)


def test_a_file_that_is_not_there_has_its_own_exit_code(tmp_path: Path) -> None:
    with pytest.raises(JoinError, match="cannot read the join code from .*: No such file") as raised:
        read_code(str(tmp_path / "none"), "worker", io.StringIO())
    assert raised.value.exit_code == 66


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"x" * 100_000])
def test_a_file_with_something_else_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(JoinError, match="join code"):
        read_code(str(file), "worker", io.StringIO())
