"""What stays home: computed by the library's own processes on the program's machine, as a plain run would."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Answer, Lab, Portion, Refusal
from tests.runner.spawning import vanishes

POOL = """
from __future__ import print_function
import multiprocessing, os, signal, sys, time
from multiprocessing import Pool

LOCK = multiprocessing.Lock()
STATE = {"value": "first"}

def note(line):
    with open("noted", "a") as notes:
        notes.write("%s\\n" % line)

def noted(x):
    note(x)
    return x * x

def guarded(x):
    with LOCK:
        return STATE["value"], x

def process_of(_):
    LOCK
    return os.getpid(), os.getppid()

def name_of(_):
    LOCK
    time.sleep(0.05)
    return multiprocessing.current_process().name

def die(x):
    LOCK
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if x == 2:
        sys.exit(3)
    return x

def say(x):
    LOCK
    print("item", x)
    sys.stdout.flush()

def begin(*_):
    note("began")
"""


def program(*lines: str) -> str:
    """POOL with statements under its guard."""
    return POOL + 'if __name__ == "__main__":\n' + "".join("    %s\n" % line for line in lines)


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter."""
    return Lab(user_python, kit, tmp_path)


@pytest.fixture
def newest_lab(interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path) -> Lab:
    """For what only Python 3 has."""
    return Lab(interpreters[-1], kit, tmp_path)


def noted(lab: Lab) -> list[str]:
    """What items wrote into a file."""
    return sorted((lab.folder / "noted").read_text().split())


def test_the_lab_is_told_what_stays_and_why(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print(pool.map(guarded, range(2)))", "pool.terminate()"))
    assert run.out == "[('first', 0), ('first', 1)]\n"
    [portion] = run.portions
    assert (portion.place, portion.call["kind"], portion.records) == ("home", "Pool.map", [])
    assert "`LOCK`" in portion.reason and "line" in portion.reason


def test_items_at_home_see_the_state_as_it_was_when_the_pool_was_made(lab: Lab) -> None:
    run = lab.run(
        program(
            "pool = Pool(2)",
            "STATE['value'] = 'second'",
            "print(pool.map(guarded, [1]))",
            "pool.terminate()",
            "print(Pool(1).map(guarded, [1]))",
        )
    )
    assert run.out == "[('first', 1)]\n[('second', 1)]\n"


def test_items_at_home_run_in_processes_with_the_names_of_a_pools(lab: Lab) -> None:
    names = program("pool = Pool(2)", "print(sorted(set(pool.map(name_of, range(12), 1))))", "pool.terminate()")
    assert lab.run(names).out == lab.run_plainly(names).out
    run = lab.run(program("pool = Pool(2)", "print([os.getpid() in pair for pair in pool.map(process_of, range(2))])", "pool.terminate()"))
    assert run.out == "[False, False]\n"


def test_a_process_at_home_is_replaced_after_its_last_item(lab: Lab) -> None:
    run = lab.run(
        program(
            "pool = Pool(1, maxtasksperchild=2)", "print(len(set(pid for pid, _ in pool.map(process_of, range(6), 1))))", "pool.terminate()"
        )
    )
    assert run.out == "3\n"


def test_what_items_print_at_home_is_there_at_once(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(1)", "print('before')", "pool.map(say, range(3))", "print('after')", "pool.terminate()"))
    assert run.out == "before\nitem 0\nitem 1\nitem 2\nafter\n"


def test_an_item_that_dies_at_home_is_an_error_and_the_others_go_on(lab: Lab) -> None:
    lines = ["pool = Pool(2)", "results = [pool.apply_async(die, (x,)) for x in range(4)]", "for result in results:"]
    lines += [
        "    try: print(result.get())",
        "    except multiprocessing.ProcessError as error: print(str(error).rpartition(': ')[2])",
        "pool.terminate()",
    ]
    run = lab.run(program(*lines))
    assert run.out.splitlines() == [
        "0",
        "the process that computed it was killed by signal 9",
        "the process that computed it ended with exit code 3",
        "3",
    ]


def test_an_initializer_runs_in_each_process_at_home(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2, begin, (LOCK,))", "print(pool.map(guarded, range(4), 1)[3])", "pool.close()", "pool.join()"))
    assert run.out == "('first', 3)\n"
    assert noted(lab) == ["began", "began"]


def test_an_initializer_that_fails_is_an_error_where_a_plain_pool_tries_for_ever(lab: Lab) -> None:
    lines = ["pool = Pool(2, len, (LOCK,))", "try: pool.map(guarded, range(5), 1)"]
    lines += ["except multiprocessing.ProcessError as error: print(str(error).rpartition(': ')[2])", "pool.terminate()"]
    run = lab.run(program(*lines))
    assert run.out == "the process that computed it ended with exit code 1\n"
    assert "TypeError" in run.err


def test_a_state_that_the_lab_refuses_is_served_at_home_each_item_once(lab: Lab) -> None:
    def refuse(portion: Portion, record: bytes) -> Answer:
        if len(portion.records) > 1 and record == portion.records[1]:
            raise Refusal("module `nowhere` is missing")
        return "pickles", pickle.dumps((True, [100]), 2)

    lab.compute = refuse
    run = lab.run(program("pool = Pool(2)", "print(pool.map(noted, range(5), 1), pool.map(noted, [7]))", "pool.terminate()"))
    [first, second] = run.portions
    assert run.out.endswith("1, 4, 9, 16] [49]\n")
    assert (first.place, second.place, second.reason) == ("lab", "home", "module `nowhere` is missing")
    assert len(noted(lab)) == len(set(noted(lab)))


def test_calls_of_one_pool_may_stay_and_go(lab: Lab) -> None:
    run = lab.run(
        program(
            "pool = Pool(2)",
            "print(pool.map(guarded, [1]), pool.map(noted, [2]), pool.apply(guarded, (3,)), pool.apply(noted, (4,)))",
            "pool.terminate()",
        )
    )
    assert run.out == "[('first', 1)] [4] ('first', 3) 16\n"
    assert sorted(portion.place for portion in run.portions) == ["home", "home", "lab", "lab"]


def test_proxies_of_a_manager_stay_on_the_programs_machine(lab: Lab) -> None:
    lines = ["manager = multiprocessing.Manager()", "shared = manager.list([3])", "pool = Pool(2)"]
    run = lab.run(program(*lines, "print(pool.apply(len, (shared,)), pool.map(len, [shared]), pool.map(len, [[1]]))", "pool.terminate()"))
    assert run.out == "1 [1] [1]\n"
    assert [portion.place for portion in run.portions] == ["home", "home", "lab"]
    assert run.stayed[0] == "an item holds something of multiprocessing.managers, which other machines cannot use"


def test_a_function_that_was_not_there_when_the_pool_was_made_is_an_error_where_a_plain_pool_waits_for_ever(lab: Lab) -> None:
    lines = [
        "pool = Pool(1)",
        "exec('def late(x): return x', globals())",
        "try: pool.map(late, [1])",
        "except multiprocessing.ProcessError as error: print('an error')",
    ]
    run = lab.run(program(*lines, "pool.terminate()"))
    assert run.out == "an error\n"
    assert "as it was when the pool was made" in run.stayed[0]


def test_spawned_processes_serve_what_cannot_be_carried(newest_lab: Lab) -> None:
    lines = ["context = multiprocessing.get_context('spawn')", "STATE['value'] = 'second'"]
    lines += [
        "with context.Pool(2, begin, (context.Lock(),)) as pool: print(pool.map(guarded, range(2), 1), pool.apply(name_of, (1,))[:16])"
    ]
    run = newest_lab.run(program(*lines))
    assert run.out == "[('first', 0), ('first', 1)] SpawnPoolWorker-\n"
    assert [portion.place for portion in run.portions] == ["home", "home"]


def test_an_executor_at_home_breaks_as_the_librarys_does(newest_lab: Lab) -> None:
    lines = ["from concurrent.futures import ProcessPoolExecutor", "executor = ProcessPoolExecutor(1)"]
    lines += [
        "error = executor.submit(die, 1).exception()",
        "print(type(error).__name__, '|', error, '|', str(error.__cause__).rpartition(': ')[2])",
    ]
    lines += ["try: executor.submit(die, 0)", "except RuntimeError as error: print(type(error).__name__, error)", "executor.shutdown()"]
    run = newest_lab.run(program(*lines))
    first, second = run.out.splitlines()
    meanwhile = "A process in the process pool was terminated abruptly while the future was running or pending."
    assert first == "BrokenProcessPool | %s | the process that computed it was killed by signal 9" % meanwhile
    assert second == "BrokenProcessPool A child process terminated abruptly, the process pool is not usable anymore"


def test_nothing_of_a_home_outlives_the_program(lab: Lab) -> None:
    run = lab.run(
        program(
            "pool = Pool(2)",
            "print(*[pid for pair in pool.map(process_of, range(2), 1) for pid in pair])",
            "sys.stdout.flush()",
            "os._exit(0)",
        )
    )
    for pid in map(int, run.out.split()):
        vanishes(pid)


def test_an_interruption_is_for_the_program_and_the_state_survives_it(lab: Lab) -> None:
    lines = ["os.setpgid(0, 0)", "pool = Pool(1)", "pool.map(guarded, [1])"]
    lines += ["try: os.killpg(os.getpgrp(), signal.SIGINT); time.sleep(20)", "except KeyboardInterrupt: print('interrupted')"]
    run = lab.run(program(*lines, "print(pool.map(guarded, [2]))", "pool.terminate()"))
    assert run.out == "interrupted\n[('first', 2)]\n"
