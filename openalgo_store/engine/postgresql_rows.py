"""Rows as a server holds them: values that no column of the store has, and the ids it has given."""

from collections.abc import Iterator
from typing import Any

from psycopg import errors, sql
from sqlalchemy import Date, DateTime, Double, Table
from sqlalchemy.types import TypeDecorator

from ..tables.types import StrictJson

_HAS_AMCHECK = "SELECT count(*) > 0 FROM pg_extension WHERE extname = 'amcheck'"
_NO_MOMENT = """
NOT ({0} >= '0001-01-01 00:00+00' AND {0} < '10000-01-01 00:00+00'
AND {0}::timestamp >= '0001-01-01' AND {0}::timestamp < '10000-01-01')
"""
"""In UTC, or in the zone of the session, in which the driver reads it."""
_INDEXES = """
SELECT i.indexrelid::regclass::text, i.indisvalid
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS a ON a.oid = c.relam
WHERE c.relnamespace = current_schema()::regnamespace AND a.amname = 'btree'
ORDER BY 1
"""


def odd_values(driver: Any, table: Table) -> Iterator[tuple[str, str]]:
    """Why a row cannot be one of the table's, and the condition that is true of such a row."""
    driver.execute("SET LOCAL jit = off")  # to compile so many conditions takes seconds
    for column in table.columns:
        kind, name = column.type, column.name
        plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
        if not column.nullable:
            yield f"{name} is missing", f"{name} IS NULL"
        if isinstance(kind, StrictJson):
            yield f"{name} is not JSON", f"json_typeof({name}) = 'number'"
        elif isinstance(plain, Double):
            yield f"{name} is not a number", f"{name} = 'NaN'"
            yield f"{name} is infinite", f"{name} IN ('infinity', '-infinity')"
        elif isinstance(plain, DateTime):
            yield f"{name} is not a moment", _NO_MOMENT.format(name)
        elif isinstance(plain, Date):
            yield (
                f"{name} is not a date",
                f"NOT ({name} >= '0001-01-01' AND {name} <= '9999-12-31')",
            )


def storage_faults(driver: Any) -> Iterator[str]:
    """Indexes that are not whole, and where the extension amcheck is there what it finds."""
    has_amcheck = driver.execute(_HAS_AMCHECK).fetchone()[0]
    for name, is_valid in driver.execute(_INDEXES).fetchall():
        if not is_valid:
            yield f"the index {name} is not valid"
        elif has_amcheck:
            yield from _index_fault(driver, name)


def _index_fault(driver: Any, name: str) -> Iterator[str]:
    """What amcheck says of an index, in a part of the transaction that it may end by an error."""
    try:
        with driver.transaction():
            driver.execute("SELECT bt_index_check(%s::regclass)", (name,))
    except errors.IndexCorrupted as error:
        yield f"the index {name}: {error.diag.message_primary}"


def last_number(driver: Any, table: Table) -> int:
    """The highest id that the table has given, or has: one that was restored may not count it."""
    found = driver.execute(
        sql.SQL(
            "SELECT greatest("
            "coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass), 0), "
            "(SELECT max(id) FROM {}))"
        ).format(sql.Identifier(table.name)),
        (table.name,),
    ).fetchone()
    return int(found[0])


def continue_after(driver: Any, table: Table, number: int) -> None:
    """Give no new row an id up to this one."""
    driver.execute(
        "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, %s)",
        (table.name, max(number, 1), number > 0),
    )
