"""Peers of another version on a running server: what they lack is done without, what they add is passed over, what cannot be is said."""

from __future__ import annotations

import pytest
import pytest_twisted

from marx.wire import blobs, hello, tasker, worker
from marx.wire.arguments import Integer, Json, Unicode
from marx.wire.calls import MarxCommand, WrongVersion
from tests.server.room import PlayedTasker
from tests.server.test_straight_line import ended, printed, results


class NewerGreeting(MarxCommand):
    """A greeting of a version that says more."""

    commandName = b"Greet"
    arguments = [*hello.Greet.arguments, (b"colour", Unicode())]
    response = hello.Greet.response


class NewerOffer(MarxCommand):
    """An offer of a worker that says more."""

    commandName = b"OfferSlots"
    arguments = [*worker.OfferSlots.arguments, (b"mood", Json())]
    response = worker.OfferSlots.response


class Unheard(MarxCommand):
    """A command that this server does not know."""

    arguments = [(b"number", Integer())]
    response = []


OFFER = {"slots": 1, "interpreters": [{"version": "3.11.7", "path": "/usr/bin/python3"}], "sandbox": "bwrap"}


@pytest_twisted.ensureDeferred
async def test_a_newer_tasker_and_a_newer_worker_are_understood_where_they_say_more(room) -> None:
    ada = await room.connect(PlayedTasker(room.reactor), "tasker", "ada")
    answer = await ada.ask(NewerGreeting, oldest=1, newest=9, software="Marx 9", colour="red")
    assert answer["version"] == hello.NEWEST_VERSION
    lab = await room.worker()
    await lab.ask(NewerOffer, offer={**OFFER, "from_a_newer_worker": [1]}, held=[], mood={"good": True})
    task = await ada.submit(3, from_a_newer_tasker=1)
    [grant] = await lab.until(lambda: lab.grants)
    report, payload = results(grant, 0, 9)
    assert await lab.report(report, ended(grant), payload=payload) == ["", ""]
    watch = await ada.watch(task)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": 0, "value": 9}]


@pytest_twisted.ensureDeferred
async def test_a_command_that_this_server_does_not_know_is_refused_and_the_link_goes_on(room) -> None:
    ada = await room.tasker()
    with pytest.raises(WrongVersion, match="does not know Unheard: it is of another version"):
        await ada.ask(Unheard, number=1)
    assert (await ada.ask(tasker.ListTasks, limit=1))["tasks"] == []


@pytest_twisted.ensureDeferred
async def test_a_worker_that_does_not_say_for_which_task_it_asks_is_answered_all_the_same(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    await ada.submit(1)
    [grant] = await lab.until(lambda: lab.grants)
    digest = await lab.put_blob(b"made", grant[1])
    assert (await lab.ask(blobs.AskBlobs, digests=[digest, "00" * 32]))["missing"] == ["00" * 32]


@pytest.mark.parametrize(("oldest", "newest"), [(hello.NEWEST_VERSION + 1, hello.NEWEST_VERSION + 3), (0, hello.OLDEST_VERSION - 1)])
@pytest_twisted.ensureDeferred
async def test_who_has_no_version_in_common_is_told_both(room, oldest: int, newest: int) -> None:
    stranger = await room.connect(PlayedTasker(room.reactor), "tasker", "ada")
    with pytest.raises(WrongVersion, match=f"Marx 0 speaks versions {oldest} to {newest} of the protocol, this server .* {hello.OLDEST_VERSION} to"):
        await stranger.ask(hello.Greet, oldest=oldest, newest=newest, software="Marx 0")
