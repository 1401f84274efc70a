"""
The commands that steer a task: ``cancel``, ``hold``, ``release``, ``forget``.

Each takes an open session and returns the exit code.
"""

from __future__ import annotations

from marx.tasker.exits import NOT_TAKEN, OK, Trouble
from marx.tasker.session import Session
from marx.wire.tasker import CancelTask, ForgetEndedTask, HoldTask, ReleaseTask


async def cancel(session: Session, task: str) -> int:
    """``tasker cancel``: when its processes are gone."""
    answer = await session.connection.ask_until_answered(CancelTask, task=task)
    if answer["unreachable"]:
        raise Trouble(f"task {task} may still run on {', '.join(answer['unreachable'])}, which could not be reached", NOT_TAKEN)
    if answer["state"] == "ended":
        await session.screen.say(f"task {task} had ended before")
        return OK
    count = answer["processes"]
    await session.screen.say(f"task {task} is cancelled; {count} process{'' if count == 1 else 'es'} ended")
    return OK


async def hold(session: Session, task: str) -> int:
    """``tasker hold``: nothing new of it begins."""
    await session.connection.ask_until_answered(HoldTask, task=task)
    await session.screen.say(f"task {task} is held: what runs goes on, nothing new begins until tasker release {task}")
    return OK


async def release(session: Session, task: str) -> int:
    """``tasker release``: a held task goes on."""
    await session.connection.ask_until_answered(ReleaseTask, task=task)
    await session.screen.say(f"task {task} goes on")
    return OK


async def forget(session: Session, task: str) -> int:
    """``tasker forget``: nothing of it is kept."""
    await session.connection.ask(ForgetEndedTask, task=task)
    await session.screen.say(f"task {task} is forgotten: its output, results and files are gone")
    return OK
