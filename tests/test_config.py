"""Configuration: the files in etc/ are the defaults, options override, and all mistakes come at once with their place."""

import dataclasses
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx import config, config_file
from marx.addresses import Address
from marx.config import ConfigError, ServerConfig, WorkerConfig, load_server, load_worker, parse_duration, parse_size, state_folder
from marx.config_file import count, key, keys_of, load, section

ETC = Path(__file__).parent.parent / "etc"
BOTH = [(load_server, ServerConfig, ETC / "marx-server.toml"), (load_worker, WorkerConfig, ETC / "marx-worker.toml")]
Load = Callable[..., Any]


def mistakes(load: Load, path: Path | None, options: dict[str, tuple[str, Any]] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(path, options or {})
    assert str(raised.value).splitlines() == [str(mistake) for mistake in raised.value.mistakes]
    return [str(mistake) for mistake in raised.value.mistakes]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "x.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(("load", "kind", "path"), BOTH)
def test_the_file_in_etc_is_the_defaults(load: Load, kind: type, path: Path) -> None:
    assert load(path, {}) == kind() == load(None, {})


@pytest.mark.parametrize(("load", "kind", "path"), BOTH)
def test_the_file_in_etc_names_every_key_and_explains_it(load: Load, kind: type, path: Path) -> None:
    text = path.read_text()
    written = tomllib.loads(text)
    for dotted, _ in keys_of(kind):
        place: Any = written
        for name in dotted.split("."):
            assert name in place, f"{dotted} is not in {path.name}"
            place = place[name]
    for above, line in zip(text.splitlines(), text.splitlines()[1:]):
        if re.match(r"[a-z_]+ =", line) and not line.startswith("commit_size"):
            assert above.startswith("#"), f"{line!r} has no comment above it"


@pytest.mark.parametrize(("load", "kind", "path"), BOTH)
def test_the_state_folder_is_asked_for_once(load: Load, kind: type, path: Path) -> None:
    assert load(None, {"state": ("--state", "here")}).state == Path("here")
    assert state_folder(Path("here"), "marx-x") == Path.cwd() / "here"
    assert state_folder(None, "marx-x").name == "marx-x" and state_folder(None, "marx-x").is_absolute()


def test_values_carry_their_units(written: Callable[[str], Path]) -> None:
    text = '[leases]\nlease = "2h"\n[limits]\nitem = "48k"\n[listen]\naddresses = ["lab", "lab:1"]\n[weights]\nanna = 2\n'
    loaded = load_server(written(text), {})
    assert (loaded.leases.lease_seconds, loaded.limits.item_bytes, loaded.weights) == (7200.0, 49152, {"anna": 2.0})
    assert loaded.listen.addresses == (Address("lab", 0), Address("lab", 1))


def test_options_override_the_file_and_are_named_in_mistakes(written: Callable[[str], Path]) -> None:
    path = written("[listen]\nport = 1\n")
    assert load_server(path, {"listen.port": ("--port", "1849")}).listen.port == 1849
    assert load_server(path, {}).listen.port == 1
    [mistake] = mistakes(load_server, path, {"listen.port": ("--port", "http")})
    assert mistake == '--port: port = "http": expected a whole number from 0 to 65,535'
    assert load_worker(None, {"lending.labels": ("--label", {"gpu": "a100"})}).lending.labels == {"gpu": "a100"}
    assert mistakes(load_worker, None, {"lending.labels": ("--label", {"gpu": 1})}) == ["--label: gpu = 1: expected a text"]


def test_all_mistakes_come_together_in_the_order_of_the_file(written: Callable[[str], Path]) -> None:
    path = written(
        "stat = 'x'\n"
        "[listen]\n"
        "port = 99999\n"
        "adresses = ['a']\n"
        "addresses = ['a b', 'ok:1']\n"
        "interface = 7\n"
        "[leases]\n"
        "lease = 60\n"
        "item_losses = true\n"
        "[limit]\n"
        "item = '3M'\n"
        "[weights]\n"
        "anna = -1\n"
    )
    assert mistakes(load_server, path) == [
        f"{path}:1: there is no stat here: is state meant?",
        f"{path}:3: port = 99999: expected a whole number from 0 to 65,535",
        f"{path}:4: there is no adresses here: is addresses meant?",
        f"{path}:5: addresses = [\"a b\", \"ok:1\"]: expected a list of HOST or HOST:PORT ('a b' is not HOST or HOST:PORT)",
        f"{path}:6: interface = 7: expected the IP address of an interface",
        f'{path}:8: lease = 60: expected a time from "5s" to "1d"',
        f"{path}:9: item_losses = true: expected a whole number from 1 to 1,000",
        f"{path}:10: there is no [limit] here: is limits meant?",
        f"{path}:13: anna = -1: expected a number above 0 and up to 1000",
    ]


def test_keys_that_contradict_each_other_are_a_mistake_even_when_one_is_a_default(written: Callable[[str], Path]) -> None:
    path = written('[leases]\n\nheartbeat = "1m"\nlease = "30s"\n')
    assert mistakes(load_server, path) == [
        f"{path}:1: silent_after must be longer than heartbeat, or every quiet peer is taken for lost",
        f"{path}:4: lease must not be shorter than silent_after, "
        "or chunks are given away while their worker is believed to live",
    ]


@pytest.mark.parametrize(
    ("load", "text", "words"),
    [
        (load_server, "listen = 1848", "1: listen is a section: expected [listen] and its keys below"),
        (load_server, "listen.port = -1", "1: port = -1: expected a whole number"),
        (load_server, "[listen]\nnonsense = 1", "2: there is no nonsense here, only port, interface, addresses"),
        (load_server, "listen = {port = 'x'}", '1: port = "x": expected a whole number'),
        (load_worker, '[lending]\nsandbox = "none"', '2: "none" lets programs do whatever this worker\'s user can: name in users whose programs you trust'),
        (load_worker, '[lending]\nsandbox = "chroot"', '2: sandbox = "chroot": expected one of "auto", "bwrap", "landlock", "none"'),
        (load_worker, '[lending]\nusers = "anna"', "2: users = \"anna\": expected a list of names"),
        (load_worker, '[lending]\nusers = ["anna, bob"]', "'anna, bob' is not a name"),
        (load_worker, "[lending.labels]\nroom = 'b'\ngpu = 1", "3: gpu = 1: expected a text"),
        (load_worker, "[lending]\nlabels = 'gpu'", '2: labels = "gpu": expected a table of KEY = "VALUE"'),
        (load_worker, '[limits]\ndrain = "soon"', "'soon' is not a time such as 20ms, 30s, 10m, 2h or 7d"),
        (load_worker, '[limits]\noutbox = "1k"', 'expected a size from "1M" to "1T"'),
        (load_worker, "[limits\n", "1: is not TOML"),
        (load_worker, "state = 1", "1: state = 1: expected a folder's path"),
    ],
)
def test_each_mistake_says_where_and_what_was_expected(load: Load, text: str, words: str, written: Callable[[str], Path]) -> None:
    [mistake] = mistakes(load, written(text))
    assert words in mistake


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert mistakes(load_server, tmp_path / "none.toml") == [f"{tmp_path}/none.toml: cannot be read: No such file or directory"]
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    assert mistakes(load_server, tmp_path / "latin.toml") == [f"{tmp_path}/latin.toml: is not UTF-8 text"]


@pytest.mark.parametrize(("text", "seconds"), [("20ms", 0.02), ("30s", 30), ("10m", 600), ("2h", 7200), ("7d", 604800), ("1.5s", 1.5)])
def test_times(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("500", 500), ("48k", 49152), ("64M", 1 << 26), ("2G", 1 << 31), ("2GB", 1 << 31), ("0.5k", 512)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text())
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert " is not a " in str(error)


def test_sections_have_few_enough_keys_to_be_read_at_a_glance() -> None:
    kinds = [kind for kind in vars(config).values() if dataclasses.is_dataclass(kind) and kind.__module__ == config.__name__]
    sections = [kind for kind in kinds if kind not in (ServerConfig, WorkerConfig)]
    assert sections and all(len(dataclasses.fields(kind)) <= 8 for kind in sections)


def test_a_configuration_of_ones_own_needs_no_more_than_fields() -> None:
    @dataclass(frozen=True)
    class Inner:
        many: int = key(3, count(1, 9))

    globals()["Inner"] = Inner

    @dataclass(frozen=True)
    class Outer:
        inner: "Inner" = section(Inner)

    assert load(Outer, None, {"inner.many": ("--many", "7")}).inner.many == 7
    assert dict(keys_of(Outer)) == {"inner.many": 3}
    assert config_file.ConfigError is ConfigError
