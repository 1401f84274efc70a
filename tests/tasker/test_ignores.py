""".gitignore as git reads it: git itself is the judge."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marx.tasker.ignores import is_ignored, rules_of

EXAMPLES = [
    ("*.pyc", "a/b.pyc", False, True),
    ("/build", "a/build", True, None),
    ("/build", "build", True, True),
    ("build/", "build", False, None),
    ("build/", "a/build", True, True),
    ("a/*.txt", "a/b.txt", False, True),
    ("a/*.txt", "a/b/c.txt", False, None),
    ("a/**/c", "a/c", False, True),
    ("a/**/c", "a/b/b/c", False, True),
    ("**/c", "a/b/c", False, True),
    ("a/**", "a/b/c", False, True),
    ("a/**", "a", True, None),
    ("# no comment", "# no comment", False, None),
    (r"\#file", "#file", False, True),
    ("*.log\n!keep.log", "keep.log", False, False),
    ("[a-c].txt", "b.txt", False, True),
    ("[!a-c].txt", "b.txt", False, None),
    ("[[:digit:]]*", "4x", False, True),
    ("[", "[", False, None),
    ("a?c", "a/c", False, None),
    ("name   ", "name", False, True),
    ("name\\ ", "name ", False, True),
    ("name\r", "name", False, True),
    ("", "x", False, None),
    ("/", "x", False, None),
]


@pytest.mark.parametrize(("text", "path", "is_folder", "said"), EXAMPLES)
def test_patterns_mean_what_the_manual_of_git_says(text: str, path: str, is_folder: bool, said: bool | None) -> None:
    assert is_ignored(path, is_folder, rules_of(text)) is said


lines = st.text(alphabet="ab/*?!.[]-\\ #", min_size=1, max_size=8).filter(lambda line: line.strip("\n"))
paths = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "b b"]), min_size=1, max_size=3).map("/".join)


def asked_of_git(folder: Path, text: str, path: str) -> bool:
    (folder / ".gitignore").write_text(text)
    answer = subprocess.run(["git", "-C", str(folder), "check-ignore", "-q", "--no-index", path], capture_output=True)
    return answer.returncode == 0


def asked_of_us(text: str, path: str) -> bool:
    """Whether a walk would leave `path` out: it, or a folder above it, is ignored."""
    rules = rules_of(text)
    names = path.split("/")
    return any(is_ignored("/".join(names[:depth]), depth < len(names), rules) for depth in range(1, len(names) + 1))


@given(st.lists(lines, min_size=1, max_size=3), paths)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pattern_is_read_as_git_reads_it(tmp_path: Path, patterns: list[str], path: str) -> None:
    if not (tmp_path / ".git").exists():
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    text = "\n".join(patterns) + "\n"
    assert asked_of_us(text, path) == asked_of_git(tmp_path, text, path), (text, path)
