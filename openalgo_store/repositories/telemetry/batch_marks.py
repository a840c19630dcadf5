"""Marks of batches in the database: a batch and its mark are committed together, or neither."""

from datetime import datetime, timedelta

from sqlalchemy import Table

from ...background.marks import Mark
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...tables.types import UTCDateTime
from ...values import clock

_STAY = timedelta(days=1)
"""Marks younger than this are not forgotten: a writer may still ask for them."""


class BatchMarks:
    """The marks of one database, in its table of writers."""

    def __init__(self, writers: Table) -> None:
        kind = writers.name.removesuffix("writers")
        sql = SqlFile("telemetry/batch_marks.sql", writers, kind=kind)
        self._claim = sql.command("claim_batch_mark")
        self._forget = sql.command("forget_batch_marks", before=UTCDateTime())

    def claim(self, tx: Transaction, mark: Mark) -> bool:
        """Leave the mark of a batch in the transaction that writes it; False: it is committed."""
        return tx.run(self._claim, **mark._asdict(), written_at=clock.now()) > 0

    def forget(self, tx: Transaction, before: datetime) -> None:
        """Forget the processes that wrote nothing since then, nor in the last day."""
        tx.run(self._forget, before=min(before, clock.now() - _STAY))
