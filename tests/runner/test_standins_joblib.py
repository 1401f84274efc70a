"""joblib inside a program: which calls the lab gets, and that libraries above it spread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.science import science_python
from tests.runner.playing import Answer, Lab, Portion, Refusal, why_not

CALLS = """
from __future__ import print_function
import os, sys, time
import joblib
from joblib import Parallel, delayed

SHARED = {"factor": 2}

def times(x):
    return x * SHARED["factor"]

def die(x):
    os._exit(1)
"""

SEARCH = """
import numpy
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

X, y = make_classification(n_samples=120, random_state=0)
search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=3, n_jobs=-1).fit(X, y)
print(search.best_params_, search.best_score_, list(search.cv_results_["mean_test_score"]))
print(list(cross_val_score(LogisticRegression(), X, y, cv=3, n_jobs=2)))
"""


def program(*lines: str) -> str:
    """CALLS with statements under its guard."""
    return CALLS + 'if __name__ == "__main__":\n' + "".join("    %s\n" % line for line in lines)


def demand(python: UserPython, module: str, project: str | None = None) -> None:
    """Skip a test whose interpreter lacks a module; CI must have it."""
    reason = why_not(python, module, project)
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter that has joblib."""
    demand(user_python, "joblib")
    return Lab(user_python, kit, tmp_path)


def test_a_call_of_parallel_is_a_portion_and_all_calls_have_one_state(lab: Lab) -> None:
    run = lab.run(program("print(Parallel(n_jobs=-1)(delayed(times)(x) for x in range(4)))", "Parallel(n_jobs=2)([delayed(abs)(-1)])"))
    assert run.out == "[0, 2, 4, 6]\n"
    assert [(portion.call["kind"], portion.call["line"], portion.call["function"].rpartition(".")[2]) for portion in run.portions] == [
        ("joblib.Parallel", CALLS.count("\n") + 2, "times"),
        ("joblib.Parallel", CALLS.count("\n") + 3, "abs"),
    ]
    assert [(portion.state, portion.place, portion.is_final) for portion in run.portions] == [(1, "lab", True)] * 2


def test_all_jobs_means_all_slots_of_the_lab(lab: Lab) -> None:
    lab.slots = 7
    run = lab.run(
        program(
            "print(joblib.effective_n_jobs(-1), joblib.effective_n_jobs(-2), joblib.effective_n_jobs(3), joblib.effective_n_jobs(None))"
        )
    )
    assert run.out == "7 6 3 1\n"


def test_no_more_is_dispatched_than_was_asked_for(lab: Lab) -> None:
    lab.compute = lambda portion, record: ("nothing", b"")
    text = program("import threading", "taken = []", "jobs = (delayed(times)(taken.append(x) or x) for x in range(1000))")
    text += "    threading.Timer(1.0, lambda: (print(len(taken)), sys.stdout.flush(), os._exit(0))).start()\n"
    text += "    Parallel(n_jobs=2, pre_dispatch='2*n_jobs', batch_size=1)(jobs)\n"
    assert lab.run(text).out == "4\n"


def test_an_item_that_died_is_an_error_as_joblib_has_it(lab: Lab) -> None:
    lab.compute = lambda portion, record: ("entries", b'{"error": {"type": "Died", "message": "was killed by signal 9"}}')
    run = lab.run(
        program("try: Parallel(n_jobs=2)(delayed(times)(x) for x in [1])", "except Exception as error: print(type(error).__name__, error)")
    )
    assert run.out.startswith("TerminatedWorkerError an item of joblib.Parallel at ") and run.out.endswith("was killed by signal 9\n")


def test_items_that_the_lab_cannot_load_are_computed_in_the_program(lab: Lab) -> None:
    def refuse(portion: Portion, record: bytes) -> Answer:
        raise Refusal("module `joblib` is missing")

    lab.compute = refuse
    run = lab.run(
        program(
            "print(Parallel(n_jobs=2)(delayed(times)(x) for x in range(4)))",
            "print(Parallel(n_jobs=2)([delayed(os.getpid)()]) == [os.getpid()])",
        )
    )
    assert run.out == "[0, 2, 4, 6]\nTrue\n"
    assert [portion.is_dropped for portion in run.portions] == [True, True]


def test_a_value_that_cannot_be_sent_is_named_with_the_line_that_sends_it(lab: Lab) -> None:
    run = lab.run(program("try: Parallel(n_jobs=2)([delayed(times)(sys.stdin)])", "except Exception as error: print('an error')"))
    assert run.out == "an error\n"
    assert "joblib.Parallel at %s, line %d cannot be sent" % (lab.folder / "prog.py", CALLS.count("\n") + 2) in run.notes[0]


@pytest.mark.slow
def test_a_search_of_scikit_learn_spreads_and_finds_the_same(kit: Path, tmp_path: Path) -> None:
    lab = Lab(science_python(os.environ), kit, tmp_path, environ={"PYTHONPATH": ""})
    run, plain = lab.run(SEARCH), lab.run_plainly(SEARCH)
    assert (run.out, run.code) == (plain.out, plain.code)
    assert [len(portion.records) for portion in run.portions] == [9, 3]


SURROUNDED = """
def seen(x):
    return x, sys.getrecursionlimit(), os.environ.get("SET"), os.path.basename(os.getcwd()) == "below", sys.argv[1:]

def fail(x):
    raise KeyError(x)

def show(function=seen):
    print(Parallel(2, pre_dispatch=1)(delayed(function)(x) for x in range(1)))

def change(to):
    os.environ["SET"] = to
    sys.argv.append(to)
    sys.setrecursionlimit(4000)
"""


def test_items_see_the_surroundings_of_the_first_call_until_one_fails(lab: Lab) -> None:
    steps = ["change('first')", "show()", "change('second')", "os.mkdir('below')", "os.chdir('below')", "show()"]
    steps += ["try: show(fail)", "except KeyError: pass", "show()"]
    text = program(*steps).replace("if __name__", SURROUNDED + "\nif __name__")
    (lab.folder / "plain").mkdir()
    plain = Lab(lab.python, lab.kit, lab.folder / "plain").run_plainly(text)
    run = lab.run(text)
    assert plain.code == 0, plain.err
    assert (run.out, run.code) == (plain.out, 0)
