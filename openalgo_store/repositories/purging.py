"""Retention: what is old goes in small transactions, with room for writers between them."""

from datetime import datetime
from time import monotonic, sleep

from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, literal, select, true

from ..engine.queries import Query
from ..engine.transaction import Transaction
from ..sessions import reading, writing
from ..tables.types import Whole
from ..values.arguments import one_or_more
from ..values.days import check_moment

BATCH = 1000
"""Rows in one transaction: a few milliseconds that a writer may have to wait."""


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
    if dry_run:
        with reading(database, tx) as session:
            counted = select(func.count()).select_from(table).where(moment < before)
            return session.value(Query.of(counted, int)) or 0
    purged, row_id = 0, table.c.id
    left: ColumnElement[bool] = true()
    while True:
        began = monotonic()
        with writing(database, tx) as session:
            in_order = select(moment, row_id).where(left, moment < before)
            before_it = literal(batch_size - 1, Whole)  # a plain number is taken for one of 32 bits
            nth = in_order.order_by(moment, row_id).offset(before_it).limit(1)
            last = session.one(Query.of(nth, tuple))
            # By moments, not by ids: for those PostgreSQL would read a small table whole each
            # time. And by one upper bound: of two SQLite may take the wrong one.
            if last is None:
                ends = [moment < before]
            else:
                ends = [moment < last[0], and_(moment == last[0], row_id <= last[1])]
            for end in ends:
                purged += session.run(Query.of(delete(table).where(left, end)))
        if last is None:
            return purged
        left = moment >= last[0]  # dead rows are not looked through again
        if tx is None:
            sleep(monotonic() - began)
