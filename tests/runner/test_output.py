"""What items print belongs to them, whoever wrote it and however: marks on the way, attributed as the worker does it."""

from __future__ import annotations

from pathlib import Path

from tests.pythons import UserPython
from tests.runner.conftest import Start
from tests.runner.driving import Driver
from tests.runner.spawning import appears


def run(zoo: Driver, items: list[object]) -> int:
    zoo.give_items(items)
    fence = zoo.give_chunk(0, len(items))
    zoo.hear_chunk(fence)
    zoo.drop(0)
    return fence


def test_each_items_lines_are_its_own_on_both_streams(zoo: Driver) -> None:
    fence = run(zoo, [["say", "zero"], ["square", 1], ["say", "two"], ["complain", "three"], ["say", "four"]])
    assert zoo.printed(fence) == {0: b"zero\n", 2: b"two\n", 4: b"four\n"}
    assert zoo.printed(fence, 2) == {3: b"three\n"}


def test_what_an_item_leaves_unfinished_is_not_the_next_ones(zoo: Driver) -> None:
    fence = run(zoo, [["say", str(i), ""] for i in range(20)])
    assert zoo.printed(fence) == {i: b"%d" % i for i in range(20)}


def test_a_chunk_is_marked_even_if_it_prints_nothing_or_dies_at_once(zoo: Driver) -> None:
    before = len(zoo.process.printed(1))
    fence = run(zoo, [["die", 1]])
    assert zoo.process.printed(1)[before:] == b"\0%016x:0\n\0%016x!\n" % (fence, fence + (1 << 40))
    assert zoo.process.printed(2).endswith(zoo.process.printed(1)[before:])


def test_what_a_subprocess_prints_is_its_items(zoo: Driver) -> None:
    fence = run(zoo, [["say_by_child", "a"], ["say_by_child", "b"], ["square", 3], ["say", "d"], ["say_by_child", "e"]])
    assert zoo.printed(fence) == {0: b"a\n", 1: b"b\n", 3: b"d\n", 4: b"e\n"}


def test_a_line_of_ten_megabytes_without_an_end_arrives_whole(start: Start) -> None:
    runner = start("import sys\ndef f(x): sys.stdout.write('y' * x)")
    runner.give_items([10_000_000, 3])
    fence = runner.give_chunk(0, 2)
    runner.hear_chunk(fence)
    assert runner.printed(fence) == {0: b"y" * 10_000_000, 1: b"yyy"}


def test_what_looks_like_a_mark_is_output(zoo: Driver) -> None:
    texts = ["\0", "\0" + "a" * 16 + ":0\n", "\0" + "0" * 16 + "!\n", "x\0"]
    fence = run(zoo, [["say", text, ""] for text in texts])
    assert zoo.printed(fence) == {i: text.encode() for i, text in enumerate(texts)}


def test_printing_after_standard_output_was_closed_fails_that_item_and_no_later_chunk(zoo: Driver) -> None:
    zoo.give_items([["close_output"], ["say", "lost"], ["square", 3]])
    outcome = zoo.run(0, 3)
    assert outcome.results[1]["error"]["type"] == "ValueError"
    assert outcome.results[2] == {"value": 9}
    zoo.drop(0)
    fence = run(zoo, [["say", "again"]])
    assert zoo.printed(fence) == {0: b"again\n"}


def test_a_print_statement_and_unicode_of_2_7_print_as_plainly(start: Start, user_python: UserPython) -> None:
    if user_python.name != "2.7":
        text, expected = "def f(x): print('a', x); print('\\xe9', end=''); print(flush=True)", b"a 0\n\xc3\xa9\n"
    else:
        text, expected = b"def f(x):\n    print 'a', x,\n    print u'b\\xe9'\n    print '\\xff'", b"a 0 b\xc3\xa9\n\xff\n"
    runner = start(text, environ={"PYTHONIOENCODING": "utf-8"})
    runner.give_range(1)
    fence = runner.give_chunk(0, 1)
    assert runner.hear_chunk(fence).values == [None]
    assert runner.printed(fence) == {0: expected}


def test_a_stream_that_the_program_wraps_keeps_items_apart(start: Start) -> None:
    runner = start(
        """
        import codecs, io, sys
        if sys.version_info[0] == 2:
            sys.stdout = codecs.getwriter("latin-1")(sys.stdout)
        else:
            sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="latin-1")
        def f(x):
            sys.stdout.write(u"\\xe9%d" % x)
        """
    )
    runner.give_range(30)
    fence = runner.give_chunk(0, 30)
    runner.hear_chunk(fence)
    assert runner.printed(fence) == {i: b"\xe9%d" % i for i in range(30)}


def test_a_logger_made_when_the_program_was_loaded_writes_to_the_items_stream(start: Start) -> None:
    runner = start(
        """
        import logging
        logging.basicConfig(format="%(message)s")
        def f(x): logging.warning("item %d", x)
        """
    )
    runner.give_range(5)
    fence = runner.give_chunk(0, 5)
    runner.hear_chunk(fence)
    assert runner.printed(fence, 2) == {i: b"item %d\n" % i for i in range(5)}


def test_what_is_printed_while_loading_is_printed_once_and_belongs_to_nobody(start: Start) -> None:
    runner = start("import sys\nsys.stdout.write('loading')\ndef f(x): pass")
    runner.give_range(2)
    fences = [runner.give_chunk(i, 1) for i in range(2)]
    for fence in fences:
        runner.hear_chunk(fence)
        assert runner.printed(fence) == {}
    assert runner.strays() == b"loading"


def test_a_line_is_out_before_its_item_ends(zoo: Driver, tmp_path: Path) -> None:
    zoo.give_items([["say_and_wait", "now", str(tmp_path / "said"), str(tmp_path / "go")]])
    fence = zoo.give_chunk(0, 1)
    appears(tmp_path / "said")
    assert zoo.printed(fence) == {0: b"now\n"}
    (tmp_path / "go").touch()
    zoo.hear_chunk(fence)
    zoo.drop(0)


def test_threads_of_an_item_print_whole_lines_that_are_its_own(start: Start) -> None:
    runner = start(
        """
        import sys, threading
        def talk(name):
            for number in range(50):
                for piece in (name, " ", str(number), "\\n"):
                    sys.stdout.write(piece)
        def f(x):
            threads = [threading.Thread(target=talk, args=("%d%s" % (x, name),)) for name in "abcd"]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """
    )
    runner.give_range(3)
    fence = runner.give_chunk(0, 3)
    runner.hear_chunk(fence)
    for item, content in runner.printed(fence).items():
        whole = [f"{item}{name} {number}" for name in "abcd" for number in range(50)]
        assert sorted(content.decode().splitlines()) == sorted(whole)


def test_a_thread_that_outlives_its_item_is_waited_for(zoo: Driver) -> None:
    fence = run(zoo, [["square", 1], ["start_thread", "late"]])
    assert zoo.printed(fence) == {1: b"late\n"}


def test_a_pool_within_an_item_prints_for_the_item(start: Start) -> None:
    runner = start(
        """
        from __future__ import print_function
        import multiprocessing
        def say(x): print("said", x)
        def f(x):
            pool = multiprocessing.Pool(2)
            pool.map(say, [x])
            pool.close(); pool.join()
        """
    )
    runner.give_range(3)
    fence = runner.give_chunk(0, 3)
    runner.hear_chunk(fence)
    assert runner.printed(fence) == {i: b"said %d\n" % i for i in range(3)}


def test_what_c_code_has_buffered_comes_out_in_its_chunk(start: Start) -> None:
    runner = start(
        """
        import ctypes
        library = ctypes.CDLL(None)
        library.printf(b"loaded ")
        def f(x): library.printf(b"from C\\n")
        """
    )
    runner.give_range(1)
    fence = runner.give_chunk(0, 1)
    runner.hear_chunk(fence)
    assert runner.printed(fence) == {0: b"from C\n"}
    assert runner.strays() == b"loaded "


def test_the_streams_are_what_programs_expect(start: Start) -> None:
    runner = start(
        """
        import sys
        def f(x):
            out, err = sys.stdout, sys.stderr
            return [out.isatty(), out.fileno(), err.fileno(), out.closed, out.name, str(out.encoding)]
        """,
        environ={"PYTHONIOENCODING": "utf-8"},
    )
    runner.give_range(1)
    assert runner.run(0, 1).values == [[False, 1, 2, False, "<stdout>", "utf-8"]]


def test_a_program_that_makes_its_output_non_blocking_loses_nothing(start: Start) -> None:
    program = "import fcntl, os, sys\nfcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)\ndef f(x): sys.stdout.write('y' * x)"
    runner = start(program, is_piped=True)
    runner.give_items([3_000_000, 5])
    fence = runner.give_chunk(0, 2)
    piped, content = runner.process.piped, b""
    assert piped is not None
    with piped:
        while not content.endswith(b"!\n"):
            content += piped.read(1 << 16)
    assert content.count(b"y") == 3_000_005
    runner.hear_chunk(fence)


def test_bytes_may_be_written_below_the_text(start: Start, user_python: UserPython) -> None:
    body = "sys.stdout.write(b'\\xff\\n')" if user_python.name == "2.7" else "sys.stdout.buffer.write(b'\\xff\\n'); print('x')"
    runner = start("import sys\ndef f(x): " + body)
    runner.give_range(2)
    fence = runner.give_chunk(0, 2)
    runner.hear_chunk(fence)
    assert set(runner.printed(fence).values()) == {b"\xff\n" if user_python.name == "2.7" else b"\xff\nx\n"}
