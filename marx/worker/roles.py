"""
The three roles of a runner, and what it is told in each: pure.

    MAP       chunks of a map: the task's program and one function of it
    PROGRAM   on a seat: keeps the user's main program
    PORTION   chunks of the portions that a main program opened: what items see of it
"""

from __future__ import annotations

import os
import posixpath
from enum import Enum
from typing import Any, Callable

from marx.worker.assignments import LEGIBLE, PICKLED, Assignments
from marx.worker.bounds import Bounds
from marx.worker.openings import ProgramAssignments
from marx.worker.orders import PortionOrder, ProgramOrder, TaskOrder
from marx.worker.portions import Load
from marx.worker.recipes import CannotRun, Recipe
from marx.worker.tasks import KnownTask


class Role(Enum):
    """``value``: what the first frame calls it."""

    MAP = "map"
    PROGRAM = "program"
    PORTION = "portion"


def role_of(recipe: Recipe, load: Load, slot: int) -> Role:
    """What a runner of ``load`` does on a slot, or seat, of this number. Raises :class:`CannotRun` for what has no place there."""
    role = Role.PORTION if load.portion else Role.PROGRAM if recipe.kind == "run" else Role.MAP
    if (role is Role.PROGRAM) != (slot < 0):
        raise CannotRun(f"a {role.value} cannot run on {'slot' if slot >= 0 else 'seat'} {slot}")
    if role is Role.PORTION and recipe.kind != "run":
        raise CannotRun(f"a task of kind {recipe.kind!r} opens no portions")
    return role


def order_for(known: KnownTask, role: Role, place: Callable[[str], str], max_value: int, has_state: bool = False, bounds: Bounds = Bounds()) -> TaskOrder:
    """
    The first frame. ``place``: where the runner finds what is at a path of the caller's. ``max_value``: bytes of one result. ``has_state``:
    whether a portion's items see more than a plain program. ``bounds``: how much its items may take.
    """
    recipe = known.recipe
    fields: dict[str, Any] = {
        "task": recipe.task,
        "kind": role.value,
        "program": place(recipe.program) if recipe.program else None,
        "module": recipe.module,
        "function": recipe.function if role is Role.MAP else "",
        "cwd": place(recipe.cwd),
        "argv": list(recipe.argv),
        "roots": [place(root) for root in recipe.roots],
        "seed": recipe.seed,
        "limits": bounds.for_runner(),
        "max_value": max_value,
    }
    if role is Role.MAP:
        return TaskOrder(**fields)
    if role is Role.PORTION:
        return PortionOrder(**fields, state=has_state, folders=True)
    words = _words(recipe, fields["program"], fields["cwd"])
    return ProgramOrder(**fields, words=words, divide=recipe.divide, slots=known.slots, folders=True)


def assignments_for(order: TaskOrder, role: Role) -> Assignments:
    """What is looked at in what the runner says; empty."""
    roots, max_value = len(order.roots), order.max_value
    if role is Role.PROGRAM:
        return ProgramAssignments(roots, max_value)
    return Assignments(roots, max_value, PICKLED if role is Role.PORTION else LEGIBLE)


def _words(recipe: Recipe, program: str | None, cwd: str) -> list[str]:
    """What stands behind the interpreter: as it was typed, wherever that leads to the program."""
    first, *rest = recipe.argv
    if program is None:
        return ["-m", str(recipe.module), *rest]
    as_typed = posixpath.normpath(os.path.join(cwd, first))
    return [first if as_typed == program else program, *rest]
