"""
The second part: one program plainly, plainly again, and under Marx; and what that says.
"""

from __future__ import annotations

from tests.proofs.foreign.rows import Run
from tests.proofs.real_programs import Trial
from tests.proofs.ways import Way

#: Seconds that a program may take plainly; what takes longer is not compared.
PLAIN_SECONDS = 20.0


def run(trial: Trial, plainly: Way, marx: Way) -> Run:
    """How it compares. Only what ends well, and twice the same way, is held against Marx."""
    outcome, first = trial.tried(plainly, None)
    if outcome is None:
        return Run("takes long", (f"it does not end in {PLAIN_SECONDS:.0f} s",), first.seconds)
    if not first.same:
        return Run("fails", (last_line(first.found[0]),), first.seconds)
    _, again = trial.tried(plainly, outcome)
    plain = min(first.seconds, again.seconds)
    if not again.same:
        return Run("unlike itself", again.found[:1], plain)
    _, verdict = trial.tried(marx, outcome)
    return Run("same" if verdict.same else "different", verdict.found, plain, verdict.seconds)


def last_line(said: str) -> str:
    """Of a traceback, what went wrong."""
    return (said.strip().splitlines() or [""])[-1][:200]
