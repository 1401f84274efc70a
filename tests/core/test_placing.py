"""Which worker can run what."""

from dataclasses import replace

import pytest

from marx.core.model import Interpreter
from marx.core.placing import Demand, objection, satisfies
from tests.core.builders import offer, terms

GPU = frozenset({("gpu", "yes")})


def why_not(lent=offer("alpha"), **more):
    return objection(Demand.of(terms(**more)), lent)


@pytest.mark.parametrize("wanted", ["", "3", "3.x", "3.11", "3.11.7", "/usr/bin/python3"])
def test_a_version_satisfies_its_own_beginning_and_its_path(wanted):
    assert satisfies(wanted, Interpreter("3.11.7", "/usr/bin/python3"))


@pytest.mark.parametrize("wanted", ["2", "3.1", "3.12", "3.11.70", "/usr/bin/python", "3.11.7.1"])
def test_other_versions_and_paths_do_not(wanted):
    assert not satisfies(wanted, Interpreter("3.11.7", "/usr/bin/python3"))


def test_a_worker_without_the_python_says_which():
    assert why_not(python="2.7") is None
    assert why_not(python="3.13") == "has no Python 3.13"
    assert why_not(offer(interpreters=())) == "has no Python"


def test_all_labels_are_needed():
    both = GPU | {("site", "b")}
    assert why_not(offer(labels=both), labels=GPU) is None
    assert why_not(offer(labels=GPU), labels=both) == "lacks site=b"


def test_named_workers_and_allowed_users_are_kept_to():
    assert why_not(workers=frozenset({"alpha", "beta"})) is None
    assert why_not(workers=frozenset({"beta"})) == "is not among the workers that the task names"
    assert why_not(offer(users=frozenset({"ada"}))) is None
    assert why_not(offer(users=frozenset({"bob"}))) == "does not work for ada"


def test_a_stronger_sandbox_will_do_and_a_weaker_will_not():
    weak = replace(offer(), sandbox="landlock")
    assert why_not(weak, sandbox="none") is None
    assert why_not(weak, sandbox="landlock") is None
    assert why_not(weak, sandbox="bwrap") == "offers the sandbox landlock, not bwrap"


def test_any_of_its_names_will_do():
    found = Interpreter("2.7.18", "/opt/py/bin/python", frozenset({"/opt/py/bin/python2.7"}))
    assert satisfies("/opt/py/bin/python2.7", found) and not satisfies("/opt/py/bin/python3", found)


def test_a_level_nobody_ranked_only_satisfies_itself():
    special = replace(offer(), sandbox="vm")
    assert why_not(special, sandbox="vm") is None
    assert why_not(special, sandbox="none") is not None


def test_tasks_that_ask_for_the_same_have_equal_demands():
    assert Demand.of(terms("a", priority=1, retries=3)) == Demand.of(terms("b"))
    assert Demand.of(terms("a")) != Demand.of(terms("a", "bob"))


def test_once_its_program_runs_a_task_needs_that_minor_version_of_the_python_that_it_asked_for():
    demand = Demand.of(terms(python="3"))._replace(minor="3.11")
    assert objection(demand, offer()) is None
    assert objection(demand, offer(interpreters=(Interpreter("3.12.1", "/a"), Interpreter("2.7.18", "/b")))) == "has no Python 3.11"
    own = Demand.of(terms(python="/a"))._replace(minor="3.11")
    assert objection(own, offer(interpreters=(Interpreter("3.12.1", "/a"), Interpreter("3.11.1", "/b")))) == "has no Python 3.11"
    assert objection(own, offer(interpreters=(Interpreter("3.11.1", "/a"),))) is None


@pytest.mark.parametrize(("asked", "permitted", "why"), [
    (False, False, None),
    (False, True, None),
    (True, True, None),
    (True, False, "does not let programs use the network"),
])
def test_the_network_needs_both_the_task_and_the_workers_owner(asked, permitted, why):
    assert why_not(offer(network=permitted), network=asked) == why


def test_a_task_gets_only_workers_that_lend_as_much_memory_as_it_wants():
    demand = Demand.of(terms(memory=2 << 30))
    assert objection(demand, offer(memory=1 << 30)) == "lends 1 GB of memory, not 2 GB"
    assert objection(demand, offer(memory=2 << 30)) is None
    assert objection(demand, offer()) is None, "of one that does not say, an older worker, nothing is known"
