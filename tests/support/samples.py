"""A value for each column and bind by its type: a new table is filled and asked without a line."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Table
from sqlalchemy.types import TypeEngine

from openalgo_store import Transaction
from openalgo_store.tables.types import Finite, OneOf, PlainText, StrictJson, UTCDateTime, Whole
from tests.support.rows import MONDAY

ROWS = {"sqlite": 5_000, "postgresql": 20_000}
"""Of each table: so many that the engine takes an index rather than read them all."""
GROUPS: dict[str, Callable[[int], int]] = {
    "user_id": lambda number: number - number % 100,
    "broker": lambda number: number % 100,
}
"""Every hundredth user has a hundred rows; so has a broker; all else occurs once."""
RARE = 50
"""One flag in so many is False, and one word in so many is the first of its list."""


def sampler(name: str, kind: TypeEngine[Any]) -> Callable[[int], Any]:
    """What a column or a bind of this name and type holds, by the number of the row."""
    place = GROUPS.get(name, int)
    match kind:
        case OneOf(words=words):
            return lambda number: words[-1] if number % RARE else words[0]
        case PlainText(length=length):
            return lambda number: f"{name}{place(number)}"[-(length or 99) :]
        case Whole():
            return lambda number: place(number) + 1
        case Finite():
            return lambda number: place(number) + 0.5
        case Boolean():
            return lambda number: number % RARE != 0
        case UTCDateTime():
            return lambda number: MONDAY + timedelta(minutes=number)
        case Date():
            return lambda number: MONDAY.date() + timedelta(days=number)
        case JSON() | StrictJson():
            return lambda number: []
    raise NotImplementedError(f"{name}: say here what a {kind!r} holds")


def fill(tx: Transaction, table: Table, rows: int) -> None:
    """Rows that keep every rule of the table; of what may be NULL, half is."""
    names = [column.name for column in table.columns]
    values = [_values(column, rows) for column in table.columns]
    tx.copy(table, names, zip(*values, strict=True))


def _values(column: Column[Any], rows: int) -> list[Any]:
    sample = sampler(column.name, column.type)
    return [
        None if column.nullable and number // 2 % 2 else sample(number) for number in range(rows)
    ]
