"""Rows as a file holds them: values that are of no column's type, and the ids it has given."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Double, Integer, Table, func, select
from sqlalchemy import String as Text
from sqlalchemy.types import TypeDecorator

from ...tables.types import StrictJson

_OF_A_VALUE = re.compile(r"(NULL|NUMERIC|TEXT|non-\w+) value in |CHECK constraint failed ")
"""What it says of values, without telling of which row: odd_values does."""
_BROKEN_TEXT = "holds_broken_text"
_FRACTION = f".{'[0-9]' * 6}"


def odd_values(driver: sqlite3.Connection, table: Table) -> Iterator[tuple[str, str]]:
    """Why a row cannot be one of the table's, and the condition that is true of such a row.

    The conditions hold for this connection. It gets the function that they call.
    """
    texts = [each.name for each in table.columns if _kind(each) in (Text, StrictJson)]
    are_plain = not texts or _are_plain(driver, table, texts)
    if not are_plain:
        driver.create_function(_BROKEN_TEXT, -1, _holds_broken_text, deterministic=True)
        values = ", ".join(
            f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in texts
        )
        yield "a text is not UTF-8", f"{_BROKEN_TEXT}({values})"
    for column in table.columns:
        if not column.nullable:  # IS NULL is never asked of a column that is declared so
            yield f"{column.name} is missing", f"typeof({column.name}) = 'null'"
        if _kind(column) is Text and are_plain:
            continue
        for what, condition in _RULES[_kind(column)](column.name):
            yield f"{column.name} {what}", condition


def _kind(column: Column[Any]) -> type[Any]:
    kind = column.type
    if isinstance(kind, StrictJson):
        return StrictJson
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return next(each for each in _RULES if isinstance(plain, each))


def _are_plain(driver: sqlite3.Connection, table: Table, texts: Sequence[str]) -> bool:
    """Whether all are texts that the driver reads, without NUL.

    To read them takes a third of the time that it takes to ask each.
    """
    cursor = driver.execute(str(select(*(table.c[name] for name in texts))))
    try:
        while rows := cursor.fetchmany(1_000):
            given = [each for each in chain.from_iterable(rows) if each is not None]
            if "\0" in "".join(given):
                return False
    except (sqlite3.OperationalError, UnicodeDecodeError, TypeError):
        return False
    finally:
        cursor.close()
    return True


def _holds_broken_text(*values: bytes | None) -> bool:
    try:
        for value in values:
            if value is not None:
                value.decode()
    except UnicodeDecodeError:
        return True
    return False


def _is_no_integer(name: str) -> str:
    return f"typeof({name}) <> 'integer' AND typeof({name}) <> 'null'"


def _of_integers(name: str) -> Iterator[tuple[str, str]]:
    yield "is not a whole number", _is_no_integer(name)


def _of_doubles(name: str) -> Iterator[tuple[str, str]]:
    """Texts and blobs are greater than every number."""
    yield "is not a number", f"{name} >= ''"
    yield "is infinite", f"abs({name}) = 9e999"


def _of_flags(name: str) -> Iterator[tuple[str, str]]:
    yield "is neither 0 nor 1", f"{_is_no_integer(name)} OR {name} NOT IN (0, 1)"


def _of_texts(name: str) -> Iterator[tuple[str, str]]:
    yield "is not text", f"typeof({name}) NOT IN ('text', 'null')"
    yield "holds a NUL character", f"instr({name}, char(0)) > 0"


def _of_moments(name: str) -> Iterator[tuple[str, str]]:
    """A modifier makes SQLite see that there is no 30 February; it would round a fraction.

    GLOB ends at a NUL character.
    """
    second = f"substr({name}, 1, 19)"
    yield (
        "is not a moment",
        f"{name} NOT BETWEEN '0001-01-01' AND '9999-12-31 24' "
        f"OR datetime({second}, '+0 days') IS NOT {second} "
        f"OR substr({name}, 20) NOT GLOB '{_FRACTION}' OR instr({name}, char(0)) > 0",
    )


def _of_days(name: str) -> Iterator[tuple[str, str]]:
    yield "is not a date", f"{name} < '0001-01-01' OR date({name}, '+0 days') IS NOT {name}"


def _of_json(name: str) -> Iterator[tuple[str, str]]:
    yield (
        "is not JSON",
        f"CASE typeof({name}) WHEN 'null' THEN FALSE WHEN 'text' THEN CASE WHEN json_valid({name}) "
        f"THEN json_type({name}) IN ('integer', 'real') ELSE TRUE END ELSE TRUE END",
    )


_RULES: dict[type[Any], Callable[[str], Iterator[tuple[str, str]]]] = {
    StrictJson: _of_json,
    Boolean: _of_flags,
    Integer: _of_integers,
    Double: _of_doubles,
    DateTime: _of_moments,
    Date: _of_days,
    Text: _of_texts,
}


def storage_faults(driver: sqlite3.Connection) -> Iterator[str]:
    """What SQLite says of its pages and indexes."""
    for (line,) in driver.execute("PRAGMA integrity_check"):
        for what in line.splitlines():
            if what != "ok" and not _OF_A_VALUE.match(what):
                yield what


def last_number(driver: sqlite3.Connection, table: Table) -> int:
    """The highest id that a row of the table has, or had where that is kept."""
    found = driver.execute(str(select(func.max(table.c.id)))).fetchone()[0] or 0
    if _is_counted(table):
        kept = driver.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
        found = max(found, *(number for (number,) in kept), 0)
    return int(found)


def continue_after(driver: sqlite3.Connection, table: Table, number: int) -> None:
    """Give no new row an id up to this one, where the table keeps count."""
    if _is_counted(table):
        driver.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        driver.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, number))


def _is_counted(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])
