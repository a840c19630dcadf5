"""Retention: what is old goes in small transactions, with room for writers between them."""

from datetime import datetime
from time import monotonic, sleep

from sqlalchemy import Column, Table, delete, func, select

from .errors import InvalidInput
from .queries import Query
from .store import reading, writing
from .transaction import Transaction

BATCH = 1000
"""Rows in one transaction: some ten milliseconds that a writer may have to wait."""


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

    A batch, the oldest first, is a transaction of its own, and after each the purge rests as long
    as that took. What was deleted stays deleted if it is interrupted. With `tx` all is one
    session, without a rest. A dry run counts and deletes nothing. InvalidInput for a naive
    `before`.
    """
    if batch_size < 1:
        raise InvalidInput("batch_size must be 1 or more")
    if dry_run:
        with reading(database, tx) as session:
            old = select(func.count()).select_from(table).where(moment < before)
            return session.value(Query.of(old, int)) or 0
    purged, after = 0, None
    while True:
        began = monotonic()
        with writing(database, tx) as session:
            gone = session.all(_oldest(table, moment, before, after, batch_size))
        if not gone:
            return purged
        purged += len(gone)
        after = max(gone)
        if tx is None:
            sleep(monotonic() - began)


def _oldest(
    table: Table,
    moment: Column[datetime],
    before: datetime,
    after: datetime | None,
    batch_size: int,
) -> Query[datetime]:
    """Deletes a batch and returns the moments of its rows.

    `after` is where the last batch ended: PostgreSQL would look through its dead rows again.
    """
    oldest = select(table.c.id).where(moment < before).order_by(moment).limit(batch_size)
    if after is not None:
        oldest = oldest.where(moment >= after)
    return Query.of(delete(table).where(table.c.id.in_(oldest)).returning(moment), datetime)
