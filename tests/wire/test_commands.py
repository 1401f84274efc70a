"""Rules that hold for every command and every report."""

from __future__ import annotations

import importlib

import pytest
from twisted.protocols.amp import AmpBox

from marx.wire import calls
from marx.wire.reports import ArtifactReport, EndReport, NoteReport, OutputReport, ResultsReport, as_list, from_list
from marx.wire.spec import FIELDS, check_spec

COMMANDS = [
    value
    for module in ("hello", "worker", "tasker", "blobs", "admin", "enrol")
    for value in vars(importlib.import_module(f"marx.wire.{module}")).values()
    if isinstance(value, type) and issubclass(value, calls.MarxCommand) and value is not calls.MarxCommand
]

REPORTS = [
    ResultsReport(2**33, "abcdefgh", 0, 5, 3, "values", (), 0.5, 11),
    ResultsReport(2**33, "abcdefgh", 0, 5, 1, "entries", (5,), 0.5, 0, "ab" * 32),
    OutputReport(1, "abcdefgh", 0, 5, 9, 1e9, 100),
    ArtifactReport(1, "abcdefgh", 0, None, 0, "caf\udce9.txt", 0o644, 12, 1.5, "cd" * 32, False, None),
    EndReport(1, "abcdefgh", 0, "died", 7, "killed by signal 9", None, 9, 1.5, 4096),
    NoteReport(1, "abcdefgh", 0, "its program has threads"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_every_command_declares_the_shared_errors_and_says_what_it_is_for(command) -> None:
    assert set(calls.MarxCommand.errors) <= set(command.allErrors)
    assert command.__doc__ and command.__doc__ != calls.MarxCommand.__doc__


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_no_argument_has_a_name_that_breaks_dispatch(command) -> None:
    assert not {name for name, _ in command.arguments} & {b"f", b"self", b"command"}


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.kind)
def test_reports_survive_their_journey(report) -> None:
    from marx.wire.arguments import Json

    strings = AmpBox()
    Json().toBox(b"reports", strings, {"reports": [as_list(report)]}, None)
    objects: dict = {}
    Json().fromBox(b"reports", strings, objects, None)
    back = from_list(objects["reports"][0])
    assert as_list(back) == objects["reports"][0] and type(back) is type(report)


@pytest.mark.parametrize("raw", [[], ["results"], ["nothing", 1], None, 5, ["end", 1, 2], ["note", 1, "task", 0, 5], ["note", 1 << 80, "t", 0, ""]])
def test_nonsense_is_not_a_report(raw) -> None:
    with pytest.raises(ValueError):
        from_list(raw)


def test_a_report_of_a_newer_worker_is_understood() -> None:
    assert from_list([*as_list(REPORTS[0]), "new"]) == REPORTS[0]


SPEC = {"kind": "map", "program": "/home/a/p.py", "function": "f", "cwd": "/home/a", "roots": ["/home/a"], "seed": 1, "hash_seed": 1, "codec": "json"}


def test_a_specification_is_checked_field_by_field() -> None:
    assert check_spec(SPEC) == []
    assert check_spec({**SPEC, "from_a_newer_tasker": 1}) == []
    for name, (needed, _, _) in FIELDS.items():
        if needed:
            assert f"{name} is missing" in check_spec({key: value for key, value in SPEC.items() if key != name})
    assert check_spec({**SPEC, "retries": "3"}) == ["retries should be of items whose code failed"]
    assert check_spec({**SPEC, "seed": True})
    assert check_spec({**SPEC, "module": "m"}) and check_spec({**SPEC, "program": None})
    assert check_spec([]) == ["the specification is not an object"]
