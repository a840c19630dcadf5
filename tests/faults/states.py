"""What stands in a database, in a form in which two databases can be compared."""

from collections.abc import Container
from typing import Any

from sqlalchemy import Date, Table, select

from openalgo_store import SymbolLoadRefused, get_read_session
from openalgo_store.engine.queries import Query
from openalgo_store.store import current_store
from openalgo_store.tables import METADATA
from openalgo_store.tables.accounts import auth_tokens, secret_sentinels
from openalgo_store.tables.symbols import symbol_loads
from openalgo_store.tables.types import UTCDateTime

Line = tuple[str, tuple[tuple[str, str], ...]]
"""A table and a row of it, value by column."""
State = tuple[Line, ...]
"""Every row in order; what differs between any two runs is left out."""

_LEFT_OUT = {"id", "read_seconds", "validate_seconds", "write_seconds"}
_SHOWN = 8
_MARKS = {"latency_writers", "log_writers"}
"""Tables that tell which process wrote what."""
_COLUMNS = [
    column for metadata in METADATA.values() for table in metadata.tables.values()
    for column in table.columns
]  # fmt: skip
MOMENTS = {each.name for each in _COLUMNS if isinstance(each.type, (UTCDateTime, Date))}
"""The columns that depend on the clock."""
USERS = {"user_id"}
"""The column that depends on how users are numbered."""
_ROWS = {
    name: [
        (table, Query.of(select(table), tuple))
        for table in metadata.sorted_tables
        if table.name not in _MARKS
    ]
    for name, metadata in METADATA.items()
}


def state_of(database: str) -> State:
    """All that is committed in a database of the current store."""
    with get_read_session(database) as tx:
        return tuple(
            sorted(
                (table.name, _line(table, row))
                for table, query in _ROWS[database]
                for row in tx.all(query)
                if not _tells_of_a_failure(table, row)
            )
        )


def masked(state: State, columns: Container[str]) -> State:
    """The state without these columns."""
    return tuple(
        sorted(
            (table, tuple(each for each in row if each[0] not in columns)) for table, row in state
        )
    )


def difference(found: State, expected: State) -> str:
    """Rows of the one that the other lacks."""
    lines = [f"there is: {each}" for each in found if each not in expected]
    lines += [f"it lacks: {each}" for each in expected if each not in found]
    return "\n".join(lines[:_SHOWN]) or "the same rows, another number of times"


def _tells_of_a_failure(table: Table, row: tuple[Any, ...]) -> bool:
    """Whether it is what a load keeps of an error, when nothing was loaded."""
    if table is not symbol_loads:
        return False
    error = row[table.columns.keys().index("error")]
    return error is not None and not error.startswith(SymbolLoadRefused.__name__)


def _line(table: Table, values: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    row = dict(zip(table.columns.keys(), values, strict=True))
    if table is auth_tokens:
        row = _opened(row)
    if table is secret_sentinels:
        row["proof"] = row["proof"].partition(":")[0]  # which key; what it has sealed varies
    if "claim" in row:
        row["claim"] = row["claim"] is not None  # a new one each time
    return tuple((name, repr(value)) for name, value in row.items() if name not in _LEFT_OUT)


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    """With its tokens in clear: sealed they look otherwise each time."""
    place = row["key_id"], row["user_id"], row["broker"]
    for name in ("access_token", "refresh_token", "feed_token"):
        if row[name] is not None:
            row[name] = current_store().secrets.cipher.open(row[name], *place, name)
    return row
