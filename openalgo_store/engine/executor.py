"""The driver's cursor executes what is compiled: one function for each way to take its result.

Each is called with the driver's connection, a Compiled and the values to bind, by
TransactionState.perform, which translates what the driver raises. Each closes its cursor whatever
happens: a statement of SQLite that is left in the middle keeps the file locked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .compiled import Compiled

R = TypeVar("R")

_AT_ONCE = 500
"""Rows converted at a time. With 1000 it takes a tenth longer: the garbage collector, which in
CPython 3.11 runs at each 700 new objects, looks through their iterators. 5000 take a third longer:
they leave the processor's cache."""
_STREAMED = 1000
"""Rows that a stream asks for at a time."""

Values = Mapping[str, Any]


def fetch_two(driver: Any, compiled: Compiled[R], values: Values) -> list[R]:
    """The first record and, if there is one, the second."""
    cursor = driver.execute(compiled.sql, values, **compiled.options)
    try:
        return compiled.records(cursor, cursor.fetchmany(2))
    finally:
        cursor.close()


def fetch_value(driver: Any, compiled: Compiled[Any], values: Values) -> Any:
    """The first column of the first row, or None."""
    cursor = driver.execute(compiled.sql, values, **compiled.options)
    try:
        first = compiled.first(cursor, cursor.fetchmany(2))
        return None if first is None else first[0]
    finally:
        cursor.close()


def fetch_all(driver: Any, compiled: Compiled[R], values: Values) -> list[R]:
    """Every record."""
    cursor = driver.execute(compiled.sql, values, **compiled.options)
    try:
        found: list[R] = []
        while rows := cursor.fetchmany(_AT_ONCE):
            found += compiled.records(cursor, rows)
            if len(rows) < _AT_ONCE:
                break
        return found
    finally:
        cursor.close()


def count_affected(driver: Any, compiled: Compiled[Any], values: Values) -> int:
    """The number of rows that the statement wrote."""
    cursor = driver.execute(compiled.sql, values, **compiled.options)
    try:
        return int(cursor.rowcount)
    finally:
        cursor.close()


def count_affected_by_all(driver: Any, compiled: Compiled[Any], rows: Sequence[Values]) -> int:
    """The same for a statement that is executed once for each of these."""
    cursor = driver.cursor()
    try:
        cursor.executemany(compiled.sql, rows)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def open_stream(cursor: Any, compiled: Compiled[Any], values: Values) -> None:
    """Execute on a cursor that `next_records` reads."""
    cursor.execute(compiled.sql, values, **compiled.options)


def next_records(cursor: Any, compiled: Compiled[R]) -> list[R]:
    """The records that follow, none at the end."""
    return compiled.records(cursor, cursor.fetchmany(_STREAMED))
