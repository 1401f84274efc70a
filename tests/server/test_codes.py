"""The rules about join codes and names, as values."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.certificates import PLAIN_NAME
from marx.server.codes import CodeRecord, digest_of, free_name, plain_name, why_refused

NOW = 1_800_000_000.0
GOOD = CodeRecord("ab" * 32, "worker", None, False, 2, 1, NOW, NOW + 60)


def test_a_good_code_is_not_refused_until_the_second_it_expires() -> None:
    assert why_refused(GOOD, "worker", NOW) is None
    assert why_refused(GOOD, "worker", NOW + 59.9) is None
    assert "expired on 2027-01-15 08:01 UTC" in why_refused(GOOD, "worker", NOW + 60)


@pytest.mark.parametrize(
    ("code", "role", "words"),
    [
        (None, "worker", "does not know this join code"),
        (replace(GOOD, revoked=True), "worker", "was revoked"),
        (replace(GOOD, used=2), "worker", "was used already 2 times"),
        (replace(GOOD, uses=1), "worker", "was used already: "),
        (GOOD, "tasker", "a worker's join code: a tasker cannot use it"),
    ],
    ids=["unknown", "revoked", "used up", "used once", "other role"],
)
def test_each_refusal_says_which(code: CodeRecord | None, role: str, words: str) -> None:
    assert words in why_refused(code, role, NOW)


def test_what_is_kept_of_a_secret_does_not_tell_it() -> None:
    assert digest_of("abc") != digest_of("abd")
    assert "abc" not in digest_of("abc") and len(digest_of("abc")) == 64


def test_a_machine_gets_its_own_name_and_the_next_one_a_number() -> None:
    taken: set[str] = set()
    for expected in ("lab7.example.org", "lab7.example.org-2", "lab7.example.org-3"):
        name = free_name("Lab7.example.org", taken)
        assert name == expected
        taken.add(name)


@given(st.text(max_size=300), st.sets(st.text(max_size=5)))
def test_whatever_a_machine_is_called_its_name_is_plain_and_free(hint: str, taken: set[str]) -> None:
    name = free_name(hint, taken)
    assert PLAIN_NAME.fullmatch(name) and name not in taken


@pytest.mark.parametrize(
    ("text", "name"), [("anna", "anna"), ("DOMAIN\\Anna Müller", "DOMAIN-Anna-M-ller"), ("", "operator"), ("..", "operator")]
)
def test_a_users_name_is_kept_as_far_as_it_is_plain(text: str, name: str) -> None:
    assert plain_name(text, "operator") == name
