"""Many rows at once: tuples straight to the driver, written out as the column types would."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, Table, column
from sqlalchemy import table as lightweight_table
from sqlalchemy.engine import Dialect

from ...records import Row
from ...tables.types import StrictJson, UTCDateTime, stored_moment


def insert_rows(
    driver: sqlite3.Connection,
    dialect: Dialect,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Row],
) -> int:
    """Insert checked rows; how many."""
    in_this_order = lightweight_table(table.name, *map(column, columns))
    statement = str(in_this_order.insert().compile(dialect=dialect))
    return driver.executemany(statement, _stored(dialect, table, columns, rows)).rowcount


def _stored(
    dialect: Dialect, table: Table, columns: Sequence[str], rows: Iterable[Row]
) -> Iterator[list[Any]]:
    """The rows as SQLite keeps them: dates, moments and JSON as text.

    Moments are written out here, as UTCDateTime does several times slower.
    """
    kinds = list(enumerate(table.c[name].type for name in columns))
    moments = [place for place, kind in kinds if isinstance(kind, UTCDateTime)]
    others = [
        (place, _writer(kind, dialect))
        for place, kind in kinds
        if isinstance(kind, (Date, StrictJson))
    ]
    last: datetime | None = None  # many rows may share one
    text: str | None = None
    for row in rows:
        values = list(row)
        for place in moments:
            if (moment := values[place]) is not last:
                last = moment
                text = moment and stored_moment(moment)
            values[place] = text
        for place, write in others:
            if values[place] is not None:
                values[place] = write(values[place])
        yield values


def _writer(kind: Any, dialect: Dialect) -> Callable[[Any], Any]:
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    return process if isinstance(kind, StrictJson) else lru_cache(4096)(process)
