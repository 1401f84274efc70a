"""How the proofs compare two runs: what counts as a difference, what is masked, and what of a generated program may come in any order."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proofs.masks import Mask, masked
from tests.proofs.outcomes import Entry, Outcome, differences, entries, exit_code
from tests.proofs.tagged import ordered

PLAIN = Outcome(0, b"a\nb\n", b"", {"kept.txt": Entry("file", 0o644, b"x\n")})


def test_two_alike_runs_differ_in_nothing() -> None:
    assert differences(PLAIN, replace(PLAIN, files=dict(PLAIN.files))) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(PLAIN, code=1), "exit code 0 became 1"),
        (replace(PLAIN, stdout=b"a\nc\n"), "stdout differs"),
        (replace(PLAIN, stderr=b"warning\n"), "stderr differs"),
        (replace(PLAIN, stdout=b"a\nb"), "stdout differs"),
        (replace(PLAIN, files={}), "kept.txt is not there"),
        (replace(PLAIN, files={**PLAIN.files, "new": Entry("folder", 0o755)}), "new should not be there"),
        (replace(PLAIN, files={"kept.txt": Entry("file", 0o600, b"x\n")}), "kept.txt: file 644 became file 600"),
        (replace(PLAIN, files={"kept.txt": Entry("link", 0o644, b"x\n")}), "kept.txt: file 644 became link 644"),
        (replace(PLAIN, files={"kept.txt": Entry("file", 0o644, b"y\n")}), "kept.txt differs"),
    ],
)
def test_anything_else_is_a_difference_that_names_its_place(other: Outcome, said: str) -> None:
    [found] = differences(PLAIN, other)
    assert found.startswith(said)


def test_a_signal_is_128_and_its_number_as_in_a_shell() -> None:
    assert [exit_code(returned) for returned in (0, 3, -9)] == [0, 3, 137]


def test_what_is_in_a_folder_is_kept_with_kind_mode_and_content_but_without_compiled_modules(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir(mode=0o750)
    (tmp_path / "deep" / "f").write_bytes(b"\x00")
    (tmp_path / "deep" / "f").chmod(0o755)
    os.symlink("nowhere", tmp_path / "link")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "m.cpython-311.pyc").touch()
    (tmp_path / "m.pyc").touch()
    found = entries(tmp_path)
    assert found == {"deep": Entry("folder", 0o750), "deep/f": Entry("file", 0o755, b"\x00"), "link": Entry("link", 0, b"nowhere")}
    assert "m.pyc" in entries(tmp_path, bytecode=True)


def test_a_mask_hides_its_pattern_and_nothing_beside_it() -> None:
    took = Mask("stdout", "a time", r"[0-9.]+ s$")
    one, two, three = (replace(PLAIN, stdout=text) for text in (b"took 1.5 s\nx\n", b"took 22 s\nx\n", b"took 22 s\ny\n"))
    assert differences(masked(one, [took]), masked(two, [took])) == []
    assert differences(masked(one, [took]), masked(three, [took])) != []


def test_a_mask_without_a_pattern_hides_all_or_the_order_of_lines() -> None:
    whole, order = Mask("kept*", "a time stamp"), Mask("stdout", "chance", sorted_lines=True)
    other = replace(PLAIN, stdout=b"b\na\n", files={"kept.txt": Entry("file", 0o644, b"y\n")})
    assert differences(masked(PLAIN, [whole, order]), masked(other, [whole, order])) == []
    assert "stdout" in differences(masked(PLAIN, [whole]), masked(other, [whole]))[0]
    assert "kept.txt" in differences(masked(PLAIN, [order]), masked(other, [order]))[0]


def told(stdout: bytes = b"", stderr: bytes = b"", **files: bytes) -> Outcome:
    outcome = Outcome(0, stdout, stderr, {name.replace("_", "."): Entry("file", 0o644, content) for name, content in files.items()})
    return ordered(outcome, b"/work")


def test_items_of_one_portion_may_print_in_any_order_but_not_another_number_of_times() -> None:
    plain = told(b"[1\n~1 a\n~1 b\n1]\nend\n")
    assert plain == told(b"[1\n~1 b\n~1 a\n1]\nend\n")
    assert plain != told(b"[1\n~1 a\n~1 b\n~1 b\n1]\nend\n")
    assert plain != told(b"[1\n~1 a\n~2 b\n1]\nend\n")


def test_items_must_print_while_their_portion_is_under_way() -> None:
    assert told(b"[1\n~1 a\n1]\nend\n") != told(b"[1\n1]\n~1 a\nend\n")
    assert told(b"[1\n[2\n~1 a\n2]\n1]\n").stdout == b"[1\n[2\n2]\n1]\n~1 a\n"


def test_the_main_programs_own_lines_keep_their_order() -> None:
    assert told(b"x\ny\n") != told(b"y\nx\n")


def test_of_tracebacks_the_programs_own_frames_count_and_what_was_raised() -> None:
    head = b"Traceback (most recent call last):\n"
    own = b'  File "/work/prog.py", line 3, in <module>\n    call()\n    ^^^^^^\n'
    library = b'  File "/usr/lib/pool.py", line 99, in get\n    raise self._value\n'
    assert told(stderr=head + own + library + b"ValueError: x\n").stderr == head + own + b"ValueError: x\n"
    assert told(stderr=head + own + b"ValueError: x\n") != told(stderr=head + own + b"ValueError: y\n")


def test_lines_that_items_append_to_one_file_may_stand_in_any_order() -> None:
    assert told(shared_lines=b"1\n2\n") == told(shared_lines=b"2\n1\n")
    assert told(shared_lines=b"1\n2\n") != told(shared_lines=b"2\n")
    assert told(shared_txt=b"1\n2\n") != told(shared_txt=b"2\n1\n")


def test_what_either_machinery_says_beside_the_program_does_not_count() -> None:
    tracker = b"/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: 6 leaked\n  warnings.warn('resource\n"
    assert told(stderr=tracker + b"x\n") == told(stderr=b"x\n")
    assert told(stderr=b"tasker: task b6vjz7rx waits: All 2 slots that can run it now are busy.\nx\n") == told(stderr=b"x\n")
    assert told(stderr=b"tasker: what is this\n") != told(stderr=b"")
