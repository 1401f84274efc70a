"""
``python -m tests.proofs.fuzzing``: whatever others may send, drawn at random, against what reads it; the record of it.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
from twisted.internet.defer import Deferred, ensureDeferred

from tests.proofs.fuzz.links import Besieged, Surprise, drawn, drawn_reports
from tests.proofs.fuzz.readers import READERS, Reader, own_memory
from tests.proofs.fuzzing_record import Finding, Tally, write_record
from tests.server.guarded_room import GuardedRoom
from tests.source import CHECKOUT

CASES = CHECKOUT / "build" / "proofs" / "fuzzed"
#: Of a hundred inputs, how many go where: what costs microseconds gets most of them.
SHARES = {
    "output packs": 15,
    "result packs": 10,
    "runner's frames": 22,
    "a worker's slots": 1,
    "reports": 15,
    "join codes": 8,
    "certificate requests": 8,
    "specifications": 8,
    "sessions": 12,
    "sessions over TLS": 0.5,
    "reports under a lease": 0.5,
}
#: Sessions at work at the same time.
TOGETHER = 45
#: What needs a server; so many inputs of these are for one, and the seeds of two servers are so far apart.
BESIEGING = ("sessions", "sessions over TLS", "reports under a lease")
SIEGE, ROUNDS_APART = 8_000, 1_000_003
#: Findings of one target that say enough.
ENOUGH = 5


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--inputs", "count", type=click.IntRange(min=200), default=20_000, show_default=True, help="How many, over all that reads.")
@click.option("--seed", type=int, default=None, help="Which inputs; default: others each time.")
@click.option("--only", multiple=True, metavar="TARGET", help="Only these, named as in the record.")
@click.option("--cases", type=click.Path(path_type=Path), default=CASES, help="Where inputs that surprised their reader are put.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def fuzzing(count: int, seed: int | None, only: tuple[str, ...], cases: Path, record: Path | None) -> None:
    """Draw inputs, and see that everything that reads them refuses what it should and is surprised by nothing."""
    seed = Random().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}, {count:,} inputs")
    shares = {name: max(1, round(count * share / 100)) for name, share in SHARES.items() if not only or name in only}
    tally = Tally()
    for reader in READERS:
        if reader.name in shares:
            with tally.timed(reader.name, shares[reader.name]):
                tally.findings += read_all(reader, seed, shares[reader.name])
    if any(name not in {reader.name for reader in READERS} for name in shares):
        besiege(tally, seed, shares)
    for number, finding in enumerate(tally.findings):
        cases.mkdir(parents=True, exist_ok=True)
        (cases / f"{finding.target.replace(' ', '-')}-{number}").write_bytes(finding.data)
    if record is not None:
        write_record(record, seed, tally)
    click.echo(tally.sentence())
    if tally.findings:
        raise click.ClickException("\n".join([*(str(finding) for finding in tally.findings), f"the inputs are in {cases}"]))


def read_all(reader: Reader, seed: int, count: int) -> list[Finding]:
    """What so many inputs of one reader brought to light."""
    found: list[Finding] = []
    for number in range(count):
        data = reader.draw(Random(f"{seed}:{reader.name}:{number}"))
        try:
            reader.read(data)
        except Exception as error:
            found.append(Finding(reader.name, data, words_of(error)))
            if len(found) >= ENOUGH:
                break
    return found


def words_of(error: BaseException) -> str:
    """What it was, and where it came from."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}: {str(error)[:300]}"


def besiege(tally: Tally, seed: int, shares: dict[str, int]) -> None:
    """The rest, against a server in this process; runs the reactor."""
    from twisted.internet import reactor

    outcome: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="marx-proof-") as folder:

        def begin() -> Deferred[None]:
            sieges = _besiege_all(reactor, Path(folder), tally, seed, shares)
            return ensureDeferred(sieges).addBoth(outcome.append).addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
    if outcome[0] is not None:
        outcome[0].raiseException()


async def _besiege_all(reactor: Any, folder: Path, tally: Tally, seed: int, shares: dict[str, int]) -> None:
    """One siege after the other, each of a server of its own: one that goes on for ten minutes meets limits of time that are right."""
    asked = {name: count for name, count in shares.items() if name in BESIEGING}
    rounds = -(-sum(asked.values()) // SIEGE)
    for number in range(rounds):
        part = {name: count * (number + 1) // rounds - count * number // rounds for name, count in asked.items()}
        place = folder / str(number)
        place.mkdir()
        await _besiege(GuardedRoom(place, reactor), tally, seed + number * ROUNDS_APART, part)


async def _besiege(room: GuardedRoom, tally: Tally, seed: int, shares: dict[str, int]) -> None:
    await room.begin()
    besieged = Besieged(room)
    await besieged.begin()
    try:
        await try_all(besieged, tally, seed, shares)
    finally:
        await room.end()


async def try_all(besieged: Besieged, tally: Tally, seed: int, shares: dict[str, int]) -> None:
    """All that needs a server."""
    count = shares.get("sessions", 0)
    # What the first sessions allocate stays: what later ones add to it would grow.
    await besieged.try_in_memory([drawn(seed, number) for number in range(TOGETHER)])
    before = own_memory()
    with tally.timed("sessions", count):
        for numbers in _in_tens(count):
            await _try_batch(besieged, tally, [drawn(seed, number) for number in numbers])
    count = shares.get("sessions over TLS", 0)
    with tally.timed("sessions over TLS", count):
        for number in range(count):
            role, data = drawn(seed + 1, number)
            await _noting(tally, "sessions over TLS", data, besieged.try_over_tls(role, data))
    count = shares.get("reports under a lease", 0)
    with tally.timed("reports under a lease", count):
        for number in range(count):
            data = drawn_reports(seed, number)
            await _noting(tally, "reports under a lease", data, besieged.try_reports(data))
    tally.growth_bytes = max(tally.growth_bytes, own_memory() - before)


def _in_tens(count: int) -> Iterator[range]:
    return (range(first, min(count, first + TOGETHER)) for first in range(0, count, TOGETHER))


async def _try_batch(besieged: Besieged, tally: Tally, sessions: list[tuple[str, bytes]]) -> None:
    """Together, and where that was a surprise one by one."""
    try:
        await besieged.try_in_memory(sessions)
    except Surprise as surprise:
        before = len(tally.findings)
        for role, data in sessions:
            await _noting(tally, f"sessions of a {role or 'stranger'}", data, besieged.try_in_memory([(role, data)]))
        if len(tally.findings) == before:
            tally.findings.append(Finding("sessions", b"", f"several together: {str(surprise)[:2000]}"))


async def _noting(tally: Tally, target: str, data: bytes, trying: Any) -> None:
    if sum(finding.target == target for finding in tally.findings) >= ENOUGH:
        trying.close()
        return
    try:
        await trying
    except Surprise as surprise:
        tally.findings.append(Finding(target, data, str(surprise)[:1000]))


def timed_out(*_: Any) -> None:
    """A signal ends it in order."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, timed_out)
    time.tzset()
    sys.exit(fuzzing())
