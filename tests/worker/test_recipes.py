"""Specifications and lists of files come from users: what a machine cannot follow is refused, and nothing escapes its root."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marx.worker.recipes import CannotRun, Recipe, digests_of, read_manifest

SPEC: dict[str, Any] = {
    "kind": "map",
    "program": "/home/alice/./work//prog.py",
    "function": "f",
    "cwd": "/home/alice/work",
    "roots": ["/home/alice/work"],
    "seed": 7,
    "hash_seed": 5,
    "python": "3.11",
    "env": {"LANG": "de_DE.UTF-8"},
}
DIGEST = "ab" * 32


def test_a_specification_becomes_a_recipe_with_normal_paths() -> None:
    recipe = Recipe.of("task", SPEC)
    assert (recipe.program, recipe.roots, recipe.argv) == ("/home/alice/work/prog.py", ("/home/alice/work",), ("/home/alice/./work//prog.py",))
    assert (recipe.env, recipe.manifest) == ({"LANG": "de_DE.UTF-8"}, None)


@pytest.mark.parametrize(
    "wrong",
    [{"cwd": "relative"}, {"cwd": "/a\0b"}, {"roots": "x"}, {"roots": [5]}, {"seed": "x"}, {"program": "prog.py"}, {"cwd": "/" + "a" * 5000}, {"env": "text"}],
)
def test_a_specification_that_makes_no_sense_is_the_tasks_own_fault(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotRun, match="makes no sense") as refused:
        Recipe.of("task", {**SPEC, **wrong})
    assert refused.value.fatal


def test_a_module_needs_no_program() -> None:
    spec = {**SPEC, "program": None, "module": "pkg.mod"}
    assert (Recipe.of("task", spec).module, Recipe.of("task", spec).argv) == ("pkg.mod", ("pkg.mod",))


def manifest(*entries: list[Any]) -> bytes:
    return json.dumps(list(entries)).encode()


def test_folders_come_before_files_and_links_last() -> None:
    raw = manifest(
        [0, "link", 0o777, 0, None, "deep/file"], [0, "deep/file", 0o100755, 3, DIGEST, None], [0, "deep/er", 0o755, 0, None, None], [0, "deep", 0o755, 0, None, None]
    )
    files = read_manifest(raw, 1)
    assert [file.path for file in files] == ["deep", "deep/er", "deep/file", "link"]
    assert files[2].mode == 0o755
    assert digests_of([*files, *files]) == [DIGEST]


def test_a_list_may_say_when_files_were_written() -> None:
    files = read_manifest(manifest([0, "a", 0o644, 1, DIGEST, None, -5], [0, "b", 0o644, 1, DIGEST, None]), 1)
    assert [file.mtime_ns for file in files] == [-5, None]


@pytest.mark.parametrize(
    "entry",
    [
        [1, "a", 0o644, 1, DIGEST, None],
        [-1, "a", 0o644, 1, DIGEST, None],
        [0, "../a", 0o644, 1, DIGEST, None],
        [0, "/etc/passwd", 0o644, 1, DIGEST, None],
        [0, "a/../../b", 0o644, 1, DIGEST, None],
        [0, "", 0o644, 1, DIGEST, None],
        [0, "a\0", 0o644, 1, DIGEST, None],
        [0, "a", 0o644, 1, "../../key.pem", None],
        [0, "a", 0o644, 1, DIGEST.upper(), None],
        [0, "a", "x", 1, DIGEST, None],
        [0, "a", 0o644],
        [0, "a", 0o644, 1, None, 5],
        [0, "a", 0o644, 1, DIGEST, None, "yesterday"],
        [0, "a", 0o644, 1, DIGEST, None, 1 << 63],
        "text",
        5,
    ],
)
def test_a_list_that_names_what_it_must_not_is_refused_whole(entry: Any) -> None:
    with pytest.raises(CannotRun, match="list of files makes no sense") as refused:
        read_manifest(manifest([0, "good", 0o644, 1, DIGEST, None], entry), 1)
    assert refused.value.fatal


def test_a_list_that_is_not_json_is_refused() -> None:
    with pytest.raises(CannotRun):
        read_manifest(b"\xff", 1)
