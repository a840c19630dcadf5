"""A value for each column and bind by its type: a new table is filled and asked without a line."""

from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Table
from sqlalchemy.types import TypeEngine

from openalgo_store import Transaction
from openalgo_store.tables.types import Finite, OneOf, PlainText, StrictJson, UTCDateTime, Whole
from tests.support.rows import MONDAY

ROWS = 20_000
GROUPS = {"user_id": lambda number: number - number % 100, "broker": lambda number: number % 100}
"""Every hundredth user has a hundred rows; so has a broker; all else occurs once."""
RARE = 50
"""One flag in so many is False, and one word in so many is the first of its list."""


def value(name: str, kind: TypeEngine[Any], number: int) -> Any:
    """What a column or a bind of this name and type holds in this row."""
    place = GROUPS.get(name, int)(number)
    match kind:
        case OneOf(words=words):
            return words[0] if number % RARE == 0 else words[-1]
        case PlainText(length=length):
            return f"{name}{place}"[-(length or 99) :]
        case Whole():
            return place + 1
        case Finite():
            return place + 0.5
        case Boolean():
            return number % RARE != 0
        case UTCDateTime():
            return MONDAY + timedelta(minutes=number)
        case Date():
            return (MONDAY + timedelta(days=number)).date()
        case JSON() | StrictJson():
            return []
    raise NotImplementedError(f"{name}: say here what a {kind!r} holds")


def fill(tx: Transaction, table: Table) -> None:
    """Rows that keep every rule of the table; of what may be NULL, half is."""
    tx.copy(
        table,
        [column.name for column in table.columns],
        [
            tuple(
                None
                if column.nullable and number // 2 % 2
                else value(column.name, column.type, number)
                for column in table.columns
            )
            for number in range(ROWS)
        ],
    )
