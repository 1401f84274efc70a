"""What the core refuses, as classes that carry the facts. None of these is a peer's doing."""

from __future__ import annotations


class CoreError(Exception):
    """The base of what the core raises: always a mistake of the code that called it."""


class IllegalTransition(CoreError):
    """A step that the state does not allow; nothing was changed."""

    def __init__(self, state: str, step: str, allowed: tuple[str, ...]) -> None:
        self.state = state
        self.step = step
        self.allowed = allowed
        possible = ", ".join(allowed) or "nothing: it has ended"
        super().__init__(f"{str(step)!r} cannot happen in state {str(state)!r}; possible is {possible}")


class UnknownTask(CoreError, KeyError):
    """The scheduler does not remember this task; the store may."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(task)

    def __str__(self) -> str:
        return f"the scheduler does not know a task {self.task!r}"


class TaskExists(CoreError):
    """A task was submitted or restored twice under one id."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"there is a task {task!r} already")
