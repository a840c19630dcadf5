"""Retention: what is old goes in small transactions, with room for writers between them."""

from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Table, bindparam, delete, func, select, true

from ..engine.queries import Query
from ..engine.transaction import Transaction
from ..sessions import reading, writing
from ..tables.types import Whole
from ..threads import sleep
from ..values.arguments import one_or_more, true_or_false
from ..values.days import check_moment

BATCH = 1000
"""Rows in one transaction: a few milliseconds that a writer may have to wait."""


class _Purge(NamedTuple):
    """What a purge asks of a table; `nth` gives the moment and the id of a row, in that order."""

    count_older: Query[int]
    nth: Query[Any]
    delete_older: Query[None]
    delete_at: Query[None]


@cache
def _purge_of(table: Table, moment: Column[datetime], *, goes_on: bool) -> _Purge:
    """Its statements, by an index of `moment`; one that goes on begins at `begin`.

    By moments, not by ids: for those PostgreSQL would read a small table whole each time. And by
    one upper bound: of two SQLite may take the wrong one.
    """
    row_id, at = table.c.id, moment.type
    left: ColumnElement[bool] = moment >= bindparam("begin", type_=at) if goes_on else true()
    older = moment < bindparam("before", type_=at)
    in_order = select(moment, row_id).where(left, older).order_by(moment, row_id)
    offset = bindparam("row_offset", type_=Whole)  # a plain number is taken for one of 32 bits
    up_to = moment == bindparam("at", type_=at), row_id <= bindparam("last_id", type_=Whole)
    return _Purge(
        Query.of(select(func.count()).select_from(table).where(older), int),
        Query.of(in_order.offset(offset).limit(1), tuple),
        Query.of(delete(table).where(left, older)),
        Query.of(delete(table).where(left, *up_to)),
    )


def purge_rows(
    database: str,
    table: Table,
    moment: Column[datetime],
    before: datetime,
    *,
    batch_size: int = BATCH,
    dry_run: bool = False,
    tx: Transaction | None = None,
) -> int:
    """Delete the rows whose `moment`, an indexed column, is before that; how many.

    A batch, the oldest first and rows of one moment by their ids, is a transaction of its own, and
    after each the purge rests as long as that took. What was deleted stays deleted if it is
    interrupted. With `tx` all is one session, without a rest. A dry run counts and deletes
    nothing. InvalidInput for a naive `before`.
    """
    before, batch_size = check_moment(before), one_or_more("batch_size", batch_size)
    if true_or_false("dry_run", dry_run):
        with reading(database, tx) as session:
            purge = _purge_of(table, moment, goes_on=False)
            return session.value(purge.count_older, before=before) or 0
    purged = 0
    left: dict[str, datetime] = {}
    while True:
        began = monotonic()
        purge = _purge_of(table, moment, goes_on=bool(left))
        with writing(database, tx) as session:
            last = session.one(purge.nth, **left, before=before, row_offset=batch_size - 1)
            if last is None:
                return purged + session.run(purge.delete_older, **left, before=before)
            at, last_id = last
            purged += session.run(purge.delete_older, **left, before=at)
            purged += session.run(purge.delete_at, **left, at=at, last_id=last_id)
        left = {"begin": at}  # dead rows are not looked through again
        if tx is None:
            sleep(monotonic() - began)
