"""
From a TOML file and a command's options to frozen dataclasses, with all mistakes reported together.

A configuration is a dataclass whose fields are sections (dataclasses themselves) or keys made with :func:`key`. A field ``lease_seconds``
or ``item_bytes`` is the key ``lease`` or ``item`` in the file: there the value carries its unit ("60s", "64M").
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, TypeVar, get_type_hints

Configuration = TypeVar("Configuration")
Place = tuple[str, ...]

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE_UNITS = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Mistake:
    """``where``: "FILE:12", or the option; ``text``: what stands there and what was expected."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class ConfigError(Exception):
    """A configuration cannot be used (exit code 78). ``mistakes``: all of them, in the order in which they stand in the file."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of value. ``read`` turns what TOML gives into it or raises ValueError; ``expected`` completes "expected ...".

    ``entry``: of a table, the kind of its values, each of which is read and blamed by itself.
    """

    expected: str
    read: Callable[[Any], Any]
    entry: Kind | None = None


def key(default: Any, kind: Kind) -> Any:
    """A field of a configuration: its default, as ``kind`` would read it, and what it may be."""
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata={"kind": kind})
    return field(default=default, metadata={"kind": kind})


def section(kind: type) -> Any:
    """A field of a configuration that is a section of its own."""
    return field(default_factory=kind)


# Kinds of values


def parse_duration(text: str) -> float:
    """Seconds from "20ms", "30s", "10m", "2h" or "7d". Raises ValueError, one sentence."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", text)
    if not found:
        raise ValueError(f"{text!r} is not a time such as 20ms, 30s, 10m, 2h or 7d")
    return float(found[1]) * _DURATION_UNITS[found[2]]


def parse_size(text: str) -> int:
    """Bytes from "500", "48k", "64M", "2G" or "1T", in powers of 1024. Raises ValueError, one sentence."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kMGT]?)B?", text)
    if not found:
        raise ValueError(f"{text!r} is not a size such as 500, 48k, 64M or 2G")
    return int(float(found[1]) * _SIZE_UNITS[found[2]])


def duration(low: str, high: str) -> Kind:
    """A time between ``low`` and ``high``."""
    return _between(f'a time from "{low}" to "{high}"', parse_duration, parse_duration(low), parse_duration(high))


def size(low: str, high: str) -> Kind:
    """A size between ``low`` and ``high``."""
    return _between(f'a size from "{low}" to "{high}"', parse_size, parse_size(low), parse_size(high))


def count(low: int, high: int) -> Kind:
    """A whole number between ``low`` and ``high``."""
    return _between(f"a whole number from {low:,} to {high:,}", _whole, low, high)


def choice(*words: str) -> Kind:
    """One of ``words``."""

    def read(raw: Any) -> str:
        return raw if raw in words else _refuse()

    return Kind("one of " + ", ".join(f'"{word}"' for word in words), read)


def or_none(kind: Kind) -> Kind:
    """The same, or "none": there is no limit."""
    return Kind(f'{kind.expected}, or "none"', lambda raw: None if raw == "none" else kind.read(raw))


def listed(each: Callable[[str], Any], expected: str) -> Kind:
    """A list of texts, each read by ``each``; becomes a tuple."""

    def read(raw: Any) -> tuple[Any, ...]:
        return tuple(each(_text(one)) for one in raw) if isinstance(raw, (list, tuple)) else _refuse()

    return Kind(expected, read)


def table(entry: Kind, expected: str) -> Kind:
    """A table with names of the reader's choice."""
    return Kind(expected, lambda raw: _refuse(), entry)


def flag() -> Kind:
    """True or false."""
    return Kind("true or false", lambda raw: raw if isinstance(raw, bool) else _refuse())


def text(expected: str = "a text") -> Kind:
    """Any text."""
    return Kind(expected, lambda raw: _text(raw))


def folder() -> Kind:
    """A folder's path; "" is None. Below the working folder unless absolute; ~ is the home folder."""
    return Kind("a folder's path", lambda raw: Path(_text(raw)).expanduser() if _text(raw) else None)


def _between(expected: str, read: Callable[[Any], Any], low: float, high: float) -> Kind:
    def read_and_compare(raw: Any) -> Any:
        value = read(raw if read is _whole else _text(raw))
        return value if low <= value <= high else _refuse()

    return Kind(expected, read_and_compare)


def _whole(raw: Any) -> int:
    """Options come as text."""
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,18}", raw):
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else _refuse()


def _text(raw: Any) -> str:
    return raw if isinstance(raw, str) else _refuse()


def _refuse() -> Any:
    raise ValueError


# Reading


def load(kind: type[Configuration], path: Path | None, options: Mapping[str, tuple[str, Any]]) -> Configuration:
    """
    The configuration of a file (None: no file), overridden by options.

    ``options``: by dotted key ("listen.port"), how the option is called ("--port") and its value. Raises :class:`ConfigError`.
    """
    content, lines, mistakes = _parsed(path)
    reader = _Reader(str(path), lines, options, mistakes)
    loaded = reader.read(kind, content, ())
    if mistakes:
        raise ConfigError(sorted(mistakes, key=reader.order))
    return loaded


def _parsed(path: Path | None) -> tuple[dict[str, Any], dict[Place, int], list[Mistake]]:
    """What stands in the file and in which lines. Raises :class:`ConfigError`: what does not parse cannot be read any further."""
    if path is None:
        return {}, {}, []
    try:
        source = path.read_text(encoding="utf-8")
        return tomllib.loads(source), _lines_of(source), []
    except OSError as error:
        raise ConfigError([Mistake(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Mistake(str(path), "is not UTF-8 text")]) from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line ([0-9]+)", str(error))
        raise ConfigError([Mistake(f"{path}:{line[1]}" if line else str(path), f"is not TOML: {error}")]) from error


def _lines_of(source: str) -> dict[Place, int]:
    """The line of each key and section; ``tomllib`` does not tell."""
    lines: dict[Place, int] = {}
    above: Place = ()
    for number, line in enumerate(source.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        named = re.match(r"\s*([A-Za-z0-9_.\"-]+)\s*=", line)
        if header:
            above = tuple(header[1].replace('"', "").split("."))
            lines.setdefault(above, number)
        elif named:
            lines.setdefault(above + tuple(named[1].replace('"', "").split(".")), number)
    return lines


class _Reader:
    """One reading of a file into a configuration; collects ``mistakes`` as it goes."""

    def __init__(self, path: str, lines: Mapping[Place, int], options: Mapping[str, tuple[str, Any]], mistakes: list[Mistake]) -> None:
        self._path = path
        self._lines = lines
        self._options = options
        self._mistakes = mistakes

    def read(self, kind: type[Configuration], content: Mapping[str, Any], place: Place) -> Configuration:
        """A section and those in it; a field that cannot be read keeps its default, so that reading goes on."""
        known = {_key_of(each): each for each in fields(kind)}
        self._find_unknown(content, known, place)
        hints = get_type_hints(kind)
        values = {each.name: self._value(each, hints[each.name], name, content, place) for name, each in known.items()}
        made = kind(**{name: value for name, value in values.items() if value is not MISSING})
        for name, wrong in getattr(made, "contradictions", tuple)():
            self._mistakes.append(Mistake(self._where((*place, name)), wrong))
        return made

    def _find_unknown(self, content: Mapping[str, Any], known: Mapping[str, Any], place: Place) -> None:
        for name in content.keys() - known.keys():
            near = difflib.get_close_matches(name, known, 1)
            meant = f": is {near[0]} meant?" if near else f", only {', '.join(known)}"
            what = f"[{'.'.join((*place, name))}]" if isinstance(content[name], dict) else name
            self._mistakes.append(Mistake(self._where((*place, name)), f"there is no {what} here{meant}"))

    def _value(self, each: Field[Any], hint: Any, name: str, content: Mapping[str, Any], place: Place) -> Any:
        here = (*place, name)
        if is_dataclass(hint):
            inner = content.get(name, {})
            if isinstance(inner, dict):
                return self.read(hint, inner, here)
            self._mistakes.append(Mistake(self._where(here), f"{name} is a section: expected [{name}] and its keys below"))
            return MISSING
        option, raw = self._options.get(".".join(here), (None, MISSING))
        if option is None:
            raw = content.get(name, MISSING)
        return MISSING if raw is MISSING else self._read(each.metadata["kind"], raw, here)

    def _read(self, kind: Kind, raw: Any, here: Place) -> Any:
        if kind.entry is None or not isinstance(raw, Mapping):
            return self._read_one(kind, raw, here)
        return {name: self._read_one(kind.entry, value, (*here, name)) for name, value in raw.items()}

    def _read_one(self, kind: Kind, raw: Any, here: Place) -> Any:
        try:
            return kind.read(raw)
        except ValueError as error:
            why = f" ({error})" if str(error) else ""
            self._mistakes.append(Mistake(self._where(here), f"{here[-1]} = {_shown(raw)}: expected {kind.expected}{why}"))
            return MISSING

    def _where(self, place: Place) -> str:
        """The option or the line of a key, or of what is around it."""
        while place:
            if ".".join(place) in self._options:
                return self._options[".".join(place)][0]
            if place in self._lines:
                return f"{self._path}:{self._lines[place]}"
            place = place[:-1]
        return self._path

    def order(self, mistake: Mistake) -> tuple[str, int]:
        """Sorts mistakes by file and line, options first or last as their names fall."""
        name, _, line = mistake.where.rpartition(":")
        return (name, int(line)) if line.isdigit() else (mistake.where, 0)


def _key_of(each: Field[Any]) -> str:
    return each.name.removesuffix("_seconds").removesuffix("_bytes")


def _shown(raw: Any) -> str:
    return json.dumps(raw, default=str, ensure_ascii=False)


def keys_of(kind: type) -> Iterator[tuple[str, Any]]:
    """Every dotted key of a configuration with its default; for whoever documents or compares them."""
    hints = get_type_hints(kind)
    for each in fields(kind):
        if is_dataclass(hints[each.name]):
            yield from ((f"{_key_of(each)}.{name}", default) for name, default in keys_of(hints[each.name]))
        else:
            yield _key_of(each), each.default if each.default is not MISSING else each.default_factory()
