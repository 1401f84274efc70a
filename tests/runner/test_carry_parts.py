"""The parts of carrying that can be asked with values alone: what code reads, what statements do, what pickles name."""

from __future__ import annotations

import ast
import os
import pickle
import sys
import textwrap
import types

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.carry import apart, classes, content, functions, own, patches, references, setups
from marx.runner.carry.effects import Loudness, loud_in, only_makes
from marx.runner.carry.errors import CannotCarry, Denied, NotRestored
from marx.runner.carry.ordering import check_order
from marx.runner.carry.reads import reads_of
from marx.runner.carry.sources import Sources
from marx.runner.carry.statements import AGAIN, CALM, GUARD, LOUD, Source, execute
from marx.runner.carry.table import Table
from marx.runner.carry.walking import Walk


def source_of(text: str) -> Source:
    """A program's."""
    source = Source(textwrap.dedent(text).encode(), "prog.py")
    source.loudness = Loudness([source.tree])
    return source


# What code reads


def test_names_are_read_with_the_attributes_that_are_taken_of_them() -> None:
    code = compile("def f(x):\n    y = lib.deep.value\n    def g(): return other(x, [z.a for z in things])\n    return g", "p", "exec")
    [f] = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    assert reads_of(f).chains == {("lib", "deep", "value"), ("other",), ("things",)}
    assert not reads_of(f).is_blind


@pytest.mark.parametrize("text", ["globals()['x']", "eval('x')", "exec('x')", "sys.modules['x']", "f.__globals__", "A.__subclasses__()"])
def test_code_that_reaches_names_without_spelling_them_is_told(text: str) -> None:
    assert reads_of(compile(text, "p", "exec")).is_blind


def test_imports_in_functions_are_reads() -> None:
    reads = reads_of(compile("import lib.deep\nfrom other import name", "p", "exec"))
    assert reads.imports == {"lib.deep", "other"} and "name" in reads.attributes


# What a pickle names


class Outer:
    """With a class in it."""

    class Inner:
        """The one in it."""

        def method(self) -> None:
            """Something to be bound."""


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_everything_that_a_pickle_names_is_found(protocol: int) -> None:
    shared = Outer()
    value = [shared, {"a": (Outer.Inner(), shared)}, os.path.join, {1, 2}, Outer.Inner().method]
    found = references.named(pickle.dumps(value, protocol))
    assert {name.split(".")[0] for module, name in found if module == __name__} == {"Outer"}
    assert (os.path.__name__, "join") in found


def test_only_the_programs_own_names_count() -> None:
    found = references.references(pickle.dumps([Outer, os.path.join, textwrap.dedent]))
    assert found == {(__name__, "Outer")}


def test_what_is_no_pickle_cannot_be_carried() -> None:
    with pytest.raises(CannotCarry):
        references.references(b"nothing")


# Paths


entries = st.lists(st.sampled_from(["", "/home/a", "lib", *sys.path[1:]]), max_size=8)


@given(entries)
def test_a_path_comes_back_where_the_interpreter_is_the_same(own_entries: list[str]) -> None:
    share = [entry for entry in sys.path if own.own_path([entry]) == [None]]
    path = [entry for entry in own_entries if own.own_path([entry]) == [entry]]
    assert own.joined_path(own.own_path(path + share), ["/other", *share]) == path + share


def test_installed_modules_and_the_library_are_not_the_programs_own() -> None:
    assert not own.is_own(os) and not own.is_own(hypothesis) and not own.is_own(sys)
    assert own.is_own_name(__name__) and own.is_own_name("__main__")


# Statements


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("import os", AGAIN),
        ("def f(): print(1)", AGAIN),
        ("class C: x = 1", AGAIN),
        ("X = {1: [2, 3]}", AGAIN),
        ("L = threading.Lock()", AGAIN),
        ("P = namedtuple('P', 'a b')", AGAIN),
        ("X = expensive(3)", CALM),
        ("toolbox.register('a', f)", CALM),
        ("import warnings\nwarnings.filterwarnings('ignore')", AGAIN),
        ("if sys.version_info[0] == 2:\n    text = unicode\nelse:\n    text = str", AGAIN),
        ("try:\n    import a\nexcept ImportError:\n    a = None", AGAIN),
        ("if __name__ == '__main__':\n    main()", GUARD),
        ("if '__main__' == __name__ and X:\n    main()", GUARD),
        ("print('x')", LOUD),
        ("for i in range(3): pass", LOUD),
        ("with open('x') as f: pass", LOUD),
        ("out = open('x', 'w')", LOUD),
        ("out = open('x', mode=MODE)", LOUD),
        ("text = open('x').read()", CALM),
        ("name = input()", LOUD),
        ("pool = multiprocessing.Pool(3)", LOUD),
        ("def main():\n    sub()\ndef sub():\n    print(1)\nmain()", LOUD),
        ("class App:\n    def run(self): sys.exit(3)\nApp().run()", LOUD),
        ("def f(): return f()\nx = f()", CALM),
        ("t.start()", LOUD),
        ("line = sys.stdin.readline()", LOUD),
    ],
)
def test_each_statement_is_done_again_only_where_that_does_no_harm(text: str, verdict: str) -> None:
    assert source_of(text).verdicts(lambda name: False)[-1] == verdict


def test_calm_statements_are_done_again_only_if_all_are_calm() -> None:
    text = "X = compute()\nN = 1\nif __name__ == '__main__': pass\n"
    assert source_of(text).chosen(lambda name: False) == [0, 1]
    assert source_of(text + "print(1)\n").chosen(lambda name: False) == [1]
    assert source_of(text + "print(1)\n").chosen(lambda name: name == "X") == [0, 1]


def test_statements_are_executed_one_by_one_and_what_fails_is_left_out() -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    text = b'"""Doc."""\nfrom __future__ import division\nA = 1\nB = nothing\nC = A / 2\nraise SystemExit\nD = 4\n'
    execute(text, "prog.py", range(7), names)
    assert (names["A"], names["C"], names["D"], names["__doc__"]) == (1, 0.5, 4, "Doc.") and "B" not in names


@pytest.mark.parametrize(("name", "line"), [("a", 4), ("b", 6), ("f", 2), ("c", 3), ("nothing", None)])
def test_the_line_of_a_name_is_where_it_is_bound_last(name: str, line: int | None) -> None:
    text = "a = 1\ndef f():\n    global c\na = 2\nif __name__ == '__main__':\n    b = 3\n"
    assert source_of(text).line_of(name) == line


def test_an_import_that_would_write_is_told_and_one_that_prints_is_not() -> None:
    assert source_of("print(1)\nimport os\n").world_in() is None
    assert source_of("import os\nos.mkdir('x')\n").world_in() == (2, "writes a file")


def test_making_something_new_is_told_from_calling_anything() -> None:
    expression = [ast.parse(text, mode="eval").body for text in ("[len(x), {'a': set()}]", "lambda: go()", "go()", "(y := 1)")]
    assert [only_makes(node) for node in expression] == [True, True, False, False]


def test_what_a_lambda_would_do_is_not_done() -> None:
    assert loud_in(ast.parse("f = lambda: print(1)").body[0]) is None
    assert loud_in(ast.parse("f = print(1)").body[0]) == "prints"


# Libraries


def test_changes_of_libraries_are_found_wherever_they_are_written() -> None:
    text = """
    import json as j, textwrap
    from email import charset
    def f():
        j.dumps = 1
        setattr(textwrap, "dedent", 2)
        textwrap.TextWrapper.wordsep_re = 3
        charset.CHARSETS["x"] = 4
        charset.ALIASES.update(a=1)
        j.made_up.name = 5
        os.path = 6
    """
    found = {(module, path) for _, module, path in patches.patches(source_of(text))}
    expected = {("json", "dumps"), ("textwrap", "dedent"), ("textwrap", "TextWrapper.wordsep_re"), ("email.charset", "CHARSETS")}
    assert found == expected | {("email.charset", "ALIASES")}


def test_a_container_of_a_library_gets_its_content_back_in_its_place() -> None:
    from email import charset

    before, taken = charset.ALIASES, patches.patched("email.charset", "ALIASES")
    charset.ALIASES["made-up"] = "x"
    patches.patch("email.charset", "ALIASES", taken)
    assert charset.ALIASES is before and "made-up" not in before


def test_settings_of_libraries_that_nothing_makes_again_are_found() -> None:
    text = """
    import mimetypes, numpy as np, locale
    mimetypes.init()
    def main():
        mimetypes.init()
        np.set_printoptions(precision=3)
        locale.setlocale(0, "")
    def item():
        mimetypes.init()
    """
    assert list(setups.lost_setups(source_of(text), {"item"}, {"mimetypes", "numpy", "locale"})) == [(5, "mimetypes.init")]
    assert list(setups.lost_setups(source_of(text), {"item"}, {"numpy"})) == []


# Functions, classes, cells


def test_a_cell_can_be_filled_and_filled_again() -> None:
    cell = functions.new_cell()
    assert functions.is_empty(cell)
    for value in (1, cell):
        functions.fill(cell, value)
        assert cell.cell_contents is value and not functions.is_empty(cell)


def test_code_is_the_same_only_if_everything_in_it_is() -> None:
    texts = ["def f(x): return x + 1", "def f(x): return x + 1.0", "def f(x): return (lambda: x + 1)", "def f(x): return (lambda: x + 2)"]
    codes = [compile(text, "p", "exec") for text in texts]
    again = [compile(text, "p", "exec") for text in texts]
    assert [[functions.same_code(one, other) for other in again] for one in codes] == [[i == j for j in range(4)] for i in range(4)]


def test_a_class_is_made_again_from_its_skeleton_and_pieces() -> None:
    table = Table()
    made = classes.skeleton(Outer.Inner, table)
    kind = classes.make(made, type, [object])
    for name, value in classes.pieces(Outer.Inner):
        classes.give(kind, name, value)
    assert kind is not Outer.Inner
    assert (kind.__qualname__, kind.__module__, kind.__doc__) == ("Outer.Inner", __name__, "The one in it.")
    assert dict(classes.pieces(kind)) == dict(classes.pieces(Outer.Inner))


# Order, content


@given(st.sets(st.integers(), max_size=20))
def test_a_set_in_the_same_order_passes(numbers: set[int]) -> None:
    check_order([numbers], [set(list(numbers))] if list(set(list(numbers))) == list(numbers) else [numbers])


def test_another_order_and_hashes_that_are_addresses_do_not() -> None:
    with pytest.raises(Denied, match="a set whose order"):
        check_order([{1: 0, 2: 0}.keys() and {8, 1}], [{8, 2}])
    things = {object(), object()}
    with pytest.raises(Denied):
        check_order([things], [things])


def test_content_of_another_version_is_refused() -> None:
    assert content.unpacked(content.packed({"a": (1, b"x")})) == {"a": (1, b"x")}
    with pytest.raises(NotRestored, match="python 2.5"):
        content.unpacked(b"marx state 1 python 2.5\n")
    with pytest.raises(NotRestored):
        content.unpacked(content.packed({})[:-1])


# Apart


def test_what_happens_apart_leaves_nothing_behind(capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[int] = []

    def work() -> bytes:
        seen.append(1)
        os.write(1, b"heard by nobody")
        return b"answer" * 100_000

    assert apart.apart(work) == b"answer" * 100_000
    assert seen == [] and capfd.readouterr().out == ""


def test_a_crash_while_the_state_is_taken_is_a_reason() -> None:
    with pytest.raises(CannotCarry, match="ends by signal 6"):
        apart.apart(os.abort)
    with pytest.raises(CannotCarry, match="ZeroDivisionError"):
        apart.apart(lambda: b"%d" % (1 / 0))


def test_a_name_that_was_not_there_yet_is_a_reason() -> None:
    with pytest.raises(CannotCarry, match="`nothing_like_this`, which an item names, was not there yet"):
        Walk(Sources()).need(__name__, "nothing_like_this")


@pytest.mark.parametrize(("line", "places"), [(None, [0, 1, 2, 3, 4]), (1, []), (2, [0]), (4, [0, 1]), (5, [0, 1]), (8, [0, 1, 2, 3])])
def test_only_statements_before_the_one_at_work_are_done_again(line: int | None, places: list[int]) -> None:
    text = "import os\nA = (1,\n     2)\n@decorated(\n    1)\ndef f(): pass\nB = 1\nC = 2\n"
    source = Source(text.encode(), "prog.py")
    source.loudness = Loudness([source.tree])
    assert source.chosen(lambda name: False, line) == places
