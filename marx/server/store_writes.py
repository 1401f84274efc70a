"""
The connection that writes: rows are gathered by table and inserted together.

Inserts do not see each other, so those of a transaction are sorted by table; the order within a table is that of the writes. A write that
changes a row waits until they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Double, Engine, String, and_, bindparam, false, func, select, true

from marx.server import schema
from marx.server.audit_records import DropAuditLines
from marx.server.keeping_records import ClearRows, DropMemories, ForgetTask, GiveBackPages, TaskCleared, TaskSize
from marx.server.program_records import PortionDropped, TaskExit, TaskHeld, TaskSpent
from marx.server.records import ENDED_STATES, TaskState, Write, WriteRefused
from marx.server.store_engine import failed, write_failed
from marx.server.store_rows import INSERTS, UPSERTS, Row, plain_text
from marx.server.store_keeping import KEPT
from marx.server.store_packs import counted

#: Rows gathered before they are inserted: enough that a statement costs little, few enough that the time they took is noticed.
GATHERED_ROWS = 256
#: Bytes that a row counts beside its payload.
ROW_BYTES = 100

_OF_TASK = schema.tasks.update().where(schema.tasks.c.id == bindparam("of_task"))
_CHANGE_STATE = _OF_TASK.values(
    state=bindparam("state"),
    reason=bindparam("reason"),
    exit_code=func.coalesce(bindparam("exit_code"), schema.tasks.c.exit_code),
    started_utc=func.coalesce(schema.tasks.c.started_utc, bindparam("started_utc")),
)
_END = _OF_TASK.values({name: bindparam(name) for name in ("ended_utc", "known", "final", "done", "failed")})
_EXIT = _OF_TASK.values(exit_code=bindparam("exit_code"))
_HOLD = _OF_TASK.values(held=bindparam("held"))
_SPENT = _OF_TASK.values(spent_seconds=bindparam("seconds"))
_DROP = (
    schema.portions.update()
    .where(schema.portions.c.task == bindparam("of_task"), schema.portions.c.portion == bindparam("of_portion"))
    .values(dropped=True)
)
_is_ended = and_(schema.tasks.c.id == bindparam("of_task"), schema.tasks.c.ended_utc.is_not(None))
_FORGET = schema.tasks.delete().where(_is_ended)
_MEMORY = select(
    *(schema.tasks.c[name] for name in ("id", "user", "name")), bindparam("reason", type_=String), bindparam("at_utc", type_=Double), false()
).where(_is_ended)
_REMEMBER = schema.forgotten.insert().from_select(["task", "user", "name", "reason", "forgotten_utc", "cleared"], _MEMORY)
_OF_FORGOTTEN = schema.forgotten.c.task == bindparam("of_task")
_CLEARED = schema.forgotten.update().where(_OF_FORGOTTEN).values(cleared=true())
_CLEAR = {
    name: kept.table.delete().where(kept.table.c.task == bindparam("of_task"), kept.key == bindparam("of_row")) for name, kept in KEPT.items()
}


class Writes:
    """
    One transaction after the other, in the thread that made this.

    Everything may raise :class:`marx.server.records.StoreFailed`, and what saves also :class:`WriteRefused`; then it must be rolled back.
    """

    def __init__(self, engine: Engine) -> None:
        # After a failure those in the pool may be as bad as the one that failed.
        engine.dispose()
        try:
            self._connection = engine.connect()
        except Exception as error:
            raise failed(error, "opened") from error
        self._statements = {kind: insert.statement(self._connection) for kind, insert in INSERTS.items()}
        self._gathered: dict[type, list[Row]] = {}
        self._gathered_rows = 0

    def save(self, writes: Sequence[Write]) -> int:
        """Take the writes of one call; about how many bytes they are. At the commit at the latest they are in the database."""
        try:
            size = sum(map(self._take, writes))
            if self._gathered_rows >= GATHERED_ROWS:
                self._insert_gathered()
        except Exception as error:
            raise write_failed(error) from error
        return size

    def save_alone(self, writes: Sequence[Write]) -> None:
        """Take the writes of one call or nothing of them: after :class:`WriteRefused` the transaction can go on."""
        try:
            with self._connection.begin_nested():
                self.save(writes)
                self._insert_gathered()
        except Exception as error:
            self._forget_gathered()
            raise write_failed(error) from error

    def commit(self) -> None:
        """Make all that was saved durable."""
        try:
            self._insert_gathered()
            self._connection.commit()
        except Exception as error:
            raise write_failed(error) from error

    def rollback(self) -> None:
        """Forget what was saved since the last commit."""
        self._forget_gathered()
        try:
            self._connection.rollback()
        except Exception as error:
            raise failed(error, "written") from error

    def close(self) -> None:
        """Let go of the connection in whatever state it is, and of what was not committed."""
        self._connection.invalidate()
        self._connection.close()

    def _take(self, write: Write) -> int:
        insert = INSERTS.get(type(write))
        if insert is None:
            self._insert_gathered()
            self._change(write)
            return ROW_BYTES
        self._gathered.setdefault(type(write), []).append(insert.values(write))
        self._gathered_rows += 1
        return ROW_BYTES + len(getattr(write, "payload", None) or b"")

    def _insert_gathered(self) -> None:
        gathered = self._gathered
        self._forget_gathered()
        for kind, rows in gathered.items():
            self._connection.exec_driver_sql(self._statements[kind], rows)

    def _forget_gathered(self) -> None:
        self._gathered = {}
        self._gathered_rows = 0

    def _change(self, write: Write) -> None:
        change = _CHANGES.get(type(write))
        if change is not None:
            change(self, write)
            return
        upsert = UPSERTS[type(write)]
        done = self._connection.exec_driver_sql(upsert.statement(self._connection), upsert.values(write))
        if not done.rowcount:
            raise WriteRefused(f"{upsert.table.name}: what is kept is further on than this")

    def _change_state(self, change: TaskState) -> None:
        values = {"state": change.state, "reason": plain_text(change.reason), "exit_code": change.exit_code}
        started_utc = change.at_utc if change.state == "running" else None
        if not self._connection.execute(_CHANGE_STATE, {"of_task": change.task, "started_utc": started_utc, **values}).rowcount:
            raise WriteRefused(f"there is no task {change.task!r} to be {change.state}")
        if change.state in ENDED_STATES:
            counts = counted(self._connection, change.task)
            end = {"known": counts.known, "final": counts.final, "done": counts.done, "failed": counts.failed}
            self._connection.execute(_END, {"of_task": change.task, "ended_utc": change.at_utc, **end})

    def _exit(self, write: TaskExit) -> None:
        self._connection.execute(_EXIT, {"of_task": write.task, "exit_code": write.exit_code})

    def _hold(self, write: TaskHeld) -> None:
        self._connection.execute(_HOLD, {"of_task": write.task, "held": write.held})

    def _spent(self, write: TaskSpent) -> None:
        self._connection.execute(_SPENT, {"of_task": write.task, "seconds": write.seconds})

    def _drop(self, write: PortionDropped) -> None:
        self._connection.execute(_DROP, {"of_task": write.task, "of_portion": write.portion})

    def _forget(self, write: ForgetTask) -> None:
        # Ids are drawn at random: one that was there before must not keep this one from being forgotten.
        self._connection.execute(schema.forgotten.delete().where(_OF_FORGOTTEN), {"of_task": write.task})
        self._connection.execute(_REMEMBER, {"of_task": write.task, "reason": write.reason, "at_utc": write.at_utc})
        if not self._connection.execute(_FORGET, {"of_task": write.task}).rowcount:
            raise WriteRefused(f"there is no task {write.task!r} that has ended")

    def _clear(self, write: ClearRows) -> None:
        self._connection.execute(_CLEAR[write.table], [{"of_task": write.task, "of_row": key} for key in write.keys])

    def _cleared(self, write: TaskCleared) -> None:
        self._connection.execute(_CLEARED, {"of_task": write.task})

    def _drop_memories(self, write: DropMemories) -> None:
        memories = schema.forgotten.delete().where(schema.forgotten.c.cleared, schema.forgotten.c.forgotten_utc < write.before_utc)
        self._connection.execute(memories)

    def _give_back(self, write: GiveBackPages) -> None:
        if self._connection.dialect.name == "sqlite":
            # The driver takes one step of a statement without columns, and a step is a page.
            for _ in range(write.count):
                self._connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")

    def _measured(self, write: TaskSize) -> None:
        self._connection.execute(_OF_TASK.values(size_bytes=write.size_bytes), {"of_task": write.task})


    def _drop_audit_lines(self, write: DropAuditLines) -> None:
        self._connection.execute(schema.audit.delete().where(schema.audit.c.at_utc < write.before_utc))


_CHANGES: dict[type, Callable[[Writes, Any], None]] = {
    TaskState: Writes._change_state,
    TaskExit: Writes._exit,
    TaskHeld: Writes._hold,
    TaskSpent: Writes._spent,
    PortionDropped: Writes._drop,
    ForgetTask: Writes._forget,
    ClearRows: Writes._clear,
    TaskCleared: Writes._cleared,
    DropMemories: Writes._drop_memories,
    GiveBackPages: Writes._give_back,
    TaskSize: Writes._measured,
    DropAuditLines: Writes._drop_audit_lines,
}
