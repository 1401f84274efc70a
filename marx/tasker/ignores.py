"""
What a ``.gitignore`` says of a name: the patterns of git's documentation, as regular expressions.

Negations (``!``), anchors, folders-only, ``**`` and character classes are all there. What is not: the user's global excludes.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Sequence


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern; ``expression`` matches paths relative to the folder of its file, with "/" between names."""

    expression: re.Pattern[str]
    only_folders: bool
    keeps: bool


def rules_of(text: str) -> list[Rule]:
    """The rules of one ``.gitignore``, in their order; what git would not understand is left out, as git does."""
    return [rule for line in text.split("\n") if (rule := _rule(line.removesuffix("\r")))]


def is_ignored(path: str, is_folder: bool, rules: Sequence[Rule]) -> bool | None:
    """What the last rule that matches says of ``path``; None where none does, so that the files further up may."""
    for rule in reversed(rules):
        if (is_folder or not rule.only_folders) and rule.expression.fullmatch(path):
            return not rule.keeps
    return None


def _rule(line: str) -> Rule | None:
    if line.startswith("#"):
        return None
    keeps = line.startswith("!")
    pattern = _without_trailing_spaces(line[1:] if keeps else line)
    only_folders = pattern.endswith("/") and not pattern.endswith("\\/")
    pattern = pattern[:-1] if only_folders else pattern
    if not pattern or pattern == "/":
        return None
    anchored = "/" in pattern
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of classes that a later Python may read otherwise
            expression = re.compile(("" if anchored else "(?:.*/)?") + _translated(pattern.removeprefix("/")), re.DOTALL)
    except (re.error, ValueError):
        return None
    return Rule(expression, only_folders, keeps)


def _without_trailing_spaces(pattern: str) -> str:
    while pattern.endswith(" ") and not _is_escaped(pattern):
        pattern = pattern[:-1]
    return pattern


def _is_escaped(pattern: str) -> bool:
    """Whether the last character stands behind an odd number of backslashes."""
    before = pattern[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _translated(pattern: str) -> str:
    """``pattern`` as a regular expression. Raises ValueError where it can match nothing, such as an unclosed class."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        part, position = _part(pattern, position)
        parts.append(part)
    return "".join(parts)


def _part(pattern: str, at: int) -> tuple[str, int]:
    """The expression of what begins at ``at``, and where the next begins."""
    begins_name = at == 0 or pattern[at - 1] == "/"
    if begins_name and pattern.startswith("**/", at):
        return "(?:.*/)?", at + 3
    if begins_name and pattern[at:] == "**" and at > 0:
        return ".+", at + 2
    if pattern[at] == "*":
        return "[^/]*", at + len(re.match(r"\*+", pattern[at:])[0])  # type: ignore[index]
    if pattern[at] == "?":
        return "[^/]", at + 1
    if pattern[at] == "[":
        return _character_class(pattern, at)
    if pattern[at] == "\\":
        if at + 1 == len(pattern):
            raise ValueError("a backslash at the end")
        return re.escape(pattern[at + 1]), at + 2
    return re.escape(pattern[at]), at + 1


def _character_class(pattern: str, at: int) -> tuple[str, int]:
    found = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]").match(pattern, at)
    if not found:
        raise ValueError("an unclosed character class")
    members = re.sub(r"\[:([a-z]+):\]", lambda name: _POSIX[name[1]], _escaped_members(found[2]))
    return f"(?!/)[{'^' if found[1] else ''}{members}]", found.end()


def _escaped_members(members: str) -> str:
    r"""Escape what Python's classes read otherwise than git's: ``[``, ``&&``, ``~~``, ``||``, and a leading ``]``."""
    kept = re.split(r"(\[:[a-z]+:\]|\\.)", members)
    return "".join(part if place % 2 else re.sub(r"[\[\]&~|^]", r"\\\g<0>", part) for place, part in enumerate(kept))


_POSIX = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t\n\r\f\v",
    "xdigit": "0-9a-fA-F",
}
