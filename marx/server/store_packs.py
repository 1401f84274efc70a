"""
What is read of packs: items, results in the order of items or of commits, output; and how many items there are and are done.

Each function runs in a reading thread, in one transaction. Reading stops at a number of bytes, and gives one row at least. Payloads are read
in the order in which they are given and no further.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Integer, Select, Table, bindparam, cast, func, select

from marx.server.records import Counts, OutputRow, ResultRow
from marx.server.schema import items, outputs, results, tasks
from marx.wire.packs import ItemPack

#: Bytes that a row counts beside its payload.
ROW_BYTES = 100
#: No portion has a larger number.
LAST_PORTION = (1 << 63) - 1

_OF_TASK, _OF_PORTION = bindparam("of_task"), bindparam("of_portion")
_FROM_PORTION = bindparam("from_portion")
_AFTER_ROW, _FROM_ITEM, _TO_ITEM = bindparam("after_row"), bindparam("from_item"), bindparam("to_item")


def _columns(table: Table, record: Any) -> Select[Any]:
    return select(*(table.c[name] for name in record.__slots__)).where(table.c.task == _OF_TASK).execution_options(stream_results=True)


_of_portion = results.c.portion == _OF_PORTION
_holding = select(func.max(results.c.first)).where(results.c.task == _OF_TASK, _of_portion, results.c.first <= _FROM_ITEM)
_RESULTS_IN_ORDER = (
    _columns(results, ResultRow)
    .where(_of_portion, results.c.first >= func.coalesce(_holding.scalar_subquery(), _FROM_ITEM))
    .order_by(results.c.first)
)
_RESULTS_AFTER = _columns(results, ResultRow).where(results.c.row > _AFTER_ROW).order_by(results.c.row)
_OUTPUT_AFTER = _columns(outputs, OutputRow).where(outputs.c.row > _AFTER_ROW).order_by(outputs.c.row)
_OUTPUT_OF_ITEMS = (
    _columns(outputs, OutputRow)
    .where(outputs.c.portion == _OF_PORTION, outputs.c.first <= _TO_ITEM, outputs.c["last"] >= _FROM_ITEM)
    .order_by(outputs.c.row)
)
_OUTPUT_SIZE_OF_ITEMS = select(func.coalesce(func.sum(outputs.c.size_bytes), 0)).where(
    outputs.c.task == _OF_TASK, outputs.c.portion == _OF_PORTION, outputs.c.first <= _TO_ITEM, outputs.c["last"] >= _FROM_ITEM
)
_OUTPUT_OF_ITEM_AFTER = _OUTPUT_OF_ITEMS.where(outputs.c.row > _AFTER_ROW)
_OUTPUT_BACKWARDS = select(outputs.c.row, outputs.c.size_bytes).where(outputs.c.task == _OF_TASK).order_by(outputs.c.row.desc())
_OUTPUT_BYTES = select(func.coalesce(func.sum(outputs.c.size_bytes), 0)).where(outputs.c.task == _OF_TASK)

_ITEM_FIRSTS = (
    select(items.c.first)
    .where(items.c.task == _OF_TASK, items.c.portion == _OF_PORTION, items.c["count"] > 0)
    .order_by(items.c.first)
)
_ITEM_WEIGHTS = _ITEM_FIRSTS.add_columns(func.length(items.c.payload)).where(items.c.payload.is_not(None))
_ITEM_PACK = select(items.c.first, items.c["count"], items.c.codec, items.c.payload, items.c.args, items.c.blob).where(
    items.c.task == _OF_TASK, items.c.portion == _OF_PORTION, items.c.first == _FROM_ITEM, items.c["count"] > 0
)
_TOTALS = (
    select(items.c.portion, func.max(items.c.first + items.c["count"]), func.max(cast(items.c.final, Integer)))
    .where(items.c.task == _OF_TASK, items.c.portion <= bindparam("last"))
    .group_by(items.c.portion)
)
_DONE = select(func.coalesce(func.sum(results.c["count"]), 0), func.coalesce(func.sum(results.c.failed_count), 0)).where(
    results.c.task == _OF_TASK, results.c.portion >= _FROM_PORTION
)
_KIND = select(tasks.c.kind).where(tasks.c.id == _OF_TASK)


def item_firsts(connection: Connection, task: str, portion: int) -> list[int]:
    """Where the item packs of a portion begin, in order."""
    return list(connection.execute(_ITEM_FIRSTS, {"of_task": task, "of_portion": portion}).scalars())


def item_weights(connection: Connection, task: str, portion: int) -> list[tuple[int, int]]:
    """Where the item packs of a portion begin that lie in the database, in order, and how many bytes each has."""
    rows = connection.execute(_ITEM_WEIGHTS, {"of_task": task, "of_portion": portion})
    return [(first, weight) for first, weight in rows]


def item_pack(connection: Connection, task: str, portion: int, first: int) -> ItemPack | None:
    """The item pack that begins at ``first``, None where none does."""
    row = connection.execute(_ITEM_PACK, {"of_task": task, "of_portion": portion, "from_item": first}).first()
    return row and ItemPack(row.first, row[1], row.codec, row.payload or b"", tuple(json.loads(row.args)), row.blob)


def totals(connection: Connection, task: str, last: int = LAST_PORTION) -> dict[int, tuple[int, bool]]:
    """Of each portion up to ``last``: how many items are known, and whether that is all of them."""
    return {portion: (known, bool(final)) for portion, known, final in connection.execute(_TOTALS, {"of_task": task, "last": last})}


def counted(connection: Connection, task: str) -> Counts:
    """
    The items of a task, all portions together, counted from its rows; a portion that nothing is known of is not final.

    Of a program only the portions that it opened count, not its own run.
    """
    is_run = connection.execute(_KIND, {"of_task": task}).scalar() == "run"
    known = [total for portion, total in totals(connection, task).items() if portion or not is_run]
    done, failed = connection.execute(_DONE, {"of_task": task, "from_portion": int(is_run)}).one()
    final = is_run or bool(known) and all(final for _, final in known)
    return Counts(sum(count for count, _ in known), final, int(done), int(failed))


def results_in_order(connection: Connection, task: str, portion: int, first: int, limit_bytes: int) -> list[ResultRow]:
    """
    Results of a portion from item ``first`` on, in order and without a gap, up to the first item that has none.

    A row that begins before ``first`` is given from there.
    """
    place = {"of_task": task, "of_portion": portion, "from_item": first}
    with connection.execute(_RESULTS_IN_ORDER, place) as rows:
        return list(_limited(_without_gap((ResultRow(*row) for row in rows), first), limit_bytes))


def results_after(connection: Connection, task: str, row: int, limit_bytes: int) -> list[ResultRow]:
    """Results of all portions in the order in which they were stored, behind ``row``."""
    with connection.execute(_RESULTS_AFTER, {"of_task": task, "after_row": row}) as rows:
        return list(_limited((ResultRow(*row) for row in rows), limit_bytes))


def output_after(connection: Connection, task: str, row: int, limit_bytes: int) -> list[OutputRow]:
    """Output in the order in which it was stored, behind ``row``."""
    with connection.execute(_OUTPUT_AFTER, {"of_task": task, "after_row": row}) as rows:
        return list(_limited((OutputRow(*row) for row in rows), limit_bytes))


def output_of_items(connection: Connection, task: str, portion: int, first: int, last: int) -> list[OutputRow]:
    """Output packs that touch items ``first`` to ``last``, both included, in the order in which they were stored."""
    place = {"of_task": task, "of_portion": portion, "from_item": first, "to_item": last}
    return [OutputRow(*row) for row in connection.execute(_OUTPUT_OF_ITEMS, place)]


def output_size_of_items(connection: Connection, task: str, portion: int, first: int, last: int) -> int:
    """Bytes of the output packs that touch items ``first`` to ``last``, both included."""
    place = {"of_task": task, "of_portion": portion, "from_item": first, "to_item": last}
    return int(connection.execute(_OUTPUT_SIZE_OF_ITEMS, place).scalar_one())


def output_of_item_after(connection: Connection, task: str, portion: int, item: int, row: int, limit_bytes: int) -> list[OutputRow]:
    """Output packs that touch one item, in the order in which they were stored, behind ``row``."""
    place = {"of_task": task, "of_portion": portion, "from_item": item, "to_item": item, "after_row": row}
    with connection.execute(_OUTPUT_OF_ITEM_AFTER, place) as rows:
        return list(_limited((OutputRow(*row) for row in rows), limit_bytes))


def output_tail(connection: Connection, task: str, tail_bytes: int) -> int:
    """The row behind which at least the last ``tail_bytes`` of output stand; 0 where that is all of it."""
    with connection.execute(_OUTPUT_BACKWARDS.execution_options(stream_results=True), {"of_task": task}) as rows:
        for row, size in rows:
            if tail_bytes <= 0:
                return row
            tail_bytes -= size
    return 0


def output_bytes(connection: Connection, task: str) -> int:
    """How much output is stored of a task."""
    return int(connection.execute(_OUTPUT_BYTES, {"of_task": task}).scalar_one())


def _without_gap(rows: Iterable[ResultRow], first: int) -> Iterator[ResultRow]:
    for row in rows:
        if not row.first <= first < row.first + row.count:
            return
        yield row if row.first == first else row.from_item(first)
        first = row.first + row.count


def _limited(rows: Iterable[Any], limit_bytes: int) -> Iterator[Any]:
    for row in rows:
        yield row
        limit_bytes -= ROW_BYTES + len(row.payload or b"")
        if limit_bytes <= 0:
            return
